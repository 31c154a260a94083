"""What servers do to transactions, and how each of it is called; no driver's words come through."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from time import sleep
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from ownership_core.commands import Ids, One
from ownership_core.errors import OwnershipError
from ownership_core.model import CustomerId
from ownership_core.ports import Query, Remembered
from ownership_core.ruling import Drop, Effect, Primary
from ownership_core.scope import Everything
from ownership_core.testing.contracts.base import ANN, C1, C2, C3, C4, EVE, small_shop
from ownership_core.testing.worlds import LOADER, apply, load
from ownership_sqlalchemy import SqlAlchemyStore

ON_SERVERS = pytest.mark.parametrize("kind", ["postgresql", "mariadb"], indirect=True)
ALL = Query(Everything())


@pytest.fixture
def shop(somewhere: Any) -> SqlAlchemyStore:
    """The small shop in multi."""
    store: SqlAlchemyStore = somewhere(cardinality="multi")
    load(store, small_shop())
    return store


@pytest.fixture
def hasty(shop: SqlAlchemyStore) -> Iterator[SqlAlchemyStore]:
    """The same shop through connections that give up at once."""
    url = shop.engine.url
    if shop.engine.dialect.name == "postgresql":
        options = f"{url.query['options']} -clock_timeout=100 -cstatement_timeout=1500"
        engine = create_engine(
            url.update_query_dict({"options": options}), pool_size=1, max_overflow=0, pool_timeout=0.1
        )
    else:
        at_once = "SET SESSION innodb_lock_wait_timeout = 1, max_statement_time = 2.5"
        engine = create_engine(
            url, connect_args={"init_command": at_once}, pool_size=1, max_overflow=0, pool_timeout=0.1
        )
    yield SqlAlchemyStore.open(engine, fields=shop.fields, cardinality="multi")
    engine.dispose()


def told(error: OwnershipError) -> tuple[tuple[str, ...], bool]:
    """What a caller sees; nothing of the driver is in it."""
    assert not any(word in str(error) for word in ("SELECT", "UPDATE", "psycopg", "pymysql", "sqlalche"))
    return error.codes, error.transient


@ON_SERVERS
def test_a_customer_is_locked_until_the_end(shop: SqlAlchemyStore, hasty: SqlAlchemyStore) -> None:
    """Who waits too long for it hears `lock_timeout`; another customer is free."""
    with shop.writer() as writer:
        writer.lock_customers(One(C1), Everything())
        with hasty.writer() as other:
            other.lock_customers(One(C2), Everything())
        with pytest.raises(OwnershipError) as caught, hasty.writer() as other:
            other.lock_customers(Ids((C1, C2)), Everything())
    assert told(caught.value) == (("lock_timeout",), True)


@ON_SERVERS
def test_whole_runs_on_other_customers_do_not_wait(shop: SqlAlchemyStore, hasty: SqlAlchemyStore) -> None:
    """From the first lock to the last row, a run meets the rows of its own customers only."""
    effect = Effect(EVE, Drop.FORMER_PRIMARY, None, Primary.TAKE)
    with shop.writer() as writer:
        apply(writer, "one", Ids((C1, C3)), effect)
        writer.notify("one")
        with hasty.writer() as other:
            apply(other, "other", Ids((C2, C4)), effect)
            other.notify("other")
    with shop.reader() as reader:
        assert [run.tally.changed for run in reader.runs(2)] == [2, 2]


@ON_SERVERS
def test_a_staff_stays_as_it_is_until_the_end(shop: SqlAlchemyStore, hasty: SqlAlchemyStore) -> None:
    """I7: several may hold a staff at once, and nobody changes it meanwhile."""
    with shop.writer() as writer:
        writer.lock_staff([ANN])
        with hasty.writer() as other:
            other.lock_staff([ANN])
        with pytest.raises(OwnershipError) as caught, hasty.writer() as other:
            other._run(text("UPDATE ownership_staff SET active = false WHERE id = 'ann'"))
    assert told(caught.value) == (("lock_timeout",), True)


@ON_SERVERS
def test_the_first_to_touch_a_customer_is_waited_for(shop: SqlAlchemyStore) -> None:
    """Two make the head of one customer at once: one row, and no error."""
    with shop.engine.begin() as connection:
        connection.execute(text("INSERT INTO ownership_customer (id) VALUES ('fresh')"))
    fresh, met = One(CustomerId("fresh")), []

    def touch() -> None:
        with shop.writer() as other:
            other.lock_customers(fresh, Everything())
            met.append(other.customers([CustomerId("fresh")])[0].version)

    with shop.writer() as writer:
        writer.lock_customers(fresh, Everything())
        waiting = Thread(target=touch)
        waiting.start()
        sleep(0.2)
        assert met == []
    waiting.join()
    assert met == [0]


@ON_SERVERS
def test_of_a_deadlock_one_side_is_told_to_begin_again(shop: SqlAlchemyStore) -> None:
    """`retry_transaction`, and the other side goes on."""
    ended: list[tuple[tuple[str, ...], bool]] = []

    def crosswise(first: CustomerId, second: CustomerId) -> None:
        try:
            with shop.writer() as writer:
                writer.lock_customers(One(first), Everything())
                sleep(0.3)
                writer.lock_customers(One(second), Everything())
        except OwnershipError as error:
            ended.append(told(error))

    sides = [Thread(target=crosswise, args=pair) for pair in ((C1, C2), (C2, C1))]
    for side in sides:
        side.start()
    for side in sides:
        side.join()
    assert ended == [(("retry_transaction",), True)]


@ON_SERVERS
def test_a_twin_of_a_key_is_told_to_begin_again(shop: SqlAlchemyStore) -> None:
    """It waits for the first one; beginning again it finds the receipt."""
    ended: list[tuple[tuple[str, ...], bool]] = []

    def twin() -> None:
        try:
            with shop.writer() as writer:
                writer.remember(LOADER, "key", Remembered("hash", {}), 2)
        except OwnershipError as error:
            ended.append(told(error))

    with shop.writer() as writer:
        writer.remember(LOADER, "key", Remembered("hash", {"n": 1}), 1)
        waiting = Thread(target=twin)
        waiting.start()
        sleep(0.2)
        assert ended == []
    waiting.join()
    assert ended == [(("conflict",), True)]
    with shop.writer() as writer:
        assert writer.recall(LOADER, "key") == Remembered("hash", {"n": 1})


@ON_SERVERS
def test_a_statement_that_takes_too_long_is_ended(hasty: SqlAlchemyStore) -> None:
    """`statement_timeout`, by the database's own limit."""
    slow = "SELECT pg_sleep(5)"
    if hasty.engine.dialect.name == "mysql":
        slow = "SELECT COUNT(*) FROM seq_1_to_1000000 a JOIN seq_1_to_1000000 b ON MD5(a.seq) = MD5(b.seq)"
    with pytest.raises(OwnershipError) as caught, hasty.reader() as reader:
        reader._run(text(slow))
    assert told(caught.value) == (("statement_timeout",), False)


