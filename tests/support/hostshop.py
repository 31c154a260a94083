"""A shop that already exists, with customers in tables of its own, named and shaped by nobody we know.

:class:`HostShopStore` writes those tables as the shop would, so that every contract of a store can be asked
of a store that stands on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    insert,
    select,
    update,
)

from ownership_core.fields import Fields
from ownership_core.model import CustomerId, Value
from ownership_core.ports import NewRow, Run
from ownership_core.testing.worlds import WORLD_FIELDS
from ownership_sqlalchemy import HostTables, SqlAlchemyStore
from ownership_sqlalchemy.dialects import MARIADB
from ownership_sqlalchemy.write import SqlWriter

# A key that ignores case could not hold the ids that the contracts ask about; other texts compare as the server likes.
_KEY = String(191).with_variant(String(191, collation="utf8mb4_nopad_bin"), *MARIADB)


class HostShop:
    """Its tables, and the mapping of the declared fields to them."""

    def __init__(self, fields: Fields = WORLD_FIELDS, **options: Any) -> None:
        self.fields = fields
        self.metadata = MetaData()
        self.people = Table(
            "People",
            self.metadata,
            Column("PersonNo", _KEY, primary_key=True),
            Column("Sort", String(64)),
            Column("FullName", String(500)),
            Column("Mail", String(500)),
            Column("MailKey", _KEY, unique=True),
            Column("Tel", String(500)),
            Column("Enabled", Boolean),
            Column("Since", BigInteger),  # microseconds: worlds hold moments that no calendar has
            Column("Score", BigInteger),
            Column("IsVip", Integer),  # 0 and 1, as older shops have it
        )
        # One row for each person at most: to-one fields that stand elsewhere.
        self.places = Table(
            "Places",
            self.metadata,
            Column("PersonNo", ForeignKey("People.PersonNo"), primary_key=True),
            Column("Site", String(191)),
            Column("Head", String(191)),
            Column("Region", String(500)),
            Column("Seen", BigInteger),
        )
        self.marks = Table(
            "Marks",
            self.metadata,
            Column("Id", Integer, primary_key=True),
            Column("PersonNo", ForeignKey("People.PersonNo"), index=True),
            Column("What", String(64)),
            Column("Text", String(500)),
        )
        self.tables = HostTables(self.people, self._mapping(), **options)

    def _mapping(self) -> dict[str, Any]:
        person, place, mark = self.people.c, self.places.c, self.marks.c
        columns = {
            "kind": person.Sort,
            "name": person.FullName,
            "email": person.Mail,
            "phone": person.Tel,
            "active": person.Enabled,
            "created_at": person.Since,
            "score": person.Score,
            "vip": person.IsVip,
        }
        elsewhere = {"website": place.Site, "parent": place.Head, "region": place.Region, "last_seen": place.Seen}
        return {
            **columns,
            **{name: select(place.PersonNo, column) for name, column in elsewhere.items()},
            **{
                field.name: select(mark.PersonNo, mark.Text).where(mark.What == field.name)
                for field in self.fields.sets()
            },
        }

    def row(self, table: Table, id: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of ``table`` for one person with these fields."""
        found: dict[str, Any] = {}
        for name, mapped in self.tables.fields.items():
            column = mapped if isinstance(mapped, Column) else list(mapped.selected_columns)[1]
            if column.table is table and name in values:
                found[column.name] = values[name]
        return {"PersonNo": id, **found} if found or table is self.people else {}


