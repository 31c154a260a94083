"""The ``Writer`` port: one transaction, every change a fixed number of set-based statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Any

from attrs import frozen
from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
    When,
    Window,
)
from django.db.models.functions import Coalesce, RowNumber

from ownership_core.commands import Matching, Selection
from ownership_core.distribute import Placement
from ownership_core.errors import Conflict, Problem
from ownership_core.events import BODY_VERSION, Subject
from ownership_core.model import CustomerId, StaffId
from ownership_core.ports import Draft, Expected, Given, Query, Run, Tally
from ownership_core.reasons import Reason
from ownership_core.rows import (
    actor_columns,
    codes_of,
    draft_codes,
    drops_as_planned,
    dumped,
    ends_former,
    moves_primary,
    named,
    placed_in_turn,
)
from ownership_core.ruling import PLACED, Drop, Effect, Fate, Primary, Side
from ownership_core.scope import AllOf, Scope
from ownership_django import models as tables
from ownership_django.functions import AsText
from ownership_django.hosts import Customers
from ownership_django.store.change import (
    Sql,
    delete_among,
    insert_from,
    insert_latest,
    lock_among,
    lock_beside,
    rows_from,
    table,
    update_among,
)
from ownership_django.store.draft import COLUMNS, Drafting
from ownership_django.store.effects import Ended, assigned_line, moved, rises
from ownership_django.store.errors import WHO, answering, refused
from ownership_django.store.lines import parties_of, planned_leavers, planned_returns, returned, shared_until, told_of
from ownership_django.store.order import id_order_of, is_behind
from ownership_django.store.reader import CHUNK
from ownership_django.store.records import RecordWriter
from ownership_django.store.words import AsJson, JsonLength, JsonRecord, JsonRow, JsonText, NoText, Word, staff_listed


@answering
class DjangoWriter(RecordWriter):
    """One transaction; whoever opened it ends it."""

    def __init__(self, using: str, customers: Customers) -> None:
        super().__init__(using, customers)
        self._drafted: dict[str, _Drafted] = {}

    # Locks

    def lock_customers(self, selection: Selection, visible: Scope) -> None:
        """Insert missing heads and lock them, both in id order; for ``Matching`` those selected and visible.

        The host's rows are held too: a group or website must not change meanwhile (I8).
        """
        if self.alone:
            return  # nobody else writes; heads come with their first version
        ids = named(selection)
        if isinstance(selection, Matching):
            chosen = self._everybody().filter(self._where(AllOf((visible, selection.scope))))
        else:
            chosen = self._among(ids or ())
        self._hold(chosen)

    def lock_listed(self, run: str, undoes: Sequence[str] = ()) -> None:
        """The same for the customers ``run`` expects, or those that the runs ``undoes`` changed."""
        if self.alone:
            return
        listed = Q(pk__in=self._rows(tables.Expectation).filter(run=run).values("customer"))
        if undoes:
            undone = self._rows(tables.PlanItem).filter(run__in=undoes, fate=Fate.CHANGED.value)
            listed |= Q(pk__in=undone.values("customer"))
        self._hold(self._everybody().filter(listed))

    def _hold(self, chosen: QuerySet[Any]) -> None:
        """Insert the missing heads of these customers, and lock all of theirs and the host's rows."""
        self._add_heads(chosen)
        lock_beside(tables.Head, "customer", chosen, self._using)

    def lock_staff(self, staff: Collection[StaffId] | None, *, changing: bool = False) -> None:
        """Hold these staff rows, or everybody's, as they are until the end; alone where they are to be changed."""
        if self.alone or (staff is not None and not staff):
            return
        wanted = self._rows(tables.Staff)
        if staff is not None:
            wanted = wanted.filter(key__in=staff_listed(staff))
        lock_among(tables.Staff, "key", wanted, self._using, shared=not changing)

    # Plans

    def expect(self, run: str, rows: Iterable[Expected], plan: str = "") -> None:
        """Load the rows of a plan file for a ``from_plan`` draft; streamed, O(chunk) memory. Sources are ``plan``'s."""
        remaining = iter(rows)
        while chunk := list(islice(remaining, CHUNK)):
            self._insert(
                tables.Expectation,
                (
                    {
                        "run": run,
                        "customer": self._customers.value(row.customer),
                        "version": row.version,
                        "primary_after": row.primary_after,
                        "added": row.added,
                        "removed": row.removed,
                        "receiver": row.receiver,
                        "source": row.source,
                        "restored": row.restored,
                    }
                    for row in chunk
                ),
            )
        if plan:
            same = {name: OuterRef(name) for name in ("customer", "version", "receiver")}
            source = Subquery(self._changed(plan).filter(**same).values("source"))
            self._rows(tables.Expectation).filter(run=run).update(source=Coalesce(source, Value("")))

    def expect_plan(
        self, run: str, plan: str, after: CustomerId | None = None, limit: int | None = None
    ) -> CustomerId | None:
        """Take the CHANGED rows of the stored plan ``plan``, or the next ones, as what ``run`` expects."""
        columns = ("customer", "version", "primary_after", "added", "receiver", "source")
        rows, order = self._changed(plan), id_order_of(self._customers, self._using, "customer")
        if after is not None:
            rows = rows.filter(is_behind(self._customers, self._using, after, "customer"))
        if limit is not None:
            rows = rows.order_by(order)[:limit]
        source = rows.values_list(Word(run), *columns, JsonLength(F("removed")), JsonLength(F("restored")))
        insert_from(source, tables.Expectation, ("run", *columns, "removed", "restored"), self._using)
        if limit is None:
            return None
        expected = self._rows(tables.Expectation).filter(run=run).order_by(order).reverse()
        last = expected.values_list("customer", flat=True).first()
        return None if last is None else CustomerId(str(last))

    def place(self, run: str, rows: Iterable[Placement]) -> None:
        """Say whom ``run`` gives its customers to; streamed, O(chunk) memory."""
        remaining = iter(rows)
        while chunk := list(islice(remaining, CHUNK)):
            self._insert(
                tables.Placement,
                (
                    {
                        "run": run,
                        "customer": self._customers.value(row.customer),
                        "staff": row.staff,
                        "code": row.code,
                        "source": row.source,
                    }
                    for row in chunk
                ),
            )

    def place_in_turn(self, run: str, query: Query, staff: Sequence[StaffId]) -> int:
        """Place everybody ``query`` holds of, in id order and in turn; how many there were."""
        return placed_in_turn(self, run, query, staff, CHUNK)

    def parties(self, draft: Draft) -> tuple[frozenset[StaffId], frozenset[StaffId]]:
        """Who may gain and who may lose customers by a draft that places or undoes."""
        sides: dict[str, set[StaffId]] = {Side.GAINS: set(), Side.LOSES: set()}
        if draft.undoes:
            for staff, side in rows_from(self._using, parties_of(self._using, draft.undoes)):
                sides[side].add(StaffId(staff))
        else:
            model, column = (tables.Expectation, "receiver") if draft.from_plan else (tables.Placement, "staff")
            dealt: QuerySet[Any] = self._rows(model)
            dealt = dealt.filter(run=draft.run, **{f"{column}__isnull": False}).order_by()
            sides[Side.GAINS] = set(map(StaffId, dealt.values_list(column, flat=True).distinct()))
        return frozenset(sides[Side.GAINS]), frozenset(sides[Side.LOSES])

    def lock_rotations(self, names: Collection[str]) -> dict[str, StaffId | None]:
        """Hold these rotations alone until the end, in order, and tell who was last."""
        if not names:
            return {}
        listed, kept = staff_listed(names), table(tables.Rotation, self._using)
        new = f"SELECT id, NULL FROM {listed.rows(self._connection)} WHERE id NOT IN (SELECT name FROM {kept})"
        source = Sql(f"{new} ORDER BY id", (listed.packed,))
        insert_from(source, tables.Rotation, ("name", "staff"), self._using, missing=True)
        held = self._rows(tables.Rotation).filter(name__in=sorted(names)).order_by("name").select_for_update()
        return {name: None if last is None else StaffId(last) for name, last in held.values_list("name", "staff")}

    def save_rotation(self, name: str, staff: StaffId) -> None:
        """``staff`` was last."""
        self._rows(tables.Rotation).filter(name=name).update(staff=staff)

    def draft(self, draft: Draft) -> Tally:
        """Write the plan rows of a run and count their fates: two statements, one more for what was set down before."""
        if named(draft.selection) != () or draft.from_plan or draft.undoes or draft.only_placed:
            statement = Drafting(self._customers, self._using, draft, self._listed).statement()
            insert_from(statement, tables.PlanItem, COLUMNS, self._using)
        self._codes[draft.run] = draft_codes(draft, WHO)
        self._fresh.add(draft.run)
        if draft.from_plan:
            self._delete(self._rows(tables.Expectation).filter(run=draft.run))
        elif draft.effect.add is PLACED:
            self._delete(self._rows(tables.Placement).filter(run=draft.run))
        return self._tally(draft)

    def refuse(self, draft: Draft, customers: Sequence[CustomerId], code: str) -> Tally:
        """Refuse these CHANGED rows of a drafted run after all."""
        remaining, flag = iter(customers), 1 << self._codes[draft.run].index(code)
        nobody = dict.fromkeys(("primary_before", "primary_after", "added", "receiver"))
        blank = {**nobody, "removed": "[]", "source": "", "role": "", "restored": "[]"}
        while chunk := [self._customers.value(id) for id in islice(remaining, CHUNK)]:
            rows = self._changed(draft.run).filter(customer__in=chunk)
            rows.update(fate=Fate.REFUSED.value, codes=flag, **blank)
        return self._tally(draft)

    def given(self, run: str) -> list[Given]:
        """Whom the CHANGED rows of ``run`` give customers to."""
        of, order = ("source", "receiver"), id_order_of(self._customers, self._using, "customer")
        last = Window(RowNumber(), of, (F(order) if isinstance(order, str) else order).desc())
        rows = self._changed(run).filter(receiver__isnull=False).order_by()
        found = rows.annotate(many=Window(Count("pk"), of), place=last).filter(place=1)
        return [
            Given(source, StaffId(receiver), many, CustomerId(str(customer)))
            for source, receiver, many, customer in found.values_list(*of, "many", "customer")
        ]

    def _tally(self, draft: Draft) -> Tally:
        fates: Counter[str] = Counter()
        codes: Counter[str] = Counter()
        selected = rising = adding = 0
        sharing = False
        counted = self._rows(tables.PlanItem).filter(run=draft.run).order_by().values_list("fate", "codes", "selected")
        for fate, bits, is_selected, many, risen, added, shared in counted.annotate(
            many=Count("pk"),
            risen=Sum(_one(rises())),
            adding=Sum(_one(Q(added__isnull=False))),
            sharing=Exists(self._rows(tables.Share)),
        ):
            sharing = sharing or shared
            fates[fate] += many
            selected += many if is_selected else 0
            if fate == Fate.CHANGED:
                rising += risen
                adding += added
            for code in codes_of(bits, self._codes[draft.run]):
                codes[code] += many
        total = sum(fates.values())
        self._drafted[draft.run] = _Drafted(fates[Fate.CHANGED], int(rising), int(adding), total, sharing)
        return Tally(
            changed=fates[Fate.CHANGED],
            unchanged=fates[Fate.UNCHANGED],
            refused=fates[Fate.REFUSED],
            stale=fates[Fate.STALE],
            codes=dict(codes),
            still_selected=selected if draft.from_plan else 0,
        )

    def _has_few(self, run: str) -> bool:
        return run in self._drafted and self._drafted[run].rows <= CHUNK

    def _changed(self, run: str) -> QuerySet[Any]:
        return self._rows(tables.PlanItem).filter(run=run, fate=Fate.CHANGED.value)

    # Runs

    def write(self, run: Run, draft: Draft, fields: Sequence[str] = ()) -> None:
        """Apply the CHANGED rows of a drafted run: heads, events, then vacate, set and promote."""
        drafted, effect = self._drafted[run.id], draft.effect
        if not drafted.changed:
            return
        in_force = self._hold_cardinality(draft.cardinality)
        self._next_versions(run, drafted.changed)
        self._write_events(run, draft, fields)
        if effect.drop is not Drop.NOBODY:
            self._drop(run.id, draft)
        if moves_primary(effect) and not ends_former(effect):
            self._demote(run.id)
        if drafted.adding:
            self._add(run.id, draft, in_force, drafted.adding)
        if effect.undoes:
            back = ("customer", "staff", "slot", "cardinality", "role", "source", "since")
            insert_from(planned_returns(self._using, run.id, in_force), tables.Assignment, back, self._using)
        if drafted.rising:
            self._promote(run.id)
        if drafted.sharing and drafted.adding:  # whoever is assigned now needs none
            gained = self._changed(run.id).filter(added__isnull=False)
            delete_among(tables.Share, {"customer": "customer", "staff": "added"}, gained, self._using)
        if effect.undoes:
            back_again = returned(self._using, run.id)
            delete_among(tables.Share, {"customer": "customer", "staff": "staff"}, back_again, self._using)
        if draft.keep_view_until is not None:
            lost = shared_until(self._using, run.id, draft.keep_view_until)
            insert_latest(lost, tables.Share, ("customer", "staff"), "until", self._using)

    def _next_versions(self, run: Run, changed: int) -> None:
        raised, as_planned = Sql("version = version + 1"), {"customer": "customer", "version": "version"}
        moved_on = update_among(tables.Head, raised, as_planned, self._changed(run.id), self._using)
        if moved_on < changed:  # some may have had no head yet; those that were raised are not as planned any more
            self._add_heads(self._everybody().filter(pk__in=self._changed(run.id).values("customer")))
            moved_on += update_among(tables.Head, raised, as_planned, self._changed(run.id), self._using)
        if moved_on != changed:
            what = "A customer has changed since it was drafted."
            raise Conflict(Problem("conflict", what, "Read again and repeat the command."), who=WHO, transient=True)

    def _write_events(self, run: Run, draft: Draft, fields: Sequence[str]) -> None:
        body = JsonRecord(
            *("v", Value(BODY_VERSION)),
            *("what", Word(run.what)),
            *("primary", JsonRow(F("primary_before"), F("primary_after"))),
            *("added", self._added_lines(draft)),
            *("removed", AsJson(F("removed"))),
            *("fields", AsJson(Word(dumped(sorted(fields))))),
        )
        columns: dict[str, Any] = {
            "subject_kind": Word(Subject.CUSTOMER.value),
            "subject": AsText(self._plain_customer()),
            "version": F("version") + 1,
            "run": Word(run.id),
            "at": Value(draft.at, BigIntegerField()),
            **{name: _word(value) for name, value in actor_columns(run.actor).items()},
            "reason": _word(run.reason),
            "body": JsonText(body),
        }
        insert_from(self._changed(run.id).values_list(*columns.values()), tables.Event, list(columns), self._using)

    def _plain_customer(self) -> Any:
        """The customer of a plan row as a value of the host's own kind of column."""
        from django.db.models import ExpressionWrapper  # noqa: PLC0415

        return ExpressionWrapper(F("customer"), output_field=self._customers.column.clone())

    def _added_lines(self, draft: Draft) -> Any:
        if draft.effect.undoes:
            return AsJson(F("restored"))
        if draft.effect.add is None:
            return AsJson(Word("[]"))
        takes = draft.effect.primary is Primary.TAKE
        line = assigned_line(
            None if takes else Q(added=F("primary_after")),
            staff=F("added"),
            since=Value(draft.at, BigIntegerField()),
            role=_role_of(draft.effect),
            source=_source_of(draft.effect),
        )
        drafted = self._drafted[draft.run]
        if drafted.adding == drafted.changed:
            return JsonRow(line)
        some = When(added__isnull=False, then=JsonText(JsonRow(line)))
        return AsJson(Case(some, default=Word("[]"), output_field=TextField()))

    def _drop(self, run: str, draft: Draft) -> None:
        """End assignments: as the plan rows list them where one depends on others, which go by the same statement."""
        if drops_as_planned(draft.effect):
            pairs = {"customer": "customer", "staff": "staff"}
            delete_among(tables.Assignment, pairs, planned_leavers(self._using, run), self._using)
            return
        theirs = self._rows(tables.Assignment).filter(customer_id__in=self._changed(run).values("customer"))
        ended = Ended(draft.effect, self._using).ended(theirs)
        if self._connection.vendor == "mysql":  # there IN would walk and lock the whole table
            delete_among(tables.Assignment, {"id": "id"}, ended, self._using)
        else:
            self._delete(ended)

    def _demote(self, run: str) -> None:
        """Vacate the slot of former primaries that stay; the unique key is checked row by row."""
        theirs = self._changed(run).filter(moved(), primary_before__isnull=False)
        primary = {"customer": "customer", "slot": Value(0)}
        update_among(tables.Assignment, Sql("slot = NULL"), primary, theirs, self._using)

    def _add(self, run: str, draft: Draft, cardinality: str, expected: int) -> None:
        added: Any = OuterRef("added") if draft.effect.add is PLACED else draft.effect.add  # of one, once is enough
        there = self._rows(tables.Staff).filter(key=added)
        columns: dict[str, Any] = {
            "customer": F("customer"),
            "staff": F("added"),
            "slot": Case(When(added=F("primary_after"), then=Value(0)), output_field=BigIntegerField()),
            "cardinality": Word(cardinality),
            "role": _role_of(draft.effect),
            "source": _source_of(draft.effect),
            "since": Value(draft.at, BigIntegerField()),
        }
        rows = self._changed(run).filter(Exists(there), added__isnull=False).values_list(*columns.values())
        if insert_from(rows, tables.Assignment, list(columns), self._using) != expected:
            raise refused(Reason.REFUSED)  # a foreign key is checked when all is over, if at all before that

    def _promote(self, run: str) -> None:
        chosen, pairs = self._changed(run).filter(rises()), {"customer": "customer", "staff": "primary_after"}
        update_among(tables.Assignment, Sql("slot = 0"), pairs, chosen, self._using)

    def notify(self, run: str, parts: Sequence[str] = ()) -> None:
        """One outbox row for each staff that gained or lost a customer in ``run``, or in its parts."""
        insert_from(told_of(self._using, run, parts), tables.OutboxTask, ("run", "receiver", "state"), self._using)


def _role_of(effect: Effect) -> Any:
    """The role of whoever a plan row adds."""
    return F("role") if effect.passes_role else Word(effect.role)


def _source_of(effect: Effect) -> Any:
    """Where that assignment comes from: the rule that chose, if one did."""
    source = Word(effect.source)
    if effect.add is not PLACED:
        return source
    return Case(When(source="", then=source), default=F("source"), output_field=TextField())


def _one(condition: Q) -> Case:
    return Case(When(condition, then=Value(1)), default=Value(0), output_field=BigIntegerField())


def _word(value: str | None) -> Any:
    return NoText() if value is None else Word(value)


@frozen
class _Drafted:
    """What a draft came to: how many customers change, get somebody, and get a primary who was there before; and
    whether any customer at all is shared."""

    changed: int
    rising: int
    adding: int
    rows: int
    sharing: bool
