"""Moving many: handing over, leaving, levelling out, giving out, and taking a run back (blocks C, D; H05-H11)."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from ownership_core.commands import Offboard, Rebalance, Revert, Sweep, Transfer
from ownership_core.decide.asking import (
    ALREADY_ASSIGNED,
    HOLDER_OUT_OF_REACH,
    NO_AUTO,
    TARGET_OUT_OF_REACH,
    Asking,
    Targets,
    holder_problems,
    inactive_staff,
    is_in_reach,
    not_permitted,
    reach_problems,
    unknown_staff,
)
from ownership_core.distribute import Distribution, ToStaff, Weighted, named_staff, parts
from ownership_core.errors import Problem
from ownership_core.model import ActorKind, StaffId
from ownership_core.ruling import PLACED, Demand, Drop, Effect, Primary, Requirement, Ruling, Side
from ownership_core.scope import UNASSIGNED, AssignedTo, Equals, Not, Nothing

NOT_HELD = "not_held"
SAME_STAFF = "same_staff"


def decide_transfer(command: Transfer, asking: Asking, targets: Targets) -> Ruling:
    """Hand customers of one staff over, to one or to several (D03-D05).

    Whole command: staff_inactive, unknown_staff, not_permitted, target_out_of_reach, same_staff; whoever is named to
    receive is active, in a pool too.
    Per customer: not_found, not_permitted, not_held, website_mismatch, group_restricted, no_target,
    no_capacity, and what plugins demand.
    """
    return _handing_over(command.giver, command.to, "transfer", asking, targets)


def decide_offboard(command: Offboard, asking: Asking, targets: Targets) -> Ruling:
    """Hand everything a staff holds over, or release it (D02, D06). Codes as for :func:`decide_transfer`.

    A person decides who has left: a till or rule would take customers from somebody (I31), and the leaver out of
    rules and covers.
    """
    by_itself = [not_permitted(asking.actor, "offboard")] if asking.actor.kind is ActorKind.SYSTEM else []
    if command.to is not None:
        ruling = _handing_over(command.staff, command.to, "offboard", asking, targets)
        return evolve(ruling, refusals=(*by_itself, *ruling.refusals))
    refusals = (*by_itself, *asking.common_refusals(), *holder_problems(command.staff, asking, targets))
    effect = Effect(drop=Drop.ONE, dropped=command.staff, promote_by=asking.primary.promote_by)
    return Ruling(refusals, asking.visible, tuple(asking.common_requirements()), effect)


def _handing_over(giver: StaffId, to: Distribution, source: str, asking: Asking, targets: Targets) -> Ruling:
    refusals = [*asking.common_refusals(), *holder_problems(giver, asking, targets)]
    refusals += _receivers(to, asking, targets, active=named_staff(to))
    if giver in named_staff(to):
        refusals.append(_same_staff(giver))
    requirements = [*asking.common_requirements(), Requirement(NOT_HELD, AssignedTo([giver]), "authority")]
    only = to.staff if isinstance(to, ToStaff) else None
    if only is not None and only in targets:
        requirements += targets[only].restrictions
    effect = Effect(
        add=PLACED if only is None else only,
        drop=Drop.ONE,
        dropped=giver,
        primary=Primary.INHERIT,
        promote_by=asking.primary.promote_by,
        source=source,
        passes_role=True,
    )
    return Ruling(tuple(refusals), asking.visible, (*requirements, *asking.automatic()), effect)


def decide_rebalance(command: Rebalance, asking: Asking, targets: Targets) -> Ruling:
    """Level out who stands for how many customers (row 49). Codes as for :func:`decide_transfer`."""
    to = Weighted(command.weights)
    refusals = [*asking.common_refusals(), *_receivers(to, asking, targets)]
    requirements = (
        *asking.common_requirements(),
        asking.holders(primary_only=True),
        Requirement("kept", Not(command.keep), "rebalance"),
        *asking.automatic(),
    )
    effect = Effect(PLACED, Drop.FORMER_PRIMARY, None, Primary.TAKE, (), "", "rebalance", passes_role=True)
    return Ruling(tuple(refusals), asking.visible, requirements, effect)


def decide_sweep(command: Sweep, asking: Asking, targets: Targets) -> Ruling:
    """Give unassigned customers out, by ``to`` or by the rules (row 47; H08).

    Whole command: as for :func:`decide_transfer`. Per customer: not_found, not_permitted, no_auto,
    min_tenure, holder_out_of_reach, website_mismatch, group_restricted, already_assigned, no_target, no_capacity,
    rule_error.
    """
    refusals = asking.common_refusals()
    unassigned: list[Requirement] = []  # a rule says for itself whether it reassigns
    if command.to is not None:
        refusals += _receivers(command.to, asking, targets)
        unassigned = [Requirement(ALREADY_ASSIGNED, UNASSIGNED, "authority")]
    requirements = (
        *asking.common_requirements(),
        *unassigned,
        asking.holders(),
        Requirement(NO_AUTO, Equals("no_auto", False), "authority"),
        *asking.tenure(),
    )
    effect = Effect(PLACED, Drop.EVERYONE_ELSE, None, Primary.TAKE, (), "", "sweep")
    return Ruling(tuple(refusals), asking.visible, requirements, effect)


def decide_revert(command: Revert, asking: Asking) -> Ruling:
    """Take a run back (C08, C09).

    Whole command: staff_inactive, unknown_staff, not_permitted, unknown_run, not_revertible.
    Per customer: not_permitted, changed_since, single_owner or too_many_staff, and of those who come back
    staff_inactive, target_out_of_reach, website_mismatch, group_restricted; of those who go holder_out_of_reach.
    Rules and covers are decided on by themselves. A till takes nothing from anybody: already_assigned, no_auto (I31).
    """
    effect = Effect(drop=Drop.UNDONE, primary=Primary.UNDONE)
    requirements = (*asking.common_requirements(), *asking.automatic())
    return Ruling(tuple(asking.common_refusals()), asking.visible, requirements, effect)


def demands_on(
    gains: Iterable[StaffId], loses: Iterable[StaffId], asking: Asking, targets: Targets
) -> tuple[Demand, ...]:
    """What is demanded where each of these staff gains or loses a customer (D05, I7, I8, I30).

    ``targets`` holds those of them that exist and are not deleted.
    """
    found: dict[tuple[Side, Requirement], set[StaffId]] = {}
    for staff in gains:
        for requirement in _gaining(staff, asking, targets):
            found.setdefault((Side.GAINS, requirement), set()).add(staff)
    beyond = Requirement(HOLDER_OUT_OF_REACH, Nothing(), "authority")
    for staff in loses:
        if not is_in_reach(staff, asking, targets):
            found.setdefault((Side.LOSES, beyond), set()).add(staff)
    return tuple(Demand(side, frozenset(them), requirement) for (side, requirement), them in found.items())


def _gaining(staff: StaffId, asking: Asking, targets: Targets) -> list[Requirement]:
    target = targets.get(staff)
    if target is None or not target.access.active:
        return [Requirement("staff_inactive", Nothing(), "staff")]
    if not is_in_reach(staff, asking, targets):
        return [Requirement(TARGET_OUT_OF_REACH, Nothing(), "authority")]
    return list(target.restrictions)


def _receivers(
    to: Distribution, asking: Asking, targets: Targets, active: frozenset[StaffId] | None = None
) -> list[Problem]:
    """Everybody who is named exists and is in reach; ``active``, or who is named alone or by weight, is active (D05).

    Who receives what somebody leaves is named for this once: an inactive one is a mistake. Other pools pass it over.
    """
    if active is None:
        alone = (part for part in parts(to) if isinstance(part, ToStaff | Weighted))
        active = frozenset(staff for part in alone for staff in named_staff(part))
    problems: list[Problem] = []
    for staff in sorted(named_staff(to)):
        target = targets.get(staff)
        if target is None:
            problems.append(unknown_staff(staff))
            continue
        if staff in active and not target.access.active:
            problems.append(inactive_staff(staff))
        problems += reach_problems(staff, asking, target)
    return problems


def _same_staff(staff: str) -> Problem:
    what = f"The staff {staff!r} would hand over to itself."
    return Problem(SAME_STAFF, what, "Name somebody else.")
