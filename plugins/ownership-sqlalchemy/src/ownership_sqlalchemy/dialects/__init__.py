"""Everything that differs between databases; no other module of this package speaks one database's SQL.

SQLite, PostgreSQL and MariaDB are supported, each by a module of its own with one
:class:`~ownership_sqlalchemy.dialects.database.Database`. Another one is refused by name until it has passed
the store contract.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ownership_core.errors import InvalidInput, OwnershipError, Problem
from ownership_sqlalchemy.dialects.constructs import (
    MARIADB,
    TABLE_OPTIONS,
    Among,
    AsciiLower,
    AsJson,
    Beginning,
    Exact,
    JsonLength,
    JsonList,
    JsonObjects,
    JsonRecord,
    JsonRole,
    JsonRow,
    JsonSince,
    JsonSource,
    JsonStaff,
    Micros,
    PlaceOf,
    as_text,
    bit,
    json_truth,
    no_text,
    packed,
    prose,
    rows_in,
    rows_of,
    words,
)
from ownership_sqlalchemy.dialects.database import Database, OnConflict
from ownership_sqlalchemy.dialects.errors import WHO, Reason, overtaken, problem_of, reason_of, unfit
from ownership_sqlalchemy.dialects.mariadb import Mariadb
from ownership_sqlalchemy.dialects.postgresql import Postgresql
from ownership_sqlalchemy.dialects.sqlite import Sqlite

DATABASES: tuple[Database, ...] = (Sqlite(), Postgresql(), Mariadb())
SUPPORTED = {dialect: database for database in DATABASES for dialect in database.dialects}
DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql"}


def database_of(dialect: Dialect) -> Database:
    """The database a dialect speaks to; ``unsupported_dialect`` names one that is not supported."""
    return _supported(dialect.name)


def open_engine(url_or_engine: str | URL | Engine) -> Engine:
    """An engine of a supported database; ``unsupported_dialect`` names any other.

    An engine made here from a URL is also set up, connection by connection. A host's own engine is taken as
    it is and only looked at, when :meth:`SqlAlchemyStore.check` asks.
    """
    if isinstance(url_or_engine, Engine):
        _supported(url_or_engine.dialect.name)
        return url_or_engine
    try:
        url = make_url(url_or_engine)
    except ArgumentError:
        hint = "Give one such as sqlite:///ownership.db."
        raise InvalidInput(Problem("invalid_value", "The database address cannot be read.", hint), who=WHO) from None
    database = _supported(url.get_backend_name())
    driver = DRIVERS.get(url.get_backend_name())
    if driver is not None and "+" not in url.drivername:
        url = url.set(drivername=f"{url.drivername}+{driver}")
    try:
        engine = create_engine(url, **database.engine_options())
    except ModuleNotFoundError as missing:
        extra = f"pip install 'ownership-sqlalchemy[{database.name.lower()}]'"
        raise unfit("driver_missing", f"The driver {missing.name!r} is not installed.", f"{extra}.") from None

    @event.listens_for(engine, "connect")
    def connected(raw: Any, _record: object) -> None:
        try:
            database.set_up(raw)
        except Exception:
            raw.close()  # before SQLAlchemy 2.1 the pool forgets a connection whose beginning failed
            raise

    return engine


def _supported(name: str) -> Database:
    database = SUPPORTED.get(name)
    if database is None:
        known = ", ".join(one.name for one in DATABASES)
        what = f"The database {name!r} is not supported yet; supported are {known}."
        raise unfit("unsupported_dialect", what, "Use an address such as sqlite:///o.db.")
    if isinstance(database, Sqlite):
        database.require()
    return database


def coded(error: SQLAlchemyError) -> OwnershipError:
    """What a driver's error means to a caller; its text and the SQL stay here (I45)."""
    return problem_of(reason_of(error, tuple(database.reason for database in DATABASES)))


def coded_at_commit(error: SQLAlchemyError) -> OwnershipError:
    """The same for a commit: where no answer came, nobody knows whether it happened (I44)."""
    reason = reason_of(error, tuple(database.reason for database in DATABASES))
    return problem_of(Reason.UNKNOWN if reason is Reason.GONE else reason)


__all__ = [
    "MARIADB",
    "SUPPORTED",
    "TABLE_OPTIONS",
    "WHO",
    "Among",
    "AsJson",
    "AsciiLower",
    "Beginning",
    "Database",
    "Exact",
    "JsonLength",
    "JsonList",
    "JsonObjects",
    "JsonRecord",
    "JsonRole",
    "JsonRow",
    "JsonSince",
    "JsonSource",
    "JsonStaff",
    "Micros",
    "OnConflict",
    "PlaceOf",
    "Reason",
    "as_text",
    "bit",
    "coded",
    "coded_at_commit",
    "database_of",
    "json_truth",
    "no_text",
    "open_engine",
    "overtaken",
    "packed",
    "prose",
    "rows_in",
    "rows_of",
    "unfit",
    "words",
]
