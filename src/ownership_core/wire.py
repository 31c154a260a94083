"""Scopes and commands as versioned plain dicts, ready for ``json`` and read back strictly.

A round trip gives an equal value. What cannot be read is refused as ``invalid_wire`` with the path to it:
unknown versions, nodes and commands, extra and missing keys, wrong types. Ids and values stay as they are;
whether they fit the declared fields is judged by :mod:`~ownership_core.wellformed`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from types import UnionType
from typing import Any, Union, assert_never, cast, get_args, get_origin, get_type_hints

import attrs

from ownership_core.commands import (
    COMMANDS,
    KEEP,
    ChangeCustomer,
    ChangeDepartment,
    ChangeStaff,
    Command,
    CreateCustomer,
    Ids,
    Keep,
    Matching,
    NewCustomer,
    One,
    Selection,
)
from ownership_core.errors import InvalidInput, invalid
from ownership_core.keys import from_micros, to_micros
from ownership_core.model import CustomerId, DepartmentId, GroupRestriction, Json, Level, StaffId, Value
from ownership_core.scope import (
    ANY,
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
from ownership_core.wellformed import DEPTH_LIMIT

WIRE_VERSION = 1
_TIMES = (-(2**63), 2**63)


def scope_to_wire(scope: Scope) -> Json:
    """``scope`` as a plain dict; sets become sorted lists, so equal scopes give equal dicts.

    >>> scope_to_wire(Has("groups", {"b", "a"}))
    {'v': 1, 'scope': {'node': 'Has', 'field': 'groups', 'values': ['a', 'b']}}
    """
    return {"v": WIRE_VERSION, "scope": _node(scope, "scope", 0)}


def scope_from_wire(raw: object) -> Scope:
    """The scope of :func:`scope_to_wire`, or :class:`InvalidInput` with code ``invalid_wire``."""
    whole = _versioned(raw, "scope")
    _only(whole, {"v", "scope"}, "")
    return _scope(_take(whole, "scope", ""), "scope", 0)


def command_to_wire(command: Command) -> Json:
    """``command`` as a plain dict; fields that are ``KEEP`` are left out, times become ``{"time": µs}``.

    Ids and text must be text already (``invalid_wire`` otherwise): parse at the edge, then write.
    """
    name = type(command).__name__
    if COMMANDS.get(name) is not type(command):
        raise _wrong(f"{name} is not a command.", "command")
    return {"v": WIRE_VERSION, "command": name, **_encoded_fields(command, name)}


def command_from_wire(raw: object) -> Command:
    """The command of :func:`command_to_wire`, or :class:`InvalidInput` with code ``invalid_wire``."""
    whole = _versioned(raw, "command")
    name = _text(_take(whole, "command", ""), "command")
    if name not in COMMANDS:
        raise _wrong(f"There is no command {name[:60]!r}.", "command")
    return cast("Command", _decoded_fields(COMMANDS[name], whole, name, extra={"v", "command"}))


def recorded(command: Command) -> Command:
    """The command as an applied run keeps it for ever: without anybody's name, e-mail or other field values."""
    match command:
        case ChangeCustomer():
            return attrs.evolve(command, values={}, sets={})
        case CreateCustomer():
            return attrs.evolve(command, customers=())
        case ChangeStaff():
            return attrs.evolve(command, label=KEEP, login=KEEP)
        case ChangeDepartment():
            return attrs.evolve(command, label=KEEP)
        case _:
            return command