class _ShopWriter(SqlWriter):
    """A transaction in which the shop writes its rows, and we write ours."""

    shop: HostShop

    def create_customers(self, run: Run, rows: Sequence[NewRow], cardinality: str | None = None) -> None:
        shop = self.shop
        for table in (shop.people, shop.places):
            empty = {column.name: None for column in table.columns}
            self._insert(table, [{**empty, **row} for one in rows if (row := shop.row(table, one.id, one.values))])
        for one in rows:
            self._key(one.id, one.email_key)
        self._mark([(one.id, one.sets) for one in rows])
        super().create_customers(run, rows, cardinality)

    def change_customer(
        self,
        customer: CustomerId,
        values: Mapping[str, Value | None],
        sets: Mapping[str, frozenset[str]],
        email_key: str | None,
    ) -> None:
        shop = self.shop
        for table in (shop.people, shop.places):
            row = {name: value for name, value in shop.row(table, customer, values).items() if name != "PersonNo"}
            if row and not self._run(update(table).where(table.c.PersonNo == customer).values(**row)).rowcount:
                known = self._run(select(shop.people).where(shop.people.c.PersonNo == customer)).first()
                if known is not None:
                    self._insert(table, [{"PersonNo": customer, **row}])
        if "email" in values:
            self._key(customer, email_key)
        mark = shop.marks
        for name in sets:
            self._run(delete(mark).where(mark.c.PersonNo == customer, mark.c.What == name))
        self._mark([(customer, sets)])
        super().change_customer(customer, values, sets, email_key)

    def delete_customers(self, run: str) -> None:
        gone = [row.customer for row in self.plan_rows(run) if row.fate == "changed"]
        super().delete_customers(run)
        for table in (self.shop.marks, self.shop.places, self.shop.people):
            self._run(delete(table).where(table.c.PersonNo.in_(gone)))

    def taken(self, ids: Sequence[CustomerId], email_keys: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
        person = self.shop.people.c
        known = self._run(select(person.PersonNo, person.MailKey))
        rows = [(row.PersonNo, row.MailKey) for row in known]
        return frozenset(id for id, _ in rows if id in ids), frozenset(key for _, key in rows if key in email_keys)

    def _key(self, id: str, email_key: str | None) -> None:
        people = self.shop.people
        self._run(update(people).where(people.c.PersonNo == id).values(MailKey=email_key))

    def _mark(self, all_sets: Sequence[tuple[str, Mapping[str, frozenset[str]]]]) -> None:
        lines = [
            {"PersonNo": id, "What": name, "Text": text}
            for id, sets in all_sets
            for name, texts in sets.items()
            for text in sorted(texts)
        ]
        if lines:
            self._run(insert(self.shop.marks), lines)


class HostShopStore(SqlAlchemyStore):
    """A store on a shop's tables, to which the shop's own writes are added."""

    shop: HostShop
    _opened: ClassVar[WeakKeyDictionary[Engine, HostShopStore]] = WeakKeyDictionary()

    def digest(self) -> str:
        """The shop's rows count too: here they are written with ours."""
        with self.engine.connect() as connection:
            rows = [str(row) for table in self.shop.metadata.sorted_tables for row in connection.execute(select(table))]
        return super().digest() + sha256("\n".join(rows).encode()).hexdigest()

    @classmethod
    def on(cls, engine: Engine, *, fields: Fields = WORLD_FIELDS, **options: Any) -> HostShopStore:
        """Make the shop's tables, then ours."""
        HostShop(fields).metadata.create_all(engine)
        store = cls.again(engine, fields=fields, **options)
        store.upgrade()
        return store

    @classmethod
    def again(cls, engine: Engine, *, fields: Fields = WORLD_FIELDS, **options: Any) -> HostShopStore:
        """A store on tables that were made before: the same one for an engine, so that its statements stay compiled."""
        store = cls._opened.get(engine)
        if store is None:
            shop = HostShop(fields)
            store = cls.open(engine, host=shop.tables, fields=fields, **options)
            assert isinstance(store, HostShopStore)
            store.shop, store.writes = shop, type("ShopWriter", (_ShopWriter,), {"shop": shop})
            cls._opened[engine] = store
        return store


def shop_on_sqlite(path: Path, **options: Any) -> HostShopStore:
    """A store on a shop in a file; its engine is the shop's and set up as a shop would."""
    from sqlalchemy import event  # noqa: PLC0415

    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys = ON"))
    return HostShopStore.on(engine, **options)
