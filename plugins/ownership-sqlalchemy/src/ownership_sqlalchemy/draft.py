"""The draft of a run: one INSERT ... SELECT that judges every customer and says what would change.

It carries out an effect as :func:`ownership_core.ruling.carry_out` does, with the same words.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen
from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Insert,
    Select,
    and_,
    case,
    cast,
    false,
    func,
    insert,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.types import BigInteger, Text

from ownership_core.commands import Matching
from ownership_core.model import StaffId
from ownership_core.policies import SINGLE
from ownership_core.ports import Draft
from ownership_core.rows import FIRST_CODES, draft_codes, named, requirement_codes
from ownership_core.ruling import PLACED, Demand, Drop, Fate, Placed, Primary, Side
from ownership_core.scope import AllOf, Everything, Not, Scope
from ownership_core.simplify import besides, simplify
from ownership_sqlalchemy.compile import Compiler
from ownership_sqlalchemy.dialects import (
    WHO,
    AsJson,
    Database,
    Exact,
    JsonList,
    JsonObjects,
    JsonStaff,
    as_text,
    bit,
    rows_of,
)
from ownership_sqlalchemy.effects import active_staff, also, is_dropped, promotion_order, seniority, undone_in
from ownership_sqlalchemy.lines import NO_LINES, assignment_record, back, ended
from ownership_sqlalchemy.tables import Tables

Column = ColumnElement[Any]
Condition = ColumnElement[bool]


@frozen
class Drafting:
    """One draft on its way to SQL."""

    tables: Tables
    database: Database
    compiler: Compiler
    draft: Draft

    def statement(self) -> Insert:
        """Write the plan rows of the run."""
        seen = self.database.worked_out_once(self._seen(), "seen")
        outcome = self._outcome(seen).cte("outcome")
        judged = self.database.worked_out_once(self._judged(outcome), "judged")
        return insert(self.tables.plan_item).from_select(
            [column.name for column in self.tables.plan_item.c], self._rows(judged)
        )

    # 1: the customers, whether they may be seen, what they fail, who is assigned

    def _seen(self) -> Select[Any]:
        tables, former = self.tables, self._former
        customer, head = tables.customer, tables.head
        asked, source, condition = self._source()
        compiler = self.compiler.one_by_one()  # which customers there are is said by the source
        source = self._with_parties(
            source.outerjoin(head, head.c.customer_id == customer.c.id).outerjoin(
                former, and_(former.c.customer_id == customer.c.id, former.c.slot.is_not(None))
            )
        )
        is_asked_for = Exact(customer.c.id) == Exact(asked) if tables.customer_key.is_loose else true()
        visible = and_(customer.c.id.is_not(None), is_asked_for, compiler.where(self._unsaid(self.draft.visible)))
        columns = [
            asked.label("customer_id"),
            bit(visible, 1, 0).label("found"),
            bit(self._selects(compiler, asked), 1, 0).label("selected"),
            func.coalesce(head.c.version, 0).label("version"),
            self._failing(compiler).label("failing"),
            former.c.staff_id.label("primary_before"),
            self._already().label("already"),
            *self._ended(),
            self._removed().label("removed"),
            self._anybody().label("anybody"),
            self._promoted().label("promoted"),
            *self._dealt(),
            *self._undone(),
            *self._crowded(compiler),
            *self._expected(),
        ]
        return select(*columns).select_from(source).where(condition)

    @property
    def _former(self) -> FromClause:
        """The assignment of the primary: in ``single`` all there is, so that nothing else has to be looked for."""
        return also(self.tables.assignment, "former")

    @property
    def _is_single(self) -> bool:
        return self.draft.cardinality == SINGLE

    def _already(self) -> Column:
        """The staff that is added, where it is assigned."""
        former, receiver = self._former, self._receiver()
        if self._is_single:
            return case((former.c.staff_id == receiver, receiver))
        return also(self.tables.assignment, "already").c.staff_id

    def _giver(self) -> FromClause:
        """The assignment whose role is passed on."""
        if self.draft.effect.drop is Drop.ONE and not self._is_single:
            return also(self.tables.assignment, "giver")
        return self._former

    def _with_parties(self, source: FromClause) -> FromClause:
        """Beside each customer: whom it is dealt to, what is taken back, who has it already, who gives it away."""
        tables, draft, effect, customer = self.tables, self.draft, self.draft.effect, self.tables.customer
        if effect.add is PLACED and not draft.from_plan and not draft.only_placed:
            placed = tables.placement
            source = source.outerjoin(placed, and_(placed.c.run == draft.run, placed.c.customer_id == customer.c.id))
        if draft.undoes and draft.from_plan:
            undone = undone_in(tables)
            source = source.outerjoin(undone, and_(undone.c.customer_id == customer.c.id, self._is_undone(undone)))
        if self._is_single:
            return source
        already = also(self.tables.assignment, "already")
        source = source.outerjoin(
            already, and_(already.c.customer_id == customer.c.id, already.c.staff_id == self._receiver())
        )
        if effect.passes_role and effect.drop is Drop.ONE:
            giver = self._giver()
            gives = and_(giver.c.customer_id == customer.c.id, giver.c.staff_id == self._staff(effect.dropped))
            source = source.outerjoin(giver, gives)
        return source

    def _receiver(self) -> Column:
        """Whom a customer is given to."""
        add = self.draft.effect.add
        if add is not PLACED:
            return self._staff(add)
        return self.tables.expectation.c.receiver if self.draft.from_plan else self.tables.placement.c.staff

    def _dealt(self) -> list[Column]:
        """Whom each customer is dealt to, by which rule, and the role that goes with it."""
        draft, effect = self.draft, self.draft.effect
        found: list[Column] = []
        if effect.add is PLACED:
            source = self.tables.expectation.c.source if draft.from_plan else self.tables.placement.c.source
            found += [self._receiver().label("receiver"), func.coalesce(source, "").label("source")]
        if effect.passes_role:
            found.append(func.coalesce(self._giver().c.role, "").label("role"))
        return found

    def _undone(self) -> list[Column]:
        """What is taken back, and whether anything has happened since."""
        if not self.draft.effect.undoes:
            return []
        undone, head = undone_in(self.tables), self.tables.head
        as_it_was = undone.c.version + 1 == head.c.version
        gone = ended(undone)
        led_back = or_(as_it_was, not_(self._is_there(undone, gone.staff)))
        others = case((as_it_was, gone.others), else_=self._gone(undone))
        return [
            bit(as_it_was, 1, 0).label("as_it_was"),
            undone.c.primary_before.label("undone_primary"),
            case((led_back, gone.since)).label("back_since"),
            gone.role.label("back_role"),
            gone.source.label("back_source"),
            func.coalesce(others, NO_LINES).label("restored"),
        ]

    def _is_there(self, undone: FromClause, staff: Column) -> Condition:
        """Whether ``staff`` has the customer of a plan row that is taken back."""
        if self._is_single:
            return func.coalesce(self._former.c.staff_id == staff, false())
        there = self.tables.assignment.alias("there")
        held = select(there.c.staff_id).where(there.c.customer_id == undone.c.customer_id, there.c.staff_id == staff)
        return held.correlate_except(there).exists()

    def _gone(self, undone: FromClause) -> Column:
        """Those who would come back and are not there."""
        lines = JsonObjects(func.coalesce(undone.c.removed, NO_LINES)).table_valued("value", name="gone")
        staff = cast(JsonStaff(lines.c.value), self.tables.staff_key)
        missing = select(JsonList(AsJson(lines.c.value))).select_from(lines)
        missing = missing.where(not_(self._is_there(undone, staff))).correlate(undone, self._former)
        return as_text(missing.scalar_subquery())  # in the collation of what else may stand there

    def _is_undone(self, undone: FromClause) -> Condition:
        return and_(undone.c.run.in_(self.draft.undoes), undone.c.fate == Fate.CHANGED.value)

    def _crowded(self, compiler: Compiler) -> list[Column]:
        """How many are assigned now, and which limits hold of the customer or cannot be told of it."""
        if not self.draft.limits:
            return []
        limits = self.draft.limits
        bound = [bit(compiler.where(Not(one.scope)), 0, 1).label(f"bound_{i}") for i, one in enumerate(limits)]
        if self._is_single:
            assigned: Column = bit(self._former.c.staff_id.is_not(None), 1, 0)
        else:
            assigned = self._of_customer(func.count()).scalar_subquery()
        return [assigned.label("assigned"), *bound]

    def _source(self) -> tuple[Column, FromClause, Condition]:
        """The id column, where it comes from, and what must hold."""
        tables, customer, ids = self.tables, self.tables.customer, named(self.draft.selection)
        if self.draft.undoes and not self.draft.from_plan:
            undone = undone_in(tables)
            source = undone.join(customer, customer.c.id == undone.c.customer_id)
            return undone.c.customer_id, source, and_(self._is_undone(undone), self.compiler.where(self.draft.visible))
        if self.draft.only_placed and not self.draft.from_plan:
            placed = tables.placement
            source = placed.join(customer, customer.c.id == placed.c.customer_id)
            condition = and_(placed.c.run == self.draft.run, self.compiler.where(self.draft.visible))
            return placed.c.customer_id, source, condition
        if self.draft.from_plan:
            expected = tables.expectation
            source = expected.outerjoin(customer, customer.c.id == expected.c.customer_id)
            return expected.c.customer_id, source, expected.c.run == self.draft.run
        if ids is None:
            condition = self.compiler.where(AllOf((self.draft.visible, self._selecting())))
            return customer.c.id, customer, condition
        wanted = rows_of(tables.customer_ids(ids), tables.customer_key, "asked")
        source = wanted.outerjoin(customer, customer.c.id == wanted.c.id)
        return wanted.c.id, source, true()

    def _unsaid(self, scope: Scope) -> Scope:
        """What of ``scope`` the source does not hold of every row already: of that it need not be asked again."""
        draft = self.draft
        if draft.from_plan or named(draft.selection) is not None:
            return scope
        if draft.undoes or draft.only_placed:
            return besides(scope, draft.visible)
        return besides(scope, AllOf((draft.visible, self._selecting())))

    def _selecting(self) -> Scope:
        selection = self.draft.selection
        return selection.scope if isinstance(selection, Matching) else Everything()

    def _selects(self, compiler: Compiler, asked: Column) -> Condition:
        """Whether the selection holds of the customer; of a fresh draft it does for every row."""
        ids = named(self.draft.selection)
        if not self.draft.from_plan:
            return true()
        if ids is None:
            return compiler.where(self._selecting())
        chosen = rows_of(self.tables.customer_ids(ids), self.tables.customer_key, "chosen")
        return asked.in_(select(chosen.c.id))

    def _failing(self, compiler: Compiler) -> Column:
        """The bits of all requirements and demands that are not TRUE: NULL falls into ELSE and refuses."""
        bits: Column = literal(0, BigInteger())
        for code, scope in requirement_codes(self.draft).items():
            bits = bits.bitwise_or(bit(compiler.where(self._unsaid(scope)), 0, self._flag(code)))
        for demand in self.draft.demands:
            if simplify(demand.requirement.scope) == Everything():
                continue  # holds of everybody
            ways = not_(self._concerns(demand)), compiler.where(demand.requirement.scope)
            met = or_(*reversed(ways)) if self.draft.effect.undoes else or_(*ways)  # what costs less is asked first
            bits = bits.bitwise_or(bit(met, 0, self._flag(demand.requirement.code)))
        for code in self.draft.unplaced if not self.draft.from_plan else ():
            bits = bits.bitwise_or(bit(self.tables.placement.c.code == code, self._flag(code), 0))
        return bits

    def _flag(self, code: str) -> int:
        return 1 << draft_codes(self.draft, WHO).index(code)

    def _concerns(self, demand: Demand) -> Condition:
        """Whether one of the staff a demand is about gains or loses the customer; never NULL."""
        them = rows_of(self.tables.staff_ids(demand.staff), self.tables.staff_key, "them")
        among = select(them.c.id)
        if not self.draft.effect.undoes:
            return func.coalesce(self._receiver().in_(among), false())
        undone = undone_in(self.tables)
        if demand.side is Side.GAINS:
            return func.coalesce(ended(undone).names(among), false())
        came = or_(func.coalesce(undone.c.added.in_(among), false()), back(undone).names(among))
        return func.coalesce(came, false())

    def _of_customer(self, *columns: Column) -> Select[Any]:
        tables, mine, customer = self.tables, self.tables.assignment, self.tables.customer
        beside = tables.placement, tables.expectation, undone_in(tables)
        return select(*columns).where(mine.c.customer_id == customer.c.id).correlate(customer, *beside)

    def _ended(self) -> list[Column]:
        """Since when the primary was assigned, where that ends; its role and source."""
        former = self._former
        since: Column = cast(null(), BigInteger())
        if self.draft.effect.drop is not Drop.NOBODY:
            since = case((and_(former.c.staff_id.is_not(None), self._is_dropped(former)), former.c.since))
        columns = {"since": since, "role": former.c.role, "source": former.c.source}
        return [column.label(f"ended_{name}") for name, column in columns.items()]

    def _removed(self) -> Column:
        """All others that end: in single nobody else is assigned."""
        if self._is_single or self.draft.effect.drop is Drop.NOBODY:
            return literal(NO_LINES, Text())
        mine = self.tables.assignment
        record = assignment_record(mine.c.staff_id, false(), mine.c.since, mine.c.role, mine.c.source)
        others = self._of_customer(JsonList(record)).where(mine.c.slot.is_(None), self._is_dropped())
        return others.scalar_subquery()

    def _is_dropped(self, mine: FromClause | None = None) -> Condition:
        return is_dropped(self.tables, self.draft.effect, self._receiver(), mine)

    def _anybody(self) -> Column:
        if self.draft.effect.primary is not Primary.IF_UNASSIGNED:
            return literal(1)
        return func.coalesce(self._of_customer(literal(1)).limit(1).scalar_subquery(), 0)

    def _promoted(self) -> Column:
        effect, mine = self.draft.effect, self.tables.assignment
        kept = self._of_customer(mine.c.staff_id).where(not_(self._is_dropped())).limit(1)
        if effect.primary is Primary.FILL:
            return kept.order_by(*seniority(self.tables, mine, effect)).scalar_subquery()
        if not effect.promote_by or effect.primary in (Primary.NOBODY, Primary.UNDONE):
            return self._staff(None)
        fit = kept.where(mine.c.staff_id.in_(active_staff(self.tables)))
        return fit.order_by(*promotion_order(mine, effect)).scalar_subquery()

    def _expected(self) -> list[Column]:
        if not self.draft.from_plan:
            return []
        expected = self.tables.expectation
        names = ("version", "primary_after", "added", "removed", "restored")
        return [expected.c[name].label(f"expected_{name}") for name in names]

    def _staff(self, staff: StaffId | Placed | None) -> Column:
        return literal(None if staff is PLACED else staff, self.tables.staff_key)

    # 2: what the effect would do

    def _outcome(self, seen: CTE) -> Select[Any]:
        added: Column = case((seen.c.already.is_(None), self._given(seen)))
        return select(seen, self._primary_after(seen).label("primary_after"), added.label("added"))

    def _given(self, seen: CTE) -> Column:
        add = self.draft.effect.add
        return seen.c.receiver if add is PLACED else self._staff(add)

    def _primary_after(self, seen: CTE) -> Column:
        effect, nobody, given = self.draft.effect, self._staff(None), self._given(seen)
        match effect.primary:
            case Primary.TAKE if effect.add is PLACED:
                return case((given.is_not(None), given), else_=self._stays(seen))
            case Primary.TAKE:
                return given
            case Primary.NOBODY:
                return nobody
            case Primary.IF_UNASSIGNED:
                return case((seen.c.anybody == 0, given), else_=self._stays(seen))
            case Primary.INHERIT:
                inherits = and_(given.is_not(None), seen.c.primary_before == self._staff(effect.dropped))
                return case((inherits, given), else_=self._stays(seen))
            case Primary.STAY:
                return self._stays(seen)
            case Primary.FILL:
                return seen.c.promoted
            case Primary.UNDONE:
                return seen.c.undone_primary

    def _stays(self, seen: CTE) -> Column:
        """The former primary, or where its assignment ends the one promoted."""
        return case(
            (seen.c.primary_before.is_(None), self._staff(None)),
            (self._primary_kept(seen), seen.c.primary_before),
            else_=seen.c.promoted,
        )

    def _primary_kept(self, seen: CTE) -> Condition:
        effect, former = self.draft.effect, seen.c.primary_before
        is_added = false() if effect.add is None else former == self._given(seen)
        match effect.drop:
            case Drop.NOBODY:
                return true()
            case Drop.ONE:
                return true() if effect.dropped is None else or_(former != effect.dropped, is_added)
            case Drop.FORMER_PRIMARY | Drop.EVERYONE_ELSE | Drop.EVERYONE | Drop.UNDONE:
                return is_added
            case Drop.BEYOND_ROOM:
                return true() if effect.room else is_added

    # 3: every failing code

    def _judged(self, outcome: CTE) -> Select[Any]:
        draft = self.draft
        not_found, conflict, stale, since = (1 << place for place in range(len(FIRST_CODES)))
        bits: Column = outcome.c.failing
        if draft.expected_version is not None:
            bits = bits.bitwise_or(bit(outcome.c.version == draft.expected_version, 0, conflict))
        if draft.from_plan:
            bits = bits.bitwise_or(bit(self._as_expected(outcome), 0, stale))
        if draft.effect.undoes:
            settled = or_(outcome.c.as_it_was == 1, not_(self._changes(outcome)))
            bits = bits.bitwise_or(bit(settled, 0, since))
        for place, limit in enumerate(draft.limits):
            after = outcome.c.assigned - ended(outcome).many + self._restored(outcome)
            crowded = and_(outcome.c[f"bound_{place}"] == 1, after > limit.staff)
            if self._is_single:  # who is assigned there stands for the customer
                crowded = or_(crowded, and_(after > 0, outcome.c.primary_after.is_(None)))
            bits = bits.bitwise_or(bit(crowded, self._flag(draft.limit_code), 0))
        codes = case((outcome.c.found == 1, bits), else_=not_found)
        touched = true() if draft.effect.touch else false()
        changes = or_(touched, self._changes(outcome))
        return select(outcome, codes.label("codes"), bit(changes, 1, 0).label("changes"))

    def _restored(self, outcome: CTE) -> Column:
        """How many come back."""
        return back(outcome).many if self.draft.effect.undoes else literal(0, BigInteger())

    def _changes(self, outcome: CTE) -> Condition:
        return or_(
            outcome.c.added.is_not(None),
            ended(outcome).some,
            back(outcome).some if self.draft.effect.undoes else false(),
            outcome.c.primary_before.is_distinct_from(outcome.c.primary_after),
        )

    def _as_expected(self, outcome: CTE) -> Condition:
        return and_(
            outcome.c.selected == 1,
            outcome.c.version == outcome.c.expected_version,
            outcome.c.primary_after.is_not_distinct_from(outcome.c.expected_primary_after),
            outcome.c.added.is_not_distinct_from(outcome.c.expected_added),
            ended(outcome).many == outcome.c.expected_removed,
            back(outcome).many == outcome.c.expected_restored if self.draft.effect.undoes else true(),
            true() if self.draft.sources is None else outcome.c.source.in_(self.draft.sources),
        )

    # 4: the plan rows; a refused one carries no change

    def _rows(self, judged: CTE) -> Select[Any]:
        stale = 1 << FIRST_CODES.index("stale")
        passed = judged.c.codes == 0
        fate = case(
            (judged.c.codes.bitwise_and(stale) != 0, Fate.STALE.value),
            (not_(passed), Fate.REFUSED.value),
            (judged.c.changes == 1, Fate.CHANGED.value),
            else_=Fate.UNCHANGED.value,
        )
        return select(
            literal(self.draft.run, Text()),
            judged.c.customer_id,
            case((judged.c.found == 1, judged.c.version), else_=0),
            fate,
            judged.c.codes,
            judged.c.found * judged.c.selected == 1,
            case((passed, judged.c.primary_before)),
            case((passed, judged.c.primary_after)),
            case((passed, judged.c.added)),
            case((passed, judged.c.removed), else_=NO_LINES),
            *self._particulars(judged, passed),
            *self._of_primary("ended", judged, passed),
            *self._of_primary("back", judged, passed),
        )

    def _particulars(self, judged: CTE, passed: Condition) -> list[Column]:
        """Whom a row gives the customer to, by which rule and in which role, and who comes back."""
        effect, nothing = self.draft.effect, literal("", Text())
        receiver: Column = self._staff(None)
        source: Column = nothing
        if effect.add is PLACED:
            receiver, source = case((passed, judged.c.receiver)), case((passed, judged.c.source), else_="")
        role: Column = nothing
        if effect.passes_role:
            role = case((and_(passed, ended(judged).some), judged.c.role), else_="")
        restored: Column = literal(NO_LINES, Text())
        if effect.undoes:
            restored = case((passed, judged.c.restored), else_=NO_LINES)
        return [receiver, source, role, restored]

    def _of_primary(self, side: str, judged: CTE, passed: Condition) -> list[Column]:
        """The assignment of the primary that ends, or comes back."""
        names = [f"{side}_{name}" for name in ("since", "role", "source")]
        if names[0] not in judged.c:
            return [cast(null(), self.tables.plan_item.c[name].type) for name in names]
        is_one = and_(passed, judged.c[names[0]].is_not(None))
        return [case((is_one, judged.c[name])) for name in names]
