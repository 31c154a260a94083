"""Changing staff, departments and roles: load under lock, decide, save with one event per subject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias, assert_never

from ownership_core.commands import AccessCommand, ChangeDepartment, ChangeRules, ChangeStaff, Command, GrantAccess
from ownership_core.decide.asking import Asking
from ownership_core.decide.people import decide_change_department, decide_change_staff, decide_grant_access
from ownership_core.errors import Problem
from ownership_core.events import BODY_VERSION, Event, Subject
from ownership_core.model import (
    Action,
    Actor,
    ActorKind,
    Department,
    GroupRestriction,
    Json,
    Level,
    Staff,
    StaffId,
)
from ownership_core.plan import Receipt
from ownership_core.ports import Run, RunState, Tally, Writer
from ownership_core.ruling import VERSION_CONFLICT
from ownership_core.service.desk import Desk
from ownership_core.service.refusals import refuse
from ownership_core.wire import command_to_wire, recorded

NO_CHANGE = Tally(unchanged=1)

PeopleCommand: TypeAlias = ChangeStaff | ChangeDepartment | GrantAccess


def change(desk: Desk, writer: Writer, actor: Actor, command: PeopleCommand) -> Receipt:
    """Carry out a change of staff, departments or roles; the same again is unchanged."""
    named = set() if isinstance(command, ChangeDepartment) or command.staff is None else {command.staff}
    asking = asked_under_lock(desk, writer, actor, command, None if _concerns_many(command) else named)
    match command:
        case ChangeStaff():
            return _change_staff(desk, writer, command, asking)
        case ChangeDepartment():
            return _change_department(desk, writer, command, asking)
        case GrantAccess():
            return _grant_access(desk, writer, command, asking)
        case _:
            assert_never(command)


def asked_under_lock(
    desk: Desk,
    writer: Writer,
    actor: Actor,
    command: Command,
    staff: Iterable[StaffId] | None,
    *,
    changing: bool = True,
) -> Asking:
    """Who asks, and what it may do, with it and ``staff`` held until the end; None holds everybody."""
    asker = StaffId(actor.id)
    mine = {asker} if actor.kind is ActorKind.STAFF else set()
    writer.lock_staff(None if staff is None else {*mine, *staff}, changing=changing)
    return desk.counsel.asking(command, actor, writer.access(mine).get(asker), desk.now())


def _concerns_many(command: PeopleCommand) -> bool:
    """Departments and roles change the access of whoever is in them or holds them: nobody can name all beforehand."""
    return isinstance(command, ChangeDepartment) or (isinstance(command, GrantAccess) and bool(command.levels))


def _change_staff(desk: Desk, writer: Writer, command: ChangeStaff, asking: Asking) -> Receipt:
    before = _staff(writer, command.staff)
    departments = {department.id: department for department in writer.departments()}
    over_everybody = asking.access is None or asking.access.level(Action.MANAGE_ACCESS) is Level.ALL
    namesake = writer.staff_of(command.login) if isinstance(command.login, str) else None
    problems, after = decide_change_staff(command, asking, before, departments, namesake, over_everybody)
    problems += _version_conflict(command.expected_version, after.version)
    if problems:
        raise refuse(problems, asking.actor)
    if after == before:
        return Receipt(None, "change_staff", NO_CHANGE, after.version)
    run = applied(desk, asking, command, "change_staff")
    what = "created" if before is None else "deleted" if command.delete else "changed"
    event = event_of(run, Subject.STAFF, after.id, after.version + 1, staff_body(what, before, after))
    writer.save_staff(after, event)
    writer.save_run(run)
    return Receipt(run.id, run.what, run.tally, event.version)


def _change_department(desk: Desk, writer: Writer, command: ChangeDepartment, asking: Asking) -> Receipt:
    departments = {department.id: department for department in writer.departments()}
    problems, after = decide_change_department(command, asking, departments)
    problems += _version_conflict(command.expected_version, after.version)
    if problems:
        raise refuse(problems, asking.actor)
    before = departments.get(command.department)
    if after == before:
        return Receipt(None, "change_department", NO_CHANGE, after.version)
    run = applied(desk, asking, command, "change_department")
    body = department_body("created" if before is None else "changed", before, after)
    event = event_of(run, Subject.DEPARTMENT, after.id, after.version + 1, body)
    writer.save_department(after, event)
    writer.save_run(run)
    return Receipt(run.id, run.what, run.tally, event.version)


def _grant_access(desk: Desk, writer: Writer, command: GrantAccess, asking: Asking) -> Receipt:
    roles = writer.roles()
    before = _staff(writer, command.staff) if command.staff is not None else None
    known = desk.settings.known_actions()
    problems, levels, after = decide_grant_access(command, asking, before, roles, known)
    if problems:
        raise refuse(problems, asking.actor)
    new_levels = levels is not None and levels != roles.get(command.role)
    if not new_levels and after == before:
        return Receipt(None, "grant_access", NO_CHANGE)
    run = applied(desk, asking, command, "grant_access")
    if new_levels and levels is not None:
        version = 1 + sum(1 for _ in writer.events(Subject.ROLE, command.role))
        event = event_of(run, Subject.ROLE, command.role, version, role_body(levels))
        writer.save_role(command.role, levels, event)
    if after is not None and after != before:
        body = staff_body("changed", before, after)
        writer.save_staff(after, event_of(run, Subject.STAFF, after.id, after.version + 1, body))
    writer.save_run(run)
    return Receipt(run.id, run.what, run.tally)


def staff_body(what: str, before: Staff | None, after: Staff) -> Json:
    """The event of a staff: which fields changed, and its access afterwards, so replay needs only the last."""
    names = ("label", "login", "active", "deleted", "departments", "websites", "roles", "restriction")
    changed = [name for name in names if before is None or getattr(before, name) != getattr(after, name)]
    access = {
        "active": after.active,
        "deleted": after.deleted,
        "departments": sorted(after.departments),
        "websites": None if after.websites is None else sorted(after.websites),
        "roles": sorted(after.roles),
        "restriction": _restriction(after.restriction),
    }
    return {"v": BODY_VERSION, "what": what, "fields": changed, "access": access}


def department_body(what: str, before: Department | None, after: Department) -> Json:
    """The event of a department: which fields changed, its parent and restriction afterwards."""
    names = ("label", "parent", "restriction")
    changed = [name for name in names if before is None or getattr(before, name) != getattr(after, name)]
    restriction = _restriction(after.restriction)
    return {"v": BODY_VERSION, "what": what, "fields": changed, "parent": after.parent, "restriction": restriction}


def role_body(levels: Mapping[str, Level]) -> Json:
    """The event of a role: how far each action reaches afterwards."""
    named = {action: level.name.lower() for action, level in sorted(levels.items())}
    return {"v": BODY_VERSION, "what": "changed", "levels": named}


def _version_conflict(expected: int | None, version: int) -> list[Problem]:
    if expected is None or expected == version:
        return []
    return [Problem(VERSION_CONFLICT, f"It is at version {version}, not {expected}.", "Read it again.")]


def _restriction(restriction: GroupRestriction | None) -> Json | None:
    if restriction is None:
        return None
    return {"mode": restriction.mode.value, "groups": sorted(restriction.groups)}


def _staff(writer: Writer, staff: StaffId) -> Staff | None:
    return next(iter(writer.staff([staff])), None)


def applied(desk: Desk, asking: Asking, command: AccessCommand | ChangeRules, what: str) -> Run:
    """The run of a command that changes one thing."""
    return Run(
        id=desk.new_run(),
        state=RunState.APPLIED,
        what=what,
        command=command_to_wire(recorded(command)),
        actor=asking.actor,
        at=desk.now(),
        reason=command.reason,
        tally=Tally(changed=1),
    )


def event_of(run: Run, kind: Subject, subject: str, version: int, body: Json) -> Event:
    """What a run did to a subject."""
    return Event(kind, subject, version, run.id, run.at, run.actor, run.reason, body)
