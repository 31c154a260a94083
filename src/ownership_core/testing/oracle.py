"""A third opinion on scopes: two plain predicates over plain dicts, written from the sentences of the nodes.

``surely`` and ``surely_not`` share no code with :mod:`ownership_core.evaluate` or
:mod:`ownership_core.simplify`; what is neither cannot be told. Slow, and easy to read.
"""

from __future__ import annotations

from typing import Any

from ownership_core import scope as s
from ownership_core.fields import Fields, Fold
from ownership_core.model import Customer

Plain = dict[str, Any]


def plain(customer: Customer, fields: Fields) -> Plain:
    """A customer as a dict: ``{field: value or None or list}`` and ``staff`` and ``shared``, lists of dicts."""
    record: Plain = {}
    for declared in fields:
        if declared.many:
            record[declared.name] = list(customer.sets.get(declared.name) or [])
        else:
            record[declared.name] = customer.values.get(declared.name)
    record["id"] = customer.id
    record["staff"] = []
    for assignment in customer.assignments:
        known = customer.staff.get(assignment.staff)
        record["staff"].append(
            {
                "id": assignment.staff,
                "primary": assignment.primary,
                "since": assignment.since,
                "active": known is not None and known.active,
                "departments": [] if known is None else list(known.departments),
            }
        )
    record["shared"] = [{"id": staff, "until": until} for staff, until in customer.shares.items()]
    return record


def surely(scope: s.Scope, record: Plain, fields: Fields) -> bool:
    """Whether the sentence is beyond doubt TRUE of the record."""
    if isinstance(scope, s.Not):
        return surely_not(scope.part, record, fields)
    if isinstance(scope, s.AllOf):
        return all(surely(part, record, fields) for part in scope.parts)
    if isinstance(scope, s.AnyOf):
        return any(surely(part, record, fields) for part in scope.parts)
    return known(scope, record) and fact(scope, record, fields)


def surely_not(scope: s.Scope, record: Plain, fields: Fields) -> bool:
    """Whether the sentence is beyond doubt FALSE of the record."""
    if isinstance(scope, s.Not):
        return surely(scope.part, record, fields)
    if isinstance(scope, s.AllOf):
        return any(surely_not(part, record, fields) for part in scope.parts)
    if isinstance(scope, s.AnyOf):
        return all(surely_not(part, record, fields) for part in scope.parts)
    return known(scope, record) and not fact(scope, record, fields)


def known(scope: s.Scope, record: Plain) -> bool:
    """Whether a leaf can be decided: only what looks into a missing value cannot."""
    if isinstance(scope, s.OneOf) and len(scope.values) == 0:
        return True
    if isinstance(scope, s.Equals | s.OneOf | s.Under | s.Matches | s.Before | s.After):
        return record[scope.field] is not None
    return True


def fact(scope: s.Scope, record: Plain, fields: Fields) -> bool:
    """What a decidable leaf says of the record."""
    kind = type(scope).__name__
    if kind in {"AssignedTo", "PrimaryOf", "AssignedCount", "AssignedBefore", "AssignedSince"}:
        return assignment_fact(kind, scope, record["staff"])
    if kind in {"Everything", "Nothing"}:
        return kind == "Everything"
    if isinstance(scope, s.SharedWith):
        wanted = [one for one in record["shared"] if one["until"] > scope.at]
        return len([one for one in wanted if one["id"] in scope.staff]) > 0
    asked: Any = scope
    held = record[asked.field]
    if kind == "Missing":
        return held is None
    if kind == "Before":
        return bool(held < asked.at)
    if kind == "After":
        return bool(held > asked.at)
    return text_fact(kind, asked, held if isinstance(held, list) else [held], fields)


def text_fact(kind: str, asked: Any, held: list[Any], fields: Fields) -> bool:
    """What a leaf about equal values or parts of text says of the values held."""
    declared = fields[asked.field]

    def same(value: Any) -> Any:
        if isinstance(value, str) and declared.fold is Fold.ASCII:
            return "".join(chr(ord(letter) + 32) if "A" <= letter <= "Z" else letter for letter in value)
        return value

    have = [same(value) for value in held]
    if kind == "Equals":
        return have == [same(asked.value)]
    if kind in {"OneOf", "Has"}:
        if asked.values is s.ANY:
            return len(have) > 0
        return any(have.count(same(value)) > 0 for value in asked.values)
    if kind == "Matches":
        return any(value.find(same(asked.text)) >= 0 for value in have)
    prefix = same(asked.prefix)
    below = prefix if declared.separator is None else prefix + declared.separator
    return any(value == prefix or str(value)[: len(below)] == below for value in have)


def assignment_fact(kind: str, asked: Any, staff: list[Plain]) -> bool:
    """What a leaf about assignments says of them."""
    if kind == "AssignedCount":
        return bool(len(staff) >= asked.min)
    if kind == "AssignedBefore":
        return len([one for one in staff if one["since"] < asked.at]) > 0
    if kind == "AssignedSince":
        return len([one for one in staff if one["since"] >= asked.at]) > 0
    meant = [one for one in staff if one["primary"]] if kind == "PrimaryOf" else staff
    return len([one for one in meant if is_meant(asked.staff, one)]) > 0


def is_meant(which: Any, one: Plain) -> bool:
    """Whether a staff is among those a node speaks of."""
    if which is s.ANY:
        return True
    if which is s.ANY_ACTIVE:
        return bool(one["active"])
    if isinstance(which, s.Members):
        return len([d for d in one["departments"] if d in which.departments]) > 0
    if isinstance(which, s.Outsiders):
        return len([d for d in one["departments"] if d in which.departments]) == 0
    return any(one["id"] == id for id in which)
