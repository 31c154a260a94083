"""What an effect ends and whom it promotes, as conditions and orders of assignments."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    false,
    func,
    not_,
    or_,
    select,
    true,
)

from ownership_core.policies import SortKey
from ownership_core.ruling import PLACED, Drop, Effect
from ownership_sqlalchemy.dialects import as_text, bit
from ownership_sqlalchemy.lines import back
from ownership_sqlalchemy.tables import Tables

Column = ColumnElement[Any]
Condition = ColumnElement[bool]


def is_dropped(
    tables: Tables, effect: Effect, receiver: Column | None = None, mine: FromClause | None = None
) -> Condition:
    """Whether ``effect`` ends the assignment at hand; the staff it adds, or deals the customer to, always stays.

    ``mine`` is the assignment under another name.
    """
    mine = tables.assignment if mine is None else mine
    ended = _is_ended(tables, effect, mine)
    if effect.add is PLACED:
        return ended if receiver is None else and_(ended, mine.c.staff_id.is_distinct_from(receiver))
    return ended if effect.add is None else and_(ended, mine.c.staff_id != effect.add)


def _is_ended(tables: Tables, effect: Effect, mine: FromClause) -> Condition:
    match effect.drop:
        case Drop.NOBODY:
            return false()
        case Drop.ONE:
            return false() if effect.dropped is None else mine.c.staff_id == effect.dropped
        case Drop.FORMER_PRIMARY:
            return mine.c.slot.is_not(None)
        case Drop.EVERYONE_ELSE | Drop.EVERYONE:
            return true()
        case Drop.BEYOND_ROOM:
            return _ahead(tables, effect, mine) >= effect.room
        case Drop.UNDONE:
            return _brought(tables, mine)


@lru_cache
def also(table: Table, name: str) -> FromClause:
    """``table`` once more under another name: the same object wherever a statement speaks of it."""
    return table.alias(name)


def undone_in(tables: Tables) -> FromClause:
    """The plan rows of the runs that are taken back."""
    return also(tables.plan_item, "undone")


def _brought(tables: Tables, mine: FromClause) -> Condition:
    """Whether the assignment at hand came by the run that is taken back."""
    undone = undone_in(tables)
    return or_(mine.c.staff_id == undone.c.added, back(undone).holds(mine.c.staff_id))


def _ahead(tables: Tables, effect: Effect, mine: FromClause) -> ColumnElement[int]:
    """How many of the customer's other assignments come before the one at hand."""
    other = tables.assignment.alias("other")
    before = _comes_before(seniority(tables, other, effect), seniority(tables, mine, effect))
    return (
        select(func.count())
        .select_from(other)
        .where(other.c.customer_id == mine.c.customer_id, before)
        .correlate(mine)
        .scalar_subquery()
    )


def _comes_before(some: list[Column], others: list[Column]) -> Condition:
    """Compare part by part; rows of several types cannot be compared as rows everywhere."""
    condition: Condition = false()
    for one, other in reversed(list(zip(some, others, strict=True))):
        condition = or_(one < other, and_(one == other, condition))
    return condition


def seniority(tables: Tables, assignment: FromClause, effect: Effect) -> list[Column]:
    """The primary first, then active staff, then the others; each by ``promote_by`` and staff id."""
    is_primary, is_active = assignment.c.slot.is_not(None), assignment.c.staff_id.in_(active_staff(tables))
    return [bit(is_primary, 0, 1), bit(is_active, 0, 1), *promotion_order(assignment, effect)]


def promotion_order(assignment: FromClause, effect: Effect) -> list[Column]:
    """The order in which somebody is promoted."""
    # Staff sort as text here whatever their key type, as they do in the reference.
    columns = assignment.c
    keys = {SortKey.SINCE: columns.since, SortKey.ROLE: columns.role, SortKey.STAFF: as_text(columns.staff_id)}
    return [keys[key] for key in dict.fromkeys((*effect.promote_by, SortKey.STAFF))]


def active_staff(tables: Tables) -> Select[Any]:
    """Whoever works here now."""
    staff = tables.staff
    return select(staff.c.id).where(staff.c.active, not_(staff.c.deleted))
