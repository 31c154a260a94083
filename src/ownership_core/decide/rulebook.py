"""Changing the assignment rules: who may, and which rule (rows 50, 94)."""

from __future__ import annotations

from ownership_core.commands import ChangeRules
from ownership_core.decide.asking import Asking
from ownership_core.errors import Problem
from ownership_core.model import Level
from ownership_core.rules import Rule
from ownership_core.ruling import VERSION_CONFLICT


def decide_change_rules(command: ChangeRules, asking: Asking, before: Rule | None, version: int) -> list[Problem]:
    """Every reason against writing or forgetting a rule: rules give everybody's customers out (I27).

    ``before`` is the rule as it is, ``version`` the number of its changes so far. Whoever may not is told nothing of
    either. Codes: staff_inactive, unknown_staff, not_permitted (also without the right over everybody), unknown_rule,
    version_conflict.
    """
    problems = asking.common_refusals()
    if problems:
        return problems
    if asking.level is not Level.ALL:
        what = f"{asking.actor.id!r} has no right to {asking.right} over everybody."
        return [Problem("not_permitted", what, "Ask an admin.")]
    if command.expected_version not in (None, version):
        what = f"The rule is at version {version}, not {command.expected_version}."
        problems.append(Problem(VERSION_CONFLICT, what, "Read it again."))
    if command.forget is not None and before is None:
        problems.append(Problem("unknown_rule", f"There is no rule {command.forget!r}.", "Check the id."))
    return problems
