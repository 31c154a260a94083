"""What a run is told before it is drafted, and its draft: plan rows, counted."""

from __future__ import annotations

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
    or_,
    select,
    true,
    union,
    union_all,
    update,
)
from sqlalchemy.types import Text

from ownership_core.distribute import Placement
from ownership_core.fields import Fields
from ownership_core.model import CustomerId, StaffId
from ownership_core.policies import SINGLE
from ownership_core.ports import Draft, Expected, Given, Query, Tally
from ownership_core.rows import draft_codes, placed_in_turn
from ownership_core.ruling import PLACED, Fate, Side
from ownership_sqlalchemy import rows
from ownership_sqlalchemy.dialects import WHO
from ownership_sqlalchemy.draft import Drafting
from ownership_sqlalchemy.lines import NO_LINES, back, ended
from ownership_sqlalchemy.prepared import Shelf
from ownership_sqlalchemy.read import CHUNK
from ownership_sqlalchemy.read.asking import asker_of
from ownership_sqlalchemy.switching import CardinalityWriter
from ownership_sqlalchemy.tables import Tables

PLACED_AT_ONCE = 5_000
RING = 50
"""So many turns stand in one statement."""
ALIKE = 50
"""So many customers, or more, that go the same way are sent as a list: a tenth of what sending their rows costs."""


