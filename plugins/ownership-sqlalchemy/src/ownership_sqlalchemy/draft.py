"""The draft of a run: one INSERT ... SELECT that judges every customer and says what would change.

It carries out an effect as :func:`ownership_core.ruling.carry_out` does, with the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    false,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.types import BigInteger, Text

from ownership_core.commands import Ids, Matching, One, Selection
from ownership_core.model import CustomerId, StaffId
from ownership_core.policies import SortKey
from ownership_core.ports import Draft
from ownership_core.ruling import Drop, Effect, Fate, Primary
from ownership_core.scope import AllOf, Everything, Scope
from ownership_sqlalchemy.compile import Compiler, uncompilable
from ownership_sqlalchemy.dialects import Database, JsonLength, JsonList, JsonRecord, as_text, json_truth, rows_of
from ownership_sqlalchemy.rows import FIRST_CODES
from ownership_sqlalchemy.tables import Tables

Column = ColumnElement[Any]
Condition = ColumnElement[bool]
CODES_LIMIT = 60  # as many bits a signed 64-bit number has to spare


def requirement_codes(draft: Draft) -> dict[str, Scope]:
    """The distinct codes of the requirements in order, each with everything it stands for."""
    together: dict[str, tuple[Scope, ...]] = {}
    for requirement in draft.requirements:
        together[requirement.code] = (*together.get(requirement.code, ()), requirement.scope)
    if len(together) > CODES_LIMIT - len(FIRST_CODES):
        raise uncompilable(f"{len(together)} different codes are too many for one run.")
    return {code: AllOf(scopes) for code, scopes in together.items()}


def code_names(draft: Draft) -> tuple[str, ...]:
    """Which code each bit of the run's plan rows stands for."""
    return tuple(dict.fromkeys((*FIRST_CODES, *requirement_codes(draft))))


def named(selection: Selection) -> tuple[CustomerId, ...] | None:
    """The ids a selection names; None for a scope."""
    match selection:
        case One(id):
            return (id,)
        case Ids(ids):
            return ids
        case Matching():
            return None


def is_dropped(tables: Tables, effect: Effect) -> Condition:
    """Whether ``effect`` ends the assignment at hand; the staff it adds always stays."""
    ended = _is_ended(tables, effect)
    return ended if effect.add is None else and_(ended, tables.assignment.c.staff_id != effect.add)


def _is_ended(tables: Tables, effect: Effect) -> Condition:
    mine = tables.assignment
    match effect.drop:
        case Drop.NOBODY:
            return false()
        case Drop.ONE:
            return false() if effect.dropped is None else mine.c.staff_id == effect.dropped
        case Drop.FORMER_PRIMARY:
            return mine.c.slot.is_not(None)
        case Drop.EVERYONE_ELSE | Drop.EVERYONE:
            return true()


