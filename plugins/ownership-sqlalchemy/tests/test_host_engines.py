"""A host's own engine is looked at when the shop starts, never set; what does not fit is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url

from ownership_core.errors import StoreError
from ownership_core.keys import KeyType
from ownership_core.ports import Guard, Order, Query
from ownership_core.scope import AssignedTo
from ownership_core.testing.contracts.base import ANN, C1, small_shop
from ownership_core.testing.worlds import WORLD_FIELDS, load
from ownership_sqlalchemy import SqlAlchemyStore
from ownership_sqlalchemy.tables import build_tables

HostEngine = Callable[..., Engine]


@pytest.fixture
def made(anywhere: Any) -> SqlAlchemyStore:
    """Tables in single, made through an engine of ours."""
    store: SqlAlchemyStore = anywhere()
    return store


@pytest.fixture
def host() -> Iterator[HostEngine]:
    """Engines as a host makes them, on the database of a store."""
    engines: list[Engine] = []

    def engine_on(store: SqlAlchemyStore, **options: Any) -> Engine:
        engine = create_engine(store.engine.url, **options)
        engines.append(engine)
        return engine

    yield engine_on
    for engine in engines:
        engine.dispose()


def refused(engine: Engine, **options: Any) -> tuple[str, ...]:
    """The codes a start with this engine ends with."""
    with pytest.raises(StoreError) as caught:
        SqlAlchemyStore.open(engine, **options).check("single")
    return caught.value.codes


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_only_connections_of_ours_compile_no_machine_code(anywhere: Any, host: HostEngine) -> None:
    """A host that compiles goes on doing so. Seen to fail without ``set_up`` where the server compiles."""
    store = anywhere()
    compiling = host(store, connect_args={"options": "-c jit=on"})
    ask = text("SHOW jit")
    for engine, wanted in ((store.engine, "off"), (compiling, "on")):
        with SqlAlchemyStore.open(engine).engine.connect() as connection:
            assert connection.scalar(ask) == wanted


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"], indirect=True)
def test_a_plain_engine_serves_and_stays_as_it_is(anywhere: Any, host: HostEngine) -> None:
    """Nothing of its connections is set, and ids are told apart all the same."""
    store = anywhere(cardinality="multi")
    load(store, small_shop())
    engine = host(store)
    ask = "SELECT current_setting('transaction_isolation')"
    if engine.dialect.name == "mysql":
        ask = "SELECT CONCAT(@@session.sql_mode, @@collation_connection, @@session.tx_isolation)"
    with engine.connect() as connection:
        before = connection.scalar(text(ask))
    guest = SqlAlchemyStore.open(engine, fields=WORLD_FIELDS, cardinality="multi")
    guest.check("multi")
    with guest.reader() as reader:
        assert [one.id for one in reader.customers([C1, type(C1)("C1"), type(C1)("c1 ")])] == [C1]
        assert set(reader.access([ANN])) == {ANN}
    with guest.writer() as writer:
        writer.change_customer(C1, {"name": "x"}, {}, None)
    with engine.connect() as connection:
        assert connection.scalar(text(ask)) == before


def test_a_hosts_engine_without_foreign_keys_is_refused(opener: Any, host: HostEngine) -> None:
    """It is checked and never set; with foreign keys on it serves."""
    store = opener()
    engine = host(store)
    assert refused(engine) == ("foreign_keys_off",)
    engine.dispose()
    event.listen(engine, "connect", lambda raw, _record: raw.execute("PRAGMA foreign_keys = ON").close())
    SqlAlchemyStore.open(engine).check("single")


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"], indirect=True)
def test_autocommit_is_refused(made: SqlAlchemyStore, host: HostEngine) -> None:
    """Every statement would be a transaction of its own."""
    assert refused(host(made, isolation_level="AUTOCOMMIT")) == ("autocommit_on",)


@pytest.mark.parametrize("kind", ["mariadb"], indirect=True)
@pytest.mark.parametrize("mode", ["", "NO_ENGINE_SUBSTITUTION", "STRICT_TRANS_TABLES,HIGH_NOT_PRECEDENCE"])
def test_a_mode_that_cuts_values_is_refused(made: SqlAlchemyStore, host: HostEngine, mode: str) -> None:
    """A sql_mode that is not strict, or changes what NOT means."""
    engine = host(made)
    event.listen(engine, "connect", lambda raw, _record: raw.cursor().execute(f"SET SESSION sql_mode = '{mode}'"))
    assert refused(engine) == ("unsafe_sql_mode",)


@pytest.mark.parametrize("kind", ["mariadb"], indirect=True)
def test_a_limit_that_cuts_lists_is_refused(anywhere: Any, host: HostEngine) -> None:
    """Under a small group_concat_max_len JSON lists end in the middle; with what the server has by itself it serves.

    Fails without the look at the limit in ``Mariadb.check_connection``. The first half shows what it saves from.
    """
    made = anywhere(cardinality="multi")
    load(made, small_shop())
    with made.writer() as writer:
        writer.change_customer(C1, {}, {"tags": frozenset(f"tag {number:03}" for number in range(100))}, None)
    engine = host(made)
    event.listen(engine, "connect", _sets("group_concat_max_len = 1024"))
    guest = SqlAlchemyStore.open(engine, fields=WORLD_FIELDS, cardinality="multi")
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Illegal"), guest.reader() as reader:
        reader.customers([C1])
    with pytest.raises(StoreError) as caught:
        guest.check("multi")
    assert caught.value.codes == ("unsafe_group_concat",)
    engine.dispose()
    event.listen(engine, "connect", _sets("group_concat_max_len = 1048576"))
    guest.check("multi")


def _sets(what: str) -> Callable[..., None]:
    def set_it(raw: Any, _record: object) -> None:
        raw.cursor().execute(f"SET SESSION {what}")

    return set_it


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"], indirect=True)
def test_columns_that_compare_loosely_are_refused(made: SqlAlchemyStore) -> None:
    """A collation that knows languages, ignores case, or pads."""
    loose = {
        "postgresql": ['ALTER TABLE ownership_customer ALTER COLUMN email TYPE varchar(500) COLLATE "ucs_basic"'],
        "mysql": [
            f"ALTER TABLE ownership_customer MODIFY email VARCHAR(500) CHARACTER SET utf8mb4 COLLATE {collation}"
            for collation in ("utf8mb4_bin", "utf8mb4_general_ci", "utf8mb4_general_nopad_ci")
        ],
    }
    for statement in loose[made.engine.dialect.name]:
        with made.engine.begin() as connection:
            connection.execute(text(statement))
        assert refused(made.engine) == ("unsafe_collation",)


def test_other_key_types_are_refused(made: SqlAlchemyStore) -> None:
    """They are fixed when the tables are made, and an upgrade does not change them."""
    assert refused(made.engine, staff_key=KeyType.INTEGER) == ("key_type_mismatch",)
    assert refused(made.engine, customer_key=KeyType.UUID) == ("key_type_mismatch",)
    with pytest.raises(StoreError) as caught:
        SqlAlchemyStore.open(made.engine, customer_key=KeyType.INTEGER).upgrade()
    assert caught.value.codes == ("key_type_mismatch",)


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"], indirect=True)
@pytest.mark.parametrize("lacking", ["SELECT", "INSERT", "UPDATE", "DELETE"])
def test_a_missing_grant_is_refused(made: SqlAlchemyStore, lacking: str) -> None:
    """Whoever may read and not write would fail in the middle of the first change."""
    user = f"clerk_{uuid4().hex[:20]}"
    names = [*build_tables().metadata.tables, "ownership_alembic_version"]
    with made.engine.begin() as connection:
        if made.engine.dialect.name == "postgresql":
            schema = connection.scalar(text("SELECT current_schema()"))
            statements = [f"CREATE USER {user}", f"GRANT USAGE ON SCHEMA {schema} TO {user}"]
            undo = [f"DROP OWNED BY {user}", f"DROP USER {user}"]
        else:
            statements, undo = [f"CREATE USER {user}"], [f"DROP USER {user}"]
        statements += [f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {user}" for name in names]
        for statement in statements:
            connection.execute(text(statement))
    engine = create_engine(make_url(made.engine.url).set(username=user))
    try:
        with _writable(made):
            SqlAlchemyStore.open(engine).check("single")
            with made.engine.begin() as connection:
                connection.execute(text(f"REVOKE {lacking} ON ownership_event FROM {user}"))
            assert refused(engine) == ("missing_grant",)
    finally:
        engine.dispose()
        with made.engine.begin() as connection:
            for statement in undo:
                connection.execute(text(statement))


@contextmanager
def _writable(made: SqlAlchemyStore) -> Iterator[None]:
    """While another test makes the whole server read only, nobody can try grants: they wait for each other."""
    if made.engine.dialect.name != "mysql":
        yield
        return
    with made.engine.connect() as connection:
        assert connection.scalar(text("SELECT GET_LOCK('ownership tests: read_only', 60)")) == 1
        yield
        connection.execute(text("SELECT RELEASE_LOCK('ownership tests: read_only')"))


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("heard", ["before_execute", "after_execute", "before_cursor_execute"])
def test_no_event_of_a_host_is_skipped(anywhere: Any, host: HostEngine, kind: str, heard: str) -> None:
    """A page, a count and checks, the same answers: prepared statements too. Watches ``prepared.takes_text``."""
    store = anywhere(cardinality="multi")
    load(store, small_shop())
    engine, told = host(store), []
    query = Query(AssignedTo([ANN]), Guard(ANN, 1))

    def answers(reader: Any) -> list[Any]:
        page = [one.id for one in reader.page(query, Order("name"), None, 10)]
        return [page, reader.count(query), reader.check(query, [C1]), reader.check(query, page), reader.access([ANN])]

    with SqlAlchemyStore.open(engine, cardinality="multi", fields=WORLD_FIELDS).reader() as reader:
        unheard = answers(reader)
    event.listen(engine, heard, lambda *_: told.append(heard))
    with SqlAlchemyStore.open(engine, cardinality="multi", fields=WORLD_FIELDS).reader() as reader:
        told.clear()
        assert answers(reader) == unheard
    assert len(told) == 5
