"""The ``Writer`` port: one transaction, every change a fixed number of set-based statements."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    true,
    union,
    update,
)
from sqlalchemy.types import BigInteger, SmallInteger, Text

from ownership_core.commands import Selection
from ownership_core.errors import Conflict, Problem
from ownership_core.events import BODY_VERSION, Subject
from ownership_core.fields import Fields
from ownership_core.model import Actor, StaffId
from ownership_core.ports import Draft, Expected, Remembered, Run, RunState, Tally
from ownership_core.ruling import Drop, Effect, Fate, Primary
from ownership_core.scope import AllOf, Scope
from ownership_sqlalchemy import rows
from ownership_sqlalchemy.customers import CustomerWriter
from ownership_sqlalchemy.dialects import (
    WHO,
    AsJson,
    JsonLength,
    JsonObjects,
    JsonRecord,
    JsonRow,
    JsonStaff,
    as_text,
    rows_of,
)
from ownership_sqlalchemy.draft import Drafting, assignment_record, code_names, is_dropped, named
from ownership_sqlalchemy.read import CHUNK
from ownership_sqlalchemy.tables import Tables


class SqlWriter(CustomerWriter):
    """One transaction; whoever opened the connection commits it or rolls it back."""

    def __init__(self, connection: Connection, tables: Tables, fields: Fields) -> None:
        super().__init__(connection, tables, fields)
        self._codes: dict[str, tuple[str, ...]] = {}

    # Locks

    def lock_customers(self, selection: Selection, visible: Scope) -> None:
        """Insert missing heads and lock them, both in id order; for ``Matching`` those selected and visible."""
        customer, head, ids = self._tables.customer, self._tables.head, named(selection)
        if ids is not None:
            wanted = self._wanted(ids)
            chosen = select(customer.c.id).where(customer.c.id.in_(select(wanted.c.id)))
        else:
            scope = AllOf((visible, selection.scope))  # type: ignore[union-attr]
            chosen = select(customer.c.id).where(self._compiler.where(scope))
        self._add_heads(chosen)
        if self._database.locks_rows:
            self._run(self._database.locking(head.c.customer_id, chosen)).close()

    def lock_staff(self, staff: Collection[StaffId]) -> None:
        """Hold these staff rows as they are until the end."""
        if self._database.locks_rows:
            who = self._tables.staff
            wanted = rows_of(self._tables.staff_ids(frozenset(staff)), self._tables.staff_key)
            self._run(self._database.locking(who.c.id, select(wanted.c.id), shared=True)).close()

    # Plans

    def expect(self, run: str, rows: Iterable[Expected]) -> None:
        """Load the rows of a plan file for a ``from_plan`` draft; streamed, O(chunk) memory."""
        remaining = iter(rows)
        while chunk := list(islice(remaining, CHUNK)):
            self._insert(
                self._tables.expectation,
                [
                    {
                        "run": run,
                        "customer_id": row.customer,
                        "version": row.version,
                        "primary_after": row.primary_after,
                        "added": row.added,
                        "removed": row.removed,
                    }
                    for row in chunk
                ],
            )

    def expect_plan(self, run: str, plan: str) -> None:
        """Take the CHANGED rows of the stored plan ``plan`` as what ``run`` expects."""
        item, expected = self._tables.plan_item, self._tables.expectation
        source = select(
            literal(run, Text()),
            item.c.customer_id,
            item.c.version,
            item.c.primary_after,
            item.c.added,
            JsonLength(item.c.removed),
        ).where(*self._is_changed(plan))
        self._run(insert(expected).from_select([column.name for column in expected.c], source))

    def draft(self, draft: Draft) -> Tally:
        """Write the plan rows of a run and count their fates: two statements, one more for a saved plan."""
        self._run(Drafting(self._tables, self._database, self._compiler, draft).statement())
        self._codes[draft.run] = code_names(draft)
        if draft.from_plan:
            expected = self._tables.expectation
            self._run(delete(expected).where(expected.c.run == draft.run))
        return self._tally(draft)

    def _tally(self, draft: Draft) -> Tally:
        item = self._tables.plan_item
        many = func.count().label("many")
        statement = (
            select(item.c.fate, item.c.codes, item.c.selected, many)
            .where(item.c.run == draft.run)
            .group_by(item.c.fate, item.c.codes, item.c.selected)
        )
        fates: Counter[str] = Counter()
        codes: Counter[str] = Counter()
        selected = 0
        for row in self._run(statement):
            fates[row.fate] += row.many
            selected += row.many if row.selected else 0
            for code in rows.codes_of(row.codes, self._codes[draft.run]):
                codes[code] += row.many
        return Tally(
            changed=fates[Fate.CHANGED],
            unchanged=fates[Fate.UNCHANGED],
            refused=fates[Fate.REFUSED],
            stale=fates[Fate.STALE],
            codes=dict(codes),
            still_selected=selected if draft.from_plan else 0,
        )

    def _drafted_codes(self, run: str) -> tuple[str, ...] | None:
        return self._codes.get(run)

    def _is_changed(self, run: str) -> list[ColumnElement[bool]]:
        item = self._tables.plan_item
        return [item.c.run == run, item.c.fate == Fate.CHANGED.value]

    def _changed(self, run: str, *columns: ColumnElement[Any]) -> Select[Any]:
        return select(*columns).where(*self._is_changed(run))

    # Runs

    def write(self, run: Run, draft: Draft, fields: Sequence[str] = ()) -> None:
        """Apply the CHANGED rows of a drafted run: heads, events, then vacate, set and promote."""
        item, effect = self._tables.plan_item, draft.effect
        changed = int(self._run(self._changed(run.id, func.count())).scalar_one())
        if not changed:
            return
        self._next_versions(run, changed)
        self._write_events(run, draft, fields)
        if effect.drop is not Drop.NOBODY:
            mine = self._tables.assignment
            ended = delete(mine).where(is_dropped(self._tables, effect))
            theirs = self._changed(run.id, item.c.customer_id)
            self._run(self._database.within(ended, (mine.c.customer_id,), theirs))
        if _moves_primary(effect):
            self._demote(run.id)
        if effect.add is not None:
            self._add(run.id, draft)
        if _moves_primary(effect):
            self._promote(run.id)

    def _next_versions(self, run: Run, changed: int) -> None:
        head, item = self._tables.head, self._tables.plan_item
        self._add_heads(self._changed(run.id, item.c.customer_id))
        as_planned = self._changed(run.id, item.c.customer_id, item.c.version)
        raised = update(head).values(version=head.c.version + 1)
        moved = self._run(self._database.within(raised, (head.c.customer_id, head.c.version), as_planned))
        if moved.rowcount != changed:
            what = "A customer has changed since it was drafted."
            raise Conflict(Problem("conflict", what, "Read again and repeat the command."), who=WHO, transient=True)

    def _write_events(self, run: Run, draft: Draft, fields: Sequence[str]) -> None:
        item, event = self._tables.plan_item, self._tables.event
        body = JsonRecord(
            *(literal("v", Text()), literal(BODY_VERSION)),
            *(literal("what", Text()), literal(run.what, Text())),
            *(literal("primary", Text()), JsonRow(as_text(item.c.primary_before), as_text(item.c.primary_after))),
            *(literal("added", Text()), AsJson(self._added_lines(draft))),
            *(literal("removed", Text()), AsJson(item.c.removed)),
            *(literal("fields", Text()), AsJson(literal(rows.dumped(sorted(fields)), Text()))),
        )
        columns: dict[str, Any] = {
            "subject_kind": literal(Subject.CUSTOMER.value, Text()),
            "subject": as_text(item.c.customer_id),
            "version": item.c.version + 1,
            "run": literal(run.id, Text()),
            "at": literal(draft.at, BigInteger()),
            **{name: literal(value, Text()) for name, value in rows.actor_columns(run.actor).items()},
            "reason": literal(run.reason, Text()),
            "body": body,
        }
        source = self._changed(run.id, *(value.label(name) for name, value in columns.items()))
        self._run(insert(event).from_select(list(columns), source))

    def _added_lines(self, draft: Draft) -> ColumnElement[str]:
        item, effect = self._tables.plan_item, draft.effect
        if effect.add is None:
            return literal("[]", Text())
        line = assignment_record(
            item.c.added,
            item.c.added == item.c.primary_after,
            literal(draft.at, BigInteger()),
            literal(effect.role, Text()),
            literal(effect.source, Text()),
        )
        return case((item.c.added.is_not(None), JsonRow(line)), else_=literal("[]", Text()))

    def _demote(self, run: str) -> None:
        """Vacate the slot of former primaries that stay; the unique key is checked row by row."""
        item, mine = self._tables.plan_item, self._tables.assignment
        moved = item.c.primary_before.is_not(None), item.c.primary_before.is_distinct_from(item.c.primary_after)
        theirs = self._changed(run, item.c.customer_id).where(*moved)
        vacated = update(mine).where(mine.c.slot.is_not(None)).values(slot=null())
        self._run(self._database.within(vacated, (mine.c.customer_id,), theirs))

    def _add(self, run: str, draft: Draft) -> None:
        item, mine, head = self._tables.plan_item, self._tables.assignment, self._tables.head
        columns: dict[str, Any] = {
            "customer_id": item.c.customer_id,
            "staff_id": item.c.added,
            "slot": cast(case((item.c.added == item.c.primary_after, 0)), SmallInteger),
            "cardinality": head.c.cardinality,
            "role": literal(draft.effect.role, Text()),
            "source": literal(draft.effect.source, Text()),
            "since": literal(draft.at, BigInteger()),
        }
        source = self._changed(run, *(value.label(name) for name, value in columns.items())).where(
            item.c.added.is_not(None)
        )
        source = source.select_from(item.join(head, head.c.customer_id == item.c.customer_id))
        self._run(insert(mine).from_select(list(columns), source))

    def _promote(self, run: str) -> None:
        item, mine = self._tables.plan_item, self._tables.assignment
        chosen = self._changed(run, item.c.customer_id, item.c.primary_after).where(
            item.c.primary_after.is_not(None), item.c.primary_before.is_distinct_from(item.c.primary_after)
        )
        filled = update(mine).where(mine.c.slot.is_(None)).values(slot=0)
        self._run(self._database.within(filled, (mine.c.customer_id, mine.c.staff_id), chosen))

    def notify(self, run: str) -> None:
        """One outbox row for each staff that gained or lost a customer in ``run``."""
        item, key, task = self._tables.plan_item, self._tables.staff_key, self._tables.outbox
        lines = JsonObjects(item.c.removed).table_valued("value", name="lines")
        lost = self._changed(run, cast(JsonStaff(lines.c.value), key).label("staff"))
        gained = self._changed(run, item.c.added.label("staff")).where(item.c.added.is_not(None))
        told = union(lost.select_from(item.join(lines, true())), gained).subquery("told")
        source = select(literal(run, Text()), told.c.staff, literal("ready", Text())).order_by(told.c.staff)
        self._run(insert(task).from_select(["run", "receiver", "state"], source))

    def save_run(self, run: Run) -> None:
        """Store a run, and what the bits of its plan rows stand for."""
        columns = rows.run_columns(run)
        known = self._codes.get(run.id)
        if known is not None:
            columns["codes"] = json.dumps(known)
        first = {"codes": json.dumps(rows.FIRST_CODES)} if known is None else {}
        self._put(self._tables.run, {"id": columns.pop("id")}, columns, first)

    def discard(self, run: str) -> None:
        """Forget the plan rows of a run that changes nothing."""
        for table in (self._tables.plan_item, self._tables.expectation):
            self._run(delete(table).where(table.c.run == run))

    def expire(self, now: int) -> None:
        """Forget the plans that wait until ``now`` or less, with their rows."""
        item, waiting = self._tables.plan_item, self._tables.run
        over = waiting.c.state == RunState.PLANNED.value, waiting.c.expires <= now
        self._run(self._database.within(delete(item), (item.c.run,), select(waiting.c.id).where(*over)))
        self._run(delete(waiting).where(*over))

    # Idempotency

    def recall(self, actor: Actor, key: str) -> Remembered | None:
        """What this actor's idempotency key did before."""
        kept = self._tables.idempotency
        statement = select(kept.c.payload, kept.c.receipt).where(
            *(kept.c[name] == value for name, value in _idempotent(actor, key).items())
        )
        row = self._run(statement).one_or_none()
        return None if row is None else Remembered(row.payload, json.loads(row.receipt))

    def remember(self, actor: Actor, key: str, remembered: Remembered, at: int) -> None:
        """Keep what the key did, in this very transaction."""
        answer = {"payload": remembered.payload, "receipt": rows.dumped(remembered.receipt), "at": at}
        try:
            self._insert(self._tables.idempotency, [{**_idempotent(actor, key), **answer}])
        except Conflict as twin:  # it was waited for, and is done: whoever begins again finds its receipt
            raise Conflict(*twin.problems, who=WHO, transient=True) from None


def _idempotent(actor: Actor, key: str) -> dict[str, str]:
    return {"actor_kind": actor.kind.value, "actor": actor.id, "rule": actor.rule or "", "key": key}


def _moves_primary(effect: Effect) -> bool:
    return effect.primary is not Primary.STAY or effect.drop is not Drop.NOBODY
