"""What our statements are made of where databases differ: JSON, and lists of ids as one parameter."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, Case, Expression, Field, Func, Q, TextField, Value, When
from django.db.models.sql.compiler import SQLCompiler

from ownership_core.keys import KeyType
from ownership_django.functions import BYTEWISE
from ownership_django.hosts import Customers


class Said(Func):
    """A function that every database says its own way."""

    said: ClassVar[dict[str, str]]
    output: ClassVar[type[Field[Any, Any]]] = TextField

    def __init__(self, *expressions: Any, **extra: Any) -> None:
        super().__init__(*expressions, output_field=self.output(), **extra)

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *args: Any, **extra: Any
    ) -> tuple[str, Any]:
        """In the words of the database at hand."""
        return super().as_sql(compiler, connection, *args, **{**extra, "template": self.said[connection.vendor]})


_AS_TEXT = {
    "sqlite": "%(expressions)s",
    "postgresql": "CAST(%(expressions)s AS TEXT)",
    "mysql": "%(expressions)s",
}


class Word(Said):
    """A text whose type is told, so that it may stand where none is expected."""

    said: ClassVar = _AS_TEXT

    def __init__(self, text: Any, **extra: Any) -> None:
        super().__init__(Value(text, TextField()) if isinstance(text, str) else text, **extra)


class NoText(Said):
    """NULL, as text."""

    said: ClassVar = {"sqlite": "NULL", "postgresql": "CAST(NULL AS TEXT)", "mysql": "NULL"}


class JsonList(Said):
    """The values of one expression over all rows of a subquery, as one JSON list; empty for no rows.

    No aggregate to Django, which would group the rows by something.
    """

    said: ClassVar = {
        "sqlite": "json_group_array(%(expressions)s)",
        "postgresql": "COALESCE(json_agg(%(expressions)s), CAST('[]' AS json))",
        "mysql": "COALESCE(JSON_ARRAYAGG(%(expressions)s), JSON_ARRAY())",
    }


class JsonRow(Said):
    """A JSON list of the arguments."""

    said: ClassVar = {
        "sqlite": "json_array(%(expressions)s)",
        "postgresql": "json_build_array(%(expressions)s)",
        "mysql": "JSON_ARRAY(%(expressions)s)",
    }


class JsonRecord(Said):
    """A JSON object of alternating names and values."""

    said: ClassVar = {
        "sqlite": "json_object(%(expressions)s)",
        "postgresql": "json_build_object(%(expressions)s)",
        "mysql": "JSON_OBJECT(%(expressions)s)",
    }

    def __init__(self, *pairs: Any, **extra: Any) -> None:
        super().__init__(*(Word(part) if isinstance(part, str) else part for part in pairs), **extra)


class AsJson(Said):
    """Text that is JSON already, so that it is nested and not quoted."""

    said: ClassVar = {
        "sqlite": "json(%(expressions)s)",
        "postgresql": "CAST(%(expressions)s AS json)",
        "mysql": "JSON_COMPACT(%(expressions)s)",
    }


class JsonText(Said):
    """JSON as text."""

    said: ClassVar = _AS_TEXT


class JsonLength(Said):
    """How many elements a JSON list has."""

    said: ClassVar = {
        "sqlite": "json_array_length(%(expressions)s)",
        "postgresql": "json_array_length(CAST(%(expressions)s AS json))",
        "mysql": "JSON_LENGTH(%(expressions)s)",
    }
    output: ClassVar = BigIntegerField


def truth(condition: Q) -> AsJson:
    """JSON ``true`` where the condition is TRUE, else JSON ``false``."""
    return AsJson(Case(When(condition, then=Word("true")), default=Word("false")))


def bit(condition: Q, yes: int, no: int) -> Case:
    """One number where the condition is TRUE, else another."""
    return Case(When(condition, then=Value(yes)), default=Value(no), output_field=BigIntegerField())


class Listed(Expression):
    """Ids as rows of one column: one parameter, whatever their number. ``kind`` says what their column holds."""

    def __init__(self, ids: Iterable[Any], kind: str = KeyType.TEXT, output: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=output or TextField())
        self.packed = json.dumps(list(ids), ensure_ascii=False)
        self.kind = kind

    @classmethod
    def customers(cls, customers: Customers, connection: BaseDatabaseWrapper, ids: Iterable[str]) -> Listed:
        """Those of these ids that can be a customer's, as their column keeps them."""
        values = [value for value in map(customers.value, dict.fromkeys(ids)) if value is not None]
        if customers.key is KeyType.UUID:
            values = [str(customers.column.get_db_prep_value(value, connection)) for value in values]
        return cls(values, customers.key, customers.column)

    def as_sql(self, _compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """A subquery."""
        return f"(SELECT id FROM {self.rows(connection)})", [self.packed]

    def rows(self, connection: BaseDatabaseWrapper) -> str:
        """The rows as they stand in a FROM, called ``listed``; :attr:`packed` is its parameter."""
        number, native = self.kind == KeyType.INTEGER, connection.features.has_native_uuid_field
        uuid = self.kind == KeyType.UUID and native
        match connection.vendor:
            case "sqlite":
                return "(SELECT value AS id FROM json_each(%s)) AS listed"
            case "postgresql":
                kind = "BIGINT" if number else "UUID" if uuid else "TEXT"
                return f"(SELECT CAST(value AS {kind}) AS id FROM json_array_elements_text(CAST(%s AS json))) AS listed"
            case _:
                kind, read = "BIGINT" if number else "VARCHAR(500)", "CAST(id AS UUID)" if uuid else "id"
                table = f"JSON_TABLE(%s, '$[*]' COLUMNS (id {kind} PATH '$')) AS packed"
                return f"(SELECT {read} AS id FROM {table}) AS listed"


def staff_listed(ids: Iterable[str]) -> Listed:
    """Ids of staff."""
    return Listed(sorted(ids), "staff")


__all__ = [
    "BYTEWISE",
    "AsJson",
    "JsonLength",
    "JsonList",
    "JsonRecord",
    "JsonRow",
    "JsonText",
    "Listed",
    "Said",
    "Word",
    "bit",
    "staff_listed",
    "truth",
]
