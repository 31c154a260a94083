"""SQLite: one writer at a time, and everything else of the standard library's driver."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    Select,
    Table,
    Update,
    false,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError

from ownership_core.reasons import Reason, sqlite_reason
from ownership_sqlalchemy.dialects import constructs as c
from ownership_sqlalchemy.dialects.database import OnConflict
from ownership_sqlalchemy.dialects.errors import unfit

OLDEST = (3, 38, 0)  # the first that always has its JSON functions
BUSY_MILLISECONDS = 10_000
WEIGHED = 20_000  # so many customers are many in any shop that SQLite serves
CACHE_KIBIBYTES = 196_608  # at most, for each connection: what a run over a tenth of a million customers changes

c.say(
    {
        c.AsciiLower: "lower({})",  # SQLite's own lower() knows A to Z only
        c.AsText: "CAST({} AS TEXT)",
        c.Exact: "({} COLLATE BINARY)",
        # Written as the driver of the host writes it: a date, or a time with up to six digits behind the point.
        c.Micros: (
            "(CAST(strftime('%s', substr({0}, 1, 19)) AS INTEGER) * 1000000"
            " + CAST(substr({0} || '000000', 21, 6) AS INTEGER))"
        ),
        c.JsonWord: "{}",
        c.JsonUuid: "{}",
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
        c.JsonRole: "json_extract({}, '$.role')",
        c.JsonSource: "json_extract({}, '$.source')",
        c.JsonSince: "json_extract({}, '$.since')",
    },
    "sqlite",
)


class Sqlite(OnConflict):
    """A file, or memory."""

    name = "SQLite"
    dialects = ("sqlite",)
    locks_rows = False
    joins_exists = False
    inserting = staticmethod(insert)

    def set_up(self, raw: Any) -> None:
        """Foreign keys, waiting for locks, and the write-ahead log."""
        cursor = raw.cursor()
        try:
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
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

    def check_guest(self, connection: Connection) -> bool:
        """There is one writer at a time, and a transaction that has seen too little is told so when it writes."""
        if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
            raise unfit("autocommit_on", "Every statement would be committed by itself.", "Turn autocommit off.")
        self.check_connection(connection)
        return False

    def begin_guest(self, connection: Connection) -> None:
        """The driver begins with the first change only, and a savepoint outside would be committed by itself."""
        raw: Any = connection.connection.dbapi_connection
        if not raw.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

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

    def exceeds(self, book: FromClause, table: FromClause, limit: int) -> ColumnElement[bool]:
        """By the number of the last row, which is found at once; not every SQLite can take a root."""
        some = select(literal_column("1")).select_from(book).limit(WEIGHED).subquery("some")
        theirs = select(func.count().label("many")).select_from(some).subquery("theirs")
        everybody = select(func.max(literal_column("rowid"))).select_from(table).scalar_subquery()
        squared = theirs.c.many * theirs.c.many > everybody * literal_column(str(limit))
        return select(func.coalesce(squared, false())).select_from(theirs).scalar_subquery()

    def unrefused(self, change: Update) -> Update:
        """Else every page is written down as it was before it changes, until the statement ends."""
        return change.prefix_with("OR FAIL", dialect="sqlite")

    def insert_latest(self, table: Table, source: Select[Any], column: str) -> Insert:
        """By its conflicts; the source has a condition, or the parser would take ON for one of a join."""
        new = insert(table).from_select([one.name for one in table.c], source)
        latest = func.max(table.c[column], new.excluded[column])
        return new.on_conflict_do_update(index_elements=list(table.primary_key), set_={column: latest})

    def worked_out_once(self, statement: Select[Any], name: str) -> CTE:
        """What may skip rows is not merged; row by row, where the keyword would write all of it down first."""
        return statement.limit(literal_column("-1")).offset(literal_column("0")).cte(name)

    def reason(self, orig: Any) -> Reason | None:
        """By the name of the error."""
        return sqlite_reason(orig)
