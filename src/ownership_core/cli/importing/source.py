"""A CSV file, a record at a time; what makes it no CSV file is told by line and byte."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Self

from attrs import frozen

from ownership_core.errors import InvalidInput, Problem, invalid

DELIMITERS = ",;\t|"
LINE_LIMIT = 1_000_000
CELL_LIMIT = 131_072
"""The longest line in bytes and the longest cell in characters: a quote that is never closed ends here."""
_ENDLESS = "A line is longer than {} bytes."


@frozen
class Record:
    """One record of the file, and the line it begins on."""

    line: int
    cells: Sequence[str]


class Source:
    """An open CSV file: its header, then its records. Memory holds a line, never the file."""

    def __init__(self, path: Path, encoding: str = "utf-8-sig", delimiter: str | None = None) -> None:
        self.path = path
        self._encoding = _known(encoding)
        self._file = _opened(path)
        self._lines = _text_lines(self._file, self._encoding)
        try:
            first = next(self._lines, "")
            self.delimiter = delimiter or _most_fields(first)
            self._csv = csv.reader(_with(first, self._lines), delimiter=self.delimiter, strict=True)
            csv.field_size_limit(CELL_LIMIT)
            self.header = self._header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Record]:
        while True:
            line = self._csv.line_num + 1
            cells = self._next(line)
            if cells is None:
                return
            if cells:
                yield Record(line, cells)

    @property
    def position(self) -> int:
        """How many bytes are read."""
        return self._file.tell()

    def _header(self) -> list[str]:
        cells = [cell.strip() for cell in self._next(1) or []]
        if not any(cells):
            raise invalid("bad_header", "The file has no header.", "Name the columns in the first line.", "line 1")
        problems = []
        for number, name in enumerate(cells):
            if not name:
                problems.append(_bad_header(f"Column {number + 1} has no name.", "Name it."))
            elif name in cells[:number]:
                problems.append(_bad_header(f"The column {name!r} stands there twice.", "Rename or remove one."))
        if problems:
            raise InvalidInput(*problems)
        return cells

    def _next(self, line: int) -> list[str] | None:
        try:
            return next(self._csv, None)
        except csv.Error as broken:
            what = f"The record that begins here is no CSV: {broken}."
            hint = "Look for a quote that is never closed, or name the --delimiter."
            raise invalid("bad_csv", what, hint, f"line {line}") from None


def _bad_header(what: str, hint: str) -> Problem:
    return Problem("bad_header", what, hint, "line 1")


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as broken:
        what = f"{path} cannot be read: {broken.strerror}."
        raise invalid("unreadable_file", what, "Check the name and the rights.") from None


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise invalid("bad_encoding", f"There is no encoding {encoding!r}.", "Try utf-8 or cp1252.") from None


def _most_fields(line: str) -> str:
    """The delimiter that splits the header into the most columns; comma where none does."""
    return max(DELIMITERS, key=lambda one: len(next(csv.reader([line], delimiter=one), [])))


def _with(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest


def _text_lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    if encoding.startswith(("utf-16", "utf-32")):
        return _wide_lines(file, encoding)
    return _byte_lines(file, encoding)


def _byte_lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    """Lines of encodings in which a line feed is one byte; each is decoded alone, so its number is known."""
    plain = "utf-8" if encoding == "utf-8-sig" else encoding
    start = number = 0
    while line := file.readline(LINE_LIMIT + 1):
        number += 1
        if len(line) > LINE_LIMIT:
            raise invalid("bad_csv", _ENDLESS.format(LINE_LIMIT), "Is this a CSV file?", f"line {number}")
        text = line[3:] if plain == "utf-8" and number == 1 and line.startswith(codecs.BOM_UTF8) else line
        try:
            yield text.decode(plain)
        except UnicodeDecodeError as broken:
            place = start + len(line) - len(text) + broken.start
            raise _wrong_encoding(plain, broken, f"line {number}, byte {place}") from None
        start += len(line)


def _wide_lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    reader = codecs.getreader(encoding)(file)
    number = 0
    try:
        while line := reader.readline(size=LINE_LIMIT):
            number += 1
            yield str(line)
    except UnicodeDecodeError as broken:
        raise _wrong_encoding(encoding, broken, f"after line {number}") from None


def _wrong_encoding(encoding: str, broken: UnicodeDecodeError, where: str) -> InvalidInput:
    byte = broken.object[broken.start]
    other = "utf-16" if byte in (0xFE, 0xFF) and broken.start == 0 else "cp1252"
    hint = f"Save the file as UTF-8, or try --encoding {other}."
    return invalid("bad_encoding", f"The byte 0x{byte:02X} is not {encoding.upper()}.", hint, where)
