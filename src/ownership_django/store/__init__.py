"""The Store port in Django's own connection and transaction."""

from ownership_django.store.store import DjangoStore

__all__ = ["DjangoStore"]
