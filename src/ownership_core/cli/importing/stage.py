"""Where the rows of a file wait, on disk, while all of them are looked at: memory holds a chunk."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Self

from attrs import frozen

from ownership_core.errors import Problem

CHUNK = 500
_SCHEMA = """
CREATE TABLE row (line INTEGER PRIMARY KEY, key TEXT NOT NULL, other TEXT NOT NULL, flag TEXT NOT NULL,
                  data TEXT NOT NULL, state TEXT NOT NULL);
CREATE INDEX row_key ON row (key, other);
CREATE INDEX row_other ON row (state, other, line);
CREATE TABLE trouble (line INTEGER NOT NULL, place TEXT NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL);
CREATE INDEX trouble_line ON trouble (line);
"""

NEW, CHANGE, SAME, REPEATED, BAD = "new", "change", "same", "repeated", "bad"
"""What becomes of a row: it is carried out, found as it is already, said by an earlier row, or wrong."""


@frozen
class Staged:
    """One row: its line, the fields' texts by name, and what becomes of it."""

    line: int
    values: dict[str, str]
    state: str


@frozen
class Comparing:
    """What a row is compared with others by."""

    key: str
    other: str = ""
    flag: str = ""


@frozen
class Trouble:
    """One reason against one row; line 0 stands for the file as a whole."""

    line: int
    column: str
    code: str
    reason: str


class Stage:
    """A private, temporary database of the standard library; it vanishes when it is closed.

    ``key`` and ``other`` are what rows are compared by (a customer and its staff), ``flag`` sets some apart
    (who is primary).
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def add(self, line: int, comparing: Comparing, values: dict[str, str], problems: Iterable[Trouble]) -> None:
        """Take one row in; with problems it is bad from the start."""
        found = list(problems)
        told = (line, comparing.key, comparing.other, comparing.flag, json.dumps(values, ensure_ascii=False))
        self._db.execute("INSERT INTO row VALUES (?, ?, ?, ?, ?, ?)", (*told, BAD if found else NEW))
        for trouble in found:
            self.blame(trouble)

    def blame(self, trouble: Trouble) -> None:
        """Note a reason against a row, which is bad from then on."""
        told = (trouble.line, trouble.column, trouble.code, trouble.reason)
        self._db.execute("INSERT INTO trouble VALUES (?, ?, ?, ?)", told)
        self.mark(trouble.line, BAD)

    def mark(self, line: int, state: str) -> None:
        """Say what becomes of a row."""
        self._db.execute("UPDATE row SET state = ? WHERE line = ?", (state, line))

    def chunks(self, state: str) -> Iterator[list[Staged]]:
        """The rows of one state in file order, a chunk at a time; marking them meanwhile is fine."""
        yield from self._chunks("state = ?", (state,))

    def chunks_of(self, state: str, other: str, flag: str) -> Iterator[list[Staged]]:
        """As :meth:`chunks`, of those rows with this ``other`` and ``flag``."""
        yield from self._chunks("state = ? AND other = ? AND flag = ?", (state, other, flag))

    def others(self, state: str) -> list[str]:
        """The different ``other`` of the rows of a state."""
        found = self._db.execute("SELECT DISTINCT other FROM row WHERE state = ? ORDER BY other", (state,))
        return [other for (other,) in found]

    def repeats(self) -> list[int]:
        """Lines that say exactly what an earlier good line says."""
        found = self._db.execute(
            "SELECT line FROM row WHERE state = ? AND line NOT IN "
            "(SELECT min(line) FROM row WHERE state = ? GROUP BY key, other, data)",
            (NEW, NEW),
        )
        return [line for (line,) in found]

    def contradictions(self) -> list[tuple[int, str]]:
        """Lines and their key, where another good line has the same key."""
        return self._sharing("key", "1")

    def contradicting_pairs(self) -> list[tuple[int, str]]:
        """Lines and their key, where another good line has the same key and ``other``."""
        return self._sharing("key, other", "1")

    def contradicting_flags(self) -> list[tuple[int, str]]:
        """Lines and their key, where another good line with a flag has the same key."""
        return self._sharing("key", "flag <> ''")

    def count(self, state: str) -> int:
        """How many rows there are of a state."""
        found = self._db.execute("SELECT count(*) FROM row WHERE state = ?", (state,)).fetchone()
        return int(found[0])

    def troubles(self) -> Iterator[Trouble]:
        """Everything noted, in file order."""
        for line, place, code, reason in self._db.execute("SELECT * FROM trouble ORDER BY line, rowid"):
            yield Trouble(line, place, code, reason)

    @property
    def troubled(self) -> bool:
        """Whether anything was noted."""
        return self._db.execute("SELECT 1 FROM trouble LIMIT 1").fetchone() is not None

    def _sharing(self, columns: str, condition: str) -> list[tuple[int, str]]:
        good = f"state = ? AND {condition}"
        several = f"SELECT {columns} FROM row WHERE {good} GROUP BY {columns} HAVING count(*) > 1"  # noqa: S608 - our words
        found = self._db.execute(
            f"SELECT line, key FROM row WHERE {good} AND ({columns}) IN ({several}) ORDER BY line",  # noqa: S608 - as above
            (NEW, NEW),
        )
        return [(line, key) for line, key in found]

    def _chunks(self, condition: str, arguments: tuple[str, ...]) -> Iterator[list[Staged]]:
        after = -1
        while True:
            found = self._db.execute(
                f"SELECT line, data, state FROM row WHERE {condition} AND line > ? ORDER BY line LIMIT ?",  # noqa: S608
                (*arguments, after, CHUNK),
            ).fetchall()
            if not found:
                return
            after = found[-1][0]
            yield [Staged(line, json.loads(data), state) for line, data, state in found]


def trouble(line: int, column: str, problem: Problem) -> Trouble:
    """A problem of one row."""
    return Trouble(line, column, problem.code, f"{problem.what} {problem.hint}".strip())
