"""PostgreSQL, through psycopg 3."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CTE, Connection, Insert, Select, Table, bindparam, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from ownership_sqlalchemy.dialects import constructs as c
from ownership_sqlalchemy.dialects.database import Database
from ownership_sqlalchemy.dialects.errors import Reason, unfit

OLDEST = (12,)
SCHEMA_WAIT = "10s"

c.say(
    {
        c.AsciiLower: 'lower({} COLLATE "C")',  # which knows A to Z only
        c.AsText: 'CAST({} AS TEXT) COLLATE "C"',
        c.PlaceOf: "strpos({}, {})",
        c.Beginning: "left({}, {})",
        c.JsonList: "coalesce(json_agg({}), '[]'::json)",
        c.JsonRow: "json_build_array({all})",
        c.JsonRecord: "json_build_object({all})",
        c.AsJson: "CAST({} AS JSON)",
        c.JsonLength: "json_array_length(CAST({} AS JSON))",
        c.JsonElements: "json_array_elements_text(CAST({} AS JSON))",
        c.JsonElement: '({} COLLATE "C")',
        c.JsonNumber: "CAST({} AS BIGINT)",
        c.JsonObjects: "json_array_elements(CAST({} AS JSON))",
        c.JsonStaff: "({} ->> 'staff') COLLATE \"C\"",
    },
    "postgresql",
    json_text='CAST({} AS TEXT) COLLATE "C"',
)

_REASONS = {
    "40001": Reason.COLLIDED,
    "40P01": Reason.COLLIDED,
    "55P03": Reason.LOCK_TIMEOUT,
    "57014": Reason.STATEMENT_TIMEOUT,
    "25006": Reason.READ_ONLY,
    "53100": Reason.FULL,
    "53300": Reason.NO_CONNECTION,
    "42501": Reason.GRANT,
    "22001": Reason.REFUSED,
    "22003": Reason.REFUSED,
    "22021": Reason.REFUSED,
}

_COLLATIONS = text(
    "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema()"
    " AND table_name IN :tables AND data_type IN ('character varying', 'text')"
    " AND collation_name IS DISTINCT FROM 'C' LIMIT 1"
).bindparams(bindparam("tables", expanding=True))
_GRANTS = text(
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname IN :tables"
    " AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')"
    " AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')) LIMIT 1"
).bindparams(bindparam("tables", expanding=True))


class Postgresql(Database):
    """A server."""

    name = "PostgreSQL"
    dialects = ("postgresql",)

    def require(self, connection: Connection) -> None:
        """Old ones lack what statements need; another driver was never tried."""
        version = connection.dialect.server_version_info or (0,)
        if version < OLDEST:
            shown = ".".join(map(str, version))
            raise unfit(
                "unsupported_dialect", f"PostgreSQL {shown} is too old.", f"Use PostgreSQL {OLDEST[0]} or newer."
            )

    def begin(self, connection: Connection, *, writing: bool, ours: bool) -> None:  # noqa: ARG002
        """The driver begins with the first statement; only the kind is said here, which sends nothing."""
        if writing:
            connection.execution_options(isolation_level="READ COMMITTED")
        else:
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def check_connection(self, connection: Connection) -> None:
        """A transaction must be one, and text UTF-8."""
        if getattr(connection.connection.dbapi_connection, "autocommit", False):
            raise unfit("autocommit_on", "Every statement would be committed by itself.", "Turn autocommit off.")
        if connection.exec_driver_sql("SHOW server_encoding").scalar() != "UTF8":
            raise unfit("unsafe_collation", "The database does not keep UTF-8.", "Make one with ENCODING 'UTF8'.")

    def check_tables(self, connection: Connection, tables: list[Table]) -> None:
        """Texts sort by code points, and all four grants are there."""
        names = {"tables": [table.name for table in tables]}
        denied = connection.execute(_GRANTS, names).scalar()
        if denied is not None:
            what = f"The database user may not read and change the table {denied}."
            raise unfit("missing_grant", what, "Grant SELECT, INSERT, UPDATE and DELETE on all tables of ours.")
        loose = connection.execute(_COLLATIONS, names).scalar()
        if loose is not None:
            what = f"The column {loose} is not compared by code points."
            raise unfit("unsafe_collation", what, 'Give all text columns of our tables the collation "C".')

    def hold_schema(self, connection: Connection, name: str) -> None:
        """By an advisory lock until the end of the transaction."""
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{SCHEMA_WAIT}'")
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.' || :name, 0))")
        try:
            connection.execute(lock, {"name": name})
        except DBAPIError as error:
            if self.reason(error.orig) is Reason.LOCK_TIMEOUT:
                raise unfit("schema_busy", "Somebody else is upgrading the tables.", "Try again later.") from None
            raise

    def insert_missing(self, table: Table, columns: list[str], source: Select[Any]) -> Insert:
        """What comes in meanwhile is waited for and kept."""
        return insert(table).from_select(columns, source).on_conflict_do_nothing()

    def materialized(self, statement: Select[Any], name: str) -> CTE:
        """By its keyword."""
        return statement.cte(name).prefix_with("MATERIALIZED", dialect="postgresql")

    def reason(self, orig: Any) -> Reason | None:
        """By its SQLSTATE."""
        state: str | None = getattr(orig, "sqlstate", None)
        return None if state is None else _REASONS.get(state)
