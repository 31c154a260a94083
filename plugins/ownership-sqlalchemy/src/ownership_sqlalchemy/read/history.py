"""Questions about what has happened: events, runs and their rows, who is still to be told."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import not_, select

from ownership_core.events import Event, Subject
from ownership_core.keys import id_order
from ownership_core.model import Actor, CustomerId
from ownership_core.ports import Run, Task
from ownership_core.ruling import PlanRow
from ownership_sqlalchemy import rows
from ownership_sqlalchemy.read.asking import SqlAsker

DELIVERED = "delivered"


class HistoryReader(SqlAsker):
    """What was done, and what a run meant to each customer."""

    def events(
        self, kind: Subject | None = None, subject: str | None = None, run: str | None = None
    ) -> Iterator[Event]:
        """Events by (kind, subject, version), streamed; narrowed to what is given."""
        event = self._tables.event
        statement = select(event).order_by(event.c.subject_kind, event.c.subject, event.c.version)
        if kind is not None:
            statement = statement.where(event.c.subject_kind == kind.value)
        if subject is not None:
            statement = statement.where(event.c.subject == subject)
        if run is not None:
            statement = statement.where(event.c.run == run)
        return map(rows.event_of, self._stream(statement))

    def runs(self, limit: int = 50, actor: Actor | None = None) -> list[Run]:
        """The newest runs first, or those of ``actor``; runs of one moment by id, the last id first."""
        run = self._tables.run
        shown = select(run).where(run.c.part_of.is_(None)).order_by(run.c.at.desc(), run.c.id.desc()).limit(limit)
        if actor is not None:
            mine = (run.c[name].is_not_distinct_from(value) for name, value in rows.actor_columns(actor).items())
            shown = shown.where(*mine)
        return [rows.run_of(row) for row in self._run(shown)]

    def run(self, run: str) -> Run | None:
        """One run."""
        row = self._run(select(self._tables.run).where(self._tables.run.c.id == run)).one_or_none()
        return None if row is None else rows.run_of(row)

    def parts(self, plan: str) -> list[Run]:
        """The runs that applied a part of ``plan``, by id."""
        run = self._tables.run
        return [rows.run_of(row) for row in self._run(select(run).where(run.c.part_of == plan).order_by(run.c.id))]

    def plan_rows(self, run: str) -> Iterator[PlanRow]:
        """The rows of a run in customer id order, streamed."""
        item, stored = self._tables.plan_item, self._tables.run
        names = select(stored.c.codes).where(stored.c.id == run).scalar_subquery().label("names")
        statement = select(item, names).where(item.c.run == run).order_by(self._by_code_points(item.c.customer_id))
        known: tuple[str, ...] | None = self._drafted_codes(run)
        for row in self._stream(statement):
            if known is None:
                known = tuple(json.loads(row.names)) if row.names is not None else rows.FIRST_CODES
            yield rows.plan_row_of(row, known, self._tables.staff_key.key_type)

    def _drafted_codes(self, run: str) -> tuple[str, ...] | None:  # noqa: ARG002 - a writer knows some
        """The codes of a run that is drafted and not saved yet."""
        return None

    def outbox(self) -> list[Task]:
        """Undelivered outbox rows, by run and receiver."""
        task = self._tables.outbox
        statement = select(task).where(task.c.state != DELIVERED).order_by(task.c.run, task.c.receiver)
        return [Task(row.run, row.receiver, row.state) for row in self._run(statement)]

    def strays(self) -> list[CustomerId]:
        """Customers that are assigned and gone, by id."""
        id, customer = self._tables.assignment.c.customer_id, self._tables.customer.c.id
        gone = select(id).where(not_(select(customer).where(customer == id).exists())).distinct()
        return sorted(
            (row.customer_id for row in self._run(gone)),
            key=lambda one: id_order(one, self._tables.customer_key.key_type),
        )
