"""Who asks, under which policies, and what every decision demands before its own rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field as attribute
from attrs import frozen

from ownership_core.access import STAFF_INACTIVE, UNKNOWN_STAFF, holders_in_reach, reaches_staff
from ownership_core.commands import (
    Assign,
    ChangeCustomer,
    ChangeDepartment,
    ChangeRules,
    ChangeStaff,
    Claim,
    ClearPrimary,
    Cover,
    CreateCustomer,
    DeleteCustomer,
    EndCover,
    GrantAccess,
    Offboard,
    Rebalance,
    Release,
    Revert,
    SetPrimary,
    Sweep,
    SwitchCardinality,
    Transfer,
    Unassign,
)
from ownership_core.errors import Problem
from ownership_core.model import Access, Action, Actor, ActorKind, Level, StaffId
from ownership_core.policies import Cardinality, PrimaryPolicy
from ownership_core.ruling import Policy, Requirement
from ownership_core.scope import ANY, AssignedSince, AssignedTo, Equals, Everything, Not, Nothing, Scope
from ownership_core.simplify import simplify

NOT_PERMITTED = "not_permitted"
TARGET_OUT_OF_REACH = "target_out_of_reach"
HOLDER_OUT_OF_REACH = "holder_out_of_reach"
ALREADY_ASSIGNED = "already_assigned"
NO_AUTO = "no_auto"
MIN_TENURE = "min_tenure"
TOO_MANY_STAFF = "too_many_staff"

ACTION_OF: Mapping[type[Any], Action] = {
    Assign: Action.ASSIGN,
    Unassign: Action.ASSIGN,
    SetPrimary: Action.ASSIGN,
    ClearPrimary: Action.ASSIGN,
    Claim: Action.CLAIM,
    Release: Action.RELEASE,
    CreateCustomer: Action.CREATE,
    ChangeCustomer: Action.EDIT,
    DeleteCustomer: Action.DELETE,
    ChangeStaff: Action.MANAGE_STAFF,
    ChangeDepartment: Action.MANAGE_ACCESS,
    GrantAccess: Action.MANAGE_ACCESS,
    SwitchCardinality: Action.MANAGE_ACCESS,
    Cover: Action.ASSIGN,
    EndCover: Action.ASSIGN,
    Transfer: Action.ASSIGN,
    Offboard: Action.ASSIGN,
    Rebalance: Action.ASSIGN,
    Sweep: Action.ASSIGN,
    Revert: Action.ASSIGN,
    ChangeRules: Action.MANAGE_ACCESS,
}
"""The named right each command needs (I30)."""


@frozen
class Target:
    """A staff a command names: its access, and what its own restrictions demand of its customers (I8)."""

    access: Access
    restrictions: tuple[Requirement, ...] = ()


Targets = Mapping[StaffId, Target]
"""The named staff that exist and are not deleted."""


@frozen
class Asking:
    """The asker and everything the hooks answered about this command, once.

    ``access`` is the asker's snapshot, None for the operator and for system actors. ``view`` and
    ``action`` are the asker's policies, ``beside`` those of further actions the command needs; ``extra``
    holds what plugins demand of this command. ``offered`` are all cardinalities, by name. A customer all of whose
    assignments began before ``settled_before`` (UTC microseconds; None: whenever) may be moved again by a rule.
    """

    actor: Actor
    access: Access | None
    view: Policy
    action: Policy
    right: Action
    cardinality: Cardinality
    primary: PrimaryPolicy
    extra: tuple[Requirement, ...] = ()
    beside: tuple[Policy, ...] = ()
    offered: Mapping[str, Cardinality] = attribute(factory=dict)
    settled_before: int | None = None

    @property
    def level(self) -> Level:
        """How far the asker's right for this command reaches."""
        if self.access is None:
            return Level.ALL
        return self.access.level(self.right)

    @property
    def visible(self) -> Scope:
        """What the asker may know of: customers inside the scope of ``view`` or of the command's own action."""
        return simplify(self.view.scope | self.action.scope)

    def common_refusals(self) -> list[Problem]:
        """Reasons for which this asker cannot do this to anybody: ``staff_inactive``, ``unknown_staff``,
        ``not_permitted``."""
        if self.actor.kind is ActorKind.STAFF:
            if self.access is None:
                return [unknown_staff(self.actor.id)]
            if not self.access.active:
                return [inactive_staff(self.actor.id)]
        if self.action.scope == Nothing():
            return [not_permitted(self.actor, self.right)]
        return []

    def common_requirements(self) -> list[Requirement]:
        """What is demanded of every customer: the asker's right to this action, then the plugins' demands."""
        return [Requirement(NOT_PERMITTED, self.action.scope, "access"), *self.extra]

    def holders(self, primary_only: bool = False) -> Requirement:
        """Those who lose an assignment by this command must be within the asker's reach (row 90, I30)."""
        scope = Everything() if self.access is None else holders_in_reach(self.access, self.level, primary_only)
        return Requirement(HOLDER_OUT_OF_REACH, simplify(scope), "authority")

    def tenure(self) -> list[Requirement]:
        """A rule moves no customer whom anybody was assigned to only lately (row 45)."""
        if self.settled_before is None:
            return []
        return [Requirement(MIN_TENURE, Not(AssignedSince(self.settled_before)), "settings")]

    def automatic(self) -> list[Requirement]:
        """A rule or till touches unassigned customers without ``no_auto`` only (I31, E12)."""
        if self.actor.kind is not ActorKind.SYSTEM:
            return []
        return [
            Requirement(ALREADY_ASSIGNED, Not(AssignedTo(ANY)), "authority"),
            Requirement(NO_AUTO, Equals("no_auto", False), "authority"),
        ]


