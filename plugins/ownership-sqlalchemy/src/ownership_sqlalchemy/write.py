"""The ``Writer`` port: one transaction, every change a fixed number of set-based statements."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Any

from attrs import frozen
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    cast,
    delete,
    func,
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
from ownership_core.distribute import Placement
from ownership_core.errors import Conflict, Problem, cardinality_mismatch
from ownership_core.events import BODY_VERSION, Subject
from ownership_core.fields import Fields
from ownership_core.model import Actor, CustomerId, StaffId
from ownership_core.ports import Draft, Expected, Remembered, Run, RunState, Tally
from ownership_core.rows import draft_codes, drops_as_planned, ends_former, moves_primary, named
from ownership_core.ruling import PLACED, Drop, Effect, Fate, Side
from ownership_core.scope import AllOf, Scope
from ownership_sqlalchemy import rows
from ownership_sqlalchemy.dialects import (
    WHO,
    AsJson,
    JsonLength,
    JsonObjects,
    JsonRecord,
    JsonRole,
    JsonRow,
    JsonSince,
    JsonSource,
    JsonStaff,
    as_text,
    overtaken,
    rows_of,
)
from ownership_sqlalchemy.draft import Drafting, assignment_record, is_dropped
from ownership_sqlalchemy.facts import HostFacts
from ownership_sqlalchemy.prepared import Shelf
from ownership_sqlalchemy.read import CHUNK
from ownership_sqlalchemy.switching import CardinalityWriter
from ownership_sqlalchemy.tables import Tables

PLACED_AT_ONCE = 5_000


class SqlWriter(CardinalityWriter):
    """One transaction; whoever opened the connection commits it or rolls it back."""

    def __init__(self, connection: Connection, tables: Tables, fields: Fields, shelf: Shelf | None = None) -> None:
        super().__init__(connection, tables, fields, shelf)
        self._codes: dict[str, tuple[str, ...]] = {}
        self._drafted: dict[str, _Drafted] = {}
        self._saved: set[str] = set()

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
        self._hold(chosen)

    def lock_listed(self, run: str, undoes: Sequence[str] = ()) -> None:
        """The same for the customers ``run`` expects, or those that ``undoes`` changed."""
        if not self._database.locks_rows:
            return
        customer, item, expected = self._tables.customer, self._tables.plan_item, self._tables.expectation
        listed = select(expected.c.customer_id).where(expected.c.run == run)
        if undoes:
            changed = select(item.c.customer_id).where(item.c.run.in_(undoes), item.c.fate == Fate.CHANGED.value)
            listed = union_all(listed, changed).subquery().select()
        self._hold(select(customer.c.id).where(customer.c.id.in_(listed)))

    def _hold(self, chosen: Select[Any]) -> None:
        """Insert the missing heads of these customers and lock all of theirs."""
        head = self._tables.head
        self._add_heads(chosen)
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
                        "receiver": row.receiver,
                        "source": row.source,
                        "restored": row.restored,
                    }
                    for row in chunk
                ],
            )

    def expect_plan(
        self, run: str, plan: str, after: CustomerId | None = None, limit: int | None = None
    ) -> CustomerId | None:
        """Take the CHANGED rows of the stored plan ``plan``, or the next ones, as what ``run`` expects."""
        item, expected = self._tables.plan_item, self._tables.expectation
        source = self._changed(
            plan,
            literal(run, Text()),
            item.c.customer_id,
            item.c.version,
            item.c.primary_after,
            item.c.added,
            JsonLength(item.c.removed),
            item.c.receiver,
            item.c.source,
            JsonLength(item.c.restored),
        )
        id = self._by_code_points(item.c.customer_id)
        if after is not None:
            source = source.where(id > literal(after, id.type))
        if limit is not None:
            source = source.order_by(id).limit(limit)
        self._run(insert(expected).from_select([column.name for column in expected.c], source))
        if limit is None:
            return None
        last = select(func.max(self._by_code_points(expected.c.customer_id))).where(expected.c.run == run)
        found = self._run(last).scalar_one()
        return None if found is None else CustomerId(str(found))

    def place(self, run: str, rows: Iterable[Placement]) -> None:
        """Say whom ``run`` gives its customers to; streamed, O(chunk) memory."""
        remaining = iter(rows)
        while chunk := list(islice(remaining, PLACED_AT_ONCE)):
            self._insert(
                self._tables.placement,
                [
                    {
                        "run": run,
                        "customer_id": row.customer,
                        "staff": row.staff,
                        "code": row.code,
                        "source": row.source,
                    }
                    for row in chunk
                ],
            )

    def parties(self, draft: Draft) -> tuple[frozenset[StaffId], frozenset[StaffId]]:
        """Who may gain and who may lose customers by a draft that places or undoes."""
        if draft.undoes:
            return self._parties_of(draft.undoes)
        expected, placed = self._tables.expectation, self._tables.placement
        staff, run = (expected.c.receiver, expected.c.run) if draft.from_plan else (placed.c.staff, placed.c.run)
        found = self._run(select(staff.label("staff")).where(run == draft.run, staff.is_not(None)).distinct())
        return frozenset(StaffId(str(row.staff)) for row in found), frozenset()

    def _parties_of(self, runs: Sequence[str]) -> tuple[frozenset[StaffId], frozenset[StaffId]]:
        item = self._tables.plan_item
        them = item.c.run.in_(runs), item.c.fate == Fate.CHANGED.value
        gains, loses = (literal(side.value, Text()).label("side") for side in (Side.GAINS, Side.LOSES))
        found = self._run(
            union(
                self._lines_of(item.c.removed, gains).where(*them),
                self._lines_of(item.c.restored, loses).where(*them),
                select(item.c.added.label("staff"), loses).where(*them, item.c.added.is_not(None)),
            )
        )
        sides: dict[str, set[StaffId]] = {Side.GAINS: set(), Side.LOSES: set()}
        for row in found:
            sides[row.side].add(StaffId(str(row.staff)))
        return frozenset(sides[Side.GAINS]), frozenset(sides[Side.LOSES])

    def lock_rotations(self, names: Collection[str]) -> dict[str, StaffId | None]:
        """Hold these rotations alone until the end, in order, and tell who was last."""
        kept = self._tables.rotation
        found = {}
        for name in sorted(names):
            new = select(literal(name, kept.c.name.type), cast(null(), self._tables.staff_key))
            new = new.where(not_(select(kept.c.name).where(kept.c.name == name).exists()))
            self._run(self._database.insert_missing(kept, ["name", "staff"], new))
            row = select(kept.c.staff).where(kept.c.name == name)
            last = self._run(row.with_for_update() if self._database.locks_rows else row).scalar_one()
            found[name] = None if last is None else StaffId(str(last))
        return found

    def save_rotation(self, name: str, staff: StaffId) -> None:
        """``staff`` was last."""
        kept = self._tables.rotation
        self._run(update(kept).where(kept.c.name == name).values(staff=staff))

    def draft(self, draft: Draft) -> Tally:
        """Write the plan rows of a run and count their fates: two statements, one more for what was set down before."""
        self._run(Drafting(self._tables, self._database, self._compiler, draft).statement())
        self._codes[draft.run] = draft_codes(draft, WHO)
        if draft.from_plan:
            expected = self._tables.expectation
            self._run(delete(expected).where(expected.c.run == draft.run))
        elif draft.effect.add is PLACED:
            placed = self._tables.placement
            self._run(delete(placed).where(placed.c.run == draft.run))
        return self._tally(draft)

    def _tally(self, draft: Draft) -> Tally:
        item = self._tables.plan_item
        many, rising = func.count().label("many"), func.sum(case((self._rises(), 1), else_=0)).label("rising")
        anywhere = select(self._tables.share.c.until).exists().label("sharing")
        statement = (
            select(item.c.fate, item.c.codes, item.c.selected, many, rising, anywhere)
            .where(item.c.run == draft.run)
            .group_by(item.c.fate, item.c.codes, item.c.selected)
        )
        fates: Counter[str] = Counter()
        codes: Counter[str] = Counter()
        selected = risen = 0
        sharing = False
        for row in self._run(statement):
            sharing = bool(row.sharing)
            risen += int(row.rising)
            fates[row.fate] += row.many
            selected += row.many if row.selected else 0
            for code in rows.codes_of(row.codes, self._codes[draft.run]):
                codes[code] += row.many
        self._drafted[draft.run] = _Drafted(fates[Fate.CHANGED], risen, sharing)
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
        drafted = self._drafted[run.id]
        if not drafted.changed:
            return
        self._next_versions(run, draft.cardinality, drafted.changed)
        self._write_events(run, draft, fields)
        if drops_as_planned(effect):
            self._drop_as_planned(run.id)
        elif effect.drop is not Drop.NOBODY:
            mine = self._tables.assignment
            ended = delete(mine).where(is_dropped(self._tables, effect))
            theirs = self._changed(run.id, item.c.customer_id)
            self._run(self._database.within(ended, (mine.c.customer_id,), theirs))
        if moves_primary(effect) and not ends_former(effect):
            self._demote(run.id)
        if effect.add is not None:
            self._add(run.id, draft)
        if effect.undoes:
            self._restore(run.id)
        if drafted.rising:
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
            self._run(self._database.within(delete(share), pair, self._named_in(run, item.c.restored)))

    def _share(self, run: str, until: int) -> None:
        """Whoever lost an assignment sees the customer until then, or longer where that was so before."""
        source = self._named_in(run, self._tables.plan_item.c.removed).add_columns(literal(until, BigInteger()))
        self._run(self._database.insert_latest(self._tables.share, source, "until"))

    def _named_in(self, run: str, column: ColumnElement[str]) -> Select[Any]:
        """Customer and staff of every assignment that plan rows list in a column."""
        item = self._tables.plan_item
        lines = JsonObjects(column).table_valued("value", name="lines")
        staff = cast(JsonStaff(lines.c.value), self._tables.staff_key).label("staff_id")
        return self._changed(run, item.c.customer_id, staff).select_from(item.join(lines, true()))

    def _drop_as_planned(self, run: str) -> None:
        """End the assignments the plan rows list: who has the room depends on others, and those rows go too."""
        mine = self._tables.assignment
        self._run(
            self._database.within(
                delete(mine),
                (mine.c.customer_id, mine.c.staff_id),
                self._named_in(run, self._tables.plan_item.c.removed),
            )
        )

    def _next_versions(self, run: Run, cardinality: str | None, changed: int) -> None:
        head, item = self._tables.head, self._tables.plan_item
        as_planned = self._changed(run.id, item.c.customer_id, item.c.version)
        raised = update(head).values(version=head.c.version + 1)
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
        if effect.undoes:
            return item.c.restored
        if effect.add is None:
            return literal("[]", Text())
        line = assignment_record(
            item.c.added,
            item.c.added == item.c.primary_after,
            literal(draft.at, BigInteger()),
            self._role_of(effect),
            self._source_of(effect),
        )
        return case((item.c.added.is_not(None), JsonRow(line)), else_=literal("[]", Text()))

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

    def _add(self, run: str, draft: Draft) -> None:
        item, mine, head = self._tables.plan_item, self._tables.assignment, self._tables.head
        columns: dict[str, Any] = {
            "customer_id": item.c.customer_id,
            "staff_id": item.c.added,
            "slot": cast(case((item.c.added == item.c.primary_after, 0)), SmallInteger),
            "cardinality": head.c.cardinality,
            "role": self._role_of(draft.effect),
            "source": self._source_of(draft.effect),
            "since": literal(draft.at, BigInteger()),
        }
        source = self._changed(run, *(value.label(name) for name, value in columns.items())).where(
            item.c.added.is_not(None)
        )
        source = source.select_from(item.join(head, head.c.customer_id == item.c.customer_id))
        self._run(insert(mine).from_select(list(columns), source))

    def _restore(self, run: str) -> None:
        """Whoever had gone comes back with the date, role and source of then."""
        item, mine, head = self._tables.plan_item, self._tables.assignment, self._tables.head
        lines = JsonObjects(item.c.restored).table_valued("value", name="lines")
        staff = cast(JsonStaff(lines.c.value), self._tables.staff_key)
        columns: dict[str, Any] = {
            "customer_id": item.c.customer_id,
            "staff_id": staff,
            "slot": cast(case((staff == item.c.primary_after, 0)), SmallInteger),
            "cardinality": head.c.cardinality,
            "role": JsonRole(lines.c.value),
            "source": JsonSource(lines.c.value),
            "since": JsonSince(lines.c.value),
        }
        source = self._changed(run, *(value.label(name) for name, value in columns.items())).select_from(
            item.join(lines, true()).join(head, head.c.customer_id == item.c.customer_id)
        )
        self._run(insert(mine).from_select(list(columns), source.where(item.c.restored != "[]")))

    def _promote(self, run: str) -> None:
        item, mine = self._tables.plan_item, self._tables.assignment
        chosen = self._changed(run, item.c.customer_id, item.c.primary_after).where(self._rises())
        filled = update(mine).where(mine.c.slot.is_(None)).values(slot=0)
        self._run(self._database.within(filled, (mine.c.customer_id, mine.c.staff_id), chosen))

    def _rises(self) -> ColumnElement[bool]:
        """Whether somebody who was a secondary becomes primary; who is added comes with its slot."""
        item = self._tables.plan_item
        return and_(
            item.c.primary_after.is_not(None),
            item.c.primary_before.is_distinct_from(item.c.primary_after),
            item.c.added.is_distinct_from(item.c.primary_after),
        )

    def notify(self, run: str, parts: Sequence[str] = ()) -> None:
        """One outbox row for each staff that gained or lost a customer in ``run``, or in its parts."""
        item, task = self._tables.plan_item, self._tables.outbox
        these = item.c.run.in_(parts or (run,)), item.c.fate == Fate.CHANGED.value
        told = union(
            self._lines_of(item.c.removed).where(*these),
            self._lines_of(item.c.restored).where(*these),
            select(item.c.added.label("staff")).where(*these, item.c.added.is_not(None)),
        ).subquery("told")
        source = select(literal(run, Text()), told.c.staff, literal("ready", Text())).order_by(told.c.staff)
        self._run(insert(task).from_select(["run", "receiver", "state"], source))

    def _lines_of(self, text: ColumnElement[Any], *columns: ColumnElement[Any]) -> Select[Any]:
        """The staff of lists of assignments in plan rows."""
        lines = JsonObjects(text).table_valued("value", name="lines")
        staff = cast(JsonStaff(lines.c.value), self._tables.staff_key).label("staff")
        return select(staff, *columns).select_from(self._tables.plan_item.join(lines, true()))

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


def _idempotent(actor: Actor, key: str) -> dict[str, str]:
    return {"actor_kind": actor.kind.value, "actor": actor.id, "rule": actor.rule or "", "key": key}


@frozen
class _Drafted:
    """What a draft came to: how many customers change, how many of them get a primary who was there before, and
    whether any customer at all is shared."""

    changed: int
    rising: int
    sharing: bool
