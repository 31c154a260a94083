"""The shop's own transaction: what a guest does in it stands or falls with it, and changes nothing about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, create_engine, event, insert, select
from sqlalchemy.orm import Session

from ownership_core import (
    Actor,
    Assign,
    ChangeStaff,
    GrantAccess,
    InvalidInput,
    Ownership,
    OwnershipError,
    Refused,
    Settings,
    StoreError,
    hookimpl,
    host_for,
)
from ownership_core.scope import Everything
from ownership_core.testing import MemoryStore
from ownership_sqlalchemy import HostTables, SqlAlchemyStore

ADA = Actor.staff("ada")
MARIA = Actor.staff("maria")
METADATA = MetaData()
BUYERS = Table("buyer", METADATA, Column("no", String(20), primary_key=True), Column("firm", String(80)))


class Listener:
    """Notes the runs it is told of."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @hookimpl
    def ownership_committed(self, run: Any) -> None:
        self.told.append(run.run.id)


@pytest.fixture
def engine(address: Callable[[], Any]) -> Iterator[Engine]:
    """The shop's engine."""
    made = create_engine(address())
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys = ON"))
    METADATA.create_all(made)
    with made.begin() as connection:
        connection.execute(insert(BUYERS), [{"no": f"b{n}", "firm": f"Firm {n}"} for n in range(4)])
    yield made
    made.dispose()


@pytest.fixture
def listener() -> Listener:
    """A plugin that listens."""
    return Listener()


@pytest.fixture
def shop(engine: Engine, listener: Listener) -> Ownership:
    """Two staff over the shop's buyers."""
    store = SqlAlchemyStore.open(engine, host=HostTables(BUYERS, {"name": BUYERS.c.firm}))
    store.upgrade()
    host = host_for(Settings(), {"listener": listener}, installed=False)
    shop = Ownership(store, Settings(), host)
    shop.bootstrap("ada", "Ada", "root")
    for who in ("maria", "jon"):
        shop.execute(ChangeStaff(who, create=True, label=who), ADA)
        shop.execute(GrantAccess("associate", staff=who), ADA)
    listener.told.clear()
    return shop


def owners(shop: Ownership, *ids: str) -> list[str | None]:
    """Who is primary, as a reader of its own sees it."""
    with shop.store.reader() as reader:
        return [customer.primary for customer in reader.customers(ids)]


def test_what_a_guest_wrote_stands_with_the_commit_of_the_host(shop: Ownership, engine: Engine) -> None:
    """The shop's row and our assignment are one: seen inside at once, outside only after its commit."""
    with Session(engine) as session:
        session.execute(insert(BUYERS), [{"no": "b9", "firm": "New"}])
        guest = shop.within(session)
        assert guest.execute(Assign("b9", staff="maria"), ADA).changed == 1
        assert guest.check(MARIA, "view", ["b9"]) == {"b9"}
        mine = select(BUYERS.c.firm).where(guest.visible_clause(MARIA, "view", BUYERS.c.no))
        assert session.scalars(mine).all() == ["New"]
        session.commit()
    assert owners(shop, "b9") == ["maria"]


def test_a_rollback_of_the_host_takes_all_of_it_back(shop: Ownership, engine: Engine) -> None:
    """Nothing of ours stays when the shop rolls back: the digest is what it was."""
    before = shop.store.digest()
    with Session(engine) as session:
        shop.within(session).execute(Assign(["b1", "b2"], staff="maria"), ADA, key="k")
        session.rollback()
    assert shop.store.digest() == before


def test_a_refused_command_undoes_itself_and_nothing_else(shop: Ownership, engine: Engine) -> None:
    """The host's row and an earlier command stay; of the refused one there is no plan row left."""
    with Session(engine) as session:
        guest = shop.within(session)
        session.execute(insert(BUYERS), [{"no": "b9", "firm": "New"}])
        guest.execute(Assign("b1", staff="maria"), ADA)
        with pytest.raises(Refused):
            guest.execute(Assign("b2", staff="nobody"), ADA)
        with pytest.raises(Refused):
            guest.execute(Assign("missing", staff="maria"), ADA)
        session.commit()
    with engine.connect() as connection:
        assert connection.scalar(select(BUYERS.c.firm).where(BUYERS.c.no == "b9")) == "New"
        kept = connection.exec_driver_sql("SELECT customer_id FROM ownership_plan_item").scalars().all()
    assert kept == ["b1"]
    assert owners(shop, "b1", "b2") == ["maria", None]


