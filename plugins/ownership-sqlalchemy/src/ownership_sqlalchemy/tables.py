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
    ForeignKey,
    ForeignKeyConstraint,
    FromClause,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    UniqueConstraint,
    func,
    literal_column,
)

from ownership_core.keys import KeyType
from ownership_core.model import CustomerId, StaffId
from ownership_sqlalchemy.columns import KEY, NAME, VALUE, Key
from ownership_sqlalchemy.dialects import MARIADB, TABLE_OPTIONS, AsciiLower, prose, words
from ownership_sqlalchemy.facts import Facts, HostFacts, OwnFacts

NAMING = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}


@frozen(eq=False)
class Tables:
    """All tables of one store, and the types its ids have."""

    metadata: MetaData
    prefix: str
    customer_key: Key
    staff_key: Key
    facts: Facts
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
    assignment: Table
    assignment_aside: Table
    run: Table
    plan_item: Table
    expectation: Table
    placement: Table
    rotation: Table
    rule: Table
    event: Table
    idempotency: Table
    outbox: Table
    cover: Table
    share: Table

    @property
    def customer(self) -> FromClause:
        """The customers, one row each, with their ids and what else is a column."""
        return self.facts.rows

    def customer_ids(self, ids: tuple[CustomerId, ...]) -> list[str | int]:
        """These ids as the database keeps them; what can be no customer's id is ``invalid_id``."""
        return [self.customer_key.stored(id) for id in ids]

    def staff_ids(self, ids: frozenset[StaffId]) -> list[str | int]:
        """Those of these ids that can be a staff's, in a fixed order."""
        return [self.staff_key.stored(id) for id in sorted(ids) if self.staff_key.can_be(id)]


@lru_cache
def build_tables(
    prefix: str = "ownership_",
    customer_key: KeyType = KeyType.TEXT,
    staff_key: KeyType = KeyType.TEXT,
    host: HostFacts | None = None,
) -> Tables:
    """The tables under ``prefix``; the same objects for the same arguments, so statements stay cached.

    With ``host`` the customers are a host's, and their key is its own.
    """
    metadata = MetaData(naming_convention=NAMING)
    staff = Key(staff_key)
    customer = Key(customer_key) if host is None else host.key
    facts: Facts = _customers(metadata, prefix, customer) if host is None else host
    made = {
        **_people(metadata, prefix, staff),
        **_access(metadata, prefix, staff),
        **_assignments(metadata, prefix, customer, staff, _owner_of(facts)),
        **_runs(metadata, prefix, customer.for_anything(), staff),
        **_records(metadata, prefix, staff),
        **_beside(metadata, prefix, customer, staff, facts),
    }
    return Tables(metadata=metadata, prefix=prefix, customer_key=customer, staff_key=staff, facts=facts, **made)


def _owner_of(facts: Facts, ondelete: str = "RESTRICT") -> list[ForeignKey]:
    """What the customer of an assignment or a share refers to."""
    if isinstance(facts, HostFacts):
        return [ForeignKey(facts.id, ondelete=ondelete)] if facts.foreign_key else []
    return [ForeignKey(facts.rows.c.id, ondelete=ondelete)]


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


def _customers(metadata: MetaData, prefix: str, customer: Key) -> OwnFacts:
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
    return OwnFacts(main, value)


def _assignments(
    metadata: MetaData, prefix: str, customer: Key, staff: Key, owner: list[ForeignKey]
) -> dict[str, Table]:
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
            sqlite_with_rowid=False,
        ),
        "assignment": _table(
            f"{prefix}assignment",
            metadata,
            Column("customer_id", customer, *owner, nullable=False),
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
        # Where assignments wait while the cardinality is switched; else it is empty.
        "assignment_aside": _table(
            f"{prefix}assignment_aside",
            metadata,
            Column("customer_id", customer, nullable=False),
            Column("staff_id", staff, nullable=False),
            Column("slot", SmallInteger),
            Column("role", words(VALUE), nullable=False),
            Column("source", words(VALUE), nullable=False),
            Column("since", BigInteger, nullable=False),
            PrimaryKeyConstraint("customer_id", "staff_id"),
            sqlite_with_rowid=False,
        ),
    }


def _beside(metadata: MetaData, prefix: str, customer: Key, staff: Key, facts: Facts) -> dict[str, Table]:
    """Who reaches customers without being assigned to them."""
    return {
        "cover": _table(
            f"{prefix}cover",
            metadata,
            Column("id", words(KEY), primary_key=True),
            Column("staff_id", staff, ForeignKey(f"{prefix}staff.id", ondelete="RESTRICT"), nullable=False, index=True),
            Column("by_id", staff, ForeignKey(f"{prefix}staff.id", ondelete="RESTRICT"), nullable=False, index=True),
            Column("since", BigInteger, nullable=False),
            Column("until", BigInteger, nullable=False),
            Column("version", BigInteger, nullable=False),
            CheckConstraint("staff_id <> by_id", name="colleague"),
            CheckConstraint("since <= until", name="window"),
        ),
        "share": _table(
            f"{prefix}share",
            metadata,
            Column("customer_id", customer, *_owner_of(facts, "CASCADE"), nullable=False),
            Column("staff_id", staff, ForeignKey(f"{prefix}staff.id", ondelete="RESTRICT"), nullable=False),
            Column("until", BigInteger, nullable=False),
            PrimaryKeyConstraint("customer_id", "staff_id"),
            Index(None, "staff_id", "until"),
            sqlite_with_rowid=False,
        ),
    }


def _actor() -> list[Column[Any]]:
    return [
        Column("actor_kind", words(16), nullable=False),
        Column("actor", words(KEY), nullable=False),
        Column("rule", words(KEY)),
    ]


def _assignment_of(what: str) -> list[Column[Any]]:
    return [
        Column(f"{what}_since", BigInteger),
        Column(f"{what}_role", words(VALUE)),
        Column(f"{what}_source", words(VALUE)),
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
            Column("part_of", words(KEY), index=True),
            Column("reached", words(KEY)),
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
            Column("receiver", staff),
            Column("source", words(VALUE), nullable=False, server_default=""),
            Column("role", words(VALUE), nullable=False, server_default=""),
            Column("restored", prose(), nullable=False, server_default="[]"),
            # The assignment of primary_before that ended, and that of primary_after that came back, where one did;
            # `removed` and `restored` are about all others.
            *_assignment_of("ended"),
            *_assignment_of("back"),
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
            Column("receiver", staff),
            Column("source", words(VALUE), nullable=False, server_default=""),
            Column("restored", BigInteger, nullable=False, server_default="0"),
            PrimaryKeyConstraint("run", "customer_id"),
            sqlite_with_rowid=False,
        ),
        # Whom a run is about to give its customers to; empty once it is drafted.
        "placement": _table(
            f"{prefix}placement",
            metadata,
            Column("run", words(KEY), nullable=False),
            Column("customer_id", customer, nullable=False),
            Column("staff", staff),
            Column("code", words(NAME)),
            Column("source", words(VALUE), nullable=False),
            PrimaryKeyConstraint("run", "customer_id"),
            sqlite_with_rowid=False,
        ),
        "rotation": _table(
            f"{prefix}rotation", metadata, Column("name", words(KEY), primary_key=True), Column("staff", staff)
        ),
        "rule": _table(
            f"{prefix}rule",
            metadata,
            Column("id", words(KEY), primary_key=True),
            Column("version", BigInteger, nullable=False),
            Column("body", prose(), nullable=False),
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
