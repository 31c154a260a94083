"""Changing many rows by one statement each, from querysets: the only place that puts SQL together from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen
from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import F, Model, QuerySet, Value


@frozen
class Sql:
    """Text of SQL with its parameters."""

    text: str
    params: tuple[Any, ...] = ()


def compiled(queryset: QuerySet[Any], using: str) -> Sql:
    """A queryset as SQL. Raises Django's ``EmptyResultSet`` where it can have no rows."""
    text, params = queryset.query.get_compiler(using).as_sql()
    return Sql(text, tuple(params))


def run(using: str, sql: Sql) -> int:
    """Send a statement; how many rows it met."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql.text, sql.params)
        return int(cursor.rowcount)


def rows_from(using: str, sql: Sql) -> list[tuple[Any, ...]]:
    """What a statement answers."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql.text, sql.params)
        return list(cursor.fetchall())


def insert_from(
    source: QuerySet[Any] | Sql, model: type[Model], columns: Sequence[str], using: str, *, missing: bool = False
) -> int:
    """``INSERT INTO model (columns) SELECT ...``: no row passes through Python. How many rows came in.

    ``missing`` leaves out rows that are there, or come in at this very moment.
    """
    if isinstance(source, QuerySet):
        try:
            source = compiled(source, using)
        except EmptyResultSet:
            return 0
    names = ", ".join(_column(model, name, using) for name in columns)
    suffix = _unless_there(model, using) if missing else ""
    return run(using, Sql(f"INSERT INTO {table(model, using)} ({names}) {source.text}{suffix}", source.params))


def insert_latest(source: Sql, model: type[Model], columns: Sequence[str], latest: str, using: str) -> int:
    """Insert rows; where there is one with the same ``columns``, ``latest`` becomes the larger of both.

    ``source`` has a condition: SQLite would take its ``ON`` for one of a join.
    """
    names = [_column(model, name, using) for name in columns]
    last, vendor = _column(model, latest, using), connections[using].vendor
    mine = f"{table(model, using)}.{last}"
    if vendor == "mysql":
        suffix = f"ON DUPLICATE KEY UPDATE {last} = GREATEST({mine}, VALUES({last}))"
    else:
        larger = "MAX" if vendor == "sqlite" else "GREATEST"
        suffix = f"ON CONFLICT ({', '.join(names)}) DO UPDATE SET {last} = {larger}({mine}, excluded.{last})"
    text = f"INSERT INTO {table(model, using)} ({', '.join((*names, last))}) {source.text} {suffix}"
    return run(using, Sql(text, source.params))


def update_among(model: type[Model], change: Sql, among: Mapping[str, Any], chosen: QuerySet[Any], using: str) -> int:
    """Change the rows whose columns have the values that ``chosen`` gives them; how many there were.

    ``among`` says for each of these columns what of ``chosen`` it is compared with.
    """
    try:
        them = compiled(_named(chosen, among), using)
    except EmptyResultSet:
        return 0
    mine = table(model, using)
    if connections[using].vendor == "mysql":
        # As a join from the chosen ones: IN would walk and lock the whole table.
        text = f"UPDATE {_joined(model, among, them, using)} SET {change.text}"
        return run(using, Sql(text, (*them.params, *change.params)))
    text = f"UPDATE {mine} SET {change.text} WHERE {_listed(model, among, using)} IN ({them.text})"
    return run(using, Sql(text, (*change.params, *them.params)))


def delete_among(model: type[Model], among: Mapping[str, Any], chosen: QuerySet[Any] | Sql, using: str) -> int:
    """Delete the rows whose columns have the values that ``chosen`` gives them; how many there were.

    SQL has its columns in the order of ``among``, and calls them ``col1``, ``col2`` ...
    """
    try:
        them = chosen if isinstance(chosen, Sql) else compiled(_named(chosen, among), using)
    except EmptyResultSet:
        return 0
    mine = table(model, using)
    if connections[using].vendor == "mysql":
        text = f"DELETE FROM {mine} USING {_joined(model, among, them, using)}"
    else:
        text = f"DELETE FROM {mine} WHERE {_listed(model, among, using)} IN ({them.text})"
    return run(using, Sql(text, them.params))