def test_a_guest_never_commits(shop: Ownership, engine: Engine) -> None:
    """Whatever is read, planned, applied or refused: no COMMIT and no ROLLBACK of the host's reaches the driver."""
    ended: list[str] = []
    event.listen(engine, "commit", lambda _: ended.append("commit"))
    event.listen(engine, "rollback", lambda _: ended.append("rollback"))
    with engine.connect() as connection:
        guest = shop.within(connection)
        plan = guest.plan(Assign(Everything(), staff="maria"), ADA)
        assert guest.apply(plan.id, ADA).changed == 4
        guest.plan(ChangeStaff("jon", active=False), ADA)
        assert guest.visible(MARIA).count() == 4
        with pytest.raises(Refused):
            guest.execute(Assign("none", staff="maria"), ADA)
        assert ended == []
        if engine.dialect.name == "sqlite":
            raw: Any = connection.connection.dbapi_connection
            assert raw.in_transaction
        connection.rollback()
    assert owners(shop, "b1") == [None]


def test_several_commands_of_a_guest_are_one_when_asked(shop: Ownership, engine: Engine) -> None:
    """``atomic()`` of a guest is a savepoint: both commands, or none, inside the host's transaction."""
    with Session(engine) as session:
        guest = shop.within(session)
        both = [Assign("b1", staff="maria"), Assign("none", staff="maria")]

        def act() -> None:
            with guest.atomic() as transaction:
                for command in both:
                    transaction.execute(command, ADA)

        with pytest.raises(Refused):
            act()
        session.commit()
    assert owners(shop, "b1") == [None]


def test_plugins_are_not_told_by_a_guest_and_the_outbox_is_written(
    shop: Ownership, engine: Engine, listener: Listener
) -> None:
    """Only the host knows when its transaction ends; the outbox row is committed with it."""
    with Session(engine) as session:
        receipt = shop.within(session).execute(Assign("b1", staff="maria"), ADA)
        session.commit()
    assert listener.told == []
    with shop.store.reader() as reader:
        assert [(task.run, task.receiver) for task in reader.outbox()] == [(receipt.run, "maria")]


def test_a_key_answers_a_guest_as_anybody(shop: Ownership, engine: Engine) -> None:
    """The same idempotency key gives the stored receipt, inside and after the transaction."""
    with Session(engine) as session:
        guest = shop.within(session)
        first = guest.execute(Assign("b1", staff="maria"), ADA, key="k")
        assert guest.execute(Assign("b1", staff="maria"), ADA, key="k") == first
        session.commit()
    assert shop.execute(Assign("b1", staff="maria"), ADA, key="k") == first


def test_what_a_session_has_not_sent_yet_is_there(engine: Engine, shop: Ownership) -> None:
    """A new object of the shop's own model can be assigned at once."""
    from sqlalchemy.orm import registry  # noqa: PLC0415

    class Buyer:
        def __init__(self, no: str) -> None:
            self.no = no

    registry(metadata=METADATA).map_imperatively(Buyer, BUYERS)
    with Session(engine) as session:
        session.add(Buyer("b8"))
        assert shop.within(session).execute(Assign("b8", staff="maria"), ADA).changed == 1
        session.commit()
    assert owners(shop, "b8") == ["maria"]


LEVELS = {
    "postgresql": {"READ COMMITTED": None, "SERIALIZABLE": None, "REPEATABLE READ": "unsafe_isolation"},
    "mariadb": {
        "READ COMMITTED": None,
        "REPEATABLE READ": None,
        "SERIALIZABLE": None,
        "READ UNCOMMITTED": "unsafe_isolation",
    },
    "sqlite": {"SERIALIZABLE": None},
}


