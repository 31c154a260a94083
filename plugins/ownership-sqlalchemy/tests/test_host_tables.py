"""A shop with tables of its own, of any key type, on every supported database."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Date,
    DateTime,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Uuid,
    create_engine,
    delete,
    event,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ownership_core import (
    Actor,
    Assign,
    ChangeCustomer,
    ChangeStaff,
    Claim,
    CreateCustomer,
    DeleteCustomer,
    Field,
    Fields,
    GrantAccess,
    GroupRestriction,
    InvalidInput,
    InvalidSettings,
    Kind,
    NewCustomer,
    Ownership,
    Refused,
    RestrictionMode,
    Settings,
    StoreError,
)
from ownership_core.keys import to_micros
from ownership_core.scope import After, Before, Has, Under
from ownership_sqlalchemy import HostTables, SqlAlchemyStore

ADA = Actor.staff("ada")
KEYS: dict[str, tuple[Any, list[Any]]] = {
    "integer": (Integer(), [3, 20, 100]),
    "text": (String(20), ["Acme", "Zeta", "beta"]),
    "uuid": (Uuid(), [uuid.UUID(int=number << 64) for number in (1, 2, 3)]),
}


class Host:
    """Three buyers in tables of their own, one segment each, and a shop that owns them."""

    def __init__(self, engine: Engine, key: str = "text", **options: Any) -> None:
        self.engine = engine
        kind, self.keys = KEYS[key]
        self.ids = [str(one) for one in self.keys]
        self.metadata = MetaData()
        self.buyers = Table(
            "buyer",
            self.metadata,
            Column("no", kind, primary_key=True, autoincrement=False),
            Column("firm", String(80)),
        )
        self.segments = Table(
            "segment",
            self.metadata,
            Column("id", Integer, primary_key=True),
            Column("buyer_no", kind, ForeignKey("buyer.no")),
            Column("code", String(20)),
        )
        self.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(
                insert(self.buyers),
                [{"no": no, "firm": firm} for no, firm in zip(self.keys, ("Acme", "Brook", "Cedar"), strict=True)],
            )
            codes = zip(self.keys, ("retail", "retail", "press"), strict=True)
            connection.execute(insert(self.segments), [{"buyer_no": no, "code": code} for no, code in codes])
        segment = self.segments.c
        mapped = {"name": self.buyers.c.firm, "groups": select(segment.buyer_no, segment.code)}
        self.tables = HostTables(self.buyers, mapped, **options)
        self.store = SqlAlchemyStore.open(engine, host=self.tables)
        self.store.upgrade()
        self.shop = Ownership(self.store, Settings())
        self.shop.bootstrap("ada", "Ada", "root")
        for who in ("maria", "jon"):
            self.shop.execute(ChangeStaff(who, create=True, label=who.title()), ADA)
            self.shop.execute(GrantAccess("associate", staff=who), ADA)


@pytest.fixture
def engine(address: Callable[[], Any]) -> Iterator[Engine]:
    """The shop's own engine."""
    made = create_engine(address())
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys = ON"))
    yield made
    made.dispose()


@pytest.fixture
def host(engine: Engine) -> Host:
    """The shop, with text keys."""
    return Host(engine)


def refusal(act: Callable[[], object]) -> tuple[str, ...]:
    """The codes an act is refused with."""
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.codes


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_any_type_is_listed_checked_assigned_and_remembered(engine: Engine, key: str) -> None:
    """Ids go out as text and come back; the list, the count, the check, the sort and the history agree."""
    host = Host(engine, key)
    maria, first, last = Actor.staff("maria"), host.ids[0], host.ids[2]
    host.shop.execute(Assign([first, last], staff="maria"), ADA)
    assert list(host.shop.visible(maria).ids()) == [first, last]
    assert [one.id for one in host.shop.visible(maria).order("-id").page().customers] == [last, first]
    assert host.shop.visible(maria).count() == 2
    assert host.shop.check(maria, "view", host.ids) == {first, last}
    assert [one.subject for one in host.shop.history(ADA, first)] == [first]
    page = host.shop.visible(ADA).page(limit=2)
    assert [one.id for one in host.shop.visible(ADA).page(after=page.next).customers] == [last]


