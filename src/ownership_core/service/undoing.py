"""Which runs a command takes back, and what they changed beside customers: rules and covers (C08, C09)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import attrs
from attrs import frozen

from ownership_core.commands import Revert
from ownership_core.decide.asking import Asking
from ownership_core.decide.covers import decide_cover_again
from ownership_core.decide.rulebook import decide_rule_again
from ownership_core.distribute import named_staff
from ownership_core.errors import Problem, Refused
from ownership_core.events import Event, Subject
from ownership_core.model import Actor, CoverRow
from ownership_core.ports import Reader, RunState
from ownership_core.rules import Rule
from ownership_core.service.counsel import Counsel
from ownership_core.service.covers import colleagues
from ownership_core.service.refusals import unknown_run
from ownership_core.service.rulebook import rule_told

REVERTIBLE = frozenset(
    {
        *("assign", "unassign", "set_primary", "clear_primary", "claim", "release"),
        *("transfer", "offboard", "rebalance", "sweep", "revert"),
    }
)
"""What changed assignments, and beside them at most rules and covers, whose events hold how they were."""

CHANGES_BESIDE = frozenset({"offboard", "revert"})
"""Runs of these kinds may have changed rules and covers."""


def undone_runs(reader: Reader, actor: Actor, command: Revert) -> tuple[str, ...]:
    """The run, or the parts a plan was applied in; ``unknown_run`` and ``not_revertible`` refuse."""
    found = reader.run(command.run)
    parts = reader.parts(command.run)
    if found is None or (found.state is not RunState.APPLIED and not parts):
        raise Refused(unknown_run(command.run), who=actor.id)
    if found.what not in REVERTIBLE:
        what = f"A run of {found.what!r} changed more than assignments."
        raise Refused(Problem("not_revertible", what, "Change back by hand what has to be."), who=actor.id)
    return tuple(run.id for run in parts) or (found.id,)


def events_of(reader: Reader, kind: Subject, runs: Collection[str]) -> Iterator[Event]:
    """What these runs did to subjects of one kind, of which there are few."""
    only = next(iter(runs)) if len(runs) == 1 else None
    return (event for event in reader.events(kind, run=only) if event.run in runs)


@frozen
class Undoing:
    """Puts the rules and covers that some runs changed back, but for those that were changed since."""

    reader: Reader
    counsel: Counsel
    asking: Asking
    runs: frozenset[str]

    def rules(self) -> tuple[list[Rule], list[Problem]]:
        """The rules as they were, and why others stay."""
        back, left = list[Rule](), list[Problem]()
        there = {rule.id: rule for rule in self.reader.rules()}
        for id, before, later in self._changed(Subject.RULE):
            if before is None or not before.body.get("rule"):
                left.append(_untold(f"rule {id}"))
                continue
            now, then = there.get(id), rule_told(before)
            if now is not None:
                then = attrs.evolve(then, label=now.label, version=now.version)  # no label is told
            if then == now:
                continue
            problems = self._against_rule(now, then) if now is not None and not later else [_changed_since("rule")]
            back += [] if problems else [then]
            left += [attrs.evolve(one, where=f"rule {id}") for one in problems]
        return back, left

    def covers(self) -> tuple[list[CoverRow], list[Problem]]:
        """The covers as they were, and why others stay."""
        back, left = list[CoverRow](), list[Problem]()
        there = {cover.id: cover for cover in self.reader.covers()}
        for id, before, later in self._changed(Subject.COVER):
            if before is None or not {"since", "until"} <= before.body.keys():
                left.append(_untold(f"cover {id}"))
                continue
            now = there[id]
            then = attrs.evolve(now, since=before.body["since"], until=before.body["until"])
            if then == now:
                continue
            problems, anew = ([_changed_since("cover")], False) if later else self._against_cover(then)
            back += [] if problems or anew else [then]
            left += [attrs.evolve(one, where=f"cover {id}") for one in problems]
        return back, left

    def _changed(self, kind: Subject) -> Iterator[tuple[str, Event | None, bool]]:
        """Each subject these runs changed, the event before theirs if there is one, and whether others follow."""
        for subject in sorted({event.subject for event in events_of(self.reader, kind, self.runs)}):
            told = list(self.reader.events(kind, subject))
            last = max(place for place, event in enumerate(told) if event.run in self.runs)
            before = next((event for event in reversed(told[:last]) if event.run not in self.runs), None)
            yield subject, before, last + 1 < len(told)

    def _against_rule(self, now: Rule, then: Rule) -> list[Problem]:
        targets = self.counsel.targets(self.reader.access(named_staff(now.to) | named_staff(then.to)))
        return decide_rule_again(now, then, self.asking, targets)

    def _against_cover(self, then: CoverRow) -> tuple[list[Problem], bool]:
        both = (then.staff, then.by)
        others = [one for one in self.reader.covers(both) if one.id != then.id]
        return decide_cover_again(then, self.asking, colleagues(self.reader, both), others)


def _changed_since(what: str) -> Problem:
    return Problem("changed_since", f"The {what} was changed since that run.", "Change it by hand, if it must go back.")


def _untold(where: str) -> Problem:
    """Of what came into the tables without such an event nobody knows how it was."""
    what = "No event says how it was before that run."
    return Problem("not_revertible", what, "Change back by hand what has to be.", where)
