"""What statements are made of where databases differ: each names a meaning, and every database says it its way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

from sqlalchemy import (
    BindParameter,
    Subquery,
    Table,
    bindparam,
    case,
    collate,
    func,
    literal,
    null,
    select,
    type_coerce,
)
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import BigInteger, Boolean, Integer, String, Text, TypeEngine

MARIADB = ("mysql", "mariadb")
"""What SQLAlchemy calls it, by the address it was opened with."""

BYTEWISE = "utf8mb4_nopad_bin"
"""The collation of MariaDB that neither folds letters nor ignores blanks at the end."""

TABLE_OPTIONS: dict[str, Any] = {
    f"{name}_{option}": value
    for name in MARIADB
    for option, value in (("engine", "InnoDB"), ("default_charset", "utf8mb4"), ("collate", BYTEWISE))
}


def words(length: int) -> TypeEngine[str]:
    """A text column of limited length that compares and sorts by code points on every database."""
    return String(length).with_variant(postgresql.VARCHAR(length, collation="C"), "postgresql")


def prose() -> TypeEngine[str]:
    """The same without a limit."""
    return Text().with_variant(postgresql.TEXT(collation="C"), "postgresql").with_variant(mysql.LONGTEXT(), *MARIADB)


class AsciiLower(FunctionElement[str]):
    """The text with A to Z lowered and nothing else."""

    type = Text()
    inherit_cache = True


class AsText(FunctionElement[str]):
    """An id of any type as text that compares and sorts by code points."""

    type = Text()
    inherit_cache = True


class Exact(FunctionElement[str]):
    """A host's text, compared and sorted by code points whatever its column says."""

    type = Text()
    inherit_cache = True


class Micros(FunctionElement[int]):
    """A host's date or time as UTC microseconds since 1970; one without a zone is taken as UTC."""

    type = BigInteger()
    inherit_cache = True


class PlaceOf(FunctionElement[int]):
    """Where the second text begins in the first, counted from 1; 0 where it does not occur."""

    type = BigInteger()
    inherit_cache = True


class Beginning(FunctionElement[str]):
    """The first characters of a text, as many as the second argument says."""

    type = Text()
    inherit_cache = True


class Json(FunctionElement[str]):
    """JSON as text. Inside another of its kind it is nested; other arguments become JSON values."""

    type = Text()
    inherit_cache = True


class JsonList(Json):
    """The values of one expression over all rows, as one JSON list; empty for no rows."""

    inherit_cache = True


class JsonRow(Json):
    """A JSON list of the arguments."""

    inherit_cache = True


class JsonRecord(Json):
    """A JSON object of alternating names and values."""

    inherit_cache = True


class AsJson(Json):
    """Text that is JSON already, so that it is nested and not quoted."""

    inherit_cache = True


class Among(FunctionElement[bool]):
    """Whether a value is among the rows of a select, all of which are read before anything else is looked for."""

    type = Boolean()
    inherit_cache = True


class JsonLength(FunctionElement[int]):
    """How many elements a JSON list has."""

    type = BigInteger()
    inherit_cache = True


class JsonElements(FunctionElement[str]):
    """The numbers and texts of a JSON list as rows with one column, ``value``."""

    type = Text()
    inherit_cache = True


class JsonElement(FunctionElement[Any]):
    """A ``value`` of :class:`JsonElements` as a text."""

    type = Text()
    inherit_cache = True


class JsonWord(FunctionElement[Any]):
    """A ``value`` of :class:`JsonElements` as a text that takes the collation of what it is compared with."""

    type = Text()
    inherit_cache = True


class JsonUuid(FunctionElement[Any]):
    """A ``value`` of :class:`JsonElements` as a UUID, where the database has such a type."""

    type = Text()
    inherit_cache = True


class JsonNumber(FunctionElement[Any]):
    """A ``value`` of :class:`JsonElements` as a whole number."""

    type = BigInteger()
    inherit_cache = True


class JsonObjects(FunctionElement[str]):
    """The objects of a JSON list as rows with one column, ``value``, whose members are read as below."""

    type = Text()
    inherit_cache = True


