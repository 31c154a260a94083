"""One question asked many times: may this one do that to this customer? Its statement is made once, then only sent.

Making a condition and its SQL costs Django twenty times what a database takes to answer it. The statement is that of
:mod:`.query`, which lists are made of too; only the customer differs from one time to the next. Beside the answer it
says whether the access still holds, so that a no needs no second statement.
"""

from __future__ import annotations

import uuid
from typing import Any

from attrs import evolve, frozen
from attrs import field as attribute
from django.core.exceptions import EmptyResultSet
from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ownership_core.keys import KeyType
from ownership_core.ports import Query
from ownership_core.scope import Equals
from ownership_django import conf
from ownership_django.guard import guarded
from ownership_django.hosts import Customers, rows_in
from ownership_django.models import Cardinality
from ownership_django.query import Conditions
from ownership_django.store.errors import coded
from ownership_django.values import as_q

_NO_ID: dict[KeyType, str] = {
    KeyType.INTEGER: str(-(2**62) + 11),
    KeyType.UUID: str(uuid.UUID(int=2**127 - 11)),
    KeyType.TEXT: "the customer at hand",
}
"""What stands in a statement in place of the customer, until one is asked about."""

_AT_MOST = 2_000
"""How many are kept: one for each staff and action that was asked about."""


@frozen(eq=False)
class Probe:
    """The statement, its parameters, and where among them the customer stands."""

    customers: Customers
    using: str
    text: str
    params: tuple[Any, ...]
    places: tuple[int, ...]
    kept: list[tuple[Any, Any, str]] = attribute(factory=list)

    def ask(self, key: Any) -> bool | None:
        """Yes or no, also for a customer that is not there; None where the access does not hold any more.

        ``key`` is as :meth:`~ownership_django.hosts.Customers.value` gives it.
        """
        connection = connections[self.using]
        if type(key) is not int:  # a number is sent as it is
            key = self.customers.column.get_db_prep_value(key, connection)
        params = list(self.params)
        for place in self.places:
            params[place] = key
        try:
            cursor, text = self._cursor(connection)
            cursor.execute(text, params)
            ((held, allowed),) = cursor.fetchall()  # to the end: SQLite holds its lock that long
        except Error as error:
            raise coded(error, connection.vendor) from error
        return bool(allowed) if held else None

    def _cursor(self, connection: BaseDatabaseWrapper) -> tuple[Any, str]:
        """A cursor of Django's and the text as it takes it: the same for as long as the connection is.

        A new one costs as much as the answer; whoever looks on at what is sent is given a new one each time.
        """
        connection.close_if_health_check_failed()
        if connection.queries_logged or connection.vendor == "mysql":
            return connection.cursor(), self.text
        for raw, cursor, text in self.kept:
            if raw is connection.connection:
                return cursor, text
        cursor, text = connection.cursor(), self.text
        if connection.vendor == "sqlite":  # Django's own reads the whole text for its marks, each time
            text = cursor.cursor.convert_query(text)
            cursor = connection.make_cursor(connection.connection.cursor())
        self.kept[:] = [(connection.connection, cursor, text)]
        return cursor, text


def kept_probe(customers: Customers, using: str, query: Query) -> Probe:
    """:func:`probe`, whose statement was made before where somebody with this access asked the same before.

    The cursor is the caller's own: connections belong to a thread and end with a request.
    """
    kept = _kept()
    if (using, query) not in kept:
        if len(kept) >= _AT_MOST:
            kept.clear()
        kept[using, query] = probe(customers, using, query)
    return evolve(kept[using, query], kept=[])


@conf.until_changed
def _kept() -> dict[tuple[str, Query], Probe]:
    return {}


def probe(customers: Customers, using: str, query: Query) -> Probe:
    """The statement for one customer at a time, whom ``query`` is then asked about."""
    connection = connections[using]
    sample = _NO_ID[customers.key]
    asked = Conditions(customers, one_by_one=True)
    mine = customers.rows().filter(as_q(asked.node(Equals("id", sample), True)), asked.where(query.scope))
    try:
        text, params = mine.query.exists().get_compiler(using).as_sql()
    except EmptyResultSet:  # nobody, whoever is asked about
        text, params = "SELECT 1 WHERE 1 = 0", ()
    held, held_params = _held(using, query)
    key = customers.column.get_db_prep_value(customers.value(sample), connection)
    all_params = (*held_params, *params)
    places = tuple(index for index, param in enumerate(all_params) if param == key and type(param) is type(key))
    return Probe(customers, using, f"SELECT {held}, EXISTS({text})", all_params, places)


def _held(using: str, query: Query) -> tuple[str, tuple[Any, ...]]:
    """The guard as a value; the table it is compiled for is none it asks about."""
    where = rows_in(Cardinality).filter(guarded(query.guard)).query.where
    compiler = rows_in(Cardinality).query.get_compiler(using)
    text, params = compiler.compile(where)
    return text, tuple(params)
