"""A scope as one SQL condition. The only module that builds a WHERE from a scope.

The condition is TRUE, FALSE or NULL exactly where :func:`ownership_core.evaluate.evaluate` says yes, no
or cannot tell. What cannot be said in SQL raises :class:`UncompilableScope`; nothing is ever widened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from typing import Any, TypeAlias, assert_never

import attrs
from attrs import frozen
from sqlalchemy import (
    CompoundSelect,
    FromClause,
    Select,
    and_,
    bindparam,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import BigInteger, Boolean, Text

from ownership_core.errors import Problem, UncompilableScope
from ownership_core.fields import Field, Fields, Fold, Kind
from ownership_core.model import StaffId, Value
from ownership_core.ports import Guard
from ownership_core.scope import (
    After,
    AllOf,
    AnyOf,
    AssignedBefore,
    AssignedCount,
    AssignedSince,
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
    SharedWith,
    StaffSet,
    Under,
    Wildcard,
)
from ownership_core.simplify import simplify
from ownership_sqlalchemy.columns import KEY, Key
from ownership_sqlalchemy.dialects import WHO, Among, AsciiLower, Beginning, Exact, PlaceOf, as_text, rows_of, words
from ownership_sqlalchemy.facts import Values, type_of
from ownership_sqlalchemy.tables import Tables

Condition: TypeAlias = ColumnElement[bool]

Listed: TypeAlias = AssignedTo | PrimaryOf | SharedWith
"""What is answered by a list of customers that an index on staff has ready."""

TextTest: TypeAlias = Callable[[Field, ColumnElement[Any], str], ColumnElement[bool]]

INLINE = 8  # longer lists are one JSON parameter, so that a statement's text does not grow with them
ME = "me"  # stands for whoever asks
PARTS_LIMIT = 400  # SQLite refuses expressions nested deeper than 1,000


@frozen
class Compiler:
    """Turns scopes into conditions on ``tables.customer``.

    A ``probing`` one asks every inner select about the customer at hand alone: right where something else
    says which customers are looked at. A ``gathering`` one reads whole lists where nobody says so and every
    customer has to be met anyway. One that reads ``ahead`` has the ids of staff, and of somebody's few
    customers, before it looks for anything else. ``me`` is the staff whose id is the parameter of this name, and
    ``moment`` the one its shares are compared with.
    """

    tables: Tables
    fields: Fields
    probing: bool = False
    gathering: bool = False
    ahead: bool = False
    me: StaffId | None = None
    moment: int | None = None

    def where(self, scope: Scope) -> Condition:
        """The condition for ``scope``."""
        whole = simplify(scope)
        return self._all(_fitting(whole.parts if isinstance(whole, AllOf) else (whole,)))

    def one_by_one(self) -> Compiler:
        """The same, asking about each customer by itself."""
        return attrs.evolve(self, probing=True)

    def for_all(self) -> Compiler:
        """The same, for a question that meets every customer."""
        return attrs.evolve(self, gathering=True)

    def for_few(self) -> Compiler:
        """The same, for staff who are known to have few customers."""
        return attrs.evolve(self, ahead=True)

    def asked_by(self, me: StaffId | None, moment: int | None = None) -> Compiler:
        """The same, where ``me`` is a parameter that another staff may take the place of, and so is ``moment``."""
        return attrs.evolve(self, me=me, moment=moment)

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
                return self._any(_fitting(parts))
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
            case AssignedTo() | PrimaryOf() | SharedWith():
                return self._in(self._list(scope))
            case AssignedCount(least):
                return self._counted(least)
            case AssignedBefore(at):
                return self._in(self._assignments(self.tables.assignment.c.since < at))
            case AssignedSince(at):
                return self._in(self._assignments(self.tables.assignment.c.since >= at))
            case _:
                assert_never(scope)

    def _all(self, parts: tuple[Scope, ...]) -> Condition:
        """Every part: one says which customers there are, the others are asked about each of these."""
        if self.probing:
            return and_(true(), *map(self.node, parts))
        driver = self._driver(parts)
        inner = self if driver is None and self.gathering else self.one_by_one()
        return and_(true(), *((self if part is driver else inner).node(part) for part in parts))

    def _any(self, parts: tuple[Scope, ...]) -> Condition:
        """Some part; lists of customers are read as one, since databases do not follow an index through OR.

        Of one customer, all assignments are asked at once.
        """
        listed = [part for part in parts if isinstance(part, Listed)]
        if len(listed) < 2:  # noqa: PLR2004 - one list stands for itself
            return or_(false(), *map(self.node, parts))
        rest = [self.node(part) for part in parts if part not in listed]
        if not self.probing:
            return or_(self._in(_joined(self._lists(listed))), *rest)
        shared = [self.node(part) for part in listed if isinstance(part, SharedWith)]
        theirs = [and_(true(), *self._held(part)) for part in listed if not isinstance(part, SharedWith)]
        assigned = [self._one(self._assignments(or_(*theirs)))] if theirs else []
        return or_(*assigned, *shared, *rest)

    def book(self, scope: Scope) -> FromClause | None:
        """The ids of somebody's customers, outside of which ``scope`` holds of nobody; None where it has no such part.

        A customer of several of them occurs several times.
        """
        whole = simplify(scope)
        driver = self._driver(whole.parts if isinstance(whole, AllOf) else (whole,))
        parts = driver.parts if isinstance(driver, AnyOf) else (driver,)
        listed = [part for part in parts if isinstance(part, Listed)]
        return _joined(self._lists(listed)).subquery("book") if len(listed) == len(parts) else None

    def asks_for_several(self, scope: Scope) -> bool:
        """Whether the part of ``scope`` to begin with is about more than some staff who are named."""
        whole = simplify(scope)
        driver = self._driver(whole.parts if isinstance(whole, AllOf) else (whole,))
        return not (isinstance(driver, AssignedTo | PrimaryOf) and isinstance(driver.staff, frozenset))

    def _lists(self, listed: list[Listed]) -> list[Select[Any]]:
        """The customers of each of these, or of all assignments where who they are can be read ahead."""
        shared = [self._list(part) for part in listed if isinstance(part, SharedWith)]
        assigned = [part for part in listed if not isinstance(part, SharedWith)]
        sets = [part.staff for part in assigned]
        if not self.ahead or len({type(part) for part in assigned}) > 1:
            return [*map(self._list, assigned), *shared]
        people = [self._people(staff) for staff in sets if isinstance(staff, frozenset | Members)]
        if len(people) < max(2, len(sets)):
            return [*map(self._list, assigned), *shared]
        mine = self.tables.assignment.c
        slot = [mine.slot == 0] if isinstance(assigned[0], PrimaryOf) else []
        return [self._assignments(*slot, Among(mine.staff_id, union_all(*people).scalar_subquery())), *shared]

    def _people(self, staff: frozenset[StaffId] | Members) -> Select[Any]:
        """The ids of some staff."""
        key = self.tables.staff_key
        if isinstance(staff, Members):
            return self._working_in(staff.departments)
        if self.me is not None and is_only(staff, self.me) and key.can_be(self.me):
            return select(bindparam("me", self.me, type_=key).label("id"))
        return select(rows_of([key.stored(one) for one in _ids(staff, key)], key, "listed").c.id)

    def _list(self, scope: Listed) -> Select[Any]:
        if isinstance(scope, SharedWith):
            return self._shared(scope.staff, scope.at)
        return self._assignments(*self._held(scope))

    def _held(self, scope: AssignedTo | PrimaryOf) -> list[Condition]:
        """What an assignment is like that makes ``scope`` TRUE."""
        slot = [self.tables.assignment.c.slot == 0] if isinstance(scope, PrimaryOf) else []
        return [*slot, *self._staff(scope.staff)]

    def _driver(self, parts: tuple[Scope, ...]) -> Scope | None:
        """The part to begin with: somebody's customers, else the last list of values, which is the narrowest search."""
        for part in parts:
            if self._is_bound(part):
                return part
        return next(
            (part for part in reversed(parts) if isinstance(part, Has) and part.values is not Wildcard.ANY), None
        )

    def _is_bound(self, scope: Scope) -> bool:
        """Whether ``scope`` is FALSE, never NULL, outside the customers of some staff."""
        match scope:
            case AssignedTo(frozenset() | Members()) | PrimaryOf(frozenset() | Members()) | SharedWith():
                return True
            case AllOf(parts):
                return any(map(self._is_bound, parts))
            case AnyOf(parts):
                return bool(parts) and all(map(self._is_bound, parts))
            case _:
                return False

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
        facts, customer, head = self.tables.facts, self.tables.customer, self.tables.head
        column = facts.column(declared)
        if column is not None:
            return column
        if declared.name == "no_auto":
            flag = select(head.c.no_auto).where(head.c.customer_id == customer.c.id).correlate(customer)
            return func.coalesce(flag.scalar_subquery(), false(), type_=Boolean())
        return facts.one(declared)

    def folded(self, declared: Field) -> ColumnElement[Any]:
        """The value as the field compares and sorts it."""
        return _fold(declared, self.value(declared))

    def _one_of(self, declared: Field, values: Collection[Value]) -> Condition:
        if declared.name == "id":
            key = self.tables.customer_key
            return one_of(self.tables.customer.c.id, _ids(values, key), key) & self._exactly(values)
        folded = {declared.folded(value) if isinstance(value, str) else value for value in values}
        return one_of(self.folded(declared), folded, type_of(declared))

    def _exactly(self, ids: Collection[Value]) -> Condition:
        """Where a host's key takes two different ids for one: the ids themselves."""
        id, key = self.tables.customer.c.id, self.tables.customer_key
        return one_of(Exact(id), _ids(ids, key), words(KEY)) if key.is_loose else true()

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
            values = self.tables.facts.values(declared)
            return self._in(self._values(values, test(declared, _fold(declared, values.value), wanted)))
        value = self.folded(declared)
        return test(declared, as_text(value) if declared.name == "id" else value, wanted)

    def _having(self, declared: Field, values: frozenset[str] | Wildcard) -> Select[Any]:
        kept = self.tables.facts.values(declared)
        if isinstance(values, Wildcard):
            return self._values(kept)
        folded = {declared.folded(value) for value in values}
        return self._values(kept, one_of(_fold(declared, kept.value), folded, Text()))

    # Selects of customer ids

    def _in(self, customers: Select[Any] | CompoundSelect[Any]) -> Condition:
        mine = self.tables.customer.c.id
        if self.probing and isinstance(customers, Select):
            return self._one(customers)
        return Among(mine, customers.scalar_subquery()) if self.ahead else mine.in_(customers)

    def _one(self, customers: Select[Any]) -> Condition:
        """The same about the customer at hand alone."""
        theirs = next(iter(customers.selected_columns))
        return customers.where(theirs == self.tables.customer.c.id).correlate(self.tables.customer).exists()

    def _values(self, kept: Values, *conditions: Condition) -> Select[Any]:
        return kept.select(kept.customer).where(*conditions)

    def _assignments(self, *conditions: Condition) -> Select[Any]:
        return select(self.tables.assignment.c.customer_id).where(*conditions)

    def _shared(self, staff: frozenset[StaffId], at: int) -> Select[Any]:
        share = self.tables.share
        asked = self.me is not None and is_only(staff, self.me) and at == self.moment
        after = bindparam("moment", at, type_=BigInteger()) if asked else literal(at, BigInteger())
        return select(share.c.customer_id).where(self._among(share.c.staff_id, staff), share.c.until > after)

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
        return [self._among(mine, staff)]

    def _among(self, mine: ColumnElement[Any], staff: frozenset[StaffId]) -> Condition:
        key = self.tables.staff_key
        if self.me is not None and is_only(staff, self.me):
            return mine == bindparam("me", self.me, type_=key) if key.can_be(self.me) else false()
        return one_of(mine, _ids(staff, key), key)

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


