"""A folder to call the command line in, empty or with a small shop."""

from __future__ import annotations

import logging
import shutil
from contextlib import chdir, redirect_stderr
from io import StringIO
from pathlib import Path

import pytest

pytest.importorskip("click")
pytest.importorskip("rich")

from calls import Calls

from ownership_core.cli.app import run


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Calls:
    """An empty folder to work in; alembic's wish to log is left alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return Calls(tmp_path, capsys)


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of ``opened``, made once."""
    folder = tmp_path_factory.mktemp("opened")
    with chdir(folder), redirect_stderr(StringIO()) as said:
        Path("staff.csv").write_text("id,label,role\nmaria,Maria,associate\njon,Jon,associate\n", encoding="utf-8")
        Path("customers.csv").write_text("id,name\nc1,Customer c1\nc2,Customer c2\nc3,Customer c3\n", encoding="utf-8")
        for arguments in (
            ("db", "init", "--admin", "ada"),
            ("staff", "import", "staff.csv", "--as", "ada"),
            ("customers", "import", "customers.csv", "--as", "ada"),
        ):
            assert run(arguments) == 0, said.getvalue()
    return folder / "ownership.db"


@pytest.fixture
def opened(shop: Calls, _template: Path) -> Calls:
    """A shop with the staff ``ada`` (admin), ``maria`` and ``jon``, and the customers c1 to c3, unassigned."""
    shutil.copy(_template, shop.folder)
    return shop
