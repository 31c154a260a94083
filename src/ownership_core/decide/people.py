"""Changing staff, departments and roles: who may, and what keeps access from widening itself (I27, I30)."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ownership_core.access import reaches_staff
from ownership_core.commands import KEEP, ChangeDepartment, ChangeStaff, GrantAccess
from ownership_core.decide.asking import Asking, not_permitted, out_of_reach, unknown_staff
from ownership_core.errors import Problem
from ownership_core.model import Action, Department, DepartmentId, Level, Staff, StaffId
from ownership_core.settings import check_group_restriction

OWN_ACCESS = "own_access"
UNKNOWN_DEPARTMENT = "unknown_department"
UNKNOWN_ROLE = "unknown_role"
UNKNOWN_ACTION = "unknown_action"
DEPARTMENT_CYCLE = "department_cycle"
ALREADY_EXISTS = "already_exists"

Departments = Mapping[DepartmentId, Department]


def decide_change_staff(
    command: ChangeStaff,
    asking: Asking,
    current: Staff | None,
    departments: Departments,
    namesake: StaffId | None,
    may_change_access: bool,
) -> tuple[list[Problem], Staff]:
    """The staff as it would be, and every reason against it.

    ``namesake`` is who has the new login already. ``may_change_access`` says whether the asker holds
    ``manage_access`` over everybody: moving between departments, websites and restrictions changes who
    sees what.
    Codes: staff_inactive, unknown_staff, not_permitted, already_exists, target_out_of_reach, own_access,
    duplicate_login, unknown_department, empty_restriction, invalid_value (no label).
    """
    problems = asking.common_refusals()
    if command.create and current is not None:
        problems.append(_exists("staff", command.staff))
    if not command.create and (current is None or current.deleted):
        problems.append(unknown_staff(command.staff))
    if command.create and (command.label is KEEP or not command.label):
        problems.append(Problem("invalid_value", "A staff needs a label.", "Give a label.", "label"))
    before = current or Staff(command.staff, "")
    after = _staff_after(command, before)
    problems += _staff_authority(command, asking, before, after, may_change_access)
    if namesake not in (None, command.staff):
        hint = "Give another login, or take it from whoever has it."
        problems.append(Problem("duplicate_login", "Another staff logs in by this name.", hint, "login"))
    for missing in sorted(after.departments - set(departments)):
        problems.append(_unknown_department(missing))
    problems += _restriction_problems(command.restriction)
    if after.websites is not None and not after.websites:
        hint = "List at least one website, or None for all."
        problems.append(Problem("empty_restriction", "The website list is empty.", hint, "websites"))
    return problems, after


def decide_change_department(
    command: ChangeDepartment, asking: Asking, departments: Departments
) -> tuple[list[Problem], Department]:
    """The department as it would be, and every reason against it.

    Codes: staff_inactive, unknown_staff, not_permitted, already_exists, unknown_department,
    department_cycle (B15), own_access, empty_restriction, invalid_value (no label).
    """
    problems = _over_everybody(asking)
    current = departments.get(command.department)
    if command.create and current is not None:
        problems.append(_exists("department", command.department))
    if not command.create and current is None:
        problems.append(_unknown_department(command.department))
    if command.create and (command.label is KEEP or not command.label):
        problems.append(Problem("invalid_value", "A department needs a label.", "Give a label.", "label"))
    before = current or Department(command.department, "")
    after = attrs.evolve(
        before,
        label=before.label if command.label is KEEP else command.label,
        parent=before.parent if command.parent is KEEP else command.parent,
        restriction=before.restriction if command.restriction is KEEP else command.restriction,
    )
    if after.parent is not None and after.parent not in departments:
        problems.append(_unknown_department(after.parent))
    if after.id in _ancestors(after.parent, departments):
        what = f"The department {after.id!r} would lie below itself."
        problems.append(Problem(DEPARTMENT_CYCLE, what, "Choose a parent outside of it.", "parent"))
    bound = after.parent != before.parent or after.restriction != before.restriction
    if asking.access is not None and bound and _binds(after.id, asking.access.departments, departments):
        problems.append(_own_access())
    return problems + _restriction_problems(command.restriction), after


def decide_grant_access(
    command: GrantAccess,
    asking: Asking,
    current: Staff | None,
    roles: Mapping[str, Mapping[str, Level]],
    known_actions: frozenset[str],
) -> tuple[list[Problem], dict[str, Level] | None, Staff | None]:
    """The role's levels and the staff as they would be (None: untouched), and every reason against it.

    Codes: staff_inactive, unknown_staff, not_permitted, unknown_role, unknown_action, own_access.
    """
    problems = _over_everybody(asking)
    if command.role not in roles and not command.levels:
        hint = f"Known are: {', '.join(sorted(roles))}."
        problems.append(Problem(UNKNOWN_ROLE, f"There is no role {command.role!r}.", hint, "role"))
    for action in sorted(set(command.levels) - known_actions):
        hint = f"Known are: {', '.join(sorted(known_actions))}."
        problems.append(Problem(UNKNOWN_ACTION, f"There is no action {action!r}.", hint, "levels"))
    levels = {**roles.get(command.role, {}), **command.levels} if command.levels else None
    after = None
    if command.staff is not None:
        if current is None or current.deleted:
            problems.append(unknown_staff(command.staff))
        else:
            change = current.roles - {command.role} if command.revoke else current.roles | {command.role}
            after = attrs.evolve(current, roles=change)
    if _widens_own(command, asking):
        problems.append(_own_access())
    return problems, levels, after


def _staff_after(command: ChangeStaff, before: Staff) -> Staff:
    changes = {
        name: value
        for name in ("label", "login", "active", "departments", "websites", "restriction")
        if (value := getattr(command, name)) is not KEEP
    }
    after = attrs.evolve(before, **changes)
    # Whoever has left logs in no more, and the name is free for somebody else.
    return attrs.evolve(after, active=False, deleted=True, login=None) if command.delete else after


def _staff_authority(
    command: ChangeStaff, asking: Asking, before: Staff, after: Staff, may_change_access: bool
) -> list[Problem]:
    asker = asking.access
    if asker is None:
        return []
    problems = []
    where = after.departments if command.create else before.departments
    if not reaches_staff(asker, asking.level, command.staff, where):
        problems.append(out_of_reach(command.staff))
    bounds = [before.departments, before.websites, before.restriction]
    if bounds != [after.departments, after.websites, after.restriction]:
        if command.staff == asker.staff:
            problems.append(_own_access())
        elif not may_change_access:
            problems.append(not_permitted(asking.actor, Action.MANAGE_ACCESS))
    return problems


def _widens_own(command: GrantAccess, asking: Asking) -> bool:
    """Whether somebody would give itself a role, or raise a role it holds beyond what it already may."""
    asker = asking.access
    if asker is None:
        return False
    if command.staff == asker.staff and not command.revoke:
        return True
    held = command.role in asker.roles
    return held and any(level > asker.level(action) for action, level in command.levels.items())


def _over_everybody(asking: Asking) -> list[Problem]:
    """Access is changed by whoever holds the right over everybody; less could be used to take more."""
    problems = asking.common_refusals()
    if not problems and asking.level is not Level.ALL:
        problems = [not_permitted(asking.actor, asking.right)]
    return problems


def _binds(department: DepartmentId, mine: frozenset[DepartmentId], departments: Departments) -> bool:
    return any(department in _ancestors(one, departments) for one in mine)


def _ancestors(department: DepartmentId | None, departments: Departments) -> set[DepartmentId]:
    """The department and all above it; ends at a cycle instead of looping."""
    found: set[DepartmentId] = set()
    while department is not None and department not in found:
        found.add(department)
        above = departments.get(department)
        department = above.parent if above is not None else None
    return found


def _restriction_problems(restriction: object) -> list[Problem]:
    if restriction is KEEP or restriction is None:
        return []
    return check_group_restriction(restriction, "restriction")  # type: ignore[arg-type]


def _exists(kind: str, key: str) -> Problem:
    return Problem(ALREADY_EXISTS, f"There already is a {kind} {key!r}.", "Change it instead of creating it.")


def _unknown_department(department: str) -> Problem:
    return Problem(UNKNOWN_DEPARTMENT, f"There is no department {department!r}.", "Create it first.")


def _own_access() -> Problem:
    what = "Nobody widens the access of oneself."
    return Problem(OWN_ACCESS, what, "Ask another admin, or the operator.")
