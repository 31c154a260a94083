"""What a switch of the cardinality says when it changes nothing: which customers stand in its way."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from ownership_core.commands import KeepOne, SwitchCardinality
from ownership_core.decide.asking import TOO_MANY_STAFF
from ownership_core.errors import Problem
from ownership_core.ports import Tally
from ownership_core.ruling import STALE, Fate, PlanRow
from ownership_core.service.refusals import problem

NAMED = 50
"""How many customers a refusal names; beyond that it only counts them."""

_HINTS = {
    None: "Say whom to keep, keep = 'primary' or 'longest_serving', or take staff off first.",
    KeepOne.PRIMARY: "Make somebody its primary, or take staff off first.",
    KeepOne.LONGEST_SERVING: "Take staff off first.",
}


def conflicts(command: SwitchCardinality, tally: Tally, rows: Iterable[PlanRow]) -> list[Problem]:
    """One problem for each refused customer and code, for the first customers; then how many there are (I10)."""
    hint = _HINTS[command.keep]
    found = []
    for row in islice((row for row in rows if row.fate is Fate.REFUSED), NAMED):
        for code in row.codes:
            said = problem(code, row.customer)
            if code == TOO_MANY_STAFF:
                said = Problem(code, f"The customer has more staff than {command.to!r} allows.", hint, said.where)
            found.append(said)
    if tally.refused > NAMED:
        what = f"{tally.refused} customers stand in the way of {command.to!r}; {NAMED} of them are named."
        found.append(Problem(found[-1].code, what, hint))
    return found


def moved_on(now: Tally, planned: Tally, rows: Iterable[PlanRow]) -> list[Problem]:
    """Why a plan is no longer what would happen: customers that changed, and those it does not hold."""
    moved = (row for row in rows if row.fate in (Fate.STALE, Fate.REFUSED))
    found = [problem(STALE, row.customer) for row in islice(moved, NAMED)]
    gone = planned.stale + planned.refused
    what = f"{now.changed} customers would change now; of those in the plan {planned.changed} still would, {gone} not."
    return [*found, Problem(STALE, what, "Make the plan again.")]