class JsonStaff(FunctionElement[str]):
    """The member ``staff`` of a ``value`` of :class:`JsonObjects`, as text."""

    type = Text()
    inherit_cache = True


class JsonRole(FunctionElement[str]):
    """Its member ``role``."""

    type = Text()
    inherit_cache = True


class JsonSource(FunctionElement[str]):
    """Its member ``source``."""

    type = Text()
    inherit_cache = True


class JsonSince(FunctionElement[int]):
    """Its member ``since``, a number."""

    type = BigInteger()
    inherit_cache = True


def say(phrases: Mapping[type[FunctionElement[Any]], str], *dialects: str, json_text: str = "{}") -> None:
    """Teach SQLAlchemy how ``dialects`` say each construct.

    ``{}`` is an argument, ``{all}`` all of them. ``json_text`` turns JSON into text where it is not nested.
    """

    def compiled(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
        nested = kw.pop("inside_json", False)
        arguments = [
            compiler.process(clause, **({**kw, "inside_json": True} if _nests(element, clause) else kw))
            for clause in element.clauses
        ]
        said = phrases[type(element)].format(*arguments, all=", ".join(arguments))
        return json_text.format(said) if isinstance(element, Json) and not nested else said

    for construct in phrases:
        for dialect in dialects:
            compiles(construct, dialect)(compiled)


def _nests(element: ColumnElement[Any], clause: ColumnElement[Any]) -> bool:
    return isinstance(element, Json) and isinstance(clause, Json)


def lent(tables: Iterable[Table]) -> list[str]:
    """The columns that have a host's key and its collation, or a name nobody has: they are compared with care."""
    found = {one.name for table in tables for one in table.columns if getattr(one.type, "is_lent", False)}
    return sorted(found) or [""]


def as_text(id: ColumnElement[Any]) -> ColumnElement[str]:
    """An id of any type as text, UUIDs with their hyphens."""
    if not getattr(id.type, "packed", False):
        return AsText(id)
    digits, groups = AsText(id), ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    parts: list[ColumnElement[str]] = [func.substr(digits, start, length, type_=Text()) for start, length in groups]
    return AsText(reduce(lambda text, part: text.concat("-").concat(part), parts))


def no_text() -> ColumnElement[str]:
    """NULL, as text."""
    return AsText(null())


def json_truth(condition: ColumnElement[bool]) -> ColumnElement[str]:
    """JSON ``true`` where the condition is TRUE, else JSON ``false``."""
    return AsJson(case((condition, literal("true", Text())), else_=literal("false", Text())))


def bit(condition: ColumnElement[bool], yes: int, no: int) -> ColumnElement[int]:
    """One number where a condition is TRUE, another where it is not."""
    return case((condition, literal(yes, BigInteger())), else_=literal(no, BigInteger()))


def packed(values: Iterable[Any]) -> str:
    """``values`` as the one parameter :func:`rows_in` reads."""
    return json.dumps(list(values), ensure_ascii=False)


def rows_in(parameter: BindParameter[str], kind: TypeEngine[Any], name: str = "wanted") -> Subquery:
    """The values packed into ``parameter`` as rows with one column ``id``."""
    elements = JsonElements(parameter).table_valued("value", name=f"{name}_list")
    return select(type_coerce(_read(elements.c.value, kind), kind).label("id")).subquery(name)


def _read(value: ColumnElement[Any], kind: TypeEngine[Any]) -> ColumnElement[Any]:
    if isinstance(kind, Integer) or getattr(kind, "is_number", False):
        return JsonNumber(value)
    if getattr(kind, "casts", False):
        return JsonUuid(value)
    if getattr(kind, "is_lent", False):
        collation = getattr(kind, "collation", None)
        return JsonWord(value) if collation is None else collate(JsonWord(value), collation)
    return JsonElement(value)


def rows_of(values: Iterable[Any], kind: TypeEngine[Any], name: str = "wanted") -> Subquery:
    """``values`` as rows with one column ``id``: one bound parameter, whatever their number."""
    return rows_in(bindparam(None, packed(values), type_=Text()), kind, name)
