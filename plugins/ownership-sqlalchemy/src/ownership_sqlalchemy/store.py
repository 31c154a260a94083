"""The ``Store`` port over SQLAlchemy Core: who opens and ends transactions, and whether it may serve."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, and_, not_, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ownership_core.fields import Fields
from ownership_core.keys import KeyType
from ownership_core.policies import SINGLE
from ownership_core.ports import Capabilities, Query, Store
from ownership_sqlalchemy import dialects, schema
from ownership_sqlalchemy.guest import GuestStore, clause, host_connection
from ownership_sqlalchemy.host import HostTables
from ownership_sqlalchemy.prepared import Shelf
from ownership_sqlalchemy.read import CHUNK, SqlReader
from ownership_sqlalchemy.tables import Tables
from ownership_sqlalchemy.write import SqlWriter


class SqlAlchemyStore:
    """Keeps everything in the tables of one database. Open it with :meth:`open`."""

    writes = SqlWriter

    def __init__(
        self,
        engine: Engine,
        tables: Tables,
        fields: Fields,
        cardinality: str,
        *,
        owns_engine: bool = True,
        host: HostTables | None = None,
    ) -> None:
        self._engine = engine
        self._database = dialects.database_of(engine.dialect)
        self._tables = tables
        self._fields = fields
        self._cardinality = cardinality
        self._owns_engine = owns_engine
        self._host = host
        self._tables_fit = False
        self.shelf = Shelf()

    @classmethod
    def open(
        cls,
        url_or_engine: str | URL | Engine,
        *,
        fields: Fields | None = None,
        cardinality: str = SINGLE,
        customer_key: KeyType = KeyType.TEXT,
        staff_key: KeyType = KeyType.TEXT,
        prefix: str = "ownership_",
        host: HostTables | None = None,
    ) -> SqlAlchemyStore:
        """A store on a database; nothing is created or changed. ``cardinality`` is what :meth:`upgrade` records.

        With ``host`` the customers are those of the shop, whose table is looked at; ``customer_key`` is then
        the type of its key.
        Codes: ``unsupported_dialect``; ``invalid_value`` for an address that cannot be read; ``invalid_mapping``,
        ``host_table_missing`` and ``unsafe_collation`` for a host's tables.
        """
        engine, declared = dialects.open_engine(url_or_engine), fields or Fields.declare()
        tables = schema.tables_for(engine, prefix, customer_key, staff_key, host, declared)
        owns = engine is not url_or_engine
        return cls(engine, tables, declared, cardinality, owns_engine=owns, host=host)

    def close(self) -> None:
        """Close the connections that are open; an engine of the host is left to the host."""
        if self._owns_engine:
            self._engine.dispose()

    @property
    def engine(self) -> Engine:
        """Where the tables are."""
        return self._engine

    @property
    def capabilities(self) -> Capabilities:
        """What this store can do."""
        keys = self._tables.customer_key.key_type, self._tables.staff_key.key_type
        return Capabilities("sqlalchemy", *keys, writes_customers=self._host is None, guests=True)

    @property
    def fields(self) -> Fields:
        """The customer fields it was opened with."""
        return self._fields

    def upgrade(self) -> None:
        """Make or upgrade the tables, as :func:`ownership_sqlalchemy.schema.upgrade` does."""
        schema.upgrade(self._engine, **self._options())

    def upgrade_sql(self) -> str:
        """The statements :meth:`upgrade` would send now; nothing is changed."""
        return schema.sql(self._engine, **self._options())

    def _options(self) -> dict[str, Any]:
        """What the tables are made for."""
        return {
            "cardinality": self._cardinality,
            "customer_key": self._tables.customer_key.key_type,
            "staff_key": self._tables.staff_key.key_type,
            "prefix": self._tables.prefix,
            "host": self._host,
            "fields": self._fields,
        }

    def revision(self) -> str | None:
        """The revision the tables are at, or None where there are none of ours."""
        return schema.current(self._engine, self._tables.prefix)

    def check(self, cardinality: str) -> None:
        """Refuse to serve when not fit.

        Codes: ``schema_missing``, ``schema_outdated``, ``schema_newer``, ``cardinality_mismatch``,
        ``key_type_mismatch``, ``foreign_keys_off``, ``autocommit_on``, ``unsafe_sql_mode``, ``unsafe_group_concat``,
        ``unsafe_collation``, ``missing_grant``.
        """
        with self._connected() as connection:
            self._database.require(connection)
            self._database.check_connection(connection)
            schema.check(connection, self._tables, cardinality)
            if not self._tables_fit:  # asked once: a grant that is taken away later is missed by the database itself
                self._database.check_tables(connection, list(self._tables.metadata.tables.values()))
                self._tables_fit = True

    @contextmanager
    def reader(self) -> Iterator[SqlReader]:
        """A consistent view; closes by itself."""
        with self._connected() as connection:
            self._database.begin(connection, writing=False, ours=self._owns_engine)
            with closing(SqlReader(connection, self._tables, self._fields, self.shelf)) as reader:
                yield reader

    @contextmanager
    def writer(self) -> Iterator[SqlWriter]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        with self._connected() as connection:
            self._database.begin(connection, writing=True, ours=self._owns_engine)
            with closing(self.writes(connection, self._tables, self._fields, self.shelf)) as writer:
                yield writer
            try:
                connection.commit()
            except DBAPIError as error:
                raise dialects.coded_at_commit(error) from None

    @property
    def begins(self) -> bool:
        """Always; :meth:`within` gives a store that does not."""
        return True

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Now: the writer has committed."""
        tell()

    def clause(self, query: Query, column: Any) -> ColumnElement[bool]:
        """``query`` as a condition on a host's column of customer ids."""
        return clause(self._tables, self._fields, query, column)

    def within(self, transaction: Any) -> Store:
        """The store inside a transaction of the host's: a ``Session`` or a ``Connection`` of the same database.

        Codes: ``unsafe_isolation``, ``autocommit_on``, ``other_database``.
        """
        return GuestStore(self, self._tables, host_connection(transaction, self._engine))

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except (DBAPIError, PoolTimeout) as error:
            raise dialects.coded(error) from None

    def digest(self) -> str:
        """A hash over every row of every table of ours; equal digests mean nothing was written.

        A head nobody has used yet (version 0, automatic assignment allowed) says nothing an absent one
        does not: it is the lock of a customer, and left out. So is a rotation nobody was dealt to yet.
        """
        digest = hashlib.sha256()
        with self._connected() as connection:
            self._database.begin(connection, writing=False, ours=self._owns_engine)
            for table in self._tables.metadata.sorted_tables:
                digest.update(f"{table.name}\n".encode())
                for line in self._lines(connection, table):
                    digest.update(line)
        return digest.hexdigest()

    def _lines(self, connection: Connection, table: Table) -> Iterator[bytes]:
        statement = select(table).order_by(*table.primary_key.columns)
        if table is self._tables.head:
            statement = statement.where(not_(and_(table.c.version == 0, not_(table.c.no_auto))))
        if table is self._tables.rotation:
            statement = statement.where(table.c.staff.is_not(None))
        for row in connection.execute(statement, execution_options={"yield_per": CHUNK}):
            yield json.dumps(list(row), ensure_ascii=True).encode("ascii") + b"\n"
