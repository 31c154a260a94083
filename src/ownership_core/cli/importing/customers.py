"""Customers from a file: new ones are created, equal ones left alone, different ones changed only when asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ownership_core.cli.cells import split
from ownership_core.cli.importing.columns import Shape
from ownership_core.cli.importing.job import Job, required
from ownership_core.cli.importing.stage import CHANGE, CHUNK, NEW, SAME, Comparing, Staged
from ownership_core.cli.where import read_text
from ownership_core.commands import ChangeCustomer, CreateCustomer, NewCustomer
from ownership_core.errors import InvalidInput, Problem, Refused
from ownership_core.fields import Field
from ownership_core.keys import parse_id
from ownership_core.model import Customer, CustomerId, StaffId
from ownership_core.scope import OneOf
from ownership_core.service import Transaction
from ownership_core.settings import Channel

EXISTS = "customer_exists"


class CustomerJob(Job):
    """``id``, any declared field, and ``staff``: who owns a new customer."""

    noun = "customers"

    def shape(self) -> Shape:
        """Every field somebody may write, the id, and the owner."""
        writable = [field for field in self.shop.store.fields if not field.computed]
        many = frozenset({"staff", *(field.name for field in writable if field.many)})
        return Shape(frozenset({"id", "staff", *(field.name for field in writable)}), frozenset({"id"}), many)

    def comparing(self, values: dict[str, str]) -> Comparing:
        """One row for one id."""
        return Comparing(values["id"])

    def check(self, values: dict[str, str]) -> Iterator[tuple[str, Problem]]:
        """The id, every field by its kind, the owner's id."""
        for name, text in values.items():
            if not text:
                continue
            try:
                self._parse(name, text)
            except InvalidInput as bad:
                yield from ((name, problem) for problem in bad.problems)
        yield from required(values, "id")

    def look(self) -> None:
        """Tell new customers from those the asker can see already."""
        for chunk in self.stage.chunks(NEW):
            known = self._known([row.values["id"] for row in chunk])
            for row in chunk:
                if row.values["id"] in known:
                    self._compare(row, known[row.values["id"]])

    def carry_out(self, transaction: Transaction) -> None:
        """Create in chunks, change one by one."""
        for chunk in self.stage.chunks(NEW):
            self._create(transaction, [row for row in chunk if self._has_one_owner(row)])
        for chunk in self.stage.chunks(CHANGE):
            for row in chunk:
                values, sets = self._parts(row.values)
                self.send(transaction, row, ChangeCustomer(CustomerId(row.values["id"]), values, sets))

    def _parse(self, name: str, text: str) -> None:
        if name == "id":
            self.shop.edge.customer_id(text)
        elif name == "staff":
            for one in split(text):
                parse_id(one, self.shop.edge.capabilities.staff_key, "staff id")
        else:
            field = self.shop.store.fields[name]
            for part in split(text) if field.many else [text]:
                field.parse(read_text(field, part))

    def _known(self, ids: list[str]) -> dict[str, Customer]:
        seen = self.shop.visible(self.actor).where(OneOf("id", ids))
        found: dict[str, Customer] = {}
        after: str | None = None
        while True:
            page = seen.page(min(CHUNK, self.shop.settings.limits.page), after)
            found.update({customer.id: customer for customer in page.customers})
            after = page.next
            if after is None:
                return found

    def _compare(self, row: Staged, customer: Customer) -> None:
        if not set(split(row.values.get("staff", ""))) <= {assignment.staff for assignment in customer.assignments}:
            hint = "Move it with `ownership assignments import`."
            self.blame(row.line, Problem(EXISTS, "The customer is there, with other staff.", hint), "staff")
            return
        different = [name for name in row.values if not self._same(name, row.values[name], customer)]
        if not different:
            self.stage.mark(row.line, SAME)
        elif self.wishes.update:
            self.stage.mark(row.line, CHANGE)
        else:
            what = f"The customer is there already, with another {' and '.join(sorted(different))}."
            self.blame(row.line, Problem(EXISTS, what, "Change existing customers with --update."), different[0])

    def _same(self, name: str, text: str, customer: Customer) -> bool:
        if name in {"id", "staff"}:
            return True
        field = self.shop.store.fields[name]
        if field.many:
            return frozenset(split(text)) == customer.sets.get(name, frozenset())
        if not text:
            return not field.optional or not customer.values.get(name)
        return field.parse(read_text(field, text)) == customer.values.get(name)

    def _parts(self, texts: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
        """Values and sets; an empty cell empties a field, unless the field cannot be empty."""
        values: dict[str, Any] = {}
        sets: dict[str, list[str]] = {}
        for name, text in texts.items():
            if name in {"id", "staff"}:
                continue
            field = self.shop.store.fields[name]
            if field.many:
                sets[name] = split(text)
            elif text or field.optional:
                values[name] = _value(field, text)
        return values, sets

    def _has_one_owner(self, row: Staged) -> bool:
        if len(split(row.values.get("staff", ""))) <= 1:
            return True
        hint = "Name one, and bring in the others with `ownership assignments import`."
        self.blame(row.line, Problem("invalid_value", "A new customer comes with one owner at most.", hint), "staff")
        return False

    def _create(self, transaction: Transaction, chunk: list[Staged]) -> None:
        if not chunk:
            return
        lines = {row.values["id"]: row.line for row in chunk}
        command = CreateCustomer([self._new(row) for row in chunk], Channel.IMPORT)
        try:
            receipt = transaction.execute(command, self.actor)
            self.warnings.hear(receipt.warnings)
            problems = receipt.problems
        except Refused as refused:
            problems = refused.problems
            if any(_customer_of(problem, lines) is None for problem in problems):
                raise
        for problem in problems:
            customer = _customer_of(problem, lines)
            if customer is not None:
                field = "email" if problem.code == "duplicate_email" else ""
                self.blame(lines[customer], problem, field)

    def _new(self, row: Staged) -> NewCustomer:
        values, sets = self._parts(row.values)
        staff = split(row.values.get("staff", ""))
        given = {name: value for name, value in values.items() if value is not None}
        return NewCustomer(CustomerId(row.values["id"]), given, sets, StaffId(staff[0]) if staff else None)


def _value(field: Field, text: str) -> Any:
    return read_text(field, text) if text else None


def _customer_of(problem: Problem, lines: Mapping[str, int]) -> str | None:
    """Whom a problem of a creation is about: its place is the customer, with or without the field."""
    for place in (problem.where, problem.where.rpartition(": ")[0]):
        if place in lines:
            return place
    return None
