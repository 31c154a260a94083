"""Commands as plain dicts, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
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
    ChangeRules,
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
from ownership_core.distribute import ByScope, FromField, LeastBusy, Rotation, ToStaff, Weighted
from ownership_core.keys import from_micros, to_micros
from ownership_core.model import CustomerId, GroupRestriction, Json, Level
from ownership_core.rules import Rule
from ownership_core.scope import Everything, Wildcard
from ownership_core.wire import plain, rules, scopes


def command_to_wire(command: Command) -> Json:
    """``command`` as a plain dict; fields that are ``KEEP`` are left out, times become ``{"time": µs}``.

    Ids and text must be text already (``invalid_wire`` otherwise): parse at the edge, then write.
    """
    name = type(command).__name__
    if COMMANDS.get(name) is not type(command):
        raise plain.wrong(f"{name} is not a command.", "command")
    return {"v": plain.WIRE_VERSION, "command": name, **_encoded_fields(command, name)}


def command_from_wire(raw: object) -> Command:
    """The command of :func:`command_to_wire`, or :class:`InvalidInput` with code ``invalid_wire``."""
    whole = plain.versioned(raw, "command")
    name = plain.text(plain.take(whole, "command", ""), "command")
    if name not in COMMANDS:
        raise plain.wrong(f"There is no command {name[:60]!r}.", "command")
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
        case ChangeRules() if command.rule is not None:
            return attrs.evolve(command, rule=attrs.evolve(command.rule, label=""))
        case _:
            return command


def payload_hash(command: Command) -> str:
    """The SHA-256 of a command's canonical JSON: the same on every machine and in every process (I40)."""
    canonical = json.dumps(command_to_wire(command), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


# How commands are written.


_LATER = frozenset({"keep_view_until"})  # unsaid where it says nothing, so that older commands keep their hash


def _encoded_fields(instance: Any, where: str) -> Json:
    found = {a.name: getattr(instance, a.name) for a in attrs.fields(type(instance))}
    said = {key: value for key, value in found.items() if value is not KEEP and not (key in _LATER and value is None)}
    return {key: _encoded(key, value, f"{where}.{key}") for key, value in said.items()}


def _encoded(key: str, value: Any, where: str) -> object:
    match key:
        case "values":
            return {plain.text(name, where): _encoded_raw(one, f"{where}.{name}") for name, one in value.items()}
        case "sets":
            return {plain.text(name, where): _encoded_set(texts, f"{where}.{name}") for name, texts in value.items()}
        case "levels":
            return {plain.text(name, where): level.name.lower() for name, level in value.items()}
        case "weights":
            return {plain.text(staff, where): weight for staff, weight in sorted(value.items())}
        case "keep" if not isinstance(value, Enum | None):
            return scopes.written(value, where, 0)
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
        case ToStaff() | Rotation() | LeastBusy() | Weighted() | ByScope() | FromField():
            return rules.written(value, where)
        case Rule():
            return rules.rule_written(value, where)
        case frozenset():
            return _encoded_set(value, where)
        case _:
            return plain.value(value, where)


def _encoded_raw(value: object, where: str) -> object:
    if isinstance(value, datetime):
        return {"time": to_micros(value, where)}
    return None if value is None else plain.value(value, where)


def _encoded_set(texts: Iterable[str], where: str) -> list[str]:
    if isinstance(texts, str):
        raise plain.wrong("A set needs a list, not text.", where)
    return sorted(set(plain.texts(list(texts), where)))


def _encoded_selection(selection: Selection, where: str) -> Json:
    match selection:
        case One(customer):
            return {"one": plain.text(customer, f"{where}.one")}
        case Ids(customers):
            return {"ids": list(plain.texts(list(customers), f"{where}.ids"))}
        case Matching(scope):
            return {"matching": scopes.written(scope, f"{where}.matching", 0)}
        case _:
            assert_never(selection)


# How commands are read, strictly.


_HINTS: Mapping[type[Any], Mapping[str, Any]] = {
    kind: get_type_hints(kind) for kind in (*COMMANDS.values(), NewCustomer, GroupRestriction)
}


def _decoded_fields(kind: type[Any], raw: Json, where: str, extra: Iterable[str] = ()) -> Any:
    known = {a.name: a for a in attrs.fields(kind)}
    plain.only(raw, {*known, *extra}, where)
    arguments = {}
    for name, attribute in known.items():
        if name in raw or attribute.default is attrs.NOTHING:
            arguments[name] = _decoded(_HINTS[kind][name], plain.take(raw, name, where), f"{where}.{name}")
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
        return {key: _decoded(inner, one, f"{where}.{key}") for key, one in plain.mapping(raw, where).items()}
    if origin is tuple:
        return tuple(_decoded(get_args(hint)[0], one, at) for one, at in plain.items(raw, where))
    if origin is not None:
        return frozenset(plain.texts(raw, where))
    return _decoded_plain(hint, raw, where)


def _decoded_plain(kind: type[Any], raw: object, where: str) -> object:
    if kind is str:
        return plain.text(raw, where)
    if kind is int:
        return plain.integer(raw, where)
    if kind is bool:
        return plain.truth(raw, where)
    if kind is Level:
        return plain.level(raw, where)
    if issubclass(kind, Enum):
        return plain.enum(kind, raw, where)
    if kind is Rule:
        return rules.rule_read(raw, where)
    return _decoded_fields(kind, plain.mapping(raw, where), where)


def _decoded_union(kinds: tuple[Any, ...], raw: object, where: str) -> object:
    if One in kinds:
        return _read_selection(raw, where)
    if raw is None and type(None) in kinds:
        return None
    if ToStaff in kinds:
        return rules.read(raw, where)
    if Everything in kinds:
        return scopes.read(raw, where, 0)
    if Wildcard in kinds and isinstance(raw, dict):
        plain.only(raw, {"wildcard"}, where)
        return plain.enum(Wildcard, plain.take(raw, "wildcard", where), f"{where}.wildcard")
    [kind] = [kind for kind in kinds if kind not in (type(None), Keep, Wildcard)]
    return _decoded(kind, raw, where)


def _read_selection(raw: object, where: str) -> Selection:
    key, found = plain.tagged(raw, where)
    match key:
        case "one":
            return One(CustomerId(plain.text(found, f"{where}.one")))
        case "ids":
            return Ids(CustomerId(text) for text in plain.texts(found, f"{where}.ids"))
        case "matching":
            return Matching(scopes.read(found, f"{where}.matching", 0))
        case _:
            raise plain.wrong(f"There is no selection {key[:60]!r}.", where)


def _raw_value(raw: object, where: str) -> object:
    if isinstance(raw, dict):
        plain.only(raw, {"time"}, where)
        micros = plain.integer(plain.take(raw, "time", where), f"{where}.time")
        try:
            return from_micros(micros)
        except OverflowError:
            raise plain.wrong("The time is out of range.", f"{where}.time") from None
    return None if raw is None else plain.value(raw, where)
