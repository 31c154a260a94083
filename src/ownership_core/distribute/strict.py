"""Strict reading of what distributions are made of: bad input is refused where it is written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar, cast, get_args

import attrs

from ownership_core.errors import InvalidInput, Problem, invalid, raise_all
from ownership_core.keys import parse_id, parse_text
from ownership_core.model import DepartmentId, StaffId
from ownership_core.scope import Scope

SOURCE_LIMIT = 500
WEEK = frozenset(range(7))
_MOST = 2**31

_Raw = TypeVar("_Raw")
_Read = TypeVar("_Read")


@contextmanager
def gathering(problems: list[Problem], where: str = "") -> Iterator[None]:
    """Keep what is wrong with the input for later, at ``where`` unless it says so itself."""
    try:
        yield
    except InvalidInput as bad:
        problems.extend(attrs.evolve(problem, where=problem.where or where) for problem in bad.problems)


def every(read: Callable[[_Raw], _Read], raw: Iterable[_Raw]) -> list[_Read]:
    """Each of these as ``read`` reads it, or one :class:`InvalidInput` with all that is wrong with any of them."""
    problems: list[Problem] = []
    found = []
    for one in raw:
        with gathering(problems):
            found.append(read(one))
    raise_all(problems)
    return found


def staff(raw: object) -> StaffId:
    """The id of one staff, or ``invalid_id``."""
    return StaffId(parse_id(raw, what="staff id"))


def department(raw: object) -> DepartmentId:
    """The id of one department, or ``invalid_id``."""
    return DepartmentId(parse_id(raw, what="department id"))


def name(raw: object) -> str:
    """What a rotation is called, or ``invalid_id``."""
    return parse_id(raw, what="name of a rotation")


def field_name(raw: object) -> str:
    """The name of a field, or ``invalid_value``."""
    if isinstance(raw, str) and raw:
        return raw
    raise _wrong(raw, "the name of a field", "Name a to-one field.")


def source(raw: object) -> str:
    """What stands in the history, or ``invalid_value``, ``invalid_text``, ``text_too_long``."""
    return parse_text(raw, SOURCE_LIMIT, "source")


def flag(raw: object) -> bool:
    """A truth value, or ``invalid_value``."""
    if isinstance(raw, bool):
        return raw
    raise _wrong(raw, "a truth value", "Give True or False.")


def whole(raw: object) -> int:
    """A whole number from 1 on, or ``invalid_value``; nothing is rounded."""
    if type(raw) is int and 1 <= raw < _MOST:
        return raw
    raise _wrong(raw, "a whole number of at least 1", "Give 1 or more.")


def maybe_whole(raw: object) -> int | None:
    """None, or as :func:`whole`."""
    return None if raw is None else whole(raw)


def scope(raw: object) -> Scope:
    """A scope, or ``invalid_scope``."""
    if isinstance(raw, get_args(Scope)):
        return cast("Scope", raw)
    raise invalid("invalid_scope", f"{type(raw).__name__} is no scope.", "Build one of ownership_core.scope.")


def staff_set(raw: object) -> frozenset[StaffId]:
    """Staff by name, at least one."""
    if isinstance(raw, str | Mapping) or not isinstance(raw, Iterable):
        raise _wrong(raw, "a list of staff", "Give several ids or InDepartment(department).")
    found = frozenset(every(staff, raw))
    if not found:
        raise invalid("invalid_value", "Nobody is named.", "Name at least one staff.")
    return found


def weights(raw: object) -> Mapping[StaffId, int]:
    """How much each staff weighs: whole numbers from 1 on, at least one."""
    found = dict(every(lambda one: (staff(one[0]), whole(one[1])), _mapping(raw, "weights").items()))
    if not found:
        raise invalid("invalid_value", "Nobody is named.", "Give at least one staff a weight.")
    return found


def days(raw: object) -> Mapping[StaffId, frozenset[int]]:
    """The days on which each staff works; a staff without days works on all of them, and so is left out."""
    found = every(lambda one: (staff(one[0]), _weekdays(one[1])), _mapping(raw, "days").items())
    return {one: numbers for one, numbers in found if numbers}


def _weekdays(raw: object) -> frozenset[int]:
    if isinstance(raw, str) or not isinstance(raw, Iterable):
        raise _wrong(raw, "a list of weekdays", "Give numbers from 0 (Monday) to 6 (Sunday).")
    return frozenset(every(_weekday, raw))


def _weekday(raw: object) -> int:
    if type(raw) is int and raw in WEEK:
        return raw
    raise _wrong(raw, "a weekday", "Give a number from 0 (Monday) to 6 (Sunday).")


def _mapping(raw: object, what: str) -> Mapping[object, object]:
    if isinstance(raw, Mapping):
        return raw
    raise _wrong(raw, f"{what} by staff", "Give a mapping of staff ids.")


def _wrong(raw: object, what: str, hint: str) -> InvalidInput:
    return invalid("invalid_value", f"{ascii(raw)[:60]} is not {what}.", hint)
