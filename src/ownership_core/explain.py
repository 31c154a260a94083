"""A verdict in words a support agent can read aloud, and the same as data (rows 33, 34, 112).

Every condition is told, met or not: the checklists of the sources are what the policy itself asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import assert_never

from attrs import field as attribute
from attrs import frozen

from ownership_core.access import GROUP_RESTRICTED, OUT_OF_REACH, STAFF_INACTIVE, WEBSITE_MISMATCH
from ownership_core.errors import Problem
from ownership_core.evaluate import Answer, evaluate
from ownership_core.fields import Fields, Kind
from ownership_core.keys import from_micros
from ownership_core.model import Customer, Json, StaffId, Value
from ownership_core.ruling import Requirement
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
from ownership_core.simplify import simplify

TITLES: Mapping[str, str] = {
    "customer_exists": "Customer exists",
    STAFF_INACTIVE: "Staff is active",
    OUT_OF_REACH: "Assigned or in reach",
    WEBSITE_MISMATCH: "Website",
    GROUP_RESTRICTED: "Customer group",
    "not_permitted": "Right to do this",
    "single_owner": "Only one owner",
    "too_many_staff": "Number of staff",
    "already_assigned": "Unassigned",
    "not_assigned": "Assigned to you",
    "holder_out_of_reach": "Nobody beyond reach loses it",
    "no_auto": "Open to automatic assignment",
}
_SAID_OF_ALL = {
    Answer.YES: "Nothing speaks against it.",
    Answer.NO: "This holds of no customer.",
    Answer.CANNOT_TELL: "This cannot be told.",
}
_SAID = {
    (STAFF_INACTIVE, Answer.YES): "{} is active.",
    (STAFF_INACTIVE, Answer.NO): "{} is not active; inactive staff see and receive nothing.",
    (OUT_OF_REACH, Answer.YES): "The right of {} reaches every customer.",
    (OUT_OF_REACH, Answer.NO): "{} has no role that reaches any customer here.",
    (WEBSITE_MISMATCH, Answer.YES): "No website restriction applies to {}.",
    (GROUP_RESTRICTED, Answer.YES): "No customer group restriction applies to {}.",
    ("not_permitted", Answer.YES): "It reaches every customer.",
}
_MARKS = {Answer.YES: "✓", Answer.NO: "✗", Answer.CANNOT_TELL: "?"}


@frozen
class Check:
    """One condition: its code, whether it is met, and a sentence about it."""

    code: str
    answer: Answer
    said: str

    @property
    def title(self) -> str:
        """What the condition is called."""
        return TITLES.get(self.code, self.code.replace("_", " ").capitalize())


@frozen
class Explanation:
    """The answer to a why: the question, yes or no, and every condition behind it."""

    question: str
    allowed: bool
    checks: tuple[Check, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the conditions that are not met."""
        return tuple(check.code for check in self.checks if check.answer is not Answer.YES)

    def text(self) -> str:
        """To be read aloud: the answer first, then each condition on a line of its own."""
        lines = [f"{self.question} {'Yes.' if self.allowed else 'No.'}"]
        lines += [f"  {_MARKS[check.answer]} {check.title}: {check.said}" for check in self.checks]
        return "\n".join(lines)

    def to_json(self) -> Json:
        """The same as data."""
        checks = [{"code": c.code, "answer": c.answer.value, "said": c.said} for c in self.checks]
        return {"question": self.question, "allowed": self.allowed, "codes": list(self.codes), "checks": checks}


