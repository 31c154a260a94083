"""Everything that differs between databases; no other module of this package speaks one database's SQL.

SQLite is supported. Another database is refused by name until it has passed the store contract: each
construct below needs its compilation there, and :data:`SUPPORTED` its name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    Connection,
    Engine,
    Subquery,
    bindparam,
    case,
    create_engine,
    event,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import BigInteger, Text, TypeEngine

from ownership_core.errors import Conflict, InvalidInput, OwnershipError, Problem, StoreError

WHO = "ownership-sqlalchemy"
SUPPORTED = frozenset({"sqlite"})
OLDEST_SQLITE = (3, 38, 0)  # the first that always has its JSON functions
BUSY_MILLISECONDS = 10_000


class AsciiLower(FunctionElement[str]):
    """The text with A to Z lowered and nothing else."""

    type = Text()
    inherit_cache = True


class PlaceOf(FunctionElement[int]):
    """Where the second text begins in the first, counted from 1; 0 where it does not occur."""

    type = BigInteger()
    inherit_cache = True


class Beginning(FunctionElement[str]):
    """The first characters of a text, as many as the second argument says."""

    type = Text()
    inherit_cache = True


class JsonList(FunctionElement[str]):
    """The values of one JSON expression over all rows, as one JSON list; empty for no rows."""

    type = Text()
    inherit_cache = True


class JsonRow(FunctionElement[str]):
    """A JSON list of the arguments."""

    type = Text()
    inherit_cache = True


class JsonRecord(FunctionElement[str]):
    """A JSON object of alternating names and values."""

    type = Text()
    inherit_cache = True


class AsJson(FunctionElement[str]):
    """Text that is JSON already, so that it is nested and not quoted."""

    type = Text()
    inherit_cache = True


class JsonLength(FunctionElement[int]):
    """How many elements a JSON list has."""

    type = BigInteger()
    inherit_cache = True


class JsonElements(FunctionElement[str]):
    """The elements of a JSON list as rows with one column, ``value``."""

    type = Text()
    inherit_cache = True


class JsonStaff(FunctionElement[str]):
    """The member ``staff`` of a JSON object."""

    type = Text()
    inherit_cache = True


_SQLITE: dict[type[FunctionElement[Any]], str] = {
    AsciiLower: "lower({})",  # SQLite's own lower() knows A to Z only
    PlaceOf: "instr({}, {})",
    Beginning: "substr({}, 1, {})",
    JsonList: "json_group_array({})",
    AsJson: "json({})",
    JsonLength: "json_array_length({})",
    JsonElements: "json_each({})",
    JsonStaff: "json_extract({}, '$.staff')",
}


def _compile_on_sqlite(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    arguments = [compiler.process(clause, **kw) for clause in element.clauses]
    if isinstance(element, JsonRow):
        return f"json_array({', '.join(arguments)})"
    if isinstance(element, JsonRecord):
        return f"json_object({', '.join(arguments)})"
    return _SQLITE[type(element)].format(*arguments)


for _construct in (*_SQLITE, JsonRow, JsonRecord):
    compiles(_construct, "sqlite")(_compile_on_sqlite)


def json_truth(condition: ColumnElement[bool]) -> ColumnElement[str]:
    """JSON ``true`` where the condition is TRUE, else JSON ``false``."""
    return AsJson(case((condition, literal("true", Text())), else_=literal("false", Text())))


def packed(values: Iterable[Any]) -> str:
    """``values`` as the one parameter :func:`rows_in` reads."""
    return json.dumps(list(values), ensure_ascii=False)


def rows_in(parameter: BindParameter[str], kind: TypeEngine[Any], name: str = "wanted") -> Subquery:
    """The values packed into ``parameter`` as rows with one column ``id``."""
    elements = JsonElements(parameter).table_valued("value", name=f"{name}_list")
    return select(type_coerce(elements.c.value, kind).label("id")).subquery(name)


def rows_of(values: Iterable[Any], kind: TypeEngine[Any], name: str = "wanted") -> Subquery:
    """``values`` as rows with one column ``id``: one bound parameter, whatever their number."""
    return rows_in(bindparam(None, packed(values), type_=Text()), kind, name)


def materialized(cte: CTE) -> CTE:
    """``cte``, worked out once even where its columns are used several times."""
    return cte.prefix_with("MATERIALIZED", dialect="sqlite")


# Engines


def open_engine(url_or_engine: str | URL | Engine) -> Engine:
    """An engine of a supported database; ``unsupported_dialect`` names any other.

    An engine made here from a URL is also set up (foreign keys, waiting for locks, write-ahead log). A
    host's own engine is taken as it is: only :func:`foreign_keys_on` looks at it.
    """
    if isinstance(url_or_engine, Engine):
        _require(url_or_engine.dialect.name)
        return url_or_engine
    try:
        url = make_url(url_or_engine)
    except ArgumentError:
        hint = "Give one such as sqlite:///ownership.db."
        raise InvalidInput(Problem("invalid_value", "The database address cannot be read.", hint), who=WHO) from None
    _require(url.get_backend_name())
    engine = create_engine(url)
    event.listen(engine, "connect", _set_up)
    return engine


def _require(name: str) -> None:
    if name not in SUPPORTED:
        what = f"The database {name!r} is not supported yet; supported is {', '.join(sorted(SUPPORTED))}."
        raise StoreError(Problem("unsupported_dialect", what, "Use an address such as sqlite:///o.db."), who=WHO)
    import sqlite3  # noqa: PLC0415 - only where SQLite is used

    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        what = f"SQLite {sqlite3.sqlite_version} is too old."
        raise StoreError(Problem("unsupported_dialect", what, f"Use SQLite {oldest} or newer."), who=WHO)


def _set_up(raw: Any, _record: object) -> None:
    cursor = raw.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # a commit that was reported survives a power cut
    finally:
        cursor.close()


def foreign_keys_on(connection: Connection) -> bool:
    """Whether this connection enforces foreign keys."""
    return bool(connection.exec_driver_sql("PRAGMA foreign_keys").scalar())


def begin(connection: Connection, *, writing: bool) -> None:
    """Begin a transaction with a consistent view; a writing one waits for other writers now, not later."""
    raw: Any = connection.connection.dbapi_connection
    if raw.in_transaction:
        raw.rollback()  # a host's engine may have begun a deferred one by itself; nothing ran in it
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def locks_rows(connection: Connection) -> bool:
    """Whether rows are locked one by one; SQLite's writer has the whole database to itself."""
    return connection.dialect.name != "sqlite"


def coded(error: DBAPIError) -> OwnershipError:
    """What a driver's error means to a caller; its text and the SQL stay here (I45)."""
    if isinstance(error, IntegrityError):
        what = "The database refused a row that contradicts what it holds."
        return Conflict(Problem("conflict", what, "Read again and repeat the command."), who=WHO)
    reason = getattr(error.orig, "sqlite_errorname", "") or ""
    if isinstance(error, OperationalError) and reason.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        what = "Another writer holds the database."
        return StoreError(Problem("storage_busy", what, "Try again in a moment."), who=WHO)
    what = "The database did not answer."
    hint = "Look whether it is there and writable; `ownership doctor` tells more."
    return StoreError(Problem("storage_unavailable", what, hint), who=WHO)