@ON_SERVERS
def test_no_free_connection_has_a_name(hasty: SqlAlchemyStore) -> None:
    """`pool_exhausted`."""
    with hasty.reader(), pytest.raises(OwnershipError) as caught, hasty.reader():
        pass
    assert told(caught.value) == (("pool_exhausted",), True)


@ON_SERVERS
def test_a_lost_connection_is_unavailable(shop: SqlAlchemyStore) -> None:
    """Killed by an administrator; the next transaction gets a new connection."""
    before = shop.digest()
    ask, kill = "SELECT pg_backend_pid()", "SELECT pg_terminate_backend(:id)"
    if shop.engine.dialect.name == "mysql":
        ask, kill = "SELECT CONNECTION_ID()", "KILL :id"

    def losing() -> None:
        with shop.writer() as writer:
            writer.change_customer(C1, {"name": "lost"}, {}, None)
            mine = writer._run(text(ask)).scalar()
            with shop.engine.connect() as other:
                other.execute(text(kill), {"id": mine})
            writer.count(ALL)

    with pytest.raises(OwnershipError) as caught:
        losing()
    assert told(caught.value) == (("storage_unavailable",), False)
    assert shop.digest() == before


@ON_SERVERS
def test_a_reader_keeps_one_view_and_writes_nothing(shop: SqlAlchemyStore) -> None:
    """What is committed meanwhile is not seen before the next question."""
    with shop.reader() as reader:
        assert reader.count(ALL) == 6
        with shop.engine.begin() as connection:
            connection.execute(text("INSERT INTO ownership_customer (id) VALUES ('fresh')"))
        assert reader.count(ALL) == 6
    with shop.reader() as reader:
        assert reader.count(ALL) == 7


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_a_database_that_takes_no_changes_has_a_name(shop: SqlAlchemyStore) -> None:
    """`storage_read_only`."""
    options = f"{shop.engine.url.query['options']} -cdefault_transaction_read_only=on"
    engine = create_engine(shop.engine.url.update_query_dict({"options": options}))
    standby = SqlAlchemyStore.open(engine, fields=shop.fields, cardinality="multi")
    with pytest.raises(OwnershipError) as caught, standby.writer() as writer:
        writer.change_customer(C1, {"name": "x"}, {}, None)
    assert told(caught.value) == (("storage_read_only",), False)
    engine.dispose()


@ON_SERVERS
def test_two_answers_may_be_read_side_by_side(shop: SqlAlchemyStore) -> None:
    """A stream that is not at its end goes on after another question."""
    with shop.reader() as reader:
        ids = reader.ids(ALL)
        first = next(ids)
        events = reader.events()
        next(events)
        assert reader.count(ALL) == 6
        assert [first, *ids] == [c.id for c in small_shop().customers]
        assert len(list(events)) > 10
