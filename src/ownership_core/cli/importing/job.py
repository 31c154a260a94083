"""One import from beginning to end: read every row, look at all of them, then carry out all or none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from attrs import frozen

from ownership_core.cli.importing.columns import Binding, Shape, bind, read_map
from ownership_core.cli.importing.source import Record, Source
from ownership_core.cli.importing.stage import BAD, CHANGE, NEW, REPEATED, SAME, Comparing, Stage, Staged, trouble
from ownership_core.cli.progress import progress
from ownership_core.errors import Conflict, InvalidInput, Problem, Refused
from ownership_core.model import Actor
from ownership_core.service import Ownership, Transaction

CONTRADICTION = "conflicting_rows"
_NAMED = 3


@frozen
class Wishes:
    """What the options say."""

    file: Path
    encoding: str = "utf-8-sig"
    delimiter: str | None = None
    map: Path | None = None
    dry_run: bool = False
    partial: bool = False
    update: bool = False


@frozen
class Outcome:
    """How many rows met which fate, and whether anything was written."""

    written: bool
    created: int
    changed: int
    unchanged: int
    repeated: int
    bad: int
    warnings: tuple[Problem, ...] = ()


class _Undo(Exception):
    """Ends a transaction that is to leave no trace."""


class Job(ABC):
    """What the four kinds of files have in common."""

    noun: ClassVar[str]

    def __init__(self, shop: Ownership, actor: Actor, wishes: Wishes, stage: Stage) -> None:
        self.shop = shop
        self.actor = actor
        self.wishes = wishes
        self.stage = stage
        self.binding = Binding(0, {}, {}, frozenset(), ())
        self.warnings = Warnings()

    @abstractmethod
    def shape(self) -> Shape:
        """Which fields such a file may hold."""

    @abstractmethod
    def comparing(self, values: dict[str, str]) -> Comparing:
        """What rows are compared by."""

    @abstractmethod
    def check(self, values: dict[str, str]) -> Iterator[tuple[str, Problem]]:
        """What is wrong with one row alone, by field."""

    def settle(self) -> None:
        """Compare the rows with each other; here: one row for one key."""
        self.forget_repeats()
        for line, key in self.stage.contradictions():
            self.blame(line, contradiction(key))

    def look(self) -> None:  # noqa: B027 - most kinds need no look before the transaction
        """Look at what the shop has already, before the transaction."""

    @abstractmethod
    def carry_out(self, transaction: Transaction) -> None:
        """Send the commands of all good rows."""

    def run(self) -> Outcome:
        """The whole import; bad rows are in the stage, a file that is none raises."""
        self._read()
        self.settle()
        self.look()
        written, warnings = self._written()
        created, changed, unchanged = (self.stage.count(state) for state in (NEW, CHANGE, SAME))
        repeated, bad = (self.stage.count(state) for state in (REPEATED, BAD))
        return Outcome(written, created, changed, unchanged, repeated, bad, warnings)

    def blame(self, line: int, problem: Problem, field: str = "") -> None:
        """Note what is wrong with a row, and in which column."""
        column = self.binding.column(field) if field else ""
        self.stage.blame(trouble(line, column, problem))

    def forget_repeats(self) -> None:
        """Rows that repeat an earlier one word for word ask for nothing more (C12)."""
        for line in self.stage.repeats():
            self.stage.mark(line, REPEATED)

    def send(self, transaction: Transaction, row: Staged, *commands: object) -> None:
        """Carry out the commands of one row; a refusal is the row's."""
        changed = False
        for command in commands:
            try:
                receipt = transaction.execute(command, self.actor)  # type: ignore[arg-type]
            except (Refused, InvalidInput, Conflict) as refused:
                for problem in refused.problems:
                    self.blame(row.line, problem, self._field(problem.where))
                return
            self.warnings.hear(receipt.warnings)
            changed = changed or receipt.changed > 0
        if not changed:
            self.stage.mark(row.line, SAME)

    def _field(self, where: str) -> str:
        return where if where in self.shape().known else ""

    def _read(self) -> None:
        with Source(self.wishes.file, self.wishes.encoding, self.wishes.delimiter) as source:
            self.binding = bind(read_map(self.wishes.map), source.header, self.shape())
            size = self.wishes.file.stat().st_size
            with progress(f"Reading {self.noun}", size) as reached:
                for record in source:
                    self._take(record)
                    reached(source.position)

    def _take(self, record: Record) -> None:
        misfit = self.binding.wrong_width(record.cells)
        if misfit is not None:
            self.stage.add(record.line, Comparing(""), {}, [trouble(record.line, "", misfit)])
            return
        values = self.binding.values(record.cells)
        found = [trouble(record.line, self.binding.column(name), bad) for name, bad in self.check(values)]
        self.stage.add(record.line, self.comparing(values), values, found)

    def _written(self) -> tuple[bool, tuple[Problem, ...]]:
        try:
            with self.shop.atomic() as transaction:
                self.carry_out(transaction)
                if self.wishes.dry_run or (self.stage.troubled and not self.wishes.partial):
                    raise _Undo
        except _Undo:
            return False, ()
        return True, (*self.warnings.told(), *transaction.warnings)


class Warnings:
    """What the receipts of many commands warn of: each code of each place a few times, and how often there was more."""

    def __init__(self) -> None:
        self._some: dict[tuple[str, str], dict[Problem, None]] = {}
        self._more: Counter[tuple[str, str]] = Counter()

    def hear(self, warnings: Iterable[Problem]) -> None:
        """Note those of one receipt; what was said word for word before is known."""
        for one in warnings:
            kind = one.code, one.where if one.where.startswith("rule ") else ""
            some = self._some.setdefault(kind, {})
            if one in some:
                continue
            if len(some) < _NAMED:
                some[one] = None
            else:
                self._more[kind] += 1

    def told(self) -> Iterator[Problem]:
        """In the order they came."""
        for (code, where), some in self._some.items():
            yield from some
            if more := self._more[code, where]:
                yield Problem(code, f"And {more} more like it.", where=where)


def contradiction(key: str) -> Problem:
    """``conflicting_rows``: two rows say different things of one key, so neither is believed (C12)."""
    what = f"Another row says something else about {key!r}."
    return Problem(CONTRADICTION, what, "Keep one of them.")


def required(values: dict[str, str], *names: str) -> Iterator[tuple[str, Problem]]:
    """``invalid_value`` for each of these fields that is empty."""
    for name in names:
        if not values.get(name):
            yield name, Problem("invalid_value", "The cell is empty.", "Fill it.")
