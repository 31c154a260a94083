"""Access snapshots: everything that decides what staff may do, gathered by one statement."""

from __future__ import annotations

from enum import Enum, auto
from functools import lru_cache
from typing import Any, assert_never

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

from ownership_core.model import Level
from ownership_core.rows import snapshots
from ownership_sqlalchemy.dialects import as_text, no_text, rows_in
from ownership_sqlalchemy.tables import Tables

__all__ = ["Asked", "snapshots", "statement"]


class Asked(Enum):
    """Whose access is asked for."""

    ONE = auto()
    SOME = auto()
    EVERYBODY = auto()


@lru_cache(maxsize=32)
def statement(tables: Tables, asked: Asked) -> CompoundSelect[Any]:
    """Rows (what, staff, text, more, number, flag) of all staff, or of those in the parameter ``wanted``.

    Built once: every question begins with it, and building it costs more than running it. ``wanted`` is one
    id, or what :func:`ownership_sqlalchemy.dialects.packed` makes of some.
    """
    who = tables.staff
    chosen = select(who).where(not_(who.c.deleted))
    match asked:
        case Asked.ONE:  # said as such, or PostgreSQL expects a hundred and reads whole tables for them
            chosen = chosen.where(who.c.id == bindparam("wanted", type_=tables.staff_key))
        case Asked.SOME:
            wanted = rows_in(bindparam("wanted", type_=Text()), tables.staff_key)
            chosen = chosen.where(who.c.id.in_(select(wanted.c.id)))
        case Asked.EVERYBODY:
            pass
        case _:
            assert_never(asked)
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
        _covers(tables, staff),
        _covered_actions(tables, staff),
        _row("shared", staff.c.id, number=_shared_until(tables, staff)),
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


def _covers(tables: Tables, staff: CTE) -> Select[Any]:
    """One row for each colleague and time the staff stands in for: the name of the cover, who, and the window."""
    cover = tables.cover
    found = _row("cover", staff.c.id, cover.c.id, as_text(cover.c.staff_id), None, cover.c.since, cover.c.until)
    return found.select_from(staff.join(cover, cover.c.by_id == staff.c.id))


def _shared_until(tables: Tables, staff: CTE) -> ColumnElement[int]:
    """When the last share of a staff ends: the last entry of an index, however many there are."""
    share = tables.share
    return select(func.max(share.c.until)).where(share.c.staff_id == staff.c.id).correlate(staff).scalar_subquery()


def _covered_actions(tables: Tables, staff: CTE) -> Select[Any]:
    """What each of these colleagues may do to customers of its own; a row without an action for who may do nothing.

    Outer joins, so that every database begins with who is stood in for: SQLite began with all staff of all roles.
    """
    cover, held, level = tables.cover, tables.staff_role, tables.role_level
    source = (
        staff.join(cover, cover.c.by_id == staff.c.id)
        .outerjoin(held, held.c.staff_id == cover.c.staff_id)
        .outerjoin(level, (level.c.role == held.c.role) & (level.c.level >= int(Level.OWN)))
    )
    return _row("covered", staff.c.id, as_text(cover.c.staff_id), level.c.action).select_from(source).distinct()


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
