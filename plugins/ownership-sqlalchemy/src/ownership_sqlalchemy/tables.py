"""The tables: one set per prefix and key types. Constraints keep the invariants whatever writes the rows.

Times are whole microseconds since 1970 UTC. Names of indexes and constraints follow one convention, so
that migrations can name them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from attrs import frozen
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    func,
    literal_column,
)
from sqlalchemy.types import TypeEngine

from ownership_core.errors import InvalidInput
from ownership_core.keys import KeyType, parse_id
from ownership_core.model import CustomerId, StaffId
from ownership_sqlalchemy.dialects import MARIADB, TABLE_OPTIONS, AsciiLower, prose, words

KEY = 191
NAME = 64
VALUE = 500

NAMING = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}


class Key(TypeDecorator[str]):
    """An id: opaque text outside, the chosen key type in the database."""

    impl = String
    cache_ok = True

    def __init__(self, key_type: KeyType = KeyType.TEXT) -> None:
        super().__init__(KEY)
        self.key_type = key_type

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column type."""
        chosen: TypeEngine[Any] = column_type(self.key_type).dialect_impl(dialect)
        return chosen

    @property
    def is_number(self) -> bool:
        """Whether the database keeps these ids as numbers."""
        return self.key_type is KeyType.INTEGER

    def coerce_compared_value(self, op: object, value: object) -> TypeEngine[Any]:  # noqa: ARG002
        """Whatever is compared with an id is an id."""
        return self

    def process_bind_param(self, value: object, dialect: Dialect) -> Any:  # noqa: ARG002
        """The id as the database keeps it."""
        return None if value is None else self.stored(str(value))

    def process_result_value(self, value: object, dialect: Dialect) -> str | None:  # noqa: ARG002
        """The id as text."""
        return None if value is None else str(value)

    def stored(self, text: str) -> str | int:
        """One id as the database keeps it; ``invalid_id`` for text that is no id of this type."""
        return int(parse_id(text, self.key_type)) if self.key_type is KeyType.INTEGER else text

    def can_be(self, text: str) -> bool:
        """Whether ``text`` is an id of this type at all. A database would turn '007' into 7; we do not."""
        try:
            parse_id(text, self.key_type)
        except InvalidInput:
            return self.key_type is KeyType.TEXT
        return True


def column_type(key_type: KeyType) -> TypeEngine[Any]:
    """The type of a key column; text keys compare byte by byte."""
    match key_type:
        case KeyType.INTEGER:
            return BigInteger()
        case KeyType.UUID:
            return words(36)
        case KeyType.TEXT:
            return words(KEY)


@frozen(eq=False)
class Tables:
    """All tables of one store, and the types its ids have."""

    metadata: MetaData
    prefix: str
    customer_key: Key
    staff_key: Key
    staff: Table
    staff_website: Table
    department: Table
    staff_department: Table
    role: Table
    role_level: Table
    staff_role: Table
    restriction: Table
    restriction_group: Table
    cardinality: Table
    key_type: Table
    head: Table
    customer: Table
    customer_value: Table
    assignment: Table
    run: Table
    plan_item: Table
    expectation: Table
    event: Table
    idempotency: Table
    outbox: Table

    def customer_ids(self, ids: tuple[CustomerId, ...]) -> list[str | int]:
        """These ids as the database keeps them; what can be no customer's id is ``invalid_id``."""
        return [self.customer_key.stored(id) for id in ids]

    def staff_ids(self, ids: frozenset[StaffId]) -> list[str | int]:
        """Those of these ids that can be a staff's, in a fixed order."""
        return [self.staff_key.stored(id) for id in sorted(ids) if self.staff_key.can_be(id)]


@lru_cache
def build_tables(
    prefix: str = "ownership_", customer_key: KeyType = KeyType.TEXT, staff_key: KeyType = KeyType.TEXT
) -> Tables:
    """The tables under ``prefix``; the same objects for the same arguments, so statements stay cached."""
    metadata = MetaData(naming_convention=NAMING)
    customer, staff = Key(customer_key), Key(staff_key)
    made = {
        **_people(metadata, prefix, staff),
        **_access(metadata, prefix, staff),
        **_customers(metadata, prefix, customer),
        **_assignments(metadata, prefix, customer, staff),
        **_runs(metadata, prefix, customer, staff),
        **_records(metadata, prefix, staff),
    }
    return Tables(metadata=metadata, prefix=prefix, customer_key=customer, staff_key=staff, **made)


def _table(name: str, metadata: MetaData, *parts: Any, **options: Any) -> Table:
    return Table(name, metadata, *parts, **TABLE_OPTIONS, **options)


def _indexes_expressions(*_of: Any, dialect: Any, **_more: Any) -> bool:
    return dialect.name not in MARIADB  # which indexes columns only


