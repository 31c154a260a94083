"""What commands are given: which customers are meant, one of several words, a moment, or nothing new."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, TypeAlias, TypeVar, cast, get_args

from attrs import field as attribute
from attrs import frozen

from ownership_core.errors import invalid
from ownership_core.keys import to_micros
from ownership_core.model import CustomerId
from ownership_core.scope import Everything, Scope


@frozen
class One:
    """A single customer; a refusal of it is raised."""

    id: CustomerId


def _distinct(ids: Iterable[CustomerId]) -> tuple[CustomerId, ...]:
    return tuple(dict.fromkeys(ids))


@frozen
class Ids:
    """Customers by id, each at most once, in the order given; refusals are listed in the receipt."""

    ids: tuple[CustomerId, ...] = attribute(converter=_distinct)


@frozen
class Matching:
    """Every customer ``scope`` is TRUE of, that the asker may see, at the moment of the plan (C01)."""

    scope: Scope


Selection: TypeAlias = One | Ids | Matching


_Choice = TypeVar("_Choice", bound=StrEnum)


def chosen(kind: type[_Choice], raw: str) -> _Choice:
    """The member of ``kind`` with this value, or ``invalid_value`` with all there are."""
    try:
        return kind(raw)
    except ValueError:
        known = ", ".join(member.value for member in kind)
        what = f"{ascii(raw)[:60]} is no {kind.__name__.lower()}."
        raise invalid("invalid_value", what, f"Use one of {known}.") from None


def selection(raw: object) -> Selection:
    """One id, several ids or a scope, told apart.

    >>> selection("c1"), selection(["c2", "c2"])
    (One(id='c1'), Ids(ids=('c2',)))
    """
    if isinstance(raw, One | Ids | Matching):
        return raw
    if isinstance(raw, get_args(Scope)):
        return Matching(cast("Scope", raw))
    if isinstance(raw, str | int) or not isinstance(raw, Iterable):
        return One(cast("CustomerId", raw))
    return Ids(cast("Iterable[CustomerId]", raw))


class Keep(Enum):
    """Stands for "leave this as it is" where None already means something."""

    KEEP = "keep"


KEEP = Keep.KEEP
_T = TypeVar("_T")
Maybe: TypeAlias = _T | Keep


def moment(raw: Any) -> Any:
    """An aware datetime as UTC microseconds; the edge reads what is neither."""
    return to_micros(raw) if isinstance(raw, datetime) else raw


EVERYBODY = Matching(Everything())
