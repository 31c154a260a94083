"""What a command changes beside the customers of its plan, and what it leaves where it should not go unsaid."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from ownership_core.commands import DraftedCommand, Offboard, Revert
from ownership_core.decide.asking import Asking
from ownership_core.distribute import named_staff
from ownership_core.errors import Problem
from ownership_core.events import Subject
from ownership_core.model import Actor, CoverRow, StaffId
from ownership_core.ports import Query, Reader, Run, Writer
from ownership_core.rules import Rule
from ownership_core.scope import AssignedTo, Everything
from ownership_core.service.counsel import Counsel, people_of
from ownership_core.service.covers import left_covers, save_covers
from ownership_core.service.rulebook import left_rules, save_rules
from ownership_core.service.undoing import CHANGES_BESIDE, Undoing, events_of, undone_runs
from ownership_core.simplify import simplify


@frozen
class Beside:
    """The rules and covers a command changes, as they will be; ``left`` says what stays as it is, and why."""

    rules: tuple[Rule, ...] = ()
    covers: tuple[CoverRow, ...] = ()
    left: tuple[Problem, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether anything changes."""
        return bool(self.rules or self.covers)


def beside_of(
    reader: Reader, counsel: Counsel, actor: Actor, command: DraftedCommand, at: int, *, counted: bool = True
) -> Beside:
    """What ``command`` does beside customers at a moment, for whoever may carry it out.

    Whom a leaver keeps is counted only on request: it reads all of its customers.
    """
    if not isinstance(command, Offboard | Revert):
        return Beside()
    asking = counsel.asking(command, actor, reader.access(people_of(command, actor)).get(StaffId(actor.id)), at)
    if isinstance(command, Offboard):
        rules, covers = left_rules(reader, command), left_covers(reader, command.staff, at)
        return Beside(rules, covers, _left_behind(reader, asking, command.staff) if counted else ())
    runs = frozenset(undone_runs(reader, actor, command))
    found = reader.run(command.run)
    if found is None or found.what not in CHANGES_BESIDE:
        return Beside()  # the events of those who moved need not be looked through
    undoing = Undoing(reader, counsel, asking, runs)
    (ruled, left), (covered, more) = undoing.rules(), undoing.covers()
    return Beside(tuple(ruled), tuple(covered), (*left, *more))


def write_beside(writer: Writer, run: Run, beside: Beside) -> None:
    """Let it become true, each by an event of ``run``."""
    save_rules(writer, run, beside.rules)
    save_covers(writer, run, beside.covers, "restored" if run.what == "revert" else "ended")


def named_beside(beside: Beside) -> frozenset[StaffId]:
    """Whoever these rules and covers name."""
    both = {staff for one in beside.covers for staff in (one.staff, one.by)}
    return frozenset(both.union(*(named_staff(rule.to) for rule in beside.rules)))


def changed_beside(reader: Reader, what: str, runs: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids of the rules and covers that these runs of one kind changed; only some kinds change any."""
    if what not in CHANGES_BESIDE:
        return (), ()
    meant = frozenset(runs)
    rules, covers = (
        tuple(sorted({event.subject for event in events_of(reader, kind, meant)}))
        for kind in (Subject.RULE, Subject.COVER)
    )
    return rules, covers


def _left_behind(reader: Reader, asking: Asking, leaver: StaffId) -> tuple[Problem, ...]:
    """How many customers stay with a leaver since the asker sees nothing of them (D02).

    A plain count, as the inventory tells the same asker.
    """
    visible, held = simplify(asking.visible), AssignedTo([leaver])
    if visible == Everything():
        return ()
    many = reader.count(Query(held)) - reader.count(Query(simplify(held & visible)))
    if many <= 0:
        return ()
    what = f"{leaver!r} keeps {many} more of its customers, beyond your sight."
    return (Problem("left_behind", what, "Let somebody offboard it who sees all of them."),)
