"""Every change an admin makes lands in Django's own log too, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from ownership_core.ruling import Fate, PlanRow
from ownership_django import hosts
from ownership_django.admin.leavers import rows_of

CHUNK = 1_000


def log_changed(user: Any, model: Any, rows: Iterable[PlanRow], message: str) -> None:
    """One entry for each customer that changed. It names the customer by its key.

    The log is shown to its user for ever, also after the customer is hidden: so it keeps no name, as our events do.
    """
    kind = ContentType.objects.get_for_model(model, for_concrete_model=False)
    called = str(model._meta.verbose_name)
    entries: Iterator[LogEntry] = (
        LogEntry(
            user_id=user.pk,
            content_type_id=kind.pk,
            object_id=str(hosts.customers().value(row.customer)),
            object_repr=f"{called} {row.customer}"[:200],
            action_flag=CHANGE,
            change_message=message,
        )
        for row in rows
        if row.fate is Fate.CHANGED
    )
    while some := list(islice(entries, CHUNK)):
        LogEntry.objects.bulk_create(some)


def log_left(user: Any, staff: str, message: str) -> None:
    """One entry for whoever handed everything over, at its row of the host's if it has one: it names it by its key."""
    model = hosts.staff_model()
    key = rows_of(model, [staff]).get(staff)
    if key is not None:
        LogEntry.objects.create(
            user_id=user.pk,
            content_type_id=ContentType.objects.get_for_model(model, for_concrete_model=False).pk,
            object_id=str(key),
            object_repr=f"{model._meta.verbose_name} {staff}"[:200],
            action_flag=CHANGE,
            change_message=message,
        )
