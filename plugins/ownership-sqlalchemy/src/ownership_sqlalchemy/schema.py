"""Making, upgrading and judging the tables. Nothing here runs unless it is asked for."""

from __future__ import annotations

from functools import cache
from io import StringIO
from pathlib import Path
from typing import TextIO

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, Insert, Table, insert, inspect, select, true
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import DropTable

from ownership_core.errors import cardinality_mismatch
from ownership_core.fields import Fields
from ownership_core.keys import KeyType
from ownership_core.policies import SINGLE
from ownership_sqlalchemy import dialects
from ownership_sqlalchemy.columns import NAME
from ownership_sqlalchemy.dialects.errors import WHO, unfit
from ownership_sqlalchemy.facts import HostFacts
from ownership_sqlalchemy.host import HostTables, resolve
from ownership_sqlalchemy.tables import Tables, build_tables

MIGRATIONS = Path(__file__).parent / "migrations"
CUSTOMERS, OURS = "customers", "ours"


def upgrade(
    url_or_engine: str | URL | Engine,
    *,
    cardinality: str = SINGLE,
    customer_key: KeyType = KeyType.TEXT,
    staff_key: KeyType = KeyType.TEXT,
    prefix: str = "ownership_",
    host: HostTables | None = None,
    fields: Fields | None = None,
) -> None:
    """Make the tables, or bring them up to this version, in one transaction.

    With ``host`` there are none for customers: ours refer to the host's (``fields`` are the declared ones).

    A host's own ``alembic_version`` is left alone: ours is ``<prefix>alembic_version``. The cardinality
    is recorded where none is; a recorded one is never changed here. What an upgrade left that was ended before it
    was done (MariaDB keeps every table that was made) is made anew, as long as it holds nothing. Codes:
    ``unsupported_dialect``, ``schema_newer``, ``schema_incomplete``, ``schema_busy``, ``storage_busy``,
    ``storage_unavailable``.
    """
    engine = dialects.open_engine(url_or_engine)
    tables = tables_for(engine, prefix, customer_key, staff_key, host, fields)
    database = dialects.database_of(engine.dialect)
    try:
        with engine.connect() as connection:
            database.require(connection)
            database.hold_schema(connection, tables.prefix)
            try:
                _refuse_newer(connection, tables.prefix)
                for table in _left_behind(connection, tables):
                    table.drop(connection)
                command.upgrade(_config(connection, tables), "head")
                _record(connection, tables, cardinality)
                connection.commit()
            finally:
                database.release_schema(connection, tables.prefix)
    except DBAPIError as error:
        raise dialects.coded(error) from None
    finally:
        if engine is not url_or_engine:
            engine.dispose()


def sql(
    url_or_engine: str | URL | Engine,
    *,
    cardinality: str = SINGLE,
    customer_key: KeyType = KeyType.TEXT,
    staff_key: KeyType = KeyType.TEXT,
    prefix: str = "ownership_",
    host: HostTables | None = None,
    fields: Fields | None = None,
) -> str:
    """The statements :func:`upgrade` would send now, for whoever may change the tables; nothing is changed.

    Codes: ``unsupported_dialect``, ``schema_newer``, ``schema_incomplete``, ``storage_unavailable``.
    """
    engine = dialects.open_engine(url_or_engine)
    tables = tables_for(engine, prefix, customer_key, staff_key, host, fields)
    written = StringIO()
    try:
        with engine.connect() as connection:
            dialects.database_of(engine.dialect).require(connection)
            _refuse_newer(connection, prefix)
            at = revision(connection, prefix)
            for table in _left_behind(connection, tables):
                written.write(f"{DropTable(table).compile(dialect=engine.dialect)};\n\n".lstrip())
            config = _config(connection, tables, written)
            command.upgrade(config, "head" if at is None else f"{at}:head", sql=True)
            if at is None:
                for statement in (_made_for(tables, cardinality), *_made_of(tables)):
                    said = statement.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})
                    written.write(f"{said};\n\n")
    except DBAPIError as error:
        raise dialects.coded(error) from None
    finally:
        if engine is not url_or_engine:
            engine.dispose()
    return written.getvalue()


def tables_for(
    engine: Engine,
    prefix: str,
    customer_key: KeyType,
    staff_key: KeyType,
    host: HostTables | None = None,
    fields: Fields | None = None,
) -> Tables:
    """The tables a store stands on; a host's are looked at, and bring their own key type."""
    if host is None:
        return build_tables(prefix, customer_key, staff_key)
    facts = resolve(host, engine, fields or Fields.declare())
    return build_tables(prefix, facts.key.key_type, staff_key, facts)


def _made_for(tables: Tables, cardinality: str) -> Insert:
    return insert(tables.cardinality).values(name=cardinality)


def _made_of(tables: Tables) -> list[Insert]:
    return [insert(tables.key_type).values(subject=who, name=name) for who, name in _made_on(tables)]


