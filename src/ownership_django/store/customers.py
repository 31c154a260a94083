"""Writing what is ours about customers: their heads, and the assignments they begin and end with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet, Value

from ownership_core.errors import cardinality_mismatch
from ownership_core.events import Event, Subject, customer_body
from ownership_core.model import Assignment, CustomerId
from ownership_core.model import Value as Stored
from ownership_core.ports import NewRow, Run
from ownership_core.reasons import Reason
from ownership_core.rows import event_columns, removed_text
from ownership_core.ruling import Fate, PlanRow
from ownership_django import models as tables
from ownership_django.store.change import delete_among, insert_from, table
from ownership_django.store.errors import WHO, answering, refused, unfit
from ownership_django.store.people import PeopleWriter


@answering
class CustomerWriter(PeopleWriter):
    """The part of a transaction that registers customers and ends with them."""

    def taken(self, ids: Sequence[CustomerId], email_keys: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:  # noqa: ARG002
        """Which of these customers of the host's are registered already; their addresses are the host's affair."""
        heads = self._heads_of(ids).filter(version__gt=0).values_list("customer_id", flat=True)
        return frozenset(str(id) for id in heads) & frozenset(ids), frozenset()

    def create_customers(self, run: Run, rows: Sequence[NewRow], cardinality: str | None = None) -> None:
        """Register customers: their heads, assignments, plan rows and events; a fixed number of statements."""
        if not rows:
            return
        ids = [row.id for row in rows]
        self._add_heads(self._among(ids))
        heads = self._heads_of(ids)
        versions = {str(id): version for id, version in heads.values_list("customer_id", "version")}
        if not versions.keys() >= frozenset(ids):  # the host's row went meanwhile, or was never there
            raise refused(Reason.REFUSED)
        heads.update(version=F("version") + 1)
        self._tell_automatic(rows)
        in_force = self._hold_cardinality(cardinality)
        owned = [self._owned(run, row) for row in rows]
        self._begin(rows, owned, in_force)
        planned = [PlanRow(row.id, Fate.CHANGED, versions[row.id], (), None, row.owner, row.owner) for row in rows]
        self._insert(tables.PlanItem, (self._plan_columns(run.id, row) for row in planned))
        self._insert(tables.Event, (_created(run, *pair) for pair in zip(planned, owned, strict=True)))

    def _owned(self, run: Run, row: NewRow) -> list[Assignment]:
        return [] if row.owner is None else [Assignment(row.owner, True, run.at, "", row.source)]

    def _begin(self, rows: Sequence[NewRow], owned: Sequence[list[Assignment]], cardinality: str) -> None:
        owners = {one.staff for assignments in owned for one in assignments}
        if owners:
            self._require_staff(owners)
        self._insert(
            tables.Assignment,
            (
                {
                    "customer_id": self._customers.value(row.id),
                    "staff_id": one.staff,
                    "slot": 0,
                    "cardinality_id": cardinality,
                    "role": one.role,
                    "source": one.source,
                    "since": one.since,
                }
                for row, assignments in zip(rows, owned, strict=True)
                for one in assignments
            ),
        )

    def _tell_automatic(self, rows: Sequence[NewRow]) -> None:
        for flag in (True, False):
            told = [row.id for row in rows if "no_auto" in row.values and bool(row.values["no_auto"]) is flag]
            if told:
                self._heads_of(told).update(no_auto=flag)

    def _heads_of(self, ids: Iterable[str]) -> QuerySet[Any]:
        values = [value for value in map(self._customers.value, ids) if value is not None]
        return self._rows(tables.Head).filter(customer_id__in=values)

    def _add_heads(self, customers: QuerySet[Any]) -> None:
        """Insert the heads these customers lack, in id order."""
        there = self._rows(tables.Head).filter(customer_id=OuterRef(self._customers.pk.attname))
        lacking = customers.filter(~Exists(there)).order_by("pk")
        source = lacking.values_list("pk", Value(0), Value(False))
        insert_from(source, tables.Head, ("customer", "version", "no_auto"), self._using, missing=True)

    def _plan_columns(self, run: str, row: PlanRow) -> dict[str, object]:
        return {
            "run": run,
            "customer": self._customers.value(row.customer),
            "version": row.version,
            "fate": row.fate.value,
            "codes": 0,
            "selected": True,
            "primary_before": row.primary_before,
            "primary_after": row.primary_after,
            "added": row.added,
            "removed": removed_text(row.removed),
        }

    def change_customer(
        self,
        customer: CustomerId,
        values: Mapping[str, Stored | None],
        sets: Mapping[str, frozenset[str]],  # noqa: ARG002 - these are the host's
        email_key: str | None,  # noqa: ARG002
    ) -> None:
        """Whether rules leave a customer alone; all its other fields are the host's."""
        if "no_auto" in values:
            self._add_heads(self._among([customer]))
            self._heads_of([customer]).update(no_auto=bool(values["no_auto"]))

    def delete_customers(self, run: str) -> None:
        """End the assignments and shares that the customers ``run`` changed still have; the host's rows are its own."""
        gone = self._rows(tables.PlanItem).filter(run=run, fate=Fate.CHANGED.value)
        delete_among(tables.Assignment, {"customer": "customer"}, gone, self._using)
        delete_among(tables.Share, {"customer": "customer"}, gone, self._using)

    # The cardinality

    def lock_cardinality(self, cardinality: str) -> None:
        """Hold the recorded cardinality; ``cardinality_mismatch`` where it is another.

        Whoever writes an assignment holds it too, several at once: so this waits for all of them, and nobody
        writes one until the end.
        """
        found = self._recorded("FOR UPDATE")
        if found != cardinality:
            raise cardinality_mismatch(found, cardinality, WHO)

    def switch_cardinality(self, cardinality: str) -> None:
        """State every assignment anew: each steps aside, and comes back as a row that is checked like any other."""
        aside = ("customer", "staff", "slot", "role", "source", "since")
        columns = ("customer_id", "staff_id", *aside[2:])
        mine = self._rows(tables.Assignment)
        insert_from(mine.values_list(*columns), tables.AssignmentAside, aside, self._using)
        self._delete(mine)
        self._rows(tables.Cardinality).update(name=cardinality)
        waiting = self._rows(tables.AssignmentAside)
        back = waiting.values_list(*columns, Value(cardinality))
        insert_from(back, tables.Assignment, (*aside, "cardinality"), self._using)
        self._delete(waiting)

    def _hold_cardinality(self, cardinality: str | None) -> str:
        """The recorded cardinality, held with others until the end; ``cardinality_mismatch`` for another."""
        found = self._recorded("LOCK IN SHARE MODE" if self._connection.vendor == "mysql" else "FOR SHARE")
        if cardinality not in (None, found):
            raise cardinality_mismatch(found, str(cardinality), WHO)
        return found

    def _recorded(self, how: str) -> str:
        kept = self._rows(tables.Cardinality).values_list("name", flat=True)
        if self.alone:
            found = kept.first()
        else:
            with self._connection.cursor() as cursor:
                cursor.execute(f"SELECT name FROM {table(tables.Cardinality, self._using)} {how}")
                row = cursor.fetchone()
            found = None if row is None else row[0]
        if found is None:
            raise unfit("schema_missing", "No cardinality is recorded.", "Run `manage.py migrate ownership`.")
        return str(found)

    @property
    def alone(self) -> bool:
        """Whether nobody else can write while this transaction lasts."""
        return self._connection.vendor == "sqlite"


def _created(run: Run, row: PlanRow, assignments: list[Assignment]) -> dict[str, object]:
    body = customer_body(run.what, row, assignments)
    event = Event(Subject.CUSTOMER, row.customer, row.version + 1, run.id, run.at, run.actor, run.reason, body)
    return event_columns(event)
