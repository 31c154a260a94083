"""What a database refuses for want of room, time, leave or connections has a code of its own, and nothing is left.

A disk that is really full cannot be had here: PostgreSQL (53100) and MariaDB (1021) say that of a file system that
takes no more, which needs a file system of its own under the server. What is provoked instead is the next nearest
thing each server says of itself: a limit on temporary files, and a table that takes no more rows.

Each test fails when the entry of its error is taken out of the table of its database in ``ownership_core.reasons``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, event, text

from ownership_core.errors import OwnershipError
from ownership_core.ports import Query
from ownership_core.scope import Everything
from ownership_core.testing.contracts.base import C1, small_shop
from ownership_core.testing.worlds import load
from ownership_sqlalchemy import SqlAlchemyStore

NAME = {"name": "x"}


@pytest.fixture
def shop(anywhere: Any) -> SqlAlchemyStore:
    """The small shop in multi."""
    store: SqlAlchemyStore = anywhere(cardinality="multi")
    load(store, small_shop())
    return store


@contextmanager
def through(shop: SqlAlchemyStore, *said: str, url: Any = None, **options: Any) -> Iterator[SqlAlchemyStore]:
    """The same shop through an engine of a host, which says something on each new connection."""
    engine = create_engine(url or shop.engine.url, **options)
    event.listen(engine, "connect", lambda raw, _record: _say(raw, said))
    yield SqlAlchemyStore.open(engine, fields=shop.fields, cardinality="multi")
    engine.dispose()


def _say(raw: Any, said: tuple[str, ...]) -> None:
    cursor = raw.cursor()
    for one in said:
        cursor.execute(one)
    cursor.close()
    raw.commit()


@contextmanager
def refused(shop: SqlAlchemyStore, code: str, *, transient: bool = False) -> Iterator[None]:
    """The block ends with this code, in our words, and nothing has changed."""
    before = shop.digest()
    with pytest.raises(OwnershipError) as caught:
        yield
    assert (caught.value.codes, caught.value.transient) == ((code,), transient)
    assert not any(word in str(caught.value) for word in ("SELECT", "UPDATE", "psycopg", "pymysql", "sqlite"))
    assert shop.digest() == before


def write(store: SqlAlchemyStore, statement: str | None = None) -> None:
    """A change and, in the same transaction, something more."""
    with store.writer() as writer:
        writer.change_customer(C1, NAME, {}, None)
        if statement is not None:
            writer._run(text(statement))


ROWS = "INSERT INTO ownership_outbox SELECT CONCAT('run ', seq), 'ann', 'new' FROM seq_1_to_200000"


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_file_that_may_not_grow_is_full(shop: SqlAlchemyStore) -> None:
    """`disk_full` on SQLite, by PRAGMA max_page_count."""
    with through(shop, "PRAGMA foreign_keys = ON", "PRAGMA max_page_count = 1") as small:
        rows = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 50000)"
        with refused(shop, "disk_full"):
            write(small, f"INSERT INTO ownership_outbox {rows} SELECT 'run ' || i, 'ann', 'new' FROM n")


@pytest.mark.parametrize("kind", ["mariadb"], indirect=True)
def test_a_table_that_takes_no_more_rows_is_full(shop: SqlAlchemyStore) -> None:
    """`disk_full` on MariaDB: 1114, as InnoDB says it when its tablespace is at its end."""
    with shop.engine.begin() as connection:
        connection.execute(text("SET SESSION max_heap_table_size = 16384"))
        connection.execute(text("ALTER TABLE ownership_outbox ENGINE = MEMORY"))
    with pytest.raises(OwnershipError) as caught:
        write(shop, ROWS)
    assert (caught.value.codes, caught.value.transient) == (("disk_full",), False)
    with shop.reader() as reader:
        assert reader.customers([C1])[0].name == "alpha"


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_no_room_for_temporary_files_is_full(shop: SqlAlchemyStore) -> None:
    """`disk_full` on PostgreSQL, by temp_file_limit."""
    limits = ("SET work_mem = '64kB'", "SET temp_file_limit = '64kB'")
    with through(shop, *limits) as small, refused(shop, "disk_full"):
        write(small, "SELECT i FROM generate_series(1, 200000) AS g(i) ORDER BY md5(i::text)")


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_file_that_may_only_be_read(shop: SqlAlchemyStore) -> None:
    """`storage_read_only` on SQLite; reading goes on."""
    with through(shop, "PRAGMA foreign_keys = ON", "PRAGMA query_only = ON") as reading:
        with refused(shop, "storage_read_only"):
            write(reading)
        with reading.reader() as reader:
            assert reader.count(Query(Everything())) == 6


@pytest.fixture
def clerk(shop: SqlAlchemyStore) -> Iterator[Any]:
    """The address of a MariaDB or PostgreSQL user who may use our tables and has no privilege beyond."""
    user = f"clerk_{uuid4().hex[:20]}"
    url = shop.engine.url
    if shop.engine.dialect.name == "postgresql":
        schema = _scalar(shop.engine, "SELECT current_schema()")
        made = [f"CREATE USER {user} CONNECTION LIMIT 1", f"GRANT USAGE ON SCHEMA {schema} TO {user}"]
        made += [f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {user}"]
        undo = [f"DROP OWNED BY {user}", f"DROP USER {user}"]
    else:
        made = [f"CREATE USER {user} WITH MAX_USER_CONNECTIONS 1"]
        made += [f"GRANT SELECT, INSERT, UPDATE, DELETE ON {url.database}.* TO {user}"]
        undo = [f"DROP USER {user}"]
    for statements in (made, undo):
        with shop.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
        if statements is made:
            yield url.set(username=user)


def _scalar(engine: Engine, statement: str) -> Any:
    with engine.connect() as connection:
        return connection.scalar(text(statement))


@pytest.mark.parametrize("kind", ["mariadb"], indirect=True)
def test_a_server_that_may_only_be_read(shop: SqlAlchemyStore, clerk: Any) -> None:
    """`storage_read_only` on MariaDB, by the whole server's read_only; whoever may write all the same is not stopped.

    The server is everybody's: the switch is on for one transaction, and who tries grants meanwhile waits.
    """
    strict = "SET SESSION sql_mode = 'STRICT_TRANS_TABLES'"
    with through(shop, strict, url=clerk) as guest, shop.engine.connect() as admin:
        write(guest)
        write(shop)
        assert admin.scalar(text("SELECT GET_LOCK('ownership tests: read_only', 60)")) == 1
        try:
            with refused(shop, "storage_read_only"):
                admin.execute(text("SET GLOBAL read_only = ON"))
                try:
                    write(guest)
                finally:
                    admin.execute(text("SET GLOBAL read_only = OFF"))
        finally:
            admin.execute(text("SELECT RELEASE_LOCK('ownership tests: read_only')"))


@pytest.mark.parametrize("kind", ["mariadb"], indirect=True)
def test_a_session_that_may_only_read(shop: SqlAlchemyStore) -> None:
    """`storage_read_only` on MariaDB, by transactions that are read only unless they say otherwise."""
    with through(shop, "SET SESSION TRANSACTION READ ONLY") as reading, refused(shop, "storage_read_only"):
        write(reading)


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"], indirect=True)
def test_a_user_with_too_many_connections(shop: SqlAlchemyStore, clerk: Any) -> None:
    """`pool_exhausted`, by the server's own limit, and to be tried again."""
    with through(shop, url=clerk) as guest, guest.reader() as reader:
        assert reader.count(Query(Everything())) == 6
        with refused(shop, "pool_exhausted", transient=True):
            write(guest)


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_no_free_connection_to_a_file(shop: SqlAlchemyStore) -> None:
    """`pool_exhausted` on SQLite, by the engine's own limit."""
    with (
        through(shop, pool_size=1, max_overflow=0, pool_timeout=0.1) as small,
        small.reader(),
        refused(shop, "pool_exhausted", transient=True),
    ):
        write(small)


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_statement_that_a_host_interrupts(shop: SqlAlchemyStore) -> None:
    """`statement_timeout` on SQLite, which has no limit of its own: a host interrupts the connection."""
    slow = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n"
    with refused(shop, "statement_timeout"), shop.writer() as writer:
        writer.change_customer(C1, NAME, {}, None)
        timer = Timer(0.2, writer._connection.connection.dbapi_connection.interrupt)
        timer.start()
        try:
            writer._run(text(slow))
        finally:
            timer.join()
