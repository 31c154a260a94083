"""The app: what a site adds to ``INSTALLED_APPS``."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class OwnershipConfig(AppConfig):
    """``"ownership_django"`` in ``INSTALLED_APPS``; its tables are called ``ownership_...``."""

    name = "ownership_django"
    label = "ownership"
    verbose_name = "Customer ownership"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer the system checks, and record the cardinality wherever the tables are made or emptied."""
        from ownership_django import checks  # noqa: F401, PLC0415 - importing registers them
        from ownership_django.cardinality import record_cardinality  # noqa: PLC0415 - models are ready now

        post_migrate.connect(record_cardinality, sender=self, dispatch_uid="ownership.record_cardinality")
