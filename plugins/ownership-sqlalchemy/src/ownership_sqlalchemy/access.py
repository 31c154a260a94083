"""Access snapshots: everything that decides what staff may do, gathered by one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from attrs import Factory, define
from sqlalchemy import (
    CTE,
    CompoundSelect,
    Select,
    Table,
    bindparam,
    case,
    cast,
    func,
    literal,
    not_,
    null,
    select,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import BigInteger, Text

from ownership_core.keys import KeyType, id_order
from ownership_core.model import Access, DepartmentId, GroupRestriction, Level, StaffId
from ownership_sqlalchemy.dialects import as_text, no_text, rows_in
from ownership_sqlalchemy.rows import restriction_of
from ownership_sqlalchemy.tables import Tables


@lru_cache(maxsize=32)
def statement(tables: Tables, *, everybody: bool) -> CompoundSelect[Any]:
    """Rows (what, staff, text, more, number, flag) of all staff, or of those in the parameter ``wanted``.

    Built once: every question begins with it, and building it costs more than running it. ``wanted`` is
    what :func:`ownership_sqlalchemy.dialects.packed` makes of the ids.
    """
    who = tables.staff
    chosen = select(who).where(not_(who.c.deleted))
    if not everybody:
        wanted = rows_in(bindparam("wanted", type_=Text()), tables.staff_key)
        chosen = chosen.where(who.c.id.in_(select(wanted.c.id)))
    staff = chosen.cte("chosen")
    below, above = _tree(tables, staff, down=True), _tree(tables, staff, down=False)
    return union_all(
        _row("staff", staff.c.id, number=staff.c.access_version, flag=_bits(staff)),
        _of(tables.staff_website, "website", staff, tables.staff_website.c.website),
        _of(tables.staff_role, "role", staff, tables.staff_role.c.role),
        _levels(tables, staff),
        _of(tables.staff_department, "department", staff, tables.staff_department.c.department_id),
        _row("below", below.c.staff_id, below.c.department_id),
        _restrictions(tables, above, above.c.staff_id, above.c.department_id, "department"),
        _restrictions(tables, staff, staff.c.id, as_text(staff.c.id), "staff"),
    )


def _bits(staff: CTE) -> ColumnElement[int]:
    return case((staff.c.active, 1), else_=0) + case((staff.c.website_restricted, 2), else_=0)


def _row(
    what: str,
    staff: ColumnElement[Any],
    text: ColumnElement[Any] | None = None,
    more: ColumnElement[Any] | None = None,
    group: ColumnElement[Any] | None = None,
    number: ColumnElement[Any] | None = None,
    flag: ColumnElement[Any] | None = None,
) -> Select[Any]:
    return select(
        literal(what, Text()).label("what"),
        staff.label("staff"),
        (no_text() if text is None else text).label("text"),
        (no_text() if more is None else more).label("more"),
        (no_text() if group is None else group).label("customer_group"),
        (cast(null(), BigInteger) if number is None else number).label("number"),
        (literal(0) if flag is None else flag).label("flag"),
    )


def _of(table: Table, what: str, staff: CTE, column: ColumnElement[Any]) -> Select[Any]:
    return _row(what, staff.c.id, column).select_from(staff.join(table, table.c.staff_id == staff.c.id))


def _levels(tables: Tables, staff: CTE) -> Select[Any]:
    """The best level of all roles, action by action."""
    held, level = tables.staff_role, tables.role_level
    source = staff.join(held, held.c.staff_id == staff.c.id).join(level, level.c.role == held.c.role)
    best = _row("level", staff.c.id, level.c.action, number=func.max(level.c.level))
    return best.select_from(source).group_by(staff.c.id, level.c.action)


def _tree(tables: Tables, staff: CTE, *, down: bool) -> CTE:
    """The departments below (or above) those of each staff, and these. A cycle ends: UNION drops repeats."""
    works, unit = tables.staff_department, tables.department
    reach = (
        select(works.c.staff_id, works.c.department_id)
        .join(staff, staff.c.id == works.c.staff_id)
        .cte("below" if down else "above", recursive=True)
    )
    if down:
        step = select(reach.c.staff_id, unit.c.id).join(unit, unit.c.parent == reach.c.department_id)
    else:
        step = select(reach.c.staff_id, unit.c.parent).join(unit, unit.c.id == reach.c.department_id)
        step = step.where(unit.c.parent.is_not(None))
    return reach.union(step)


def _restrictions(
    tables: Tables, holders: CTE, staff: ColumnElement[Any], holder: ColumnElement[Any], kind: str
) -> Select[Any]:
    """One row for each listed group, or one without a group where none is listed."""
    rule, group = tables.restriction, tables.restriction_group
    what = "department rule" if kind == "department" else "own rule"
    source = holders.join(rule, (rule.c.holder_kind == kind) & (rule.c.holder == holder)).outerjoin(
        group, (group.c.holder_kind == rule.c.holder_kind) & (group.c.holder == rule.c.holder)
    )
    return _row(what, staff, holder, rule.c.mode, group.c.customer_group).select_from(source)


@define
class _Gathered:
    """The rows of one staff."""

    active: bool = False
    version: int = 0
    restricted: bool = False
    lists: dict[str, set[str]] = Factory(lambda: defaultdict(set))
    levels: dict[str, Level] = Factory(dict)
    rules: dict[tuple[bool, str, str], set[str]] = Factory(dict)


def snapshots(found: Iterable[Any], key: KeyType) -> dict[StaffId, Access]:
    """The snapshots that rows of :func:`statement` describe, by staff id."""
    gathered: dict[str, _Gathered] = {}
    for row in found:
        _gather(gathered.setdefault(str(row.staff), _Gathered()), row)
    return {
        StaffId(id): _snapshot(StaffId(id), gathered[id]) for id in sorted(gathered, key=lambda id: id_order(id, key))
    }


def _gather(one: _Gathered, row: Any) -> None:
    match row.what:
        case "staff":
            one.version, one.active, one.restricted = row.number, bool(row.flag & 1), bool(row.flag & 2)
        case "level":
            one.levels[row.text] = Level(row.number)
        case "department rule" | "own rule" as what:
            groups = one.rules.setdefault((what == "own rule", row.text, row.more), set())
            if row.customer_group is not None:
                groups.add(row.customer_group)
        case _:
            one.lists[row.what].add(row.text)


def _snapshot(staff: StaffId, one: _Gathered) -> Access:
    # The departments' rules by department, then the staff's own: the order every store answers in.
    rules = (restriction_of(mode, one.rules[own, holder, mode]) for own, holder, mode in sorted(one.rules))
    restrictions: tuple[GroupRestriction, ...] = tuple(rule for rule in rules if rule is not None)
    return Access(
        staff=staff,
        active=one.active,
        version=one.version,
        roles=frozenset(one.lists["role"]),
        levels=one.levels,
        departments=frozenset(map(DepartmentId, one.lists["department"])),
        tree=frozenset(map(DepartmentId, one.lists["below"])),
        websites=frozenset(one.lists["website"]) if one.restricted else None,
        restrictions=restrictions,
    )