def test_isolation_that_would_decide_on_the_past_is_refused(shop: Ownership, engine: Engine, kind: str) -> None:
    """PostgreSQL's REPEATABLE READ and dirty reads are ``unsafe_isolation``; the others work, autocommit does not."""
    levels = {**LEVELS[kind], "AUTOCOMMIT": "autocommit_on"}
    for level, code in levels.items():
        with engine.connect().execution_options(isolation_level=level) as connection:
            if code is None:
                assert shop.within(connection).execute(Assign("b1", staff="maria"), ADA).tally.total == 1
                connection.rollback()
                continue
            with pytest.raises(StoreError) as refused:
                shop.within(connection)
            assert refused.value.codes == (code,), level


def seen_before(connection: Connection) -> None:
    """The host reads, so that its transaction has its view."""
    assert connection.scalar(select(BUYERS.c.firm).where(BUYERS.c.no == "b0")) == "Firm 0"


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_a_guest_decides_on_what_is_there_not_on_what_its_host_saw(
    shop: Ownership, engine: Engine, kind: str, level: str
) -> None:
    """A customer given away, and staff deactivated, after the host's first read: the guest knows, or asks to begin
    anew. Guard: the locking reads and the version check of MariaDB's guests, row locks elsewhere (I7, I26)."""
    if kind == "sqlite" or LEVELS[kind].get(level) is not None:
        pytest.skip("one writer at a time there, or a level that is refused before")
    for change, command in (
        (Assign("b1", staff="jon"), Assign("b1", staff="maria", expected_version=0)),
        (ChangeStaff("maria", active=False), Assign("b2", staff="maria")),
    ):
        with engine.connect().execution_options(isolation_level=level) as connection:
            seen_before(connection)
            if level != "SERIALIZABLE" or kind != "mariadb":  # whose reads lock: nobody changes what was read
                shop.execute(change, ADA)
            else:
                connection.rollback()
                shop.execute(change, ADA)
                seen_before(connection)
            with pytest.raises(OwnershipError) as ended:
                shop.within(connection).execute(command, ADA)
            assert set(ended.value.codes) <= {"version_conflict", "staff_inactive", "retry_transaction"}
            connection.rollback()
    assert owners(shop, "b1", "b2") == ["jon", None]


def test_a_guest_tries_nothing_again(shop: Ownership, engine: Engine, kind: str) -> None:
    """Two guests that wait for each other: one is told ``retry_transaction``, at once, and the other goes on."""
    if kind == "sqlite":
        pytest.skip("a second writer waits there: no deadlock to lose")
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415
    from threading import Barrier  # noqa: PLC0415

    shop.execute(Assign(["b0", "b1", "b2", "b3"], staff="jon"), ADA)  # InnoDB locks a changed row's neighbour too
    meeting, tries = Barrier(2), []

    def cross(first: str, second: str) -> str:
        # Stricter levels lock more than the rows in question, and the first of the two would end the other.
        with engine.connect().execution_options(isolation_level="READ COMMITTED") as connection:
            guest = shop.within(connection)
            guest.execute(Assign(first, staff="maria"), ADA)
            meeting.wait(20)
            tries.append(second)
            try:
                guest.execute(Assign(second, staff="maria"), ADA)
            except OwnershipError as ended:
                connection.rollback()
                return ended.codes[0] if ended.transient else "for good"
            connection.commit()
            return "done"

    with ThreadPoolExecutor(2) as pool:
        ends = sorted(pool.map(cross, ("b0", "b3"), ("b3", "b0")))
    assert ends == ["done", "retry_transaction"]
    assert len(tries) == 2
    assert owners(shop, "b0", "b3") == ["maria", "maria"]


def test_only_a_transaction_of_this_database_is_taken(shop: Ownership, kind: str) -> None:
    """Anything else is named: no transaction at all, and one of another database."""
    with pytest.raises(InvalidInput) as refused:
        shop.within(object())
    assert refused.value.codes == ("invalid_value",)
    elsewhere = create_engine("sqlite://")
    with elsewhere.connect() as connection, pytest.raises(StoreError) as other:
        shop.within(connection)
    assert other.value.codes == ("other_database",)
    elsewhere.dispose()


def test_the_memory_store_has_no_host() -> None:
    """``no_host_transactions`` for both doors."""
    shop = Ownership(MemoryStore())
    for act in (lambda: shop.within(object()), lambda: shop.visible_clause(ADA, "view", BUYERS.c.no)):
        with pytest.raises(StoreError) as refused:
            act()
        assert refused.value.codes == ("no_host_transactions",)
