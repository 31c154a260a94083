"""Runs the migrations on the connection that :mod:`ownership_sqlalchemy.schema` hands over."""

from __future__ import annotations

from alembic import context

from ownership_sqlalchemy.schema import version_table

_tables = context.config.attributes["tables"]

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=_tables.metadata,
    version_table=version_table(_tables.prefix),
    transactional_ddl=True,
)
context.run_migrations()
