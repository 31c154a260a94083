"""SQLite: one writer at a time, and everything else of the standard library's driver."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Any

from sqlalchemy import CTE, Connection, Select, Table
from sqlalchemy.exc import DBAPIError

from ownership_sqlalchemy.dialects import constructs as c
from ownership_sqlalchemy.dialects.database import Database
from ownership_sqlalchemy.dialects.errors import Reason, unfit

OLDEST = (3, 38, 0)  # the first that always has its JSON functions
BUSY_MILLISECONDS = 10_000

c.say(
    {
        c.AsciiLower: "lower({})",  # SQLite's own lower() knows A to Z only
        c.AsText: "CAST({} AS TEXT)",
        c.PlaceOf: "instr({}, {})",
        c.Beginning: "substr({}, 1, {})",
        c.JsonList: "json_group_array({})",
        c.JsonRow: "json_array({all})",
        c.JsonRecord: "json_object({all})",
        c.AsJson: "json({})",
        c.JsonLength: "json_array_length({})",
        c.JsonElements: "json_each({})",
        c.JsonElement: "{}",
        c.JsonNumber: "{}",
        c.JsonObjects: "json_each({})",
        c.JsonStaff: "json_extract({}, '$.staff')",
    },
    "sqlite",
)

_REASONS = {
    "SQLITE_BUSY": Reason.BUSY,
    "SQLITE_LOCKED": Reason.BUSY,
    "SQLITE_READONLY": Reason.READ_ONLY,
    "SQLITE_FULL": Reason.FULL,
    "SQLITE_INTERRUPT": Reason.STATEMENT_TIMEOUT,
    "SQLITE_CONSTRAINT": Reason.REFUSED,
}


class Sqlite(Database):
    """A file, or memory."""

    name = "SQLite"
    dialects = ("sqlite",)
    locks_rows = False

    def set_up(self, raw: Any) -> None:
        """Foreign keys, waiting for locks, and the write-ahead log."""
        cursor = raw.cursor()
        try:
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            cursor.execute("PRAGMA foreign_keys = ON")
            self._write_ahead(cursor)
            cursor.execute("PRAGMA synchronous = FULL")  # a commit that was reported survives a power cut
        finally:
            cursor.close()

    def _write_ahead(self, cursor: Any) -> None:
        """Switching a new file to the log takes the file alone, and SQLite does not wait for that by itself."""
        until = monotonic() + BUSY_MILLISECONDS / 1000
        while True:
            try:
                cursor.execute("PRAGMA journal_mode = WAL")
            except Exception as error:
                if self.reason(error) is not Reason.BUSY or monotonic() > until:
                    raise
                sleep(0.01)
            else:
                return

    def require(self, _connection: Connection | None = None) -> None:
        """Old ones lack functions."""
        import sqlite3  # noqa: PLC0415 - only where SQLite is used

        if sqlite3.sqlite_version_info < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            raise unfit(
                "unsupported_dialect", f"SQLite {sqlite3.sqlite_version} is too old.", f"Use SQLite {oldest} or newer."
            )

    def begin(self, connection: Connection, *, writing: bool, ours: bool) -> None:  # noqa: ARG002
        """A writing one waits for other writers now, not later."""
        raw: Any = connection.connection.dbapi_connection
        if raw.in_transaction:
            raw.rollback()  # a host's engine may have begun a deferred one by itself; nothing ran in it
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    def check_connection(self, connection: Connection) -> None:
        """Foreign keys are off unless somebody turned them on."""
        if not connection.exec_driver_sql("PRAGMA foreign_keys").scalar():
            hint = "Turn them on for every connection of your engine, then run `ownership db upgrade`."
            raise unfit("foreign_keys_off", "The database does not enforce foreign keys.", hint)

    def check_tables(self, _connection: Connection, _tables: list[Table]) -> None:
        """There are no grants, and texts compare byte by byte."""

    def hold_schema(self, connection: Connection, name: str) -> None:  # noqa: ARG002
        """A writing transaction is enough."""
        try:
            self.begin(connection, writing=True, ours=True)
        except DBAPIError as error:
            if self.reason(error.orig) is Reason.BUSY:
                raise unfit("schema_busy", "Somebody else is writing.", "Try again in a moment.") from None
            raise

    def materialized(self, statement: Select[Any], name: str) -> CTE:
        """By its keyword."""
        return statement.cte(name).prefix_with("MATERIALIZED", dialect="sqlite")

    def reason(self, orig: Any) -> Reason | None:
        """By the name of the error; extended names begin with it."""
        name = getattr(orig, "sqlite_errorname", None) or ""
        return next((reason for start, reason in _REASONS.items() if name.startswith(start)), None)
