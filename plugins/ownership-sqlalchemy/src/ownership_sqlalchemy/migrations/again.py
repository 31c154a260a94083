"""Steps of a migration that may be taken a second time.

MariaDB keeps each table, column and index as it is made, and records the revision only at the end: an upgrade that was
ended in between finds what it had made already. Elsewhere all of it is undone, and what is in the way is an error.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context, op


def create_table(name: str, *parts: Any, **options: Any) -> None:
    """Make a table, unless it was made whole by the upgrade before."""
    looked = _looked()
    if looked is None or not looked.has_table(name):
        op.create_table(name, *parts, **options)


def add_column(table: str, column: sa.Column[Any]) -> None:
    """Add a column, unless it is there."""
    looked = _looked()
    if looked is None or column.name not in {one["name"] for one in looked.get_columns(table)}:
        op.add_column(table, column)


def create_index(name: str, table: str, columns: list[str]) -> None:
    """Make an index, unless it is there."""
    looked = _looked()
    if looked is None or name not in {one["name"] for one in looked.get_indexes(table)}:
        op.create_index(name, table, columns)


def _looked() -> sa.Inspector | None:
    """What is there now, where something may be left of an upgrade before."""
    if context.is_offline_mode() or op.get_bind().dialect.name != "mysql":
        return None
    return sa.inspect(op.get_bind())
