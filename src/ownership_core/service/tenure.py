"""How long a customer stays with whom it was given to: no rule moves it sooner, and a hand is told (row 45)."""

from __future__ import annotations

from ownership_core.commands import Assign, Command, Mode, Rebalance, SetPrimary, Transfer
from ownership_core.decide.asking import MIN_TENURE
from ownership_core.errors import Problem
from ownership_core.ports import Query, Reader
from ownership_core.scope import AssignedSince
from ownership_core.service.keeping import DAY
from ownership_core.settings import Settings


def settled_before(settings: Settings, now: int) -> int | None:
    """The moment before which everybody must have been assigned whose customer a rule moves; None: whenever."""
    days = settings.min_tenure_days
    return now - days * DAY if days else None


def moved_early(reader: Reader, run: str, command: Command, settings: Settings, now: int) -> tuple[Problem, ...]:
    """``min_tenure`` where a drafted run, or a plan, moves customers by hand whom no rule would move yet.

    Of a run it is asked before it is written: afterwards everybody was assigned only now.
    """
    before = settled_before(settings, now)
    if before is None or not _moves(command):
        return ()
    many = reader.count_changed(run, Query(AssignedSince(before)))
    if not many:
        return ()
    what = f"{many} of these customers were assigned less than {settings.min_tenure_days} days ago."
    return (Problem(MIN_TENURE, what, "Leave them where they are, unless this is meant."),)


def _moves(command: Command) -> bool:
    """Whether it takes customers to somebody else; beside those who are there nobody loses one."""
    if isinstance(command, Assign):
        return command.mode is not Mode.ADD
    return isinstance(command, SetPrimary | Transfer | Rebalance)
