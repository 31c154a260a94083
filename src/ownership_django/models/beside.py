"""Who reaches customers without being assigned to them: whoever stands in for a colleague, and former staff."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from ownership_django import conf
from ownership_django.models.access import Staff
from ownership_django.models.guarded import GuardedModel
from ownership_django.models.keys import ExactField


class Cover(GuardedModel):
    """``by`` stands in for ``staff`` from ``since`` until, and not including, ``until``."""

    id = ExactField(primary_key=True)
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    by = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    since = models.BigIntegerField()
    until = models.BigIntegerField()
    version = models.BigIntegerField(default=0)

    class Meta:
        base_manager_name = "objects"
        constraints = (
            models.CheckConstraint(condition=~Q(staff=F("by")), name="ownership_cover_colleague"),
            models.CheckConstraint(condition=Q(since__lte=F("until")), name="ownership_cover_window"),
        )


class Share(GuardedModel):
    """``staff`` sees a customer until, and not including, ``until``.

    It ends with the customer, as its assignments do: see :func:`ownership_django.deletion.end_assignments`.
    """

    customer = models.ForeignKey(conf.customer_label(), models.DO_NOTHING, related_name="+", db_index=False)
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+", db_index=False)
    until = models.BigIntegerField()

    class Meta:
        base_manager_name = "objects"
        constraints = (models.UniqueConstraint(fields=["customer", "staff"], name="ownership_share_pair"),)
        indexes = (models.Index(fields=["staff", "until"], name="ownership_share_by_staff"),)