def payload_hash(command: Command) -> str:
    """The SHA-256 of a command's canonical JSON: the same on every machine and in every process (I40)."""
    canonical = json.dumps(command_to_wire(command), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


# How scopes are written.


def _node(scope: Scope, where: str, depth: int) -> Json:
    _check_depth(depth, where)
    head: Json = {"node": type(scope).__name__}
    match scope:
        case Everything() | Nothing():
            return head
        case Equals(name, value):
            return {**head, "field": name, "value": _value(value, where)}
        case OneOf(name, values):
            return {**head, "field": name, "values": sorted((_value(v, where) for v in values), key=_by_type)}
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
        case AssignedBefore(at):
            return {**head, "at": at}
        case Not(part):
            return {**head, "part": _node(part, f"{where}.part", depth + 1)}
        case AllOf(parts) | AnyOf(parts):
            return {**head, "parts": [_node(p, f"{where}.parts[{i}]", depth + 1) for i, p in enumerate(parts)]}
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


def _scope(raw: object, where: str, depth: int) -> Scope:
    _check_depth(depth, where)
    node = _dict(raw, where)
    name = _text(_take(node, "node", where), f"{where}.node")
    if name not in _SHAPES:
        raise _wrong(f"There is no scope node {name[:60]!r}.", f"{where}.node")
    kind = _SHAPES[name]
    keys = [attribute.name for attribute in attrs.fields(kind)]
    _only(node, {"node", *keys}, where)
    arguments = {key: _argument(kind, key, _take(node, key, where), f"{where}.{key}", depth) for key in keys}
    return cast("Scope", kind(**arguments))


def _argument(kind: type[Any], key: str, raw: object, where: str, depth: int) -> object:
    match key:
        case "field" | "prefix" | "text":
            return _text(raw, where)
        case "value":
            return _value(raw, where)
        case "values" if kind is Has:
            return ANY if raw == ANY.value else frozenset(_texts(raw, where))
        case "values":
            return frozenset(_value(one, at) for one, at in _items(raw, where))
        case "at" | "min":
            return _integer(raw, where)
        case "staff":
            return _read_staff(raw, where)
        case "part":
            return _scope(raw, where, depth + 1)
        case "parts":
            return tuple(_scope(one, at, depth + 1) for one, at in _items(raw, where))
        case _:
            raise AssertionError(f"{kind.__name__}.{key} has no wire form")


def _read_staff(raw: object, where: str) -> StaffSet:
    if isinstance(raw, str):
        return cast("Wildcard", _enum(Wildcard, raw, where))
    key, found = _tagged(raw, where)
    texts = list(_texts(found, f"{where}.{key}"))
    match key:
        case "ids":
            return frozenset(map(StaffId, texts))
        case "members":
            return Members(map(DepartmentId, texts))
        case "outsiders":
            return Outsiders(map(DepartmentId, texts))
        case _:
            raise _wrong(f"There is no set of staff {key[:60]!r}.", where)


# How commands are written.


def _encoded_fields(instance: Any, where: str) -> Json:
    found = {a.name: getattr(instance, a.name) for a in attrs.fields(type(instance))}
    return {key: _encoded(key, value, f"{where}.{key}") for key, value in found.items() if value is not KEEP}


def _encoded(key: str, value: Any, where: str) -> object:
    match key:
        case "values":
            return {_text(name, where): _encoded_raw(one, f"{where}.{name}") for name, one in value.items()}
        case "sets":
            return {_text(name, where): _encoded_set(texts, f"{where}.{name}") for name, texts in value.items()}
        case "levels":
            return {_text(name, where): level.name.lower() for name, level in value.items()}
        case "customers" if isinstance(value, tuple):
            return [_encoded_fields(new, f"{where}[{i}]") for i, new in enumerate(value)]
        case _:
            return _encoded_plain(value, where)


def _encoded_plain(value: object, where: str) -> object:
    match value:
        case None | bool():
            return value
        case One() | Ids() | Matching():
            return _encoded_selection(value, where)
        case Wildcard():
            return {"wildcard": value.value}
        case Enum():
            return value.value
        case GroupRestriction():
            return _encoded_fields(value, where)
        case frozenset():
            return _encoded_set(value, where)
        case _:
            return _value(value, where)


def _encoded_raw(value: object, where: str) -> object:
    if isinstance(value, datetime):
        return {"time": to_micros(value, where)}
    return None if value is None else _value(value, where)


def _encoded_set(texts: Iterable[str], where: str) -> list[str]:
    if isinstance(texts, str):
        raise _wrong("A set needs a list, not text.", where)
    return sorted(set(_texts(list(texts), where)))


def _encoded_selection(selection: Selection, where: str) -> Json:
    match selection:
        case One(customer):
            return {"one": _text(customer, f"{where}.one")}
        case Ids(customers):
            return {"ids": list(_texts(list(customers), f"{where}.ids"))}
        case Matching(scope):
            return {"matching": _node(scope, f"{where}.matching", 0)}
        case _:
            assert_never(selection)


# How commands are read, strictly.


_HINTS: Mapping[type[Any], Mapping[str, Any]] = {
    kind: get_type_hints(kind) for kind in (*COMMANDS.values(), NewCustomer, GroupRestriction)
}


def _decoded_fields(kind: type[Any], raw: Json, where: str, extra: Iterable[str] = ()) -> Any:
    known = {a.name: a for a in attrs.fields(kind)}
    _only(raw, {*known, *extra}, where)
    arguments = {}
    for name, attribute in known.items():
        if name in raw or attribute.default is attrs.NOTHING:
            arguments[name] = _decoded(_HINTS[kind][name], _take(raw, name, where), f"{where}.{name}")
    return kind(**arguments)


def _decoded(hint: Any, raw: object, where: str) -> object:
    hint = getattr(hint, "__supertype__", hint)
    origin = get_origin(hint)
    if hint is Any:
        return _raw_value(raw, where)
    if origin in (Union, UnionType):
        return _decoded_union(get_args(hint), raw, where)
    if origin is not None and issubclass(origin, Mapping):
        inner = get_args(hint)[1]
        return {key: _decoded(inner, one, f"{where}.{key}") for key, one in _dict(raw, where).items()}
    if origin is tuple:
        return tuple(_decoded(get_args(hint)[0], one, at) for one, at in _items(raw, where))
    if origin is not None:
        return frozenset(_texts(raw, where))
    return _decoded_plain(hint, raw, where)


def _decoded_plain(kind: type[Any], raw: object, where: str) -> object:
    if kind is str:
        return _text(raw, where)
    if kind is int:
        return _integer(raw, where)
    if kind is bool:
        return _truth(raw, where)
    if kind is Level:
        return _level(raw, where)
    if issubclass(kind, Enum):
        return _enum(kind, raw, where)
    return _decoded_fields(kind, _dict(raw, where), where)


def _decoded_union(kinds: tuple[Any, ...], raw: object, where: str) -> object:
    if One in kinds:
        return _read_selection(raw, where)
    if raw is None and type(None) in kinds:
        return None
    if Wildcard in kinds and isinstance(raw, dict):
        _only(raw, {"wildcard"}, where)
        return _enum(Wildcard, _take(raw, "wildcard", where), f"{where}.wildcard")
    [kind] = [kind for kind in kinds if kind not in (type(None), Keep, Wildcard)]
    return _decoded(kind, raw, where)


def _read_selection(raw: object, where: str) -> Selection:
    key, found = _tagged(raw, where)
    match key:
        case "one":
            return One(CustomerId(_text(found, f"{where}.one")))
        case "ids":
            return Ids(CustomerId(text) for text in _texts(found, f"{where}.ids"))
        case "matching":
            return Matching(_scope(found, f"{where}.matching", 0))
        case _:
            raise _wrong(f"There is no selection {key[:60]!r}.", where)


def _raw_value(raw: object, where: str) -> object:
    if isinstance(raw, dict):
        _only(raw, {"time"}, where)
        micros = _integer(_take(raw, "time", where), f"{where}.time")
        try:
            return from_micros(micros)
        except OverflowError:
            raise _wrong("The time is out of range.", f"{where}.time") from None
    return None if raw is None else _value(raw, where)


# The plain pieces of both.


def _versioned(raw: object, where: str) -> Json:
    whole = _dict(raw, where)
    version = _take(whole, "v", "")
    if type(version) is not int or version != WIRE_VERSION:
        raise _wrong(f"Wire version {ascii(version)[:20]} is not known; this package reads {WIRE_VERSION}.", "v")
    return whole


def _dict(raw: object, where: str) -> Json:
    if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
        raise _wrong("Expected an object with text keys.", where)
    return raw


def _take(raw: Json, key: str, where: str) -> object:
    if key not in raw:
        raise _wrong(f"The key {key!r} is missing.", where)
    return raw[key]


def _only(raw: Json, known: Iterable[str], where: str) -> None:
    if extra := sorted(set(raw) - set(known)):
        raise _wrong(f"Unknown keys: {', '.join(ascii(key)[:40] for key in extra[:5])}.", where)


def _tagged(raw: object, where: str) -> tuple[str, object]:
    found = _dict(raw, where)
    if len(found) != 1:
        raise _wrong("Expected an object with exactly one key.", where)
    return next(iter(found.items()))


def _items(raw: object, where: str) -> Iterator[tuple[object, str]]:
    if not isinstance(raw, list):
        raise _wrong("Expected a list.", where)
    return ((one, f"{where}[{i}]") for i, one in enumerate(raw))


def _texts(raw: object, where: str) -> Iterator[str]:
    return (_text(one, at) for one, at in _items(raw, where))


def _text(raw: object, where: str) -> str:
    if not isinstance(raw, str):
        raise _wrong("Expected text.", where)
    return raw


def _integer(raw: object, where: str) -> int:
    if type(raw) is not int or not _TIMES[0] <= raw < _TIMES[1]:
        raise _wrong("Expected a whole number of at most 64 bits.", where)
    return raw


def _truth(raw: object, where: str) -> bool:
    if not isinstance(raw, bool):
        raise _wrong("Expected true or false.", where)
    return raw


def _value(raw: object, where: str) -> Value:
    if isinstance(raw, str | bool):
        return raw
    return _integer(raw, where)


def _enum(kind: type[Enum], raw: object, where: str) -> Enum:
    known = {member.value: member for member in kind}
    if not isinstance(raw, str) or raw not in known:
        raise _wrong(f"Expected one of {', '.join(map(str, known))}.", where)
    return known[raw]


def _level(raw: object, where: str) -> Level:
    known = {level.name.lower(): level for level in Level}
    if not isinstance(raw, str) or raw not in known:
        raise _wrong(f"Expected one of {', '.join(known)}.", where)
    return known[raw]


def _check_depth(depth: int, where: str) -> None:
    if depth > DEPTH_LIMIT:
        raise _wrong(f"The scope is nested more than {DEPTH_LIMIT} deep.", where)


def _wrong(what: str, where: str) -> InvalidInput:
    return invalid("invalid_wire", what, "Send what this package wrote.", where[:200])
