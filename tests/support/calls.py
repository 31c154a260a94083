"""Calls of the command line, in this process: what it says on stdout and stderr, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from ownership_core.cli.app import run
from ownership_sqlalchemy import SqlAlchemyStore


class Terminal:
    """Somebody who answers."""

    encoding = "utf-8"

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    def isatty(self) -> bool:
        """It is one."""
        return True

    def readline(self, *_: object) -> str:
        """The next answer."""
        return self.answers.pop(0) + "\n"


@attrs.frozen
class Said:
    """One call: its exit code, its data, and everything else it said."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The data, where it is JSON."""
        return json.loads(self.out)

    @property
    def codes(self) -> list[str]:
        """The codes of the problems on stderr, in order."""
        return [line.partition(":")[0] for line in self.err.splitlines()]

    @property
    def bad_rows(self) -> list[tuple[int, str, str]]:
        """Line, column and code of each bad row in the table on stderr."""
        rows = (line.split("  ") for line in self.err.splitlines() if line[:6].strip().isdigit())
        cells = ([cell.strip() for cell in row if cell.strip()] for row in rows)
        return [(int(line), column, code) for line, column, code, *_ in cells]


class Calls:
    """A folder with a shop in it, and the command line inside that folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *arguments: object, who: str | None = None) -> Said:
        """``ownership ARGUMENTS --as WHO``."""
        self._capsys.readouterr()
        asked = [str(argument) for argument in arguments]
        code = run([*asked, "--as", who] if who else asked)
        said = self._capsys.readouterr()
        return Said(code, said.out, said.err)

    def file(self, name: str, *lines: str, encoding: str = "utf-8") -> Path:
        """A file of these lines."""
        path = self.folder / name
        path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
        return path

    def settings(self, *lines: str) -> None:
        """The settings, in ./ownership.toml."""
        self.file("ownership.toml", *lines)

    def digest(self, cardinality: str = "single") -> str:
        """A hash over everything that is stored."""
        store = SqlAlchemyStore.open("sqlite:///ownership.db", cardinality=cardinality)
        try:
            return store.digest()
        finally:
            store.close()

    def open(self) -> Calls:
        """Make the tables and the first admin, ``ada``."""
        said = self("db", "init", "--admin", "ada")
        assert said.code == 0, said.err
        return self

    def people(self, *staff: str, role: str = "associate") -> Calls:
        """Staff of these ids."""
        return self.load("staff", "id,label,role", *(f"{one},{one.title()},{role}" for one in staff))

    def customers(self, *ids: str) -> Calls:
        """Customers of these ids."""
        return self.load("customers", "id,name", *(f"{one},Customer {one}" for one in ids))

    def load(self, noun: str, *lines: str) -> Calls:
        """Import a file of these lines as ``ada``."""
        said = self(noun, "import", self.file(f"{noun}-loaded.csv", *lines), who="ada")
        assert said.code == 0, said.err
        return self

    def ids(self, who: str, *arguments: str) -> list[str]:
        """The ids of the customers somebody sees."""
        said = self("list", "--format", "json", "--limit", "1000", *arguments, who=who)
        assert said.code == 0, said.err
        return [row["id"] for row in said.data]