def _people(metadata: MetaData, prefix: str, staff: Key) -> dict[str, Table]:
    return {
        "staff": _table(
            f"{prefix}staff",
            metadata,
            Column("id", staff, primary_key=True, autoincrement=False),
            Column("label", prose(), nullable=False),
            Column("login", words(KEY), unique=True),
            Column("active", Boolean, nullable=False),
            Column("deleted", Boolean, nullable=False),
            Column("website_restricted", Boolean, nullable=False),
            Column("version", BigInteger, nullable=False),
            Column("access_version", BigInteger, nullable=False),
        ),
        "staff_website": _table(
            f"{prefix}staff_website",
            metadata,
            Column("staff_id", staff, ForeignKey(f"{prefix}staff.id"), primary_key=True, autoincrement=False),
            Column("website", words(KEY), primary_key=True),
        ),
        "department": _table(
            f"{prefix}department",
            metadata,
            Column("id", words(KEY), primary_key=True),
            Column("label", prose(), nullable=False),
            Column("parent", words(KEY), ForeignKey(f"{prefix}department.id"), index=True),
            Column("version", BigInteger, nullable=False),
        ),
        "staff_department": _table(
            f"{prefix}staff_department",
            metadata,
            Column("staff_id", staff, ForeignKey(f"{prefix}staff.id"), primary_key=True, autoincrement=False),
            Column("department_id", words(KEY), ForeignKey(f"{prefix}department.id"), primary_key=True),
            Index(None, "department_id", "staff_id"),
        ),
    }


def _access(metadata: MetaData, prefix: str, staff: Key) -> dict[str, Table]:
    return {
        "role": _table(
            f"{prefix}role",
            metadata,
            Column("name", words(KEY), primary_key=True),
            Column("version", BigInteger, nullable=False),
        ),
        "role_level": _table(
            f"{prefix}role_level",
            metadata,
            Column("role", words(KEY), ForeignKey(f"{prefix}role.name"), primary_key=True),
            Column("action", words(NAME), primary_key=True),
            Column("level", SmallInteger, nullable=False),
            CheckConstraint("level BETWEEN 0 AND 4", name="level"),
        ),
        "staff_role": _table(
            f"{prefix}staff_role",
            metadata,
            Column("staff_id", staff, ForeignKey(f"{prefix}staff.id"), primary_key=True, autoincrement=False),
            Column("role", words(KEY), ForeignKey(f"{prefix}role.name"), primary_key=True, index=True),
        ),
        "restriction": _table(
            f"{prefix}restriction",
            metadata,
            Column("holder_kind", words(16), primary_key=True),
            Column("holder", words(KEY), primary_key=True),
            Column("mode", words(8), nullable=False),
            CheckConstraint("holder_kind IN ('staff', 'department')", name="holder_kind"),
            CheckConstraint("mode IN ('allow', 'deny')", name="mode"),
        ),
        "restriction_group": _table(
            f"{prefix}restriction_group",
            metadata,
            Column("holder_kind", words(16), primary_key=True),
            Column("holder", words(KEY), primary_key=True),
            Column("customer_group", words(VALUE), primary_key=True),
            ForeignKeyConstraint(
                ["holder_kind", "holder"], [f"{prefix}restriction.holder_kind", f"{prefix}restriction.holder"]
            ),
        ),
    }


def _customers(metadata: MetaData, prefix: str, customer: Key) -> dict[str, Table]:
    main = _table(
        f"{prefix}customer",
        metadata,
        Column("id", customer, primary_key=True, autoincrement=False),
        Column("kind", words(NAME)),
        Column("name", words(VALUE)),
        Column("email", words(VALUE)),
        Column("email_key", words(VALUE), unique=True),
        Column("phone", words(VALUE)),
        Column("website", words(KEY)),  # no index: few websites, and SQLite would prefer it to the ids
        Column("parent", words(KEY), index=True),
        Column("active", Boolean),
        Column("created_at", BigInteger, index=True),
    )
    # The order of a list by name, missing ones last, written as `SqlReader.page` writes it.
    folded = func.coalesce(AsciiLower(main.c.name), literal_column("''"))
    by_name = Index(f"ix_{prefix}customer_by_name", main.c.name.is_(None), folded, main.c.id)
    by_name.ddl_if(callable_=_indexes_expressions)
    value = _table(
        f"{prefix}customer_value",
        metadata,
        Column("customer_id", customer, ForeignKey(main.c.id), nullable=False),
        Column("field", words(NAME), nullable=False),
        Column("value", words(VALUE), nullable=False),
        Column("number", BigInteger),
        PrimaryKeyConstraint("customer_id", "field", "value"),
        Index(None, "field", "value", "customer_id"),
        sqlite_with_rowid=False,
    )
    return {"customer": main, "customer_value": value}


