"""Changing the assignment rules: who may (rows 50, 94)."""

from __future__ import annotations

from ownership_core.decide.asking import Asking
from ownership_core.errors import Problem
from ownership_core.model import Level


def decide_change_rules(asking: Asking) -> list[Problem]:
    """Every reason against writing or forgetting a rule: rules give everybody's customers out (I27).

    Codes: staff_inactive, unknown_staff, not_permitted (also without the right over everybody); what is known
    only of the rules there are: unknown_rule, version_conflict.
    """
    problems = asking.common_refusals()
    if not problems and asking.level is not Level.ALL:
        what = f"{asking.actor.id!r} has no right to {asking.right} over everybody."
        problems = [Problem("not_permitted", what, "Ask an admin.")]
    return problems