def test_nothing_is_added_to_the_tables_of_the_shop(engine: Engine) -> None:
    """Its tables have the columns, keys and indexes they had before, and there is no table for customers of ours."""
    host = Host(engine)
    looked = inspect(engine)
    assert [one["name"] for one in looked.get_columns("buyer")] == ["no", "firm"]
    assert looked.get_indexes("buyer") == []
    assert not {"ownership_customer", "ownership_customer_value"} & set(looked.get_table_names())
    assert host.store.capabilities.writes_customers is False


def test_our_reference_keeps_the_shop_from_deleting_an_assigned_customer(host: Host) -> None:
    """RESTRICT: the row stays while somebody owns it, and may go once its assignments have ended."""
    host.shop.execute(Assign("Acme", staff="maria"), ADA)

    def delete_row() -> None:
        with host.engine.begin() as connection:
            connection.execute(delete(host.segments).where(host.segments.c.buyer_no == "Acme"))
            connection.execute(delete(host.buyers).where(host.buyers.c.no == "Acme"))

    with pytest.raises(Exception, match=r"(?i)foreign key"):
        delete_row()
    host.shop.execute(DeleteCustomer("Acme"), ADA)
    delete_row()
    assert host.shop.visible(ADA).count() == 2
    assert [one.body["what"] for one in host.shop.history(ADA, "Acme")] == ["assign", "delete_customer"]


def test_without_a_reference_the_doctor_names_what_the_shop_left_behind(engine: Engine) -> None:
    """``foreign_key=False``: the shop may delete, the customer is missing everywhere, the assignment is told."""
    host = Host(engine, foreign_key=False)
    host.shop.execute(Assign(["Acme", "beta"], staff="maria"), ADA)
    with engine.begin() as connection:
        connection.execute(delete(host.segments).where(host.segments.c.buyer_no == "Acme"))
        connection.execute(delete(host.buyers).where(host.buyers.c.no == "Acme"))
    assert list(host.shop.visible(Actor.staff("maria")).ids()) == ["beta"]
    found = dict(host.shop.doctor())["strays"]
    assert [problem.code for problem in found] == ["stray_assignment"]
    assert "'Acme'" in found[0].what


def test_creating_registers_a_row_that_is_there(host: Host) -> None:
    """The creation policy names the owner, once; a row the shop does not have is not found."""
    maria = Actor.staff("maria")
    assert host.shop.execute(CreateCustomer(NewCustomer("Acme")), maria).changed == 1
    assert host.shop.check(maria, "view", ["Acme"]) == {"Acme"}
    assert refusal(lambda: host.shop.execute(CreateCustomer(NewCustomer("Acme")), maria)) == ("customer_exists",)
    assert refusal(lambda: host.shop.execute(CreateCustomer(NewCustomer("Nobody")), maria)) == ("not_found",)


def test_a_restriction_reads_the_group_the_shop_keeps(host: Host) -> None:
    """Group restrictions of a new owner hold for a row that is registered, as for any other."""
    maria = Actor.staff("maria")
    retail = GroupRestriction(RestrictionMode.ALLOW, ["retail"])
    host.shop.execute(ChangeStaff("maria", restriction=retail), ADA)
    receipt = host.shop.execute(CreateCustomer(NewCustomer("beta")), maria)
    assert [warning.code for warning in receipt.warnings] == ["group_restricted"]
    assert refusal(lambda: host.shop.execute(Assign("beta", staff="maria"), ADA)) == ("group_restricted",)
    assert host.shop.execute(Claim("Acme"), maria).changed == 1


def test_fields_of_the_shop_are_changed_by_the_shop(host: Host) -> None:
    """``host_owned`` for each of them; what is ours, ``no_auto``, can be changed."""
    with pytest.raises(InvalidInput) as refused:
        host.shop.execute(ChangeCustomer("Acme", {"name": "X", "phone": "1"}, {"groups": ["a"]}), ADA)
    assert [problem.code for problem in refused.value.problems] == ["host_owned"] * 3
    assert host.shop.execute(ChangeCustomer("Acme", {"no_auto": True}), ADA).changed == 1
    with host.store.reader() as reader:
        assert reader.customers(["Acme"])[0].values["no_auto"] is True


