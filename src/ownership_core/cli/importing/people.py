"""Staff and departments from files: few rows, one command each, in an order in which they can exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ownership_core.cli.cells import split
from ownership_core.cli.importing.columns import Shape
from ownership_core.cli.importing.job import Job, required
from ownership_core.cli.importing.stage import CHANGE, NEW, Comparing, Staged
from ownership_core.cli.where import read_text
from ownership_core.commands import ChangeDepartment, ChangeStaff, GrantAccess
from ownership_core.errors import InvalidInput, Problem
from ownership_core.fields import Field, Kind
from ownership_core.keys import parse_id
from ownership_core.model import Department, DepartmentId, GroupRestriction, RestrictionMode, Staff, StaffId
from ownership_core.service import Transaction

_ACTIVE = Field("active", Kind.BOOLEAN)
_GROUPS = ("allow_groups", "deny_groups")
EXISTS = "already_exists"


class StaffJob(Job):
    """``id``, ``label``, and optionally login, active, departments, websites, groups and ``role``.

    A role is granted where it is missing and never taken away by a file.
    """

    noun = "staff"

    def shape(self) -> Shape:
        """The fields of staff."""
        many = frozenset({"departments", "websites", "role", *_GROUPS})
        return Shape(frozenset({"id", "label", "login", "active", *many}), frozenset({"id", "label"}), many)

    def comparing(self, values: dict[str, str]) -> Comparing:
        """One row for one id."""
        return Comparing(values["id"])

    def check(self, values: dict[str, str]) -> Iterator[tuple[str, Problem]]:
        """The id, a label, yes or no."""
        yield from required(values, "id", "label")
        yield from _id_problems("id", values["id"], "staff id", self)
        if values.get("active"):
            yield from _truth_problems(values["active"])
        yield from _group_problems(values)

    def carry_out(self, transaction: Transaction) -> None:
        """Create or change each, then grant its roles."""
        for chunk in self.stage.chunks(NEW):
            existing = {one.id: one for one in transaction.writer.staff([StaffId(r.values["id"]) for r in chunk])}
            for row in chunk:
                self._one(transaction, row, existing.get(StaffId(row.values["id"])))

    def _one(self, transaction: Transaction, row: Staged, before: Staff | None) -> None:
        staff, given = StaffId(row.values["id"]), _staff_parts(row.values)
        roles = [role for role in split(row.values.get("role", "")) if before is None or role not in before.roles]
        different = [name for name, value in given.items() if before is not None and getattr(before, name) != value]
        if before is not None and (different or roles):
            if not self.wishes.update:
                self.blame(row.line, _there_already("staff", different or ["role"]))
                return
            self.stage.mark(row.line, CHANGE)
        grants = [GrantAccess(role, staff) for role in roles]
        self.send(transaction, row, ChangeStaff(staff, create=before is None, **given), *grants)


class DepartmentJob(Job):
    """``id``, ``label``, and optionally ``parent`` and groups; parents may stand anywhere in the file."""

    noun = "departments"

    def shape(self) -> Shape:
        """The fields of departments."""
        return Shape(frozenset({"id", "label", "parent", *_GROUPS}), frozenset({"id", "label"}), frozenset(_GROUPS))

    def comparing(self, values: dict[str, str]) -> Comparing:
        """One row for one id."""
        return Comparing(values["id"])

    def check(self, values: dict[str, str]) -> Iterator[tuple[str, Problem]]:
        """The ids and a label."""
        yield from required(values, "id", "label")
        yield from _id_problems("id", values["id"], "department id")
        yield from _id_problems("parent", values.get("parent", ""), "department id")
        yield from _group_problems(values)

    def carry_out(self, transaction: Transaction) -> None:
        """Parents before their children; whoever lies below itself is told so."""
        rows = {row.values["id"]: row for chunk in self.stage.chunks(NEW) for row in chunk}
        existing = {one.id: one for one in transaction.writer.departments()}
        for row in self._in_order(rows):
            self._one(transaction, row, existing.get(DepartmentId(row.values["id"])))

    def _in_order(self, rows: dict[str, Staged]) -> Iterator[Staged]:
        """Each row after its parent's; the rows of a cycle are blamed and left out, those below them follow."""
        waiting, done = dict(rows), set[str]()
        while waiting:
            ready = [key for key, row in waiting.items() if row.values.get("parent", "") not in waiting]
            if not ready:
                ready = self._blame_cycle(waiting)
            else:
                yield from (waiting[key] for key in ready)
            done.update(ready)
            for key in ready:
                del waiting[key]

    def _blame_cycle(self, waiting: dict[str, Staged]) -> list[str]:
        """All that wait lie on a cycle or below one; follow parents from any of them until one comes back."""
        trail: list[str] = []
        key = next(iter(waiting))
        while key not in trail:
            trail.append(key)
            key = waiting[key].values["parent"]
        cycle = trail[trail.index(key) :]
        for one in cycle:
            what = f"The department {one!r} lies below itself: {' < '.join([*cycle, key])}."
            problem = Problem("department_cycle", what, "Choose a parent outside of it.")
            self.blame(waiting[one].line, problem, "parent")
        return cycle

    def _one(self, transaction: Transaction, row: Staged, before: Department | None) -> None:
        given = _department_parts(row.values)
        different = [name for name, value in given.items() if before is not None and getattr(before, name) != value]
        if different:
            if not self.wishes.update:
                self.blame(row.line, _there_already("department", different))
                return
            self.stage.mark(row.line, CHANGE)
        command = ChangeDepartment(DepartmentId(row.values["id"]), create=before is None, **given)
        self.send(transaction, row, command)


