"""Databases of servers that somebody named: new ones for these tests, gone when they are over."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias
from uuid import uuid4

from sqlalchemy import Engine, Table, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

Rows: TypeAlias = list[tuple[Table, list[dict[str, Any]]]]
VARIABLES = {"postgresql": "OWNERSHIP_TEST_POSTGRES_URL", "mariadb": "OWNERSHIP_TEST_MARIADB_URL"}


class Databases:
    """Makes a schema (PostgreSQL) or a database (MariaDB) whenever it is asked, and drops all in the end.

    Their names are random: several processes, and several runs, may use one server.
    """

    def __init__(self, require: Callable[[str], NoReturn]) -> None:
        self._require = require
        self._servers: dict[str, Engine] = {}
        self._made: list[tuple[str, str]] = []

    @staticmethod
    def named() -> list[str]:
        """The kinds whose server is named by an environment variable."""
        return [kind for kind, variable in VARIABLES.items() if os.environ.get(variable)]

    def new(self, kind: str) -> URL:
        """The address of an empty one; the test is skipped where no server is named."""
        server, name = self._server(kind), f"ownership_{uuid4().hex}"
        with server.connect() as connection:
            if kind == "postgresql":
                connection.exec_driver_sql(f"CREATE SCHEMA {name}")
                url = server.url.update_query_dict({"options": f"-csearch_path={name}"})
            else:
                # As many shops have it: case and blanks at the end do not count, unless a table says otherwise.
                connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
                url = server.url.set(database=name)
        self._made.append((kind, name))
        return url

    def require(self, kind: str) -> None:
        """Skip the test where no server is named, or none answers."""
        self._server(kind)

    def close(self) -> None:
        """Drop everything that was made."""
        for kind, name in self._made:
            with self._servers[kind].connect() as connection:
                drop = (
                    f"DROP SCHEMA IF EXISTS {name} CASCADE"
                    if kind == "postgresql"
                    else f"DROP DATABASE IF EXISTS {name}"
                )
                connection.exec_driver_sql(drop)
        for server in self._servers.values():
            server.dispose()

    def _server(self, kind: str) -> Engine:
        if kind not in self._servers:
            variable = VARIABLES[kind]
            named = os.environ.get(variable)
            if not named:
                self._require(f"{kind}: set {variable} to the address of a server")
            engine = create_engine(make_url(named), isolation_level="AUTOCOMMIT")
            try:
                engine.connect().close()
            except SQLAlchemyError as error:
                reason = str(getattr(error, "orig", error)).splitlines()[0]
                self._require(f"{kind}: {variable} names a server that does not answer: {reason}")
            self._servers[kind] = engine
        return self._servers[kind]


def emptied(
    engine: Engine, tables: Any, kept: tuple[str, ...] = ("cardinality", "key_type"), *, cardinality: str
) -> None:
    """Delete every row, cheaper than TRUNCATE while there are few; the cardinality may have been switched."""
    names = [t.name for t in reversed(tables.metadata.sorted_tables) if t.name.removeprefix(tables.prefix) not in kept]
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("; ".join(f"DELETE FROM {name}" for name in names))
        else:
            connection.exec_driver_sql("SET foreign_key_checks = 0")
            for name in names:
                connection.exec_driver_sql(f"DELETE FROM {name}")
            connection.exec_driver_sql("SET foreign_key_checks = 1")
        connection.execute(tables.cardinality.update().values(name=cardinality))


def copied(engine: Engine, tables: Any) -> Rows:
    """All rows there are, in an order in which they can be put back."""
    with engine.connect() as connection:
        found = (
            (table, connection.execute(table.select()).mappings().all()) for table in tables.metadata.sorted_tables
        )
        return [(table, [dict(row) for row in rows]) for table, rows in found if rows]


def refilled(engine: Engine, tables: Any, rows: Rows) -> None:
    """Exactly these rows, whatever was there."""
    emptied(engine, tables, (), cardinality="")
    with engine.begin() as connection:
        for table, kept in rows:
            connection.execute(table.insert(), kept)
