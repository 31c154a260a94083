"""Text in the cells of a CSV file: safe from spreadsheets, and several values in one; both can be undone exactly."""

from __future__ import annotations

import re
from collections.abc import Iterable

SEPARATOR = ";"
"""Between the values of a set field within one cell."""

_FORMULA = re.compile(r"'*\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_GUARDED = re.compile(r"'+\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_SPECIAL = re.compile(r"[\\;]|^\s|\s$")
_TOKEN = re.compile(r"\\([\\;\s])|(.)", re.DOTALL)


def guard(text: str) -> str:
    """``text`` as a spreadsheet takes it for text and for no formula; :func:`unguard` undoes it.

    >>> guard("=1+1"), guard("'=x"), guard("'t Hooft")
    ("'=1+1", "''=x", "'t Hooft")
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguard(text: str) -> str:
    """What :func:`guard` was given.

    >>> unguard("'=1+1"), unguard("'t Hooft")
    ('=1+1', "'t Hooft")
    """
    return text[1:] if _GUARDED.match(text) else text


def join(values: Iterable[str]) -> str:
    r"""Several values in one cell; :func:`split` undoes it.

    >>> join(["tea", "salt; pepper"])
    'tea;salt\\; pepper'
    """
    return SEPARATOR.join(_SPECIAL.sub(lambda found: "\\" + found[0], value) for value in values)


def split(text: str) -> list[str]:
    r"""The values in one cell; blanks around them do not count, a backslash keeps ``;`` and blanks.

    >>> split("tea; coffee ;"), split(r"salt\; pepper")
    (['tea', 'coffee'], ['salt; pepper'])
    """
    parts: list[list[tuple[str, bool]]] = [[]]
    for kept, plain in _TOKEN.findall(text):
        if plain == SEPARATOR:
            parts.append([])
        else:
            parts[-1].append((kept or plain, bool(kept)))
    return [word for part in parts if (word := _trimmed(part))]


def _trimmed(letters: list[tuple[str, bool]]) -> str:
    kept = [place for place, (letter, escaped) in enumerate(letters) if escaped or not letter.isspace()]
    return "".join(letter for letter, _ in letters[kept[0] : kept[-1] + 1]) if kept else ""
