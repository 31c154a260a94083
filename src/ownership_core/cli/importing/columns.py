"""Which column of a file means which field: by name, or as a ``--map`` file says.

A map is TOML::

    ignore = ["Fax"]                      # columns that are left alone; unknown ones are refused
    [columns]
    CustomerId = "id"                     # column = field
    [join]
    name = ["FirstName", "LastName"]      # field = columns, joined by a blank
    [constants]
    website = "north"                     # field = the same text in every row
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field as attribute
from attrs import frozen

from ownership_core.cli.cells import SEPARATOR, unguard
from ownership_core.errors import InvalidInput, Problem, invalid, raise_all


@frozen
class ColumnMap:
    """What a ``--map`` file says; empty: every column is called as its field."""

    columns: Mapping[str, str] = attribute(factory=dict)
    join: Mapping[str, tuple[str, ...]] = attribute(factory=dict)
    constants: Mapping[str, str] = attribute(factory=dict)
    ignore: frozenset[str] = frozenset()


@frozen
class Shape:
    """What a kind of file may hold: its fields, which of them every file needs, which hold several values."""

    known: frozenset[str]
    required: frozenset[str]
    many: frozenset[str] = frozenset()


@frozen
class Binding:
    """A map bound to a header: where in a record each field stands."""

    width: int
    cells: Mapping[str, tuple[int, ...]]
    constants: Mapping[str, str]
    many: frozenset[str]
    header: Sequence[str]

    def values(self, cells: Sequence[str]) -> dict[str, str]:
        """The text of each field in one record, its formula guard taken off; an empty cell is an empty text."""
        found = dict(self.constants)
        for field, places in self.cells.items():
            parts = [text for place in places if (text := unguard(cells[place]))]
            found[field] = (SEPARATOR if field in self.many else " ").join(parts)
        return found

    def column(self, field: str) -> str:
        """What the file calls a field."""
        return " + ".join(self.header[place] for place in self.cells.get(field, ())) or field

    def wrong_width(self, cells: Sequence[str]) -> Problem | None:
        """``bad_row`` where a record has another number of cells than the header."""
        if len(cells) == self.width:
            return None
        word = "short" if len(cells) < self.width else "long"
        what = f"The row is too {word}: {len(cells)} cells under {self.width} columns."
        return Problem("bad_row", what, "Quote cells that hold the delimiter.")


def read_map(path: Path | None) -> ColumnMap:
    """The map in a file, or every problem of it (``bad_map``)."""
    if path is None:
        return ColumnMap()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        raise invalid("bad_map", f"{path} cannot be read: {broken}.", "Mend the file.", str(path)) from None
    problems = list(_map_problems(raw))
    raise_all(problems)
    join = {field: tuple(columns) for field, columns in raw.get("join", {}).items()}
    return ColumnMap(raw.get("columns", {}), join, raw.get("constants", {}), frozenset(raw.get("ignore", [])))


def bind(column_map: ColumnMap, header: Sequence[str], shape: Shape) -> Binding:
    """Where each field stands, or every problem of map and header at once (``bad_map``, ``bad_header``)."""
    problems = [_unknown_field(field, shape) for field in _targets(column_map) if field not in shape.known]
    problems += [_absent(column) for column in _sources(column_map) if column not in header]
    places: dict[str, list[int]] = {}
    joined = {column for columns in column_map.join.values() for column in columns}
    for place, column in enumerate(header):
        field = column_map.columns.get(column)
        if field is None and column not in joined | column_map.ignore:
            field = column
            if field not in shape.known:
                problems.append(_unknown_column(column, shape))
        if field is not None and field in shape.known:
            places.setdefault(field, []).append(place)
    for field, columns in column_map.join.items():
        places.setdefault(field, []).extend(header.index(column) for column in columns if column in header)
    problems += _twice(places, column_map, shape)
    problems += [_missing(field) for field in sorted(shape.required - set(places) - set(column_map.constants))]
    if problems:
        raise InvalidInput(*problems)
    cells = {field: tuple(found) for field, found in places.items()}
    return Binding(len(header), cells, column_map.constants, shape.many, header)


def _targets(column_map: ColumnMap) -> list[str]:
    return sorted({*column_map.columns.values(), *column_map.join, *column_map.constants})


def _sources(column_map: ColumnMap) -> list[str]:
    return list(dict.fromkeys([*column_map.columns, *(one for many in column_map.join.values() for one in many)]))


def _twice(places: Mapping[str, Sequence[int]], column_map: ColumnMap, shape: Shape) -> Iterator[Problem]:
    for field in sorted(places):
        plain = len(places[field]) > 1 and field not in column_map.join and field not in shape.many
        if plain or (field in column_map.constants) or (field in column_map.join and _also_plain(field, column_map)):
            yield Problem("bad_map", f"The field {field!r} is filled twice.", "Join the columns, or ignore one.")


def _also_plain(field: str, column_map: ColumnMap) -> bool:
    return field in column_map.columns.values()


def _map_problems(raw: Mapping[str, Any]) -> Iterator[Problem]:
    for key in sorted(set(raw) - {"columns", "join", "constants", "ignore"}):
        yield Problem("bad_map", f"A map has no {key!r}.", "It has columns, join, constants and ignore.", key)
    for key in ("columns", "constants"):
        if not _all_text(raw.get(key, {}), dict):
            yield Problem("bad_map", f'{key!r} holds name = "text" only.', "Mend the file.", key)
    if not _all_text(raw.get("ignore", []), list):
        yield Problem("bad_map", "'ignore' is a list of column names.", "Mend the file.", "ignore")
    join = raw.get("join", {})
    if not isinstance(join, dict) or not all(_all_text(columns, list) and columns for columns in join.values()):
        yield Problem("bad_map", "'join' holds field = [\"column\", ...] only.", "Mend the file.", "join")


def _all_text(raw: object, kind: type) -> bool:
    values = raw.values() if isinstance(raw, dict) else raw
    return isinstance(raw, kind) and all(isinstance(one, str) for one in values)  # type: ignore[attr-defined]


def _unknown_field(field: str, shape: Shape) -> Problem:
    hint = f"Fields of this kind of file: {', '.join(sorted(shape.known))}."
    return Problem("unknown_field", f"The map fills {field!r}, and there is no such field.", hint, field)


def _unknown_column(column: str, shape: Shape) -> Problem:
    hint = f"Map it or list it under ignore (--map FILE.toml). Fields: {', '.join(sorted(shape.known))}."
    return Problem("unknown_column", f"The column {column!r} is no field.", hint, "line 1")


def _absent(column: str) -> Problem:
    return Problem("bad_header", f"The map speaks of the column {column!r}, and the file has none.", "", "line 1")


def _missing(field: str) -> Problem:
    hint = "Add the column, or map another one to it (--map FILE.toml)."
    return Problem("bad_header", f"No column holds the field {field!r}.", hint, "line 1")
