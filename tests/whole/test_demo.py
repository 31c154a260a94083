"""The demo tells its story on any machine, in plain text, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("click")
pytest.importorskip("ownership_sqlalchemy")


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The demo, run in a folder of its own, its answers going into a pipe."""
    return subprocess.run(
        [sys.executable, "-m", "ownership_core.cli", "demo", *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the demo says."""
    folder = tmp_path_factory.mktemp("demo")
    run = demo(folder)
    assert (run.returncode, run.stderr) == (0, "")
    assert list(folder.iterdir()) == []
    return run.stdout


def test_it_tells_the_whole_story(told: str) -> None:
    """It imports, lists as two people, asks why, previews, applies and shows the history, by real commands."""
    commands = re.findall(r"^  \$ ownership (\w[\w-]*)", told, flags=re.MULTILINE)
    assert commands[:5] == ["db", "departments", "staff", "customers", "assignments"]
    assert [one for one in commands if one in {"why", "apply", "history", "claim"}] == [
        "why",
        "apply",
        "history",
        "claim",
        "claim",
    ]
    assert {"--as maria", "--as tomas"} <= set(re.findall(r"--as \w+", told))
    assert "customers: 240 created" in told
    assert "Planned: 4 changed, 2 refused (website_mismatch: 2). Nothing was changed." in told
    assert "May Maria Lopez view" in told


def test_it_is_plain_text_that_fits(told: str) -> None:
    """In a pipe there is no colour and nothing else a file should not hold; lines stay narrow."""
    assert "\x1b" not in told
    assert all(line.isprintable() for line in told.splitlines())
    assert max(map(len, told.splitlines())) <= 110


def test_it_is_always_the_same(told: str, tmp_path: Path) -> None:
    """Told twice it is the same story, but for the time of day."""
    when = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?")
    assert when.sub("", demo(tmp_path).stdout) == when.sub("", told)


def test_it_can_leave_the_shop_to_play_with(tmp_path: Path) -> None:
    """With --keep the shop stays, and the commands of the story go on working there."""
    assert demo(tmp_path, "--keep", "mine").returncode == 0
    run = subprocess.run(
        [sys.executable, "-m", "ownership_core.cli", "list", "--as", "maria", "--count"],
        cwd=tmp_path / "mine",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert int(run.stdout) > 0
    again = demo(tmp_path, "--keep", "mine")
    assert again.returncode == 2
    assert again.stderr.startswith("unwritable_file: ")
