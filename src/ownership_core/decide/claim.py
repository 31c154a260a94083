"""Taking an unassigned customer for oneself, and giving one's own back (F01-F03, F09, F12)."""

from __future__ import annotations

from ownership_core.commands import Claim, Release
from ownership_core.decide.asking import ALREADY_ASSIGNED, NOT_PERMITTED, Asking, not_permitted
from ownership_core.model import StaffId
from ownership_core.ruling import Drop, Effect, Policy, Primary, Requirement, Ruling
from ownership_core.scope import ANY, AssignedTo, Everything, Not
from ownership_core.simplify import simplify

NOT_ASSIGNED = "not_assigned"


def decide_claim(command: Claim, asking: Asking) -> Ruling:
    """Take unassigned customers for oneself (003; F01, F02, F12).

    Whole command: staff_inactive, unknown_staff, not_permitted (also for whoever is no staff).
    Per customer: not_found, version_conflict, not_permitted, website_mismatch, group_restricted,
    already_assigned. Whoever loses a race and may not view the customer is told not_found.
    """
    refusals = asking.common_refusals()
    if asking.access is None:
        refusals = refusals or [not_permitted(asking.actor, asking.right)]
        return Ruling(tuple(refusals))
    me = StaffId(asking.actor.id)
    free = Requirement(ALREADY_ASSIGNED, Not(AssignedTo(ANY)) | AssignedTo([me]), "claim")
    effect = Effect(add=me, primary=Primary.IF_UNASSIGNED, source="claim")
    requirements = (*_bounds(asking.action), free, *asking.extra)
    return Ruling(tuple(refusals), asking.visible, requirements, effect)


def decide_release(command: Release, asking: Asking) -> Ruling:
    """Give up one's own assignment; the customer itself stays (F03, F09, A07).

    Whole command: staff_inactive, unknown_staff, not_permitted (also for whoever is no staff).
    Per customer: not_found, version_conflict, not_permitted, not_assigned.
    """
    refusals = asking.common_refusals()
    if asking.access is None:
        refusals = refusals or [not_permitted(asking.actor, asking.right)]
        return Ruling(tuple(refusals))
    me = StaffId(asking.actor.id)
    mine = Requirement(NOT_ASSIGNED, AssignedTo([me]), "release")
    effect = Effect(drop=Drop.ONE, dropped=me, promote_by=asking.primary.promote_by)
    return Ruling(tuple(refusals), asking.visible, (*asking.common_requirements(), mine), effect)


def _bounds(policy: Policy) -> list[Requirement]:
    """The parts of the claim policy one by one, so that a restriction is told by its own code.

    Its reach part says "unassigned or mine" in other words; ``already_assigned`` tells that better.
    """
    active, reach, *restrictions = policy.parts
    reachable = simplify(reach.scope | AssignedTo(ANY))
    told = [] if reachable == Everything() else [Requirement(NOT_PERMITTED, reachable, reach.said_by)]
    return [active, *told, *restrictions]
