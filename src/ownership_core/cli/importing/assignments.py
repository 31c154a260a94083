"""Assignments from a file: one command per staff and chunk, whatever the file is sorted by."""

from __future__ import annotations

from collections.abc import Iterator

from ownership_core.cli.importing.columns import Shape
from ownership_core.cli.importing.job import Job, contradiction, required
from ownership_core.cli.importing.stage import NEW, SAME, Comparing, Staged
from ownership_core.cli.where import read_text
from ownership_core.commands import Assign, AssignmentCommand, Ids, Mode, SetPrimary
from ownership_core.errors import InvalidInput, Problem, Refused
from ownership_core.fields import Field, Kind
from ownership_core.keys import parse_id
from ownership_core.model import CustomerId, StaffId
from ownership_core.plan import Receipt
from ownership_core.ruling import Fate, PlanRow
from ownership_core.service import Transaction
from ownership_core.service.refusals import problem as said
from ownership_core.service.writing import Writing

SOURCE = "import"
_PRIMARY = Field("primary", Kind.BOOLEAN)
_YES, _NO = "yes", ""


class AssignmentJob(Job):
    """``customer``, ``staff``, and optionally ``primary`` (yes or no) and ``role``."""

    noun = "assignments"

    def shape(self) -> Shape:
        """The fields of assignments."""
        return Shape(frozenset({"customer", "staff", "primary", "role"}), frozenset({"customer", "staff"}))

    def comparing(self, values: dict[str, str]) -> Comparing:
        """A customer, its staff, and whether it is the primary."""
        text = values.get("primary", "")
        primary = text and not list(self._truth(text)) and read_text(_PRIMARY, text)
        return Comparing(values["customer"], values["staff"], _YES if primary else _NO)

    def check(self, values: dict[str, str]) -> Iterator[tuple[str, Problem]]:
        """Both ids, and yes or no."""
        yield from required(values, "customer", "staff")
        edge = self.shop.edge
        kinds = {"customer": edge.capabilities.customer_key, "staff": edge.capabilities.staff_key}
        for name, kind in kinds.items():
            if values[name]:
                try:
                    parse_id(values[name], kind, f"{name} id")
                except InvalidInput as bad:
                    yield from ((name, problem) for problem in bad.problems)
        yield from self._truth(values.get("primary", ""))

    def settle(self) -> None:
        """The same pair twice is one; two owners in single, or two primaries, are a contradiction (C12)."""
        self.forget_repeats()
        found = self.stage.contradictions() if self._single else self.stage.contradicting_pairs()
        for line, key in found:
            self.blame(line, contradiction(key), "staff")
        for line, key in self.stage.contradicting_flags():
            self.blame(line, contradiction(key), "primary")

    def carry_out(self, transaction: Transaction) -> None:
        """The primaries of everybody first: then nobody becomes one by being the first."""
        for flag in (_YES, _NO):
            for staff in self.stage.others(NEW):
                for chunk in self.stage.chunks_of(NEW, staff, flag):
                    for role in sorted({row.values.get("role", "") for row in chunk}):
                        rows = [row for row in chunk if row.values.get("role", "") == role]
                        self._give(transaction, rows, StaffId(staff), role, primary=flag == _YES)

    @property
    def _single(self) -> bool:
        return self.shop.counsel.cardinality.single

    def _truth(self, text: str) -> Iterator[tuple[str, Problem]]:
        if not text:
            return
        try:
            primary = read_text(_PRIMARY, text)
        except InvalidInput as bad:
            yield from (("primary", problem) for problem in bad.problems)
            return
        if not primary and self._single:
            what = "With one owner per customer, that owner is the primary."
            yield "primary", Problem("invalid_value", what, "Say yes, or leave the column out.")

    def _give(self, transaction: Transaction, rows: list[Staged], staff: StaffId, role: str, *, primary: bool) -> None:
        customers = Ids(CustomerId(row.values["customer"]) for row in rows)
        mode = Mode.SET if self._single else Mode.ADD
        commands: list[AssignmentCommand] = []
        if self._single or role or not primary:
            commands.append(Assign(customers, staff, mode, role, source=SOURCE, notify=False))
        if primary and not self._single:
            commands.append(SetPrimary(customers, staff, source=SOURCE, notify=False))
        lines = {row.values["customer"]: row.line for row in rows}
        moved: set[str] = set()
        for command in commands:
            moved |= self._sent(transaction, command, lines, staff)
        for customer, line in lines.items():
            if customer not in moved:
                self.stage.mark(line, SAME)

    def _sent(
        self, transaction: Transaction, command: AssignmentCommand, lines: dict[str, int], staff: str
    ) -> set[str]:
        """Whom a command moved or was refused; every refusal is noted."""
        try:
            receipt = transaction.execute(command, self.actor)
        except Refused as refused:
            if not all(repr(staff) in problem.what for problem in refused.problems):
                raise
            for line in lines.values():
                for problem in refused.problems:
                    self.blame(line, problem, "staff")
            return set(lines)
        if not receipt.changed and not receipt.tally.refused:
            return set()
        return {row.customer for row in self._rows(transaction, command, receipt) if self._told(row, lines)}

    def _told(self, row: PlanRow, lines: dict[str, int]) -> bool:
        for code in row.codes:
            self.blame(lines[row.customer], said(code, row.customer), "customer")
        return row.fate is not Fate.UNCHANGED

    def _rows(self, transaction: Transaction, command: AssignmentCommand, receipt: Receipt) -> list[PlanRow]:
        """What became of each customer; a run that changed nothing keeps no rows, so it is drafted again."""
        if receipt.run is not None:
            return list(transaction.writer.plan_rows(receipt.run))
        drafted = Writing(self.shop.desk(), transaction.writer, self.actor).plan(command).run
        rows = list(transaction.writer.plan_rows(drafted.id))
        transaction.writer.discard(drafted.id)
        return rows
