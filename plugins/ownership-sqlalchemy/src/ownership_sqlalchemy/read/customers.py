"""Questions about customers: pages, counts, checks, and all that is known of some."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import BigInteger, Boolean, Text, TypeEngine

from ownership_core.distribute import Marked
from ownership_core.fields import Kind
from ownership_core.model import Customer, CustomerId, StaffId, Value
from ownership_core.ports import Load, Order, Position, Query
from ownership_core.ruling import Fate
from ownership_core.scope import Scope
from ownership_sqlalchemy import rows
from ownership_sqlalchemy.compile import Compiler, guarded
from ownership_sqlalchemy.dialects import AsJson, JsonList, JsonRow, coded, packed, rows_in, rows_of
from ownership_sqlalchemy.facts import COLUMNS
from ownership_sqlalchemy.read.asking import SqlAsker, asker_of

BITS = 60  # as many marks a signed 64-bit number has to spare
_BLANKS: dict[Kind, ColumnElement[Any]] = {Kind.TEXT: literal_column("''"), Kind.BOOLEAN: false()}


class CustomersReader(SqlAsker):
    """Which customers a scope holds of, asked in every way there is."""

    def page(self, query: Query, order: Order, after: Position | None, limit: int) -> list[Customer]:
        """The next ``limit`` customers in ``order``, with values, sets and assignments."""
        given = {} if after is None else self._place_of(order, after)
        found = self._about(
            query, ("page", order, after is not None, limit), given, lambda: self._page(query, order, given, limit)
        )
        fields, key = self._compiler.fields, self._tables.staff_key.key_type
        return [rows.customer_of(row, fields, key) for row in found]

    def _page(self, query: Query, order: Order, given: dict[str, Any], limit: int) -> Select[Any]:
        # The page is cut first: lists of assignments and values are gathered for its rows only.
        places = self._places(order)
        labelled: list[ColumnElement[Any]] = [place.label(f"place_{number}") for number, place in enumerate(places)]

        def cut(compiler: Compiler) -> Select[Any]:
            chosen = self._chosen(compiler, query, self._tables.customer.c.id, *labelled)
            if given:
                chosen = chosen.where(self._beyond(order, given, places))
            return chosen.order_by(*self._sorted(order, places))

        compiler = self._compiler_for(query)
        few = compiler.for_few() if self._database.reads_ahead else compiler
        many = self._owning_many(few, query, order, limit)
        if many is None:
            page: FromClause = cut(compiler).limit(limit).subquery("page")
        else:
            only_if = self._database.only_if
            gathered, walked = cut(few), cut(compiler.one_by_one())
            ways = only_if(not_(many), gathered, limit), only_if(many, walked, limit)
            page = union_all(*(select(way.subquery()) for way in ways)).subquery("page")
        again: list[ColumnElement[Any]] = [page.c[f"place_{number}"] for number, _ in enumerate(places)]
        return self._everything(page.c.id).order_by(*self._sorted(order, again))

    def _owning_many(self, compiler: Compiler, query: Query, order: Order, limit: int) -> ColumnElement[bool] | None:
        """Whether a page is found sooner along the index it is sorted by than among the staff's own customers.

        Gathering takes as long as the customers are many, walking takes ``limit`` times the customers of the shop
        for each of theirs. None where the database weighs this by itself, or there is no such index.
        """
        if order.field not in self._tables.facts.in_order:
            return None
        if self._database.joins_exists and not compiler.asks_for_several(query.scope):
            return None
        book = compiler.book(query.scope)
        if book is None:
            return None
        many = self._database.exceeds(book, self._tables.customer, limit)
        return None if many is None else select(select(many.label("many")).cte("weighed").c.many).scalar_subquery()

    def count(self, query: Query, at_most: int | None = None) -> int:
        """How many customers there are; counting ends at ``at_most``."""
        (row,) = self._about(query, ("count", at_most), {}, lambda: self._count(query, at_most))
        return int(row.many)

    def _count(self, query: Query, at_most: int | None) -> Select[Any]:
        if at_most is None:
            return self._matching(query, func.count().label("many"), gathering=not self._database.joins_exists)
        some = self._matching(query, self._tables.customer.c.id).limit(at_most).subquery("some")
        return select(func.count().label("many")).select_from(some)

    def count_changed(self, run: str, query: Query) -> int:
        """How many of the customers that a run or plan changes the query holds of now."""
        item = self._tables.plan_item
        changed = select(item.c.customer_id).where(item.c.run == run, item.c.fate == Fate.CHANGED.value)
        statement = self._chosen(self._compiler_for(query).one_by_one(), query, func.count())
        return int(self._run(statement.where(self._tables.customer.c.id.in_(changed))).scalar_one())

    def ids(self, query: Query) -> Iterator[CustomerId]:
        """All ids in id order, streamed."""
        id = self._tables.customer.c.id
        return (row.id for row in self._stream(self._matching(query, id).order_by(self._sorted_id)))

    def check(self, query: Query, ids: Sequence[CustomerId]) -> frozenset[CustomerId]:
        """Those of ``ids`` the query holds of: one statement for one id or a thousand."""
        key = self._tables.customer_key
        if len(ids) == 1 and key.can_be(ids[0]) and self._takes_text and self._is_known(query):
            return self._check_one(query, ids[0])
        given = {"asked": packed(key.all_stored(ids))}
        found = self._about(query, ("check", False), given, lambda: self._check(query, given["asked"], one=False))
        return frozenset([row.id for row in found]) & frozenset(ids)

    def _check_one(self, query: Query, id: CustomerId) -> frozenset[CustomerId]:
        """One id; where the same question was asked about another one before, nothing is new but that."""
        if self._single is None or self._single[0] is not query:
            key, given = self._kept_as(query, ("check", True))
            prepared = self._prepared(key, lambda: self._check(query, id, one=True), {"asked", *given})
            self._single = query, prepared.about(given, "asked")
        self._finish_streams()
        try:
            found = self._single[1](self._connection, id)
        except DBAPIError as error:
            raise coded(error) from None
        return frozenset((id,)) if found == id else frozenset()  # a host's key may take two ids for one

    def _check(self, query: Query, asked: str, *, one: bool) -> Select[Any]:
        id, key = self._tables.customer.c.id, self._tables.customer_key
        if one:
            chosen: ColumnElement[bool] = id == bindparam("asked", asked, type_=key)
        else:
            chosen = id.in_(select(rows_in(bindparam("asked", asked, type_=Text()), key).c.id))
        compiler = self._compiler_for(query).one_by_one()
        return select(id).where(chosen, compiler.where(query.scope), guarded(self._tables, query.guard))

    def marks(
        self, query: Query, scopes: Sequence[Scope], fields: Sequence[str], after: CustomerId | None, limit: int
    ) -> list[Marked]:
        """The next ``limit`` customers in id order, each with which of ``scopes`` are TRUE of it."""
        customer, first = self._tables.customer, self._tables.assignment.alias("first")
        one_by_one = self._compiler.one_by_one()
        marked = [case((one_by_one.where(scope), 1 << place % BITS), else_=0) for place, scope in enumerate(scopes)]
        summed = [sum(marked[start : start + BITS], literal(0, BigInteger())) for start in range(0, len(marked), BITS)]
        values = [one_by_one.value(one_by_one.field(name, many=False)) for name in fields]
        statement = (
            self._chosen(
                self._compiler.asked_by(asker_of(query)),
                query,
                customer.c.id,
                first.c.staff_id.label("primary"),
                *(bits.label(f"held_{place}") for place, bits in enumerate(summed)),
                *(value.label(f"value_{place}") for place, value in enumerate(values)),
            )
            .select_from(customer.outerjoin(first, and_(first.c.customer_id == customer.c.id, first.c.slot == 0)))
            .order_by(self._sorted_id)
            .limit(limit)
        )
        if after is not None:
            key = self._tables.customer_key
            statement = statement.where(self._sorted_id > literal(after, Text() if key.is_loose else key))
        found: Sequence[Any] = self._run(statement).all()
        told = 2 + len(summed)  # by place: a name is looked up for each row anew
        return [
            Marked(
                customer=CustomerId(row[0]),
                held=sum(bits << BITS * place for place, bits in enumerate(row[2:told])),
                values=dict(zip(fields, row[told:], strict=True)),
                primary=row[1],
            )
            for row in found
        ]

    def loads(self, staff: Collection[StaffId], since: int) -> dict[StaffId, Load]:
        """What each of these staff holds; ``recent`` counts assignments that began at ``since`` or later."""
        mine = self._tables.assignment
        wanted = rows_of(self._tables.staff_ids(frozenset(staff)), self._tables.staff_key)
        statement = (
            select(
                mine.c.staff_id,
                func.count(mine.c.slot).label("leading"),
                func.count().label("many"),
                func.sum(case((mine.c.since >= since, 1), else_=0)).label("recent"),
            )
            .where(mine.c.staff_id.in_(select(wanted.c.id)))
            .group_by(mine.c.staff_id)
        )
        found = {id: Load() for id in staff}
        for row in self._run(statement):
            found[StaffId(str(row.staff_id))] = Load(row.leading, row.many - row.leading, int(row.recent))
        return found

    def customers(self, ids: Sequence[CustomerId]) -> list[Customer]:
        """Everything a scope can ask about these customers, in id order; missing ones are left out."""
        wanted = self._wanted(dict.fromkeys(ids))
        found = self._customers(self._everything(wanted.c.id, shares=True).order_by(self._sorted_id))
        asked = frozenset(ids)  # a host's key may take two ids for one
        return [customer for customer in found if customer.id in asked]

    def _matching(self, query: Query, *columns: ColumnElement[Any], gathering: bool = False) -> Select[Any]:
        compiler = self._compiler_for(query)
        return self._chosen(compiler.for_all() if gathering else compiler, query, *columns)

    def _chosen(self, compiler: Compiler, query: Query, *columns: ColumnElement[Any]) -> Select[Any]:
        condition = and_(compiler.where(query.scope), guarded(self._tables, query.guard))
        return select(*columns).select_from(self._tables.customer).where(condition)

    @property
    def _sorted_id(self) -> ColumnElement[Any]:
        return self._by_code_points(self._tables.customer.c.id)

    def _places(self, order: Order) -> list[ColumnElement[Any]]:
        """What an order sorts by: whether the value is missing, the value or a blank, and the id."""
        id = self._sorted_id
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

    def _beyond(self, order: Order, given: dict[str, Any], places: list[ColumnElement[Any]]) -> ColumnElement[bool]:
        key = self._tables.customer_key
        last_id = bindparam("last_id", given["last_id"], type_=Text() if key.is_loose else key)
        if len(places) == 1:
            return places[0] < last_id if order.descending else places[0] > last_id
        missing, value, id = places
        last_missing: ColumnElement[Any] = bindparam("last_missing", given["last_missing"], type_=Boolean())
        last: ColumnElement[Any] = bindparam("last", given["last"], type_=self._kind_of(order))
        if not order.descending:
            return tuple_(missing, value, id) > tuple_(last_missing, last, last_id)
        same = and_(missing == last_missing, or_(value < last, and_(value == last, id > last_id)))
        return or_(missing > last_missing, same)

    def _place_of(self, order: Order, after: Position) -> dict[str, Any]:
        """A position as the parameters of :meth:`_beyond`."""
        if order.field == "id":
            return {"last_id": after.id}
        return {"last_id": after.id, "last_missing": after.value is None, "last": self._last(order, after.value)}

    def _last(self, order: Order, value: Value | None) -> Value:
        declared = self._compiler.fields[order.field]
        if declared.kind is Kind.TEXT:
            return declared.folded(str(value)) if value is not None else ""
        return bool(value) if declared.kind is Kind.BOOLEAN else int(value or 0)

    def _kind_of(self, order: Order) -> TypeEngine[Any]:
        kinds: dict[Kind, TypeEngine[Any]] = {Kind.TEXT: Text(), Kind.BOOLEAN: Boolean()}
        return kinds.get(self._compiler.fields[order.field].kind, BigInteger())

    def _everything(self, ids: ColumnElement[Any], *, shares: bool = False) -> Select[Any]:
        """The customers of a select's id column, with all they have; and with ``shares`` if so."""
        tables, customer, head = self._tables, self._tables.customer, self._tables.head
        compiler = self._compiler
        mine, who, works = tables.assignment, tables.staff, tables.staff_department
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
        return select(
            customer.c.id,
            *(compiler.value(compiler.fields[name]).label(name) for name in sorted(COLUMNS)),
            head.c.version,
            head.c.no_auto,
            assigned.correlate(customer).scalar_subquery().label("assigned"),
            tables.facts.elsewhere(self._compiler.fields).label("kept"),
            *([self._shared()] if shares else []),
        ).select_from(
            ids.table.join(customer, customer.c.id == ids).outerjoin(head, head.c.customer_id == customer.c.id)
        )

    def _shared(self) -> ColumnElement[Any]:
        """Who may view the customer at hand until when, as a JSON list."""
        share, customer = self._tables.share, self._tables.customer
        lines = select(JsonList(JsonRow(share.c.staff_id, share.c.until))).where(share.c.customer_id == customer.c.id)
        return lines.correlate(customer).scalar_subquery().label("shared")

    def _customers(self, statement: Select[Any]) -> list[Customer]:
        fields, key = self._compiler.fields, self._tables.staff_key.key_type
        return [rows.customer_of(row, fields, key) for row in self._run(statement)]
