"""The store as a guest: in a transaction that a host began and will end, and in a host's own statements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import ColumnElement, Connection, CursorResult, Engine, Executable, Select, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.visitors import cloned_traverse

from ownership_core.errors import InvalidInput, Problem, StoreError
from ownership_core.fields import Fields
from ownership_core.model import Access, StaffId
from ownership_core.ports import Capabilities, Query
from ownership_sqlalchemy.compile import Compiler, guarded
from ownership_sqlalchemy.dialects import WHO, Reason, coded, database_of, rows_of
from ownership_sqlalchemy.dialects.errors import problem_of, unfit
from ownership_sqlalchemy.prepared import Shelf
from ownership_sqlalchemy.read import SqlReader
from ownership_sqlalchemy.tables import Tables
from ownership_sqlalchemy.write import SqlWriter

if TYPE_CHECKING:
    from ownership_sqlalchemy.store import SqlAlchemyStore


def clause(tables: Tables, fields: Fields, query: Query, column: Any) -> ColumnElement[bool]:
    """``column IN (SELECT ...)``: whatever the host joins, no row is repeated, and none is lost."""
    id = tables.customer.c.id
    condition = Compiler(tables, fields).where(query.scope)
    found: ColumnElement[bool] = column.in_(select(id).where(condition, guarded(tables, query.guard)))
    return found


def host_connection(transaction: Any, engine: Engine) -> Callable[[], Connection]:
    """How the connection of a host's transaction is reached; of a session, with what it has not sent yet sent.

    Codes: ``invalid_value``, ``other_database``.
    """
    if isinstance(transaction, Session):
        session = transaction

        def connection() -> Connection:
            if session.autoflush:
                session.flush()
            return session.connection()

        found = session.connection()
    elif isinstance(transaction, Connection):
        found = transaction

        def connection() -> Connection:
            return found

    else:
        what = f"{type(transaction).__name__} is neither a Session nor a Connection."
        raise InvalidInput(Problem("invalid_value", what, "Give the host's open one.", "transaction"), who=WHO)
    if found.engine.url.set(drivername="x") != engine.url.set(drivername="x"):
        what = "The host's transaction is on another database than our tables."
        raise unfit("other_database", what, "Open the store on the engine of that database.")
    return connection


class GuestStore:
    """The store within one transaction of its host. Nothing is begun, committed or set here."""

    def __init__(self, store: SqlAlchemyStore, tables: Tables, connection: Callable[[], Connection]) -> None:
        self._store = store
        self._tables = tables
        self._connection = connection
        with _told():
            found = connection()
            self._database = database_of(found.dialect)
            self._keeps_view = self._database.check_guest(found)

    @property
    def capabilities(self) -> Capabilities:
        """What the store can do."""
        return self._store.capabilities

    @property
    def fields(self) -> Fields:
        """The customer fields it was opened with."""
        return self._store.fields

    def check(self, cardinality: str) -> None:
        """As the store's own, on a connection of its own."""
        self._store.check(cardinality)

    @contextmanager
    def reader(self) -> Iterator[SqlReader]:
        """What the host's transaction sees."""
        with _told(), closing(SqlReader(self._connection(), self._tables, self.fields, self._store.shelf)) as reader:
            yield reader

    @contextmanager
    def writer(self) -> Iterator[SqlWriter]:
        """A savepoint in the host's transaction: undone when the block raises, kept until the host ends it."""
        with _told():
            connection = self._connection()
            self._database.begin_guest(connection)
            kind = _ViewKeepingWriter if self._keeps_view else SqlWriter
            with (
                _savepoint(connection),
                closing(kind(connection, self._tables, self.fields, self._store.shelf)) as writer,
            ):
                yield writer

    @property
    def begins(self) -> bool:
        """Never: the host began, and begins anew."""
        return False

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Not at all: only the host knows when it commits. The outbox is in its transaction."""

    def clause(self, query: Query, column: Any) -> ColumnElement[bool]:
        """As the store's own."""
        return self._store.clause(query, column)

    def within(self, transaction: Any) -> NoReturn:  # noqa: ARG002
        """Refused: one transaction is enough."""
        raise unfit("no_host_transactions", "This is a guest already.", "Ask the shop it was made of.")

    def digest(self) -> str:
        """As the store's own: of what is committed."""
        return self._store.digest()


class _ViewKeepingWriter(SqlWriter):
    """A writer where the host's transaction goes on seeing what it saw first (MariaDB's REPEATABLE READ).

    What is decided on has to be what is there now, so reads lock what they find. The snapshots of access are
    read as they were; whoever's access has changed since makes the host begin anew.
    """

    def __init__(self, connection: Connection, tables: Tables, fields: Fields, shelf: Shelf | None = None) -> None:
        super().__init__(connection, tables, fields, shelf)
        self._locks = True
        self._takes_text = False  # statements are changed on their way

    def lock_staff(self, staff: Collection[StaffId] | None, *, changing: bool = False) -> None:
        super().lock_staff(staff, changing=changing)
        who, key = self._tables.staff, self._tables.staff_key
        versions = select(who.c.id, who.c.access_version)
        if staff is not None:
            wanted = rows_of(self._tables.staff_ids(frozenset(staff)), key)
            versions = versions.where(who.c.id.in_(select(wanted.c.id)))
        now = {row.id: row.access_version for row in self._run(versions)}
        seen = {id: access.version for id, access in self.access(staff).items()}
        if any(now.get(id) != version for id, version in seen.items()):
            raise problem_of(Reason.COLLIDED)

    def access(self, staff: Collection[StaffId] | None) -> dict[StaffId, Access]:
        self._locks = False  # its trees of departments cannot be locked while they are walked
        try:
            return super().access(staff)
        finally:
            self._locks = True

    def _run(self, statement: Executable, rows: Any = None) -> CursorResult[Any]:
        if self._locks and isinstance(statement, Select):
            statement = cloned_traverse(statement, {}, {"select": _lock})
        return super()._run(statement, rows)


def _lock(statement: Select[Any]) -> None:
    if statement._for_update_arg is None:  # noqa: SLF001 - there is no public way
        statement._for_update_arg = select(1).with_for_update(read=True)._for_update_arg  # noqa: SLF001


@contextmanager
def _savepoint(connection: Connection) -> Iterator[None]:
    """Undone when the block raises. MariaDB ends a deadlock's whole transaction, savepoints and all: then the
    error of the block is the one to tell."""
    savepoint = connection.begin_nested()
    try:
        yield
    except BaseException as ended:
        try:
            savepoint.rollback()
        except DBAPIError:
            if not isinstance(ended, StoreError):
                raise
        raise
    savepoint.commit()


@contextmanager
def _told() -> Iterator[None]:
    """What the driver says in its own words becomes ours (I45)."""
    try:
        yield
    except DBAPIError as error:
        raise coded(error) from None
