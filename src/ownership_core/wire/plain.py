"""The plain pieces of every wire form, read strictly: what cannot be read is ``invalid_wire`` with the path to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum

from ownership_core.errors import InvalidInput, invalid
from ownership_core.model import Json, Level, Value
from ownership_core.wellformed import DEPTH_LIMIT

WIRE_VERSION = 1
_TIMES = (-(2**63), 2**63)


def versioned(raw: object, where: str) -> Json:
    """The envelope, of the one version this package reads."""
    whole = mapping(raw, where)
    version = take(whole, "v", "")
    if type(version) is not int or version != WIRE_VERSION:
        raise wrong(f"Wire version {ascii(version)[:20]} is not known; this package reads {WIRE_VERSION}.", "v")
    return whole


def mapping(raw: object, where: str) -> Json:
    """An object with text keys."""
    if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
        raise wrong("Expected an object with text keys.", where)
    return raw


def take(raw: Json, key: str, where: str) -> object:
    """What stands under ``key``."""
    if key not in raw:
        raise wrong(f"The key {key!r} is missing.", where)
    return raw[key]


def only(raw: Json, known: Iterable[str], where: str) -> None:
    """Refuse keys that nobody reads."""
    if extra := sorted(set(raw) - set(known)):
        raise wrong(f"Unknown keys: {', '.join(ascii(key)[:40] for key in extra[:5])}.", where)


def tagged(raw: object, where: str) -> tuple[str, object]:
    """The one key of an object, and what stands under it."""
    found = mapping(raw, where)
    if len(found) != 1:
        raise wrong("Expected an object with exactly one key.", where)
    return next(iter(found.items()))


def items(raw: object, where: str) -> Iterator[tuple[object, str]]:
    """Each of a list with the path to it."""
    if not isinstance(raw, list):
        raise wrong("Expected a list.", where)
    return ((one, f"{where}[{i}]") for i, one in enumerate(raw))


def texts(raw: object, where: str) -> Iterator[str]:
    """Each text of a list."""
    return (text(one, at) for one, at in items(raw, where))


def text(raw: object, where: str) -> str:
    """A text."""
    if not isinstance(raw, str):
        raise wrong("Expected text.", where)
    return raw


def integer(raw: object, where: str) -> int:
    """A whole number of at most 64 bits; ``True`` is none."""
    if type(raw) is not int or not _TIMES[0] <= raw < _TIMES[1]:
        raise wrong("Expected a whole number of at most 64 bits.", where)
    return raw


def truth(raw: object, where: str) -> bool:
    """True or false."""
    if not isinstance(raw, bool):
        raise wrong("Expected true or false.", where)
    return raw


def value(raw: object, where: str) -> Value:
    """A stored value: text, whole number or truth value."""
    if isinstance(raw, str | bool):
        return raw
    return integer(raw, where)


def enum(kind: type[Enum], raw: object, where: str) -> Enum:
    """The member of ``kind`` with this value."""
    known = {member.value: member for member in kind}
    if not isinstance(raw, str) or raw not in known:
        raise wrong(f"Expected one of {', '.join(map(str, known))}.", where)
    return known[raw]


def level(raw: object, where: str) -> Level:
    """The level of this name."""
    known = {level.name.lower(): level for level in Level}
    if not isinstance(raw, str) or raw not in known:
        raise wrong(f"Expected one of {', '.join(known)}.", where)
    return known[raw]


def check_depth(depth: int, where: str) -> None:
    """Refuse what is nested too deep."""
    if depth > DEPTH_LIMIT:
        raise wrong(f"It is nested more than {DEPTH_LIMIT} deep.", where)


def wrong(what: str, where: str) -> InvalidInput:
    """``invalid_wire`` at this place."""
    return invalid("invalid_wire", what, "Send what this package wrote.", where[:200])
