"""Whom a run deals its customers to, what it takes back, who was last in a rotation, runs in parts, and rules.

Written out, not taken from the tables of today: a migration stays what it was.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context, op

from ownership_sqlalchemy.dialects import TABLE_OPTIONS, prose, words
from ownership_sqlalchemy.facts import HostFacts
from ownership_sqlalchemy.migrations import again

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEYS: dict[str, Any] = {"text": words(191), "integer": sa.BigInteger(), "uuid": words(36)}


def upgrade() -> None:
    """Add columns that say nothing of the runs there are, and three tables."""
    tables = context.config.attributes["tables"]
    p: str = tables.prefix
    customer, staff = _KEYS[tables.customer_key.key_type], _KEYS[tables.staff_key.key_type]
    if isinstance(tables.facts, HostFacts):  # its customers have a key of their own
        customer = tables.customer_key.for_anything()
    again.add_column(f"{p}run", sa.Column("part_of", words(191)))
    again.add_column(f"{p}run", sa.Column("reached", words(191)))
    again.create_index(op.f(f"ix_{p}run_part_of"), f"{p}run", ["part_of"])
    for table in ("plan_item", "expectation"):
        again.add_column(f"{p}{table}", sa.Column("receiver", staff))
        again.add_column(f"{p}{table}", sa.Column("source", words(500), nullable=False, server_default=""))
    again.add_column(f"{p}plan_item", sa.Column("role", words(500), nullable=False, server_default=""))
    again.add_column(f"{p}plan_item", sa.Column("restored", prose(), nullable=False, server_default="[]"))
    again.add_column(f"{p}expectation", sa.Column("restored", sa.BigInteger(), nullable=False, server_default="0"))
    again.create_table(
        f"{p}placement",
        sa.Column("run", words(191), nullable=False),
        sa.Column("customer_id", customer, nullable=False),
        sa.Column("staff", staff),
        sa.Column("code", words(64)),
        sa.Column("source", words(500), nullable=False),
        sa.PrimaryKeyConstraint("run", "customer_id", name=op.f(f"pk_{p}placement")),
        sqlite_with_rowid=False,
        **TABLE_OPTIONS,
    )
    again.create_table(
        f"{p}rotation",
        sa.Column("name", words(191), nullable=False),
        sa.Column("staff", staff),
        sa.PrimaryKeyConstraint("name", name=op.f(f"pk_{p}rotation")),
        **TABLE_OPTIONS,
    )
    again.create_table(
        f"{p}rule",
        sa.Column("id", words(191), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("body", prose(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{p}rule")),
        **TABLE_OPTIONS,
    )