def _staff_parts(values: dict[str, str]) -> dict[str, Any]:
    """The fields a row speaks of; an empty list of websites or groups restricts nothing."""
    parts: dict[str, Any] = {"label": values["label"]}
    if "login" in values:
        parts["login"] = values["login"] or None
    if values.get("active"):
        parts["active"] = read_text(_ACTIVE, values["active"])
    if "departments" in values:
        parts["departments"] = frozenset(split(values["departments"]))
    if "websites" in values:
        parts["websites"] = frozenset(split(values["websites"])) or None
    return parts | _restriction(values)


def _department_parts(values: dict[str, str]) -> dict[str, Any]:
    parts: dict[str, Any] = {"label": values["label"]}
    if "parent" in values:
        parts["parent"] = values["parent"] or None
    return parts | _restriction(values)


def _restriction(values: dict[str, str]) -> dict[str, Any]:
    if not any(name in values for name in _GROUPS):
        return {}
    for name, mode in zip(_GROUPS, (RestrictionMode.ALLOW, RestrictionMode.DENY), strict=True):
        groups = split(values.get(name, ""))
        if groups:
            return {"restriction": GroupRestriction(mode, groups)}
    return {"restriction": None}


def _group_problems(values: dict[str, str]) -> Iterator[tuple[str, Problem]]:
    if all(values.get(name) for name in _GROUPS):
        what = "Groups are either allowed or denied, not both."
        yield "deny_groups", Problem("invalid_value", what, "Empty one of the cells.")


def _truth_problems(text: str) -> Iterator[tuple[str, Problem]]:
    try:
        read_text(_ACTIVE, text)
    except InvalidInput as bad:
        yield from (("active", problem) for problem in bad.problems)


def _id_problems(field: str, text: str, what: str, job: Job | None = None) -> Iterator[tuple[str, Problem]]:
    if not text:
        return
    try:
        if job is None:
            parse_id(text, what=what)
        else:
            parse_id(text, job.shop.edge.capabilities.staff_key, what)
    except InvalidInput as bad:
        yield from ((field, problem) for problem in bad.problems)


def _there_already(kind: str, different: list[str]) -> Problem:
    what = f"The {kind} is there already, with another {' and '.join(sorted(different))}."
    return Problem(EXISTS, what, "Change existing ones with --update.")
