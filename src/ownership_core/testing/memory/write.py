"""The transaction of the memory store: drafts judged by Python, effects carried out row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, cycle

from attrs import evolve

from ownership_core.commands import Ids, Matching, One, Selection
from ownership_core.distribute import Placement
from ownership_core.errors import cardinality_mismatch
from ownership_core.events import Event, Subject, customer_body
from ownership_core.keys import id_order
from ownership_core.model import (
    Actor,
    Assignment,
    CoverRow,
    Customer,
    CustomerId,
    Department,
    Level,
    Staff,
    StaffId,
    Value,
)
from ownership_core.policies import SINGLE, Limit
from ownership_core.ports import Draft, Expected, Given, NewRow, Query, Remembered, Run, RunState, Tally, Task
from ownership_core.rules import Rule
from ownership_core.ruling import (
    CHANGED_SINCE,
    NOT_FOUND,
    PLACED,
    STALE,
    VERSION_CONFLICT,
    Demand,
    Fate,
    Outcome,
    PlanRow,
    Share,
    Side,
    Undo,
    carry_out,
)
from ownership_core.scope import AllOf, Not, Scope
from ownership_core.testing.memory.read import MemoryReader
from ownership_core.testing.memory.state import Head, Row, State, conflict


class MemoryWriter(MemoryReader):
    """One transaction on a copy of the state; the store swaps the copy in when the block ends well."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._expected: dict[str, dict[CustomerId, Expected]] = {}
        self._placed: dict[str, dict[CustomerId, Placement]] = {}

    # Locks: there is one writer at a time, so only the heads are left to insert

    def lock_customers(self, selection: Selection, visible: Scope) -> None:
        """Insert the missing heads of the customers named, or of those selected and visible."""
        named = _named(selection)
        selected = self._matching(Query(AllOf((selection.scope, visible)))) if isinstance(selection, Matching) else ()
        for id in [customer.id for customer in selected] if named is None else named:
            if id in self._state.rows:
                self._state.heads.setdefault(id, Head())

    def lock_listed(self, run: str, undoes: Sequence[str] = ()) -> None:
        """The same for the customers ``run`` expects, or those that ``undoes`` changed."""
        changed = (row.customer for one in undoes for row in self.plan_rows(one) if row.fate is Fate.CHANGED)
        for id in [*self._expected.get(run, ()), *changed]:
            if id in self._state.rows:
                self._state.heads.setdefault(id, Head())

    @property
    def alone(self) -> bool:
        """Yes: one writer runs at a time."""
        return True

    def lock_staff(self, staff: Collection[StaffId] | None, *, changing: bool = False) -> None:
        """Nothing to hold: no other writer runs."""

    def lock_cardinality(self, cardinality: str) -> None:
        """Nothing to hold either; ``cardinality_mismatch`` where another is in force."""
        self._require(cardinality)

    def _require(self, cardinality: str | None) -> None:
        if cardinality not in (None, self._state.cardinality):
            raise cardinality_mismatch(self._state.cardinality, str(cardinality), "memory store")

    # Plans

    def expect(self, run: str, rows: Iterable[Expected], plan: str = "") -> None:
        """Load the rows of a plan file for a ``from_plan`` draft; their sources are those of ``plan``."""
        if plan:
            kept = [row for row in self.plan_rows(plan) if row.fate is Fate.CHANGED]
            sources = {(row.customer, row.version, row.receiver): row.source for row in kept}
            rows = [evolve(r, source=sources.get((r.customer, r.version, r.receiver), "")) for r in rows]
        self._expected.setdefault(run, {}).update({row.customer: row for row in rows})

    def expect_plan(
        self, run: str, plan: str, after: CustomerId | None = None, limit: int | None = None
    ) -> CustomerId | None:
        """Take the CHANGED rows of the stored plan ``plan``, or the next ones, as what ``run`` expects."""
        key = self._state.options.customer_key
        rows = [row for row in self.plan_rows(plan) if row.fate is Fate.CHANGED]
        if after is not None:
            rows = [row for row in rows if id_order(row.customer, key) > id_order(after, key)]
        chosen = rows if limit is None else rows[:limit]
        self.expect(run, map(_as_expected, chosen))
        return chosen[-1].customer if limit is not None and chosen else None

    def place(self, run: str, rows: Iterable[Placement]) -> None:
        """Say whom ``run`` gives its customers to."""
        self._placed.setdefault(run, {}).update({row.customer: row for row in rows})

    def place_in_turn(self, run: str, query: Query, staff: Sequence[StaffId]) -> int:
        """Place everybody ``query`` holds of, in id order and in turn; how many there were."""
        placed = [Placement(id, one) for id, one in zip(self.ids(query), cycle(staff), strict=False)]
        self.place(run, placed)
        return len(placed)

    def parties(self, draft: Draft) -> tuple[frozenset[StaffId], frozenset[StaffId]]:
        """Who may gain and who may lose customers by a draft that places or undoes."""
        gains: set[StaffId | None] = set()
        loses: set[StaffId] = set()
        if draft.undoes:
            for undo in self._undone(draft).values():
                gains |= {a.staff for a in undo.removed}
                loses |= undo.brought
        elif draft.from_plan:
            gains = {row.receiver for row in self._expected.get(draft.run, {}).values()}
        else:
            gains = {row.staff for row in self._placed.get(draft.run, {}).values()}
        return frozenset(staff for staff in gains if staff is not None), frozenset(loses)

    def lock_rotations(self, names: Collection[str]) -> dict[str, StaffId | None]:
        """Who was last in each; nobody else writes."""
        return {name: self._state.rotations.get(name) for name in sorted(names)}

    def save_rotation(self, name: str, staff: StaffId) -> None:
        """``staff`` was last."""
        self._state.rotations[name] = staff

    def draft(self, draft: Draft) -> Tally:
        """Write the plan rows of a run and count their fates."""
        if draft.run in self._state.plan_rows:
            raise conflict("This run has been drafted already.")
        undone = self._undone(draft)
        rows = [self._planned(draft, id, undone.get(id)) for id in self._drafted(draft)]
        self._placed.pop(draft.run, None)
        self._state.plan_rows[draft.run] = {row.customer: row for row in rows}
        return self._tally(draft)

    def refuse(self, draft: Draft, customers: Sequence[CustomerId], code: str) -> Tally:
        """Refuse these CHANGED rows of a drafted run after all."""
        rows = dict(self._state.plan_rows[draft.run])
        them = [rows[id] for id in customers if rows[id].fate is Fate.CHANGED]
        rows |= {row.customer: PlanRow(row.customer, Fate.REFUSED, row.version, (code,)) for row in them}
        self._state.plan_rows[draft.run] = rows
        return self._tally(draft)

    def _tally(self, draft: Draft) -> Tally:
        rows = self._state.plan_rows[draft.run].values()
        fates = Counter(row.fate for row in rows)
        return Tally(
            changed=fates[Fate.CHANGED],
            unchanged=fates[Fate.UNCHANGED],
            refused=fates[Fate.REFUSED],
            stale=fates[Fate.STALE],
            codes=dict(Counter(code for row in rows for code in row.codes)),
            still_selected=sum(self._still_selected(draft, row) for row in rows) if draft.from_plan else 0,
        )

    def given(self, run: str) -> list[Given]:
        """Whom the CHANGED rows of ``run`` give customers to."""
        found: dict[tuple[str, StaffId], Given] = {}
        for row in self.plan_rows(run):
            if row.fate is Fate.CHANGED and row.receiver is not None:
                of = row.source, row.receiver
                found[of] = Given(*of, found[of].many + 1 if of in found else 1, row.customer)
        return list(found.values())

    def _drafted(self, draft: Draft) -> list[CustomerId]:
        if draft.from_plan:
            return list(self._expected.get(draft.run, {}))
        if draft.undoes and not draft.from_plan:
            return [id for id in self._undone(draft) if self._sees(draft, id)]
        if draft.only_placed and not draft.from_plan:
            return [id for id in self._placed.get(draft.run, {}) if self._sees(draft, id)]
        named = _named(draft.selection)
        if named is not None:
            return list(named)
        return [c.id for c in self._state.customers() if self._is_visible(draft, c) and self._selects(draft, c)]

    def _undone(self, draft: Draft) -> dict[CustomerId, Undo]:
        """What the runs that ``draft`` undoes did to each customer."""
        rows = [row for run in draft.undoes for row in self.plan_rows(run) if row.fate is Fate.CHANGED]
        return {
            row.customer: Undo(
                version=row.version + 1,
                primary=row.primary_before,
                brought=frozenset({*(() if row.added is None else (row.added,)), *(a.staff for a in row.restored)}),
                removed=row.removed,
            )
            for row in rows
        }

    def _sees(self, draft: Draft, id: CustomerId) -> bool:
        customer = self._state.customer(id)
        return customer is not None and self._is_visible(draft, customer)

    def _share(self, draft: Draft, id: CustomerId) -> Share:
        if draft.from_plan:
            expected = self._expected[draft.run].get(id)
            return Share() if expected is None else Share(expected.receiver, None, expected.source)
        placed = self._placed.get(draft.run, {}).get(id)
        return Share() if placed is None else Share(placed.staff, placed.code, placed.source)

    def _planned(self, draft: Draft, id: CustomerId, undo: Undo | None) -> PlanRow:
        customer = self._state.customer(id)
        if customer is None or not self._is_visible(draft, customer):
            return PlanRow(id, Fate.REFUSED, codes=(NOT_FOUND,))
        share = self._share(draft, id)
        outcome = carry_out(draft.effect, customer.assignments, draft.at, customer.inactive, share, undo)
        codes = self._failing(draft, customer, outcome, share, undo)
        if codes:
            return PlanRow(id, Fate.STALE if STALE in codes else Fate.REFUSED, customer.version, codes)
        changed = outcome.changed or draft.effect.touch
        dealt = draft.effect.add is PLACED
        return PlanRow(
            customer=id,
            fate=Fate.CHANGED if changed else Fate.UNCHANGED,
            version=customer.version,
            primary_before=outcome.primary_before,
            primary_after=outcome.primary_after,
            added=next((a.staff for a in outcome.added), None),
            removed=self._by_staff(outcome.removed),
            receiver=outcome.receiver if dealt else None,
            source=share.source if dealt else "",
            role=next((a.role for a in outcome.removed), "") if draft.effect.passes_role else "",
            restored=self._by_staff(outcome.restored),
        )

    def _by_staff(self, some: tuple[Assignment, ...]) -> tuple[Assignment, ...]:
        return tuple(sorted(some, key=lambda a: id_order(a.staff, self._state.options.staff_key)))

    def _failing(
        self, draft: Draft, customer: Customer, outcome: Outcome, share: Share, undo: Undo | None
    ) -> tuple[str, ...]:
        codes = []
        if draft.expected_version is not None and draft.expected_version != customer.version:
            codes.append(VERSION_CONFLICT)
        if draft.from_plan and self._is_stale(draft, customer, outcome):
            codes.append(STALE)
        if undo is not None and undo.version != customer.version and outcome.changed:
            codes.append(CHANGED_SINCE)
        codes += [r.code for r in draft.requirements if not self._holds(r.scope, customer)]
        codes += [d.requirement.code for d in draft.demands if not self._is_met(d, customer, outcome, undo)]
        crowded = any(self._is_crowded(limit, customer, outcome) for limit in draft.limits)
        if crowded or (draft.undoes and draft.limits and self._is_beside_nobody(draft, outcome)):
            codes.append(draft.limit_code)
        if share.code is not None:
            codes.append(share.code)
        return tuple(dict.fromkeys(codes))

    def _is_met(self, demand: Demand, customer: Customer, outcome: Outcome, undo: Undo | None) -> bool:
        if demand.side is Side.GAINS:
            parties = {a.staff for a in undo.removed} if undo is not None else {outcome.receiver}
        else:
            parties = set(undo.brought) if undo is not None else {a.staff for a in outcome.removed}
        return not parties & demand.staff or self._holds(demand.requirement.scope, customer)

    def _is_crowded(self, limit: Limit, customer: Customer, outcome: Outcome) -> bool:
        return len(outcome.after) > limit.staff and not self._holds(Not(limit.scope), customer)

    def _is_beside_nobody(self, draft: Draft, outcome: Outcome) -> bool:
        """Whether in single somebody would be assigned who does not stand for the customer."""
        return draft.cardinality == SINGLE and bool(outcome.after) and outcome.primary_after is None

    def _is_stale(self, draft: Draft, customer: Customer, outcome: Outcome) -> bool:
        expected = self._expected[draft.run][customer.id]
        added = next((a.staff for a in outcome.added), None)
        change = outcome.primary_after, added, len(outcome.removed), len(outcome.restored)
        planned = expected.primary_after, expected.added, expected.removed, expected.restored
        same = customer.version == expected.version and change == planned
        stands = draft.sources is None or expected.source in draft.sources
        return not same or not stands or not self._selects(draft, customer)

    def _still_selected(self, draft: Draft, row: PlanRow) -> bool:
        customer = self._state.customer(row.customer)
        return customer is not None and self._is_visible(draft, customer) and self._selects(draft, customer)

    def _is_visible(self, draft: Draft, customer: Customer) -> bool:
        return self._holds(draft.visible, customer)

    def _selects(self, draft: Draft, customer: Customer) -> bool:
        match draft.selection:
            case One(id):
                return customer.id == id
            case Ids(ids):
                return customer.id in ids
            case Matching(scope):
                return self._holds(scope, customer)

    # Runs

    def write(self, run: Run, draft: Draft, fields: Sequence[str] = ()) -> None:
        """Apply the CHANGED rows of a drafted run: heads, events, assignments."""
        undone = self._undone(draft)
        for row in list(self.plan_rows(run.id)):
            if row.fate is not Fate.CHANGED:
                continue
            self._require(draft.cardinality)
            customer = self._state.customer(row.customer)
            if customer is None:
                raise conflict("The customer has gone since it was drafted.")
            undo = undone.get(row.customer)
            share = Share(row.receiver, None, row.source)
            outcome = carry_out(draft.effect, customer.assignments, draft.at, customer.inactive, share, undo)
            self._record(run, row, draft.at, (*outcome.added, *outcome.restored), fields)
            self._state.assign(row.customer, outcome.after)
            gained, lost = (*outcome.added, *outcome.restored), outcome.removed
            self._state.share(row.customer, [one.staff for one in gained], lost, draft.keep_view_until)

    def _record(
        self, run: Run, row: PlanRow, at: int, added: Iterable[Assignment] = (), fields: Iterable[str] = ()
    ) -> None:
        """The next version of the customer's head and the event that carries it."""
        head = self._state.heads.get(row.customer, Head())
        if head.version != row.version:
            raise conflict("The customer has changed since it was drafted.")
        self._state.heads[row.customer] = evolve(head, version=head.version + 1)
        body = customer_body(run.what, row, added, fields)
        self._state.record(
            Event(Subject.CUSTOMER, row.customer, head.version + 1, run.id, at, run.actor, run.reason, body)
        )

    def notify(self, run: str, parts: Sequence[str] = ()) -> None:
        """One outbox row for each staff that gained or lost a customer in ``run``, or in its parts."""
        for event in chain.from_iterable(self.events(Subject.CUSTOMER, run=one) for one in parts or (run,)):
            for line in (*event.body["added"], *event.body["removed"]):
                receiver = StaffId(line["staff"])
                self._state.outbox[(run, receiver)] = Task(run, receiver)

    def save_run(self, run: Run) -> None:
        """Store a run."""
        self._state.runs[run.id] = run

    def discard(self, run: str) -> None:
        """Forget the plan rows of a run."""
        self._state.plan_rows.pop(run, None)

    def expire(self, now: int) -> None:
        """Forget the plans that wait until ``now`` or less, with their rows."""
        for run in list(self._state.runs.values()):
            if run.state is RunState.PLANNED and run.expires is not None and run.expires <= now:
                del self._state.runs[run.id]
                self.discard(run.id)

    # Customers

    def taken(self, ids: Sequence[CustomerId], email_keys: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Which of these ids and which of these e-mail keys already exist."""
        keys = {row.email_key for row in self._state.rows.values()}
        return frozenset(id for id in ids if id in self._state.rows), frozenset(k for k in email_keys if k in keys)

    def create_customers(self, run: Run, rows: Sequence[NewRow], cardinality: str | None = None) -> None:
        """Insert customers, their heads, assignments, plan rows and events."""
        if rows:
            self._require(cardinality)
        planned = dict(self._state.plan_rows.get(run.id, {}))
        for new in rows:
            planned[new.id] = self._create(run, new)
        self._state.plan_rows[run.id] = planned

    def _create(self, run: Run, new: NewRow) -> PlanRow:
        if new.id in self._state.rows:
            raise conflict("A customer with this id exists already.")
        self._state.check_email_key(new.id, new.email_key)
        self._state.rows[new.id] = Row({}, {}, new.email_key)
        version = self._state.heads.setdefault(new.id, Head()).version
        self._put(new.id, new.values, new.sets)
        owned = () if new.owner is None else (Assignment(new.owner, True, run.at, "", new.source),)
        row = PlanRow(new.id, Fate.CHANGED, version, primary_after=new.owner, added=new.owner)
        self._record(run, row, run.at, owned)
        self._state.assign(new.id, owned)
        return row

    def change_customer(
        self,
        customer: CustomerId,
        values: Mapping[str, Value | None],
        sets: Mapping[str, frozenset[str]],
        email_key: str | None,
    ) -> None:
        """Replace these fields of one customer; one that does not exist stays so."""
        row = self._state.rows.get(customer)
        if row is None:
            return
        if "email" in values:
            self._state.check_email_key(customer, email_key)
            self._state.rows[customer] = evolve(row, email_key=email_key)
        self._put(customer, values, sets)

    def _put(self, id: CustomerId, values: Mapping[str, Value | None], sets: Mapping[str, frozenset[str]]) -> None:
        if "no_auto" in values:
            head = self._state.heads.get(id, Head())
            self._state.heads[id] = evolve(head, no_auto=bool(values["no_auto"]))
        row = self._state.rows[id]
        merged = {**row.values, **{name: value for name, value in values.items() if name != "no_auto"}}
        every_set = {**row.sets, **{name: frozenset(texts) for name, texts in sets.items()}}
        self._state.rows[id] = evolve(
            row,
            values={name: value for name, value in merged.items() if value is not None},
            sets={name: texts for name, texts in every_set.items() if texts},
        )

    def delete_customers(self, run: str) -> None:
        """Delete the customers ``run`` changed; heads and events stay."""
        for row in list(self.plan_rows(run)):
            if row.fate is Fate.CHANGED:
                self._state.rows.pop(row.customer, None)
                self._state.assignments.pop(row.customer, None)
                self._state.shares.pop(row.customer, None)

    def switch_cardinality(self, cardinality: str) -> None:
        """Keep every assignment under ``cardinality``; those that contradict it are a ``conflict``."""
        self._state.cardinality = cardinality
        for id, assignments in list(self._state.assignments.items()):
            self._state.assign(id, assignments)

    # Staff and access

    def save_staff(self, staff: Staff, event: Event) -> None:
        """Insert or replace a staff; its version is that of its event."""
        self._state.staff[staff.id] = evolve(staff, version=event.version)
        self._state.raise_access(self._state.covering([staff.id]))
        self._state.record(event)

    def save_department(self, department: Department, event: Event) -> None:
        """Insert or replace a department; every staff's snapshot goes stale."""
        self._state.departments[department.id] = evolve(department, version=event.version)
        self._state.raise_access(self._state.staff)
        self._state.record(event)

    def save_role(self, role: str, levels: Mapping[str, Level], event: Event) -> None:
        """Insert or replace a role; the snapshots of those who hold it, and of who covers them, go stale."""
        self._state.roles[role] = dict(levels)
        holders = [s.id for s in self._state.staff.values() if role in s.roles]
        self._state.raise_access(self._state.covering(holders))
        self._state.record(event)

    def save_cover(self, cover: CoverRow, event: Event) -> None:
        """Insert or replace a cover; the snapshot of who covers goes stale."""
        if not {cover.staff, cover.by} <= self._state.staff.keys():
            raise conflict("A cover names a staff that does not exist.")
        self._state.covers[cover.id] = evolve(cover, version=event.version)
        self._state.raise_access([cover.by])
        self._state.record(event)

    # Rules

    def save_rule(self, rule: Rule, event: Event) -> None:
        """Insert or replace a rule; its version is that of its event."""
        self._state.rules[rule.id] = evolve(rule, version=event.version)
        self._state.record(event)

    def delete_rule(self, rule: str, event: Event) -> None:
        """Forget a rule; its events stay."""
        self._state.rules.pop(rule, None)
        self._state.record(event)

    # Idempotency

    def recall(self, actor: Actor, key: str) -> Remembered | None:
        """What this actor's idempotency key did before."""
        found = self._state.remembered.get((actor, key))
        return None if found is None else found[0]

    def remember(self, actor: Actor, key: str, remembered: Remembered, at: int) -> None:
        """Keep what the key did."""
        if (actor, key) in self._state.remembered:
            raise conflict("This idempotency key has been used already.")
        self._state.remembered[(actor, key)] = (remembered, at)


def _as_expected(row: PlanRow) -> Expected:
    return Expected(
        row.customer,
        row.version,
        row.primary_after,
        row.added,
        len(row.removed),
        row.receiver,
        row.source,
        len(row.restored),
    )


def _named(selection: Selection) -> tuple[CustomerId, ...] | None:
    """The ids a selection names; None for a scope."""
    match selection:
        case One(id):
            return (id,)
        case Ids(ids):
            return ids
        case _:
            return None
