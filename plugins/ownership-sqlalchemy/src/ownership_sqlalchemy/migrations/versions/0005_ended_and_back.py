"""What a run ends and brings back of the primary, in columns: most runs end one assignment for each customer.

Rows there are keep theirs in their lists, which are read as before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from ownership_sqlalchemy.dialects import words
from ownership_sqlalchemy.migrations import again

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns that say nothing of the runs there are."""
    table = f"{context.config.attributes['tables'].prefix}plan_item"
    for what in ("ended", "back"):
        again.add_column(table, sa.Column(f"{what}_since", sa.BigInteger()))
        again.add_column(table, sa.Column(f"{what}_role", words(500)))
        again.add_column(table, sa.Column(f"{what}_source", words(500)))
