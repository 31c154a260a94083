"""Scopes as plain dicts, and back; the other wire forms hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never, cast, get_args

import attrs

from ownership_core.model import DepartmentId, Json, StaffId, Value
from ownership_core.scope import (
    ANY,
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
from ownership_core.wire import plain


def scope_to_wire(scope: Scope) -> Json:
    """``scope`` as a plain dict; sets become sorted lists, so equal scopes give equal dicts.

    >>> scope_to_wire(Has("groups", {"b", "a"}))
    {'v': 1, 'scope': {'node': 'Has', 'field': 'groups', 'values': ['a', 'b']}}
    """
    return {"v": plain.WIRE_VERSION, "scope": written(scope, "scope", 0)}


def scope_from_wire(raw: object) -> Scope:
    """The scope of :func:`scope_to_wire`, or :class:`InvalidInput` with code ``invalid_wire``."""
    whole = plain.versioned(raw, "scope")
    plain.only(whole, {"v", "scope"}, "")
    return read(plain.take(whole, "scope", ""), "scope", 0)


# How scopes are written.


def written(scope: Scope, where: str, depth: int) -> Json:
    """One node and what is in it, without an envelope."""
    plain.check_depth(depth, where)
    head: Json = {"node": type(scope).__name__}
    match scope:
        case Everything() | Nothing():
            return head
        case Equals(name, value):
            return {**head, "field": name, "value": plain.value(value, where)}
        case OneOf(name, values):
            return {**head, "field": name, "values": sorted((plain.value(v, where) for v in values), key=_by_type)}
        case Missing(name):
            return {**head, "field": name}
        case Has(name, texts):
            return {**head, "field": name, "values": texts.value if isinstance(texts, Wildcard) else sorted(texts)}
        case Under(name, prefix):
            return {**head, "field": name, "prefix": prefix}
        case Matches(name, text):
            return {**head, "field": name, "text": text}
        case Before(name, at) | After(name, at):
            return {**head, "field": name, "at": at}
        case AssignedTo(staff) | PrimaryOf(staff):
            return {**head, "staff": _staff_set(staff)}
        case AssignedCount(least):
            return {**head, "min": least}
        case AssignedBefore(at) | AssignedSince(at):
            return {**head, "at": at}
        case SharedWith(staff, at):
            return {**head, "staff": _staff_set(staff), "at": at}
        case Not(part):
            return {**head, "part": written(part, f"{where}.part", depth + 1)}
        case AllOf(parts) | AnyOf(parts):
            return {**head, "parts": [written(p, f"{where}.parts[{i}]", depth + 1) for i, p in enumerate(parts)]}
        case _:
            assert_never(scope)


def _staff_set(staff: StaffSet) -> object:
    match staff:
        case Wildcard():
            return staff.value
        case Members(departments):
            return {"members": sorted(departments)}
        case Outsiders(departments):
            return {"outsiders": sorted(departments)}
        case frozenset():
            return {"ids": sorted(staff)}
        case _:
            assert_never(staff)


def _by_type(value: Value) -> tuple[bool, int, str]:
    return (True, 0, value) if isinstance(value, str) else (False, int(value), "")


# How scopes are read, strictly.

_SHAPES: Mapping[str, type[Any]] = {kind.__name__: kind for kind in get_args(Scope)}


def read(raw: object, where: str, depth: int) -> Scope:
    """The node of :func:`written`."""
    plain.check_depth(depth, where)
    node = plain.mapping(raw, where)
    name = plain.text(plain.take(node, "node", where), f"{where}.node")
    if name not in _SHAPES:
        raise plain.wrong(f"There is no scope node {name[:60]!r}.", f"{where}.node")
    kind = _SHAPES[name]
    keys = [attribute.name for attribute in attrs.fields(kind)]
    plain.only(node, {"node", *keys}, where)
    arguments = {key: _argument(kind, key, plain.take(node, key, where), f"{where}.{key}", depth) for key in keys}
    return cast("Scope", kind(**arguments))


def _argument(kind: type[Any], key: str, raw: object, where: str, depth: int) -> object:
    match key:
        case "field" | "prefix" | "text":
            return plain.text(raw, where)
        case "value":
            return plain.value(raw, where)
        case "values" if kind is Has:
            return ANY if raw == ANY.value else frozenset(plain.texts(raw, where))
        case "values":
            return frozenset(plain.value(one, at) for one, at in plain.items(raw, where))
        case "at" | "min":
            return plain.integer(raw, where)
        case "staff" if kind is SharedWith and not (isinstance(raw, dict) and "ids" in raw):
            raise plain.wrong("Expected staff by their ids.", where)
        case "staff":
            return _read_staff(raw, where)
        case "part":
            return read(raw, where, depth + 1)
        case "parts":
            return tuple(read(one, at, depth + 1) for one, at in plain.items(raw, where))
        case _:
            raise AssertionError(f"{kind.__name__}.{key} has no wire form")


def _read_staff(raw: object, where: str) -> StaffSet:
    if isinstance(raw, str):
        return cast("Wildcard", plain.enum(Wildcard, raw, where))
    key, found = plain.tagged(raw, where)
    texts = list(plain.texts(found, f"{where}.{key}"))
    match key:
        case "ids":
            return frozenset(map(StaffId, texts))
        case "members":
            return Members(map(DepartmentId, texts))
        case "outsiders":
            return Outsiders(map(DepartmentId, texts))
        case _:
            raise plain.wrong(f"There is no set of staff {key[:60]!r}.", where)