def _assignments(metadata: MetaData, prefix: str, customer: Key, staff: Key) -> dict[str, Table]:
    return {
        "cardinality": _table(f"{prefix}cardinality", metadata, Column("name", words(NAME), primary_key=True)),
        "key_type": _table(
            f"{prefix}key_type",
            metadata,
            Column("subject", words(NAME), primary_key=True),
            Column("name", words(NAME), nullable=False),
        ),
        "head": _table(
            f"{prefix}head",
            metadata,
            # No foreign key: a head outlives its customer, so that a re-created id goes on counting.
            Column("customer_id", customer, primary_key=True, autoincrement=False),
            Column("version", BigInteger, nullable=False),
            Column("no_auto", Boolean, nullable=False),
            Column("cardinality", words(NAME), ForeignKey(f"{prefix}cardinality.name"), nullable=False),
            UniqueConstraint("customer_id", "cardinality"),
        ),
        "assignment": _table(
            f"{prefix}assignment",
            metadata,
            Column("customer_id", customer, ForeignKey(f"{prefix}customer.id", ondelete="RESTRICT"), nullable=False),
            Column("staff_id", staff, ForeignKey(f"{prefix}staff.id", ondelete="RESTRICT"), nullable=False),
            Column("slot", SmallInteger),
            Column("cardinality", words(NAME), nullable=False),
            Column("role", words(VALUE), nullable=False),
            Column("source", words(VALUE), nullable=False),
            Column("since", BigInteger, nullable=False),
            PrimaryKeyConstraint("customer_id", "staff_id"),
            # NULL slots never collide: any number of secondaries, one primary.
            UniqueConstraint("customer_id", "slot"),
            ForeignKeyConstraint(
                ["customer_id", "cardinality"], [f"{prefix}head.customer_id", f"{prefix}head.cardinality"]
            ),
            CheckConstraint("slot IS NULL OR slot = 0", name="slot"),
            CheckConstraint("cardinality <> 'single' OR (slot IS NOT NULL AND slot = 0)", name="single"),
            Index(None, "staff_id", "customer_id"),
            sqlite_with_rowid=False,
        ),
    }


def _actor() -> list[Column[Any]]:
    return [
        Column("actor_kind", words(16), nullable=False),
        Column("actor", words(KEY), nullable=False),
        Column("rule", words(KEY)),
    ]


def _runs(metadata: MetaData, prefix: str, customer: Key, staff: Key) -> dict[str, Table]:
    return {
        "run": _table(
            f"{prefix}run",
            metadata,
            Column("id", words(KEY), primary_key=True),
            Column("state", words(16), nullable=False),
            Column("what", words(NAME), nullable=False),
            Column("command", prose(), nullable=False),
            *_actor(),
            Column("at", BigInteger, nullable=False, index=True),
            Column("reason", prose()),
            Column("tally", prose(), nullable=False),
            Column("codes", prose(), nullable=False),
            Column("expires", BigInteger),
            CheckConstraint("state IN ('planned', 'applied')", name="state"),
        ),
        "plan_item": _table(
            f"{prefix}plan_item",
            metadata,
            Column("run", words(KEY), nullable=False),
            # No foreign key: a plan also lists ids nobody has.
            Column("customer_id", customer, nullable=False),
            Column("version", BigInteger, nullable=False),
            Column("fate", words(16), nullable=False),
            Column("codes", BigInteger, nullable=False),
            Column("selected", Boolean, nullable=False),
            Column("primary_before", staff),
            Column("primary_after", staff),
            Column("added", staff),
            Column("removed", prose(), nullable=False),
            PrimaryKeyConstraint("run", "customer_id"),
            CheckConstraint("fate IN ('changed', 'unchanged', 'refused', 'stale')", name="fate"),
            sqlite_with_rowid=False,
        ),
        "expectation": _table(
            f"{prefix}expectation",
            metadata,
            Column("run", words(KEY), nullable=False),
            Column("customer_id", customer, nullable=False),
            Column("version", BigInteger, nullable=False),
            Column("primary_after", staff),
            Column("added", staff),
            Column("removed", BigInteger, nullable=False),
            PrimaryKeyConstraint("run", "customer_id"),
            sqlite_with_rowid=False,
        ),
    }


def _records(metadata: MetaData, prefix: str, staff: Key) -> dict[str, Table]:
    return {
        "event": _table(
            f"{prefix}event",
            metadata,
            Column("subject_kind", words(16), nullable=False),
            Column("subject", words(KEY), nullable=False),
            Column("version", BigInteger, nullable=False),
            Column("run", words(KEY), nullable=False, index=True),
            Column("at", BigInteger, nullable=False),
            *_actor(),
            Column("reason", prose()),
            Column("body", prose(), nullable=False),
            PrimaryKeyConstraint("subject_kind", "subject", "version"),
            sqlite_with_rowid=False,
        ),
        "idempotency": _table(
            f"{prefix}idempotency",
            metadata,
            Column("actor_kind", words(16), primary_key=True),
            Column("actor", words(KEY), primary_key=True),
            Column("rule", words(KEY), primary_key=True),  # '' for none: a key column holds no NULL
            Column("key", words(KEY), primary_key=True),
            Column("payload", words(KEY), nullable=False),
            Column("receipt", prose(), nullable=False),
            Column("at", BigInteger, nullable=False),
        ),
        "outbox": _table(
            f"{prefix}outbox",
            metadata,
            Column("run", words(KEY), primary_key=True),
            Column("receiver", staff, primary_key=True, autoincrement=False),
            Column("state", words(16), nullable=False),
        ),
    }
