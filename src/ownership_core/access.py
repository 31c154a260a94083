"""Who may reach which customers: one policy per actor and action, behind list, count, export and check.

``policy = active and every restriction and (some grant)``; levels are grants, websites and customer
groups are restrictions (design §5, block B). Default deny: no role, no grant, unknown action, unknown
actor, inactive staff reach nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ownership_core.model import Access, Action, DepartmentId, GroupRestriction, Level, RestrictionMode, StaffId
from ownership_core.ruling import Grant, Policy, Requirement, Restriction
from ownership_core.scope import (
    ANY,
    UNASSIGNED,
    AllOf,
    AnyOf,
    AssignedCount,
    AssignedIn,
    AssignedTo,
    Everything,
    Has,
    Not,
    Nothing,
    OneOf,
    Outsiders,
    PrimaryOf,
    Scope,
)
from ownership_core.settings import Settings, Sharing, UnassignedVisibility

STAFF_INACTIVE = "staff_inactive"
OUT_OF_REACH = "out_of_reach"
WEBSITE_MISMATCH = "website_mismatch"
GROUP_RESTRICTED = "group_restricted"
UNKNOWN_STAFF = "unknown_staff"
UNKNOWN_ACTION = "unknown_action"

DENIED = Policy((Requirement(UNKNOWN_STAFF, Nothing()),))
"""What an unknown or deleted staff may do: nothing (B19)."""

UNBOUNDED = Policy((Requirement(OUT_OF_REACH, Everything(), "operator"),))
"""What the operator may do where the settings allow it: everything."""


def policy_for(
    access: Access, grants: Sequence[tuple[str, Grant]], restrictions: Sequence[tuple[str, Restriction]]
) -> Policy:
    """Combine what the plugins answered for one actor and action; each answer comes with its plugin's name.

    Whoever the host lets do everything is bound by none of it, as long as he is active (design §11).

    >>> nobody = policy_for(Access("s1", True, 1), [], [])
    >>> nobody.scope
    Nothing()
    """
    active = Requirement(STAFF_INACTIVE, Everything() if access.active else Nothing(), "staff")
    if access.unbounded:
        return Policy((active, Requirement(OUT_OF_REACH, Everything(), "host")))
    reach = Requirement(OUT_OF_REACH, AnyOf(grant.scope for _, grant in grants), _names(grants))
    narrowed = tuple(Requirement(restriction.code, restriction.scope, name) for name, restriction in restrictions)
    return Policy((active, reach, *narrowed))


def level_scope(access: Access, level: Level, covered: Iterable[StaffId] = ()) -> Scope:
    """The customers a level reaches (B01, B02, B03, B14, B15, H14): own ones, those of my colleagues, or all.

    Own are those assigned to me, or to somebody I stand in for (``covered``).
    """
    own = AssignedTo([access.staff, *covered])
    match level:
        case Level.NONE:
            return Nothing()
        case Level.OWN:
            return own
        case Level.DEPARTMENT:
            return own | AssignedIn(access.departments)
        case Level.DEPARTMENT_TREE:
            return own | AssignedIn(access.tree)
        case Level.ALL:
            return Everything()


def standing_in(access: Access, action: str, at: int) -> dict[StaffId, int]:
    """Whom a staff stands in for at a moment, as far as both may do the action, and until when at the latest."""
    ends: dict[StaffId, int] = {}
    for one in access.covering(at, action):
        ends[one.staff] = max(one.until, ends.get(one.staff, one.until))
    return ends


def sees_unassigned(level: Level, action: str, visibility: UnassignedVisibility) -> bool:
    """Whether a level reaches customers nobody is assigned to (B18); level all always does."""
    match visibility:
        case UnassignedVisibility.NONE:
            return level is Level.ALL
        case UnassignedVisibility.DEPARTMENT:
            return level >= Level.DEPARTMENT
        case UnassignedVisibility.ALL:
            return level >= Level.OWN
        case UnassignedVisibility.CLAIMABLE_ONLY:
            return level is Level.ALL or (action == Action.CLAIM and level >= Level.OWN)


def unassigned_scope(level: Level, action: str, visibility: UnassignedVisibility) -> Scope:
    """The unassigned customers, where :func:`sees_unassigned` says so."""
    return UNASSIGNED if sees_unassigned(level, action, visibility) else Nothing()


def website_scope(access: Access, settings: Settings) -> Scope:
    """Per-website sharing hides customers of other websites and of none (B12, I19)."""
    if settings.sharing is Sharing.GLOBAL or access.websites is None:
        return Everything()
    return OneOf("website", access.websites)


def group_scope(restriction: GroupRestriction) -> Scope:
    """Allow: some group is listed. Deny: some group, and none of them listed (B08, B09, I19)."""
    if restriction.mode is RestrictionMode.ALLOW:
        return Has("groups", restriction.groups)
    return Has("groups", ANY) & ~Has("groups", restriction.groups)


def groups_scope(access: Access, settings: Settings) -> Scope:
    """All group restrictions at once: of the shop, of the departments and those above, of the staff."""
    shop = (settings.group_restriction,) if settings.group_restriction else ()
    return AllOf(group_scope(restriction) for restriction in (*shop, *access.restrictions))


def reaches_staff(asker: Access, level: Level, staff: StaffId, departments: frozenset[DepartmentId]) -> bool:
    """Whether a right of this level extends to a colleague: who may be given or relieved of customers (row 90)."""
    match level:
        case Level.NONE:
            return False
        case Level.OWN:
            return staff == asker.staff
        case Level.DEPARTMENT:
            return staff == asker.staff or bool(departments & asker.departments)
        case Level.DEPARTMENT_TREE:
            return staff == asker.staff or bool(departments & asker.tree)
        case Level.ALL:
            return True


def holders_in_reach(asker: Access, level: Level, primary_only: bool) -> Scope:
    """Whoever loses an assignment (or only the primary one) is somebody this right extends to (row 90)."""
    node = PrimaryOf if primary_only else AssignedTo
    # Whoever works in no department has no colleagues, and is an outsider to all of them himself.
    reach = level if asker.departments or level is Level.ALL else min(level, Level.OWN)
    match reach:
        case Level.NONE:
            return Nothing()
        case Level.OWN:
            if primary_only:
                return Not(PrimaryOf(ANY)) | PrimaryOf([asker.staff])
            return UNASSIGNED | _only(asker.staff)
        case Level.DEPARTMENT:
            return Not(node(Outsiders(asker.departments)))
        case Level.DEPARTMENT_TREE:
            return Not(node(Outsiders(asker.tree)))
        case Level.ALL:
            return Everything()


def _only(staff: StaffId) -> Scope:
    return AssignedTo([staff]) & ~AssignedCount(2)


def _names(answers: Sequence[tuple[str, object]]) -> str:
    return ", ".join(dict.fromkeys(name for name, _ in answers))
