"""What runs over many customers read and write most.

Plan rows say in columns what ends and comes back of the primary: most runs end one assignment for each customer. Rows
there are keep theirs in their lists, which are read as before. On SQLite heads are kept by their customer, not by a row
id that has to be looked up first; events, which are long, are kept in the order they came in, not by their subject: a
run over many customers would split every page of their history.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context, op

from ownership_sqlalchemy.dialects import prose, words
from ownership_sqlalchemy.facts import HostFacts
from ownership_sqlalchemy.migrations import again

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KEYS: dict[str, Any] = {"text": words(191), "integer": sa.BigInteger(), "uuid": words(36)}


def upgrade() -> None:
    """Add columns that say nothing of the runs there are; move heads and events on SQLite."""
    p: str = context.config.attributes["tables"].prefix
    for what in ("ended", "back"):
        again.add_column(f"{p}plan_item", sa.Column(f"{what}_since", sa.BigInteger()))
        again.add_column(f"{p}plan_item", sa.Column(f"{what}_role", words(500)))
        again.add_column(f"{p}plan_item", sa.Column(f"{what}_source", words(500)))
    if op.get_context().dialect.name == "sqlite":
        _keep_heads_by_customer(p)
        _keep_events_as_they_came(p)


def _keep_heads_by_customer(p: str) -> None:
    """Into a new table. Assignments hang on their heads, so they step aside meanwhile."""
    tables = context.config.attributes["tables"]
    is_host = isinstance(tables.facts, HostFacts)  # its customers have a key of their own
    customer = tables.customer_key if is_host else _KEYS[tables.customer_key.key_type]
    held, stated = ("customer_id", "staff_id", "slot", "role", "source", "since"), ("version", "no_auto", "cardinality")
    head, new = (_table(f"{p}{name}", "customer_id", *stated) for name in ("head", "head_new"))
    mine, aside = _table(f"{p}assignment", *held, "cardinality"), _table(f"{p}assignment_aside", *held)
    op.create_table(
        new.name,
        sa.Column("customer_id", customer, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("no_auto", sa.Boolean(), nullable=False),
        sa.Column("cardinality", words(64), nullable=False),
        sa.ForeignKeyConstraint(["cardinality"], [f"{p}cardinality.name"], name=op.f(f"fk_{p}head_cardinality")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f(f"pk_{p}head")),
        sa.UniqueConstraint("customer_id", "cardinality", name=op.f(f"uq_{p}head_customer_id_cardinality")),
        sqlite_with_rowid=False,
    )
    op.execute(sa.insert(new).from_select(list(new.c), sa.select(head).order_by(head.c.customer_id)))
    op.execute(sa.insert(aside).from_select(list(aside.c), sa.select(*(mine.c[name] for name in held))))
    op.execute(sa.delete(mine))
    op.drop_table(head.name)
    op.rename_table(new.name, head.name)
    back = sa.select(aside, head.c.cardinality).join(head, head.c.customer_id == aside.c.customer_id)
    op.execute(sa.insert(mine).from_select([*held, "cardinality"], back))
    op.execute(sa.delete(aside))


def _keep_events_as_they_came(p: str) -> None:
    """Into a new table; nothing hangs on them."""
    columns: list[sa.Column[Any]] = [
        sa.Column("subject_kind", words(16), nullable=False),
        sa.Column("subject", words(191), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("run", words(191), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor_kind", words(16), nullable=False),
        sa.Column("actor", words(191), nullable=False),
        sa.Column("rule", words(191)),
        sa.Column("reason", prose()),
        sa.Column("body", prose(), nullable=False),
    ]
    event, new = (_table(f"{p}{name}", *(column.name for column in columns)) for name in ("event", "event_new"))
    key = sa.PrimaryKeyConstraint("subject_kind", "subject", "version", name=op.f(f"pk_{p}event"))
    op.create_table(new.name, *columns, key)
    op.execute(sa.insert(new).from_select(list(new.c), sa.select(event).order_by(event.c.at)))
    op.drop_table(event.name)
    op.rename_table(new.name, event.name)
    op.create_index(op.f(f"ix_{p}event_run"), event.name, ["run"])


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *map(sa.column, columns))
