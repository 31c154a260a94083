"""What the rows themselves say, read by SQL written here: no code under test stands between a check and the tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeAlias

from attrs import frozen
from sqlalchemy import Engine, text

from ownership_sqlalchemy.bodies import read_body

Held: TypeAlias = dict[str, dict[str, Any]]
"""The assignments of one customer: staff to the line an event keeps of it."""

# Each finds what must not be there.
ALWAYS = {
    "I1: two primaries": (
        "SELECT customer_id FROM ownership_assignment WHERE slot IS NOT NULL GROUP BY customer_id HAVING COUNT(*) > 1"
    ),
    "I4: a pair twice": (
        "SELECT customer_id FROM ownership_assignment GROUP BY customer_id, staff_id HAVING COUNT(*) > 1"
    ),
    "I6: an assignment of nobody": (
        "SELECT a.customer_id FROM ownership_assignment a LEFT JOIN ownership_customer c ON c.id = a.customer_id"
        " LEFT JOIN ownership_staff s ON s.id = a.staff_id WHERE c.id IS NULL OR s.id IS NULL"
    ),
    "a gap in the versions": (
        "SELECT subject FROM ownership_event GROUP BY subject_kind, subject"
        " HAVING MIN(version) <> 1 OR MAX(version) <> COUNT(*)"
    ),
    "a head that counts something else": (
        "SELECT h.customer_id FROM ownership_head h WHERE h.version <> (SELECT COUNT(*) FROM ownership_event e"
        " WHERE e.subject_kind = 'customer' AND e.subject = h.customer_id)"
    ),
    "an event without a run": (
        "SELECT e.run FROM ownership_event e LEFT JOIN ownership_run r ON r.id = e.run WHERE r.id IS NULL"
    ),
    "a run without an event": (
        "SELECT r.id FROM ownership_run r LEFT JOIN ownership_event e ON e.run = r.id"
        " WHERE e.run IS NULL AND r.state = 'applied' AND r.what <> 'switch_cardinality'"
    ),
}
IN_SINGLE = {
    "I3: several in single": "SELECT customer_id FROM ownership_assignment GROUP BY customer_id HAVING COUNT(*) > 1",
    "I3: no primary in single": "SELECT customer_id FROM ownership_assignment WHERE slot IS NULL",
}


@frozen
class Entry:
    """One event of a customer, as its row says."""

    customer: str
    version: int
    run: str
    what: str
    primary: tuple[str | None, str | None]
    added: Held
    removed: Held
    fields: tuple[str, ...]


class Ledger:
    """The tables of one shop."""

    def __init__(self, engine: Engine, cardinality: str) -> None:
        self._engine = engine
        self._forbidden = {**ALWAYS, **(IN_SINGLE if cardinality == "single" else {})}

    def ask(self, statement: str, **values: Any) -> list[Any]:
        """Rows as they are now."""
        with self._engine.connect() as connection:
            return list(connection.execute(text(statement), values))

    def broken(self) -> list[str]:
        """Every invariant that does not hold, with whom it concerns."""
        with self._engine.connect() as connection:
            found = {name: connection.execute(text(asked)).scalars().all() for name, asked in self._forbidden.items()}
        return [f"{name}: {sorted(map(str, whom))}" for name, whom in found.items() if whom]

    def entries(self) -> list[Entry]:
        """All events of customers, by customer and version."""
        rows = self.ask(
            "SELECT subject, version, run, body FROM ownership_event WHERE subject_kind = 'customer'"
            " ORDER BY subject, version"
        )
        return [_entry(*row) for row in rows]

    def assignments(self) -> dict[str, Held]:
        """Who is assigned to whom."""
        found: dict[str, Held] = defaultdict(dict)
        for customer, staff, slot, role, source, since in self.ask(
            "SELECT customer_id, staff_id, slot, role, source, since FROM ownership_assignment"
        ):
            line = {"staff": staff, "primary": slot is not None, "since": since, "role": role, "source": source}
            found[customer][staff] = line
        return dict(found)

    def events_of_runs(self) -> Counter[str]:
        """How many events each run has."""
        return Counter(dict(self.ask("SELECT run, COUNT(*) FROM ownership_event GROUP BY run")))  # type: ignore[arg-type]


def _entry(customer: str, version: int, run: str, body: str) -> Entry:
    read = read_body(body)
    before, after = read["primary"]
    lines = {name: {line["staff"]: line for line in read[name]} for name in ("added", "removed")}
    return Entry(
        customer, version, run, read["what"], (before, after), lines["added"], lines["removed"], tuple(read["fields"])
    )


def replayed(entries: Iterable[Entry]) -> tuple[dict[str, Held], list[str]]:
    """The assignments these events lead to (I34), and whatever contradicts the event before (I43)."""
    state: dict[str, Held] = defaultdict(dict)
    wrong = []
    for entry in entries:
        held, place = state[entry.customer], f"{entry.customer} at {entry.version}"
        if entry.primary[0] != _primary(held):
            wrong.append(f"{place}: the primary was {_primary(held)}, not {entry.primary[0]}")
        wrong += [
            f"{place}: {staff} was not as removed" for staff, was in entry.removed.items() if held.get(staff) != was
        ]
        wrong += [f"{place}: {staff} was there already" for staff in entry.added if staff in held]
        if not (entry.added or entry.removed or entry.fields or entry.primary[0] != entry.primary[1]):
            wrong += [] if entry.what == "create_customer" else [f"{place}: nothing changed"]
        for staff in entry.removed:
            held.pop(staff, None)
        held.update({staff: dict(line) for staff, line in entry.added.items()})
        for staff, line in held.items():
            line["primary"] = staff == entry.primary[1]
        if entry.primary[1] != _primary(held):
            wrong.append(f"I2, {place}: the primary {entry.primary[1]} is not assigned")
    return {customer: held for customer, held in state.items() if held}, wrong


def _primary(held: Held) -> str | None:
    return next((staff for staff, line in held.items() if line["primary"]), None)


def contradictions(ledger: Ledger) -> list[str]:
    """Everything that is wrong with a shop: broken invariants, lost updates, events that do not lead to the rows."""
    state, wrong = replayed(ledger.entries())
    there = ledger.assignments()
    differ = [
        f"I34: {one} is {there.get(one)}, its events say {state.get(one)}"
        for one in {*state, *there}
        if state.get(one) != there.get(one)
    ]
    return ledger.broken() + wrong + differ


def cycle(entries: Iterable[Entry]) -> list[str]:
    """Runs that each came before the next, the last before the first; none where the history is a serial order."""
    before: dict[str, set[str]] = defaultdict(set)
    last: Entry | None = None
    for entry in entries:
        if last is not None and last.customer == entry.customer:
            before[entry.run].add(last.run)
        last = entry
    try:
        tuple(TopologicalSorter(before).static_order())
    except CycleError as found:
        return list(found.args[1])
    return []
