"""Questions about staff, departments, roles, covers and rules."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, or_, select, true

from ownership_core.model import Access, CoverRow, Department, DepartmentId, Level, Staff, StaffId
from ownership_core.rules import Rule
from ownership_sqlalchemy import access, rows
from ownership_sqlalchemy.access import Asked
from ownership_sqlalchemy.dialects import JsonList, as_text, packed, rows_of
from ownership_sqlalchemy.read.asking import SqlAsker


class PeopleReader(SqlAsker):
    """Who is there, and who may do what."""

    def access(self, staff: Collection[StaffId] | None) -> dict[StaffId, Access]:
        """Access snapshots of these staff, or of all; unknown and deleted ones are left out."""
        asked, given = self._asked(staff)
        found = self._ask(("access", asked), given, lambda: access.statement(self._tables, asked))
        return access.snapshots(found, self._tables.staff_key.key_type)

    def _asked(self, staff: Collection[StaffId] | None) -> tuple[Asked, dict[str, Any]]:
        if staff is None:
            return Asked.EVERYBODY, {}
        ids = self._tables.staff_ids(frozenset(staff))
        if len(ids) == 1:
            return Asked.ONE, {"wanted": ids[0]}
        return Asked.SOME, {"wanted": packed(ids)}

    def staff(self, ids: Collection[StaffId] | None = None) -> list[Staff]:
        """These staff, or all, by id; tombstones included."""
        tables, who = self._tables, self._tables.staff
        statement = select(
            who,
            _gathered(tables.staff_department.c.department_id, tables.staff_department.c.staff_id == who.c.id),
            _gathered(tables.staff_website.c.website, tables.staff_website.c.staff_id == who.c.id),
            _gathered(tables.staff_role.c.role, tables.staff_role.c.staff_id == who.c.id),
            *self._restriction("staff", as_text(who.c.id)),
        ).order_by(who.c.id)
        if ids is not None:
            wanted = rows_of(tables.staff_ids(frozenset(ids)), tables.staff_key)
            statement = statement.where(who.c.id.in_(select(wanted.c.id)))
        return [
            Staff(
                id=row.id,
                label=row.label,
                login=row.login,
                active=row.active,
                deleted=row.deleted,
                departments=frozenset(map(DepartmentId, json.loads(row.department_id))),
                websites=frozenset(json.loads(row.website)) if row.website_restricted else None,
                roles=frozenset(json.loads(row.role)),
                restriction=rows.restriction_of(row.mode, json.loads(row.customer_group)),
                version=row.version,
            )
            for row in self._run(statement)
        ]

    def rules(self) -> list[Rule]:
        """All assignment rules, by id."""
        rule = self._tables.rule
        found = self._run(select(rule.c.version, rule.c.body).order_by(rule.c.id))
        return [rows.rule_of(row) for row in found]

    def staff_of(self, login: str) -> StaffId | None:
        """The one staff that logs in as ``login``."""
        who = self._tables.staff
        found = [StaffId(str(row.id)) for row in self._run(select(who.c.id).where(who.c.login == login))]
        return found[0] if found else None

    def covers(self, staff: Collection[StaffId] | None = None) -> list[CoverRow]:
        """All covers, or those that name one of these staff, by id."""
        cover, key = self._tables.cover, self._tables.staff_key
        statement = select(cover).order_by(cover.c.id)
        if staff is not None:
            named = select(rows_of(self._tables.staff_ids(frozenset(staff)), key).c.id)
            statement = statement.where(or_(cover.c.staff_id.in_(named), cover.c.by_id.in_(named)))
        found = self._run(statement)
        return [CoverRow(row.id, row.staff_id, row.by_id, row.since, row.until, row.version) for row in found]

    def departments(self) -> list[Department]:
        """All departments, by id."""
        unit = self._tables.department
        statement = select(unit, *self._restriction("department", unit.c.id)).order_by(unit.c.id)
        return [
            Department(
                row.id,
                row.label,
                row.parent,
                rows.restriction_of(row.mode, json.loads(row.customer_group)),
                row.version,
            )
            for row in self._run(statement)
        ]

    def _restriction(self, kind: str, holder: ColumnElement[str]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        restriction, group = self._tables.restriction, self._tables.restriction_group
        mode = select(restriction.c.mode).where(restriction.c.holder_kind == kind, restriction.c.holder == holder)
        groups = _gathered(group.c.customer_group, group.c.holder_kind == kind, group.c.holder == holder)
        return mode.scalar_subquery().label("mode"), groups

    def roles(self) -> dict[str, dict[str, Level]]:
        """All roles and how far each of their actions reaches."""
        role, level = self._tables.role, self._tables.role_level
        statement = (
            select(role.c.name, level.c.action, level.c.level)
            .select_from(role.outerjoin(level, level.c.role == role.c.name))
            .order_by(role.c.name, level.c.action)
        )
        found: dict[str, dict[str, Level]] = {}
        for row in self._run(statement):
            levels = found.setdefault(row.name, {})
            if row.action is not None:
                levels[row.action] = Level(row.level)
        return found


def _gathered(column: ColumnElement[Any], *conditions: ColumnElement[bool]) -> ColumnElement[Any]:
    """All values of a column as a JSON list, named after it."""
    label = column.key
    return select(JsonList(column)).where(true(), *conditions).scalar_subquery().label(label)
