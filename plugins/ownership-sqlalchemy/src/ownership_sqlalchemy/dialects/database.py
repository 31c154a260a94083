"""What every supported database must be able to tell and do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, cast

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    Select,
    SelectBase,
    Table,
    Update,
    case,
    insert,
    select,
    tuple_,
)

from ownership_sqlalchemy.dialects.errors import Reason


class Database(ABC):
    """One supported database. What is said here holds unless it says otherwise."""

    name: str
    dialects: tuple[str, ...]
    locks_rows = True
    """Whether rows are locked one by one; else a writer has the whole database to itself."""
    joins_exists = True
    """Whether EXISTS is planned as a join; else it is asked row by row, and a list is read faster by IN."""
    reads_ahead = False
    """Whether several staff are one list of customers: who they are is read first (:class:`constructs.Among`)."""
    interleaves = True
    """Whether a connection may be asked something while an earlier answer is still streamed."""

    def engine_options(self) -> dict[str, Any]:
        """How an engine is made of an address."""
        return {}

    def set_up(self, raw: Any) -> None:  # noqa: B027 - most need nothing here
        """Prepare a new connection of an engine of ours."""

    @abstractmethod
    def require(self, connection: Connection) -> None:
        """Refuse a server that is too old or another product (``unsupported_dialect``)."""

    @abstractmethod
    def begin(self, connection: Connection, *, writing: bool, ours: bool) -> None:
        """Begin a transaction: a reading one keeps one view, a writing one sees what was committed last."""

    @abstractmethod
    def check_guest(self, connection: Connection) -> bool:
        """Refuse a host's transaction in which promises would not hold (``unsafe_isolation``, ``autocommit_on``).

        Whether it goes on seeing what it saw first, while what it writes meets what is there now.
        """

    def begin_guest(self, connection: Connection) -> None:  # noqa: B027 - most need nothing here
        """Make sure that the host's transaction has begun, before there is a savepoint in it."""

    @abstractmethod
    def check_connection(self, connection: Connection) -> None:
        """Refuse settings of a connection under which promises would not hold; nothing is set."""

    @abstractmethod
    def check_tables(self, connection: Connection, tables: list[Table]) -> None:
        """Refuse tables whose texts are compared loosely, or that this user may not use."""

    def collation(self, connection: Connection, table: Table, column: str) -> tuple[str | None, str | None]:  # noqa: ARG002
        """The character set and the collation of a text column, as far as the database has such; it is there."""
        return None, None

    @abstractmethod
    def hold_schema(self, connection: Connection, name: str) -> None:
        """Let nobody else upgrade the tables called ``name`` meanwhile; ``schema_busy`` after a while."""

    def release_schema(self, connection: Connection, name: str) -> None:  # noqa: B027 - most need nothing here
        """Let the next one upgrade, where the end of the transaction does not."""

    def within(self, change: Any, columns: tuple[ColumnElement[Any], ...], chosen: SelectBase) -> Any:
        """An UPDATE or DELETE narrowed to the rows whose ``columns`` are among ``chosen``."""
        mine = columns[0] if len(columns) == 1 else tuple_(*columns)
        return change.where(mine.in_(chosen))

    def locking(self, key: ColumnElement[Any], chosen: Select[Any], *, shared: bool = False) -> Select[Any]:
        """Lock the rows whose ``key`` is among ``chosen``, in its order, and no others."""
        return select(key).where(key.in_(chosen)).order_by(key).with_for_update(read=shared)

    def insert_missing(self, table: Table, columns: list[str], source: Select[Any]) -> Insert:
        """Insert rows unless they are there, or come in at this very moment."""
        return insert(table).from_select(columns, source)

    def unrefused(self, change: Update) -> Update:
        """A change that no row can refuse, so that none has to be taken back within it."""
        return change

    @abstractmethod
    def insert_latest(self, table: Table, source: Select[Any], column: str) -> Insert:
        """Insert rows into all columns; where the key is there, ``column`` becomes the larger of both."""

    def worked_out_once(self, statement: Select[Any], name: str) -> CTE:
        """``statement`` as a CTE that is worked out once, even where its columns are used several times."""
        return statement.cte(name)

    def exceeds(self, book: FromClause, table: FromClause, limit: int) -> ColumnElement[bool] | None:  # noqa: ARG002
        """Whether ``book`` has more rows than the root of ``limit`` times those of ``table``, about; never NULL.

        None where nobody can tell without counting all of ``table``.
        """
        return None

    def only_if(self, condition: ColumnElement[bool], rows: Select[Any], limit: int) -> Select[Any]:
        """The first ``rows``, or none, and no search for any, unless the condition is TRUE.

        By a limit of nothing, which ends a search before it begins; a condition is asked after all rows were sorted.
        """
        return rows.limit(case((condition, limit), else_=0))

    @abstractmethod
    def reason(self, orig: Any) -> Reason | None:
        """What an exception of the driver means."""


class OnConflict(Database):
    """One with ON CONFLICT: a row written over another costs less than one that goes and another that comes."""

    inserting: Callable[[Table], Any]
    """The INSERT of its dialect."""

    def insert_over(
        self, table: Table, columns: Sequence[str], source: Select[Any], key: Sequence[str], written: Sequence[str]
    ) -> Insert:
        """Insert rows; where there is one with this ``key``, its columns ``written`` become those of the new one."""
        new = self.inserting(table).from_select(columns, source)
        over = new.on_conflict_do_update(index_elements=key, set_={name: new.excluded[name] for name in written})
        return cast("Insert", over)