def receiver_problems(staff: StaffId, asking: Asking, targets: Targets) -> list[Problem]:
    """Why ``staff`` cannot be given customers by this asker: ``unknown_staff``, ``staff_inactive``,
    ``target_out_of_reach`` (C16, D05, I7)."""
    target = targets.get(staff)
    if target is None:
        return [unknown_staff(staff)]
    problems = [] if target.access.active else [inactive_staff(staff)]
    return problems + reach_problems(staff, asking, target)


def holder_problems(staff: StaffId, asking: Asking, targets: Targets) -> list[Problem]:
    """Why this asker cannot take customers off ``staff``; inactive and deleted staff can lose them."""
    target = targets.get(staff)
    if target is None:
        return [] if asking.level is Level.ALL else [out_of_reach(staff)]
    return reach_problems(staff, asking, target)


def is_in_reach(staff: StaffId, asking: Asking, targets: Targets) -> bool:
    """Whether this asker may give to ``staff`` and take from it; of deleted staff whoever reaches everybody."""
    target = targets.get(staff)
    if target is None:
        return asking.level is Level.ALL
    return not reach_problems(staff, asking, target)


def reach_problems(staff: StaffId, asking: Asking, target: Target) -> list[Problem]:
    """``target_out_of_reach``, where the asker's right does not extend to ``staff``."""
    if asking.access is None or reaches_staff(asking.access, asking.level, staff, target.access.departments):
        return []
    return [out_of_reach(staff)]


def out_of_reach(staff: str) -> Problem:
    """``target_out_of_reach``."""
    what = f"Your right to assign does not extend to the staff {staff!r}."
    return Problem(TARGET_OUT_OF_REACH, what, "Name somebody of your department, or ask an admin.")


def unknown_staff(staff: str) -> Problem:
    """``unknown_staff``."""
    return Problem(UNKNOWN_STAFF, f"There is no staff {staff!r}.", "Check the id, or create the staff first.")


def inactive_staff(staff: str) -> Problem:
    """``staff_inactive``."""
    return Problem(STAFF_INACTIVE, f"The staff {staff!r} is not active.", "Name somebody active, or reactivate first.")


def not_permitted(actor: Actor, right: str) -> Problem:
    """``not_permitted``."""
    what = f"{actor.id!r} has no right to {right}."
    return Problem(NOT_PERMITTED, what, f"Ask an admin for a role that may {right}.")
