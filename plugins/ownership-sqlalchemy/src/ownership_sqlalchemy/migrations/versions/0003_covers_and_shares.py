"""Who stands in for whom for a time, and who goes on seeing customers for a time.

Written out, not taken from the tables of today: a migration stays what it was.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context, op

from ownership_sqlalchemy.dialects import TABLE_OPTIONS, words
from ownership_sqlalchemy.facts import HostFacts
from ownership_sqlalchemy.migrations import again

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEYS: dict[str, Any] = {"text": words(191), "integer": sa.BigInteger(), "uuid": words(36)}


def upgrade() -> None:
    """Make both tables."""
    tables = context.config.attributes["tables"]
    p: str = tables.prefix
    customer, staff = _KEYS[tables.customer_key.key_type], _KEYS[tables.staff_key.key_type]
    owner: str | None = f"{p}customer.id"
    if isinstance(tables.facts, HostFacts):  # its customers have a key of their own
        customer = tables.customer_key
        table, column = tables.facts.table, tables.facts.id
        owner = f"{table.fullname}.{column.name}" if tables.facts.foreign_key else None
    _covers(p, staff)
    _shares(p, customer, staff, owner)


def _covers(p: str, staff: Any) -> None:
    again.create_table(
        f"{p}cover",
        sa.Column("id", words(191), nullable=False),
        sa.Column("staff_id", staff, nullable=False),
        sa.Column("by_id", staff, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("staff_id <> by_id", name=op.f(f"ck_{p}cover_colleague")),
        sa.CheckConstraint("since <= until", name=op.f(f"ck_{p}cover_window")),
        sa.ForeignKeyConstraint(
            ["staff_id"], [f"{p}staff.id"], name=op.f(f"fk_{p}cover_staff_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["by_id"], [f"{p}staff.id"], name=op.f(f"fk_{p}cover_by_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{p}cover")),
        **TABLE_OPTIONS,
    )
    again.create_index(op.f(f"ix_{p}cover_staff_id"), f"{p}cover", ["staff_id"])
    again.create_index(op.f(f"ix_{p}cover_by_id"), f"{p}cover", ["by_id"])


def _shares(p: str, customer: Any, staff: Any, owner: str | None) -> None:
    held = [] if owner is None else [_reference(p, owner)]
    again.create_table(
        f"{p}share",
        sa.Column("customer_id", customer, nullable=False),
        sa.Column("staff_id", staff, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        *held,
        sa.ForeignKeyConstraint(
            ["staff_id"], [f"{p}staff.id"], name=op.f(f"fk_{p}share_staff_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("customer_id", "staff_id", name=op.f(f"pk_{p}share")),
        sqlite_with_rowid=False,
        **TABLE_OPTIONS,
    )
    again.create_index(op.f(f"ix_{p}share_staff_id_until"), f"{p}share", ["staff_id", "until"])


def _reference(p: str, owner: str) -> sa.ForeignKeyConstraint:
    """A share ends with its customer, whoever deletes it."""
    name = op.f(f"fk_{p}share_customer_id")
    return sa.ForeignKeyConstraint(["customer_id"], [owner], name=name, ondelete="CASCADE")
