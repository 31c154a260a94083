"""The order of a list and where its next page begins: missing values last, equal ones by id."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from django.db import connections
from django.db.models import F, Q, QuerySet, TextField, Value
from django.db.models.functions import NullIf
from django.db.models.lookups import GreaterThan, LessThan

from ownership_core.errors import invalid
from ownership_core.fields import Kind
from ownership_core.keys import KeyType
from ownership_core.ports import Order, Position
from ownership_core.scope import After, Before, Equals, Missing, Scope
from ownership_django.functions import AsText, Exact
from ownership_django.hosts import Customers
from ownership_django.query import Conditions
from ownership_django.store.words import bit


@frozen
class Ordering:
    """One order of the host's customers, as the ORM says it."""

    customers: Customers
    using: str
    order: Order

    def sorted(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows in this order."""
        id, down = self.id, self.order.descending
        if self.order.field == "id":
            return rows.order_by(F(id).desc() if isinstance(id, str) and down else id.desc() if down else id)
        value = self._value()
        where_missing = bit(self._where(Missing(self.order.field)), 1, 0)
        places = [] if value is None else [value.desc() if down else value.asc()]
        return rows.order_by(where_missing, *places, id)

    def beyond(self, rows: QuerySet[Any], after: Position) -> QuerySet[Any]:
        """The rows that come after a place in this order."""
        name, down = self.order.field, self.order.descending
        behind = self._behind(after.id)
        if name == "id":
            return rows.filter(self._before(after.id) if down else behind)
        missing = self._where(Missing(name))
        if after.value is None:
            return rows.filter(missing & behind)
        return rows.filter(self._further(name, after, down) | (self._same(name, after) & behind) | missing)

    @property
    def id(self) -> Any:
        """What ids sort by: code points, or numbers."""
        return id_order_of(self.customers, self.using)

    def _where(self, scope: Scope) -> Q:
        return Conditions(self.customers, one_by_one=True).where(scope)

    def _value(self) -> Any:
        declared = self.customers.fields[self.order.field]
        if declared.many:
            raise invalid("invalid_value", f"{declared.name!r} is a set, and sets have no order.")
        conditions = Conditions(self.customers, one_by_one=True)
        value = conditions.folded(self.order.field)
        if declared.kind is Kind.BOOLEAN:
            return bit(self._where(Equals(self.order.field, True)), 1, 0)
        place = self.customers.places.get(self.order.field)
        if place is None or value is None:
            return None  # the same for everybody
        return NullIf(value, Value("")) if place.blank else value

    def _further(self, name: str, after: Position, down: bool) -> Q:
        declared = self.customers.fields[name]
        match declared.kind:
            case Kind.BOOLEAN:
                return self._where(Equals(name, not down)) if after.value is down else Q(pk__in=[])
            case Kind.TEXT:
                value = self._value()
                if value is None:
                    return Q(pk__in=[])
                compare = LessThan if down else GreaterThan
                return Q(compare(value, Value(declared.folded(str(after.value)), TextField())))
            case _:
                at = int(after.value or 0)
                return self._where(Before(name, at) if down else After(name, at))

    def _same(self, name: str, after: Position) -> Q:
        value = bool(after.value) if self.customers.fields[name].kind is Kind.BOOLEAN else after.value
        return self._where(Equals(name, value))  # type: ignore[arg-type]

    def _behind(self, id: str) -> Q:
        return self._compared(GreaterThan, id)

    def _before(self, id: str) -> Q:
        return self._compared(LessThan, id)

    def _compared(self, compare: Any, id: str) -> Q:
        return _compared(compare, self.customers, self.id, id)


def is_behind(customers: Customers, using: str, id: str, column: str) -> Q:
    """Whether a column of customers' ids comes after one of them."""
    return _compared(GreaterThan, customers, id_order_of(customers, using, column), id)


def _compared(compare: Any, customers: Customers, mine: Any, id: str) -> Q:
    if isinstance(mine, str):
        return Q(compare(F(mine), Value(customers.value(id), customers.column)))
    return Q(compare(mine, Value(id, TextField())))


def id_order_of(customers: Customers, using: str, column: str | None = None) -> Any:
    """What a column of customers' ids sorts by: its own name, or an expression where it sorts otherwise."""
    name = column or customers.pk.attname
    if customers.key is KeyType.TEXT:
        return Exact(F(name))
    # MariaDB sorts its UUIDs by time.
    return AsText(F(name)) if customers.key is KeyType.UUID and connections[using].vendor == "mysql" else name