def _joined(lists: list[Select[Any]]) -> Select[Any] | CompoundSelect[Any]:
    """Several lists as one; one stands for itself."""
    return lists[0] if len(lists) == 1 else union_all(*lists)


def _under(declared: Field, value: ColumnElement[Any], text: str) -> Condition:
    if declared.separator is None:
        return _starts(value, text)
    return or_(value == literal(text, Text()), _starts(value, text + declared.separator))


def _starts(value: ColumnElement[Any], text: str) -> Condition:
    # The lower bound says nothing new; it lets an index on the value find the place to begin.
    return and_(value >= literal(text, Text()), Beginning(value, literal(len(text))) == literal(text, Text()))


def _contains(_declared: Field, value: ColumnElement[Any], text: str) -> Condition:
    return PlaceOf(value, literal(text, Text())) > 0


def shape(scope: Scope, me: StaffId | None, moment: int | None = None) -> Hashable:
    """The scope with ``me`` and ``moment`` left out: colleagues with the same rights share their statements."""
    match scope:
        case AllOf(parts) | AnyOf(parts):
            return (type(scope), *[shape(part, me, moment) for part in parts])
        case Not(part):
            return Not, shape(part, me, moment)
        case SharedWith(staff, at) if is_only(staff, me) and at == moment:
            return SharedWith, ME
        case AssignedTo(staff) | PrimaryOf(staff) if is_only(staff, me):
            return type(scope), ME
        case _:
            return scope


