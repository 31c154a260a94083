"""Rows of the tables as the nouns of the core, and nouns as rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ownership_core.events import Event, Subject, line, read_line
from ownership_core.fields import Fields, Kind
from ownership_core.keys import KeyType, id_order
from ownership_core.model import (
    Actor,
    ActorKind,
    AssignedStaff,
    Assignment,
    Customer,
    CustomerId,
    DepartmentId,
    GroupRestriction,
    Json,
    RestrictionMode,
    StaffId,
    Value,
)
from ownership_core.ports import Run, RunState, Tally
from ownership_core.ruling import NOT_FOUND, STALE, VERSION_CONFLICT, Fate, PlanRow
from ownership_sqlalchemy.compile import COLUMNS

FIRST_CODES = (NOT_FOUND, VERSION_CONFLICT, STALE)
"""The codes of the first bits of ``plan_item.codes``; the requirements of a run take the next ones."""


def dumped(value: object) -> str:
    """``value`` as JSON with one spelling."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def customer_of(row: Any, fields: Fields, staff_key: KeyType) -> Customer:
    """A customer of a row with its columns, head, assignments and kept values."""
    values: dict[str, Value | None] = {}
    for name in COLUMNS:
        value = getattr(row, name)
        if value is not None:
            values[name] = value
    values["no_auto"] = bool(row.no_auto)
    sets: dict[str, set[str]] = {}
    for name, text, number in json.loads(row.kept):
        if name not in fields:
            continue  # kept by a host that no longer declares it
        if fields[name].many:
            sets.setdefault(name, set()).add(text)
        else:
            values[name] = _kept_value(fields[name].kind, text, number)
    assignments, staff = _assignments_of(row.assigned, staff_key)
    every_set = {name: frozenset(texts) for name, texts in sets.items()}
    return Customer(CustomerId(row.id), values, every_set, assignments, staff, row.version or 0)


def _kept_value(kind: Kind, text: str, number: int) -> Value:
    if kind is Kind.TEXT:
        return text
    return bool(number) if kind is Kind.BOOLEAN else number


def _assignments_of(text: str, staff_key: KeyType) -> tuple[tuple[Assignment, ...], dict[StaffId, AssignedStaff]]:
    assignments, staff = [], {}
    for id, slot, since, role, source, active, departments in json.loads(text):
        name = StaffId(str(id))
        assignments.append(Assignment(name, slot == 0, since, role, source))
        staff[name] = AssignedStaff(bool(active), frozenset(map(DepartmentId, departments)))
    assignments.sort(key=lambda a: id_order(a.staff, staff_key))
    return tuple(assignments), staff


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


def restriction_of(mode: str | None, groups: Iterable[str]) -> GroupRestriction | None:
    """A restriction, or None where there is no row for one."""
    if mode is None:
        return None
    listed: frozenset[str] = frozenset(groups)
    return GroupRestriction(RestrictionMode(mode), listed)


def actor_columns(actor: Actor) -> dict[str, str | None]:
    """Who asked, as the columns of a run or an event."""
    return {"actor_kind": actor.kind.value, "actor": actor.id, "rule": actor.rule}


def run_columns(run: Run) -> dict[str, object]:
    """A run as its row, without the codes of its plan rows."""
    tally = run.tally
    counted = {
        "changed": tally.changed,
        "unchanged": tally.unchanged,
        "refused": tally.refused,
        "stale": tally.stale,
        "codes": dict(tally.codes),
        "still_selected": tally.still_selected,
    }
    return {
        "id": run.id,
        "state": run.state.value,
        "what": run.what,
        "command": dumped(run.command),
        **actor_columns(run.actor),
        "at": run.at,
        "reason": run.reason,
        "tally": dumped(counted),
        "expires": run.expires,
    }


def run_of(row: Any) -> Run:
    """A run of its row."""
    return Run(
        id=row.id,
        state=RunState(row.state),
        what=row.what,
        command=json.loads(row.command),
        actor=_actor_of(row),
        at=row.at,
        reason=row.reason,
        tally=Tally(**json.loads(row.tally)),
        expires=row.expires,
    )


def event_columns(event: Event) -> dict[str, object]:
    """An event as its row."""
    return {
        "subject_kind": event.subject_kind.value,
        "subject": event.subject,
        "version": event.version,
        "run": event.run,
        "at": event.at,
        **actor_columns(event.actor),
        "reason": event.reason,
        "body": dumped(event.body),
    }


def event_of(row: Any) -> Event:
    """An event of its row; the lines of a customer's event by staff, however the database gathered them."""
    kind = Subject(row.subject_kind)
    body: Json = json.loads(row.body)
    if kind is Subject.CUSTOMER:
        for side in ("added", "removed"):
            body[side] = sorted(body.get(side, ()), key=lambda one: str(one["staff"]))
    return Event(kind, row.subject, row.version, row.run, row.at, _actor_of(row), row.reason, body)


def _actor_of(row: Any) -> Actor:
    return Actor(ActorKind(row.actor_kind), row.actor, row.rule)


def plan_row_of(row: Any, names: tuple[str, ...], staff_key: KeyType) -> PlanRow:
    """A plan row; ``names`` says which code each bit stands for."""
    removed = (read_line(one) for one in json.loads(row.removed))
    return PlanRow(
        customer=CustomerId(row.customer_id),
        fate=Fate(row.fate),
        version=row.version,
        codes=codes_of(row.codes, names),
        primary_before=row.primary_before,
        primary_after=row.primary_after,
        added=row.added,
        removed=tuple(sorted(removed, key=lambda a: id_order(a.staff, staff_key))),
    )


def codes_of(bits: int, names: tuple[str, ...]) -> tuple[str, ...]:
    """The codes whose bits are set, in order."""
    return tuple(name for place, name in enumerate(names) if bits >> place & 1)


def removed_text(assignments: Iterable[Assignment]) -> str:
    """Assignments as ``plan_item.removed`` keeps them."""
    return dumped([line(a) for a in assignments])
