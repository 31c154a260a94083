"""Statements that are compiled once and asked often: for most questions, building them costs more than the answer.

A prepared statement goes through the connection as text. Whatever the host listens to still happens:
where somebody listens to ``before_execute`` or ``after_execute``, or names schemas by a map, statements take
the longer way that knows of these.
"""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable, Collection, Hashable, Mapping
from functools import cache
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Dialect

KEPT = 512  # statements of one store, a few kilobytes each
LARGE = 4_000  # characters of parameters: a scope of many ids is worth no place among them


class Prepared:
    """One compiled statement: its text, its parameters, and how its rows are read.

    The parameters named in ``asked`` come anew with each question; those it was made with are not kept.
    """

    def __init__(self, statement: Any, dialect: Dialect, asked: Collection[str] = ()) -> None:
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self._text = str(compiled)
        values = compiled.params
        self._names: list[str] | None = list(compiled.positiontup) if compiled.positional else None
        self._writers = {name: _writer(bind.type, dialect) for name, bind in compiled.binds.items()}
        self._values = {
            name: None if name in asked else self._written(name, values[name]) for name in self._names or values
        }
        columns = [(column.key, _reader(column.type, dialect)) for column in statement.selected_columns]
        self._row = _row(" ".join(name for name, _ in columns))
        self._readers = [(place, read) for place, (_, read) in enumerate(columns) if read is not None]

    @property
    def is_large(self) -> bool:
        """Whether its parameters are too long to be kept for the next time."""
        return sum(len(str(value)) for value in self._values.values()) > LARGE

    def rows(self, connection: Connection, given: Mapping[str, Any]) -> list[Any]:
        """Its rows, with these parameters for what is asked anew."""
        found = self._found(connection, self._with(given))
        rows = found.cursor.fetchall()
        found.close()
        if self._readers:
            rows = [self._read(row) for row in rows]
        return list(map(self._row, rows))

    def about(self, given: Mapping[str, Any], name: str) -> Callable[[Connection, Any], Any]:
        """Asks for the first column of the one row for a value of the parameter ``name``; None where there is none."""
        values = self._with(given)
        read = dict(self._readers).get(0)

        def ask(connection: Connection, value: Any) -> Any:
            values[name] = self._written(name, value)
            found = self._found(connection, values)
            row = found.cursor.fetchone()
            found.close()
            return None if row is None else row[0] if read is None else read(row[0])

        return ask

    def _with(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {**self._values, **{name: self._written(name, value) for name, value in given.items()}}

    def _found(self, connection: Connection, values: dict[str, Any]) -> Any:
        sent: Any = values if self._names is None else tuple([values[name] for name in self._names])
        return connection.exec_driver_sql(self._text, sent)

    def _written(self, name: str, value: Any) -> Any:
        write = self._writers.get(name)
        return value if write is None else write(value)

    def _read(self, row: Any) -> list[Any]:
        values = list(row)
        for place, read in self._readers:
            values[place] = read(values[place])
        return values


class Shelf:
    """The prepared statements of one store, the least used one forgotten first. Threads may share it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Prepared] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Prepared | None:
        """The statement for this key."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
        return found

    def put(self, key: Hashable, prepared: Prepared) -> None:
        """Keep a statement, unless it is large."""
        if prepared.is_large:
            return
        with self._lock:
            self._kept[key] = prepared
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)


def takes_text(connection: Connection) -> bool:
    """Whether nothing would be skipped if a statement were sent as text."""
    heard: Any = connection.dispatch
    listened = heard.before_execute or heard.after_execute
    return not listened and "schema_translate_map" not in connection.get_execution_options()


@cache
def _row(names: str) -> Callable[[Any], Any]:
    kind: Any = namedtuple("Row", names)  # type: ignore[misc]  # noqa: PYI024 - the names are known only now
    make: Callable[[Any], Any] = kind._make
    return make


def _writer(kind: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    written: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return written


def _reader(kind: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    read: Callable[[Any], Any] | None = kind.dialect_impl(dialect).result_processor(dialect, None)
    return read
