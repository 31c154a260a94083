"""PostgreSQL, through psycopg 3."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    Select,
    Table,
    bindparam,
    column,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from ownership_core.reasons import Reason, postgresql_reason
from ownership_sqlalchemy.dialects import constructs as c
from ownership_sqlalchemy.dialects.database import OnConflict
from ownership_sqlalchemy.dialects.errors import unfit

OLDEST = (12,)
SCHEMA_WAIT = "10s"
UNKNOWN = 20_000

c.say(
    {
        c.AsciiLower: 'lower({} COLLATE "C")',  # which knows A to Z only
        c.AsText: 'CAST({} AS TEXT) COLLATE "C"',
        c.Exact: '({} COLLATE "C")',
        c.Micros: "CAST(ROUND(EXTRACT(EPOCH FROM {}) * 1000000) AS BIGINT)",
        c.Among: "{} = ANY (ARRAY{})",
        c.JsonWord: "{}",
        c.JsonUuid: "CAST({} AS UUID)",
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
        c.JsonRole: "({} ->> 'role') COLLATE \"C\"",
        c.JsonSource: "({} ->> 'source') COLLATE \"C\"",
        c.JsonSince: "CAST({} ->> 'since' AS BIGINT)",
    },
    "postgresql",
    json_text='CAST({} AS TEXT) COLLATE "C"',
)


_COLLATIONS = text(
    "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema()"
    " AND table_name IN :tables AND data_type IN ('character varying', 'text')"
    " AND collation_name IS DISTINCT FROM 'C' AND column_name NOT IN :lent LIMIT 1"
).bindparams(bindparam("tables", expanding=True), bindparam("lent", expanding=True))
_COLLATION = text(
    "SELECT collation_name FROM information_schema.columns WHERE table_schema ="
    " coalesce(CAST(:schema AS text), current_schema()) AND table_name = :table AND column_name = :column"
)
_GRANTS = text(
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname IN :tables"
    " AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')"
    " AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')) LIMIT 1"
).bindparams(bindparam("tables", expanding=True))

_ROOT = text(
    "SELECT CAST(floor(sqrt(CAST(reltuples AS double precision) * :limit)) AS bigint) AS root"
    " FROM pg_class WHERE oid = to_regclass(:called) AND reltuples > 0"
)


class Postgresql(OnConflict):
    """A server."""

    name = "PostgreSQL"
    dialects = ("postgresql",)
    reads_ahead = True
    inserting = staticmethod(insert)

    def set_up(self, raw: Any) -> None:
        """No machine code: to make it of a long statement costs as much as running it, and here gains nothing."""
        raw.execute("SET jit = off")
        raw.commit()

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

    def check_guest(self, connection: Connection) -> bool:
        """REPEATABLE READ would decide on what was, and nobody would say so."""
        self.check_connection(connection)
        if connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "repeatable read":
            what = "The host's transaction is REPEATABLE READ."
            raise unfit("unsafe_isolation", what, "Begin it as READ COMMITTED or SERIALIZABLE.")
        return False

    def check_connection(self, connection: Connection) -> None:
        """A transaction must be one, and text UTF-8."""
        if getattr(connection.connection.dbapi_connection, "autocommit", False):
            raise unfit("autocommit_on", "Every statement would be committed by itself.", "Turn autocommit off.")
        if connection.exec_driver_sql("SHOW server_encoding").scalar() != "UTF8":
            raise unfit("unsafe_collation", "The database does not keep UTF-8.", "Make one with ENCODING 'UTF8'.")

    def collation(self, connection: Connection, table: Table, column: str) -> tuple[str | None, str | None]:
        """None for the database's own."""
        names = {"schema": table.schema, "table": table.name, "column": column}
        return None, connection.execute(_COLLATION, names).scalar()

    def check_tables(self, connection: Connection, tables: list[Table]) -> None:
        """Texts sort by code points, and all four grants are there."""
        names = {"tables": [table.name for table in tables]}
        denied = connection.execute(_GRANTS, names).scalar()
        if denied is not None:
            what = f"The database user may not read and change the table {denied}."
            raise unfit("missing_grant", what, "Grant SELECT, INSERT, UPDATE and DELETE on all tables of ours.")
        loose = connection.execute(_COLLATIONS, {**names, "lent": c.lent(tables)}).scalar()
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

    def insert_latest(self, table: Table, source: Select[Any], column: str) -> Insert:
        """By its conflicts."""
        new = insert(table).from_select([one.name for one in table.c], source)
        latest = func.greatest(table.c[column], new.excluded[column])
        return new.on_conflict_do_update(index_elements=list(table.primary_key), set_={column: latest})

    def exceeds(self, book: FromClause, table: FromClause, limit: int) -> ColumnElement[bool]:
        """By what the last ANALYZE found, and no further than it must; a table never analyzed counts as a large one."""
        root = _ROOT.bindparams(called=getattr(table, "name", ""), limit=limit).columns(column("root", BigInteger()))
        beyond: Select[Any] = select(literal_column("1")).select_from(book).limit(1)
        return beyond.offset(func.coalesce(root.scalar_subquery(), UNKNOWN)).exists()

    def only_if(self, condition: ColumnElement[bool], rows: Select[Any], limit: int) -> Select[Any]:
        """A condition on no row is judged before the first; a limit that is not a number would not be planned for."""
        return rows.where(condition).limit(limit)

    def worked_out_once(self, statement: Select[Any], name: str) -> CTE:
        """What may skip rows is not merged; row by row, where the keyword would write all of it down first."""
        return statement.offset(literal_column("0")).cte(name)

    def reason(self, orig: Any) -> Reason | None:
        """By its SQLSTATE."""
        return postgresql_reason(orig)
