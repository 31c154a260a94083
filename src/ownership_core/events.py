"""What happened: one event and one version per subject and run, for ever (I33, I34, H19).

Events hold ids, codes and times, never a name or an e-mail address. Bodies are versioned JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from attrs import frozen

from ownership_core.model import Actor, Assignment, Json, StaffId
from ownership_core.ruling import PlanRow

BODY_VERSION = 1


class Subject(StrEnum):
    """What an event is about."""

    CUSTOMER = "customer"
    STAFF = "staff"
    DEPARTMENT = "department"
    ROLE = "role"
    COVER = "cover"
    RULE = "rule"


@frozen
class Event:
    """One fact that changed. ``(subject_kind, subject, version)`` is its identity; versions have no gap.

    ``at`` is UTC microseconds; order is by version, never by time (clocks step back).
    """

    subject_kind: Subject
    subject: str
    version: int
    run: str
    at: int
    actor: Actor
    reason: str | None
    body: Json


def customer_body(what: str, row: PlanRow, added: Iterable[Assignment] = (), fields: Iterable[str] = ()) -> Json:
    """The body of a customer's event; stores that write events by one statement produce the same shape."""
    return {
        "v": BODY_VERSION,
        "what": what,
        "primary": [row.primary_before, row.primary_after],
        "added": [line(a) for a in sorted(added, key=lambda a: a.staff)],
        "removed": [line(a) for a in sorted(row.removed, key=lambda a: a.staff)],
        "fields": sorted(fields),
    }


def line(assignment: Assignment) -> Json:
    """An assignment as events keep it: everything an undo needs."""
    return {
        "staff": assignment.staff,
        "primary": assignment.primary,
        "since": assignment.since,
        "role": assignment.role,
        "source": assignment.source,
    }


def read_line(raw: Mapping[str, object]) -> Assignment:
    """The assignment of :func:`line`."""
    return Assignment(
        staff=StaffId(str(raw["staff"])),
        primary=bool(raw["primary"]),
        since=int(str(raw["since"])),
        role=str(raw["role"]),
        source=str(raw["source"]),
    )
