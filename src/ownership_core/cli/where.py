"""Reads ``--where``: small sentences about customers, AND-ed.

``field=value`` is exactly, ``field~text`` is within, ``field=`` is missing. ``staff=ID``, ``primary=ID`` and
``department=ID`` speak of assignments; ``assigned``, ``unassigned`` and ``orphaned`` stand alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from ownership_core.errors import InvalidInput, Problem, invalid, raise_all
from ownership_core.fields import Field, Fields, Kind
from ownership_core.model import Value
from ownership_core.scope import (
    ANY,
    ORPHANED,
    UNASSIGNED,
    AllOf,
    AssignedIn,
    AssignedTo,
    Equals,
    Has,
    Matches,
    Missing,
    Not,
    PrimaryOf,
    Scope,
)

WORDS: Mapping[str, Scope] = {"assigned": AssignedTo(ANY), "unassigned": UNASSIGNED, "orphaned": ORPHANED}
PEOPLE: Mapping[str, Callable[[str], Scope]] = {
    "staff": lambda one: AssignedTo([one]),
    "primary": lambda one: PrimaryOf([one]),
    "department": lambda one: AssignedIn([one]),
}
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_TRUTH = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
HINT = "Use field=value, field~text, field= (missing), staff=ID, unassigned or orphaned."


def parse_where(texts: Iterable[str], fields: Fields) -> Scope:
    """One scope for all of ``texts``, or every problem of them (``invalid_where``, ``unknown_field`` ...).

    >>> parse_where(["website=north", "unassigned"], Fields.declare())
    AllOf(parts=(Equals(field='website', value='north'), Not(part=AssignedTo(staff=<Wildcard.ANY: 'any'>))))
    """
    scopes: list[Scope] = []
    problems: list[Problem] = []
    for text in texts:
        try:
            scopes.append(_sentence(text, fields))
        except InvalidInput as bad:
            problems.extend(bad.problems)
    raise_all(problems)
    return scopes[0] if len(scopes) == 1 else AllOf(scopes)


def read_text(field: Field, text: str) -> Value | datetime:
    """What a text means to a field: ``yes``/``no``, whole numbers, and times with their zone."""
    match field.kind:
        case Kind.BOOLEAN:
            if text.lower() in _TRUTH:
                return _TRUTH[text.lower()]
            raise invalid("invalid_value", f"{ascii(text)[:60]} is neither yes nor no.", "Use yes or no.", field.name)
        case Kind.INTEGER:
            if _INTEGER.fullmatch(text):
                return int(text)
            raise invalid("invalid_value", f"{ascii(text)[:60]} is not a whole number.", where=field.name)
        case Kind.TIME:
            return read_time(text, field.name)
        case Kind.TEXT:
            return text


def read_time(text: str, where: str = "") -> datetime:
    """A time in ISO 8601; without a zone it is refused where it is used (``naive_time``)."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        hint = "Write it as 2026-01-31T12:00:00+00:00."
        raise invalid("invalid_value", f"{ascii(text)[:60]} is not a time.", hint, where) from None


def _sentence(text: str, fields: Fields) -> Scope:
    if text in WORDS:
        return WORDS[text]
    name, sign, value = _split(text)
    if not sign:
        raise invalid("invalid_where", f"{text!r} says nothing about a customer.", HINT)
    if name in PEOPLE and sign == "=":
        return _people(name, value)
    if sign == "~":
        return Matches(fields[name].name, value)
    return exactly(fields[name], value)


def _people(name: str, value: str) -> Scope:
    match name, value:
        case "staff", "":
            return UNASSIGNED
        case "primary", "":
            return Not(PrimaryOf(ANY))
        case "department", "":
            raise invalid("invalid_where", "It names no department.", HINT)
        case _:
            return PEOPLE[name](value)


def exactly(field: Field, value: str) -> Scope:
    """Customers whose ``field`` holds exactly this; an empty ``value`` is a missing one."""
    if field.many:
        return Has(field.name, [value]) if value else Not(Has(field.name, ANY))
    if not value:
        return Missing(field.name)
    parsed = field.parse(read_text(field, value))
    return Equals(field.name, parsed)


def _split(text: str) -> tuple[str, str, str]:
    found = re.match(r"([^=~]*)([=~])(.*)", text, re.DOTALL)
    return (found[1].strip(), found[2], found[3]) if found else (text, "", "")
