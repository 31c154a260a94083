"""The tables are made by migrations, only when asked, and judged before they are used."""

from __future__ import annotations

import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path
from sqlite3 import dbapi2
from threading import Barrier, Thread
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from ownership_core.errors import InvalidInput, StoreError
from ownership_core.keys import KeyType
from ownership_core.testing.contracts.base import small_shop
from ownership_core.testing.worlds import WORLD_FIELDS, load
from ownership_sqlalchemy import SqlAlchemyStore, schema
from ownership_sqlalchemy.dialects import database_of, mariadb, postgresql, sqlite
from ownership_sqlalchemy.tables import build_tables


@pytest.mark.parametrize("key", list(KeyType))
def test_migrations_make_the_tables_of_the_code(anywhere: Any, key: KeyType) -> None:
    """Nothing is left to add, drop or change, whatever the key types and the prefix."""
    store = anywhere(customer_key=key, staff_key=key, prefix="shop_")
    tables = build_tables("shop_", key, key)
    with store.engine.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # alembic cannot read the index by name back; the next test looks at it
        options = {"compare_type": True, "version_table": "shop_alembic_version", "include_object": _is_ours}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, tables.metadata) == []


def _is_ours(thing: Any, name: str | None, kind: str, *_rest: object) -> bool:
    if kind == "index":
        return thing._ddl_if is None  # whether there is such an index depends on the database
    return not (kind == "table" and name == "shop_alembic_version")


def test_migrations_make_every_index_and_check(opener: Any) -> None:
    """What alembic does not compare is there too: the same schema text, table by table."""
    store = opener()
    other = create_engine("sqlite://")
    build_tables().metadata.create_all(other)
    assert _names(store.engine) == _names(other)
    with store.engine.connect() as one, other.connect() as two:
        checks = [{t: _checks(c, t) for t in build_tables().metadata.tables} for c in (one, two)]
    assert checks[0] == checks[1]
    other.dispose()


def _names(engine: Any) -> set[str]:
    with engine.connect() as connection:
        names = connection.scalars(text("SELECT name FROM sqlite_master"))
        return {name for name in names if "alembic_version" not in name}


def _checks(connection: Any, table: str) -> list[tuple[str, str]]:
    return sorted((str(check["name"]), check["sqltext"]) for check in inspect(connection).get_check_constraints(table))


def test_our_revision_stands_beside_the_hosts(address: Any) -> None:
    """A host's own ``alembic_version`` and tables stay as they are."""
    url = address()
    host = create_engine(url)
    with host.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num TEXT)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('theirs')"))
    assert schema.current(host) is None
    schema.upgrade(url)
    with host.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "theirs"
    assert schema.current(host) == "0005"
    host.dispose()


def test_upgrading_again_changes_nothing(anywhere: Any) -> None:
    """The recorded cardinality stays, whatever a later upgrade says."""
    store = anywhere(cardinality="multi")
    before = store.digest()
    schema.upgrade(store.engine, cardinality="single")
    assert store.digest() == before
    store.check("multi")