def _record(connection: Connection, tables: Tables, cardinality: str) -> None:
    """Write down, once, what the tables were made for; other key types than those are refused."""
    if connection.execute(select(tables.cardinality.c.name)).first() is None:
        connection.execute(_made_for(tables, cardinality))
    kept = tables.key_type
    if connection.execute(select(kept.c.name)).first() is None:
        for statement in _made_of(tables):
            connection.execute(statement)
    _refuse_other_keys(connection, tables)


def _made_on(tables: Tables) -> list[tuple[str, str]]:
    """What the tables cannot be told from: how ids are kept, and whose customers they are about."""
    keys = [("customer", tables.customer_key.key_type), ("staff", tables.staff_key.key_type)]
    whose = tables.facts.table.fullname if isinstance(tables.facts, HostFacts) else OURS
    return [*((subject, str(key)) for subject, key in keys), (CUSTOMERS, whose[:NAME])]


def _refuse_other_keys(connection: Connection, tables: Tables) -> None:
    kept = {CUSTOMERS: OURS} | {row.subject: row.name for row in connection.execute(select(tables.key_type))}
    for subject, key_type in _made_on(tables):
        if subject == CUSTOMERS and kept[CUSTOMERS] != key_type:
            what = f"The tables are about the customers in {kept[CUSTOMERS]!r}, the store was opened for {key_type!r}."
            raise unfit("other_customers", what, "Open it as it was made, or give other tables another prefix.")
        if kept.get(subject) != key_type:
            what = (
                f"The tables keep {subject} ids as {kept.get(subject)!r}, the store was opened for {str(key_type)!r}."
            )
            raise unfit("key_type_mismatch", what, f"Open it with {subject}_key = {kept.get(subject)!r}.")


def current(engine: Engine, prefix: str = "ownership_") -> str | None:
    """The revision the tables are at, or None where there are none of ours."""
    try:
        with engine.connect() as connection:
            return revision(connection, prefix)
    except DBAPIError as error:
        raise dialects.coded(error) from None


def revision(connection: Connection, prefix: str) -> str | None:
    """The revision the tables on this connection are at."""
    options = {"version_table": version_table(prefix)}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def version_table(prefix: str) -> str:
    """Where our revision is recorded, beside a host's own ``alembic_version``."""
    return f"{prefix}alembic_version"


def check(connection: Connection, tables: Tables, cardinality: str) -> None:
    """Refuse tables that are missing, of another version, or made for another cardinality."""
    at, script = revision(connection, tables.prefix), _script()
    if at is None or not inspect(connection).has_table(tables.head.name):
        raise unfit("schema_missing", "The tables are missing.", "Run `ownership db init`.")
    _refuse_newer(connection, tables.prefix)
    if at != script.get_current_head():
        raise unfit("schema_outdated", "The tables are older than this version.", "Run `ownership db upgrade`.")
    recorded = connection.execute(select(tables.cardinality.c.name)).scalar_one_or_none()
    if recorded is None:
        raise unfit("schema_missing", "The tables do not say their cardinality.", "Run `ownership db init`.")
    if recorded != cardinality:
        raise cardinality_mismatch(recorded, cardinality, WHO)
    _refuse_other_keys(connection, tables)


def _refuse_newer(connection: Connection, prefix: str) -> None:
    at = revision(connection, prefix)
    if at is None:
        return
    try:
        _script().get_revision(at)
    except CommandError:
        hint = "Install the version that made them; `ownership db upgrade` only goes forward."
        raise unfit("schema_newer", "The tables are newer than this version.", hint) from None


def _left_behind(connection: Connection, tables: Tables) -> list[Table]:
    """The tables an upgrade made that was ended before it recorded a revision, in an order they can be dropped in.

    None of them was there when it began: its first step is to make the table of the revision, and before that
    this function lets nothing pass that bears a name of ours. Codes: ``schema_incomplete``.
    """
    if revision(connection, tables.prefix) is not None:
        return []
    there = set(inspect(connection).get_table_names())
    found = [table for table in reversed(tables.metadata.sorted_tables) if table.name in there]
    began = version_table(tables.prefix) in there
    kept = [
        table.name
        for table in found
        if not began or connection.execute(select(true()).select_from(table).limit(1)).first()
    ]
    if kept:
        what = f"There is no revision of ours, and yet there are tables of our names: {', '.join(sorted(kept))}."
        hint = (
            f"If {version_table(tables.prefix)} was lost, restore it; if the tables are not ours, open the store with"
            " another prefix; if nobody needs them, drop them. Then run `ownership db upgrade`."
        )
        raise unfit("schema_incomplete", what, hint)
    return found


@cache
def _script() -> ScriptDirectory:
    """The steps as they lie beside this file, read once: every service that starts asks for the newest."""
    return ScriptDirectory(str(MIGRATIONS))


def _config(connection: Connection, tables: Tables, output: TextIO | None = None) -> Config:
    config = Config(output_buffer=output) if output is not None else Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["tables"] = tables
    return config
