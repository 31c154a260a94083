"""A host's own engine is looked at when the shop starts, never set; what does not fit is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url

from ownership_core.errors import StoreError
from ownership_core.keys import KeyType
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
        SqlAlchemyStore.open(engine).check("single")
        with made.engine.begin() as connection:
            connection.execute(text(f"REVOKE {lacking} ON ownership_event FROM {user}"))
        assert refused(engine) == ("missing_grant",)
    finally:
        engine.dispose()
        with made.engine.begin() as connection:
            for statement in undo:
                connection.execute(text(statement))
