"""Whose assignments plan rows end, and whose they bring back.

The primary's own assignment stands in columns: in single cardinality it is all there is, and a run over many customers
reads and writes no JSON. All others stand in a list of JSON, in the shape of :func:`ownership_core.events.line`; in
rows of earlier versions the primary stands there too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, FromClause, Select, and_, case, cast, func, literal, or_, select, true
from sqlalchemy.types import BigInteger, Text, TypeEngine

from ownership_sqlalchemy.bodies import kept_line_of
from ownership_sqlalchemy.dialects import (
    JsonLength,
    JsonObjects,
    JsonRecord,
    JsonRole,
    JsonRow,
    JsonSince,
    JsonSource,
    JsonStaff,
    as_text,
    bit,
    json_truth,
)

Column = ColumnElement[Any]
Condition = ColumnElement[bool]

NO_LINES = "[]"


@frozen
class Lines:
    """One side of plan rows, or of what will become plan rows: the primary's assignment, and all others."""

    rows: FromClause
    staff: Column
    since: Column
    role: Column
    source: Column
    others: ColumnElement[str]

    @property
    def leads(self) -> Condition:
        """Whether the primary's assignment is among them; never NULL of a row."""
        return self.since.is_not(None)

    @property
    def more(self) -> Condition:
        """Whether there are others."""
        return self.others != NO_LINES

    @property
    def some(self) -> Condition:
        """Whether there are any."""
        return or_(self.leads, self.more)

    @property
    def many(self) -> ColumnElement[int]:
        """How many there are."""
        return case((self.more, JsonLength(self.others)), else_=literal(0, BigInteger())) + bit(self.leads, 1, 0)

    def holds(self, staff: Column) -> Condition:
        """Whether an assignment of ``staff`` is among them, seen from a row that stands beside."""
        them = self._listed(staff.type)
        named = select(them.staff).select_from(them.lines).correlate(self.rows)
        return or_(and_(self.leads, staff == self.staff), and_(self.more, staff.in_(named)))

    def names(self, staff: Select[Any]) -> Condition:
        """Whether an assignment of anybody among ``staff`` is there; NULL only where there is no row."""
        them = self._listed(self.staff.type)
        named = select(literal(1)).select_from(them.lines).where(them.staff.in_(staff)).correlate(self.rows).exists()
        return or_(and_(self.leads, self.staff.in_(staff)), and_(self.more, named))

    def each(self, *, listed: bool = True) -> list[Line]:
        """The primary's, and all others where any are ``listed``."""
        primary = Line(self.rows, self.leads, self.staff, self.since, self.role, self.source)
        if not listed:
            return [primary]
        them = self._listed(self.staff.type)
        read = JsonSince(them.value), JsonRole(them.value), JsonSource(them.value)
        return [primary, Line(self.rows.join(them.lines, true()), self.more, them.staff, *read)]

    def kept(self) -> ColumnElement[str]:
        """All of them as a body keeps them."""
        led = kept_line_of(self.staff, true(), self.since, self.role, self.source)
        both = literal("[", Text()).concat(led).concat(",").concat(func.substr(self.others, 2, type_=Text()))
        return case((self.since.is_(None), self.others), (self.others == NO_LINES, JsonRow(led)), else_=both)

    def _listed(self, kind: TypeEngine[Any]) -> _Listed:
        lines = JsonObjects(self.others).table_valued("value", name="lines")
        return _Listed(lines, lines.c.value, cast(JsonStaff(lines.c.value), kind))


@frozen
class Line:
    """An assignment of each row of ``rows`` that ``there`` holds of."""

    rows: FromClause
    there: Condition
    staff: Column
    since: Column
    role: Column
    source: Column


@frozen
class _Listed:
    """A list of JSON as rows, and the staff of each."""

    lines: Any
    value: Column
    staff: Column


def ended(rows: FromClause) -> Lines:
    """Whose assignments end."""
    c: Any = rows.c
    return Lines(rows, c.primary_before, c.ended_since, c.ended_role, c.ended_source, c.removed)


def back(rows: FromClause) -> Lines:
    """Who comes back."""
    c: Any = rows.c
    return Lines(rows, c.primary_after, c.back_since, c.back_role, c.back_source, c.restored)


def assignment_record(staff: Column, primary: Condition, since: Column, role: Column, source: Column) -> Column:
    """An assignment as JSON, in the shape of :func:`ownership_core.events.line`."""
    return JsonRecord(
        *_pairs(
            ("staff", as_text(staff)),
            ("primary", json_truth(primary)),
            ("since", since),
            ("role", role),
            ("source", source),
        )
    )


def _pairs(*pairs: tuple[str, Column]) -> Sequence[Column]:
    return [part for name, value in pairs for part in (literal(name, Text()), value)]
