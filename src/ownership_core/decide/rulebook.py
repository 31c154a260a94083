"""Changing the assignment rules: who may, and which rule (rows 50, 94)."""

from __future__ import annotations

from ownership_core.commands import ChangeRules
from ownership_core.decide.asking import Asking, Targets, holder_problems, not_permitted, receiver_problems
from ownership_core.distribute import named_staff
from ownership_core.errors import Problem
from ownership_core.model import ActorKind, Level
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


def decide_rule_again(now: Rule, then: Rule, asking: Asking, targets: Targets) -> list[Problem]:
    """Every reason against giving by a rule as it was before a run changed it (C08).

    Whoever it names again works and is in reach, as for any customer that comes back; so is whoever it names no more.
    Codes: not_permitted (of a till), unknown_staff, staff_inactive, target_out_of_reach.
    """
    if asking.actor.kind is ActorKind.SYSTEM:
        return [not_permitted(asking.actor, "change rules")]
    there, back = named_staff(now.to), named_staff(then.to)
    problems = [one for staff in sorted(back - there) for one in receiver_problems(staff, asking, targets)]
    return problems + [one for staff in sorted(there - back) for one in holder_problems(staff, asking, targets)]
