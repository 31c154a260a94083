"""The questions of the ``Reader`` port: each is one statement, whatever the number of customers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

from django.db import connections
from django.db.models import BigIntegerField, Count, Exists, F, Model, OuterRef, Q, QuerySet, Subquery, Sum, Value

from ownership_core.distribute import Marked
from ownership_core.events import Event, Subject
from ownership_core.fields import Fields, Kind
from ownership_core.keys import KeyType, id_order
from ownership_core.model import (
    Access,
    Actor,
    CoverRow,
    Customer,
    CustomerId,
    Department,
    DepartmentId,
    Level,
    Staff,
    StaffId,
)
from ownership_core.model import Value as Stored
from ownership_core.ports import Load, Order, Position, Query, Run, Task
from ownership_core.rows import FIRST_CODES, actor_columns, event_of, plan_row_of, restriction_of, rule_of, run_of
from ownership_core.rules import Rule
from ownership_core.ruling import Fate, PlanRow
from ownership_core.scope import Scope
from ownership_django import models as tables
from ownership_django.guard import guarded
from ownership_django.hosts import Customers
from ownership_django.models import rows_of
from ownership_django.query import Conditions
from ownership_django.store.access import read_access
from ownership_django.store.errors import answering
from ownership_django.store.facts import Facts, value_of
from ownership_django.store.order import Ordering, id_order_of
from ownership_django.store.words import JsonList, JsonRow, JsonText, Listed, NoText, bit, staff_listed

CHUNK = 1_000
BITS = 60  # as many marks a signed 64-bit number has to spare
DELIVERED = "delivered"
_M = TypeVar("_M", bound=Model)


@answering
class DjangoReader:
    """Answers over the connection of one database."""

    def __init__(self, using: str, customers: Customers) -> None:
        self._using = self.using = using
        self._connection = connections[using]
        self._customers = self.customers_of_site = customers
        self._packed: tuple[tuple[CustomerId, ...], Listed] | None = None

    @property
    def _fields(self) -> Fields:
        return self._customers.fields

    def _rows(self, model: type[_M]) -> QuerySet[_M]:
        return rows_of(model, self._using)

    def _everybody(self) -> QuerySet[Any]:
        return self._customers.rows().using(self._using)

    def _where(self, scope: Scope, *, one_by_one: bool = False) -> Any:
        return Conditions(self._customers, one_by_one).where(scope)

    def _matching(self, query: Query, *, one_by_one: bool = False) -> QuerySet[Any]:
        condition = self._where(query.scope, one_by_one=one_by_one)
        return self._everybody().filter(condition, guarded(query.guard))

    def _among(self, ids: Sequence[CustomerId]) -> QuerySet[Any]:
        """Those of these customers that there are; a loose key of a host's may take two ids for one."""
        if len(ids) == 1:
            value = self._customers.value(ids[0])
            return self._everybody().none() if value is None else self._everybody().filter(pk=value)
        return self._everybody().filter(pk__in=self._listed(ids))

    def _listed(self, ids: Sequence[CustomerId]) -> Listed:
        """The ids as rows; a transaction asks for the same ones several times, and packs them once."""
        if self._packed is None or self._packed[0] is not ids:
            self._packed = tuple(ids), Listed.customers(self._customers, self._connection, ids)
        return self._packed[1]

    # People

    def access(self, staff: Collection[StaffId] | None) -> dict[StaffId, Access]:
        """Access snapshots of these staff, or of all; unknown and deleted ones are left out."""
        return {} if staff is not None and not staff else read_access(self._using, staff)

    def staff(self, ids: Collection[StaffId] | None = None) -> list[Staff]:
        """These staff, or all, by id; tombstones included."""
        chosen = self._rows(tables.Staff)
        if ids is not None:
            chosen = chosen.filter(key__in=staff_listed(ids))
        found = chosen.order_by("key").values_list(
            *("key", "label", "login", "active", "deleted", "website_restricted", "group_mode", "version"),
            self._gathered(tables.StaffDepartment, "staff_id", "department_id"),
            self._gathered(tables.StaffWebsite, "staff_id", "website"),
            self._gathered(tables.StaffRole, "staff_id", "role_id"),
            self._gathered(tables.StaffGroup, "staff_id", "customer_group"),
        )
        return [_staff_of(row) for row in found]

    def _gathered(self, model: type[Model], link: str, column: str) -> Subquery:
        """All values of a column of the row at hand, as a JSON list."""
        mine = self._rows(model).filter(**{link: OuterRef("key")})
        return Subquery(mine.values_list(JsonText(JsonList(F(column)))))

    def staff_of(self, login: str) -> StaffId | None:
        """The one staff that logs in as ``login``."""
        found = self._rows(tables.Staff).filter(login=login).values_list("key", flat=True).first()
        return None if found is None else StaffId(found)

    def covers(self, staff: Collection[StaffId] | None = None) -> list[CoverRow]:
        """All covers, or those that name one of these staff, by id."""
        chosen = self._rows(tables.Cover)
        if staff is not None:
            chosen = chosen.filter(Q(staff_id__in=staff_listed(staff)) | Q(by_id__in=staff_listed(staff)))
        found = chosen.order_by("id").values_list("id", "staff_id", "by_id", "since", "until", "version")
        return [CoverRow(id, StaffId(staff), StaffId(by), *rest) for id, staff, by, *rest in found]

    def departments(self) -> list[Department]:
        """All departments, by id."""
        groups = self._gathered(tables.DepartmentGroup, "department_id", "customer_group")
        found = self._rows(tables.Department).order_by("key")
        return [
            Department(DepartmentId(key), label, parent, restriction_of(mode, json.loads(listed)), version)
            for key, label, parent, mode, version, listed in found.values_list(
                "key", "label", "parent_id", "group_mode", "version", groups
            )
        ]

    def roles(self) -> dict[str, dict[str, Level]]:
        """All roles and how far each of their actions reaches."""
        levels = self._rows(tables.RoleLevel).filter(role_id=OuterRef("name"))
        pairs = Subquery(levels.values_list(JsonText(JsonList(JsonRow(F("action"), F("level"))))))
        found = self._rows(tables.Role).order_by("name").values_list("name", pairs)
        return {name: {action: Level(level) for action, level in sorted(json.loads(text))} for name, text in found}

    def rules(self) -> list[Rule]:
        """All assignment rules, by id."""
        return list(map(rule_of, self._rows(tables.Rule).order_by("id")))

    # Customers

    def page(self, query: Query, order: Order, after: Position | None, limit: int) -> list[Customer]:
        """The next ``limit`` customers in ``order``, with everything they have."""
        self._fields[order.field]  # refuses an unknown one
        ordering = Ordering(self._customers, self._using, order)
        rows = self._matching(query)
        if after is not None:
            rows = ordering.beyond(rows, after)
        return list(Facts(self._customers, self._using).of(ordering.sorted(rows)[:limit]))

    def count(self, query: Query, at_most: int | None = None) -> int:
        """How many customers there are; counting ends at ``at_most``."""
        rows = self._matching(query)
        return rows.count() if at_most is None else rows[:at_most].count()

    def ids(self, query: Query) -> Iterator[CustomerId]:
        """All ids in id order, streamed."""
        rows = Ordering(self._customers, self._using, Order()).sorted(self._matching(query))
        found = rows.values_list(self._customers.pk.attname, flat=True)
        return (CustomerId(str(id)) for id in found.iterator(chunk_size=CHUNK))

    def check(self, query: Query, ids: Sequence[CustomerId]) -> frozenset[CustomerId]:
        """Those of ``ids`` the query holds of: one statement for one id or a thousand."""
        if not ids:
            return frozenset()
        condition = self._where(query.scope, one_by_one=True)
        found = self._among(ids).filter(condition, guarded(query.guard)).values_list("pk", flat=True)
        return frozenset(CustomerId(str(id)) for id in found) & frozenset(ids)

    def marks(
        self, query: Query, scopes: Sequence[Scope], fields: Sequence[str], after: CustomerId | None, limit: int
    ) -> list[Marked]:
        """The next ``limit`` customers in id order, each with which of ``scopes`` are TRUE of it."""
        ordering, pk = Ordering(self._customers, self._using, Order()), self._customers.pk.attname
        rows = self._matching(query)
        if after is not None:
            rows = ordering.beyond(rows, Position(None, after))
        first = self._rows(tables.Assignment).filter(customer_id=OuterRef(pk), slot=0).values("staff_id")
        held = [self._marked(scopes[start : start + BITS]) for start in range(0, len(scopes), BITS)]
        found = ordering.sorted(rows).values_list(pk, Subquery(first), *held, *map(self._value, fields))
        return [
            Marked(
                customer=CustomerId(str(id)),
                held=sum(bits << BITS * place for place, bits in enumerate(rest[: len(held)])),
                values=dict(zip(fields, map(self._read, fields, rest[len(held) :]), strict=True)),
                primary=primary,
            )
            for id, primary, *rest in found[:limit]
        ]

    def _marked(self, scopes: Sequence[Scope]) -> Any:
        """One bit for each scope that is TRUE of the customer at hand."""
        bits: Any = Value(0, BigIntegerField())
        for place, scope in enumerate(scopes):
            bits = bits + bit(self._where(scope, one_by_one=True), 1 << place, 0)
        return bits

    def _value(self, name: str) -> Any:
        """The column of a to-one field."""
        known = Conditions(self._customers, one_by_one=True).value(name)
        return NoText() if known is None else known

    def _read(self, name: str, raw: Any) -> Stored | None:
        place = self._customers.places.get(name)
        if place is not None:
            return value_of(place, raw)
        return None if raw is None else bool(raw) if self._fields[name].kind is Kind.BOOLEAN else str(raw)

    def loads(self, staff: Collection[StaffId], since: int) -> dict[StaffId, Load]:
        """What each of these staff holds; ``recent`` counts assignments that began at ``since`` or later."""
        theirs = self._rows(tables.Assignment).filter(staff_id__in=staff_listed(staff)).order_by()
        counted = theirs.values_list("staff_id").annotate(
            leading=Count("slot"), many=Count("pk"), recent=Sum(bit(Q(since__gte=since), 1, 0))
        )
        found = {id: Load() for id in staff}
        for id, leading, many, recent in counted:
            found[StaffId(id)] = Load(leading, many - leading, int(recent))
        return found

    def customers(self, ids: Sequence[CustomerId]) -> list[Customer]:
        """Everything a scope can ask about these customers, in id order; missing ones are left out."""
        if not ids:
            return []
        rows = Ordering(self._customers, self._using, Order()).sorted(self._among(ids))
        asked = frozenset(ids)
        return [one for one in Facts(self._customers, self._using).of(rows, shares=True) if one.id in asked]

    def strays(self) -> list[CustomerId]:
        """Customers that are assigned and gone, by id."""
        there = Exists(self._everybody().filter(pk=OuterRef("customer_id")))
        gone = self._rows(tables.Assignment).filter(~there).values_list("customer_id", flat=True).distinct()
        return sorted((CustomerId(str(id)) for id in gone), key=self._by_id)

    def _by_id(self, id: str) -> tuple[int, str]:
        return id_order(id, self._customers.key)

    # History

    def events(
        self, kind: Subject | None = None, subject: str | None = None, run: str | None = None
    ) -> Iterator[Event]:
        """Events by (kind, subject, version), streamed; narrowed to what is given."""
        found = self._rows(tables.Event).order_by("subject_kind", "subject", "version")
        if kind is not None:
            found = found.filter(subject_kind=kind.value)
        if subject is not None:
            found = found.filter(subject=subject)
        if run is not None:
            found = found.filter(run=run)
        return map(event_of, found.iterator(chunk_size=CHUNK))

    def runs(self, limit: int = 50, actor: Actor | None = None) -> list[Run]:
        """The newest runs first, or those of ``actor``; runs of one moment by id, the last id first."""
        shown = self._rows(tables.Run).filter(part_of__isnull=True)
        if actor is not None:
            for name, value in actor_columns(actor).items():
                shown = shown.filter(**({f"{name}__isnull": True} if value is None else {name: value}))
        return [run_of(row) for row in shown.order_by("-at", "-id")[:limit]]

    def run(self, run: str) -> Run | None:
        """One run."""
        row = self._rows(tables.Run).filter(id=run).first()
        return None if row is None else run_of(row)

    def parts(self, plan: str) -> list[Run]:
        """The runs that applied a part of ``plan``, by id."""
        return [run_of(row) for row in self._rows(tables.Run).filter(part_of=plan).order_by("id")]

    def plan_rows(self, run: str) -> Iterator[PlanRow]:
        """The rows of a run in customer id order, streamed."""
        codes = self._rows(tables.Run).filter(id=OuterRef("run")).values("codes")
        order = id_order_of(self._customers, self._using, "customer")
        found: Any = self._rows(tables.PlanItem).filter(run=run).order_by(order).annotate(names=Subquery(codes))
        known = self._drafted_codes(run)
        # A cursor on the server costs three statements more than the rows of one customer.
        for row in found if self._has_few(run) else found.iterator(chunk_size=CHUNK):
            if known is None:
                known = tuple(json.loads(row.names)) if row.names is not None else FIRST_CODES
            yield plan_row_of(row, known, KeyType.TEXT)

    def count_changed(self, run: str, query: Query) -> int:
        """How many of the customers that a run or plan changes the query holds of now."""
        changed = self._rows(tables.PlanItem).filter(run=run, fate=Fate.CHANGED.value)
        return self._matching(query, one_by_one=True).filter(pk__in=changed.values("customer")).count()

    def _drafted_codes(self, run: str) -> tuple[str, ...] | None:  # noqa: ARG002 - a writer knows some
        """The codes of a run that is drafted and not saved yet."""
        return None

    def _has_few(self, run: str) -> bool:  # noqa: ARG002 - a writer knows of some
        """Whether the rows of a run are known to be no more than a chunk."""
        return False

    def outbox(self) -> list[Task]:
        """Undelivered outbox rows, by run and receiver."""
        found = self._rows(tables.OutboxTask).exclude(state=DELIVERED).order_by("run", "receiver")
        return [Task(row.run, StaffId(row.receiver), row.state) for row in found]


def _staff_of(row: tuple[Any, ...]) -> Staff:
    key, label, login, active, deleted, restricted, mode, version, *gathered = row
    departments, websites, roles, groups = map(json.loads, gathered)
    return Staff(
        id=StaffId(key),
        label=label,
        login=login,
        active=active,
        deleted=deleted,
        departments=frozenset(map(DepartmentId, departments)),
        websites=frozenset(websites) if restricted else None,
        roles=frozenset(roles),
        restriction=restriction_of(mode, groups),
        version=version,
    )