@frozen
class Speaker:
    """Says scopes and facts about one customer, with people called by their names.

    ``subject`` is the staff the question is about, ``covered`` whom it stands in for, each with the end of that.
    """

    customer: Customer
    fields: Fields
    labels: Mapping[StaffId, str]
    subject: StaffId = StaffId("")
    covered: Mapping[StaffId, int] = attribute(factory=dict)

    def check(self, requirement: Requirement) -> Check:
        """One requirement, decided and said."""
        answer = evaluate(requirement.scope, self.customer, self.fields).answer
        scope = simplify(requirement.scope)
        if isinstance(scope, Everything | Nothing):
            said = _SAID[requirement.code, answer] if (requirement.code, answer) in _SAID else _SAID_OF_ALL[answer]
            return Check(requirement.code, answer, said.format(self.name(self.subject)))
        said = f"{self._fact(scope)} Needed: {self.phrase(scope)}."
        covers = self._covers() if requirement.code == OUT_OF_REACH else ()
        return Check(requirement.code, answer, " ".join((said, *covers)))

    def phrase(self, scope: Scope) -> str:
        """``scope`` as the end of a sentence that began with "that".

        >>> Speaker(Customer("c1"), Fields.declare(), {"s1": "Maria"}).phrase(AssignedTo(["s1"]) | Missing("website"))
        'either it is assigned to Maria or it has no website'
        """
        match scope:
            case Everything() | Nothing():
                return "it is any customer" if isinstance(scope, Everything) else "it is no customer at all"
            case Equals(name, value):
                return f"its {name} is {self._value(name, value)}"
            case OneOf(name, values):
                return f"its {name} is one of {_listed(self._value(name, v) for v in values)}"
            case Missing(name):
                return f"it has no {name}"
            case Has(name, values):
                return _has(name, values)
            case Under(name, prefix):
                return f"its {name} starts with {prefix!r}"
            case Matches(name, text):
                return f"its {name} contains {text!r}"
            case Before(name, at):
                return f"its {name} is before {self._value(name, at)}"
            case After(name, at):
                return f"its {name} is after {self._value(name, at)}"
            case AssignedTo(staff):
                return f"it is assigned to {self._people(staff)}"
            case PrimaryOf(staff):
                return f"its primary staff is {self._people(staff)}"
            case AssignedCount(least):
                return f"it has at least {least} staff"
            case AssignedBefore(at) | AssignedSince(at):
                since = isinstance(scope, AssignedSince)
                return f"somebody was assigned {f'at {_moment(at)} or later' if since else f'before {_moment(at)}'}"
            case SharedWith(staff, at):
                return f"it is shared with {self._people(staff)} after {_moment(at)}"
            case Not(part):
                return f"it is not so that {self.phrase(part)}"
            case AllOf(parts):
                return " and ".join(self.phrase(part) for part in parts)
            case AnyOf(parts):
                return "either " + " or ".join(self.phrase(part) for part in parts)
            case _:
                assert_never(scope)

    def name(self, staff: StaffId) -> str:
        """What a staff is called: its label, or its id where it has none."""
        return self.labels.get(staff, staff)

    def _covers(self) -> list[str]:
        """That the subject stands in for somebody, and until when (H14)."""
        return [
            f"{self.name(self.subject)} stands in for {self.name(staff)} until {_moment(until)}."
            for staff, until in sorted(self.covered.items())
        ]

    def _fact(self, scope: Scope) -> str:
        """What is the case, for the fields and assignments the scope speaks of."""
        facts = [self._field_fact(name) for name in sorted(_fields_of(scope))]
        if _speaks_of_staff(scope):
            facts.insert(0, self._assignment_fact())
        facts += [self._share_fact(staff) for staff in sorted(_sharing(scope)) if staff in self.customer.shares]
        return " ".join(facts)

    def _field_fact(self, name: str) -> str:
        if self.fields[name].many:
            texts = self.customer.sets.get(name, frozenset())
            return f"Its {name} are {_listed(texts)}." if texts else f"It has no {name}."
        value = self.customer.id if name == "id" else self.customer.values.get(name)
        return f"It has no {name}." if value is None else f"Its {name} is {self._value(name, value)}."

    def _share_fact(self, staff: StaffId) -> str:
        return f"It is shared with {self.name(staff)} until {_moment(self.customer.shares[staff])}."

    def _assignment_fact(self) -> str:
        if not self.customer.assignments:
            return "Nobody is assigned."
        people = [f"{self.name(a.staff)}{' (primary)' if a.primary else ''}" for a in self.customer.assignments]
        return f"It is assigned to {_listed(people)}."

    def _value(self, name: str, value: Value) -> str:
        if name in self.fields and self.fields[name].kind is Kind.TIME and isinstance(value, int):
            return _moment(value)
        return str(value)

    def _people(self, staff: StaffSet) -> str:
        if staff is ANY:
            return "anybody"
        if staff is ANY_ACTIVE:
            return "anybody active"
        if isinstance(staff, Members):
            return f"somebody in {_listed(staff.departments)}"
        if isinstance(staff, Outsiders):
            return f"somebody outside of {_listed(staff.departments)}"
        assert isinstance(staff, frozenset)  # noqa: S101 - narrows the union for the reader and for mypy
        return _listed((self.name(one) for one in staff), "or")


def problem_check(problem: Problem) -> Check:
    """A refusal of the whole command as a condition that is not met."""
    return Check(problem.code, Answer.NO, f"{problem.what} {problem.hint}".strip())


def _has(name: str, values: frozenset[str] | Wildcard) -> str:
    if isinstance(values, Wildcard):
        return f"it has any {name}"
    return f"its {name} include {_listed(values, 'or')}"


def _listed(texts: Iterable[str], joint: str = "and") -> str:
    ordered = sorted(texts)
    if not ordered:
        return "nothing"
    *first, last = ordered
    return f"{', '.join(first)} {joint} {last}" if first else last


def _moment(micros: int) -> str:
    moment: datetime = from_micros(micros).astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _fields_of(scope: Scope) -> set[str]:
    match scope:
        case Not(part):
            return _fields_of(part)
        case AllOf(parts) | AnyOf(parts):
            return set().union(*(_fields_of(part) for part in parts))
        case Everything() | Nothing() | AssignedTo() | PrimaryOf() | AssignedCount() | SharedWith():
            return set()
        case AssignedBefore() | AssignedSince():
            return set()
        case _:
            return {scope.field}


def _sharing(scope: Scope) -> frozenset[StaffId]:
    """Those the scope asks whether the customer is shared with them."""
    match scope:
        case Not(part):
            return _sharing(part)
        case AllOf(parts) | AnyOf(parts):
            return frozenset().union(*map(_sharing, parts))
        case SharedWith(staff):
            return staff
        case _:
            return frozenset()


def _speaks_of_staff(scope: Scope) -> bool:
    match scope:
        case Not(part):
            return _speaks_of_staff(part)
        case AllOf(parts) | AnyOf(parts):
            return any(map(_speaks_of_staff, parts))
        case _:
            return isinstance(scope, AssignedTo | PrimaryOf | AssignedCount | AssignedBefore | AssignedSince)
