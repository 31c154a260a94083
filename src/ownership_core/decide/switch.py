"""Keeping all customers under another cardinality: who may, whom it concerns, who stays (A10, I10)."""

from __future__ import annotations

from ownership_core.commands import KeepOne, SwitchCardinality
from ownership_core.decide.asking import TOO_MANY_STAFF, Asking, not_permitted
from ownership_core.errors import Problem
from ownership_core.model import ActorKind, Level
from ownership_core.policies import Cardinality, SortKey
from ownership_core.ruling import Drop, Effect, Primary, Requirement, Ruling
from ownership_core.scope import ANY, ANY_ACTIVE, AssignedCount, AssignedTo, Everything, Not, Nothing, PrimaryOf, Scope

UNKNOWN_CARDINALITY = "unknown_cardinality"


def decide_switch(command: SwitchCardinality, asking: Asking) -> Ruling:
    """Switch the cardinality of the whole store.

    It touches customers of everybody and names those in its way, so it takes ``manage_access`` over
    everybody from somebody who may view and assign every customer.

    Whole command: staff_inactive, unknown_staff, not_permitted, unknown_cardinality.
    Per customer, and then nothing is switched: too_many_staff, and what plugins demand.
    """
    refusals = asking.common_refusals() or _not_over_everybody(asking)
    target = asking.offered.get(command.to)
    if target is None:
        return Ruling((*refusals, _unknown(command.to, asking)))
    room = _room(target)
    effect = Effect(
        drop=Drop.NOBODY if command.keep is None or room is None else Drop.BEYOND_ROOM,
        room=room or 0,
        primary=Primary.FILL if target.single else Primary.STAY,
        promote_by=(SortKey.SINCE,),
    )
    return Ruling(tuple(refusals), asking.visible, (*asking.extra, *_fitting(command, target, room)), effect)


def concerned(target: Cardinality) -> Scope:
    """The customers a switch to ``target`` has to look at; no others can break it."""
    least = min((limit.staff for limit in target.limits), default=None)
    crowded: Scope = Nothing() if least is None else AssignedCount(least + 1)
    return crowded | (AssignedTo(ANY) & ~PrimaryOf(ANY)) if target.single else crowded


def _fitting(command: SwitchCardinality, target: Cardinality, room: int | None) -> list[Requirement]:
    """Each limit is kept, or will be once those beyond ``room`` have left."""
    demands = []
    for limit in target.limits:
        scope: Scope = Not(limit.scope) | Not(AssignedCount(limit.staff + 1))
        if command.keep is not None and room is not None and room <= limit.staff:
            scope = scope | _somebody_to_keep(command.keep)
        demands.append(Requirement(TOO_MANY_STAFF, scope, target.name))
    return demands


def _somebody_to_keep(keep: KeepOne) -> Scope:
    match keep:
        case KeepOne.PRIMARY:
            return PrimaryOf(ANY)
        case KeepOne.LONGEST_SERVING:
            return PrimaryOf(ANY) | AssignedTo(ANY_ACTIVE)


def _room(target: Cardinality) -> int | None:
    """How many staff any customer may keep; None where only some customers are limited."""
    return min((limit.staff for limit in target.limits if limit.scope == Everything()), default=None)


def _not_over_everybody(asking: Asking) -> list[Problem]:
    policies = (asking.view, asking.action, *asking.beside)
    unbounded = all(policy.scope == Everything() for policy in policies)
    if asking.actor.kind is not ActorKind.SYSTEM and asking.level is Level.ALL and unbounded:
        return []
    return [not_permitted(asking.actor, f"{asking.right} over everybody")]


def _unknown(name: str, asking: Asking) -> Problem:
    known = ", ".join(sorted(asking.offered))
    return Problem(UNKNOWN_CARDINALITY, f"Nobody offers the cardinality {ascii(name)[:60]}.", f"Use one of {known}.")