@frozen
class Drafting:
    """One draft on its way to SQL."""

    tables: Tables
    database: Database
    compiler: Compiler
    draft: Draft

    def statement(self) -> Insert:
        """Write the plan rows of the run."""
        seen = self.database.materialized(self._seen(), "seen")
        outcome = self._outcome(seen).cte("outcome")
        judged = self._judged(outcome).cte("judged")
        return insert(self.tables.plan_item).from_select(
            [column.name for column in self.tables.plan_item.c], self._rows(judged)
        )

    # 1: the customers, whether they may be seen, what they fail, who is assigned

    def _seen(self) -> Select[Any]:
        tables, effect = self.tables, self.draft.effect
        customer, head = tables.customer, tables.head
        former, already = tables.assignment.alias("former"), tables.assignment.alias("already")
        asked, source, compiler, condition = self._source()
        source = (
            source.outerjoin(head, head.c.customer_id == customer.c.id)
            .outerjoin(former, and_(former.c.customer_id == customer.c.id, former.c.slot == 0))
            .outerjoin(
                already, and_(already.c.customer_id == customer.c.id, already.c.staff_id == self._staff(effect.add))
            )
        )
        visible = and_(customer.c.id.is_not(None), compiler.where(self.draft.visible))
        columns = [
            asked.label("customer_id"),
            _bit(visible, 1, 0).label("found"),
            _bit(self._selects(compiler, asked), 1, 0).label("selected"),
            func.coalesce(head.c.version, 0).label("version"),
            self._failing(compiler).label("failing"),
            former.c.staff_id.label("primary_before"),
            already.c.staff_id.label("already"),
            self._removed().label("removed"),
            self._anybody().label("anybody"),
            self._promoted().label("promoted"),
            *self._expected(),
        ]
        return select(*columns).select_from(source).where(condition)

    def _source(self) -> tuple[Column, FromClause, Compiler, Condition]:
        """The id column, where it comes from, a compiler narrowed to these customers, and what must hold."""
        tables, customer, ids = self.tables, self.tables.customer, named(self.draft.selection)
        if self.draft.from_plan:
            expected = tables.expectation
            within = select(expected.c.customer_id).where(expected.c.run == self.draft.run)
            source = expected.outerjoin(customer, customer.c.id == expected.c.customer_id)
            return expected.c.customer_id, source, self.compiler.narrowed(within), expected.c.run == self.draft.run
        if ids is None:
            condition = self.compiler.where(AllOf((self.draft.visible, self._selecting())))
            return customer.c.id, customer, self.compiler, condition
        wanted, again = (rows_of(tables.customer_ids(ids), tables.customer_key, name) for name in ("asked", "within"))
        source = wanted.outerjoin(customer, customer.c.id == wanted.c.id)
        return wanted.c.id, source, self.compiler.narrowed(select(again.c.id)), true()

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
        """The bits of all requirements that are not TRUE: NULL falls into ELSE and refuses."""
        names = code_names(self.draft)
        bits: Column = literal(0, BigInteger())
        for code, scope in requirement_codes(self.draft).items():
            bits = bits.bitwise_or(_bit(compiler.where(scope), 0, 1 << names.index(code)))
        return bits

    def _of_customer(self, *columns: Column) -> Select[Any]:
        mine, customer = self.tables.assignment, self.tables.customer
        return select(*columns).where(mine.c.customer_id == customer.c.id).correlate(customer)

    def _removed(self) -> Column:
        if self.draft.effect.drop is Drop.NOBODY:
            return literal("[]", Text())
        mine = self.tables.assignment
        record = assignment_record(mine.c.staff_id, mine.c.slot.is_not(None), mine.c.since, mine.c.role, mine.c.source)
        return self._of_customer(JsonList(record)).where(is_dropped(self.tables, self.draft.effect)).scalar_subquery()

    def _anybody(self) -> Column:
        if self.draft.effect.primary is not Primary.IF_UNASSIGNED:
            return literal(1)
        return func.coalesce(self._of_customer(literal(1)).limit(1).scalar_subquery(), 0)

    def _promoted(self) -> Column:
        effect, mine = self.draft.effect, self.tables.assignment
        if not effect.promote_by or effect.primary not in (Primary.STAY, Primary.IF_UNASSIGNED):
            return self._staff(None)
        # Staff sort as text here whatever their key type, as they do in the reference.
        keys = {SortKey.SINCE: mine.c.since, SortKey.ROLE: mine.c.role, SortKey.STAFF: as_text(mine.c.staff_id)}
        order = dict.fromkeys((*effect.promote_by, SortKey.STAFF))
        staff = self.tables.staff
        active = select(staff.c.id).where(staff.c.active, not_(staff.c.deleted))
        kept = self._of_customer(mine.c.staff_id).where(
            not_(is_dropped(self.tables, effect)), mine.c.staff_id.in_(active)
        )
        return kept.order_by(*(keys[key] for key in order)).limit(1).scalar_subquery()

    def _expected(self) -> list[Column]:
        if not self.draft.from_plan:
            return []
        expected = self.tables.expectation
        return [expected.c[name].label(f"expected_{name}") for name in ("version", "primary_after", "added", "removed")]

    def _staff(self, staff: StaffId | None) -> Column:
        return literal(staff, self.tables.staff_key)

    # 2: what the effect would do

    def _outcome(self, seen: CTE) -> Select[Any]:
        effect = self.draft.effect
        added: Column = case((seen.c.already.is_(None), self._staff(effect.add)))
        return select(seen, self._primary_after(seen).label("primary_after"), added.label("added"))

    def _primary_after(self, seen: CTE) -> Column:
        effect, nobody = self.draft.effect, self._staff(None)
        match effect.primary:
            case Primary.TAKE:
                return self._staff(effect.add)
            case Primary.NOBODY:
                return nobody
            case Primary.IF_UNASSIGNED:
                return case((seen.c.anybody == 0, self._staff(effect.add)), else_=self._stays(seen))
            case Primary.STAY:
                return self._stays(seen)

    def _stays(self, seen: CTE) -> Column:
        """The former primary, or where its assignment ends the one promoted."""
        return case(
            (seen.c.primary_before.is_(None), self._staff(None)),
            (self._primary_kept(seen), seen.c.primary_before),
            else_=seen.c.promoted,
        )

    def _primary_kept(self, seen: CTE) -> Condition:
        effect, former = self.draft.effect, seen.c.primary_before
        is_added = false() if effect.add is None else former == effect.add
        match effect.drop:
            case Drop.NOBODY:
                return true()
            case Drop.ONE:
                return true() if effect.dropped is None else or_(former != effect.dropped, is_added)
            case Drop.FORMER_PRIMARY | Drop.EVERYONE_ELSE | Drop.EVERYONE:
                return is_added

    # 3: every failing code

    def _judged(self, outcome: CTE) -> Select[Any]:
        draft = self.draft
        not_found, conflict, stale = (1 << place for place in range(len(FIRST_CODES)))
        bits: Column = outcome.c.failing
        if draft.expected_version is not None:
            bits = bits.bitwise_or(_bit(outcome.c.version == draft.expected_version, 0, conflict))
        if draft.from_plan:
            bits = bits.bitwise_or(_bit(self._as_expected(outcome), 0, stale))
        codes = case((outcome.c.found == 1, bits), else_=not_found)
        touched = true() if draft.effect.touch else false()
        changes = or_(
            touched,
            outcome.c.added.is_not(None),
            outcome.c.removed != "[]",
            outcome.c.primary_before.is_distinct_from(outcome.c.primary_after),
        )
        return select(outcome, codes.label("codes"), _bit(changes, 1, 0).label("changes"))

    def _as_expected(self, outcome: CTE) -> Condition:
        return and_(
            outcome.c.selected == 1,
            outcome.c.version == outcome.c.expected_version,
            outcome.c.primary_after.is_not_distinct_from(outcome.c.expected_primary_after),
            outcome.c.added.is_not_distinct_from(outcome.c.expected_added),
            JsonLength(outcome.c.removed) == outcome.c.expected_removed,
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
            case((passed, judged.c.removed), else_="[]"),
        )


def assignment_record(staff: Column, primary: Condition, since: Column, role: Column, source: Column) -> Column:
    """An assignment as JSON, in the shape of :func:`ownership_core.events.line`."""
    return JsonRecord(
        *_pairs(
            ("staff", as_text(staff)),
            ("primary", json_truth(primary)),
            ("since", since),
            ("role", role),
            ("source", source),
        )
    )


def _pairs(*pairs: tuple[str, Column]) -> Sequence[Column]:
    return [part for name, value in pairs for part in (literal(name, Text()), value)]


def _bit(condition: Condition, yes: int, no: int) -> Column:
    return case((condition, literal(yes, BigInteger())), else_=literal(no, BigInteger()))
