"""Data on stdout: as a table for people, as JSON for programs, as CSV for spreadsheets."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from ownership_core.cli.cells import guard, join
from ownership_core.cli.voice import printable

WIDE = 4_000
"""How many columns a table may take where nobody looks at it: nothing is cut off in a file."""

Row = Mapping[str, Any]


def emit(form: str, columns: Sequence[str], rows: Iterable[Row], file: TextIO | None = None) -> None:
    """Print rows: ``table`` and ``csv`` show ``columns``, ``json`` everything a row holds."""
    out = file or sys.stdout
    match form:
        case "json":
            _as_json(rows, out)
        case "csv":
            _as_csv(columns, rows, out)
        case _:
            _as_table(columns, rows, out)


def emit_one(form: str, row: Row, text: str) -> None:
    """Print one answer: its ``text`` for people, else the row."""
    if form == "table":
        sys.stdout.write(printable(text).rstrip("\n") + "\n")
    elif form == "json":
        sys.stdout.write(json.dumps(row, ensure_ascii=False, indent=2) + "\n")
    else:
        _as_csv(list(row), [row], sys.stdout)


def emit_around(key: str, rows: Iterable[Row], around: Row, file: TextIO | None = None) -> None:
    """Print one JSON object: ``around``, and under ``key`` rows that are written as they come, however many."""
    out = file or sys.stdout
    out.write("{\n" + "".join(f"  {json.dumps(name)}: {_json(value)},\n" for name, value in around.items()))
    out.write(f"  {json.dumps(key)}: ")
    _as_json(rows, out)
    out.write("}\n")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _as_json(rows: Iterable[Row], out: TextIO) -> None:
    joint = "[\n"
    for row in rows:
        out.write(joint + "  " + json.dumps(row, ensure_ascii=False))
        joint = ",\n"
    out.write("[]\n" if joint == "[\n" else "\n]\n")


def _as_csv(columns: Sequence[str], rows: Iterable[Row], out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])


def _cell(value: object) -> object:
    if isinstance(value, list | tuple):
        return guard(join(map(str, value)))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return guard(value) if isinstance(value, str) else value


def _as_table(columns: Sequence[str], rows: Iterable[Row], out: TextIO) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_shown(row.get(column)) for column in columns))
    if table.row_count:
        show(table, out)


def show(thing: Any, out: TextIO) -> None:
    """Print something of rich; in a file or a pipe it is plain text as wide as it needs, without trailing blanks."""
    from rich.console import Console

    if out.isatty():
        Console(file=out).print(thing)
        return
    console = Console(width=WIDE, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as captured:
        console.print(thing)
    out.writelines(line.rstrip() + "\n" for line in captured.get().splitlines())


def _shown(value: object) -> Any:
    from rich.text import Text

    if value is None or value in ("", []):
        return Text("-", style="dim")
    if isinstance(value, list | tuple):
        return Text(printable(", ".join(map(str, value))))
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    return Text(printable(str(value)).replace("\n", " "))
