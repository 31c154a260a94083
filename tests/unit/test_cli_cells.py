"""Cells of CSV files: what is written can be read back exactly, and no spreadsheet takes text for a formula."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

pytest.importorskip("click")

from ownership_core.cli.cells import guard, join, split, unguard
from ownership_core.cli.voice import printable

NASTY = st.text(alphabet=st.sampled_from("'=+-@\t\r ;\\a\uff1d\n"), max_size=8)


@given(NASTY | st.text())
@example("''=1")
def test_the_guard_can_be_taken_off_again(text: str) -> None:
    """C13: any text comes back as it was."""
    assert unguard(guard(text)) == text


@given(NASTY)
def test_a_guarded_cell_is_no_formula(text: str) -> None:
    """Nothing that is exported begins with what a spreadsheet carries out, blanks in front or not."""
    assert not guard(text).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))


@pytest.mark.parametrize("text", ["'t Hooft", "a=b", "", "1", "O'Hara", "e-mail"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """Only beginnings matter."""
    assert guard(text) == unguard(text) == text


@given(st.lists((NASTY | st.text()).filter(bool), max_size=4))
def test_several_values_in_one_cell_come_back(values: list[str]) -> None:
    """Separators, backslashes and blanks within a value are kept."""
    assert split(join(values)) == values


def test_values_written_by_hand_may_have_blanks_around_them() -> None:
    """People write lists with blanks and forget values."""
    assert split(" tea ;; coffee;") == ["tea", "coffee"]
    assert split("AC\\DC") == ["AC\\DC"]


@given(st.text())
def test_what_is_shown_moves_no_cursor(text: str) -> None:
    """Every letter that is shown is printable; line breaks are left to whoever prints lines."""
    assert all(letter.isprintable() or letter == "\n" for letter in printable(text))
