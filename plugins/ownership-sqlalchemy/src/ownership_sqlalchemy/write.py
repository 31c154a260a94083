"""The ``Writer`` port: one transaction, every change a fixed number of set-based statements."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from functools import reduce
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    case,
    cast,
    delete,
    insert,
    literal,
    not_,
    null,
    select,
    true,
    union,
    union_all,
    update,
)
from sqlalchemy.types import BigInteger, SmallInteger, Text

from ownership_core.commands import Selection
from ownership_core.errors import Conflict, Problem, cardinality_mismatch
from ownership_core.events import BODY_VERSION, Subject, line
from ownership_core.model import Actor, Assignment, StaffId
from ownership_core.policies import SINGLE
from ownership_core.ports import Draft, Remembered, Run, RunState
from ownership_core.rows import drops_as_planned, ends_former, moves_primary, named
from ownership_core.ruling import PLACED, Drop, Effect, Fate, Primary
from ownership_core.scope import AllOf, Scope
from ownership_sqlalchemy import rows
from ownership_sqlalchemy.bodies import kept_line, kept_line_of
from ownership_sqlalchemy.dialects import (
    WHO,
    JsonRow,
    OnConflict,
    as_text,
    overtaken,
    rows_of,
)
from ownership_sqlalchemy.effects import is_dropped
from ownership_sqlalchemy.facts import HostFacts
from ownership_sqlalchemy.lines import Line, Lines, back, ended
from ownership_sqlalchemy.planning import PlanWriter


class SqlWriter(PlanWriter):
    """One transaction; whoever opened the connection commits it or rolls it back."""

    # Locks

    def lock_customers(self, selection: Selection, visible: Scope) -> None:
        """Insert missing heads and lock them, both in id order; for ``Matching`` those selected and visible."""
        if not self._database.locks_rows:
            return  # nobody else writes; heads come with their first version
        customer, ids = self._tables.customer, named(selection)
        if ids is not None:
            wanted = self._wanted(ids)
            chosen = select(customer.c.id).where(customer.c.id.in_(select(wanted.c.id)))
        else:
            scope = AllOf((visible, selection.scope))  # type: ignore[union-attr]
            chosen = select(customer.c.id).where(self._compiler.where(scope))
        self._add_heads(chosen)
        self._hold(chosen)

    def lock_listed(self, run: str, undoes: Sequence[str] = ()) -> None:
        """The same for the customers ``run`` expects, or those that ``undoes`` changed."""
        if not self._database.locks_rows:
            return
        customer, item, expected = self._tables.customer, self._tables.plan_item, self._tables.expectation
        listed = select(expected.c.customer_id).where(expected.c.run == run)
        self._add_heads(select(customer.c.id).where(customer.c.id.in_(listed)))
        if undoes:  # whoever was changed has a head
            changed = select(item.c.customer_id).where(item.c.run.in_(undoes), item.c.fate == Fate.CHANGED.value)
            listed = union_all(listed, changed).subquery("listed").select()
        self._hold(listed)

    def _hold(self, chosen: Select[Any]) -> None:
        """Lock the heads of these customers."""
        head = self._tables.head
        self._run(self._database.locking(head.c.customer_id, chosen)).close()
        facts = self._tables.facts
        if isinstance(facts, HostFacts) and facts.locks:  # its group or website must not change meanwhile (I8)
            self._run(self._database.locking(facts.id, chosen, shared=True)).close()

    @property
    def alone(self) -> bool:
        """Whether nobody else can write while this transaction lasts."""
        return not self._database.locks_rows

    def lock_staff(self, staff: Collection[StaffId] | None, *, changing: bool = False) -> None:
        """Hold these staff rows, or everybody's, as they are until the end; alone where they are to be changed."""
        if self._database.locks_rows:
            who = self._tables.staff
            wanted: FromClause = who.alias("everybody")
            if staff is not None:
                wanted = rows_of(self._tables.staff_ids(frozenset(staff)), self._tables.staff_key)
            self._run(self._database.locking(who.c.id, select(wanted.c.id), shared=not changing)).close()

    # Runs

    def write(self, run: Run, draft: Draft, fields: Sequence[str] = ()) -> None:
        """Apply the CHANGED rows of a drafted run: heads, events, then vacate, set and promote."""
        item, effect = self._tables.plan_item, draft.effect
        drafted = self._drafted[run.id]
        if not drafted.changed:
            return
        self._next_versions(run, draft.cardinality, drafted.changed)
        self._write_events(run, draft, fields)
        several = draft.cardinality != SINGLE  # else whoever is assigned stands for the customer
        if several or not isinstance(self._database, OnConflict):
            self._drop(run.id, effect)
        elif drafted.vacated:
            self._drop(run.id, effect, self._comes(item))
        if several and moves_primary(effect) and not ends_former(effect):
            self._demote(run.id)
        for one in self._coming(run.id, draft):
            self._assign(run.id, draft, one)
        if several and drafted.rising:
            self._promote(run.id)
        if drafted.sharing:
            self._end_shares(run.id, restoring=effect.undoes)
        if draft.keep_view_until is not None:
            self._share(run.id, draft.keep_view_until)

    def _end_shares(self, run: str, *, restoring: bool) -> None:
        """Whoever is assigned now, or again, needs none."""
        item, share = self._tables.plan_item, self._tables.share
        gained = self._changed(run, item.c.customer_id, item.c.added).where(item.c.added.is_not(None))
        pair = share.c.customer_id, share.c.staff_id
        self._run(self._database.within(delete(share), pair, gained))
        if restoring:
            for came_back in self._pairs(run, back(item)):
                self._run(self._database.within(delete(share), pair, came_back))

    def _share(self, run: str, until: int) -> None:
        """Whoever lost an assignment sees the customer until then, or longer where that was so before."""
        for lost in self._pairs(run, ended(self._tables.plan_item)):
            source = lost.add_columns(literal(until, BigInteger()))
            self._run(self._database.insert_latest(self._tables.share, source, "until"))

    def _pairs(self, run: str, lines: Lines) -> list[Select[Any]]:
        """Customer and staff of every assignment among ``lines``."""
        id = self._tables.plan_item.c.customer_id
        return [
            self._changed(run, id, one.staff.label("staff_id")).select_from(one.rows).where(one.there)
            for one in lines.each(listed=bool(self._drafted[run].listed))
        ]

    def _drop(self, run: str, effect: Effect, kept: ColumnElement[bool] | None = None) -> None:
        """End the assignments that the effect ends, but for those of ``kept`` plan rows."""
        item, mine = self._tables.plan_item, self._tables.assignment
        others = true() if kept is None else not_(kept)
        if drops_as_planned(effect):  # who has the room depends on others, and those rows go too
            pair = mine.c.customer_id, mine.c.staff_id
            for gone in self._pairs(run, ended(item)):
                self._run(self._database.within(delete(mine), pair, gone.where(others)))
        elif effect.drop is not Drop.NOBODY:
            dropped = delete(mine).where(is_dropped(self._tables, effect))
            theirs = self._changed(run, item.c.customer_id).where(others)
            self._run(self._database.within(dropped, (mine.c.customer_id,), theirs))

    def _next_versions(self, run: Run, cardinality: str | None, changed: int) -> None:
        head, item = self._tables.head, self._tables.plan_item
        as_planned = self._changed(run.id, item.c.customer_id, item.c.version)
        raised = self._database.unrefused(update(head).values(version=head.c.version + 1))
        if cardinality is not None:
            raised = raised.where(head.c.cardinality == cardinality)
        raised = self._database.within(raised, (head.c.customer_id, head.c.version), as_planned)
        moved = self._run(raised).rowcount
        if moved < changed:  # some may have had no head yet; those that were raised are not as planned any more
            self._add_heads(self._changed(run.id, item.c.customer_id))
            moved += self._run(raised).rowcount
        if moved != changed:
            in_force = self._cardinality()
            if cardinality not in (None, in_force):
                raise cardinality_mismatch(in_force, str(cardinality), WHO)
            what = "A customer has changed since it was drafted."
            raise Conflict(Problem("conflict", what, "Read again and repeat the command."), who=WHO, transient=True)

    def _write_events(self, run: Run, draft: Draft, fields: Sequence[str]) -> None:
        item, event = self._tables.plan_item, self._tables.event
        body = _spliced(
            f"[{BODY_VERSION},{rows.dumped(run.what)},",
            JsonRow(as_text(item.c.primary_before), as_text(item.c.primary_after)),
            ",",
            self._added_lines(draft),
            ",",
            ended(item).kept(),
            f",{rows.dumped(sorted(fields))}]",
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
        if effect.undoes:
            return back(item).kept()
        if effect.add is None:
            return literal("[]", Text())
        if effect.add is not PLACED and effect.primary is Primary.TAKE and not effect.passes_role:
            # All of them are one and the same.
            lines = [kept_line(line(Assignment(effect.add, True, draft.at, effect.role, effect.source)))]
            return case((item.c.added.is_not(None), literal(rows.dumped(lines), Text())), else_=literal("[]", Text()))
        each = kept_line_of(
            item.c.added,
            item.c.added == item.c.primary_after,
            literal(draft.at, BigInteger()),
            self._role_of(effect),
            self._source_of(effect),
        )
        return case((item.c.added.is_not(None), JsonRow(each)), else_=literal("[]", Text()))

    def _role_of(self, effect: Effect) -> ColumnElement[str]:
        return self._tables.plan_item.c.role if effect.passes_role else literal(effect.role, Text())

    def _source_of(self, effect: Effect) -> ColumnElement[str]:
        source, item = literal(effect.source, Text()), self._tables.plan_item
        return source if effect.add is not PLACED else case((item.c.source != "", item.c.source), else_=source)

    def _demote(self, run: str) -> None:
        """Vacate the slot of former primaries that stay; the unique key is checked row by row."""
        item, mine = self._tables.plan_item, self._tables.assignment
        moved = item.c.primary_before.is_not(None), item.c.primary_before.is_distinct_from(item.c.primary_after)
        theirs = self._changed(run, item.c.customer_id).where(*moved)
        vacated = update(mine).where(mine.c.slot.is_not(None)).values(slot=null())
        self._run(self._database.within(vacated, (mine.c.customer_id,), theirs))

    def _coming(self, run: str, draft: Draft) -> list[Line]:
        """Who is added, and who comes back with the date, role and source of then."""
        item, effect = self._tables.plan_item, draft.effect
        if effect.undoes:
            return back(item).each(listed=bool(self._drafted[run].listed))
        if effect.add is None:
            return []
        added, since = item.c.added, literal(draft.at, BigInteger())
        return [Line(item, added.is_not(None), added, since, self._role_of(effect), self._source_of(effect))]

    def _assign(self, run: str, draft: Draft, one: Line) -> None:
        """Insert an assignment for each plan row; where there may be but one, whoever comes is written over who was."""
        item, mine = self._tables.plan_item, self._tables.assignment
        cardinality, source = self._under(draft, one.rows)
        columns: dict[str, Any] = {
            "customer_id": item.c.customer_id,
            "staff_id": one.staff,
            "slot": cast(case((one.staff == item.c.primary_after, 0)), SmallInteger),
            "cardinality": cardinality,
            "role": one.role,
            "source": one.source,
            "since": one.since,
        }
        rows = self._changed(run, *(value.label(name) for name, value in columns.items())).select_from(source)
        rows = rows.where(one.there)
        if draft.cardinality == SINGLE and isinstance(self._database, OnConflict):
            written = "staff_id", "role", "source", "since"
            self._run(self._database.insert_over(mine, list(columns), rows, ("customer_id", "slot"), written))
        else:
            self._run(insert(mine).from_select(list(columns), rows))

    def _under(self, draft: Draft, source: FromClause) -> tuple[ColumnElement[str], FromClause]:
        """The cardinality of new assignments, and where it stands: every head that was raised is under the draft's."""
        if draft.cardinality is not None:
            return literal(draft.cardinality, Text()), source
        item, head = self._tables.plan_item, self._tables.head
        return head.c.cardinality, source.join(head, head.c.customer_id == item.c.customer_id)

    def _promote(self, run: str) -> None:
        item, mine = self._tables.plan_item, self._tables.assignment
        chosen = self._changed(run, item.c.customer_id, item.c.primary_after).where(self._rises())
        filled = update(mine).where(mine.c.slot.is_(None)).values(slot=0)
        self._run(self._database.within(filled, (mine.c.customer_id, mine.c.staff_id), chosen))

    def notify(self, run: str, parts: Sequence[str] = ()) -> None:
        """One outbox row for each staff that gained or lost a customer in ``run``, or in its parts."""
        item, task = self._tables.plan_item, self._tables.outbox
        these = item.c.run.in_(parts or (run,)), item.c.fate == Fate.CHANGED.value
        told = union(
            *(
                select(one.staff.label("staff")).select_from(one.rows).where(*these, one.there)
                for one in (*ended(item).each(), *back(item).each())
            ),
            select(item.c.added.label("staff")).where(*these, item.c.added.is_not(None)),
        ).subquery("told")
        source = select(literal(run, Text()), told.c.staff, literal("ready", Text())).order_by(told.c.staff)
        self._run(insert(task).from_select(["run", "receiver", "state"], source))

    def save_run(self, run: Run) -> None:
        """Store a run, and what the bits of its plan rows stand for."""
        columns = rows.run_columns(run)
        known = self._codes.get(run.id)
        if known is not None:
            columns["codes"] = json.dumps(known)
        if run.id in self._drafted and run.id not in self._saved:
            self._saved.add(run.id)
            self._insert(self._tables.run, [columns])
            return
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
        with overtaken():
            self._insert(self._tables.idempotency, [{**_idempotent(actor, key), **answer}])


def _spliced(*parts: str | ColumnElement[str]) -> ColumnElement[str]:
    """Texts and JSON one after the other: faster than to read JSON again in order to nest it."""
    return reduce(
        lambda before, part: before.concat(part),
        (literal(part, Text()) if isinstance(part, str) else part for part in parts),
    )


def _idempotent(actor: Actor, key: str) -> dict[str, str]:
    return {"actor_kind": actor.kind.value, "actor": actor.id, "rule": actor.rule or "", "key": key}
