"""Where rows wait: their states, and how they are compared with each other."""

from __future__ import annotations

import pytest

pytest.importorskip("click")

from ownership_core.cli.importing.stage import BAD, CHUNK, NEW, SAME, Comparing, Stage, Trouble


def test_rows_come_in_chunks_in_file_order_and_may_be_marked_meanwhile() -> None:
    """Marking rows of a chunk skips none of the next."""
    with Stage() as stage:
        for line in range(2, CHUNK * 2 + 3):
            stage.add(line, Comparing(f"k{line}"), {"id": str(line)}, [])
        seen = []
        for chunk in stage.chunks(NEW):
            assert len(chunk) <= CHUNK
            for row in chunk:
                seen.append(row.line)
                stage.mark(row.line, SAME)
        assert seen == list(range(2, CHUNK * 2 + 3))
        assert (stage.count(NEW), stage.count(SAME)) == (0, len(seen))


def test_repeats_and_contradictions() -> None:
    """Word for word the same is a repeat of the first; the same key with other words is a contradiction."""
    with Stage() as stage:
        for line, key, other, flag, text in (
            (2, "a", "x", "", "1"),
            (3, "a", "x", "", "1"),
            (4, "b", "x", "yes", "1"),
            (5, "b", "y", "yes", "1"),
            (6, "c", "x", "", "1"),
            (7, "c", "x", "", "2"),
        ):
            stage.add(line, Comparing(key, other, flag), {"text": text}, [])
        assert stage.repeats() == [3]
        assert [line for line, _ in stage.contradictions()] == [2, 3, 4, 5, 6, 7]
        assert [line for line, _ in stage.contradicting_pairs()] == [2, 3, 6, 7]
        assert [line for line, _ in stage.contradicting_flags()] == [4, 5]


def test_a_blamed_row_is_bad_and_all_its_reasons_are_kept() -> None:
    """In file order, whatever order they were found in."""
    with Stage() as stage:
        stage.add(2, Comparing("a"), {}, [])
        stage.add(3, Comparing("b"), {}, [Trouble(3, "id", "one", "first")])
        stage.blame(Trouble(3, "", "two", "second"))
        stage.blame(Trouble(2, "", "three", "third"))
        assert [trouble.code for trouble in stage.troubles()] == ["three", "one", "two"]
        assert stage.count(BAD) == 2
        assert stage.troubled
