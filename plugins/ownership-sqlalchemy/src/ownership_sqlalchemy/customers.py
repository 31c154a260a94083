"""Writing customers: new ones, their fields, and their end. Heads and events stay for ever."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Select, delete, false, literal, not_, select, union_all, update
from sqlalchemy.types import Text

from ownership_core.errors import Conflict, cardinality_mismatch
from ownership_core.events import Event, Subject, customer_body
from ownership_core.model import Assignment, CustomerId, Value
from ownership_core.ports import NewRow, Run
from ownership_core.ruling import Fate, PlanRow
from ownership_sqlalchemy import rows as shapes
from ownership_sqlalchemy.columns import VALUE
from ownership_sqlalchemy.dialects import WHO, as_text, overtaken, rows_of, words
from ownership_sqlalchemy.facts import COLUMNS, OwnFacts
from ownership_sqlalchemy.people import PeopleWriter


class CustomerWriter(PeopleWriter):
    """The part of a transaction that changes the customers themselves."""

    def taken(self, ids: Sequence[CustomerId], email_keys: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Which of these ids and which of these e-mail keys already exist; of a host's, which ids are registered."""
        facts, head = self._tables.facts, self._tables.head
        wanted = select(self._wanted(ids).c.id)
        if not isinstance(facts, OwnFacts):
            registered = select(head.c.customer_id).where(head.c.customer_id.in_(wanted), head.c.version > 0)
            return frozenset(row.customer_id for row in self._run(registered)) & frozenset(ids), frozenset()
        customer, keys = facts.rows, rows_of(email_keys, words(VALUE), "keys")
        known = select(literal("id", Text()).label("what"), as_text(customer.c.id).label("found")).where(
            customer.c.id.in_(wanted)
        )
        used = select(literal("key", Text()), customer.c.email_key).where(customer.c.email_key.in_(select(keys.c.id)))
        found = [(row.what, row.found) for row in self._run(union_all(known, used))]
        return (
            frozenset(value for what, value in found if what == "id"),
            frozenset(value for what, value in found if what == "key"),
        )

    def create_customers(self, run: Run, rows: Sequence[NewRow], cardinality: str | None = None) -> None:
        """Insert customers, their heads, assignments, plan rows and events; a fixed number of statements."""
        tables, ids = self._tables, [row.id for row in rows]
        if not rows:
            return
        if isinstance(tables.facts, OwnFacts):
            with overtaken():  # the same id or e-mail address
                self._insert_facts(tables.facts, rows)
        self._add_heads(select(self._wanted(ids).c.id))
        versions = self._versions(ids)
        self._next_version(rows)
        in_force = self._cardinality()  # nobody can switch it any more: the heads are ours
        if cardinality not in (None, in_force):
            raise cardinality_mismatch(in_force, str(cardinality), WHO)
        owned = [self._owned(run, row) for row in rows]
        self._insert(
            tables.assignment,
            [
                {
                    "customer_id": row.id,
                    "staff_id": one.staff,
                    "slot": 0,
                    "cardinality": in_force,
                    "role": one.role,
                    "source": one.source,
                    "since": one.since,
                }
                for row, assignments in zip(rows, owned, strict=True)
                for one in assignments
            ],
        )
        planned = [PlanRow(row.id, Fate.CHANGED, versions[row.id], (), None, row.owner, row.owner) for row in rows]
        self._insert(tables.plan_item, [_plan_columns(run.id, row) for row in planned])
        self._insert(
            tables.event,
            [
                shapes.event_columns(
                    Event(
                        Subject.CUSTOMER,
                        row.customer,
                        row.version + 1,
                        run.id,
                        run.at,
                        run.actor,
                        run.reason,
                        customer_body(run.what, row, assignments),
                    )
                )
                for row, assignments in zip(planned, owned, strict=True)
            ],
        )

    def _insert_facts(self, facts: OwnFacts, rows: Sequence[NewRow]) -> None:
        self._insert(
            facts.rows,
            [
                {"id": row.id, "email_key": row.email_key, **{name: row.values.get(name) for name in COLUMNS}}
                for row in rows
            ],
        )
        fields = self._compiler.fields
        self._insert(
            facts.kept, [kept for row in rows for kept in shapes.kept_rows(row.id, fields, row.values, row.sets)]
        )

    def _owned(self, run: Run, row: NewRow) -> list[Assignment]:
        return [] if row.owner is None else [Assignment(row.owner, True, run.at, "", row.source)]

    def _versions(self, ids: Collection[CustomerId]) -> dict[str, int]:
        head = self._tables.head
        statement = select(head.c.customer_id, head.c.version).where(
            head.c.customer_id.in_(select(self._wanted(ids).c.id))
        )
        return {row.customer_id: row.version for row in self._run(statement)}

    def _next_version(self, rows: Sequence[NewRow]) -> None:
        head = self._tables.head
        created = select(self._wanted([row.id for row in rows]).c.id)
        raised = update(head).values(version=head.c.version + 1)
        self._run(self._database.within(raised, (head.c.customer_id,), created))
        for flag in (True, False):
            told = [r.id for r in rows if "no_auto" in r.values and bool(r.values["no_auto"]) is flag]
            if told:
                chosen = select(self._wanted(told).c.id)
                self._run(self._database.within(update(head).values(no_auto=flag), (head.c.customer_id,), chosen))

    def _add_heads(self, ids: Select[tuple[str]]) -> None:
        """Insert the heads these customers lack, in id order."""
        head, lacking = self._tables.head, ids.subquery("lacking")
        id = lacking.c[0]
        in_force = select(self._tables.cardinality.c.name).scalar_subquery()
        # NOT EXISTS: PostgreSQL reads all heads again for each customer where a NOT IN outgrows its memory.
        missing = not_(select(head.c.customer_id).where(head.c.customer_id == id).exists())
        source = select(id, literal(0), false(), in_force).where(missing).order_by(id)
        columns = ["customer_id", "version", "no_auto", "cardinality"]
        try:
            self._run(self._database.insert_missing(head, columns, source))
        except Conflict as switched:  # whoever begins again reads the cardinality of now
            raise Conflict(*switched.problems, who=WHO, transient=True) from None

    def _cardinality(self) -> str:
        return str(self._run(select(self._tables.cardinality.c.name)).scalar_one())

    def change_customer(
        self,
        customer: CustomerId,
        values: Mapping[str, Value | None],
        sets: Mapping[str, frozenset[str]],
        email_key: str | None,
    ) -> None:
        """Replace these fields of one customer; one that does not exist stays so."""
        facts, main, head = self._tables.facts, self._tables.customer, self._tables.head
        if isinstance(facts, OwnFacts) and not self._change_facts(facts, customer, values, sets, email_key):
            return
        if "no_auto" in values:
            self._add_heads(select(main.c.id).where(main.c.id == customer))
            self._run(update(head).where(head.c.customer_id == customer).values(no_auto=bool(values["no_auto"])))

    def _change_facts(
        self,
        facts: OwnFacts,
        customer: CustomerId,
        values: Mapping[str, Value | None],
        sets: Mapping[str, frozenset[str]],
        email_key: str | None,
    ) -> bool:
        """Whether there is such a customer; its fields are replaced then."""
        main, kept = facts.rows, facts.kept
        columns = {name: value for name, value in values.items() if name in COLUMNS}
        if "email" in columns:
            columns["email_key"] = email_key
        there = update(main).where(main.c.id == customer).values(columns or {"kind": main.c.kind})
        with overtaken():  # the same e-mail address
            found = self._run(there).rowcount
        if not found:
            return False
        elsewhere = sorted((set(values) | set(sets)) - COLUMNS - {"no_auto"})
        if elsewhere:
            self._run(delete(kept).where(kept.c.customer_id == customer, kept.c.field.in_(elsewhere)))
            self._insert(kept, shapes.kept_rows(customer, self._compiler.fields, values, sets))
        return True

    def delete_customers(self, run: str) -> None:
        """Delete the customers ``run`` changed; heads and events stay, and so do a host's own rows."""
        item, facts = self._tables.plan_item, self._tables.facts
        gone = select(item.c.customer_id).where(item.c.run == run, item.c.fate == Fate.CHANGED.value)
        ended = [self._tables.assignment.c.customer_id, self._tables.share.c.customer_id]
        if isinstance(facts, OwnFacts):
            ended += [facts.kept.c.customer_id, facts.rows.c.id]
        for column in ended:
            self._run(self._database.within(delete(column.table), (column,), gone))


def _plan_columns(run: str, row: PlanRow) -> dict[str, object]:
    return {
        "run": run,
        "customer_id": row.customer,
        "version": row.version,
        "fate": row.fate.value,
        "codes": 0,
        "selected": True,
        "primary_before": row.primary_before,
        "primary_after": row.primary_after,
        "added": row.added,
        "removed": shapes.removed_text(row.removed),
    }
