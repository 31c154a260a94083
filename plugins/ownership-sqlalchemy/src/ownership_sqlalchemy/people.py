"""Writing staff, departments and roles. Whatever changes access raises the access versions it concerns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import CompoundSelect, Select, Table, delete, insert, literal, select, union, update

from ownership_core.events import Event
from ownership_core.model import CoverRow, Department, GroupRestriction, Level, Staff
from ownership_core.rules import Rule
from ownership_sqlalchemy import rows
from ownership_sqlalchemy.dialects import overtaken
from ownership_sqlalchemy.read import SqlReader


class PeopleWriter(SqlReader):
    """The part of a transaction that changes who works here and what they may do."""

    def save_staff(self, staff: Staff, event: Event) -> None:
        """Insert or replace a staff and all that hangs on it; its version is that of its event."""
        tables, id = self._tables, staff.id
        fresh = {
            "label": staff.label,
            "login": staff.login,
            "active": staff.active,
            "deleted": staff.deleted,
            "website_restricted": staff.websites is not None,
            "version": event.version,
        }
        self._put(tables.staff, {"id": id}, fresh, {"access_version": 0})
        for table, column, values in (
            (tables.staff_department, "department_id", staff.departments),
            (tables.staff_website, "website", staff.websites or ()),
            (tables.staff_role, "role", staff.roles),
        ):
            self._run(delete(table).where(table.c.staff_id == id))
            self._insert(table, [{"staff_id": id, column: value} for value in sorted(values)])
        self._restrict("staff", id, staff.restriction)
        covering = select(tables.cover.c.by_id).where(tables.cover.c.staff_id == id)
        self._raise_access(union(select(literal(id, tables.staff_key).label("id")), covering))
        self._record(event)

    def save_department(self, department: Department, event: Event) -> None:
        """Insert or replace a department; raises the access version of every staff."""
        fresh = {"label": department.label, "parent": department.parent, "version": event.version}
        self._put(self._tables.department, {"id": department.id}, fresh)
        self._restrict("department", department.id, department.restriction)
        self._raise_access(None)
        self._record(event)

    def save_role(self, role: str, levels: Mapping[str, Level], event: Event) -> None:
        """Insert or replace a role; raises the access version of every staff that holds it or covers a holder."""
        level, held = self._tables.role_level, self._tables.staff_role
        self._put(self._tables.role, {"name": role}, {"version": event.version})
        self._run(delete(level).where(level.c.role == role))
        reach = [{"role": role, "action": action, "level": int(levels[action])} for action in sorted(levels)]
        self._insert(level, reach)
        holders, cover = select(held.c.staff_id).where(held.c.role == role), self._tables.cover
        self._raise_access(union(holders, select(cover.c.by_id).where(cover.c.staff_id.in_(holders))))
        self._record(event)

    def save_cover(self, cover: CoverRow, event: Event) -> None:
        """Insert or replace a cover; raises the access version of who covers."""
        fresh = {"staff_id": cover.staff, "by_id": cover.by, "since": cover.since, "until": cover.until}
        self._put(self._tables.cover, {"id": cover.id}, {**fresh, "version": event.version})
        self._raise_access(select(literal(cover.by, self._tables.staff_key).label("id")))
        self._record(event)

    def save_rule(self, rule: Rule, event: Event) -> None:
        """Insert or replace a rule; its version is that of its event."""
        columns = rows.rule_columns(rule, event.version)
        self._put(self._tables.rule, {"id": columns.pop("id")}, columns)
        self._record(event)

    def delete_rule(self, rule: str, event: Event) -> None:
        """Forget a rule; its events stay."""
        kept = self._tables.rule
        self._run(delete(kept).where(kept.c.id == rule))
        self._record(event)

    def _restrict(self, kind: str, holder: str, restriction: GroupRestriction | None) -> None:
        rule, group = self._tables.restriction, self._tables.restriction_group
        mine = {"holder_kind": kind, "holder": holder}
        for table in (group, rule):
            self._run(delete(table).where(table.c.holder_kind == kind, table.c.holder == holder))
        if restriction is not None:
            self._insert(rule, [{**mine, "mode": restriction.mode.value}])
            self._insert(group, [{**mine, "customer_group": name} for name in sorted(restriction.groups)])

    def _raise_access(self, whose: Select[Any] | CompoundSelect[Any] | None) -> None:
        staff = self._tables.staff
        raised = update(staff).values(access_version=staff.c.access_version + 1)
        self._run(raised if whose is None else self._database.within(raised, (staff.c.id,), whose))

    def _record(self, event: Event) -> None:
        with overtaken():  # a version that somebody else has given meanwhile
            self._insert(self._tables.event, [rows.event_columns(event)])

    def _put(
        self, table: Table, key: Mapping[str, Any], fresh: Mapping[str, Any], first: Mapping[str, Any] | None = None
    ) -> None:
        """Update the row with this key, or insert it; ``first`` counts for a new row only."""
        found = [table.c[name] == value for name, value in key.items()]
        with overtaken():
            if self._run(update(table).where(*found).values(**fresh)).rowcount == 0:
                self._insert(table, [{**key, **fresh, **(first or {})}])

    def _insert(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
        many = list(rows)
        if many:
            self._run(insert(table), many)