def test_what_the_shop_changes_counts_at_once(host: Host) -> None:
    """A name or a group written by the shop is what the next search and the next check see."""
    with host.engine.begin() as connection:
        connection.execute(update(host.buyers).where(host.buyers.c.no == "beta").values(firm="Zebra"))
        connection.execute(update(host.segments).where(host.segments.c.buyer_no == "Acme").values(code="press"))
    assert [one.name for one in host.shop.visible(ADA).order("-name").page(limit=1).customers] == ["Zebra"]
    assert list(host.shop.visible(ADA).where(Has("groups", ["press"])).ids()) == ["Acme", "beta"]


def test_ids_are_compared_exactly_whatever_the_key_of_the_shop_says(host: Host) -> None:
    """A key that ignores case (MariaDB's usual one does) gives no other customer than the one asked for."""
    host.shop.execute(Assign(["Acme", "beta"], staff="maria"), ADA)
    maria = Actor.staff("maria")
    assert host.shop.check(maria, "view", ["ACME", "Beta", "beta"]) == {"beta"}
    assert refusal(lambda: host.shop.execute(Assign("ACME", staff="jon"), ADA)) == ("not_found",)
    assert list(host.shop.visible(ADA).where(Under("id", "a")).ids()) == []
    assert list(host.shop.visible(ADA).ids()) == ["Acme", "Zeta", "beta"]


def test_every_mistake_of_a_mapping_is_told_at_once(engine: Engine) -> None:
    """Unknown fields, our own, sets that are columns, other tables' columns, and kinds that do not fit."""
    host = Host(engine)
    wrong = {
        "colour": host.buyers.c.firm,
        "no_auto": host.buyers.c.firm,
        "tags": host.buyers.c.firm,
        "phone": host.segments.c.code,
        "active": host.buyers.c.firm,
        "groups": select(host.segments.c.code),
    }
    with pytest.raises(InvalidSettings) as refused:
        SqlAlchemyStore.open(engine, host=HostTables(host.buyers, wrong))
    assert [problem.where for problem in refused.value.problems] == [f"fields.{name}" for name in wrong]
    assert refused.value.codes == ("invalid_mapping",)


def test_a_table_that_is_not_there_is_named(engine: Engine) -> None:
    """``host_table_missing`` instead of a driver's error."""
    elsewhere = Table("nowhere", MetaData(), Column("id", Integer, primary_key=True))
    with pytest.raises(StoreError) as refused:
        SqlAlchemyStore.open(engine, host=HostTables(elsewhere))
    assert refused.value.codes == ("host_table_missing",)


def test_tables_made_for_other_customers_are_refused(host: Host) -> None:
    """Tables about the shop's customers serve no store that would keep them itself, and the other way round."""
    with pytest.raises(StoreError) as refused:
        Ownership(SqlAlchemyStore.open(host.engine))
    assert refused.value.codes == ("other_customers",)


def test_a_clause_stands_in_the_select_of_the_shop(host: Host) -> None:
    """``column IN (SELECT ...)``: joins multiply nothing, and the count is the list's."""
    host.shop.execute(Assign(["Acme", "beta"], staff="maria"), ADA)
    with host.engine.begin() as connection:
        connection.execute(insert(host.segments), [{"buyer_no": "Acme", "code": "vip"}])
    clause = host.shop.visible_clause(Actor.staff("maria"), "view", host.buyers.c.no)
    mine = select(host.buyers.c.firm).where(clause).order_by(host.buyers.c.firm)
    joined = select(host.segments.c.code).join(host.buyers).where(clause)
    with host.engine.connect() as connection:
        assert list(connection.scalars(mine)) == ["Acme", "Cedar"]
        assert sorted(connection.scalars(joined)) == ["press", "retail", "vip"]


