"""A scope as one SQL condition. The only module that builds a WHERE from a scope.

The condition is TRUE, FALSE or NULL exactly where :func:`ownership_core.evaluate.evaluate` says yes, no
or cannot tell. What cannot be said in SQL raises :class:`UncompilableScope`; nothing is ever widened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeAlias, assert_never

from attrs import frozen
from sqlalchemy import Select, and_, false, func, literal, not_, or_, select, true, type_coerce, union
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import CompoundSelect
from sqlalchemy.types import BigInteger, Boolean, Text

from ownership_core.errors import Problem, UncompilableScope
from ownership_core.fields import Field, Fields, Fold, Kind
from ownership_core.model import Value
from ownership_core.ports import Guard
from ownership_core.scope import (
    After,
    AllOf,
    AnyOf,
    AssignedBefore,
    AssignedCount,
    AssignedTo,
    Before,
    Equals,
    Everything,
    Has,
    Matches,
    Members,
    Missing,
    Not,
    Nothing,
    OneOf,
    Outsiders,
    PrimaryOf,
    Scope,
    StaffSet,
    Under,
    Wildcard,
)
from ownership_core.simplify import simplify
from ownership_sqlalchemy.dialects import WHO, AsciiLower, Beginning, PlaceOf, as_text, rows_of, words
from ownership_sqlalchemy.tables import KEY, Key, Tables

Condition: TypeAlias = ColumnElement[bool]
Customers: TypeAlias = Select[Any] | CompoundSelect[Any]
"""A select of customer ids."""

TextTest: TypeAlias = Callable[[Field, ColumnElement[Any], str], ColumnElement[bool]]

INLINE = 8  # longer lists are one JSON parameter, so that a statement's text does not grow with them
PARTS_LIMIT = 400  # SQLite refuses expressions nested deeper than 1,000
COLUMNS = frozenset({"kind", "name", "email", "phone", "website", "parent", "active", "created_at"})
"""The built-in fields that are columns of the customer; the rest stands in ``customer_value``."""


@frozen
class Compiler:
    """Turns scopes into conditions on ``tables.customer``.

    ``within`` is a select of customer ids and a promise that no other customer matters: every inner
    select is narrowed to it, which keeps a check of a few ids from gathering a whole customer group.
    """

    tables: Tables
    fields: Fields
    within: Customers | None = None

    def where(self, scope: Scope) -> Condition:
        """The condition for ``scope``."""
        return self.node(simplify(scope))

    def narrowed(self, within: Customers) -> Compiler:
        """The same, for these customers only."""
        return Compiler(self.tables, self.fields, within)

    def node(self, scope: Scope) -> Condition:
        """The condition for ``scope`` as it stands, not simplified."""
        match scope:
            case Everything():
                return true()
            case Nothing():
                return false()
            case Not(part):
                return not_(self.node(part))
            case AllOf(parts):
                return self._all(_fitting(parts))
            case AnyOf(parts):
                return or_(false(), *map(self.node, _fitting(parts)))
            case Equals(name, value):
                return self._one_of(self.field(name, many=False), (value,))
            case OneOf(name, values):
                return self._one_of(self.field(name, many=False), values)
            case Missing(name):
                return self.value(self.field(name, many=False)).is_(None)
            case Has(name, values):
                return self._in(self._having(self.field(name, many=True), values))
            case Under(name, text):
                return self._text_test(self.field(name), text, _under)
            case Matches(name, text):
                return self._text_test(self.field(name), text, _contains)
            case Before(name, at):
                return self._number(name) < at
            case After(name, at):
                return self._number(name) > at
            case AssignedTo(staff) | PrimaryOf(staff):
                return self._in(self._assigned(staff, primary=isinstance(scope, PrimaryOf)))
            case AssignedCount(least):
                return self._counted(least)
            case AssignedBefore(at):
                return self._in(self._assignments(self.tables.assignment.c.since < at))
            case _:
                assert_never(scope)

    def _all(self, parts: tuple[Scope, ...]) -> Condition:
        """Every part, with the others narrowed to the customers an assignment node leaves.

        Equal, not just close: outside that node's customers it is FALSE, never NULL, and so is the whole.
        """
        if self.within is None:
            for driver in parts:
                bound = self._bound(driver)
                if bound is not None:
                    inner = self.narrowed(bound)
                    return and_(true(), *((self if part is driver else inner).node(part) for part in parts))
        return and_(true(), *map(self.node, parts))

    def _bound(self, scope: Scope) -> Customers | None:
        """Customers outside of which ``scope`` is FALSE, where assignments tell; None where they do not."""
        match scope:
            case AssignedTo(frozenset() | Members() as staff):
                return self._assigned(staff, primary=False)
            case PrimaryOf(frozenset() | Members() as staff):
                return self._assigned(staff, primary=True)
            case AllOf(parts):
                return next((bound for bound in map(self._bound, parts) if bound is not None), None)
            case AnyOf(parts):
                bounds = [bound for bound in map(self._bound, parts) if bound is not None]
                return union(*bounds) if bounds and len(bounds) == len(parts) else None
            case _:
                return None

    # Fields

    def field(self, name: str, many: bool | None = None) -> Field:
        """The declared field ``name``, a set field or not as ``many`` demands.

        Raises ``unknown_field`` for a name nobody declared, :class:`UncompilableScope` for the wrong sort.
        """
        declared = self.fields[name]
        if many is not None and declared.many is not many:
            raise uncompilable(
                f"The field {name!r} is {'a set' if declared.many else 'one value'} and spoken of as the other."
            )
        return declared

    def value(self, declared: Field) -> ColumnElement[Any]:
        """The value of a to-one field of the customer at hand; NULL where it is missing."""
        customer, head, kept = self.tables.customer, self.tables.head, self.tables.customer_value
        if declared.name == "id" or declared.name in COLUMNS:
            return customer.c[declared.name]
        if declared.name == "no_auto":
            flag = select(head.c.no_auto).where(head.c.customer_id == customer.c.id).correlate(customer)
            return func.coalesce(flag.scalar_subquery(), false(), type_=Boolean())
        column: ColumnElement[Any] = kept.c.value if declared.kind is Kind.TEXT else kept.c.number
        if declared.kind is Kind.BOOLEAN:
            column = column != 0
        one = select(column).where(kept.c.customer_id == customer.c.id, kept.c.field == declared.name)
        return type_coerce(one.correlate(customer).scalar_subquery(), _kind(declared))

    def folded(self, declared: Field) -> ColumnElement[Any]:
        """The value as the field compares and sorts it."""
        return _fold(declared, self.value(declared))

    def _one_of(self, declared: Field, values: Collection[Value]) -> Condition:
        if declared.name == "id":
            key = self.tables.customer_key
            return one_of(self.tables.customer.c.id, _ids(values, key), key)
        folded = {declared.folded(value) if isinstance(value, str) else value for value in values}
        return one_of(self.folded(declared), folded, _kind(declared))

    def _number(self, name: str) -> ColumnElement[Any]:
        declared = self.field(name, many=False)
        if declared.kind not in (Kind.TIME, Kind.INTEGER):
            raise uncompilable(f"The {declared.kind.value} field {name!r} has no before and after.")
        return self.value(declared)

    def _text_test(self, declared: Field, text: str, test: TextTest) -> Condition:
        if declared.kind is not Kind.TEXT:
            raise uncompilable(f"The {declared.kind.value} field {declared.name!r} holds no text.")
        wanted = declared.folded(text)
        if declared.many:
            kept = _fold(declared, self.tables.customer_value.c.value)
            return self._in(self._values(declared, test(declared, kept, wanted)))
        value = self.folded(declared)
        return test(declared, as_text(value) if declared.name == "id" else value, wanted)

    def _having(self, declared: Field, values: frozenset[str] | Wildcard) -> Customers:
        if isinstance(values, Wildcard):
            return self._values(declared)
        folded = {declared.folded(value) for value in values}
        return self._values(declared, one_of(_fold(declared, self.tables.customer_value.c.value), folded, Text()))

    # Selects of customer ids

    def _in(self, customers: Customers) -> Condition:
        return self.tables.customer.c.id.in_(customers)

    def _values(self, declared: Field, *conditions: Condition) -> Customers:
        kept = self.tables.customer_value
        return self._narrow(select(kept.c.customer_id).where(kept.c.field == declared.name, *conditions))

    def _assignments(self, *conditions: Condition) -> Select[Any]:
        return self._narrow(select(self.tables.assignment.c.customer_id).where(*conditions))

    def _narrow(self, customers: Select[Any]) -> Select[Any]:
        if self.within is None:
            return customers
        return customers.where(next(iter(customers.selected_columns)).in_(self.within))

    def _assigned(self, staff: StaffSet, *, primary: bool) -> Customers:
        slot = self.tables.assignment.c.slot
        conditions = [slot == 0] if primary else []
        return self._assignments(*conditions, *self._staff(staff))

    def _staff(self, staff: StaffSet) -> list[Condition]:
        mine, who = self.tables.assignment.c.staff_id, self.tables.staff
        if staff is Wildcard.ANY:
            return []
        if staff is Wildcard.ANY_ACTIVE:
            return [mine.in_(select(who.c.id).where(who.c.active, not_(who.c.deleted)))]
        if isinstance(staff, Members):
            return [mine.in_(self._working_in(staff.departments))]
        if isinstance(staff, Outsiders):
            return [mine.not_in(self._working_in(staff.departments))]
        key = self.tables.staff_key
        return [one_of(mine, _ids(staff, key), key)]

    def _working_in(self, departments: Collection[str]) -> Select[Any]:
        works = self.tables.staff_department
        return select(works.c.staff_id).where(one_of(works.c.department_id, departments, words(KEY)))

    def _counted(self, least: int) -> Condition:
        if least <= 0:
            return true()
        customers = self._assignments()
        if least > 1:
            mine = self.tables.assignment.c.customer_id
            customers = customers.group_by(mine).having(func.count() >= least)
        return self._in(customers)


def _under(declared: Field, value: ColumnElement[Any], text: str) -> Condition:
    if declared.separator is None:
        return _starts(value, text)
    return or_(value == literal(text, Text()), _starts(value, text + declared.separator))


def _starts(value: ColumnElement[Any], text: str) -> Condition:
    # The lower bound says nothing new; it lets an index on the value find the place to begin.
    return and_(value >= literal(text, Text()), Beginning(value, literal(len(text))) == literal(text, Text()))


def _contains(_declared: Field, value: ColumnElement[Any], text: str) -> Condition:
    return PlaceOf(value, literal(text, Text())) > 0


def guarded(tables: Tables, guard: Guard | None) -> Condition:
    """TRUE while the staff is active and its access is still what the snapshot says; asked once, not per row."""
    if guard is None:
        return true()
    if not tables.staff_key.can_be(guard.staff):
        return false()
    staff = tables.staff
    mine = select(literal(1)).where(
        staff.c.id == guard.staff, staff.c.active, not_(staff.c.deleted), staff.c.access_version == guard.version
    )
    return mine.exists()


def one_of(column: ColumnElement[Any], values: Collection[Any], kind: Any) -> Condition:
    """``column`` is one of ``values``; FALSE for none of them, NULL where the column is NULL."""
    wanted = sorted(values, key=lambda value: (str(type(value)), value))
    if not wanted:
        return false()
    if len(wanted) == 1:
        return column == literal(wanted[0], kind)
    if len(wanted) <= INLINE:
        return column.in_([literal(value, kind) for value in wanted])
    stored = [kind.stored(value) if isinstance(kind, Key) else value for value in wanted]
    return column.in_(select(rows_of(stored, kind, "listed").c.id))


def uncompilable(what: str) -> UncompilableScope:
    """The refusal to compile a scope."""
    return UncompilableScope(Problem("uncompilable_scope", what, "Mend the scope."), who=WHO)


def _ids(values: Collection[Value], key: Key) -> list[str]:
    return [value for value in values if isinstance(value, str) and key.can_be(value)]


def _fitting(parts: tuple[Scope, ...]) -> tuple[Scope, ...]:
    if len(parts) > PARTS_LIMIT:
        raise uncompilable(f"A sentence of {len(parts)} parts is too long for SQL; {PARTS_LIMIT} are allowed.")
    return parts


def _kind(declared: Field) -> Any:
    return {Kind.TEXT: Text(), Kind.BOOLEAN: Boolean()}.get(declared.kind, BigInteger())


def _fold(declared: Field, value: ColumnElement[Any]) -> ColumnElement[Any]:
    return AsciiLower(value) if declared.kind is Kind.TEXT and declared.fold is Fold.ASCII else value
