"""What commands about staff, departments and roles do to a plain shop, written from the sentences of the design.

A shop is the dict of :mod:`.naive`, which also says who reaches whom. Beside it stand here the label and version of
each staff and department, and the versions of the roles.
"""

from __future__ import annotations

from typing import Any

from ownership_core.commands import KEEP

from . import naive
from .naive import Plain

STAFF_FIELDS = ("label", "login", "active", "deleted", "departments", "websites", "roles", "restriction")
NOBODY: Plain = {
    "label": "",
    "login": None,
    "active": True,
    "deleted": False,
    "departments": [],
    "websites": None,
    "restriction": None,
    "roles": [],
    "version": 0,
}


class Denied(Exception):
    """The whole command is refused. ``exact`` tells whether these are all its codes, or at least these."""

    def __init__(self, codes: set[str], exact: bool = True) -> None:
        super().__init__(*sorted(codes))
        self.codes = codes
        self.exact = exact


def change_staff(shop: Plain, actor: Any, command: Any, by: Plain) -> tuple[bool, int | None]:
    """D01, D09, D10, D12: hire, change, send away; assignments stay whatever happens."""
    mine = naive.asker_problems(shop, actor, "manage_staff")
    before = shop["staff"].get(command.staff)
    codes = named_problems(command, before, "unknown_staff")
    after = {**(before or NOBODY), **told(command, "label", "login", "active")}
    for name, value in told(command, "departments", "websites").items():
        after[name] = None if value is None else sorted(value)
    if command.restriction is not KEEP:
        after["restriction"] = naive.restriction_of(command.restriction)
    if command.delete:
        after.update(active=False, deleted=True, login=None)
    if command.login is not None and any(
        one["login"] == command.login for id, one in shop["staff"].items() if id != command.staff
    ):
        codes.add("duplicate_login")
    codes |= staff_authority(shop, actor, command, before or NOBODY, after)
    if any(department not in shop["departments"] for department in after["departments"]):
        codes.add("unknown_department")
    if after["websites"] == [] or empty(command.restriction):
        codes.add("empty_restriction")
    refuse(mine, codes | version_problems(command, before))
    if after == before:
        return False, before["version"]
    what = "created" if before is None else "deleted" if command.delete else "changed"
    return True, save_staff(shop, command.staff, after, what, by)


def change_department(shop: Plain, actor: Any, command: Any, by: Plain) -> tuple[bool, int | None]:
    """B15: departments form a tree; nobody moves the one that binds oneself."""
    mine = over_everybody(shop, actor)
    id, before = command.department, shop["departments"].get(command.department)
    codes = named_problems(command, before, "unknown_department")
    after = {**(before or {"label": "", "parent": None, "restriction": None, "version": 0})}
    after.update(told(command, "label", "parent"))
    if command.restriction is not KEEP:
        after["restriction"] = naive.restriction_of(command.restriction)
    above = after["parent"]
    if above is not None and above not in shop["departments"]:
        codes.add("unknown_department")
    elif above is not None and id in naive.above(shop, above):
        codes.add("department_cycle")
    if above == id:
        codes.add("department_cycle")
    binding = before is None or (before["parent"], before["restriction"]) != (after["parent"], after["restriction"])
    if binding and before is not None and actor.kind == "staff" and not mine:
        mine_too = shop["staff"][actor.id]["departments"]
        if any(id in naive.above(shop, department) for department in mine_too):
            codes.add("own_access")
    if empty(command.restriction):
        codes.add("empty_restriction")
    refuse(mine, codes | version_problems(command, before))
    if after == before:
        return False, before["version"]
    fields = changed_fields(before, after, ("label", "parent", "restriction"))
    after["version"] += 1
    shop["departments"][id] = after
    body = {"what": "created" if before is None else "changed", "fields": fields}
    body |= {"parent": after["parent"], "restriction": after["restriction"]}
    record(shop, "department", id, after["version"], by, body)
    return True, after["version"]


