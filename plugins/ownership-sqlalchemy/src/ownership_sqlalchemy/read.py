"""The questions of the ``Reader`` port: each is one statement, whatever the number of customers."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Executable,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import BigInteger, Text

from ownership_core.events import Event, Subject
from ownership_core.fields import Fields, Kind
from ownership_core.model import Access, Customer, CustomerId, Department, DepartmentId, Level, Staff, StaffId, Value
from ownership_core.ports import Order, Position, Query, Run, Task
from ownership_core.ruling import PlanRow
from ownership_sqlalchemy import access, rows
from ownership_sqlalchemy.compile import COLUMNS, Compiler, guarded
from ownership_sqlalchemy.dialects import AsJson, JsonList, JsonRow, as_text, coded, database_of, packed, rows_of
from ownership_sqlalchemy.tables import Tables

CHUNK = 1_000
_BLANKS: dict[Kind, ColumnElement[Any]] = {Kind.TEXT: literal_column("''"), Kind.BOOLEAN: false()}
DELIVERED = "delivered"


class SqlReader:
    """Answers over one connection."""

    def __init__(self, connection: Connection, tables: Tables, fields: Fields) -> None:
        self._connection = connection
        self._tables = tables
        self._compiler = Compiler(tables, fields)
        self._database = database_of(connection.dialect)
        self._streams: list[_Stream] = []

    # People

    def access(self, staff: Collection[StaffId] | None) -> dict[StaffId, Access]:
        """Access snapshots of these staff, or of all; unknown and deleted ones are left out."""
        everybody = staff is None
        wanted = None if staff is None else {"wanted": packed(self._tables.staff_ids(frozenset(staff)))}
        found = self._run(access.statement(self._tables, everybody=everybody), wanted)
        return access.snapshots(found, self._tables.staff_key.key_type)

    def staff(self, ids: Collection[StaffId] | None = None) -> list[Staff]:
        """These staff, or all, by id; tombstones included."""
        tables, who = self._tables, self._tables.staff
        statement = select(
            who,
            _gathered(tables.staff_department.c.department_id, tables.staff_department.c.staff_id == who.c.id),
            _gathered(tables.staff_website.c.website, tables.staff_website.c.staff_id == who.c.id),
            _gathered(tables.staff_role.c.role, tables.staff_role.c.staff_id == who.c.id),
            *self._restriction("staff", as_text(who.c.id)),
        ).order_by(who.c.id)
        if ids is not None:
            wanted = rows_of(tables.staff_ids(frozenset(ids)), tables.staff_key)
            statement = statement.where(who.c.id.in_(select(wanted.c.id)))
        return [
            Staff(
                id=row.id,
                label=row.label,
                login=row.login,
                active=row.active,
                deleted=row.deleted,
                departments=frozenset(map(DepartmentId, json.loads(row.department_id))),
                websites=frozenset(json.loads(row.website)) if row.website_restricted else None,
                roles=frozenset(json.loads(row.role)),
                restriction=rows.restriction_of(row.mode, json.loads(row.customer_group)),
                version=row.version,
            )
            for row in self._run(statement)
        ]

    def staff_of(self, login: str) -> StaffId | None:
        """The one staff that logs in as ``login``."""
        who = self._tables.staff
        found = [StaffId(str(row.id)) for row in self._run(select(who.c.id).where(who.c.login == login))]
        return found[0] if found else None

    def departments(self) -> list[Department]:
        """All departments, by id."""
        unit = self._tables.department
        statement = select(unit, *self._restriction("department", unit.c.id)).order_by(unit.c.id)
        return [
            Department(
                row.id,
                row.label,
                row.parent,
                rows.restriction_of(row.mode, json.loads(row.customer_group)),
                row.version,
            )
            for row in self._run(statement)
        ]

    def _restriction(self, kind: str, holder: ColumnElement[str]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        restriction, group = self._tables.restriction, self._tables.restriction_group
        mode = select(restriction.c.mode).where(restriction.c.holder_kind == kind, restriction.c.holder == holder)
        groups = _gathered(group.c.customer_group, group.c.holder_kind == kind, group.c.holder == holder)
        return mode.scalar_subquery().label("mode"), groups

    def roles(self) -> dict[str, dict[str, Level]]:
        """All roles and how far each of their actions reaches."""
        role, level = self._tables.role, self._tables.role_level
        statement = (
            select(role.c.name, level.c.action, level.c.level)
            .select_from(role.outerjoin(level, level.c.role == role.c.name))
            .order_by(role.c.name, level.c.action)
        )
        found: dict[str, dict[str, Level]] = {}
        for row in self._run(statement):
            levels = found.setdefault(row.name, {})
            if row.action is not None:
                levels[row.action] = Level(row.level)
        return found

    # Customers

    def page(self, query: Query, order: Order, after: Position | None, limit: int) -> list[Customer]:
        """The next ``limit`` customers in ``order``, with values, sets and assignments."""
        # The page is cut first: lists of assignments and values are gathered for its rows only.
        places = self._places(order)
        labelled: list[ColumnElement[Any]] = [place.label(f"place_{number}") for number, place in enumerate(places)]
        chosen = self._matching(query, self._tables.customer.c.id, *labelled)
        if after is not None:
            chosen = chosen.where(self._beyond(order, after, places))
        page = chosen.order_by(*self._sorted(order, places)).limit(limit).subquery("page")
        again: list[ColumnElement[Any]] = [page.c[f"place_{number}"] for number, _ in enumerate(places)]
        return self._customers(self._everything(page.c.id).order_by(*self._sorted(order, again)))

    def count(self, query: Query) -> int:
        """How many customers there are."""
        return int(self._run(self._matching(query, func.count())).scalar_one())

    def ids(self, query: Query) -> Iterator[CustomerId]:
        """All ids in id order, streamed."""
        id = self._tables.customer.c.id
        return (row.id for row in self._stream(self._matching(query, id).order_by(id)))

    def check(self, query: Query, ids: Sequence[CustomerId]) -> frozenset[CustomerId]:
        """Those of ``ids`` the query holds of: one statement for one id or a thousand."""
        customer = self._tables.customer
        wanted = select(self._wanted(ids).c.id)
        condition = self._compiler.narrowed(wanted).where(query.scope)
        statement = select(customer.c.id).where(
            customer.c.id.in_(wanted), condition, guarded(self._tables, query.guard)
        )
        return frozenset(row.id for row in self._run(statement))

    def customers(self, ids: Sequence[CustomerId]) -> list[Customer]:
        """Everything a scope can ask about these customers, in id order; missing ones are left out."""
        wanted = self._wanted(dict.fromkeys(ids))
        return self._customers(self._everything(wanted.c.id).order_by(self._tables.customer.c.id))

    def _wanted(self, ids: Collection[CustomerId]) -> Any:
        key = self._tables.customer_key
        return rows_of([key.stored(id) for id in ids if key.can_be(id)], key)

    def _matching(self, query: Query, *columns: ColumnElement[Any]) -> Select[Any]:
        condition = and_(self._compiler.where(query.scope), guarded(self._tables, query.guard))
        return select(*columns).select_from(self._tables.customer).where(condition)

    def _places(self, order: Order) -> list[ColumnElement[Any]]:
        """What an order sorts by: whether the value is missing, the value or a blank, and the id."""
        id = self._tables.customer.c.id
        if order.field == "id":
            return [id]
        declared = self._compiler.field(order.field, many=False)
        # Written without parameters, so that the index on the same expressions is found.
        blank: ColumnElement[Any] = _BLANKS.get(declared.kind, literal_column("0"))
        missing = self._compiler.value(declared).is_(None)
        return [missing, func.coalesce(self._compiler.folded(declared), blank), id]

    def _sorted(self, order: Order, places: list[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        """Missing values stay last, and equal ones by id upwards, in either direction."""
        if not order.descending:
            return places
        return [places[0].desc()] if len(places) == 1 else [places[0], places[1].desc(), places[2]]

    def _beyond(self, order: Order, after: Position, places: list[ColumnElement[Any]]) -> ColumnElement[bool]:
        last_id = literal(after.id, self._tables.customer_key)
        if len(places) == 1:
            return places[0] < last_id if order.descending else places[0] > last_id
        missing, value, id = places
        last_missing, last = literal(after.value is None), self._last(order, after.value)
        if not order.descending:
            return tuple_(missing, value, id) > tuple_(last_missing, last, last_id)
        same = and_(missing == last_missing, or_(value < last, and_(value == last, id > last_id)))
        return or_(missing > last_missing, same)

    def _last(self, order: Order, value: Value | None) -> ColumnElement[Any]:
        declared = self._compiler.fields[order.field]
        if declared.kind is Kind.TEXT:
            return literal(declared.folded(str(value)) if value is not None else "", Text())
        if declared.kind is Kind.BOOLEAN:
            return literal(bool(value))
        return literal(int(value or 0), BigInteger())

    def _everything(self, ids: ColumnElement[Any]) -> Select[Any]:
        """The customers of a select's id column, with all they have."""
        tables, customer, head = self._tables, self._tables.customer, self._tables.head
        mine, who, works, kept = tables.assignment, tables.staff, tables.staff_department, tables.customer_value
        units = select(JsonList(works.c.department_id)).where(works.c.staff_id == who.c.id).correlate(who)
        line = JsonRow(
            mine.c.staff_id,
            mine.c.slot,
            mine.c.since,
            mine.c.role,
            mine.c.source,
            case((and_(who.c.active, not_(who.c.deleted)), 1), else_=0),
            AsJson(units.scalar_subquery()),
        )
        assigned = select(JsonList(line)).where(mine.c.customer_id == customer.c.id, who.c.id == mine.c.staff_id)
        values = select(JsonList(JsonRow(kept.c.field, kept.c.value, kept.c.number))).where(
            kept.c.customer_id == customer.c.id
        )
        return select(
            customer.c.id,
            *(customer.c[name] for name in sorted(COLUMNS)),
            head.c.version,
            head.c.no_auto,
            assigned.correlate(customer).scalar_subquery().label("assigned"),
            values.correlate(customer).scalar_subquery().label("kept"),
        ).select_from(
            ids.table.join(customer, customer.c.id == ids).outerjoin(head, head.c.customer_id == customer.c.id)
        )

    def _customers(self, statement: Select[Any]) -> list[Customer]:
        fields, key = self._compiler.fields, self._tables.staff_key.key_type
        return [rows.customer_of(row, fields, key) for row in self._run(statement)]

    # History

    def events(
        self, kind: Subject | None = None, subject: str | None = None, run: str | None = None
    ) -> Iterator[Event]:
        """Events by (kind, subject, version), streamed; narrowed to what is given."""
        event = self._tables.event
        statement = select(event).order_by(event.c.subject_kind, event.c.subject, event.c.version)
        if kind is not None:
            statement = statement.where(event.c.subject_kind == kind.value)
        if subject is not None:
            statement = statement.where(event.c.subject == subject)
        if run is not None:
            statement = statement.where(event.c.run == run)
        return map(rows.event_of, self._stream(statement))

    def runs(self, limit: int = 50) -> list[Run]:
        """The newest runs first; runs of one moment by id, the last id first."""
        run = self._tables.run
        return [
            rows.run_of(row) for row in self._run(select(run).order_by(run.c.at.desc(), run.c.id.desc()).limit(limit))
        ]

    def run(self, run: str) -> Run | None:
        """One run."""
        row = self._run(select(self._tables.run).where(self._tables.run.c.id == run)).one_or_none()
        return None if row is None else rows.run_of(row)

    def plan_rows(self, run: str) -> Iterator[PlanRow]:
        """The rows of a run in customer id order, streamed."""
        item, stored = self._tables.plan_item, self._tables.run
        names = select(stored.c.codes).where(stored.c.id == run).scalar_subquery().label("names")
        statement = select(item, names).where(item.c.run == run).order_by(item.c.customer_id)
        known: tuple[str, ...] | None = self._drafted_codes(run)
        for row in self._stream(statement):
            if known is None:
                known = tuple(json.loads(row.names)) if row.names is not None else rows.FIRST_CODES
            yield rows.plan_row_of(row, known, self._tables.staff_key.key_type)

    def _drafted_codes(self, run: str) -> tuple[str, ...] | None:  # noqa: ARG002 - a writer knows some
        """The codes of a run that is drafted and not saved yet."""
        return None

    def outbox(self) -> list[Task]:
        """Undelivered outbox rows, by run and receiver."""
        task = self._tables.outbox
        statement = select(task).where(task.c.state != DELIVERED).order_by(task.c.run, task.c.receiver)
        return [Task(row.run, row.receiver, row.state) for row in self._run(statement)]

    # The driver

    def _run(self, statement: Executable, rows: Any = None) -> CursorResult[Any]:
        self._finish_streams()
        try:
            return self._connection.execute(statement, rows)
        except DBAPIError as error:
            raise coded(error) from None

    def _stream(self, statement: Executable) -> Iterator[Any]:
        self._finish_streams()
        stream = _Stream(self._connection, statement)
        if not self._database.interleaves:
            self._streams.append(stream)
        yield from stream

    def close(self) -> None:
        """Forget what is still to come; the transaction is about to end."""
        while self._streams:
            self._streams.pop().close()

    def _finish_streams(self) -> None:
        while self._streams:
            self._streams.pop().drain()


class _Stream:
    """Rows that come in chunks; what has not been asked for yet is kept aside when the connection is needed."""

    def __init__(self, connection: Connection, statement: Executable) -> None:
        self._aside: deque[Any] = deque()
        try:
            self._found = connection.execute(statement, execution_options={"yield_per": CHUNK})
        except DBAPIError as error:
            raise coded(error) from None

    def __iter__(self) -> Iterator[Any]:
        try:
            while True:
                chunk = self._aside or self._found.fetchmany(CHUNK)
                if not chunk:
                    return
                self._aside = deque(chunk)
                while self._aside:
                    yield self._aside.popleft()
        except DBAPIError as error:
            raise coded(error) from None
        finally:
            self._found.close()

    def close(self) -> None:
        """Ask for no more."""
        self._found.close()

    def drain(self) -> None:
        """Fetch all that is left."""
        if not self._found.closed:
            try:
                self._aside.extend(self._found.fetchall())
            except DBAPIError as error:
                raise coded(error) from None


def _gathered(column: ColumnElement[Any], *conditions: ColumnElement[bool]) -> ColumnElement[Any]:
    """All values of a column as a JSON list, named after it."""
    label = column.key
    return select(JsonList(column)).where(true(), *conditions).scalar_subquery().label(label)
