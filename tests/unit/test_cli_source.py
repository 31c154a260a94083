"""Reading CSV files: header, records, and the exact place of what is wrong."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("click")

from ownership_core.cli.importing.source import Source
from ownership_core.errors import InvalidInput

CELL = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


@given(rows=st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=5), delimiter=st.sampled_from(",;\t|"))
def test_what_the_csv_module_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str
) -> None:
    """Any text in any cell, with any of the delimiters."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([["id", "name"], *rows])
    path = tmp_path_factory.mktemp("csv") / "file.csv"
    path.write_bytes(out.getvalue().encode("utf-8"))
    with Source(path) as source:
        assert source.header == ["id", "name"]
        assert [list(record.cells) for record in source] == rows


def test_the_place_of_a_wrong_byte_is_exact(tmp_path: Path) -> None:
    """Line and byte, counted from the start of the file, BOM included."""
    path = tmp_path / "file.csv"
    path.write_bytes(b"\xef\xbb\xbfid\n" + b"ok\n" * 3 + b"ab\xff\n")
    with pytest.raises(InvalidInput) as told, Source(path) as source:
        list(source)
    [problem] = told.value.problems
    assert (problem.code, problem.where) == ("bad_encoding", f"line 5, byte {3 + 3 + 9 + 2}")
    assert "0xFF" in problem.what


def test_a_file_is_read_a_line_at_a_time(tmp_path: Path) -> None:
    """The position moves on with the records: nothing reads the file as a whole."""
    path = tmp_path / "file.csv"
    path.write_text("id\n" + "x\n" * 100_000, encoding="utf-8")
    with Source(path) as source:
        next(iter(source))
        assert source.position < 200
