"""The main job on a real shop's data: Chinook's customers with their support representatives, by the command line."""

from __future__ import annotations

import csv
import json
from collections import Counter
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("click")

from ownership_core.cli.app import run

MAPS = Path(__file__).parent / "maps"
ADMIN = "1"


@pytest.fixture(scope="module")
def folder(chinook: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which Chinook was imported, by its own commands."""
    folder = tmp_path_factory.mktemp("chinook")
    ownership(folder, "db", "init", "--admin", "boss", "--label", "The Boss")
    for noun, file, names in (
        ("staff", "employees.csv", "chinook-employees.toml"),
        ("customers", "customers.csv", "chinook-customers.toml"),
        ("assignments", "customers.csv", "chinook-assignments.toml"),
    ):
        ownership(folder, noun, "import", str(chinook / file), "--map", str(MAPS / names), "--as", "boss")
    return folder


@pytest.fixture(scope="module")
def wanted(chinook: Path) -> dict[str, str]:
    """Each customer's representative, read from the file by other means."""
    with (chinook / "customers.csv").open(encoding="utf-8", newline="") as file:
        return {row["CustomerId"]: row["SupportRepId"] for row in csv.DictReader(file)}


def ownership(folder: Path, *arguments: str, code: int = 0) -> str:
    """What ``ownership`` prints on stdout, called in a folder."""
    out, err = StringIO(), StringIO()
    with chdir(folder), redirect_stdout(out), redirect_stderr(err):
        ended = run(arguments)
    assert ended == code, err.getvalue()
    return out.getvalue()


def seen(folder: Path, who: str) -> list[dict[str, Any]]:
    """The customers somebody sees."""
    rows: list[dict[str, Any]] = json.loads(
        ownership(folder, "list", "--format", "json", "--limit", "1000", "--as", who)
    )
    return rows


def test_each_representative_sees_exactly_the_customers_of_the_file(folder: Path, wanted: dict[str, str]) -> None:
    """List and count as each rep equal the file; staff without customers see none (B17)."""
    reps = Counter(wanted.values())
    assert len(reps) == 3
    for rep, count in reps.items():
        assert {row["id"] for row in seen(folder, rep)} == {one for one, owner in wanted.items() if owner == rep}
        assert ownership(folder, "list", "--count", "--as", rep) == f"{count}\n"
    assert ownership(folder, "list", "--count", "--as", "6") == "0\n"


def test_each_customer_is_as_the_file_says(folder: Path, chinook: Path) -> None:
    """Joined names, e-mail, addresses as sets, the owner as primary; nothing is lost on the way."""
    with (chinook / "customers.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["CustomerId"]: row for row in csv.DictReader(file)}
    found = {row["id"]: row for row in seen(folder, "boss")}
    assert len(found) == len(rows)
    for number, row in rows.items():
        assert found[number]["name"] == f"{row['FirstName']} {row['LastName']}".strip()
        assert found[number]["email"] == row["Email"]
        assert (found[number]["phone"] or "") == row["Phone"]
        assert found[number]["cities"] == [row["City"].strip()]
        assert found[number]["states"] == [row["State"]] * bool(row["State"])
        assert found[number]["primary"] == row["SupportRepId"]


@pytest.mark.parametrize(
    ("noun", "file", "names"),
    [
        ("staff", "employees.csv", "chinook-employees.toml"),
        ("customers", "customers.csv", "chinook-customers.toml"),
        ("assignments", "customers.csv", "chinook-assignments.toml"),
    ],
)
def test_the_same_file_again_changes_nothing(folder: Path, chinook: Path, noun: str, file: str, names: str) -> None:
    """Import twice is import once (I41): every row is unchanged."""
    report = json.loads(
        ownership(
            folder,
            *(noun, "import", str(chinook / file), "--map", str(MAPS / names), "--as", "boss", "--format", "json"),
        )
    )
    assert report["unchanged"] == {"employees.csv": 8, "customers.csv": 59}[file]
    assert report["created"] == report["changed"] == report["bad"] == 0


def test_a_customer_moves_and_its_former_representative_loses_sight(folder: Path, wanted: dict[str, str]) -> None:
    """One move: the next query of the former rep is without it, the new rep has it, why and history tell it."""
    moved = "5"
    former = wanted[moved]
    new = next(rep for rep in sorted(set(wanted.values())) if rep != former)
    before = {rep: len(seen(folder, rep)) for rep in (former, new)}
    ownership(folder, "assign", moved, "--staff", new, "--reason", "moved to her region", "--as", "boss")

    assert moved not in {row["id"] for row in seen(folder, former)}
    assert moved in {row["id"] for row in seen(folder, new)}
    assert ownership(folder, "list", "--count", "--as", former) == f"{before[former] - 1}\n"
    assert ownership(folder, "list", "--count", "--as", new) == f"{before[new] + 1}\n"

    why = json.loads(ownership(folder, "why", moved, "--staff", former, "--as", "boss", "--format", "json"))
    assert why["allowed"] is False
    assert why["codes"] == ["out_of_reach"]
    ownership(folder, "history", moved, "--as", former, code=1)

    events = json.loads(ownership(folder, "history", moved, "--as", "boss", "--format", "json"))
    assert [(event["what"], event["before"], event["after"]) for event in events] == [
        ("create_customer", None, None),
        ("assign", None, former),
        ("assign", former, new),
    ]
    assert (events[-1]["by"], events[-1]["reason"]) == ("boss", "moved to her region")
    as_of = json.loads(ownership(folder, "history", moved, "--as-of", "2999-01-01T00:00:00Z", *_boss()))
    assert [line["staff"] for line in as_of] == [new]
    long_ago = json.loads(ownership(folder, "history", moved, "--as-of", "2000-01-01T00:00:00Z", *_boss()))
    assert long_ago == []


def _boss() -> list[str]:
    return ["--as", "boss", "--format", "json"]