def lock_among(model: type[Model], column: str, chosen: QuerySet[Any], using: str, *, shared: bool) -> None:
    """Hold the rows whose ``column`` is the key of one of ``chosen``, in its order, and no others, until the end."""
    vendor, itself = connections[using].vendor, model is chosen.model and column == model._meta.pk.name
    try:
        if itself and vendor != "mysql":
            them = compiled(chosen.order_by("pk").values_list(Value(1)), using)
        else:
            them = compiled(_named(chosen.order_by(), {column: "pk"}), using)
    except EmptyResultSet:
        return
    mine, key = table(model, using), f"{table(model, using)}.{_column(model, column, using)}"
    if vendor == "mysql":
        # As a join from the ids, in their order: IN may walk the table, and every row met stays locked.
        how = "LOCK IN SHARE MODE" if shared else "FOR UPDATE"
        first = f"(SELECT col1 FROM ({them.text}) AS them ORDER BY col1 LIMIT {2**63 - 1}) AS among"
        text = f"SELECT {key} FROM {first} STRAIGHT_JOIN {mine} ON {key} = among.col1 {how}"
    else:
        how = f"{'FOR SHARE' if shared else 'FOR NO KEY UPDATE'} OF {mine}"
        rows = them.text if itself else f"SELECT 1 FROM {mine} WHERE {key} IN ({them.text}) ORDER BY {key}"
        text = f"SELECT count(*) FROM ({rows} {how}) AS held"
    run(using, Sql(text, them.params))


def lock_beside(model: type[Model], column: str, chosen: QuerySet[Any], using: str) -> None:
    """Hold the rows of ``chosen`` as they are, and beside each the row whose ``column`` is its key, until the end."""
    if connections[using].vendor == "mysql":  # it cannot hold two tables in two ways at once
        lock_among(model, column, chosen, using, shared=False)
        lock_among(chosen.model, chosen.model._meta.pk.name, chosen, using, shared=True)
        return
    mine, theirs = table(model, using), table(chosen.model, using)
    pk = _column(chosen.model, chosen.model._meta.pk.name, using)
    same = f"{mine}.{_column(model, column, using)} = {theirs}.{pk}"
    both = chosen.order_by("pk").extra(tables=[model._meta.db_table], where=[same])  # noqa: S610 - names of columns
    try:
        rows = compiled(both.values_list(Value(1)), using)
    except EmptyResultSet:
        return
    how = f"FOR NO KEY UPDATE OF {mine} FOR SHARE OF {theirs}"
    run(using, Sql(f"SELECT count(*) FROM ({rows.text} {how}) AS held", rows.params))


def _named(chosen: QuerySet[Any], among: Mapping[str, Any]) -> QuerySet[Any]:
    """``chosen`` with the columns ``col1``, ``col2`` ... and no others."""
    values = {f"col{place}": F(one) if isinstance(one, str) else one for place, one in enumerate(among.values(), 1)}
    named: QuerySet[Any] = chosen.annotate(**values).values_list(*values)
    return named


def table(model: type[Model], using: str) -> str:
    """The name of a table as a statement has it."""
    return _quoted(model._meta.db_table, using)


def _quoted(name: str, using: str) -> str:
    return connections[using].ops.quote_name(name)


def _column(model: type[Model], name: str, using: str) -> str:
    field: Any = model._meta.get_field(name)
    return _quoted(field.column, using)


def _joined(model: type[Model], columns: Iterable[str], them: Sql, using: str) -> str:
    """The rows a join from the chosen ones meets, as MariaDB says it."""
    mine = table(model, using)
    same = (f"{mine}.{_column(model, column, using)} = among.col{place}" for place, column in enumerate(columns, 1))
    return f"({them.text}) AS among STRAIGHT_JOIN {mine} ON {' AND '.join(same)}"


def _listed(model: type[Model], columns: Iterable[str], using: str) -> str:
    keys = [_column(model, name, using) for name in columns]
    return keys[0] if len(keys) == 1 else f"({', '.join(keys)})"


def _unless_there(model: type[Model], using: str) -> str:
    if connections[using].vendor == "mysql":
        key = f"{table(model, using)}.{_column(model, model._meta.pk.name, using)}"
        return f" ON DUPLICATE KEY UPDATE {key} = {key}"
    return " ON CONFLICT DO NOTHING"
