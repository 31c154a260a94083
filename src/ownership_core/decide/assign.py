"""Who may give customers to whom, and take them away (A01-A09, F04-F08)."""

from __future__ import annotations

from ownership_core.commands import Assign, ClearPrimary, Mode, SetPrimary, Unassign
from ownership_core.decide.asking import TOO_MANY_STAFF, Asking, Targets, holder_problems, receiver_problems
from ownership_core.model import StaffId
from ownership_core.policies import OnReplace
from ownership_core.ruling import Drop, Effect, Primary, Requirement, Ruling
from ownership_core.scope import ANY, AssignedCount, AssignedTo, Not, PrimaryOf, Scope, Wildcard

SINGLE_OWNER = "single_owner"


def decide_assign(command: Assign, asking: Asking, targets: Targets) -> Ruling:
    """Give customers to a staff, as the only one (``set``) or beside others (``add``).

    Whole command: staff_inactive, unknown_staff, not_permitted, target_out_of_reach.
    Per customer: not_found, version_conflict, not_permitted, website_mismatch, group_restricted,
    holder_out_of_reach (set), single_owner or too_many_staff (add), already_assigned and no_auto
    (system actors), and what plugins demand.
    """
    adding = command.mode is Mode.ADD
    own = _room_for(command.staff, asking) if adding else [asking.holders()]
    effect = Effect(
        add=command.staff,
        drop=Drop.NOBODY if adding else Drop.EVERYONE_ELSE,
        primary=Primary.IF_UNASSIGNED if adding else Primary.TAKE,
        promote_by=asking.primary.promote_by,
        role=command.role,
        source=command.source,
    )
    return _giving(command.staff, asking, targets, own, effect)


def decide_set_primary(command: SetPrimary, asking: Asking, targets: Targets) -> Ruling:
    """Make a staff stand for customers, assigning it where needed (A04, A05).

    Codes as for :func:`decide_assign`.
    """
    single = asking.cardinality.single
    replace = asking.primary.on_replace is OnReplace.REPLACE if command.replace is None else command.replace
    drop = Drop.EVERYONE_ELSE if single else Drop.FORMER_PRIMARY if replace else Drop.NOBODY
    own = [asking.holders(primary_only=not single)]
    if not single:
        own += _room_for(command.staff, asking, freed_by=PrimaryOf(ANY) if replace else None)
    effect = Effect(
        add=command.staff, drop=drop, primary=Primary.TAKE, promote_by=asking.primary.promote_by, source=command.source
    )
    return _giving(command.staff, asking, targets, own, effect)


def decide_unassign(command: Unassign, asking: Asking, targets: Targets) -> Ruling:
    """Take one staff, or everybody (``ANY``), off customers.

    Whole command: staff_inactive (the asker), not_permitted, target_out_of_reach.
    Per customer: not_found, version_conflict, not_permitted, holder_out_of_reach (everybody).
    A customer the staff is not assigned to stays unchanged.
    """
    refusals = asking.common_refusals()
    requirements = asking.common_requirements()
    if isinstance(command.staff, Wildcard):
        requirements.append(asking.holders())
        effect = Effect(drop=Drop.EVERYONE, primary=Primary.NOBODY)
    else:
        refusals += holder_problems(command.staff, asking, targets)
        effect = Effect(drop=Drop.ONE, dropped=command.staff, promote_by=asking.primary.promote_by)
    return Ruling(tuple(refusals), asking.visible, (*requirements, *asking.automatic()), effect)


def decide_clear_primary(command: ClearPrimary, asking: Asking) -> Ruling:
    """Leave customers without a primary; in single, unassigned.

    Whole command: staff_inactive, not_permitted. Per customer: not_found, version_conflict,
    not_permitted, holder_out_of_reach.
    """
    single = asking.cardinality.single
    requirements = (*asking.common_requirements(), asking.holders(primary_only=not single), *asking.automatic())
    effect = Effect(drop=Drop.EVERYONE if single else Drop.NOBODY, primary=Primary.NOBODY)
    return Ruling(tuple(asking.common_refusals()), asking.visible, requirements, effect)


def _giving(staff: StaffId, asking: Asking, targets: Targets, own: list[Requirement], effect: Effect) -> Ruling:
    refusals = (*asking.common_refusals(), *receiver_problems(staff, asking, targets))
    fitting = targets[staff].restrictions if staff in targets else ()
    requirements = (*asking.common_requirements(), *fitting, *own, *asking.automatic())
    return Ruling(refusals, asking.visible, requirements, effect)


def room_code(asking: Asking) -> str:
    """What a customer is refused with that would have more staff than are allowed."""
    return SINGLE_OWNER if asking.cardinality.single else TOO_MANY_STAFF


def _room_for(staff: StaffId, asking: Asking, freed_by: Scope | None = None) -> list[Requirement]:
    """Nobody is added beyond the limits of the cardinality; whoever is assigned already takes no room."""
    already = AssignedTo([staff])
    if asking.cardinality.single:
        return [Requirement(SINGLE_OWNER, Not(AssignedTo(ANY)) | already, asking.cardinality.name)]
    room = []
    for limit in asking.cardinality.limits:
        scope: Scope = Not(limit.scope) | Not(AssignedCount(limit.staff)) | already
        if freed_by is not None:
            scope = scope | (freed_by & Not(AssignedCount(limit.staff + 1)))
        room.append(Requirement(TOO_MANY_STAFF, scope, asking.cardinality.name))
    return room