class PlanWriter(CardinalityWriter):
    """Sets down whom a run concerns and gives its customers to, and judges every one of them."""

    def __init__(self, connection: Connection, tables: Tables, fields: Fields, shelf: Shelf | None = None) -> None:
        super().__init__(connection, tables, fields, shelf)
        self._codes: dict[str, tuple[str, ...]] = {}
        self._drafted: dict[str, _Drafted] = {}
        self._saved: set[str] = set()

    def expect(self, run: str, rows: Iterable[Expected], plan: str = "") -> None:
        """Load the rows of a plan file for a ``from_plan`` draft; streamed, O(chunk) memory. Sources are ``plan``'s."""
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
        if plan:
            expected, item = self._tables.expectation, self._tables.plan_item
            same = [item.c[name] == expected.c[name] for name in ("customer_id", "version", "receiver")]
            source = self._changed(plan, item.c.source).where(*same).correlate(expected).scalar_subquery()
            self._run(update(expected).where(expected.c.run == run).values(source=func.coalesce(source, "")))

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
            ended(item).many,
            item.c.receiver,
            item.c.source,
            back(item).many,
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
            outcomes: dict[tuple[StaffId | None, str | None, str], list[Placement]] = {}
            for row in chunk:
                outcomes.setdefault((row.staff, row.code, row.source), []).append(row)
            for alike in outcomes.values():
                if len(alike) >= ALIKE:
                    self._place_alike(run, alike)
            few = [row for alike in outcomes.values() if len(alike) < ALIKE for row in alike]
            self._insert(self._tables.placement, [_columns(run, row) for row in few])

    def _place_alike(self, run: str, alike: Sequence[Placement]) -> None:
        placed, wanted = self._tables.placement, self._wanted([one.customer for one in alike])
        same = {name: literal(value, placed.c[name].type) for name, value in _columns(run, alike[0]).items()}
        source = select(*{**same, "customer_id": wanted.c.id}.values())
        self._run(insert(placed).from_select(list(same), source))

    def place_in_turn(self, run: str, query: Query, staff: Sequence[StaffId]) -> int:
        """Place everybody ``query`` holds of, in id order and in turn; how many there were. Two statements."""
        if len(staff) > RING:
            return placed_in_turn(self, run, query, staff, PLACED_AT_ONCE)
        placed, number = self._tables.placement, func.row_number().over(order_by=self._sorted_id) - 1
        compiler = self._compiler.asked_by(asker_of(query))
        chosen = self._chosen(compiler, query, self._tables.customer.c.id, number.label("number")).subquery("chosen")
        takers = [(turn, literal(one, self._tables.staff_key)) for turn, one in enumerate(staff)]
        columns = {
            "run": literal(run, Text()),
            "customer_id": chosen.c.id,
            "staff": case(dict(takers), value=chosen.c.number % len(staff)),
            "source": literal("", Text()),
        }
        self._run(insert(placed).from_select(list(columns), select(*columns.values())))
        # Not every driver tells how many rows an INSERT wrote.
        many: int = self._run(select(func.count()).select_from(placed).where(placed.c.run == run)).scalar_one()
        return many

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
        gone, came = ended(item), back(item)
        # Most rows name the same few people: they are read once, and told apart by whom they name.
        led = select(
            case((gone.leads, gone.staff)).label("gone"), case((came.leads, came.staff)).label("came"), item.c.added
        )
        named = led.where(*them).distinct().cte("named")
        sides_of = ((named.c.gone, gains), (named.c.came, loses), (named.c.added, loses))
        lists = ((gone.each()[1], gains), (came.each()[1], loses))
        found = self._run(
            union(
                *(select(staff.label("staff"), side).where(staff.is_not(None)) for staff, side in sides_of),
                *(
                    select(one.staff.label("staff"), side).select_from(one.rows).where(one.there, *them)
                    for one, side in lists
                ),
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

    def refuse(self, draft: Draft, customers: Sequence[CustomerId], code: str) -> Tally:
        """Refuse these CHANGED rows of a drafted run after all."""
        item = self._tables.plan_item
        kept = {"run", "customer_id", "version", "selected"}
        blank = {one.name: None if one.nullable else "" for one in item.c if one.name not in kept}
        blank |= {"fate": Fate.REFUSED.value, "removed": NO_LINES, "restored": NO_LINES}
        remaining, flag = iter(customers), 1 << draft_codes(draft, WHO).index(code)
        while chunk := list(islice(remaining, CHUNK)):
            refused = update(item).where(*self._is_changed(draft.run)).values(blank | {"codes": flag})
            chosen = select(self._wanted(chunk).c.id)
            self._run(self._database.within(refused, (item.c.customer_id,), chosen))
        return self._tally(draft)

    def given(self, run: str) -> list[Given]:
        """Whom the CHANGED rows of ``run`` give customers to."""
        item = self._tables.plan_item
        of, id = (item.c.source, item.c.receiver), self._by_code_points(item.c.customer_id)
        counted = self._changed(run, *of, func.count().label("many"), func.max(id).label("last"))
        found = self._run(counted.where(item.c.receiver.is_not(None)).group_by(*of))
        return [Given(row.source, StaffId(str(row.receiver)), row.many, CustomerId(str(row.last))) for row in found]

    def _tally(self, draft: Draft) -> Tally:
        item = self._tables.plan_item
        mine, changes = item.c.run == draft.run, item.c.fate == Fate.CHANGED.value
        gone, came = ended(item), back(item)
        if draft.cardinality == SINGLE:
            counts = {"vacated": and_(gone.some, not_(self._comes(item)))}
        else:
            counts = {"rising": self._rises()}
        if draft.cardinality != SINGLE or draft.undoes:  # in single nobody else is assigned, but has been earlier
            counts["listed"] = or_(gone.more, came.more)
        counted: list[ColumnElement[Any]] = [
            func.count().label("many"),
            *(func.coalesce(func.sum(case((one, 1), else_=0)), 0).label(name) for name, one in counts.items()),
            select(self._tables.share.c.until).exists().label("sharing"),
        ]
        # What changes is counted as it comes, and has no codes; only the rest, mostly little, is sorted to be counted.
        plain = literal(Fate.CHANGED.value, Text()).label("fate"), literal(0).label("codes"), true().label("selected")
        said = item.c.fate, item.c.codes, item.c.selected
        statement = union_all(
            select(*plain, *counted).where(mine, changes),
            select(*said, *counted).where(mine, not_(changes)).group_by(*said),
        )
        fates: Counter[str] = Counter()
        codes: Counter[str] = Counter()
        found: Counter[str] = Counter()
        selected = 0
        sharing = False
        for row in self._run(statement):
            sharing = bool(row.sharing)
            found.update({name: int(getattr(row, name)) for name in counts})
            fates[row.fate] += row.many
            selected += row.many if row.selected else 0
            for code in rows.codes_of(row.codes, self._codes[draft.run]):
                codes[code] += row.many
        self._drafted[draft.run] = _Drafted(fates[Fate.CHANGED], sharing=sharing, **found)
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

    def _comes(self, item: FromClause) -> ColumnElement[bool]:
        """Whether somebody is added to the customer, or comes back."""
        return or_(item.c.added.is_not(None), back(item).some)

    def _rises(self) -> ColumnElement[bool]:
        """Whether somebody who was a secondary becomes primary; who is added comes with its slot."""
        item = self._tables.plan_item
        return and_(
            item.c.primary_after.is_not(None),
            item.c.primary_before.is_distinct_from(item.c.primary_after),
            item.c.added.is_distinct_from(item.c.primary_after),
        )


@frozen
class _Drafted:
    """What a draft came to: how many customers change, and whether any customer at all is shared.

    Of those that change: how many get a primary who was there before, how many lose or regain others than their
    primary, and how many in single are left with nobody.
    """

    changed: int
    sharing: bool
    rising: int = 0
    listed: int = 0
    vacated: int = 0


def _columns(run: str, placed: Placement) -> dict[str, Any]:
    return {
        "run": run,
        "customer_id": placed.customer,
        "staff": placed.staff,
        "code": placed.code,
        "source": placed.source,
    }
