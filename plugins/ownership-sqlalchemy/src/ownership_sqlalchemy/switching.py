"""Keeping all customers under another cardinality: whom it holds, and how every row is stated anew."""

from __future__ import annotations

from sqlalchemy import delete, insert, literal, select, update
from sqlalchemy.types import Text

from ownership_core.errors import Conflict, Problem, cardinality_mismatch
from ownership_sqlalchemy.customers import CustomerWriter
from ownership_sqlalchemy.dialects import WHO
from ownership_sqlalchemy.read import CHUNK


class CardinalityWriter(CustomerWriter):
    """The part of a transaction that moves the cardinality itself."""

    def lock_cardinality(self, cardinality: str) -> None:
        """Hold the recorded cardinality, then every head in id order; ``cardinality_mismatch`` where it is another.

        New heads name the recorded cardinality, so none comes in meanwhile.
        """
        kept = self._tables.cardinality
        statement = select(kept.c.name)
        found = self._run(statement.with_for_update() if self._database.locks_rows else statement).scalar_one_or_none()
        if found is None:  # another switch was waited for, and put a new row in the place of this one
            what = "The cardinality was switched at this very moment."
            raise Conflict(Problem("conflict", what, "Read again and repeat the command."), who=WHO, transient=True)
        if found != cardinality:
            raise cardinality_mismatch(found, cardinality, WHO)
        if self._database.locks_rows:
            self._lock_heads()

    def _lock_heads(self) -> None:
        """A piece at a time, so that no more than a piece is ever in memory."""
        id = self._tables.head.c.customer_id
        piece = select(id).order_by(id).limit(CHUNK).with_for_update()
        held = self._run(piece).scalars().all()
        while len(held) == CHUNK:
            held = self._run(piece.where(id > held[-1])).scalars().all()

    def switch_cardinality(self, cardinality: str) -> None:
        """State every head and assignment anew under ``cardinality``; seven statements.

        An assignment hangs on its head by the pair of customer and cardinality, and nothing cascades: a cascade
        would skip the check on MariaDB. So assignments step aside, heads move, and every assignment comes
        back as a new row that is checked like any other.
        """
        tables = self._tables
        kept, head, mine, aside = tables.cardinality, tables.head, tables.assignment, tables.assignment_aside
        columns = [column.name for column in aside.c]
        self._run(insert(aside).from_select(columns, select(*(mine.c[name] for name in columns))))
        self._run(delete(mine))
        self._run(insert(kept).values(name=cardinality))
        self._run(update(head).values(cardinality=cardinality))
        self._run(delete(kept).where(kept.c.name != cardinality))
        back = select(*aside.c, literal(cardinality, Text()))
        self._run(insert(mine).from_select([*columns, "cardinality"], back))
        self._run(delete(aside))
