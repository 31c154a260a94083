"""What may be asked of one value of a host's column, as lookups that stay undecided where it is missing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias

from django.conf import settings
from django.db.models import F, Q, Value
from django.db.models.lookups import Exact as Equal
from django.db.models.lookups import GreaterThan, In, IsNull, LessThan, Lookup

from ownership_core.errors import InvalidInput
from ownership_core.fields import Field, Fold, Kind
from ownership_core.keys import KeyType, from_micros, parse_id, to_micros
from ownership_core.model import Value as Stored
from ownership_django.functions import AsciiLower, AsText, Beginning, Exact, PlaceOf, SameText
from ownership_django.hosts import Kept, Place

Part: TypeAlias = "Q | bool"
"""A condition, or what is known without asking: TRUE or FALSE of every customer."""

Tests: TypeAlias = "Sequence[Any] | bool"
"""Some of these lookups hold of the value, or the same answer for every value there is."""

_SMALLEST, LARGEST = -(2**63), 2**63 - 1
_FIRST, _LAST = (to_micros(one.replace(tzinfo=UTC)) for one in (datetime.min, datetime.max))  # noqa: DTZ901
_MICROSECOND = timedelta(microseconds=1)
_Compare: TypeAlias = "type[Lookup[Any]]"


def as_q(part: Part) -> Q:
    """The condition as Django takes it; an empty ``Q`` would be left out of an OR."""
    return part if isinstance(part, Q) else Q(Equal(Value(1), Value(int(part))))


def all_of(parts: Iterable[Part]) -> Part:
    """Every part."""
    asked = [part for part in parts if part is not True]
    if False in asked:
        return False
    return Q(*asked, _connector=Q.AND) if asked else True


def any_of(parts: Iterable[Part]) -> Part:
    """Some part."""
    asked = [part for part in parts if part is not False]
    if True in asked:
        return True
    return Q(*asked, _connector=Q.OR) if asked else False


def told(tests: Tests, wanted: bool) -> Part:
    """Some test holds (``wanted``), or surely none does."""
    if isinstance(tests, bool):
        return tests is wanted
    if wanted:
        return any_of(Q(test) for test in tests)
    return all_of(Q(~test) for test in tests)


def present(place: Place) -> Q:
    """There is a value."""
    there = Q(IsNull(F(place.there), False))
    return there & Q(~SameText(F(place.path), [""])) if place.blank else there


def absent(place: Place) -> Q:
    """There is none."""
    gone = Q(IsNull(F(place.there), True))
    return gone | Q(SameText(F(place.path), [""])) if place.blank else gone


def text_of(place: Place, path: str) -> Any:
    """The text at the end of ``path`` as its field compares and sorts it."""
    if place.kept is not Kept.TEXT:
        return AsText(F(path))
    match place.declared.fold:
        case Fold.DATABASE:
            return F(path)
        case Fold.ASCII:
            return AsciiLower(F(path))
        case Fold.EXACT:
            return Exact(F(path))


def same(place: Place, path: str, values: Collection[Stored]) -> Tests:
    """The value is one of ``values``; what no such column can hold is none of them."""
    found = {one for one in (_stored(place, value) for value in values) if one is not None}
    if not found:
        return False
    if place.kept is not Kept.TEXT or place.declared.fold is Fold.DATABASE:
        return [In(F(path), sorted(found))]
    if place.declared.fold is Fold.ASCII:
        return [In(AsciiLower(F(path)), sorted(found))]
    return [SameText(F(path), found)]


def beside(place: Place, at: int, compare: _Compare) -> Tests:
    """The number or time is strictly before or after ``at``, however the column keeps it."""
    before = compare is LessThan
    first, last = (_SMALLEST, LARGEST) if place.kept is Kept.INTEGER else (_FIRST, _LAST)
    if at < first or at > last:
        return before is (at > last)
    bound: Any = at
    if place.kept is Kept.TIME:
        bound = _moment(at)
    if place.kept is Kept.DATE:  # a date is its midnight
        day = from_micros(at).date()
        if before and not _is_midnight(at):
            if day == date.max:
                return True
            day += timedelta(days=1)
        bound = day
    return [compare(F(place.path), Value(bound, place.column))]


def under(declared: Field, value: Any, text: str) -> list[Any]:
    """The text begins with ``text``, or lies in the tree below it."""
    if declared.separator is None:
        return [_starts(value, text)]
    return [Equal(value, Value(text)), _starts(value, text + declared.separator)]


def contains(_: Field, value: Any, text: str) -> list[Any]:
    """The text has ``text`` in it; wildcards mean themselves."""
    return [GreaterThan(PlaceOf(value, Value(text)), Value(0))]


TextTest: TypeAlias = Callable[[Field, Any, str], "list[Any]"]


def _starts(value: Any, text: str) -> Any:
    return Equal(Beginning(value, Value(len(text))), Value(text))


def _stored(place: Place, value: Stored) -> Any | None:
    """``value`` as the column keeps it; None where it keeps no such thing."""
    match place.kept:
        case Kept.TEXT:
            text = place.declared.folded(str(value))
            return None if place.blank and not text else text
        case Kept.UUID:
            return _parsed(value, KeyType.UUID)
        case Kept.INTEGER if place.declared.kind is Kind.TEXT:
            return _parsed(value, KeyType.INTEGER)
        case Kept.INTEGER:
            return value if isinstance(value, int) and _SMALLEST <= value <= LARGEST else None
        case Kept.BOOLEAN:
            return bool(value)
        case Kept.TIME:
            return _moment(int(value)) if _FIRST <= int(value) <= _LAST else None
        case Kept.DATE:
            fits = _FIRST <= int(value) <= _LAST and _is_midnight(int(value))
            return from_micros(int(value)).date() if fits else None


def _parsed(value: Stored, key: KeyType) -> int | uuid.UUID | None:
    try:
        text = parse_id(value, key)
    except InvalidInput:
        return None
    return int(text) if key is KeyType.INTEGER else uuid.UUID(text)


def _moment(at: int) -> datetime:
    """The time as Django keeps it; without time zones it is taken as UTC."""
    moment = from_micros(at)
    return moment if settings.USE_TZ else moment.replace(tzinfo=None)


def _is_midnight(at: int) -> bool:
    return from_micros(at).time() == time()
