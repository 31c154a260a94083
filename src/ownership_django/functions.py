"""What conditions are made of where databases differ: each class names a meaning, and says it for each of them.

Texts compare by code points whatever a host's column says; ``ascii`` lowers A to Z and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, Expression, F, Field, Func, TextField, UUIDField
from django.db.models.lookups import Lookup
from django.db.models.sql.compiler import SQLCompiler

BYTEWISE = "utf8mb4_nopad_bin"
"""The collation of MariaDB that neither folds letters nor ignores blanks at the end."""

_UUID_GROUPS = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))


class _Text(Func):
    """A text of one database or the other; ``said`` has the words of each."""

    said: ClassVar[Mapping[str, str]]
    output: type[Field[Any, Any]] = TextField

    def __init__(self, *expressions: Any, **extra: Any) -> None:
        super().__init__(*expressions, output_field=self.output(), **extra)

    def as_sql(
        self,
        compiler: SQLCompiler,
        connection: BaseDatabaseWrapper,
        function: str | None = None,
        template: str | None = None,  # noqa: ARG002 - each database has its own
        arg_joiner: str | None = None,
        **extra: Any,
    ) -> tuple[str, Any]:
        """In the words of the database at hand."""
        return super().as_sql(compiler, connection, function, self.said[connection.vendor], arg_joiner, **extra)


class Exact(_Text):
    """The text, compared and sorted by code points."""

    said: ClassVar[Mapping[str, str]] = {
        "sqlite": "(%(expressions)s COLLATE BINARY)",
        "postgresql": '(%(expressions)s COLLATE "C")',
        "mysql": f"(CONVERT(%(expressions)s USING utf8mb4) COLLATE {BYTEWISE})",
    }


class AsciiLower(_Text):
    """The text with A to Z lowered and nothing else, compared by code points."""

    said: ClassVar[Mapping[str, str]] = {
        "sqlite": "lower(%(expressions)s)",  # SQLite's own knows A to Z only
        "postgresql": 'lower(%(expressions)s COLLATE "C")',  # and so does PostgreSQL's of this collation
        # MariaDB's knows all of Unicode. Read as Thai, which has no case, the bytes above ASCII stay as they are.
        "mysql": (
            "(CONVERT(CAST(LOWER(CONVERT(CAST(CONVERT(%(expressions)s USING utf8mb4) AS BINARY) USING tis620))"
            f" AS BINARY) USING utf8mb4) COLLATE {BYTEWISE})"
        ),
    }


class AsText(_Text):
    """A number, a UUID or a text as text that compares by code points; UUIDs in lower case with hyphens."""

    said: ClassVar[Mapping[str, str]] = {
        "sqlite": "CAST(%(expressions)s AS TEXT)",
        "postgresql": '(CAST(%(expressions)s AS TEXT) COLLATE "C")',
        "mysql": f"(CAST(%(expressions)s AS CHAR CHARACTER SET utf8mb4) COLLATE {BYTEWISE})",
    }

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *args: Any, **extra: Any
    ) -> tuple[str, Any]:
        """A database without a type for UUIDs keeps their 32 digits."""
        sql, params = super().as_sql(compiler, connection, *args, **extra)
        column = self.get_source_expressions()[0].output_field
        if not isinstance(column, UUIDField) or column.db_type(connection) == "uuid":
            return sql, params
        parts = [f"substr({sql}, {start}, {length})" for start, length in _UUID_GROUPS]
        if connection.vendor == "mysql":
            return f"CONCAT_WS('-', {', '.join(parts)})", (*params,) * len(parts)
        return "(" + " || '-' || ".join(parts) + ")", (*params,) * len(parts)


class Beginning(_Text):
    """The first characters of a text, as many as the second argument says."""

    said: ClassVar[Mapping[str, str]] = {
        "sqlite": "substr(%(expressions)s)",
        "postgresql": "left(%(expressions)s)",
        "mysql": "LEFT(%(expressions)s)",
    }

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> tuple[str, Any]:
        """Which is told where to begin as well."""
        return self.as_sql(compiler, connection, arg_joiner=", 1, ", **extra)


class PlaceOf(_Text):
    """Where the second text begins in the first, counted from 1; 0 where it does not occur."""

    said: ClassVar[Mapping[str, str]] = {
        "sqlite": "instr(%(expressions)s)",
        "postgresql": "strpos(%(expressions)s)",
        "mysql": "INSTR(%(expressions)s)",
    }
    output = BigIntegerField


class SameText(Lookup):
    """The column is one of these texts, letter by letter, and an index on the column still finds it.

    A column that folds letters finds all that look alike, and among these the exact ones are kept.
    """

    lookup_name = "same_text"
    prepare_rhs = False

    def __init__(self, column: F | Expression, texts: Iterable[str]) -> None:
        super().__init__(column, tuple(sorted(texts)))

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """As the column compares, where that is by code points; else both ways."""
        column, params = self.process_lhs(compiler, connection)
        listed = ", ".join(["%s"] * len(self.rhs))
        alike = f"{column} IN ({listed})"
        found = (*params, *self.rhs)
        if self._is_exact(connection):
            return alike, found
        exactly = Exact.said[connection.vendor] % {"expressions": column}
        return f"({alike} AND {exactly} IN ({listed}))", found * 2

    def _is_exact(self, connection: BaseDatabaseWrapper) -> bool:
        column: Any = self.lhs.output_field
        if column.db_parameters(connection).get("collation") in ("C", "BINARY", BYTEWISE):
            return True
        model = getattr(column, "model", None)  # none for what is no column
        if connection.vendor == "mysql" or model is None or not model._meta.managed:
            return False  # the collation of a database folds letters, and a table made by others may
        return column.db_parameters(connection).get("collation") is None
