"""What applying a plan has to know of its dealing, for nobody is dealt anew: whose turn passed, and who is full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from attrs import frozen

from ownership_core.distribute import Capacity, Distribution, Rotation, leaf_of, leaves, questions
from ownership_core.distribute.hands import Ledger
from ownership_core.keys import KeyType, id_order
from ownership_core.model import CustomerId, StaffId
from ownership_core.ports import Query, Writer
from ownership_core.ruling import Fate, PlanRow
from ownership_core.scope import OneOf

LOOKED_AT = 1_000
"""So many customers are looked at by one statement to learn by what they were dealt."""


@frozen
class Replay:
    """The rows of one run that a plan gave out by ``to``, before they are written."""

    writer: Writer
    to: Distribution
    run: str
    key: KeyType

    def beyond(self, ledger: Ledger) -> list[CustomerId]:
        """Those who change, in id order, whose receiver takes no more: bounds are of now, as ``ledger`` knows it."""
        bounds: dict[str, list[Capacity]] = {}
        for source, leaf in leaves(self.to):
            if (capacity := bound_of(leaf)) is not None:
                bounds.setdefault(source, []).append(capacity)
        given = self.writer.given(self.run)
        coming = Counter[StaffId]()
        for one in given:
            coming[one.receiver] += one.many
        asked = ((one.receiver, bound) for one in given for bound in bounds.get(one.source, ()))
        if all(_has_room(ledger, staff, bound, coming[staff]) for staff, bound in asked):
            return []
        refused = []
        for row, part in self._dealt_by(self._changed()):
            staff = StaffId(str(row.receiver))
            if _has_room(ledger, staff, bound_of(part), 1):
                ledger.given[staff] += 1
            else:
                refused.append(row.customer)
        return refused

    def last(self) -> dict[str, StaffId]:
        """Who was last in each rotation among the customers that change, in id order; these rotations are held."""
        behind: dict[str, set[str | None]] = {}
        for source, leaf in leaves(self.to):
            behind.setdefault(source, set()).add(leaf.name if isinstance(leaf, Rotation) else None)
        turns = {source: names for source, names in behind.items() if names != {None}}
        if not turns:
            return {}
        alone = {source: next(iter(names)) for source, names in turns.items() if len(names) == 1}
        given = self.writer.given(self.run)
        seen = [(str(alone[one.source]), one.last, one.receiver) for one in given if one.source in alone]
        if any(one.source in turns and one.source not in alone for one in given):
            seen += self._by_case({*turns} - {*alone})
        last = {name: staff for name, _, staff in sorted(seen, key=lambda one: id_order(one[1], self.key))}
        self.writer.lock_rotations(last)
        return last

    def _by_case(self, sources: set[str]) -> list[tuple[str, CustomerId, StaffId]]:
        """The same where a source does not tell by what a customer was dealt: its cases are asked once more."""
        last: dict[str, tuple[str, CustomerId, StaffId]] = {}
        for row, leaf in self._dealt_by(row for row in self._changed() if row.source in sources):
            if isinstance(leaf, Rotation) and row.receiver is not None:
                last[leaf.name] = leaf.name, row.customer, row.receiver
        return list(last.values())

    def _changed(self) -> Iterator[PlanRow]:
        return (row for row in self.writer.plan_rows(self.run) if row.fate is Fate.CHANGED and row.receiver)

    def _dealt_by(self, rows: Iterable[PlanRow]) -> Iterator[tuple[PlanRow, Distribution | None]]:
        """Each row with what it was dealt by; a customer of the same version finds the same case."""
        remaining, scopes = iter(rows), questions(self.to).scopes
        while chunk := list(islice(remaining, LOOKED_AT)):
            asked = Query(OneOf("id", [row.customer for row in chunk]))
            marks = self.writer.marks(asked, scopes, (), None, len(chunk)) if scopes else []
            held = {one.customer: {s for place, s in enumerate(scopes) if one.held >> place & 1} for one in marks}
            for row in chunk:
                yield row, leaf_of(self.to, held.get(row.customer, ()))


def bound_of(part: Distribution | None) -> Capacity | None:
    """How many customers each of its members takes."""
    return getattr(part, "capacity", None)


def _has_room(ledger: Ledger, staff: StaffId, bound: Capacity | None, many: int) -> bool:
    """Whether somebody takes so many more; one whom the distribution does not know is not bound by it."""
    takes = ledger.takes(staff, bound) if staff in ledger.candidates else None
    return takes is None or many <= takes
