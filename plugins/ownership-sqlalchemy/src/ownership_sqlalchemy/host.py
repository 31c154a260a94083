"""A host's own customers in place of ours: which of its columns and rows say what a scope may speak of.

Nothing is added to the host's tables, and nothing in them is ever changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs
from attrs import frozen
from sqlalchemy import (
    CHAR,
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Dialect,
    Engine,
    FromClause,
    Integer,
    Select,
    String,
    Table,
    Uuid,
    inspect,
    select,
    type_coerce,
)
from sqlalchemy.exc import NoInspectionAvailable, NoSuchTableError, SQLAlchemyError
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import TypeEngine

from ownership_core.errors import InvalidSettings, Problem
from ownership_core.fields import Field, Fields, Fold, Kind
from ownership_core.keys import KeyType
from ownership_sqlalchemy.columns import KEY, Key, key_type_of
from ownership_sqlalchemy.dialects import MARIADB, WHO, Exact, Micros, as_text, coded, database_of
from ownership_sqlalchemy.dialects.errors import unfit
from ownership_sqlalchemy.facts import COLUMNS, HostFacts, nothing_known

Mapped: TypeAlias = "ColumnElement[Any] | Select[Any]"
_KINDS: Mapping[Kind, tuple[type[TypeEngine[Any]], ...]] = {
    Kind.BOOLEAN: (Boolean, Integer),
    Kind.INTEGER: (Integer,),
    Kind.TIME: (DateTime, Date, Integer),
}


def _table(raw: Any) -> Table:
    """A table, or that of a mapped class."""
    if isinstance(raw, Table):
        return raw
    try:
        found = inspect(raw).local_table
    except (NoInspectionAvailable, AttributeError):
        found = None
    if not isinstance(found, Table):
        what = f"{type(raw).__name__} is neither a table nor a mapped class."
        raise InvalidSettings(Problem("invalid_mapping", what, "Give Customer or Customer.__table__.", "customer"))
    return found


def _parts(raw: Mapping[str, Any]) -> dict[str, Mapped]:
    """Attributes of mapped classes as the columns they stand for."""
    return {name: one.__clause_element__() if hasattr(one, "__clause_element__") else one for name, one in raw.items()}


@frozen(eq=False)
class HostTables:
    """The customers of a host, and how their declared fields are read.

    ``customer`` is its table, or the class mapped to it; it has one primary key column, whose values are the
    ids. ``fields`` says for each declared field where it stands: a column of that table (or an expression over
    its columns), or a ``select()`` of two columns, a customer's id and a value: any number of rows for a set
    field, at most one for each customer for any other. A field that is not mapped is missing, or empty; then
    ``kind`` is ``customer`` and ``active`` true. Times without a zone are taken as UTC.

    ``foreign_key=False`` leaves out our reference to the host's key: rows it deletes then leave assignments
    behind, and ``ownership doctor`` lists them. ``lock=False`` leaves the host's rows unlocked while their
    customers are assigned, for a database user who may not: a change of group or website at that very moment
    is then missed (I8).
    """

    customer: Table = attrs.field(converter=_table)
    fields: Mapping[str, Mapped] = attrs.field(factory=dict, converter=_parts)
    foreign_key: bool = True
    lock: bool = True


def resolve(host: HostTables, engine: Engine, fields: Fields) -> HostFacts:
    """The mapping as statements use it; looks at the host's table and changes nothing.

    Codes: ``invalid_mapping`` (every mistake at once), ``host_table_missing``, ``unsafe_collation``.
    """
    problems: list[Problem] = []
    keys = list(host.customer.primary_key.columns)
    if len(keys) != 1 or key_type_of(keys[0].type) is None:
        what = f"The table {host.customer.name!r} needs one primary key column that is a number, a text or a UUID."
        problems.append(Problem("invalid_mapping", what, "Map a table with such a key.", "customer"))
        raise InvalidSettings(*problems, who=WHO)
    id = keys[0]
    key = _key(id, engine)
    columns: list[ColumnElement[Any]] = [type_coerce(id, key).label("id")]
    pairs: dict[str, FromClause] = {}
    for name, mapped in host.fields.items():
        declared = fields.by_name.get(name)
        wrong = _wrong(name, mapped, declared, host.customer)
        if wrong is not None or declared is None:
            problems.append(Problem("invalid_mapping", wrong or "", "Mend the mapping.", f"fields.{name}"))
        elif isinstance(mapped, Select):
            pairs[name] = _pairs(declared, mapped, key)
        else:
            columns.append(_canonical(declared, mapped).label(name))
    if problems:
        raise InvalidSettings(*problems, who=WHO)
    columns += [nothing_known(fields[name]).label(name) for name in sorted(COLUMNS - set(host.fields))]
    rows = select(*columns).select_from(host.customer).subquery("customer")
    return HostFacts(host.customer, id, key, rows, pairs, host.foreign_key, host.lock)


def _wrong(name: str, mapped: object, declared: Field | None, table: Table) -> str | None:
    if declared is None:
        return f"There is no customer field {name!r}."
    if name in ("id", "no_auto"):
        return f"The field {name!r} is kept by us."
    if isinstance(mapped, Select):
        if len(mapped.selected_columns) != 2:  # noqa: PLR2004 - whose, and what
            return "A select has two columns, the customer's id and the value."
        return None if declared.name not in COLUMNS else _wrong_kind(declared, list(mapped.selected_columns)[1])
    if not isinstance(mapped, ColumnElement):
        return f"{type(mapped).__name__} is neither a column nor a select."
    if declared.many:
        return f"The field {name!r} is a set: give a select of customer ids and values."
    if any(one.table is not table for one in _columns(mapped)):
        return "The column stands in another table: give a select of customer ids and values."
    return _wrong_kind(declared, mapped)


def _columns(mapped: ColumnElement[Any]) -> list[Column[Any]]:
    return [one for one in iterate(mapped) if isinstance(one, Column)]


def _wrong_kind(declared: Field, value: ColumnElement[Any]) -> str | None:
    allowed = _KINDS.get(declared.kind)
    if allowed is None or isinstance(value.type, allowed):
        return None
    return f"A {type(value.type).__name__} holds no {declared.kind.value}."


def _pairs(declared: Field, mapped: Select[Any], key: Key) -> FromClause:
    of, value = mapped.subquery().c
    return select(
        type_coerce(of, key).label("id"),
        _canonical(declared, value).label("value"),
    ).subquery(f"of_{declared.name}")


def _canonical(declared: Field, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """The value as every store has it."""
    match declared.kind:
        case Kind.TEXT if not isinstance(value.type, String):
            return as_text(value)
        case Kind.TEXT:
            return value if declared.fold is Fold.DATABASE else Exact(value)
        case Kind.BOOLEAN if not isinstance(value.type, Boolean):
            return value != 0
        case Kind.TIME if not isinstance(value.type, Integer):
            return Micros(value)
        case _:
            return value


def _key(id: Any, engine: Engine) -> Key:
    """The type of the host's key as the database has it, which is not always what its table says here."""
    table: Table = id.table
    declared, key_type = id.type, key_type_of(id.type) or KeyType.TEXT
    try:
        described = {one["name"]: one["type"] for one in inspect(engine).get_columns(table.name, schema=table.schema)}
        with engine.connect() as connection:
            charset, collation = database_of(engine.dialect).collation(connection, table, id.name)
    except NoSuchTableError:
        described, charset, collation = {}, None, None
    except SQLAlchemyError as error:
        raise coded(error) from None
    if id.name not in described:
        what = f"The host's table {table.name!r} has no column {id.name!r} in this database."
        raise unfit("host_table_missing", what, "Make the host's tables first, or name the database they are in.")
    if charset not in (None, "utf8mb4") and key_type is KeyType.TEXT:
        what = f"The key {table.name}.{id.name} is kept in {charset}."
        raise unfit("unsafe_collation", what, "Convert the column to utf8mb4.")
    if key_type is KeyType.TEXT:
        return Key(key_type, String(getattr(described[id.name], "length", None) or KEY, collation=collation))
    if isinstance(declared, Uuid) and not _has_uuid(engine.dialect, declared):
        return Key(key_type, CHAR(32, collation=collation), packed=True)
    return Key(key_type, declared if key_type is KeyType.UUID else described[id.name])


def _has_uuid(dialect: Dialect, declared: Uuid[Any]) -> bool:
    """Whether the database has a type for UUIDs, and the column uses it."""
    if not declared.native_uuid or dialect.name not in (*MARIADB, "postgresql"):
        return False
    return bool(dialect.supports_native_uuid)
