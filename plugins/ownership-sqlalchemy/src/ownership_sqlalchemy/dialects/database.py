"""What every supported database must be able to tell and do."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Insert, Select, Table, insert, select, tuple_

from ownership_sqlalchemy.dialects.errors import Reason


class Database:
    """One supported database. What is said here holds unless it says otherwise."""

    name: str
    dialects: tuple[str, ...]
    locks_rows = True
    """Whether rows are locked one by one; else a writer has the whole database to itself."""
    interleaves = True
    """Whether a connection may be asked something while an earlier answer is still streamed."""

    def engine_options(self) -> dict[str, Any]:
        """How an engine is made of an address."""
        return {}

    def set_up(self, raw: Any) -> None:
        """Prepare a new connection of an engine of ours."""

    def require(self, connection: Connection) -> None:
        """Refuse a server that is too old or another product (``unsupported_dialect``)."""
        raise NotImplementedError

    def begin(self, connection: Connection, *, writing: bool, ours: bool) -> None:
        """Begin a transaction: a reading one keeps one view, a writing one sees what was committed last."""
        raise NotImplementedError

    def check_connection(self, connection: Connection) -> None:
        """Refuse settings of a connection under which promises would not hold; nothing is set."""
        raise NotImplementedError

    def check_tables(self, connection: Connection, tables: list[Table]) -> None:
        """Refuse tables whose texts are compared loosely, or that this user may not use."""
        raise NotImplementedError

    def hold_schema(self, connection: Connection, name: str) -> None:
        """Let nobody else upgrade the tables called ``name`` meanwhile; ``schema_busy`` after a while."""
        raise NotImplementedError

    def release_schema(self, connection: Connection, name: str) -> None:
        """Let the next one upgrade, where the end of the transaction does not."""

    def within(self, change: Any, columns: tuple[ColumnElement[Any], ...], chosen: Select[Any]) -> Any:
        """An UPDATE or DELETE narrowed to the rows whose ``columns`` are among ``chosen``."""
        mine = columns[0] if len(columns) == 1 else tuple_(*columns)
        return change.where(mine.in_(chosen))

    def locking(self, key: ColumnElement[Any], chosen: Select[Any], *, shared: bool = False) -> Select[Any]:
        """Lock the rows whose ``key`` is among ``chosen``, in its order, and no others."""
        return select(key).where(key.in_(chosen)).order_by(key).with_for_update(read=shared)

    def insert_missing(self, table: Table, columns: list[str], source: Select[Any]) -> Insert:
        """Insert rows unless they are there, or come in at this very moment."""
        return insert(table).from_select(columns, source)

    def materialized(self, statement: Select[Any], name: str) -> CTE:
        """``statement`` as a CTE that is worked out once, even where its columns are used several times."""
        return statement.cte(name)

    def reason(self, orig: Any) -> Reason | None:
        """What an exception of the driver means."""
        raise NotImplementedError