def moment_of(scope: Scope, me: StaffId | None) -> int | None:
    """The moment the shares of ``me`` are compared with, where the scope asks for them."""
    match scope:
        case AllOf(parts) | AnyOf(parts):
            return next((at for part in parts if (at := moment_of(part, me)) is not None), None)
        case Not(part):
            return moment_of(part, me)
        case SharedWith(staff, at) if is_only(staff, me):
            return at
        case _:
            return None


def is_only(staff: StaffSet, me: StaffId | None) -> bool:
    """Whether a set of staff is ``me`` and nobody else."""
    return isinstance(staff, frozenset) and len(staff) == 1 and me in staff


def guarded(tables: Tables, guard: Guard | None) -> Condition:
    """TRUE while the staff is active and its access is still what the snapshot says; asked once, not per row."""
    if guard is None:
        return true()
    if not tables.staff_key.can_be(guard.staff):
        return false()
    staff = tables.staff
    mine = select(literal(1)).where(
        staff.c.id == bindparam("me", guard.staff, type_=tables.staff_key),
        staff.c.active,
        not_(staff.c.deleted),
        staff.c.access_version == bindparam("version", guard.version, type_=BigInteger()),
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


def _fold(declared: Field, value: ColumnElement[Any]) -> ColumnElement[Any]:
    return AsciiLower(value) if declared.kind is Kind.TEXT and declared.fold is Fold.ASCII else value
