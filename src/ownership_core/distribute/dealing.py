"""Dealing: each customer finds its case, and the hand behind that case gives it to somebody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, assert_never

from attrs import frozen

from ownership_core.distribute.data import (
    ByScope,
    Candidate,
    Case,
    Days,
    Distribution,
    FromField,
    LeastBusy,
    Marked,
    Members,
    Placement,
    Rotation,
    ToStaff,
    Weighted,
)
from ownership_core.distribute.hands import ByField, Fixed, Found, Hand, Heap, Ledger, Ring, Shares, nobody
from ownership_core.distribute.parts import homes, questions
from ownership_core.keys import KeyType, from_micros
from ownership_core.model import DepartmentId, StaffId
from ownership_core.scope import UNASSIGNED


@frozen
class _Gate:
    """A case: ``bit`` of its question, ``takes`` that of those it may take (0: everybody), None where it is broken."""

    bit: int
    takes: int
    source: str
    leads: _Node | None


@frozen
class _Fork:
    gates: tuple[_Gate, ...]
    otherwise: _Node | None

    def gate(self, held: int) -> _Gate | None:
        """The first that holds or cannot be asked."""
        for gate in self.gates:
            if gate.leads is None or held & gate.bit:
                return gate
        return None


_Node: TypeAlias = _Fork | Hand


class Dealer:
    """Deals customers out by one distribution, one after the other; needs memory for its staff only.

    ``candidates``: everybody who could get one (all staff where :attr:`Questions.fields` is not empty);
    who is not among them does not exist. ``pointers``: who was last in each rotation. ``at``: now, in UTC
    microseconds, whose UTC weekday counts. ``parents``: the department above each, for pools ``below``
    one. The same input gives the same output, in however many calls it is dealt.

    >>> dealer = Dealer(Rotation("new", {"ada", "jon"}), [Candidate("ada"), Candidate("jon")], {"new": "ada"}, 0)
    >>> [placement.staff for placement in dealer.deal([Marked("c1"), Marked("c2")])]
    ['jon', 'ada']
    >>> dealer.pointers
    {'new': 'ada'}

    Dealing by weight has to know how many there are: where :attr:`needs_totals`, first :meth:`count` the
    same customers.
    """

    def __init__(
        self,
        distribution: Distribution,
        candidates: Iterable[Candidate],
        pointers: Mapping[str, StaffId | None],
        at: int,
        key_type: KeyType = KeyType.TEXT,
        parents: Mapping[DepartmentId, DepartmentId | None] | None = None,
    ) -> None:
        self.pointers: dict[str, StaffId | None] = dict(pointers)
        self._ledger = Ledger(candidates, key_type)
        self._weekday = from_micros(at).weekday()
        self._parents = parents or {}
        self._bits = {scope: 1 << place for place, scope in enumerate(questions(distribution).scopes)}
        self._shares: list[Shares] = []
        self._counted = False
        self._root = self._built(distribution)

    @property
    def needs_totals(self) -> bool:
        """Whether the customers have to be counted before they are dealt."""
        return bool(self._shares)

    def count(self, marked: Iterable[Marked]) -> None:
        """Learn how many there are for each set of weights; may be called batch by batch."""
        self._counted = True
        for one in marked:
            node, _ = self._way(one)
            if isinstance(node, Shares):
                node.total += 1

    def deal(self, marked: Iterable[Marked]) -> Iterator[Placement]:
        """Who gets each of these, in their order; streamed."""
        if self.needs_totals and not self._counted:
            raise AssertionError("count() the customers before you deal() them by weight")
        for one in marked:
            way, source = self._way(one)
            staff, code = way if isinstance(way, tuple) else way.next(one)
            if staff is not None:
                self._ledger.given[staff] += 1
            yield Placement(one.customer, staff, code, source)

    @property
    def turns(self) -> Sequence[StaffId]:
        """Those to come, in a ring, where :meth:`deal` would give each customer to the next of them, whoever it is.

        Empty where anything else counts. A store may then place them at once, and :meth:`went_on` is told how many.
        """
        return self._root.turns if isinstance(self._root, Ring) else ()

    def went_on(self, many: int) -> None:
        """``many`` customers have gone to those whose turn it was; the pointer stands at the last."""
        if isinstance(self._root, Ring):
            self._root.went_on(many)

    def _way(self, marked: Marked) -> tuple[Hand | Found, str]:
        """The hand that gives this customer, or the answer that nobody does; and the source."""
        node: _Node | None = self._root
        source = ""
        while isinstance(node, _Fork):
            gate = node.gate(marked.held)
            if gate is None:
                node = node.otherwise
                continue
            source = source or gate.source
            if gate.leads is None:
                return nobody("rule_error"), source
            if gate.takes and not marked.held & gate.takes:
                return nobody("already_assigned"), source
            node = gate.leads
        return (nobody("no_target") if node is None else node), source

    def _built(self, distribution: Distribution) -> _Node:
        match distribution:
            case ToStaff(staff):
                return Fixed(self._ledger, staff)
            case FromField(field):
                return ByField(self._ledger, field)
            case Rotation(name, members, capacity, days):
                return Ring(self._ledger, self._present(self._pool(members), days), capacity, self.pointers, name)
            case LeastBusy(members, capacity, days):
                return Heap(self._ledger, self._present(self._pool(members), days), capacity)
            case Weighted(weights, capacity, days):
                present = {staff: weights[staff] for staff in self._present(weights, days)}
                self._shares.append(shares := Shares(self._ledger, present, capacity))
                return shares
            case ByScope(cases, otherwise):
                return _Fork(tuple(map(self._gate, cases)), None if otherwise is None else self._built(otherwise))
            case _:
                assert_never(distribution)

    def _gate(self, case: Case) -> _Gate:
        if case.broken:
            return _Gate(0, 0, case.source, None)
        takes = 0 if case.reassign else self._bits[UNASSIGNED]
        return _Gate(self._bits[case.condition], takes, case.source, self._built(case.to))

    def _pool(self, members: Members) -> Iterable[StaffId]:
        if isinstance(members, frozenset):
            return members
        works = homes(members, self._parents)
        return [staff for staff, known in self._ledger.candidates.items() if known.departments & works]

    def _present(self, pool: Iterable[StaffId], days: Days) -> list[StaffId]:
        """Those of the pool who are active and available, and work on this weekday."""
        known = self._ledger.candidates
        return [
            staff
            for staff in pool
            if staff in known
            and known[staff].active
            and known[staff].available
            and self._weekday in days.get(staff, (self._weekday,))
        ]
