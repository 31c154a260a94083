"""Runs the migrations on the connection that :mod:`ownership_sqlalchemy.schema` hands over."""

from __future__ import annotations

from alembic import context

from ownership_sqlalchemy.schema import version_table

_tables = context.config.attributes["tables"]

_connection = context.config.attributes["connection"]
# Offline the statements are only written down, in the words of the same database.
_where = {"dialect_name": _connection.dialect.name, "literal_binds": True} if context.is_offline_mode() else {}

context.configure(
    **(_where or {"connection": _connection}),
    target_metadata=_tables.metadata,
    version_table=version_table(_tables.prefix),
    transactional_ddl=True,
)
context.run_migrations()
