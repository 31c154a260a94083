"""The sentences about customers that everything speaks: a closed set of nodes, kept as data.

``&``, ``|`` and ``~`` build more data. The same sentence is evaluated in Python
(:mod:`~ownership_core.evaluate`), read aloud (:mod:`~ownership_core.explain`) and compiled by a store.
A node is TRUE, FALSE or *cannot tell*; only TRUE ever grants anything.

>>> wholesale = Has("groups", {"Wholesale"}) & ~AssignedTo(ANY)
>>> wholesale
AllOf(parts=(Has(field='groups', values=frozenset({'Wholesale'})), Not(part=AssignedTo(staff=<Wildcard.ANY: 'any'>))))
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeAlias, cast

from attrs import field as attribute
from attrs import frozen

from ownership_core.errors import invalid
from ownership_core.keys import to_micros
from ownership_core.model import DepartmentId, StaffId, Value


class Wildcard(StrEnum):
    """Stands in for a list: anything at all, or (staff only) anybody active."""

    ANY = "any"
    ANY_ACTIVE = "any_active"


ANY = Wildcard.ANY
ANY_ACTIVE = Wildcard.ANY_ACTIVE


def _ids(raw: object, what: str) -> frozenset[str]:
    if isinstance(raw, str) or not isinstance(raw, Iterable):
        raise invalid("invalid_scope", f"{what} must be a collection, not {type(raw).__name__}.", f"Give [{raw!r}].")
    found = frozenset(raw)
    if not all(isinstance(one, str) for one in found):
        raise invalid("invalid_scope", f"{what} must hold text only.", "Give ids and values as text.")
    return cast("frozenset[str]", found)


def _departments(raw: object) -> frozenset[DepartmentId]:
    return cast("frozenset[DepartmentId]", _ids(raw, "departments"))


@frozen
class Members:
    """Staff that work in one of these departments as they are now."""

    departments: frozenset[DepartmentId] = attribute(converter=_departments)


@frozen
class Outsiders:
    """Staff that work in none of these departments as they are now."""

    departments: frozenset[DepartmentId] = attribute(converter=_departments)


StaffSet: TypeAlias = frozenset[StaffId] | Wildcard | Members | Outsiders
"""Which staff a node speaks of."""


class _Sentence:
    """Gives every node its operators."""

    __slots__ = ()

    def __and__(self, other: Scope) -> AllOf:
        return AllOf((cast("Scope", self), other))

    def __or__(self, other: Scope) -> AnyOf:
        return AnyOf((cast("Scope", self), other))

    def __invert__(self) -> Not:
        return Not(cast("Scope", self))


def _staff(raw: object) -> StaffSet:
    if isinstance(raw, Wildcard | Members | Outsiders):
        return raw
    return cast("frozenset[StaffId]", _ids(raw, "staff"))


def _staff_ids(raw: object) -> frozenset[StaffId]:
    return cast("frozenset[StaffId]", _ids(raw, "staff"))


def _texts(raw: object) -> frozenset[str] | Wildcard:
    if raw is ANY:
        return ANY
    return _ids(raw, "values")


def _values(raw: Iterable[Value]) -> frozenset[Value]:
    if isinstance(raw, str):
        raise invalid("invalid_scope", "values must be a collection, not text.", f"Give [{raw!r}].")
    return frozenset(raw)


def _moment(raw: object) -> int:
    return raw if type(raw) is int else to_micros(raw)


def _parts(raw: Iterable[Scope]) -> tuple[Scope, ...]:
    return tuple(raw)


@frozen
class Everything(_Sentence):
    """TRUE of every customer."""


@frozen
class Nothing(_Sentence):
    """TRUE of none."""


@frozen
class Equals(_Sentence):
    """The to-one field has exactly this value. Cannot be told when the field is missing."""

    field: str
    value: Value


@frozen
class OneOf(_Sentence):
    """The to-one field has one of these values. An empty list is FALSE of everybody, missing or not."""

    field: str
    values: frozenset[Value] = attribute(converter=_values)


@frozen
class Missing(_Sentence):
    """The to-one field has no value. Never in doubt."""

    field: str


@frozen
class Has(_Sentence):
    """The set field holds one of these values, or anything at all (``ANY``). Never in doubt."""

    field: str
    values: frozenset[str] | Wildcard = attribute(converter=_texts)


@frozen
class Under(_Sentence):
    """Some value of the field starts with ``prefix``, or lies in the tree below it (``Field.separator``)."""

    field: str
    prefix: str


@frozen
class Before(_Sentence):
    """The time or number is strictly before ``at`` (a time may be given as an aware datetime)."""

    field: str
    at: int = attribute(converter=_moment)


@frozen
class After(_Sentence):
    """The time or number is strictly after ``at``."""

    field: str
    at: int = attribute(converter=_moment)


@frozen
class Matches(_Sentence):
    """Some value of the text field contains ``text``; ``%`` and ``_`` mean themselves."""

    field: str
    text: str


@frozen
class AssignedTo(_Sentence):
    """Some assignment of the customer is to one of ``staff``. Never in doubt."""

    staff: StaffSet = attribute(converter=_staff)


@frozen
class PrimaryOf(_Sentence):
    """The primary assignment of the customer is to one of ``staff``. Never in doubt."""

    staff: StaffSet = attribute(converter=_staff)


def AssignedIn(departments: Iterable[str]) -> AssignedTo:  # noqa: N802 - reads as the node it makes
    """Assigned to anyone who works in one of these departments now, inactive colleagues included (B02)."""
    return AssignedTo(Members(departments))


@frozen
class AssignedCount(_Sentence):
    """The customer has at least ``min`` assignments."""

    min: int


@frozen
class AssignedBefore(_Sentence):
    """Some assignment of the customer began before ``at``."""

    at: int = attribute(converter=_moment)


@frozen
class AssignedSince(_Sentence):
    """Some assignment of the customer began at ``at`` or later."""

    at: int = attribute(converter=_moment)


@frozen
class SharedWith(_Sentence):
    """The customer is shared with one of ``staff`` until after ``at``. Never in doubt."""

    staff: frozenset[StaffId] = attribute(converter=_staff_ids)
    at: int = attribute(converter=_moment)


@frozen
class Not(_Sentence):
    """The opposite; what cannot be told stays untold."""

    part: Scope


@frozen
class AllOf(_Sentence):
    """Every part holds; of no parts, TRUE."""

    parts: tuple[Scope, ...] = attribute(converter=_parts)


@frozen
class AnyOf(_Sentence):
    """Some part holds; of no parts, FALSE."""

    parts: tuple[Scope, ...] = attribute(converter=_parts)


Scope: TypeAlias = (
    Everything
    | Nothing
    | Equals
    | OneOf
    | Missing
    | Has
    | Under
    | Before
    | After
    | Matches
    | AssignedTo
    | PrimaryOf
    | AssignedCount
    | AssignedBefore
    | AssignedSince
    | SharedWith
    | Not
    | AllOf
    | AnyOf
)
"""Any node. Walkers are a ``match`` closed by ``assert_never``."""

UNASSIGNED: Scope = Not(AssignedTo(ANY))
"""Nobody is assigned. A customer held by inactive staff only is *orphaned*, not unassigned (D09)."""

ORPHANED: Scope = AllOf((AssignedTo(ANY), Not(AssignedTo(ANY_ACTIVE))))
"""Somebody is assigned, and nobody of them is active."""
