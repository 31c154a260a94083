"""Strict reading of ids and text at the edge of the package (I12, threat "type confusion").

Ids are opaque text inside. What a database would quietly turn into another id (``True``, ``1.9``,
``' 1 '``, ``'١'``, ``'1abc'``) is refused here, so no store ever has to guess.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeGuard, cast

from ownership_core.errors import invalid

SHOWN = 60
ID_LIMIT = 191  # the longest utf8mb4 key every supported database can index
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_INTEGER = re.compile(r"(?:0|-?[1-9][0-9]{0,18})", re.ASCII)
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_FORBIDDEN_IN_ID = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029\ud800-\udfff]")


class KeyType(StrEnum):
    """How the store keeps a kind of id; fixed when its tables are made."""

    TEXT = "text"
    INTEGER = "integer"
    UUID = "uuid"


_HINTS = {
    KeyType.TEXT: f"Give 1 to {ID_LIMIT} characters of text without blanks at either end.",
    KeyType.INTEGER: "Give a whole number such as 42.",
    KeyType.UUID: "Give a UUID in lower case with hyphens.",
}


def parse_id(raw: object, key_type: KeyType = KeyType.TEXT, what: str = "id") -> str:
    """The canonical text of an id, or :class:`InvalidInput` with code ``invalid_id``.

    Integers are taken as ``int`` or as their canonical decimal text and must fit 64 bits; UUIDs as
    ``uuid.UUID`` or canonical lower-case text; text as 1 to 191 characters without control
    characters, lone surrogates or blanks at either end.

    >>> parse_id(42, KeyType.INTEGER), parse_id("C-7")
    ('42', 'C-7')
    >>> parse_id(True, KeyType.INTEGER)
    Traceback (most recent call last):
    ownership_core.errors.InvalidInput: [invalid_id] True is not a valid id. Give a whole number such as 42.
    """
    if key_type is KeyType.TEXT and type(raw) is str and _is_plain(raw):
        return raw
    hint = _HINTS[key_type]
    match key_type:
        case KeyType.INTEGER:
            text = str(raw) if type(raw) is int else raw
            if isinstance(text, str) and _INTEGER.fullmatch(text) and -(2**63) <= int(text) < 2**63:
                return text
        case KeyType.UUID:
            text = str(raw) if isinstance(raw, uuid.UUID) else raw
            if isinstance(text, str) and _is_canonical_uuid(text):
                return text
        case KeyType.TEXT:
            if (
                isinstance(raw, str)
                and 0 < len(raw) <= ID_LIMIT
                and raw == raw.strip()
                and not _FORBIDDEN_IN_ID.search(raw)
            ):
                return raw
    raise invalid("invalid_id", f"{_shown(raw)} is not a valid {what}.", hint)


def are_plain(ids: Sequence[object]) -> TypeGuard[Sequence[str]]:
    """Whether all of these are text ids beyond doubt; False says no more than that each has to be looked at.

    >>> are_plain(["C-1", "C-2"]), are_plain(["C-1", " C-2"]), are_plain(["C-1", 2])
    (True, False, False)
    """
    try:
        together = "".join(ids)  # type: ignore[arg-type]
    except TypeError:
        return False
    if not (together.isascii() and together.isprintable()):
        return False
    return all(0 < len(one) <= ID_LIMIT and one[0] != " " != one[-1] for one in cast("Sequence[str]", ids))


def id_order(key: str, key_type: KeyType) -> tuple[int, str]:
    """What ids are sorted by, equal in every store: numbers by value, everything else by code point."""
    return (int(key), "") if key_type is KeyType.INTEGER else (0, key)


def parse_text(raw: object, limit: int, where: str) -> str:
    """Text a store can hold unchanged, or :class:`InvalidInput` (``invalid_text``, ``text_too_long``)."""
    if not isinstance(raw, str):
        raise invalid("invalid_value", f"{_shown(raw)} is not text.", "Give text.", where)
    if _FORBIDDEN.search(raw):
        raise invalid(
            "invalid_text",
            "The text holds a NUL, another control character or half a surrogate pair.",
            "Remove it.",
            where,
        )
    if len(raw) > limit:
        raise invalid(
            "text_too_long", f"The text has {len(raw)} characters, {limit} are allowed.", "Shorten it.", where
        )
    return raw


def fold_ascii(text: str) -> str:
    """Lower-case the letters A to Z and nothing else: the one folding every database agrees on."""
    return text.translate(_ASCII_LOWER)


def fold_identity(text: str) -> str:
    """What two spellings of one e-mail address have in common (H03): NFKC, case folded, blanks trimmed.

    >>> fold_identity("Zoe@Example.ORG") == fold_identity("zoe@example.org")
    True
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


def to_micros(at: object, where: str = "") -> int:
    """Whole microseconds since 1970 UTC of an aware time; a naive one is refused (``naive_time``).

    >>> to_micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    if not isinstance(at, datetime):
        raise invalid("invalid_value", f"{_shown(at)} is not a time.", "Give an aware datetime.", where)
    if at.tzinfo is None or at.utcoffset() is None:
        raise invalid(
            "naive_time",
            f"{at.isoformat()} does not say in which time zone it is.",
            "Give an aware datetime, for example with tzinfo=datetime.UTC.",
            where,
        )
    return (at - _EPOCH) // timedelta(microseconds=1)


def is_moment(raw: object) -> bool:
    """Whether ``raw`` is a number of UTC microseconds that a calendar has a day for.

    >>> is_moment(0), is_moment(2**62), is_moment(True)
    (True, False, False)
    """
    return type(raw) is int and _FIRST <= raw <= _LAST


def from_micros(micros: int) -> datetime:
    """The UTC time of a number :func:`to_micros` gave."""
    return _EPOCH + timedelta(microseconds=micros)


_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def _is_plain(text: str) -> bool:
    """Whether a text is an id beyond doubt; most are, and a thousand of them are read in a moment."""
    return text.isascii() and text.isprintable() and 0 < len(text) <= ID_LIMIT and text == text.strip()


def _is_canonical_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _shown(raw: object) -> str:
    return ascii(raw)[:SHOWN]
