"""The first tables.

Written out, not taken from the tables of today: a migration stays what it was.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context, op

from ownership_sqlalchemy.dialects import MARIADB, TABLE_OPTIONS, prose, words
from ownership_sqlalchemy.facts import HostFacts

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEYS: dict[str, Any] = {"text": words(191), "integer": sa.BigInteger(), "uuid": words(36)}


def upgrade() -> None:
    """Make all tables."""
    tables = context.config.attributes["tables"]
    p: str = tables.prefix
    staff = _KEYS[tables.staff_key.key_type]
    customer, anything = _KEYS[tables.customer_key.key_type], _KEYS[tables.customer_key.key_type]
    _people(p, staff)
    _access(p, staff)
    if isinstance(tables.facts, HostFacts):  # its customers are there already, with a key of its own
        customer, anything = tables.customer_key, tables.customer_key.for_anything()
        table, column = tables.facts.table, tables.facts.id
        owner = f"{table.fullname}.{column.name}" if tables.facts.foreign_key else None
    else:
        _customers(p, customer)
        owner = f"{p}customer.id"
    _assignments(p, customer, staff, owner)
    _runs(p, anything, staff)
    _records(p, staff)


def _create_table(name: str, *parts: Any, **options: Any) -> None:
    op.create_table(name, *parts, **TABLE_OPTIONS, **options)


def _people(p: str, staff: Any) -> None:
    """Staff, departments, and who works where."""
    _create_table(
        f"{p}staff",
        sa.Column("id", staff, autoincrement=False, nullable=False),
        sa.Column("label", prose(), nullable=False),
        sa.Column("login", words(191)),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("website_restricted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("access_version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{p}staff")),
        sa.UniqueConstraint("login", name=op.f(f"uq_{p}staff_login")),
    )
    _create_table(
        f"{p}staff_website",
        sa.Column("staff_id", staff, autoincrement=False, nullable=False),
        sa.Column("website", words(191), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], [f"{p}staff.id"], name=op.f(f"fk_{p}staff_website_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", "website", name=op.f(f"pk_{p}staff_website")),
    )
    _create_table(
        f"{p}department",
        sa.Column("id", words(191), nullable=False),
        sa.Column("label", prose(), nullable=False),
        sa.Column("parent", words(191)),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["parent"], [f"{p}department.id"], name=op.f(f"fk_{p}department_parent")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{p}department")),
    )
    op.create_index(op.f(f"ix_{p}department_parent"), f"{p}department", ["parent"])
    _create_table(
        f"{p}staff_department",
        sa.Column("staff_id", staff, autoincrement=False, nullable=False),
        sa.Column("department_id", words(191), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"], [f"{p}department.id"], name=op.f(f"fk_{p}staff_department_department_id")
        ),
        sa.ForeignKeyConstraint(["staff_id"], [f"{p}staff.id"], name=op.f(f"fk_{p}staff_department_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", "department_id", name=op.f(f"pk_{p}staff_department")),
    )
    op.create_index(
        op.f(f"ix_{p}staff_department_department_id_staff_id"), f"{p}staff_department", ["department_id", "staff_id"]
    )


def _access(p: str, staff: Any) -> None:
    """Roles, levels and restrictions."""
    _create_table(
        f"{p}role",
        sa.Column("name", words(191), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f(f"pk_{p}role")),
    )
    _create_table(
        f"{p}role_level",
        sa.Column("role", words(191), nullable=False),
        sa.Column("action", words(64), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("level BETWEEN 0 AND 4", name=op.f(f"ck_{p}role_level_level")),
        sa.ForeignKeyConstraint(["role"], [f"{p}role.name"], name=op.f(f"fk_{p}role_level_role")),
        sa.PrimaryKeyConstraint("role", "action", name=op.f(f"pk_{p}role_level")),
    )
    _create_table(
        f"{p}staff_role",
        sa.Column("staff_id", staff, autoincrement=False, nullable=False),
        sa.Column("role", words(191), nullable=False),
        sa.ForeignKeyConstraint(["role"], [f"{p}role.name"], name=op.f(f"fk_{p}staff_role_role")),
        sa.ForeignKeyConstraint(["staff_id"], [f"{p}staff.id"], name=op.f(f"fk_{p}staff_role_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", "role", name=op.f(f"pk_{p}staff_role")),
    )
    op.create_index(op.f(f"ix_{p}staff_role_role"), f"{p}staff_role", ["role"])
    _create_table(
        f"{p}restriction",
        sa.Column("holder_kind", words(16), nullable=False),
        sa.Column("holder", words(191), nullable=False),
        sa.Column("mode", words(8), nullable=False),
        sa.CheckConstraint("holder_kind IN ('staff', 'department')", name=op.f(f"ck_{p}restriction_holder_kind")),
        sa.CheckConstraint("mode IN ('allow', 'deny')", name=op.f(f"ck_{p}restriction_mode")),
        sa.PrimaryKeyConstraint("holder_kind", "holder", name=op.f(f"pk_{p}restriction")),
    )
    _create_table(
        f"{p}restriction_group",
        sa.Column("holder_kind", words(16), nullable=False),
        sa.Column("holder", words(191), nullable=False),
        sa.Column("customer_group", words(500), nullable=False),
        sa.ForeignKeyConstraint(
            ["holder_kind", "holder"],
            [f"{p}restriction.holder_kind", f"{p}restriction.holder"],
            name=op.f(f"fk_{p}restriction_group_holder_kind_holder"),
        ),
        sa.PrimaryKeyConstraint("holder_kind", "holder", "customer_group", name=op.f(f"pk_{p}restriction_group")),
    )


def _customers(p: str, customer: Any) -> None:
    """Customers and the values of their set fields and the host's fields."""
    _create_table(
        f"{p}customer",
        sa.Column("id", customer, autoincrement=False, nullable=False),
        sa.Column("kind", words(64)),
        sa.Column("name", words(500)),
        sa.Column("email", words(500)),
        sa.Column("email_key", words(500)),
        sa.Column("phone", words(500)),
        sa.Column("website", words(191)),
        sa.Column("parent", words(191)),
        sa.Column("active", sa.Boolean()),
        sa.Column("created_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{p}customer")),
        sa.UniqueConstraint("email_key", name=op.f(f"uq_{p}customer_email_key")),
    )
    op.create_index(op.f(f"ix_{p}customer_created_at"), f"{p}customer", ["created_at"])
    op.create_index(op.f(f"ix_{p}customer_parent"), f"{p}customer", ["parent"])
    dialect = op.get_context().dialect.name
    if dialect not in MARIADB:  # it indexes columns only
        lower = 'lower(name COLLATE "C")' if dialect == "postgresql" else "lower(name)"
        op.create_index(
            op.f(f"ix_{p}customer_by_name"),
            f"{p}customer",
            [sa.text("(name IS NULL)"), sa.text(f"coalesce({lower}, '')"), "id"],
        )
    _create_table(
        f"{p}customer_value",
        sa.Column("customer_id", customer, nullable=False),
        sa.Column("field", words(64), nullable=False),
        sa.Column("value", words(500), nullable=False),
        sa.Column("number", sa.BigInteger()),
        sa.ForeignKeyConstraint(["customer_id"], [f"{p}customer.id"], name=op.f(f"fk_{p}customer_value_customer_id")),
        sa.PrimaryKeyConstraint("customer_id", "field", "value", name=op.f(f"pk_{p}customer_value")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f(f"ix_{p}customer_value_field_value_customer_id"), f"{p}customer_value", ["field", "value", "customer_id"]
    )


def _assignments(p: str, customer: Any, staff: Any, owner: str | None) -> None:
    """Heads and assignments, with the constraints that keep one primary and, in single, one assignment."""
    _create_table(
        f"{p}cardinality",
        sa.Column("name", words(64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f(f"pk_{p}cardinality")),
    )
    _create_table(
        f"{p}key_type",
        sa.Column("subject", words(64), nullable=False),
        sa.Column("name", words(64), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f(f"pk_{p}key_type")),
    )
    _create_table(
        f"{p}head",
        sa.Column("customer_id", customer, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("no_auto", sa.Boolean(), nullable=False),
        sa.Column("cardinality", words(64), nullable=False),
        sa.ForeignKeyConstraint(["cardinality"], [f"{p}cardinality.name"], name=op.f(f"fk_{p}head_cardinality")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f(f"pk_{p}head")),
        sa.UniqueConstraint("customer_id", "cardinality", name=op.f(f"uq_{p}head_customer_id_cardinality")),
    )
    _create_table(
        f"{p}assignment",
        sa.Column("customer_id", customer, nullable=False),
        sa.Column("staff_id", staff, nullable=False),
        sa.Column("slot", sa.SmallInteger()),
        sa.Column("cardinality", words(64), nullable=False),
        sa.Column("role", words(500), nullable=False),
        sa.Column("source", words(500), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "cardinality <> 'single' OR (slot IS NOT NULL AND slot = 0)", name=op.f(f"ck_{p}assignment_single")
        ),
        sa.CheckConstraint("slot IS NULL OR slot = 0", name=op.f(f"ck_{p}assignment_slot")),
        sa.ForeignKeyConstraint(
            ["customer_id", "cardinality"],
            [f"{p}head.customer_id", f"{p}head.cardinality"],
            name=op.f(f"fk_{p}assignment_customer_id_cardinality"),
        ),
        *_reference(p, owner),
        sa.ForeignKeyConstraint(
            ["staff_id"], [f"{p}staff.id"], name=op.f(f"fk_{p}assignment_staff_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("customer_id", "staff_id", name=op.f(f"pk_{p}assignment")),
        sa.UniqueConstraint("customer_id", "slot", name=op.f(f"uq_{p}assignment_customer_id_slot")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f(f"ix_{p}assignment_staff_id_customer_id"), f"{p}assignment", ["staff_id", "customer_id"])


def _reference(p: str, owner: str | None) -> list[sa.ForeignKeyConstraint]:
    """Of an assignment to its customer, unless a host wants none."""
    if owner is None:
        return []
    name = op.f(f"fk_{p}assignment_customer_id")
    return [sa.ForeignKeyConstraint(["customer_id"], [owner], name=name, ondelete="RESTRICT")]


def _runs(p: str, customer: Any, staff: Any) -> None:
    """Runs, their plan rows, and what a saved plan expects."""
    _create_table(
        f"{p}run",
        sa.Column("id", words(191), nullable=False),
        sa.Column("state", words(16), nullable=False),
        sa.Column("what", words(64), nullable=False),
        sa.Column("command", prose(), nullable=False),
        sa.Column("actor_kind", words(16), nullable=False),
        sa.Column("actor", words(191), nullable=False),
        sa.Column("rule", words(191)),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", prose()),
        sa.Column("tally", prose(), nullable=False),
        sa.Column("codes", prose(), nullable=False),
        sa.Column("expires", sa.BigInteger()),
        sa.CheckConstraint("state IN ('planned', 'applied')", name=op.f(f"ck_{p}run_state")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{p}run")),
    )
    op.create_index(op.f(f"ix_{p}run_at"), f"{p}run", ["at"])
    _create_table(
        f"{p}plan_item",
        sa.Column("run", words(191), nullable=False),
        sa.Column("customer_id", customer, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("fate", words(16), nullable=False),
        sa.Column("codes", sa.BigInteger(), nullable=False),
        sa.Column("selected", sa.Boolean(), nullable=False),
        sa.Column("primary_before", staff),
        sa.Column("primary_after", staff),
        sa.Column("added", staff),
        sa.Column("removed", prose(), nullable=False),
        sa.CheckConstraint("fate IN ('changed', 'unchanged', 'refused', 'stale')", name=op.f(f"ck_{p}plan_item_fate")),
        sa.PrimaryKeyConstraint("run", "customer_id", name=op.f(f"pk_{p}plan_item")),
        sqlite_with_rowid=False,
    )
    _create_table(
        f"{p}expectation",
        sa.Column("run", words(191), nullable=False),
        sa.Column("customer_id", customer, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("primary_after", staff),
        sa.Column("added", staff),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run", "customer_id", name=op.f(f"pk_{p}expectation")),
        sqlite_with_rowid=False,
    )


def _records(p: str, staff: Any) -> None:
    """Events, idempotency keys and the outbox."""
    _create_table(
        f"{p}event",
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
        sa.PrimaryKeyConstraint("subject_kind", "subject", "version", name=op.f(f"pk_{p}event")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f(f"ix_{p}event_run"), f"{p}event", ["run"])
    _create_table(
        f"{p}idempotency",
        sa.Column("actor_kind", words(16), nullable=False),
        sa.Column("actor", words(191), nullable=False),
        sa.Column("rule", words(191), nullable=False),
        sa.Column("key", words(191), nullable=False),
        sa.Column("payload", words(191), nullable=False),
        sa.Column("receipt", prose(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("actor_kind", "actor", "rule", "key", name=op.f(f"pk_{p}idempotency")),
    )
    _create_table(
        f"{p}outbox",
        sa.Column("run", words(191), nullable=False),
        sa.Column("receiver", staff, autoincrement=False, nullable=False),
        sa.Column("state", words(16), nullable=False),
        sa.PrimaryKeyConstraint("run", "receiver", name=op.f(f"pk_{p}outbox")),
    )