def grant_access(shop: Plain, actor: Any, command: Any, by: Plain) -> tuple[bool, int | None]:
    """B23: give or take a role, set how far it reaches, or both; nobody widens the access of oneself (I27)."""
    mine, codes = over_everybody(shop, actor), set()
    levels = naive.levels_of(command.levels)
    known = shop["roles"].get(command.role)
    if known is None and not levels:
        codes.add("unknown_role")
    if any(action not in shop["actions"] for action in levels):
        codes.add("unknown_action")
    who = None if command.staff is None else shop["staff"].get(command.staff)
    if command.staff is not None and (who is None or who["deleted"]):
        codes.add("unknown_staff")
    if actor.kind == "staff" and not mine:
        itself = command.staff == actor.id and not command.revoke
        if itself or (command.role in shop["staff"][actor.id]["roles"] and raises(shop, actor, levels)):
            codes.add("own_access")
    refuse(mine, codes)
    wanted = {**(known or {}), **levels}
    new_levels = bool(levels) and wanted != known
    if new_levels:
        shop["roles"][command.role] = wanted
        version = shop["role_versions"][command.role] = shop["role_versions"].get(command.role, 0) + 1
        record(shop, "role", command.role, version, by, {"what": "changed", "levels": wanted})
    if who is None:
        return new_levels, None
    roles = set(who["roles"]) - {command.role} if command.revoke else {*who["roles"], command.role}
    if roles == set(who["roles"]):
        return new_levels, None
    save_staff(shop, command.staff, {**who, "roles": sorted(roles)}, "changed", by)
    return True, None


def named_problems(command: Any, before: Plain | None, unknown: str) -> set[str]:
    """Whether what the command names is there, or is not there yet."""
    if not command.create:
        return {unknown} if before is None or before.get("deleted") else set()
    codes = set() if before is None else {"already_exists"}
    return codes if command.label is not KEEP and command.label else codes | {"invalid_value"}


def staff_authority(shop: Plain, actor: Any, command: Any, before: Plain, after: Plain) -> set[str]:
    """I30: a right over staff reaches as far as its level; what binds them takes the right over all access."""
    if actor.kind != "staff" or naive.asker_problems(shop, actor, "manage_staff"):
        return set()
    codes = set()
    where = (after if command.create else before)["departments"]
    if command.staff != actor.id and not in_reach(shop, actor, where):
        codes.add("target_out_of_reach")
    if any(before[name] != after[name] for name in ("departments", "websites", "restriction")):
        if command.staff == actor.id:
            codes.add("own_access")
        elif naive.level_of(shop, actor, "manage_access") != "all":
            codes.add("not_permitted")
    return codes


def in_reach(shop: Plain, actor: Any, departments: list[str]) -> bool:
    """Whether the right over staff extends to somebody of these departments."""
    level = naive.level_of(shop, actor, "manage_staff")
    if level == "department":
        return any(one in shop["staff"][actor.id]["departments"] for one in departments)
    if level == "department_tree":
        return any(one in naive.tree_of(shop, actor.id) for one in departments)
    return level == "all"


def over_everybody(shop: Plain, actor: Any) -> set[str]:
    """Access is changed only by whoever may change that of everybody."""
    mine = naive.asker_problems(shop, actor, "manage_access")
    if not mine and actor.kind == "staff" and naive.level_of(shop, actor, "manage_access") != "all":
        return {"not_permitted"}
    return mine


def raises(shop: Plain, actor: Any, levels: Plain) -> bool:
    """Whether some level lies beyond what the actor already may."""
    order = naive.LEVELS.index
    return any(order(level) > order(naive.level_of(shop, actor, action)) for action, level in levels.items())


def refuse(mine: set[str], codes: set[str]) -> None:
    """Stop where anything is wrong; of whoever may not ask at all we only know that much."""
    if mine or codes:
        raise Denied(mine | (set() if mine else codes), exact=not mine)


def version_problems(command: Any, before: Plain | None) -> set[str]:
    """Whether the command was made for another version."""
    expected, version = command.expected_version, 0 if before is None else before["version"]
    return set() if expected in {None, version} else {"version_conflict"}


def empty(restriction: Any) -> bool:
    """B11: a list that lists nothing."""
    return restriction is not KEEP and restriction is not None and len(restriction.groups) == 0


def told(command: Any, *names: str) -> Plain:
    """What the command says of these fields, where it says something."""
    return {name: getattr(command, name) for name in names if getattr(command, name) is not KEEP}


def changed_fields(before: Plain | None, after: Plain, names: tuple[str, ...]) -> list[str]:
    """Which fields differ; all of them for what is new."""
    return [name for name in names if before is None or before[name] != after[name]]


def save_staff(shop: Plain, id: str, after: Plain, what: str, by: Plain) -> int:
    """The next version of a staff, with its event."""
    fields = changed_fields(shop["staff"].get(id), after, STAFF_FIELDS)
    after = shop["staff"][id] = {**after, "version": after["version"] + 1}
    names = ("active", "deleted", "departments", "websites", "roles", "restriction")
    body = {"what": what, "fields": fields, "access": {name: after[name] for name in names}}
    record(shop, "staff", id, after["version"], by, body)
    return int(after["version"])


def record(shop: Plain, kind: str, subject: str, version: int, by: Plain, body: Plain) -> None:
    """One fact for ever."""
    shop["events"].append({"kind": kind, "subject": subject, "version": version, **by, "body": {"v": 1, **body}})
