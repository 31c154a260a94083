"""A scope as one condition of the ORM. The only module that builds conditions from scopes.

Django negates ``Q`` in a way that lets through what cannot be told: ``~Q(website="de")`` finds customers without a
website. So nothing is negated here but a leaf. Every node is asked twice over, *surely so* and *surely not so*; Not
changes from one to the other, and what is missing is neither (:mod:`ownership_core.evaluate`). Set fields and
assignments are correlated subqueries, so that no join repeats a row. What cannot be said raises
:class:`UncompilableScope`; nothing is ever widened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, assert_never

import attrs
from attrs import frozen
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.lookups import GreaterThan, In, LessThan, Lookup

from ownership_core.errors import Problem, UncompilableScope
from ownership_core.evaluate import Answer, evaluate
from ownership_core.fields import Field, Fields, Fold, Kind
from ownership_core.keys import KeyType
from ownership_core.model import Customer, CustomerId
from ownership_core.model import Value as Stored
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
    PrimaryOf,
    Scope,
    SharedWith,
    StaffSet,
    Under,
    Wildcard,
)
from ownership_core.simplify import simplify
from ownership_django import conf, hosts
from ownership_django.assigned import assignments, left_alone, shares, to_staff, to_staff_of
from ownership_django.functions import AsText, SameText
from ownership_django.hosts import Customers, Place, rows_in
from ownership_django.values import (
    LARGEST,
    Part,
    Tests,
    TextTest,
    absent,
    all_of,
    any_of,
    as_q,
    beside,
    contains,
    present,
    same,
    text_of,
    told,
    under,
)

PARTS_LIMIT = 400  # SQLite refuses expressions nested deeper than 1,000
UNMAPPED = Customer(CustomerId("x"), {"kind": "customer", "active": True})
"""What a host's customer says of built-in fields that are not mapped: it is an active customer, and no more."""


def condition(scope: Scope, *, one_by_one: bool = False) -> Q:
    """``scope`` as a condition on a queryset of the host's customers.

    ``one_by_one`` asks about each customer by itself: right where something else says which ones are looked at.
    """
    return Conditions(hosts.customers(), one_by_one).where(scope)