def test_two_upgrades_at_once_make_the_tables_once(address: Any) -> None:
    """One works, the others wait; every one of them ends well."""
    url = address()
    program = f"from ownership_sqlalchemy import schema; schema.upgrade({str(url)!r})"
    upgrades = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(3)]
    assert [(one.communicate()[1], one.returncode) for one in upgrades] == [(b"", 0)] * 3
    store = SqlAlchemyStore.open(url)
    store.check("single")
    store.close()


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    """Switching a file to the write-ahead log takes it alone; whoever comes second waits."""
    ready, failed = Barrier(4), []

    def open_all() -> None:
        for number in range(60):
            ready.wait()
            store = SqlAlchemyStore.open(f"sqlite:///{tmp_path}/{number}.db")
            try:
                store.engine.connect().close()
            except DBAPIError as error:
                failed.append(error)
            store.close()

    threads = [Thread(target=open_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


class _KilledError(Exception):
    """The upgrade is no more."""


def _killed_after(store: SqlAlchemyStore, statements: int) -> bool:
    """Whether an upgrade was ended after so many statements that change tables; nothing it still had to do is done."""
    left = [statements]

    def count(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().startswith(("ALTER", "CREATE", "INSERT", "UPDATE")):
            if not left[0]:
                raise _KilledError
            left[0] -= 1

    event.listen(store.engine, "before_cursor_execute", count)
    try:
        store.upgrade()
    except _KilledError:
        return True
    finally:
        event.remove(store.engine, "before_cursor_execute", count)
    return False


@pytest.mark.parametrize("statements", [0, 1, 2, 9, 20, 28])
def test_an_upgrade_that_was_killed_is_begun_again(address: Any, statements: int) -> None:
    """Wherever it ended, the next one makes all tables, indexes and checks; MariaDB keeps each table as it is made.

    Fails on MariaDB when ``schema.upgrade`` does not drop what ``_left_behind`` finds: a table exists already.
    """
    store, untouched = SqlAlchemyStore.open(address()), SqlAlchemyStore.open(address())
    assert _killed_after(store, statements)
    with pytest.raises(StoreError) as caught:
        store.check("single")
    assert caught.value.codes == ("schema_missing",)
    left = set(inspect(store.engine).get_table_names()) & set(build_tables().metadata.tables)
    assert bool(left) is (store.engine.dialect.name == "mysql" and statements >= 2)
    assert store.upgrade_sql().split("CREATE TABLE")[0].count("DROP TABLE") == len(left)
    store.upgrade()
    store.check("single")
    untouched.upgrade()
    assert _shape(store) == _shape(untouched)
    store.close()
    untouched.close()


@pytest.mark.parametrize("statements", range(0, 24, 3))
def test_an_upgrade_from_an_older_revision_that_was_killed_is_begun_again(address: Any, statements: int) -> None:
    """Wherever between the first revision and today's it ended.

    Fails on MariaDB when migrations do not look (:mod:`.migrations.again`): a column or table exists already.
    """
    store, untouched = SqlAlchemyStore.open(address()), SqlAlchemyStore.open(address())
    with store.engine.connect() as connection:
        command.upgrade(schema._config(connection, store._tables), "0001")
        schema._record(connection, store._tables, "single")
        connection.commit()
    assert _killed_after(store, statements)
    with pytest.raises(StoreError) as caught:
        store.check("single")
    assert caught.value.codes == ("schema_outdated",)
    store.upgrade()
    store.check("single")
    untouched.upgrade()
    assert _shape(store) == _shape(untouched)
    store.close()
    untouched.close()


def test_heads_and_assignments_come_along(tmp_path: Path, opener: Any) -> None:
    """From revision 0004 on SQLite, where both are moved: the same shop, as strict as before."""
    today = opener("today", cardinality="multi")
    load(today, small_shop())
    older = SqlAlchemyStore.open(f"sqlite:///{tmp_path}/older.db", fields=WORLD_FIELDS, cardinality="multi")
    with older.engine.connect() as connection:
        command.upgrade(schema._config(connection, older._tables), "0004")
        schema._record(connection, older._tables, "multi")
        connection.commit()
        connection.exec_driver_sql("ATTACH ? AS today", (f"{tmp_path}/today.db",))
        for table in older._tables.metadata.sorted_tables:
            there = connection.exec_driver_sql(f"PRAGMA main.table_info({table.name})")
            columns = ", ".join(f'"{column.name}"' for column in there)
            copied = f"INSERT OR IGNORE INTO main.{table.name} ({columns}) SELECT {columns} FROM today.{table.name}"
            connection.exec_driver_sql(copied)
        connection.commit()
    older.upgrade()
    assert older.digest() == today.digest()
    with older.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert connection.scalar(text("SELECT count(*) FROM ownership_assignment_aside")) == 0
        with pytest.raises(DBAPIError, match="FOREIGN KEY"):
            connection.execute(text("DELETE FROM ownership_head"))
    older.close()


def _shape(store: SqlAlchemyStore) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLAlchemy cannot read the index by name back
        looked = inspect(store.engine)
        keys, checks = looked.get_multi_foreign_keys(), looked.get_multi_check_constraints()
        named = [{(table, one["name"]) for table, found in of.items() for one in found} for of in (keys, checks)]
        indexes = {(table, one["name"]) for table, found in looked.get_multi_indexes().items() for one in found}
    return named, indexes, sorted(looked.get_table_names())


@pytest.mark.parametrize("prefix", ["", "ownership_"])
def test_a_hosts_table_of_our_name_is_never_touched(address: Any, prefix: str) -> None:
    """``schema_incomplete``, empty or not: what was there before any upgrade of ours is somebody else's.

    Fails when ``_left_behind`` asks only whether tables are empty: the host's one would be dropped.
    """
    url = address()
    host = create_engine(url)
    with host.begin() as connection:
        connection.execute(text(f"CREATE TABLE {prefix}customer (id INTEGER)"))
    store = SqlAlchemyStore.open(url, prefix=prefix)
    for door in (store.upgrade, store.upgrade_sql, store.upgrade):
        with pytest.raises(StoreError, match=f"{prefix}customer") as caught:
            door()
        assert caught.value.codes == ("schema_incomplete",)
    assert inspect(host).get_table_names() == [f"{prefix}customer"]
    host.dispose()
    store.close()


def test_tables_that_hold_something_are_not_made_anew(anywhere: Any) -> None:
    """A revision that was lost: ``schema_incomplete``, and every row stays.

    Fails when ``_left_behind`` does not look into the tables.
    """
    store = anywhere()
    with store.engine.begin() as connection:
        connection.execute(text("DELETE FROM ownership_alembic_version"))
    before = store.digest()
    with pytest.raises(StoreError, match="ownership_cardinality") as caught:
        store.upgrade()
    assert caught.value.codes == ("schema_incomplete",)
    assert store.digest() == before


def test_who_waits_too_long_for_an_upgrade_hears_why(address: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """``schema_busy``, and nothing was made."""
    monkeypatch.setattr(sqlite, "BUSY_MILLISECONDS", 1)
    monkeypatch.setattr(postgresql, "SCHEMA_WAIT", "1ms")
    monkeypatch.setattr(mariadb, "SCHEMA_WAIT", 0)
    url = address()
    first = SqlAlchemyStore.open(url)
    database = database_of(first.engine.dialect)
    with first.engine.connect() as connection:
        database.hold_schema(connection, "ownership_")
        with pytest.raises(StoreError) as caught:
            schema.upgrade(url)
        database.release_schema(connection, "ownership_")
    assert caught.value.codes == ("schema_busy",)
    assert first.revision() is None
    schema.upgrade(url)
    first.close()


def test_an_upgrade_can_be_read_before_it_is_made(address: Any) -> None:
    """The printed statements make the same tables, and nothing is left to print."""
    store = SqlAlchemyStore.open(address(), cardinality="multi")
    script = store.upgrade_sql()
    assert store.revision() is None
    with store.engine.begin() as connection:
        for statement in script.split(";\n"):
            if statement.strip() and statement.strip() not in {"BEGIN", "COMMIT"}:
                connection.exec_driver_sql(statement)
    store.check("multi")
    assert "CREATE TABLE" not in store.upgrade_sql()
    store.close()


def test_opening_makes_no_tables(address: Any) -> None:
    """``check`` says what is missing and which command helps."""
    store = SqlAlchemyStore.open(address())
    with pytest.raises(StoreError, match="ownership db init") as caught:
        store.check("single")
    assert caught.value.codes == ("schema_missing",)
    assert inspect(store.engine).get_table_names() == []
    store.close()


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE ownership_alembic_version SET version_num = '9999'", "schema_newer"),
        ("DELETE FROM ownership_alembic_version", "schema_missing"),
        ("UPDATE ownership_cardinality SET name = 'multi'", "cardinality_mismatch"),
    ],
)
def test_tables_that_do_not_fit_are_refused(anywhere: Any, statement: str, code: str) -> None:
    """Newer tables, tables without a revision, tables made for another cardinality."""
    store = anywhere()
    with store.engine.begin() as connection:
        connection.execute(text(statement))
    with pytest.raises(StoreError) as caught:
        store.check("single")
    assert caught.value.codes == (code,)


def test_older_tables_are_refused(anywhere: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables behind the newest revision name the command that upgrades them."""
    store = anywhere()
    monkeypatch.setattr("alembic.script.ScriptDirectory.get_current_head", lambda self: "9998")
    with pytest.raises(StoreError, match="ownership db upgrade") as caught:
        store.check("single")
    assert caught.value.codes == ("schema_outdated",)


def test_newer_tables_are_not_upgraded(anywhere: Any) -> None:
    """An upgrade never touches what a later version made."""
    store = anywhere()
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE ownership_alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError) as caught:
        store.upgrade()
    assert caught.value.codes == ("schema_newer",)


@pytest.mark.parametrize("url", ["oracle://host/db", "mssql://host/db", "cockroachdb://host/db"])
def test_other_databases_are_refused_by_name(url: str) -> None:
    """Before any driver is looked for."""
    with pytest.raises(StoreError, match=url.partition(":")[0]) as caught:
        SqlAlchemyStore.open(url)
    assert caught.value.codes == ("unsupported_dialect",)


def test_an_address_that_cannot_be_read_is_refused() -> None:
    """And is not repeated: it may hold a password."""
    with pytest.raises(InvalidInput) as caught:
        SqlAlchemyStore.open("secret@nowhere")
    assert "secret" not in str(caught.value)


def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    """The driver's words and the SQL stay inside."""
    store = SqlAlchemyStore.open(f"sqlite:///{tmp_path}/none/o.db")
    with pytest.raises(StoreError) as caught, store.reader():
        pass
    assert caught.value.codes == ("storage_unavailable",)
    assert "sqlite" not in str(caught.value).lower()


def test_a_connection_that_cannot_be_set_up_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool forgets it, so nobody else would. Watches ``raw.close()`` in ``open_engine``."""
    path = tmp_path / "o.db"
    path.write_bytes(b"This is no database at all. " * 100)
    opened: list[Watched] = []

    class Watched(dbapi2.Connection):
        closed = False

        def __init__(self, *options: Any, **named: Any) -> None:
            super().__init__(*options, **named)
            opened.append(self)

        def close(self) -> None:
            self.closed = True
            super().close()

    monkeypatch.setattr(dbapi2, "connect", partial(dbapi2.connect, factory=Watched))
    store = SqlAlchemyStore.open(f"sqlite:///{path}")
    with pytest.raises(StoreError), store.reader():
        pass
    assert [one.closed for one in opened] == [True]
