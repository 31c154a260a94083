"""The draft of a run: one INSERT ... SELECT that judges every customer and says what would change.

What is to be known of a customer comes from one queryset, with a number for each requirement it fails. What
follows from that is the same arithmetic on every database, and stands here as SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen
from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import (
    BigIntegerField,
    Case,
    Exists,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from ownership_core.commands import Matching
from ownership_core.keys import KeyType
from ownership_core.model import CustomerId
from ownership_core.policies import SINGLE
from ownership_core.ports import Draft
from ownership_core.rows import FIRST_CODES, draft_codes, named, requirement_codes
from ownership_core.ruling import PLACED, Demand, Drop, Fate, Primary
from ownership_core.scope import AllOf, Everything, Not, Scope
from ownership_core.simplify import simplify
from ownership_django.hosts import Customers
from ownership_django.models import Expectation, Head, Placement, PlanItem, rows_of
from ownership_django.query import Conditions
from ownership_django.store.change import Sql, compiled, table
from ownership_django.store.effects import Ended, ended_line
from ownership_django.store.errors import WHO
from ownership_django.store.lines import missing_lines
from ownership_django.store.parties import Parties
from ownership_django.store.words import JsonList, JsonText, Listed, NoText, Word, bit

COLUMNS = (
    *("run", "customer", "version", "fate", "codes", "selected"),
    *("primary_before", "primary_after", "added", "removed"),
    *("receiver", "source", "role", "restored"),
)
_NOT_FOUND, _CONFLICT, _STALE, _SINCE = (1 << place for place in range(len(FIRST_CODES)))
_SEEN = "customer_id, selected, version, failing, primary_before, already, removed, anybody, promoted"
_EVERYTHING = 2**63 - 1


@frozen
class Drafting:
    """One draft on its way to SQL."""

    customers: Customers
    using: str
    draft: Draft
    listed: Callable[[Sequence[CustomerId]], Listed]

    def statement(self) -> Sql:
        """The rows of the run, one for each customer asked about."""
        begin, names = self._seen(), ", ".join((_SEEN, *self._particulars()))
        source, asked = self._source()
        outcome, effect = self._outcome()
        judged, judging = self._judged()
        text = (
            f"WITH seen ({names}) AS {self._once(begin.text)}, "
            f"outcome AS ({outcome} {source}), judged AS ({judged}) {self._rows()}"
        )
        return Sql(text, (*begin.params, *effect, *asked, *judging, self.draft.run))

    @property
    def _vendor(self) -> str:
        return connections[self.using].vendor

    @property
    def _parties(self) -> Parties:
        return Parties(self.draft, self.using)

    def _ended(self) -> Ended:
        return Ended(self.draft.effect, self.using, self._parties)

    def _once(self, statement: str) -> str:
        """Worked out once, though its columns are used several times."""
        return f"({statement})" if self._vendor == "mysql" else f"MATERIALIZED ({statement})"

    # 1: the customers, whether they are selected, what they fail, who is assigned

    def _seen(self) -> Sql:
        seen = self.customers.rows().using(self.using).filter(self._where_seen())
        if self._vendor == "mysql":
            seen = seen[:_EVERYTHING]  # what is limited is not merged
        columns = seen.values_list(*self._columns())
        try:
            return compiled(columns, self.using)
        except EmptyResultSet:
            nobody = Q(Exists(rows_of(Head, self.using).filter(version=-1)))  # said to Django as if it could be
            return compiled(
                self.customers.rows().using(self.using).filter(nobody).values_list(*self._columns()), self.using
            )

    def _where_seen(self) -> Q:
        draft, ids = self.draft, named(self.draft.selection)
        if draft.from_plan:
            expected = rows_of(Expectation, self.using).filter(run=draft.run).values("customer")
            return Q(pk__in=expected) & self._where(draft.visible)
        if draft.undoes:
            return Q(pk__in=self._parties.undone_rows().values("customer")) & self._where(draft.visible)
        if draft.only_placed:
            return Q(pk__in=self._parties.placed_rows().values("customer")) & self._where(draft.visible)
        if ids is None:
            return Conditions(self.customers).where(AllOf((draft.visible, self._selecting())))
        return Q(pk__in=self.listed(ids)) & self._where(draft.visible)

    def _selecting(self) -> Scope:
        selection = self.draft.selection
        return selection.scope if isinstance(selection, Matching) else Everything()

    def _where(self, scope: Scope) -> Q:
        return Conditions(self.customers, one_by_one=True).where(scope)

    def _columns(self) -> list[Any]:
        effect, pk = self.draft.effect, self.customers.pk.attname
        ended = self._ended()
        mine = ended.of(pk)
        head = rows_of(Head, self.using).filter(customer_id=OuterRef(pk)).values("version")
        already = Value(0) if effect.add is None else bit(Q(Exists(mine.filter(ended.given()))), 1, 0)
        return [
            pk,
            self._selected(),
            Coalesce(Subquery(head), Value(0), output_field=BigIntegerField()),
            self._failing(),
            Subquery(mine.filter(slot=0).values("staff_id")),
            already,
            self._removed(ended, mine),
            bit(Q(Exists(mine)), 1, 0) if effect.primary is Primary.IF_UNASSIGNED else Value(1),
            self._promoted(ended, mine),
            *self._particulars().values(),
        ]

    def _particulars(self) -> dict[str, Any]:
        """What only some effects ask: the role that is passed on, how many are assigned, and for how many is room."""
        effect, limits, pk = self.draft.effect, self.draft.limits, self.customers.pk.attname
        mine = self._ended().of(pk)
        found: dict[str, Any] = {}
        if effect.passes_role:
            giver = mine.filter(staff_id=effect.dropped) if effect.drop is Drop.ONE else mine.filter(slot=0)
            found["passed_role"] = Coalesce(Subquery(giver.values("role")), Value(""), output_field=TextField())
        if limits:
            # A limit binds unless it is sure not to: where that cannot be told, it does.
            spared = [bit(self._where(Not(one.scope)), 1, 0) for one in limits]
            found["assigned"] = Subquery(mine.values_list(Func(template="COUNT(*)", output_field=BigIntegerField())))
            found["room"] = Case(
                *(
                    When(Exact(is_spared, 0), then=Value(one.staff))
                    for is_spared, one in sorted(zip(spared, limits, strict=True), key=lambda pair: pair[1].staff)
                ),
                output_field=BigIntegerField(),
            )
        return found

    def _selected(self) -> Any:
        """Whether the selection holds of the customer; of a fresh draft it does for every row."""
        ids = named(self.draft.selection)
        if not self.draft.from_plan:
            return Value(1)
        if ids is not None:
            return bit(Q(pk__in=self.listed(ids)), 1, 0)
        return bit(self._where(self._selecting()), 1, 0)

    def _failing(self) -> Any:
        """The bits of all requirements and demands that are not TRUE: NULL falls into ELSE and refuses."""
        bits: Any = Value(0, BigIntegerField())
        for code, scope in requirement_codes(self.draft).items():
            if simplify(scope) == Everything():
                continue  # holds of everybody
            bits = bits + bit(self._where(scope), 0, self._flag(code))
        for demand in self.draft.demands:
            bits = bits.bitor(self._unmet(demand))
        return bits

    def _flag(self, code: str) -> int:
        return 1 << draft_codes(self.draft, WHO).index(code)

    def _unmet(self, demand: Demand) -> Any:
        pk = self.customers.pk.attname
        ended, flag = self._ended(), self._flag(demand.requirement.code)
        concerned = self._parties.concerns(demand, pk, ended.ended(ended.of(pk)))
        refused = Value(flag) if concerned is True else Value(0) if concerned is False else bit(concerned, flag, 0)
        met = When(self._where(demand.requirement.scope), then=Value(0))
        return Case(met, default=refused, output_field=BigIntegerField())

    def _removed(self, ended: Ended, mine: QuerySet[Any]) -> Any:
        if self.draft.effect.drop is Drop.NOBODY:
            return Word("[]")
        gone = ended.ended(mine).values_list(JsonText(JsonList(ended_line())))
        return Coalesce(Subquery(gone), Value("[]"), output_field=TextField())

    def _promoted(self, ended: Ended, mine: QuerySet[Any]) -> Any:
        effect = self.draft.effect
        if effect.primary is Primary.FILL:
            return Subquery(ended.promoted(mine, anybody=True))
        stays = effect.primary in (Primary.STAY, Primary.IF_UNASSIGNED, Primary.INHERIT) or (
            effect.primary is Primary.TAKE and effect.add is PLACED
        )
        if not effect.promote_by or not stays:
            return NoText()
        return Subquery(ended.promoted(mine, anybody=False))

    # 2: what the effect would do, for every id asked about

    def _source(self) -> tuple[str, tuple[Any, ...]]:
        """Where the ids come from; those nobody sees have no row in ``seen``."""
        ids, same = named(self.draft.selection), f"seen.customer_id = {self._asked()}"
        if self.customers.key is KeyType.TEXT and self._vendor == "mysql":
            same += f" AND BINARY seen.customer_id = BINARY {self._asked()}"  # a host's key may take two ids for one
        undone, taken_back = self._undone()
        if self.draft.from_plan:
            expected = table(Expectation, self.using)
            back = f" LEFT JOIN {undone} AND undone.customer = asked.customer" if undone else ""
            text = f"FROM {expected} asked LEFT JOIN seen ON {same}{back} WHERE asked.run = %s"
            return text, (*taken_back, self.draft.run)
        if undone:
            return f"FROM seen JOIN {undone} AND {same}", taken_back
        placed, dealt = self._placed()
        if ids is None or self.draft.only_placed:
            return f"FROM seen{placed}", dealt
        listed = self.listed(ids)
        rows = listed.rows(connections[self.using])
        return f"FROM {rows} LEFT JOIN seen ON {same}{placed}", (listed.packed, *dealt)

    def _placed(self) -> tuple[str, tuple[Any, ...]]:
        """Beside each customer, whom it is dealt to."""
        if self.draft.effect.add is not PLACED:
            return "", ()
        rows = table(Placement, self.using)
        return f" LEFT JOIN {rows} placed ON placed.run = %s AND placed.customer = seen.customer_id", (self.draft.run,)

    def _undone(self) -> tuple[str, tuple[Any, ...]]:
        """What is taken back, as a table with the beginning of the condition it is joined by."""
        runs = self.draft.undoes
        if not runs:
            return "", ()
        them = f"undone.run IN ({', '.join(['%s'] * len(runs))}) AND undone.fate = %s"
        return f"{table(PlanItem, self.using)} undone ON {them}", (*runs, Fate.CHANGED.value)

    def _asked(self) -> str:
        if self.draft.from_plan:
            return "asked.customer"
        if self.draft.undoes:
            return "undone.customer"
        return "seen.customer_id" if named(self.draft.selection) is None or self.draft.only_placed else "listed.id"

    def _outcome(self) -> tuple[str, tuple[Any, ...]]:
        after, params = self._primary_after()
        added, adding = ("NULL", ()) if self.draft.effect.add is None else self._added()
        expected = ""
        if self.draft.from_plan:
            names = ("version", "primary_after", "added", "removed", "restored")
            expected = "".join(f", asked.{name} AS expected_{name}" for name in names)
        nobody = "CAST(NULL AS TEXT)" if self._vendor == "postgresql" else "NULL"
        text = (
            f"SELECT {self._asked()} AS asked_id, seen.*, {after if after != 'NULL' else nobody} AS primary_after, "
            f"{added if added != 'NULL' else nobody} AS added{expected}{self._dealt()}{self._taken_back()}"
        )
        return text, (*params, *adding)

    def _dealt(self) -> str:
        if self.draft.effect.add is not PLACED:
            return ""
        given, _ = self._given()
        if self.draft.from_plan:
            return f", {given} AS receiver, asked.source AS dealt_by"
        code = ", placed.code AS unplaced" if self.draft.unplaced else ""
        return f", {given} AS receiver, COALESCE(placed.source, '') AS dealt_by{code}"

    def _taken_back(self) -> str:
        """Who comes back: whoever had gone, unless somebody saw to it meanwhile."""
        if not self.draft.undoes:
            return ""
        as_it_was = "undone.version + 1 = seen.version"
        missing = missing_lines(self.using, "undone.removed", "undone.customer")
        return (
            f", CASE WHEN {as_it_was} THEN 1 ELSE 0 END AS as_it_was, CASE WHEN undone.run IS NULL THEN '[]' "
            f"WHEN {as_it_was} THEN undone.removed ELSE {missing} END AS restored"
        )

    def _given(self) -> tuple[str, tuple[Any, ...]]:
        """Whom a customer is given to."""
        add = self.draft.effect.add
        if add is PLACED:
            return ("asked.receiver" if self.draft.from_plan else "placed.staff"), ()
        return "%s", (add,)

    def _added(self) -> tuple[str, tuple[Any, ...]]:
        given, params = self._given()
        return f"CASE WHEN already = 0 THEN {given} END", params

    def _primary_after(self) -> tuple[str, tuple[Any, ...]]:
        effect = self.draft.effect
        given, giving = self._given()
        match effect.primary:
            case Primary.TAKE if effect.add is PLACED:
                return self._else_stays(f"{given} IS NOT NULL", ())
            case Primary.TAKE:
                return f"CASE WHEN selected IS NOT NULL THEN {given} END", giving
            case Primary.NOBODY:
                return "NULL", ()
            case Primary.IF_UNASSIGNED:
                return self._else_stays("anybody = 0", ())
            case Primary.INHERIT if effect.add is PLACED:
                return self._else_stays(f"{given} IS NOT NULL AND seen.primary_before = %s", (effect.dropped,))
            case Primary.INHERIT if effect.add is not None:
                return self._else_stays("seen.primary_before = %s", (effect.dropped,))
            case Primary.STAY | Primary.INHERIT:
                return self._stays()
            case Primary.FILL:
                return "promoted", ()
            case Primary.UNDONE:
                before = "seen.primary_before"
                kept = f"CASE WHEN undone.run IS NULL THEN {before} ELSE undone.primary_before END"
                return (kept if self.draft.undoes else before), ()

    def _else_stays(self, takes: str, taking: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
        """Whoever is given the customer where ``takes`` holds, else as it would stay."""
        given, giving = self._given()
        stays, params = self._stays()
        return f"CASE WHEN {takes} THEN {given} ELSE {stays} END", (*taking, *giving, *params)

    def _stays(self) -> tuple[str, tuple[Any, ...]]:
        """The former primary, or where its assignment ends the one promoted."""
        kept, params = self._primary_kept()
        return (
            f"CASE WHEN seen.primary_before IS NULL THEN NULL WHEN {kept} THEN seen.primary_before ELSE promoted END",
            params,
        )

    def _primary_kept(self) -> tuple[str, tuple[Any, ...]]:
        effect = self.draft.effect
        given, giving = self._given()
        is_added, added = ("0 = 1", ()) if effect.add is None else (f"seen.primary_before = {given}", giving)
        match effect.drop:
            case Drop.NOBODY:
                return "1 = 1", ()
            case Drop.ONE if effect.dropped is None:
                return "1 = 1", ()
            case Drop.ONE:
                return f"(seen.primary_before <> %s OR {is_added})", (effect.dropped, *added)
            case Drop.FORMER_PRIMARY | Drop.EVERYONE_ELSE | Drop.EVERYONE | Drop.UNDONE:
                return is_added, added
            case Drop.BEYOND_ROOM:
                return ("1 = 1", ()) if effect.room else (is_added, added)

    # 3: every failing code

    def _judged(self) -> tuple[str, tuple[Any, ...]]:
        draft = self.draft
        params: tuple[Any, ...] = ()
        bits = "failing"
        if draft.expected_version is not None:
            bits += f" + CASE WHEN version = %s THEN 0 ELSE {_CONFLICT} END"
            params = (draft.expected_version,)
        if draft.from_plan:
            bits += f" + CASE WHEN {self._as_expected()} THEN 0 ELSE {_STALE} END"
            params = (*params, *(draft.sources or ()))
        if draft.undoes:
            bits += f" + CASE WHEN as_it_was = 0 AND ({self._changes()}) THEN {_SINCE} ELSE 0 END"
        if draft.limits:
            full = f"{self._staff_after()} > room"
            if draft.undoes and draft.cardinality == SINGLE:  # who is assigned there stands for the customer
                full += f" OR (primary_after IS NULL AND {self._staff_after()} > 0)"
            bits += f" | CASE WHEN {full} THEN {self._flag(draft.limit_code)} ELSE 0 END"
        for code in draft.unplaced if draft.effect.add is PLACED and not draft.from_plan else ():
            bits += f" | CASE WHEN unplaced = %s THEN {self._flag(code)} ELSE 0 END"
            params = (*params, code)
        changes = "1 = 1" if draft.effect.touch else self._changes()
        text = (
            f"SELECT outcome.*, CASE WHEN customer_id IS NOT NULL THEN {bits} ELSE {_NOT_FOUND} END AS codes, "
            f"CASE WHEN {changes} THEN 1 ELSE 0 END AS changes FROM outcome"
        )
        return text, params

    def _changes(self) -> str:
        moved = self._differ("primary_before", "primary_after")
        back = "restored <> '[]' OR " if self.draft.undoes else ""
        return f"added IS NOT NULL OR removed <> '[]' OR {back}{moved}"

    def _length(self, column: str) -> str:
        return {
            "sqlite": f"json_array_length({column})",
            "postgresql": f"json_array_length(CAST({column} AS json))",
            "mysql": f"JSON_LENGTH({column})",
        }[self._vendor]

    def _staff_after(self) -> str:
        """How many would be assigned."""
        back = f" + {self._length('restored')}" if self.draft.undoes else ""
        return f"assigned - {self._length('removed')}{back} + CASE WHEN added IS NULL THEN 0 ELSE 1 END"

    def _as_expected(self) -> str:
        back = f" AND {self._length('restored')} = expected_restored" if self.draft.undoes else ""
        return (
            "selected = 1 AND version = expected_version"
            f" AND NOT ({self._differ('primary_after', 'expected_primary_after')})"
            f" AND NOT ({self._differ('added', 'expected_added')})"
            f" AND {self._length('removed')} = expected_removed{back}{self._stands()}"
        )

    def _stands(self) -> str:
        """Whether the rule that chose is one of those of now."""
        sources = self.draft.sources
        if sources is None:
            return ""
        return f" AND dealt_by IN ({', '.join(['%s'] * len(sources))})" if sources else " AND 1 = 0"

    def _differ(self, one: str, other: str) -> str:
        words = {"sqlite": "{} IS NOT {}", "postgresql": "{} IS DISTINCT FROM {}", "mysql": "NOT ({} <=> {})"}
        return words[self._vendor].format(one, other)

    # 4: the plan rows; a refused one carries no change

    def _rows(self) -> str:
        fate = (
            f"CASE WHEN (codes & {_STALE}) <> 0 THEN 'stale' WHEN codes <> 0 THEN 'refused' "
            "WHEN changes = 1 THEN 'changed' ELSE 'unchanged' END"
        )
        passed = ", ".join(
            f"CASE WHEN codes = 0 THEN {name} END" for name in ("primary_before", "primary_after", "added")
        )
        # In the order of the keys: what is written in another one costs every later statement of the run twice.
        order = " ORDER BY asked_id" if self._vendor == "postgresql" else ""
        return (
            f"SELECT %s, asked_id, CASE WHEN customer_id IS NOT NULL THEN version ELSE 0 END, {fate}, codes, "
            f"customer_id IS NOT NULL AND selected = 1, {passed}, CASE WHEN codes = 0 THEN removed ELSE '[]' END, "
            f"{self._rest()} FROM judged{order}"
        )

    def _rest(self) -> str:
        """Whom a row gives the customer to, by which rule and in which role, and who comes back."""
        effect = self.draft.effect
        receiver, source, role, restored = "NULL", "''", "''", "'[]'"
        if effect.add is PLACED:
            receiver, source = "CASE WHEN codes = 0 THEN receiver END", "CASE WHEN codes = 0 THEN dealt_by ELSE '' END"
        if effect.passes_role:
            role = "CASE WHEN codes = 0 AND removed <> '[]' THEN passed_role ELSE '' END"
        if self.draft.undoes:
            restored = "CASE WHEN codes = 0 THEN restored ELSE '[]' END"
        return f"{receiver}, {source}, {role}, {restored}"