@frozen
class Conditions:
    """Turns scopes into conditions on the host's customers."""

    customers: Customers
    one_by_one: bool = False

    @property
    def fields(self) -> Fields:
        """The declared fields."""
        return self.customers.fields

    @property
    def pk(self) -> str:
        """The key's own name: no annotation of a host can be called so, which ``pk`` can."""
        return self.customers.pk.attname

    def where(self, scope: Scope) -> Q:
        """The condition for ``scope``."""
        whole = simplify(scope)
        return as_q(self._all(_fitting(whole.parts if isinstance(whole, AllOf) else (whole,)), True))

    def value(self, name: str) -> Combinable | None:
        """The value of a to-one field of the customer at hand as its column keeps it; None where nobody has one."""
        declared = self._field(name, many=False)
        if name == "id":
            return F(self.pk)
        if name == "no_auto":
            return Exists(left_alone().filter(customer_id=OuterRef(self.pk)))
        place = self.customers.places.get(name)
        if place is not None:
            return F(place.path)
        known = UNMAPPED.values.get(declared.name)
        return None if known is None else Value(known)

    def folded(self, name: str) -> Combinable | None:
        """The value as the field compares and sorts it."""
        declared, value = self.fields[name], self.value(name)
        place = self.customers.places.get(name)
        if value is None or declared.kind is not Kind.TEXT or name == "id":
            return value
        return value if place is None else text_of(place, place.path)

    def node(self, scope: Scope, wanted: bool) -> Part:
        """``scope`` surely so (``wanted``), or surely not so; as it stands, not simplified."""
        match scope:
            case Everything():
                return wanted
            case Nothing():
                return not wanted
            case Not(part):
                return self.node(part, not wanted)
            case AllOf(parts):
                return self._all(_fitting(parts), True) if wanted else self._any(_fitting(parts), False)
            case AnyOf(parts):
                return self._any(_fitting(parts), True) if wanted else self._all(_fitting(parts), False)
            case Equals(name, value):
                return self._one_of(name, (value,), scope, wanted)
            case OneOf(name, values):
                return self._one_of(name, values, scope, wanted)
            case Missing(name):
                return self._missing(name, wanted)
            case Has(name, values):
                return self._has(self._field(name, many=True), values, scope, wanted)
            case Under(name, text):
                return self._text_test(name, text, under, scope, wanted)
            case Matches(name, text):
                return self._text_test(name, text, contains, scope, wanted)
            case Before(name, at):
                return self._number(name, at, LessThan, scope, wanted)
            case After(name, at):
                return self._number(name, at, GreaterThan, scope, wanted)
            case AssignedTo(staff) | PrimaryOf(staff):
                return self._in(self._assigned([staff], primary=isinstance(scope, PrimaryOf)), wanted)
            case AssignedCount(least):
                return self._counted(least, wanted)
            case AssignedBefore(at) | AssignedSince(at):
                since = "since__gte" if isinstance(scope, AssignedSince) else "since__lt"
                return self._in(assignments(Q((since, _fit(at)))), wanted)
            case SharedWith(staff, at):
                return self._in(shares(staff, _fit(at)), wanted) if staff else not wanted
            case _:
                assert_never(scope)

    def _all(self, parts: Iterable[Scope], wanted: bool) -> Part:
        """Every part: one says which customers there are, the others are asked about each of these."""
        parts = tuple(parts)
        driver = None if self.one_by_one or not wanted else next(filter(_is_bound, parts), None)
        inner = attrs.evolve(self, one_by_one=True)
        return all_of((self if part is driver else inner).node(part, wanted) for part in parts)

    def _any(self, parts: Iterable[Scope], wanted: bool) -> Part:
        """Some part. Staff of several parts are looked for together: no database follows an index through OR."""
        parts = tuple(parts)
        assigned = [part.staff for part in parts if isinstance(part, AssignedTo) and _is_bound(part)] if wanted else []
        if len(assigned) < 2:  # noqa: PLR2004 - one set of staff stands for itself
            return any_of(self.node(part, wanted) for part in parts)
        rest = [part for part in parts if not (isinstance(part, AssignedTo) and _is_bound(part))]
        together = self._in(self._assigned(assigned, primary=False), wanted)
        return any_of([together, *(self.node(part, wanted) for part in rest)])

    # Fields

    def _field(self, name: str, many: bool | None = None) -> Field:
        """The declared field ``name``: ``unknown_field``, or :class:`UncompilableScope` for the wrong sort."""
        declared = self.fields[name]
        if many is not None and declared.many is not many:
            said = "a set" if declared.many else "one value"
            raise uncompilable(f"The field {name!r} is {said} and spoken of as the other.")
        return declared

    def _one_of(self, name: str, values: Collection[Stored], scope: Scope, wanted: bool) -> Part:
        declared = self._field(name, many=False)
        if not values:
            return not wanted
        if name == "no_auto":
            asked = {bool(value) for value in values}
            return wanted if len(asked) > 1 else self._in(left_alone(), wanted is asked.pop())
        if name == "id":
            return told(self._these(values), wanted)
        place = self.customers.places.get(name)
        if place is None:
            return self._unmapped(declared, scope, wanted)
        return self._of_one(place, same(place, place.path, values), wanted)

    def _these(self, ids: Collection[Stored]) -> Tests:
        keys = [key for key in map(self.customers.value, ids) if key is not None]
        if not keys:
            return False
        return [SameText(F(self.pk), keys) if self.customers.key is KeyType.TEXT else In(F(self.pk), sorted(keys))]

    def _missing(self, name: str, wanted: bool) -> Part:
        declared = self._field(name, many=False)
        place = self.customers.places.get(name)
        if name in hosts.OURS:
            return not wanted
        if place is None:
            return self._unmapped(declared, Missing(name), wanted)
        return absent(place) if wanted else present(place)

    def _has(self, declared: Field, values: frozenset[str] | Wildcard, scope: Scope, wanted: bool) -> Part:
        place = self.customers.places.get(declared.name)
        if place is None:
            return self._unmapped(declared, scope, wanted)

        def test(path: str) -> Tests:
            return True if isinstance(values, Wildcard) else same(place, path, values)

        return self._of_set(place, test, wanted)

    def _text_test(self, name: str, text: str, build: TextTest, scope: Scope, wanted: bool) -> Part:
        declared = self._field(name)
        if declared.kind is not Kind.TEXT:
            raise uncompilable(f"The {declared.kind.value} field {name!r} holds no text.")
        part = declared.folded(text)
        if name == "id":
            return told(build(declared, AsText(F(self.pk)), part), wanted)
        place = self.customers.places.get(name)
        if place is None:
            return self._unmapped(declared, scope, wanted)

        def test(path: str) -> Tests:
            return build(declared, text_of(place, path), part)

        return self._of_set(place, test, wanted) if declared.many else self._of_one(place, test(place.path), wanted)

    def _number(self, name: str, at: int, compare: type[Lookup[Any]], scope: Scope, wanted: bool) -> Part:
        declared = self._field(name, many=False)
        if declared.kind not in (Kind.TIME, Kind.INTEGER):
            raise uncompilable(f"The {declared.kind.value} field {name!r} has no before and after.")
        place = self.customers.places.get(name)
        if place is None:
            return self._unmapped(declared, scope, wanted)
        return self._of_one(place, beside(place, at, compare), wanted)

    def _unmapped(self, declared: Field, scope: Scope, wanted: bool) -> bool:
        """What the core says of a customer that has no such field, decided by the core itself."""
        known = Fields({declared.name: attrs.evolve(declared, fold=Fold.EXACT)})
        return evaluate(scope, UNMAPPED, known).answer is (Answer.YES if wanted else Answer.NO)

    def _of_one(self, place: Place, tests: Tests, wanted: bool) -> Part:
        """Of a to-one field: surely so or surely not so, neither where it is missing."""
        match tests:
            case bool():
                return present(place) if tests is wanted else False
            case _ if wanted and not place.blank:
                return told(tests, True)
            case _:
                return all_of([present(place), told(tests, wanted)])

    def _of_set(self, place: Place, test: Callable[[str], Tests], wanted: bool) -> Part:
        """Of a set field: some value passes, or none does. Never in doubt."""
        if not place.many:
            passes = self._of_one(place, test(place.path), True)
            return passes if wanted else any_of([absent(place), self._of_one(place, test(place.path), False)])
        start = place.start
        tests = test(start.rest)
        if tests is False:
            return not wanted
        here = attrs.evolve(place, path=start.rest)
        rows = rows_in(start.model).filter(as_q(self._of_one(here, tests, True)))
        mine = Exists(rows.filter(**{start.link: OuterRef(start.outer)}))
        return Q(mine) if wanted else Q(~mine)

    # Assignments

    def _in(self, rows: QuerySet[Any], wanted: bool) -> Part:
        """Whether one of ``rows`` is about the customer; never in doubt."""
        if wanted and not self.one_by_one:
            return Q(**{f"{self.pk}__in": rows.values("customer_id")})
        mine = Exists(rows.filter(customer_id=OuterRef(self.pk)))
        return Q(mine) if wanted else Q(~mine)

    def _assigned(self, several: Sequence[StaffSet], *, primary: bool) -> QuerySet[Any]:
        who = as_q(self._to(several))
        return assignments(Q(slot=0), who) if primary else assignments(who)

    def _to(self, several: Sequence[StaffSet]) -> Part:
        if self.one_by_one or len(several) == 1:
            return any_of(to_staff(staff, one_by_one=self.one_by_one) for staff in several)
        return to_staff_of(several)

    def _counted(self, least: int, wanted: bool) -> Part:
        if least <= 0:
            return wanted
        if least == 1:
            return self._in(assignments(), wanted)
        many = assignments().values("customer_id").annotate(number=Count("pk")).filter(number__gte=least)
        return self._in(many, wanted)


def _is_bound(scope: Scope) -> bool:
    """Whether ``scope`` is FALSE outside the customers of some staff."""
    match scope:
        case AssignedTo(frozenset() | Members()) | PrimaryOf(frozenset() | Members()) | SharedWith():
            return True
        case AllOf(parts):
            return any(map(_is_bound, parts))
        case AnyOf(parts):
            return bool(parts) and all(map(_is_bound, parts))
        case _:
            return False


def _fit(at: int) -> int:
    return max(-LARGEST, min(at, LARGEST))


def _fitting(parts: tuple[Scope, ...]) -> tuple[Scope, ...]:
    if len(parts) > PARTS_LIMIT:
        raise uncompilable(f"A sentence of {len(parts)} parts is too long for SQL; {PARTS_LIMIT} are allowed.")
    return parts


def uncompilable(what: str) -> UncompilableScope:
    """The refusal to compile a scope."""
    return UncompilableScope(Problem("uncompilable_scope", what, "Mend the scope."), who=conf.WHO)
