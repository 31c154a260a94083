"""MariaDB, through PyMySQL."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import (
    CTE,
    ClauseElement,
    ColumnElement,
    Connection,
    Executable,
    Insert,
    Select,
    SelectBase,
    Table,
    and_,
    bindparam,
    false,
    func,
    select,
    text,
)
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from ownership_core.reasons import Reason, mariadb_reason
from ownership_sqlalchemy.dialects import constructs as c
from ownership_sqlalchemy.dialects.database import Database
from ownership_sqlalchemy.dialects.errors import unfit

OLDEST = (10, 6)  # the first with JSON_TABLE
SCHEMA_WAIT = 10
SHORTEST = 1_048_576  # what the server has unless told otherwise: 500 of the longest texts of one customer
STRICT = frozenset({"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"})
_TEXT = f"CHARACTER SET utf8mb4) COLLATE {c.BYTEWISE}"

c.say(
    {
        # Its lower() knows all of Unicode. Read as Thai, which has no case, the bytes above ASCII stay as they are.
        c.AsciiLower: (
            "CONVERT(CAST(LOWER(CONVERT(CAST({} AS BINARY) USING tis620)) AS BINARY) USING utf8mb4)"
            f" COLLATE {c.BYTEWISE}"
        ),
        c.AsText: "CAST({} AS CHAR " + _TEXT,
        c.Exact: "(CONVERT({} USING utf8mb4) COLLATE " + c.BYTEWISE + ")",
        c.Micros: "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', {})",
        c.JsonWord: "{}",
        c.JsonUuid: "{}",
        c.PlaceOf: "(LOCATE({1}, {0}))",
        c.Beginning: "LEFT({}, {})",
        c.JsonList: "COALESCE(JSON_ARRAYAGG({}), JSON_ARRAY())",
        c.JsonRow: "JSON_ARRAY({all})",
        c.JsonRecord: "JSON_OBJECT({all})",
        c.AsJson: "JSON_COMPACT({})",
        c.JsonLength: "JSON_LENGTH({})",
        c.JsonElements: "JSON_TABLE({}, '$[*]' COLUMNS (value VARCHAR(500) PATH '$'))",
        c.JsonElement: f"({{}} COLLATE {c.BYTEWISE})",
        c.JsonNumber: "CAST({} AS SIGNED)",
        c.JsonObjects: "JSON_TABLE({}, '$[*]' COLUMNS (value JSON PATH '$'))",
        c.JsonStaff: f"(JSON_VALUE({{}}, '$.staff') COLLATE {c.BYTEWISE})",
        c.JsonRole: f"(JSON_VALUE({{}}, '$.role') COLLATE {c.BYTEWISE})",
        c.JsonSource: f"(JSON_VALUE({{}}, '$.source') COLLATE {c.BYTEWISE})",
        c.JsonSince: "CAST(JSON_VALUE({}, '$.since') AS SIGNED)",
    },
    *c.MARIADB,
)


_COLLATIONS = text(
    "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE()"
    " AND table_name IN :tables AND collation_name IS NOT NULL AND collation_name <> :bytewise"
    " AND column_name NOT IN :lent LIMIT 1"
).bindparams(bindparam("tables", expanding=True), bindparam("lent", expanding=True))
_COLLATION = text(
    "SELECT character_set_name, collation_name FROM information_schema.columns"
    " WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :table AND column_name = :column"
)


class FromThem(Executable, ClauseElement):
    """An UPDATE or DELETE joined with ``among``, which is read first: every row a statement meets stays locked."""

    inherit_cache = False

    def __init__(self, change: Any) -> None:
        self.change = change

    def __getattr__(self, name: str) -> Any:
        """Whatever else is asked of a change, the change itself knows."""
        if name == "change":  # not there yet
            raise AttributeError(name)
        return getattr(self.change, name)


_ORDERS = (
    (
        re.compile(r"UPDATE (\S+), (\(.*\) AS among) SET ", re.DOTALL),
        r"UPDATE \2 STRAIGHT_JOIN \1 FORCE INDEX (PRIMARY) SET ",
    ),
    (
        re.compile(r"DELETE FROM (\S+) USING \1, (\(.*\) AS among) WHERE ", re.DOTALL),
        r"DELETE FROM \1 USING \2 STRAIGHT_JOIN \1 FORCE INDEX (PRIMARY) WHERE ",
    ),
)


@compiles(FromThem, *c.MARIADB)
def _from_them(element: FromThem, compiler: SQLCompiler, **kw: Any) -> str:
    said = compiler.process(element.change, **kw)
    for usual, ordered in _ORDERS:
        said, found = usual.subn(ordered, said, count=1)
        if found:
            return said
    raise AssertionError(said)


class Mariadb(Database):
    """A server."""

    name = "MariaDB"
    dialects = c.MARIADB
    interleaves = False

    def engine_options(self) -> dict[str, Any]:
        """Reading keeps one view; writing says otherwise transaction by transaction."""
        return {"isolation_level": "REPEATABLE READ"}

    def set_up(self, raw: Any) -> None:
        """Texts compared byte by byte, nothing cut off in silence, and a bounded wait for locks."""
        cursor = raw.cursor()
        try:
            cursor.execute(f"SET NAMES utf8mb4 COLLATE {c.BYTEWISE}")
            cursor.execute(
                "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',"
                " innodb_lock_wait_timeout = 10, group_concat_max_len = 67108864"
            )
        finally:
            cursor.close()

    def require(self, connection: Connection) -> None:
        """MySQL is another product."""
        dialect: Any = connection.dialect
        version = dialect.server_version_info or (0,)
        if not dialect.is_mariadb:
            raise unfit("unsupported_dialect", "The database 'mysql' is not supported yet.", "Use MariaDB.")
        if version < OLDEST:
            shown, oldest = (".".join(map(str, parts)) for parts in (version, OLDEST))
            raise unfit("unsupported_dialect", f"MariaDB {shown} is too old.", f"Use MariaDB {oldest} or newer.")

    def begin(self, connection: Connection, *, writing: bool, ours: bool) -> None:
        """The server begins with the first statement; only the kind is said here."""
        if writing:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        elif not ours:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

    def check_guest(self, connection: Connection) -> bool:
        """REPEATABLE READ keeps its view; dirty reads are no base for a decision."""
        self.check_connection(connection)
        level = str(connection.exec_driver_sql("SELECT @@session.tx_isolation").scalar())
        if level == "READ-UNCOMMITTED":
            hint = "Begin it as READ COMMITTED, REPEATABLE READ or SERIALIZABLE."
            raise unfit("unsafe_isolation", "The host's transaction reads what is not committed.", hint)
        return level in ("REPEATABLE-READ", "SERIALIZABLE")

    def check_connection(self, connection: Connection) -> None:
        """A transaction must be one, and no value cut to fit."""
        asked = "SELECT @@autocommit, @@sql_mode, @@group_concat_max_len"
        autocommit, mode, longest = connection.exec_driver_sql(asked).one()
        if autocommit:
            raise unfit("autocommit_on", "Every statement would be committed by itself.", "Turn autocommit off.")
        modes = set(str(mode).split(","))
        if not modes & STRICT or "HIGH_NOT_PRECEDENCE" in modes:
            what = "The sql_mode of the connection is not strict: values that do not fit would be cut."
            raise unfit(
                "unsafe_sql_mode", what, "Add STRICT_TRANS_TABLES to the sql_mode of your engine's connections."
            )
        if longest < SHORTEST:  # it bounds JSON_ARRAYAGG too, which then ends in the middle with a mere warning
            what = f"group_concat_max_len is {longest}: customers with long lists could not be read."
            hint = f"Set it to {SHORTEST} or more for your engine's connections; ours have 67108864."
            raise unfit("unsafe_group_concat", what, hint)

    def collation(self, connection: Connection, table: Table, column: str) -> tuple[str | None, str | None]:
        """Often the table's or the database's, and said by neither the column nor the model."""
        names = {"schema": table.schema, "table": table.name, "column": column}
        row = connection.execute(_COLLATION, names).one_or_none()
        return (None, None) if row is None else (row[0], row[1])

    def check_tables(self, connection: Connection, tables: list[Table]) -> None:
        """Texts compare byte by byte, and all four grants are there."""
        names = {"tables": [table.name for table in tables], "bytewise": c.BYTEWISE, "lent": c.lent(tables)}
        loose = connection.execute(_COLLATIONS, names).scalar()
        if loose is not None:
            what = f"The column {loose} ignores case or blanks at the end."
            raise unfit("unsafe_collation", what, f"Give all text columns of our tables the collation {c.BYTEWISE}.")
        if not connection.exec_driver_sql("SELECT @@read_only").scalar():
            self._try_grants(connection, tables)

    def _try_grants(self, connection: Connection, tables: list[Table]) -> None:
        """Grants may come by roles, so the server is asked: by statements that concern no row, and are undone."""
        nothing = false()
        for table in tables:
            column = next(iter(table.columns))
            connection.execute(insert(table).from_select(list(table.c), select(table).where(nothing)))
            connection.execute(table.update().where(nothing).values({column: column}))
            connection.execute(table.delete().where(nothing))
        connection.rollback()

    def hold_schema(self, connection: Connection, name: str) -> None:
        """By a lock of the session: DDL ends transactions here."""
        held = text("SELECT GET_LOCK(SUBSTR(CONCAT(:name, MD5(DATABASE())), 1, 64), :seconds)")
        if connection.execute(held, {"name": name[:30], "seconds": SCHEMA_WAIT}).scalar() != 1:
            raise unfit("schema_busy", "Somebody else is upgrading the tables.", "Try again later.")

    def release_schema(self, connection: Connection, name: str) -> None:
        """Let the next one in."""
        freed = text("SELECT RELEASE_LOCK(SUBSTR(CONCAT(:name, MD5(DATABASE())), 1, 64))")
        connection.execute(freed, {"name": name[:30]})

    def within(self, change: Any, columns: tuple[ColumnElement[Any], ...], chosen: SelectBase) -> Any:
        """As a join from the chosen ones: IN, or a join in another order, would walk and lock the whole table."""
        among = chosen.subquery("among")
        return FromThem(change.where(and_(*(mine == other for mine, other in zip(columns, among.c, strict=True)))))

    def locking(self, key: ColumnElement[Any], chosen: Select[Any], *, shared: bool = False) -> Select[Any]:
        """As a join from the ids, in their order: IN may walk the table, and every row met stays locked."""
        first = next(iter(chosen.selected_columns))
        among = chosen.order_by(first).limit(2**63 - 1).subquery("among")
        joined = select(key).prefix_with("STRAIGHT_JOIN").select_from(among.join(key.table, key == next(iter(among.c))))
        for dialect in self.dialects:
            joined = joined.with_hint(key.table, "FORCE INDEX (PRIMARY)", dialect)
        return joined.with_for_update(read=shared)

    def insert_missing(self, table: Table, columns: list[str], source: Select[Any]) -> Insert:
        """What comes in meanwhile is waited for and kept."""
        key = next(iter(table.primary_key.columns))
        return insert(table).from_select(columns, source).on_duplicate_key_update({key.name: key})

    def insert_latest(self, table: Table, source: Select[Any], column: str) -> Insert:
        """By its duplicate keys."""
        new = insert(table).from_select([one.name for one in table.c], source)
        return new.on_duplicate_key_update({column: func.greatest(table.c[column], new.inserted[column])})

    def worked_out_once(self, statement: Select[Any], name: str) -> CTE:
        """There is no keyword, but what is limited is not merged."""
        return statement.limit(2**63 - 1).cte(name)

    def reason(self, orig: Any) -> Reason | None:
        """By its number."""
        return mariadb_reason(orig)
