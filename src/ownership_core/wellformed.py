"""Whether a scope speaks only of declared fields, in ways they can be spoken of. All problems at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from ownership_core.errors import InvalidInput, Problem, raise_all
from ownership_core.fields import Field, Fields, Kind
from ownership_core.keys import parse_id
from ownership_core.model import Value
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

DEPTH_LIMIT = 40
VALUES_LIMIT = 10_000


def check_scope(scope: Scope, fields: Fields, searchable_only: bool = False) -> Scope:
    """``scope`` itself when it is well formed, else :class:`InvalidInput` with every problem.

    Codes: ``unknown_field``, ``invalid_scope``, ``invalid_value``, ``invalid_text``, ``text_too_long``,
    ``not_searchable`` (only with ``searchable_only``, for what staff typed).
    """
    raise_all(list(_problems(scope, fields, searchable_only, 0)))
    return scope


def _problems(scope: Scope, fields: Fields, searchable_only: bool, depth: int) -> Iterator[Problem]:
    if depth > DEPTH_LIMIT:
        yield Problem("invalid_scope", f"The scope is nested more than {DEPTH_LIMIT} deep.", "Flatten it.")
        return
    match scope:
        case Everything() | Nothing() | AssignedBefore() | AssignedSince():
            return
        case AssignedTo(staff) | PrimaryOf(staff) | SharedWith(staff):
            yield from _staff_problems(staff)
        case AssignedCount(count):
            if type(count) is not int or count < 1:
                yield Problem("invalid_scope", "AssignedCount needs a whole number of at least 1.")
        case Equals(name, value):
            yield from _value_problems(name, (value,), fields, searchable_only)
        case OneOf(name, values):
            yield from _value_problems(name, values, fields, searchable_only)
        case Missing(name):
            yield from _field_problems(name, fields, searchable_only, many=False)
        case Has(name, values):
            yield from _field_problems(name, fields, searchable_only, many=True)
            if not isinstance(values, Wildcard) and name in fields:
                yield from _unparsable(fields[name], values)
        case Under(name, text) | Matches(name, text):
            yield from _field_problems(name, fields, searchable_only, kinds={Kind.TEXT})
            if name in fields:
                yield from _unparsable(fields[name], (text,))
            if not text:
                yield Problem("invalid_scope", "An empty search text matches nothing in particular.", "Give text.")
        case Before(name) | After(name):
            yield from _field_problems(name, fields, searchable_only, many=False, kinds={Kind.TIME, Kind.INTEGER})
        case Not(part):
            yield from _problems(part, fields, searchable_only, depth + 1)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _problems(part, fields, searchable_only, depth + 1)
        case _:
            assert_never(scope)


def _field_problems(
    name: str,
    fields: Fields,
    searchable_only: bool,
    many: bool | None = None,
    kinds: set[Kind] | None = None,
) -> Iterator[Problem]:
    try:
        declared = fields[name]
    except InvalidInput as unknown:
        yield from unknown.problems
        return
    if searchable_only and not declared.searchable:
        yield Problem("not_searchable", f"The field {name!r} may not be searched.", "Use another filter.", name)
    if many is not None and declared.many is not many:
        verb = "Has" if declared.many else "Equals, OneOf or Missing"
        yield Problem("invalid_scope", f"The field {name!r} is spoken of with {verb}.", where=name)
    if kinds is not None and declared.kind not in kinds:
        yield Problem("invalid_scope", f"The {declared.kind.value} field {name!r} cannot be used so.", where=name)


def _staff_problems(staff: StaffSet) -> Iterator[Problem]:
    """Ids no store can hold would reach the driver as they are."""
    if isinstance(staff, Wildcard):
        return
    ids = staff.departments if isinstance(staff, Members | Outsiders) else staff
    if len(ids) > VALUES_LIMIT:
        yield Problem("invalid_scope", f"A list of {len(ids)} ids is too long.", "Use departments instead.")
        return
    for one in ids:
        try:
            parse_id(one)
        except InvalidInput as bad:
            yield from bad.problems


def _value_problems(
    name: str, values: frozenset[Value] | tuple[Value, ...], fields: Fields, searchable_only: bool
) -> Iterator[Problem]:
    yield from _field_problems(name, fields, searchable_only, many=False)
    if name in fields:
        yield from _unparsable(fields[name], values)


def _unparsable(declared: Field, values: frozenset[Value] | frozenset[str] | tuple[Value, ...]) -> Iterator[Problem]:
    if len(values) > VALUES_LIMIT:
        yield Problem("invalid_scope", f"A list of {len(values)} values is too long.", "Use a search instead.")
        return
    for value in values:
        if declared.kind is Kind.TIME and type(value) is int:
            continue
        try:
            declared.parse(value)
        except InvalidInput as bad:
            yield from bad.problems
