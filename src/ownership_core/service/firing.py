"""Rules fire for customers that are created or changed; what they choose is decided like everything else (H04-H08)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import field as attribute
from attrs import frozen

from ownership_core.commands import Sweep
from ownership_core.distribute import Marked, Placement, questions
from ownership_core.errors import Problem, UncompilableScope
from ownership_core.evaluate import holds
from ownership_core.fields import Fields
from ownership_core.model import Actor, Customer, CustomerId, StaffId
from ownership_core.ports import Run, RunState, Tally, Writer
from ownership_core.rules import Occasion, Rule, as_distribution, due, unaskable
from ownership_core.service.dealing import Table, moved, rule_errors, rules_of
from ownership_core.service.desk import Desk
from ownership_core.service.unplaced import RULE_ERROR, is_left_out, unasked
from ownership_core.wire import command_to_wire


@frozen
class Chosen:
    """Whom the rules chose for customers that do not exist yet, by which rule, and what could not be asked.

    ``left``: those a rule held of and had nobody for. The rules have spoken of them too: nobody else is asked (H07).
    """

    staff: Mapping[CustomerId, StaffId] = attribute(factory=dict)
    sources: Mapping[CustomerId, str] = attribute(factory=dict)
    pointers: Mapping[str, StaffId] = attribute(factory=dict)
    warnings: tuple[Problem, ...] = ()
    left: tuple[Placement, ...] = ()

    @property
    def spoken_of(self) -> frozenset[CustomerId]:
        """The customers a rule held of, whether anybody gets them or not."""
        return frozenset(self.staff).union(one.customer for one in self.left)


def chosen_for(desk: Desk, writer: Writer, customers: Sequence[Customer]) -> Chosen:
    """Ask the rules of creation about these; those marked against it are left out (I31, H07)."""
    rules = due(rules_of(desk, writer), Occasion.CREATED, desk.now())
    asked = [one for one in customers if not one.values.get("no_auto")]
    if not rules or not asked:
        return Chosen()
    broken = _unaskable(rules, asked, desk)
    table = Table(desk, writer, as_distribution(rules, broken))
    pool = table.pool()
    writer.lock_staff(pool.staff, changing=pool.alone)
    dealer, before = table.dealer(desk.now())
    marked = _marked(table, asked, desk.edge.fields)
    if dealer.needs_totals:
        dealer.count(marked)
    dealt = list(dealer.deal(marked))
    return Chosen(
        staff={one.customer: one.staff for one in dealt if one.staff is not None},
        sources={one.customer: one.source for one in dealt if one.staff is not None},
        pointers=moved(dealer, before),
        warnings=rule_errors(broken),
        left=tuple(filter(is_left_out, dealt)),
    )


def keep_errors(desk: Desk, writer: Writer, left: Iterable[Placement], warnings: Iterable[Problem]) -> None:
    """Keep a run of the rules where one of them could not be asked about customers that are created (H07).

    That of the creation says who came, and how many; it has no word for what was not done.
    """
    stopped = [one.customer for one in left if one.code == RULE_ERROR]
    if not stopped:
        return
    run = Run(
        id=desk.new_run(),
        state=RunState.APPLIED,
        what="sweep",
        command=command_to_wire(Sweep(stopped, occasion=Occasion.CREATED)),
        actor=Actor.system("rules", Occasion.CREATED),
        at=desk.now(),
        reason=unasked(warnings),
        tally=Tally(refused=len(stopped), codes={RULE_ERROR: len(stopped)}),
    )
    writer.save_run(run)


def has_rules(desk: Desk, writer: Writer, occasion: Occasion) -> bool:
    """Whether any rule is to be asked on this occasion now."""
    return bool(due(rules_of(desk, writer), occasion, desk.now()))


def _marked(table: Table, customers: Iterable[Customer], fields: Fields) -> list[Marked]:
    asked = questions(table.to)
    return [
        Marked(
            customer=one.id,
            held=sum(1 << place for place, scope in enumerate(asked.scopes) if holds(scope, one, fields)),
            values={name: one.values.get(name) for name in asked.fields},
        )
        for one in customers
    ]


def _unaskable(rules: Sequence[Rule], customers: Sequence[Customer], desk: Desk) -> dict[str, tuple[Problem, ...]]:
    """The rules that cannot be asked; of customers no database has seen also those that only one could decide."""
    fields = desk.edge.fields
    broken = dict(unaskable(rules, fields, desk.edge.capabilities.staff_key))
    for rule in rules:
        if rule.id in broken:
            continue
        try:
            for scope in questions(as_distribution([rule])).scopes:
                for one in customers:
                    holds(scope, one, fields)
        except UncompilableScope as undecided:
            broken[rule.id] = undecided.problems
    return broken
