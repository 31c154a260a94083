"""Where assignments wait while the cardinality is switched.

Written out, not taken from the tables of today: a migration stays what it was.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context, op

from ownership_sqlalchemy.dialects import TABLE_OPTIONS, words
from ownership_sqlalchemy.facts import HostFacts
from ownership_sqlalchemy.migrations import again

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEYS: dict[str, Any] = {"text": words(191), "integer": sa.BigInteger(), "uuid": words(36)}


def upgrade() -> None:
    """Make the table; outside the transaction of a switch it is empty."""
    tables = context.config.attributes["tables"]
    p: str = tables.prefix
    customer, staff = _KEYS[tables.customer_key.key_type], _KEYS[tables.staff_key.key_type]
    if isinstance(tables.facts, HostFacts):  # its customers have a key of their own
        customer = tables.customer_key
    again.create_table(
        f"{p}assignment_aside",
        sa.Column("customer_id", customer, nullable=False),
        sa.Column("staff_id", staff, nullable=False),
        sa.Column("slot", sa.SmallInteger()),
        sa.Column("role", words(500), nullable=False),
        sa.Column("source", words(500), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "staff_id", name=op.f(f"pk_{p}assignment_aside")),
        sqlite_with_rowid=False,
        **TABLE_OPTIONS,
    )
