"""A scope and one customer give a verdict: yes, no or cannot tell, with the trail that led there.

Three-valued after Kleene: what is missing makes a sentence undecided, and an undecided sentence never
grants, not even under ``Not``. Stores compile the same sentences to SQL; ``ScopeContract`` proves both equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import assert_never

from attrs import frozen

from ownership_core.errors import Problem, UncompilableScope
from ownership_core.fields import Field, Fields, Fold
from ownership_core.model import Assignment, Customer, Value
from ownership_core.scope import (
    ANY,
    ANY_ACTIVE,
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


class Answer(Enum):
    """The three truth values."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot tell"


@frozen
class Verdict:
    """The answer for one node, and for compound nodes the verdicts of its parts."""

    answer: Answer
    scope: Scope
    trail: tuple[Verdict, ...] = ()

    @property
    def granted(self) -> bool:
        """True only for a definite yes."""
        return self.answer is Answer.YES


def evaluate(scope: Scope, customer: Customer, fields: Fields) -> Verdict:
    """What ``scope`` says of ``customer``.

    >>> from ownership_core.scope import Equals, Not
    >>> nobody = Customer("c1")
    >>> evaluate(Not(Equals("website", "de")), nobody, Fields.declare()).answer
    <Answer.CANNOT_TELL: 'cannot tell'>

    Raises :class:`InvalidInput` (``unknown_field``) and, for fields folded by the database,
    :class:`UncompilableScope`: only SQL can decide those.
    """
    match scope:
        case Not(part):
            inner = evaluate(part, customer, fields)
            return Verdict(_opposite(inner.answer), scope, (inner,))
        case AllOf(parts):
            trail = tuple(evaluate(part, customer, fields) for part in parts)
            return Verdict(_all(v.answer for v in trail), scope, trail)
        case AnyOf(parts):
            trail = tuple(evaluate(part, customer, fields) for part in parts)
            return Verdict(_any(v.answer for v in trail), scope, trail)
        case _:
            return Verdict(_leaf(scope, customer, fields), scope)


def holds(scope: Scope, customer: Customer, fields: Fields) -> bool:
    """True when ``scope`` is definitely TRUE of ``customer``."""
    return evaluate(scope, customer, fields).granted


def _leaf(scope: Scope, customer: Customer, fields: Fields) -> Answer:
    match scope:
        case Everything():
            return Answer.YES
        case Nothing():
            return Answer.NO
        case Equals(name, value):
            return _one_of(customer, fields[name], (value,))
        case OneOf(name, values):
            return _one_of(customer, fields[name], values)
        case Missing(name):
            return _told(_value(customer, fields[name]) is None)
        case Has(name, values):
            return _told(_has(customer, fields[name], values))
        case Under(name, prefix):
            return _any_text(customer, fields[name], prefix, _is_under)
        case Matches(name, text):
            return _any_text(customer, fields[name], text, _contains)
        case Before(name, at):
            number = _value(customer, fields[name])
            return Answer.CANNOT_TELL if number is None else _told(int(number) < at)
        case After(name, at):
            number = _value(customer, fields[name])
            return Answer.CANNOT_TELL if number is None else _told(int(number) > at)
        case AssignedTo(staff):
            return _told(any(_is_in(a, staff, customer) for a in customer.assignments))
        case PrimaryOf(staff):
            return _told(any(a.primary and _is_in(a, staff, customer) for a in customer.assignments))
        case AssignedCount(least):
            return _told(len(customer.assignments) >= least)
        case AssignedBefore(at):
            return _told(any(a.since < at for a in customer.assignments))
        case AssignedSince(at):
            return _told(any(a.since >= at for a in customer.assignments))
        case SharedWith(staff, at):
            return _told(any(customer.shares.get(one, at) > at for one in staff))
        case Not() | AllOf() | AnyOf():
            raise AssertionError("compound nodes are evaluated by evaluate()")
        case _:
            assert_never(scope)


def _value(customer: Customer, declared: Field) -> Value | None:
    return customer.id if declared.name == "id" else customer.values.get(declared.name)


def _texts(customer: Customer, declared: Field) -> Iterator[str]:
    if declared.fold is Fold.DATABASE:
        raise UncompilableScope(
            Problem("uncompilable_scope", f"Only the database can compare the field {declared.name!r}.")
        )
    if declared.many:
        yield from (declared.folded(text) for text in customer.sets.get(declared.name, ()))
    elif isinstance(value := _value(customer, declared), str):
        yield declared.folded(value)


def _one_of(customer: Customer, declared: Field, values: Iterable[Value]) -> Answer:
    wanted = {declared.folded(v) if isinstance(v, str) else v for v in values}
    if not wanted:
        return Answer.NO
    value = _value(customer, declared)
    if value is None:
        return Answer.CANNOT_TELL
    return _told((next(_texts(customer, declared)) if isinstance(value, str) else value) in wanted)


def _has(customer: Customer, declared: Field, values: frozenset[str] | Wildcard) -> bool:
    if isinstance(values, Wildcard):
        return bool(customer.sets.get(declared.name))
    wanted = {declared.folded(value) for value in values}
    return any(text in wanted for text in _texts(customer, declared))


def _any_text(customer: Customer, declared: Field, part: str, test: Callable[[Field, str, str], bool]) -> Answer:
    texts = list(_texts(customer, declared))
    if not texts and not declared.many:
        return Answer.CANNOT_TELL
    return _told(any(test(declared, text, declared.folded(part)) for text in texts))


def _contains(_: Field, value: str, part: str) -> bool:
    return part in value


def _is_under(declared: Field, value: str, prefix: str) -> bool:
    if declared.separator is None:
        return value.startswith(prefix)
    return value == prefix or value.startswith(prefix + declared.separator)


def _is_in(assignment: Assignment, staff: StaffSet, customer: Customer) -> bool:
    if staff is ANY:
        return True
    if isinstance(staff, frozenset):
        return assignment.staff in staff
    known = customer.staff.get(assignment.staff)
    if staff is ANY_ACTIVE:
        return known is not None and known.active
    departments = known.departments if known is not None else frozenset()
    if isinstance(staff, Members):
        return bool(departments & staff.departments)
    if isinstance(staff, Outsiders):
        return not departments & staff.departments
    raise AssertionError(f"unknown staff set {staff!r}")


def _told(fact: bool) -> Answer:
    return Answer.YES if fact else Answer.NO


def _opposite(answer: Answer) -> Answer:
    return {Answer.YES: Answer.NO, Answer.NO: Answer.YES, Answer.CANNOT_TELL: Answer.CANNOT_TELL}[answer]


def _all(answers: Iterable[Answer]) -> Answer:
    found = set(answers)
    if Answer.NO in found:
        return Answer.NO
    return Answer.CANNOT_TELL if Answer.CANNOT_TELL in found else Answer.YES


def _any(answers: Iterable[Answer]) -> Answer:
    return _opposite(_all(map(_opposite, answers)))
