"""Rows of our tables as the nouns of the core, and nouns as rows; what every SQL store keeps alike is the core's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from json import JSONDecoder
from typing import Any

from ownership_core import rows
from ownership_core.events import Event, Subject
from ownership_core.fields import Fields, Kind
from ownership_core.keys import KeyType, id_order
from ownership_core.model import AssignedStaff, Assignment, Customer, CustomerId, DepartmentId, StaffId, Value
from ownership_core.rows import (
    FIRST_CODES,
    actor_columns,
    codes_of,
    dumped,
    plan_row_of,
    removed_text,
    restriction_of,
    rule_columns,
    rule_of,
    run_columns,
    run_of,
)
from ownership_sqlalchemy.bodies import kept_body, read_body
from ownership_sqlalchemy.facts import COLUMNS

__all__ = [
    "FIRST_CODES",
    "actor_columns",
    "codes_of",
    "customer_of",
    "dumped",
    "event_columns",
    "event_of",
    "kept_rows",
    "plan_row_of",
    "removed_text",
    "restriction_of",
    "rule_columns",
    "rule_of",
    "run_columns",
    "run_of",
]

_read = JSONDecoder().raw_decode  # what the database made has no blanks around it to be looked for


def event_columns(event: Event) -> dict[str, object]:
    """An event as its row; one of a customer in the short form."""
    columns = rows.event_columns(event)
    return {**columns, "body": kept_body(event.body)} if event.subject_kind is Subject.CUSTOMER else columns


def event_of(row: Any) -> Event:
    """An event of its row, in whichever form its body is kept."""
    return rows.event_of(row, read_body)


def customer_of(row: Any, fields: Fields, staff_key: KeyType) -> Customer:
    """A customer of a row with its columns, head, assignments and kept values."""
    values: dict[str, Value | None] = {}
    for name in COLUMNS:
        value = getattr(row, name)
        if value is not None:
            values[name] = value
    values["no_auto"] = bool(row.no_auto)
    sets: dict[str, set[str]] = {}
    for name, text, number in _kept(_read(row.kept)[0]):
        if name not in fields:
            continue  # kept by a host that no longer declares it
        if fields[name].many:
            sets.setdefault(name, set()).add(text)
        else:
            values[name] = _kept_value(fields[name].kind, text, number)
    assignments, staff = _assignments_of(row.assigned, staff_key)
    every_set = {name: frozenset(texts) for name, texts in sets.items()}
    shares = {StaffId(str(id)): until for id, until in _read(getattr(row, "shared", None) or "[]")[0]}
    return Customer(CustomerId(row.id), values, every_set, assignments, staff, row.version or 0, shares)


def _kept(found: Any) -> Iterator[tuple[str, str, int]]:
    """Values by line, as we keep them, or by field, as a host's are gathered: (field, text, number)."""
    if isinstance(found, list):
        yield from found
        return
    for name, values in found.items():
        yield from ((name, value, value) for value in values if value is not None)


def _kept_value(kind: Kind, text: str, number: int) -> Value:
    if kind is Kind.TEXT:
        return text
    return bool(number) if kind is Kind.BOOLEAN else number


def _assignments_of(text: str, staff_key: KeyType) -> tuple[tuple[Assignment, ...], dict[StaffId, AssignedStaff]]:
    assignments, staff = [], {}
    for id, slot, since, role, source, active, departments in _read(text)[0]:
        name = StaffId(str(id))
        assignments.append(Assignment(name, slot == 0, since, role, source))
        staff[name] = _described(bool(active), tuple(departments))
    if len(assignments) > 1:
        assignments.sort(key=lambda a: id_order(a.staff, staff_key))
    return tuple(assignments), staff


@lru_cache(maxsize=4_096)
def _described(active: bool, departments: tuple[str, ...]) -> AssignedStaff:
    """A page names few staff many times."""
    return AssignedStaff(active, frozenset(map(DepartmentId, departments)))


def kept_rows(
    customer: str, fields: Fields, values: Mapping[str, Value | None], sets: Mapping[str, Iterable[str]]
) -> list[dict[str, object]]:
    """The rows of ``customer_value`` for set fields and the host's own to-one fields."""
    rows: list[dict[str, object]] = []
    for name, value in values.items():
        if name in COLUMNS or name == "no_auto" or value is None:
            continue
        number = None if fields[name].kind is Kind.TEXT else int(value)
        rows.append({"customer_id": customer, "field": name, "value": str(value), "number": number})
    for name, texts in sets.items():
        rows += [{"customer_id": customer, "field": name, "value": text, "number": None} for text in sorted(texts)]
    return rows
