"""Distributions and rules in files: the wire form as JSON or TOML, without what can be left out."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from ownership_core.cli.where import parse_where, read_time
from ownership_core.distribute import ByScope, Case, FromField, LeastBusy, Rotation, ToStaff, Weighted
from ownership_core.errors import invalid
from ownership_core.fields import Fields
from ownership_core.keys import to_micros
from ownership_core.model import Json
from ownership_core.rules import Rule
from ownership_core.wire import scope_to_wire

SIZE_LIMIT = 1_000_000
"""Bytes a file of rules may have."""

_KINDS: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in (ToStaff, Rotation, LeastBusy, Weighted, ByScope, FromField)
}


def read_written(path: Path, key: str, fields: Fields) -> object:
    """What a file holds under ``key``, as the strict reader wants it (``unreadable_file``, ``invalid_wire``).

    A file may leave out what has a default, say ``where`` with sentences instead of a ``condition``, and write
    times as times.
    """
    raw = _parsed(path)
    if not isinstance(raw, dict) or key not in raw:
        return raw
    try:
        return {**raw, key: _rule(raw[key], fields) if key == "rule" else _distribution(raw[key], fields)}
    except RecursionError:
        raise _broken(path, "It is nested too deep.") from None


def _parsed(path: Path) -> object:
    try:
        with path.open("rb") as file:
            text = file.read(SIZE_LIMIT + 1)
    except OSError as broken:
        raise invalid("unreadable_file", f"{path} cannot be read: {broken.strerror}.") from None
    if len(text) > SIZE_LIMIT:
        raise _broken(path, f"It is larger than {SIZE_LIMIT} bytes.")
    read: Callable[[str], object] = tomllib.loads if path.suffix == ".toml" else json.loads
    try:
        return read(text.decode("utf-8"))
    except (ValueError, RecursionError) as broken:
        raise _broken(path, str(broken)[:200]) from None


def _broken(path: Path, what: str) -> Exception:
    hint = "Write JSON, or TOML in a file that ends in .toml."
    return invalid("invalid_wire", f"{path} cannot be understood: {what}", hint)


# What is left out.


def _distribution(raw: object, fields: Fields) -> object:
    if not isinstance(raw, dict):
        return raw
    node = raw.get("node")
    whole = _filled(_KINDS.get(node) if isinstance(node, str) else None, raw)
    parts: Mapping[str, Callable[[object], object]] = {
        "cases": lambda cases: [_case(case, fields) for case in cases] if isinstance(cases, list) else cases,
        "otherwise": lambda one: _distribution(one, fields),
        "members": lambda one: {"below": False, **one} if isinstance(one, dict) and "department" in one else one,
        "capacity": lambda one: {"days": None, **one} if isinstance(one, dict) else one,
    }
    return {key: parts[key](value) if key in parts else value for key, value in whole.items()}


def _case(raw: object, fields: Fields) -> object:
    return _conditional(_filled(Case, raw), fields) if isinstance(raw, dict) else raw


def _rule(raw: object, fields: Fields) -> object:
    if not isinstance(raw, dict):
        return raw
    whole = _conditional(_filled(Rule, raw), fields)
    return {key: _moment(value) if key.startswith("active_") else value for key, value in whole.items()}


def _conditional(raw: Json, fields: Fields) -> Json:
    """A case or a rule: its sentences become a condition, and so on inside its distribution."""
    whole = {key: value for key, value in raw.items() if key != "where"}
    where = raw.get("where")
    if "condition" not in raw and isinstance(where, list) and where and all(isinstance(one, str) for one in where):
        whole["condition"] = scope_to_wire(parse_where(where, fields))["scope"]
    elif "where" in raw:
        whole["where"] = where  # refused by the strict reader, and named there
    return {**whole, "to": _distribution(whole["to"], fields)} if "to" in whole else whole


def _filled(kind: type[Any] | None, raw: Json) -> Json:
    """The defaults of a class, then what is written."""
    return raw if kind is None else {**_defaults(kind), **raw}


def _defaults(kind: type[Any]) -> Json:
    found: Json = {}
    for slot in attrs.fields(kind):
        default: Any = slot.default
        if default is not attrs.NOTHING:
            value = default.factory() if hasattr(default, "factory") else default
            found[slot.name] = sorted(value) if isinstance(value, frozenset) else value
    return found


def _moment(value: object) -> object:
    """A time written as such, as microseconds; what is none is left to the strict reader."""
    if isinstance(value, str):
        value = read_time(value, "rule")
    return to_micros(value, "rule") if isinstance(value, datetime) else value
