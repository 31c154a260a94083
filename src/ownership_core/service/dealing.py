"""Dealing inside a transaction: asks the store what has to be known, deals, and says whom each customer goes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, repeat

import attrs
from attrs import frozen

from ownership_core.commands import (
    Matching,
    MovingCommand,
    Offboard,
    Rebalance,
    Selection,
    Sweep,
    Transfer,
    Unplaced,
    selection_of,
)
from ownership_core.distribute import (
    Candidate,
    Dealer,
    Distribution,
    Flow,
    LeastBusy,
    Marked,
    Placement,
    Rotation,
    ToStaff,
    Weighted,
    named_departments,
    named_staff,
    parts,
    questions,
    rebalance,
)
from ownership_core.distribute.hands import NO_CAPACITY, Ledger
from ownership_core.errors import Problem
from ownership_core.model import Access, StaffId
from ownership_core.ports import Draft, Load, Query, Tally, Writer
from ownership_core.rows import named
from ownership_core.rules import Occasion, Rule, as_distribution, due, unaskable
from ownership_core.ruling import Ruling
from ownership_core.scope import UNASSIGNED, AllOf, OneOf, Scope
from ownership_core.service.desk import Desk
from ownership_core.service.keeping import DAY
from ownership_core.service.replaying import Replay, bound_of
from ownership_core.service.unplaced import RULE_ERROR, LeftOut
from ownership_core.simplify import simplify

DEALT = 5_000
"""So many customers are looked at by one statement before they are dealt."""


@frozen
class Pool:
    """Who takes part in a distribution: the staff to lock, and whether nobody else may give to them meanwhile."""

    staff: frozenset[StaffId] = frozenset()
    alone: bool = False


@frozen
class Dealt:
    """What dealing came to: who was last in each rotation, and the codes with which somebody got nobody."""

    pointers: Mapping[str, StaffId]
    codes: tuple[str, ...]
    warnings: tuple[Problem, ...] = ()


@frozen
class Table:
    """A distribution and those who take part in it; a leaver gets none of its own."""

    desk: Desk
    writer: Writer
    to: Distribution
    leaver: StaffId | None = None

    def pool(self) -> Pool:
        """Whom to lock before anything is dealt."""
        return Pool(frozenset(self._accesses()), self._counting)

    @property
    def _counting(self) -> bool:
        return any(map(_counts, parts(self.to)))

    def dealer(self, at: int) -> tuple[Dealer, Mapping[str, StaffId | None]]:
        """A dealer who knows how things stand now, and who was last in each rotation, which are held from here on."""
        names = [part.name for part in parts(self.to) if isinstance(part, Rotation)]
        pointers = self.writer.lock_rotations(names) if names else {}
        parents = {one.id: one.parent for one in self.writer.departments()} if named_departments(self.to) else {}
        key_type = self.desk.edge.capabilities.staff_key
        return Dealer(self.to, self.candidates(at), pointers, at, key_type, parents), pointers

    def _accesses(self) -> dict[StaffId, Access]:
        """Everybody who could get a customer."""
        anybody = bool(named_departments(self.to) or questions(self.to).fields)
        found = self.writer.access(None if anybody else named_staff(self.to))
        return {staff: access for staff, access in found.items() if staff != self.leaver}

    def candidates(self, at: int) -> list[Candidate]:
        """What is known of each now."""
        accesses = self._accesses()
        staff = list(accesses)
        loads = self.writer.loads(staff, at) if self._counting else dict.fromkeys(staff, Load())
        recent = {days: self.writer.loads(staff, at - days * DAY) for days in questions(self.to).windows}
        away = self.desk.counsel.unavailable(staff, at) | self._covered(staff, at)
        return [
            Candidate(
                staff=one,
                active=access.active,
                departments=access.departments,
                load=loads[one].total,
                recent={days: found[one].recent for days, found in recent.items()},
                available=one not in away,
            )
            for one, access in accesses.items()
        ]

    def _covered(self, staff: list[StaffId], at: int) -> frozenset[StaffId]:
        """Those somebody stands in for now: they are away (row 99)."""
        return frozenset(one.staff for one in self.writer.covers(staff) if one.since <= at < one.until)


def moved(dealer: Dealer, before: Mapping[str, StaffId | None]) -> dict[str, StaffId]:
    """The rotations that went on, and who is last in each now."""
    return {name: last for name, last in dealer.pointers.items() if last is not None and last != before.get(name)}


@frozen(slots=False)
class Dealing:
    """One command that gives each customer to a staff of its own, in one transaction; rules are asked for once."""

    desk: Desk
    writer: Writer
    command: MovingCommand

    def distribution(self) -> Distribution | None:
        """How the command gives customers out; None where it gives all of them to one staff, or to nobody."""
        match self.command:
            case Transfer(to=ToStaff()) | Offboard(to=None) | Offboard(to=ToStaff()):
                return None
            case Transfer(to=to) | Offboard(to=to):
                return to
            case Sweep(to=None):
                return as_distribution(self._due, self._broken)
            case Sweep(to=to):
                return to
            case Rebalance(weights=weights):
                return Weighted(weights)
            case _:
                return None

    def pool(self) -> Pool:
        """Whom to lock before it is known who gets what."""
        to = self.distribution()
        if to is None:
            return Pool()
        pool = Table(self.desk, self.writer, to, self._leaver()).pool()
        return attrs.evolve(pool, alone=pool.alone or isinstance(self.command, Rebalance))

    def selection(self) -> Selection:
        """The customers the command looks at; a sweep by rules that never reassign sees unassigned ones only."""
        chosen = selection_of(self.command)
        if isinstance(self.command, Sweep) and isinstance(chosen, Matching) and not self._reassigns():
            return Matching(simplify(chosen.scope & UNASSIGNED))
        return chosen

    def deal(self, draft: Draft, ruling: Ruling) -> Dealt:
        """Place every customer that meets the requirements; what was dealt is not written before the draft is."""
        to = self.distribution()
        if to is None:
            return Dealt({}, ())
        eligible = Query(eligible_in(draft.selection, ruling))
        if isinstance(self.command, Rebalance):
            return self._levelled(self.command, draft, eligible)
        table, asked = Table(self.desk, self.writer, to, self._leaver()), questions(to)
        dealer, pointers = table.dealer(draft.at)

        def marked() -> Iterator[Marked]:
            return self._marked(eligible, asked.scopes, asked.fields)

        if turns := dealer.turns:
            dealer.went_on(self.writer.place_in_turn(draft.run, eligible, turns))
            return Dealt(moved(dealer, pointers), (), self._broken_rules())
        if dealer.needs_totals:
            dealer.count(marked())
        left = LeftOut()
        codes = self._placed(draft.run, dealer.deal(marked()), left)
        told = left.warnings() if self._by_rules else ()
        return Dealt(moved(dealer, pointers), codes, (*self._broken_rules(), *told))

    def bounded(self) -> bool:
        """Whether somebody takes part who takes only so many customers."""
        to = self.distribution()
        return to is not None and any(bound_of(part) is not None for part in parts(to))

    def replayed(self, draft: Draft, tally: Tally) -> tuple[Tally, Mapping[str, StaffId]]:
        """What a plan gave out before, as it is now: whoever has no room gets nobody, and who is last in rotations."""
        to, edge = self.distribution(), self.desk.edge
        if to is None:
            return tally, {}
        replay = Replay(self.writer, to, draft.run, edge.capabilities.customer_key)
        if self.bounded():
            table = Table(self.desk, self.writer, to, self._leaver())
            full = replay.beyond(Ledger(table.candidates(draft.at), edge.capabilities.staff_key))
            tally = self.writer.refuse(draft, full, NO_CAPACITY) if full else tally
        return tally, replay.last()

    def _leaver(self) -> StaffId | None:
        match self.command:
            case Transfer(giver=giver):
                return giver
            case Offboard(staff=staff):
                return staff
            case _:
                return None

    # Rules

    @property
    def _by_rules(self) -> bool:
        return isinstance(self.command, Sweep) and self.command.to is None

    @cached_property
    def _due(self) -> tuple[Rule, ...]:
        occasion = self.command.occasion if isinstance(self.command, Sweep) else Occasion.SWEEP
        return due(rules_of(self.desk, self.writer), occasion, self.desk.now())

    @cached_property
    def _broken(self) -> Mapping[str, Sequence[Problem]]:
        edge = self.desk.edge
        return unaskable(self._due, edge.fields, edge.capabilities.staff_key)

    def _broken_rules(self) -> tuple[Problem, ...]:
        """What is wrong with rules that could not be asked: recorded, and nothing is guessed (H07)."""
        return rule_errors(self._broken) if self._by_rules else ()

    def _reassigns(self) -> bool:
        return self._by_rules and any(rule.reassign for rule in self._due)

    def sources(self) -> tuple[str, ...] | None:
        """The sources of the rules that could choose now; None where no rules are asked."""
        if not isinstance(self.command, Sweep) or self.command.to is not None:
            return None
        return tuple(rule.source for rule in self._due if rule.id not in self._broken)

    # Dealing

    def _levelled(self, command: Rebalance, draft: Draft, eligible: Query) -> Dealt:
        """Customers of those who stand for too many go to those who stand for too few, by the fewest moves."""
        movable = dict.fromkeys(command.weights, 0)
        for one in self._marked(eligible):
            if one.primary in movable:
                movable[one.primary] += 1
        held = {staff: load.primary for staff, load in self.writer.loads(list(movable), draft.at).items()}
        key_type = self.desk.edge.capabilities.staff_key
        flows = rebalance(held, movable, command.weights, command.max_moves, key_type)
        self._placed(draft.run, _flowing(flows, self._marked(eligible)), LeftOut())
        return Dealt({}, ())

    def _marked(self, query: Query, scopes: Sequence[Scope] = (), fields: Sequence[str] = ()) -> Iterator[Marked]:
        """Everybody ``query`` holds of in id order, a chunk at a time."""
        after, limit = None, DEALT
        while chunk := self.writer.marks(query, scopes, fields, after, limit):
            yield from chunk
            if len(chunk) < limit:
                return
            after = chunk[-1].customer

    def _placed(self, run: str, placements: Iterable[Placement], left: LeftOut) -> tuple[str, ...]:
        codes: dict[str, None] = {}
        self.writer.place(run, _watched(placements, codes, left, self._settle()))
        return tuple(codes)

    def _settle(self) -> Callable[[Placement], Placement]:
        """What becomes of somebody whom nobody gets."""
        if getattr(self.command, "unplaced", Unplaced.REFUSE) is Unplaced.RELEASE:
            return lambda one: Placement(one.customer) if one.code is not None else one
        return lambda one: one


def rule_errors(broken: Mapping[str, Sequence[Problem]]) -> tuple[Problem, ...]:
    """What is wrong with the rules that could not be asked, by the rule (H07)."""
    return tuple(
        attrs.evolve(problem, code=RULE_ERROR, where=f"rule {rule}")
        for rule, problems in broken.items()
        for problem in problems
    )


def rules_of(desk: Desk, writer: Writer) -> list[Rule]:
    """The rules of the store and those plugins bring; ids are distinct."""
    return [*writer.rules(), *desk.counsel.rules()]


def _counts(part: Distribution) -> bool:
    """Whether who gets a customer depends on how many each has."""
    return isinstance(part, LeastBusy) or bound_of(part) is not None


def eligible_in(selection: Selection, ruling: Ruling) -> Scope:
    """Those selected and visible that meet every requirement; the others are refused by the draft."""
    ids = named(selection)
    chosen: Scope = selection.scope if isinstance(selection, Matching) else OneOf("id", ids or ())
    return simplify(AllOf((chosen, ruling.visible, *(one.scope for one in ruling.requirements))))


def _watched(
    placements: Iterable[Placement],
    codes: dict[str, None],
    left: LeftOut,
    settle: Callable[[Placement], Placement],
) -> Iterator[Placement]:
    """The placements as they go by, settled; the codes among them are noted in ``codes``, and who gets nobody."""
    for one in placements:
        settled = settle(one)
        left.note(settled)
        if settled.code is not None:
            codes[settled.code] = None
        yield settled


def _flowing(flows: Sequence[Flow], marked: Iterable[Marked]) -> Iterator[Placement]:
    """Whoever gives away too many gives the first in id order, to one taker after the other."""
    takers = {giver: _takers(giver, flows) for giver in {flow.giver for flow in flows}}
    for one in marked:
        taker = next(takers[one.primary], None) if one.primary in takers else None
        if taker is not None:
            yield Placement(one.customer, taker)


def _takers(giver: StaffId, flows: Sequence[Flow]) -> Iterator[StaffId]:
    return chain.from_iterable(repeat(flow.taker, flow.count) for flow in flows if flow.giver == giver)
