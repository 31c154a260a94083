"""How a question reaches the driver: as a statement that is kept, in chunks, with errors that have codes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, CursorResult, Executable, Select
from sqlalchemy.exc import DBAPIError

from ownership_core.fields import Fields
from ownership_core.model import CustomerId, StaffId
from ownership_core.ports import Query
from ownership_sqlalchemy.compile import Compiler, moment_of, shape
from ownership_sqlalchemy.dialects import Exact, coded, database_of, rows_of
from ownership_sqlalchemy.prepared import Prepared, Shelf, takes_text
from ownership_sqlalchemy.tables import Tables

CHUNK = 1_000
_GUARDED = "guarded"


class SqlAsker:
    """Asks over one connection."""

    def __init__(self, connection: Connection, tables: Tables, fields: Fields, shelf: Shelf | None = None) -> None:
        self._connection = connection
        self._shelf = Shelf() if shelf is None else shelf
        self._takes_text = takes_text(connection)
        self._tables = tables
        self._database = database_of(connection.dialect)
        self._compiler = Compiler(tables, fields)
        self._streams: list[_Stream] = []
        self._single: tuple[Query, Callable[[Connection, Any], Any]] | None = None

    def _about(
        self, query: Query, what: tuple[Hashable, ...], given: Mapping[str, Any], build: Callable[[], Select[Any]]
    ) -> Sequence[Any]:
        """The rows of a question about customers, by a statement kept for all who ask it with the same rights."""
        if not self._is_known(query):
            return self._run(build()).all()
        key, asker = self._kept_as(query, what)
        return self._ask(key, {**given, **asker}, build)

    def _compiler_for(self, query: Query) -> Compiler:
        me = asker_of(query)
        return self._compiler.asked_by(me, moment_of(query.scope, me))

    def _is_known(self, query: Query) -> bool:
        """Whether the asker has an id that staff may have: statements for anybody else say FALSE instead."""
        return query.guard is None or self._tables.staff_key.can_be(query.guard.staff)

    def _kept_as(self, query: Query, what: tuple[Hashable, ...]) -> tuple[Hashable, dict[str, Any]]:
        """What a statement is kept under, and who asks it now."""
        guard = query.guard
        if guard is None:
            return (*what, shape(query.scope, None)), {}
        moment = moment_of(query.scope, guard.staff)
        asker = {"me": guard.staff, "version": guard.version}
        key = (*what, _GUARDED, shape(query.scope, guard.staff, moment))
        return key, asker if moment is None else {**asker, "moment": moment}

    def _ask(self, key: Hashable, given: Mapping[str, Any], build: Callable[[], Any]) -> Sequence[Any]:
        if not self._takes_text:
            return self._run(build(), given or None).all()
        self._finish_streams()
        prepared = self._prepared(key, build, given)
        try:
            return prepared.rows(self._connection, given)
        except DBAPIError as error:
            raise coded(error) from None

    def _prepared(self, key: Hashable, build: Callable[[], Any], asked: Collection[str]) -> Prepared:
        dialect = self._connection.dialect
        place = self._tables, dialect, key
        prepared = self._shelf.get(place)
        if prepared is None:
            prepared = Prepared(build(), dialect, asked)
            self._shelf.put(place, prepared)
        return prepared

    def _run(self, statement: Executable, rows: Any = None) -> CursorResult[Any]:
        self._finish_streams()
        try:
            return self._connection.execute(statement, rows)
        except DBAPIError as error:
            raise coded(error) from None

    def _stream(self, statement: Executable) -> Iterator[Any]:
        self._finish_streams()
        stream = _Stream(self._connection, statement)
        if not self._database.interleaves:
            self._streams.append(stream)
        yield from stream

    def close(self) -> None:
        """Forget what is still to come; the transaction is about to end."""
        while self._streams:
            self._streams.pop().close()

    def _finish_streams(self) -> None:
        while self._streams:
            self._streams.pop().drain()

    def _wanted(self, ids: Collection[CustomerId]) -> Any:
        key = self._tables.customer_key
        return rows_of(key.all_stored(ids), key)

    def _by_code_points(self, id: ColumnElement[Any]) -> ColumnElement[Any]:
        """A customer's id as it sorts, whatever a host's key says."""
        return Exact(id) if self._tables.customer_key.is_loose else id


class _Stream:
    """Rows that come in chunks; what has not been asked for yet is kept aside when the connection is needed."""

    def __init__(self, connection: Connection, statement: Executable) -> None:
        self._aside: deque[Any] = deque()
        try:
            self._found = connection.execute(statement, execution_options={"yield_per": CHUNK})
        except DBAPIError as error:
            raise coded(error) from None

    def __iter__(self) -> Iterator[Any]:
        try:
            while True:
                chunk = self._aside or self._found.fetchmany(CHUNK)
                if not chunk:
                    return
                self._aside = deque(chunk)
                while self._aside:
                    yield self._aside.popleft()
        except DBAPIError as error:
            raise coded(error) from None
        finally:
            self._found.close()

    def close(self) -> None:
        """Ask for no more."""
        self._found.close()

    def drain(self) -> None:
        """Fetch all that is left."""
        if not self._found.closed:
            try:
                self._aside.extend(self._found.fetchall())
            except DBAPIError as error:
                raise coded(error) from None


def asker_of(query: Query) -> StaffId | None:
    """Whose question this is; nobody's in particular where no access is guarded."""
    return None if query.guard is None else query.guard.staff
