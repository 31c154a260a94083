"""Where the facts about customers stand: in tables of ours, or in those of a host, mapped field by field.

Both offer the same: ``rows`` with one row for each customer, the to-one fields that are no column of it, and
set fields as pairs of a customer's id and a value. Everything is in the form that scopes compare: texts by
code points, times as UTC microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from attrs import frozen
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Table,
    case,
    cast,
    false,
    literal,
    null,
    select,
    true,
    type_coerce,
)
from sqlalchemy.types import BigInteger, Boolean, Text, TypeEngine

from ownership_core.fields import Field, Fields, Kind
from ownership_sqlalchemy.columns import Key
from ownership_sqlalchemy.dialects import AsJson, JsonList, JsonRecord, JsonRow

Column: TypeAlias = ColumnElement[Any]
COLUMNS = frozenset({"kind", "name", "email", "phone", "website", "parent", "active", "created_at"})
"""The built-in fields that are columns of the customer; the rest is kept elsewhere."""


def type_of(declared: Field) -> TypeEngine[Any]:
    """The type a field's values have in statements."""
    kinds: dict[Kind, TypeEngine[Any]] = {Kind.TEXT: Text(), Kind.BOOLEAN: Boolean()}
    return kinds.get(declared.kind, BigInteger())


@frozen
class Values:
    """The values of one field as rows: whose they are, what they are, and what makes them this field's."""

    customer: Column
    value: Column
    condition: ColumnElement[bool]

    def select(self, *columns: Column) -> Select[Any]:
        """These columns of the rows of this field."""
        return select(*columns).where(self.condition)

    def of(self, customer: FromClause, column: Column) -> ColumnElement[Any]:
        """``column`` for the customer at hand, as a value in a statement about it."""
        one = self.select(column).where(self.customer == customer.c.id)
        return one.correlate(customer).scalar_subquery()


@frozen(eq=False)
class OwnFacts:
    """In tables of ours."""

    rows: Table
    kept: Table
    in_order = frozenset({"name"})
    """The fields along which an index lists all customers."""

    def column(self, declared: Field) -> Column | None:
        """The field as a column of ``rows``; None where it is none."""
        return self.rows.c[declared.name] if declared.name in COLUMNS or declared.name == "id" else None

    def one(self, declared: Field) -> Column:
        """A to-one field of the customer at hand that is no column."""
        values = self.values(declared)
        column: Column = values.value if declared.kind is Kind.TEXT else self.kept.c.number
        if declared.kind is Kind.BOOLEAN:
            column = column != 0
        return type_coerce(values.of(self.rows, column), type_of(declared))

    def values(self, declared: Field) -> Values:
        """The values of a field that is no column."""
        return Values(self.kept.c.customer_id, self.kept.c.value, self.kept.c.field == declared.name)

    def elsewhere(self, fields: Fields) -> Column:  # noqa: ARG002 - all that is kept, declared or not
        """Everything about the customer at hand that is no column, as JSON: [field, text, number] each."""
        line = JsonRow(self.kept.c.field, self.kept.c.value, self.kept.c.number)
        lines = select(JsonList(line)).where(self.kept.c.customer_id == self.rows.c.id)
        return lines.correlate(self.rows).scalar_subquery()


@frozen(eq=False)
class HostFacts:
    """In tables of a host. ``table`` and ``id`` are its own; ``rows`` is what statements read of them.

    ``pairs`` holds, for each field that is no column of ``rows``, rows of a customer's id and a value.
    """

    table: Table
    id: Column
    key: Key
    rows: FromClause
    pairs: Mapping[str, FromClause]
    foreign_key: bool
    locks: bool
    in_order = frozenset[str]()  # what indexes a host has is not known

    def column(self, declared: Field) -> Column | None:
        """The field as a column of ``rows``; None where it is none."""
        found: Column | None = self.rows.c.get(declared.name)
        return found

    def one(self, declared: Field) -> Column:
        """A to-one field of the customer at hand that is no column; missing where it is not mapped."""
        if declared.name not in self.pairs:
            return no_value(declared)
        values = self.values(declared)
        return type_coerce(values.of(self.rows, values.value), type_of(declared))

    def values(self, declared: Field) -> Values:
        """The values of a field that is no column; none where it is not mapped."""
        pairs = self.pairs.get(declared.name)
        if pairs is None:
            nothing = select(cast(null(), self.key).label("id"), cast(null(), Text()).label("value")).where(false())
            pairs = nothing.subquery(f"of_{declared.name}")
        return Values(pairs.c.id, pairs.c.value, pairs.c.value.is_not(None))

    def elsewhere(self, fields: Fields) -> Column:
        """Everything about the customer at hand that is no built-in column, as JSON: a list of values by field."""
        parts: list[Column] = []
        for declared in fields:
            if declared.name in COLUMNS or declared.name in ("id", "no_auto"):
                continue
            listed = self._listed(declared)
            if listed is not None:
                parts += [literal(declared.name, Text()), AsJson(listed)]
        return JsonRecord(*parts) if parts else literal("{}", Text())

    def _listed(self, declared: Field) -> Column | None:
        column = self.rows.c.get(declared.name)
        if column is not None:
            return JsonRow(column)
        if declared.name not in self.pairs:
            return None
        values = self.values(declared)
        return values.of(self.rows, JsonList(values.value))


Facts: TypeAlias = OwnFacts | HostFacts


def nothing_known(declared: Field) -> Column:
    """What a host's customer says of a built-in field that is not mapped: it is an active customer, and no more."""
    match declared.name:
        case "kind":
            return literal("customer", Text())
        case "active":
            return true()
        case _:
            return no_value(declared)


def no_value(declared: Field) -> Column:
    """A missing value of the field's type."""
    if declared.kind is Kind.BOOLEAN:  # which MariaDB has no cast to
        return case((false(), true()))
    return cast(null(), type_of(declared))
