"""The use cases over the site's own tables: one :class:`~ownership_core.service.Ownership` for each process."""

from __future__ import annotations

import attrs

from ownership_core.service import Ownership
from ownership_django import conf
from ownership_django.store import DjangoStore


@conf.until_changed
def ownership() -> Ownership:
    """The service of this site; :class:`StoreError` where its tables do not fit (``schema_missing`` ...)."""
    return Ownership(DjangoStore(), conf.configuration().settings, conf.plugins())


@conf.until_changed
def superusers() -> Ownership:
    """The same for superusers without a staff row, who are operators whatever the settings say of a console."""
    known = ownership()
    return Ownership(known.store, attrs.evolve(known.settings, operator=True), known.host)