def test_a_clause_goes_blind_when_the_access_changes(host: Host) -> None:
    """The clause carries the access version it was built from: after a revoke it lets nothing through (I23)."""
    host.shop.execute(Assign("Acme", staff="maria"), ADA)
    maria = Actor.staff("maria")
    clause = host.shop.visible_clause(maria, "view", host.buyers.c.no)
    host.shop.execute(GrantAccess("associate", staff="maria", revoke=True), ADA)
    with host.engine.connect() as connection:
        assert connection.scalars(select(host.buyers.c.no).where(clause)).all() == []
    assert host.shop.visible_clause(Actor.staff("nobody"), "view", host.buyers.c.no) is not None


def test_a_mapped_class_says_as_much_as_a_table(engine: Engine) -> None:
    """``HostTables(Buyer, {"name": Buyer.firm})`` reads as developers write their models."""

    class Base(DeclarativeBase):
        pass

    class Buyer(Base):
        __tablename__ = "patron"
        number: Mapped[int] = mapped_column("no", primary_key=True)
        firm: Mapped[str] = mapped_column(String(80))

    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(Buyer.__table__), [{"no": 7, "firm": "Acme"}])
    store = SqlAlchemyStore.open(engine, host=HostTables(Buyer, {"name": Buyer.firm}))
    store.upgrade()
    shop = Ownership(store)
    shop.bootstrap("ada", "Ada", "root")
    assert [(one.id, one.name) for one in shop.visible(ADA).page().customers] == [("7", "Acme")]


def test_dates_and_times_are_microseconds(engine: Engine) -> None:
    """A date, a time to the microsecond and one before 1970 are compared, sorted and given back as every store does."""
    moment = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
    metadata = MetaData()
    visits = Table(
        "visit", metadata, Column("no", String(9), primary_key=True), Column("at", moment), Column("day", Date)
    )
    metadata.create_all(engine)
    utc = [datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)]
    times = [*(one.replace(tzinfo=None) for one in utc), None]
    rows = [{"no": str(no), "at": at, "day": at and at.date()} for no, at in enumerate(times)]
    with engine.begin() as connection:
        connection.execute(insert(visits), rows)
    fields = Fields.declare([Field("day", Kind.TIME)])
    mapping = HostTables(visits, {"created_at": visits.c.at, "day": select(visits.c.no, visits.c.day)})
    store = SqlAlchemyStore.open(engine, host=mapping, fields=fields)
    store.upgrade()
    shop = Ownership(store)
    shop.bootstrap("ada", "Ada", "root")
    found = shop.visible(ADA).order("created_at").page().customers
    day = 24 * 3600 * 1_000_000
    at = to_micros(utc[0])
    assert [(one.id, one.values.get("created_at"), one.values.get("day")) for one in found] == [
        ("1", -1, -day),
        ("0", at, at // day * day),
        ("2", None, None),
    ]
    assert list(shop.visible(ADA).where(After("created_at", at - 1)).ids()) == ["0"]
    assert list(shop.visible(ADA).where(Before("day", 0)).ids()) == ["1"]
    page = shop.visible(ADA).order("-created_at").page(limit=1)
    assert [one.id for one in shop.visible(ADA).order("-created_at").page(after=page.next).customers] == ["1", "2"]


@pytest.mark.parametrize("lock", [True, False])
def test_a_row_of_the_shop_stays_as_it_is_until_the_assignment_ends(engine: Engine, kind: str, lock: bool) -> None:
    """While a customer is assigned, nobody changes the row its website stands in (I8), unless ``lock=False``.

    Guard: the FOR SHARE on the shop's row in ``lock_customers``. MariaDB's reference holds the row anyway.
    """
    if kind == "sqlite":
        pytest.skip("one writer at a time there")
    host = Host(engine, lock=lock)
    patience = "SET lock_timeout = '300ms'" if kind == "postgresql" else "SET innodb_lock_wait_timeout = 1"
    renamed = update(host.buyers).where(host.buyers.c.no == "Acme").values(firm="Other")
    with engine.connect() as assigning, engine.connect() as changing:
        host.shop.within(assigning).execute(Assign("Acme", staff="maria"), ADA)
        changing.exec_driver_sql(patience)
        if lock or kind == "mariadb":
            with pytest.raises(Exception, match=r"(?i)lock"):
                changing.execute(renamed)
        else:
            assert changing.execute(renamed).rowcount == 1
