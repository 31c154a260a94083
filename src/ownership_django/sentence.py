"""A condition on customers whose SQL is made once and kept, for all the querysets it will stand in.

Making a condition of the ORM and its SQL takes Django several times what a database takes to answer it, and every list
of every request needs one. What differs from one queryset to another is only how the statement at hand calls the
customer's own columns: these are asked of it, and set into the kept text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen
from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Q
from django.db.models.lookups import Lookup
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

from ownership_core.scope import Scope
from ownership_django import conf, hosts
from ownership_django.hosts import Customers
from ownership_django.query import Conditions, uncompilable

_AT_MOST = 2_000
"""How many are kept: one for each staff and action that was asked about."""

_ROW = "own_row_"
_COLUMN = re.compile(rf'["`]?{_ROW}(\d+)["`]?\.["`]([^"`]*)["`]')
_Columns = dict[tuple[str, str], str]


@frozen(eq=False)
class Said:
    """SQL in pieces: before each piece but the first stands one of the customer's columns, named by its path."""

    pieces: tuple[str, ...]
    paths: tuple[str, ...]
    params: tuple[Any, ...]


class Sentence(Lookup):
    """The kept condition: TRUE of the same customers as the one it was made from."""

    lookup_name = "sentence"
    prepare_rhs = False

    def __init__(self, paths: tuple[str, ...], scope: Scope) -> None:
        # The columns of the customer at hand; the statement around them joins what they need, and names them.
        super().__init__(Func(*map(F, paths), output_field=BooleanField()), (paths, scope))

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """The kept text with the columns in their places."""
        paths, scope = self.rhs
        said = _said(connection.alias, scope)
        if said is None or not set(paths).issuperset(said.paths):
            raise uncompilable(f"The database {connection.alias!r} is not the one this was asked of.")
        columns = self.lhs.get_source_expressions()
        names = {path: compiler.compile(column)[0] for path, column in zip(paths, columns, strict=True)}
        text = said.pieces[0] + "".join(
            names[path] + piece for path, piece in zip(said.paths, said.pieces[1:], strict=True)
        )
        return f"({text})", list(said.params)


def sentence(scope: Scope) -> Q:
    """``scope`` as a condition on a queryset of the host's customers; :func:`.query.condition` says the same anew."""
    said = _said(conf.configuration().database, scope)
    if said is None:
        return Conditions(hosts.customers()).where(scope)
    return Q(Sentence(tuple(dict.fromkeys(said.paths)), scope))


@conf.until_changed
def _kept() -> dict[tuple[str, Scope], Said | None]:
    return {}


def _said(using: str, scope: Scope) -> Said | None:
    kept = _kept()
    if (using, scope) not in kept:
        if len(kept) >= _AT_MOST:
            kept.clear()
        kept[using, scope] = _made(hosts.customers(), using, scope)
    return kept[using, scope]


def _made(customers: Customers, using: str, scope: Scope) -> Said | None:
    """The text, cut where it speaks of the customer at hand; None where that cannot be told apart."""
    query: Any = customers.rows().filter(Conditions(customers).where(scope)).query
    names = {alias: f"{_ROW}{number}" for number, alias in enumerate(query.alias_map)}
    columns = _columns(customers, query, names)
    inner = query.subq_aliases - {query.alias_prefix}
    query.change_aliases(names)
    try:
        text, params = query.get_compiler(using).compile(query.where)
    except (EmptyResultSet, FullResultSet):
        return None
    pieces, paths, end = [], [], 0
    for found in _COLUMN.finditer(text):
        path = columns.get((f"{_ROW}{found[1]}", found[2]))
        if path is None:
            return None
        pieces.append(_apart(text[end : found.start()], inner))
        paths.append(path)
        end = found.end()
    pieces.append(_apart(text[end:], inner))
    return None if any(_ROW in piece for piece in pieces) else Said(tuple(pieces), tuple(paths), tuple(params))


def _columns(customers: Customers, query: Query, names: Mapping[str, str]) -> _Columns:
    """The columns of the customer that a condition may speak of, as ``names`` call them, with their paths."""
    found: _Columns = {}
    for path in (customers.pk.attname, *(place.path for place in customers.places.values() if not place.many)):
        trial = query.clone()
        column: Any = trial.resolve_ref(path)
        if trial.alias_map.keys() == query.alias_map.keys():  # else nobody has joined what it needs
            found[names[column.alias], column.target.column] = path
    return found


def _apart(piece: str, prefixes: frozenset[str]) -> str:
    """The tables of subqueries under names that no statement around them gives to its own."""
    if not prefixes:
        return piece
    return re.sub(rf"(?<!\w)((?:{'|'.join(sorted(prefixes))})\d+)(?!\w)", r"own_\1", piece)
