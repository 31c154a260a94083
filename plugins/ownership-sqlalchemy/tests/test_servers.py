"""PostgreSQL and MariaDB keep the contract every store keeps, wherever a server is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from databases import Databases, emptied
from hostshop import HostShopStore
from hypothesis import settings
from sqlalchemy import Engine, create_engine, delete

from ownership_core.testing.contracts import ScopeContract, StoreContract
from ownership_sqlalchemy import SqlAlchemyStore


class Server:
    """Empty stores on one server: made once for each cardinality, and emptied for each store."""

    def __init__(self, databases: Databases, kind: str, *, plain: bool, hosted: bool) -> None:
        self._hosted = hosted
        self._databases = databases
        self._kind = kind
        self._plain = plain
        self._made: dict[str, SqlAlchemyStore] = {}
        self._engines: dict[SqlAlchemyStore, Engine] = {}

    def open(self, _folder: Path, cardinality: str = "single", **options: Any) -> SqlAlchemyStore:
        """A store with nothing in it; the one before is gone."""
        if self._hosted:
            return self._on_a_shop(cardinality, **options)
        made = self._made.get(cardinality)
        if made is None:
            made = SqlAlchemyStore.open(self._databases.new(self._kind), cardinality=cardinality)
            made.upgrade()
            self._made[cardinality] = made
        emptied(made.engine, made._tables, cardinality=cardinality)
        if self._plain:
            return SqlAlchemyStore.open(self._plain_engine(made), cardinality=cardinality, **options)
        return SqlAlchemyStore.open(made.engine, cardinality=cardinality, **options)

    def _on_a_shop(self, cardinality: str, **options: Any) -> SqlAlchemyStore:
        """The same over a shop's own tables."""
        made = self._made.get(cardinality)
        if not isinstance(made, HostShopStore):
            engine = create_engine(self._databases.new(self._kind))
            self._made[cardinality] = made = HostShopStore.on(engine, cardinality=cardinality, **options)
            self._engines[made] = engine
        emptied(made.engine, made._tables, cardinality=cardinality)
        with made.engine.begin() as connection:
            for table in reversed(made.shop.metadata.sorted_tables):
                connection.execute(delete(table))
        return HostShopStore.again(made.engine, cardinality=cardinality, **options)

    def _plain_engine(self, made: SqlAlchemyStore) -> Engine:
        if made not in self._engines:
            self._engines[made] = create_engine(made.engine.url)
        return self._engines[made]

    def close(self) -> None:
        """Close the connections, so that nothing stands in the way of dropping it all."""
        for engine in self._engines.values():
            engine.dispose()
        for store in self._made.values():
            store.close()


@pytest.fixture(scope="class", autouse=True)
def _server(request: pytest.FixtureRequest, databases: Databases) -> Iterator[None]:
    """Everything of one class happens in the same databases."""
    databases.require(request.cls.kind)
    wanted = {how: getattr(request.cls, how, False) for how in ("plain", "hosted")}
    server = Server(databases, request.cls.kind, **wanted)
    request.cls.store = staticmethod(server.open)
    usual = settings.get_current_profile_name()
    settings.register_profile("server", settings.get_profile(usual), max_examples=settings().max_examples // 2)
    settings.load_profile("server")  # the same questions as on SQLite, over fewer worlds: each costs a round trip
    yield
    settings.load_profile(usual)
    server.close()


class TestPostgresqlStore(StoreContract):
    """PostgreSQL, text keys."""

    kind: ClassVar[str] = "postgresql"


class TestPostgresqlScopes(ScopeContract):
    """PostgreSQL answers every scope as Python does."""

    kind: ClassVar[str] = "postgresql"


class TestPostgresqlHostTables(StoreContract):
    """PostgreSQL, with customers in tables of a host, whose key sorts as its database likes."""

    kind: ClassVar[str] = "postgresql"
    hosted: ClassVar[bool] = True


class TestPostgresqlHostTablesScopes(ScopeContract):
    """PostgreSQL answers every scope about a host's customers as Python does."""

    kind: ClassVar[str] = "postgresql"
    hosted: ClassVar[bool] = True


class TestMariadbStore(StoreContract):
    """MariaDB, text keys."""

    kind: ClassVar[str] = "mariadb"


class TestMariadbScopes(ScopeContract):
    """MariaDB answers every scope as Python does."""

    kind: ClassVar[str] = "mariadb"


class TestMariadbScopesOnAHostsEngine(ScopeContract):
    """MariaDB through connections that compare texts as the server likes: case and blanks at the end do not count.

    So do those of a shop with tables of its own, below, where all the rest is asked too.
    """

    kind: ClassVar[str] = "mariadb"
    plain: ClassVar[bool] = True


class TestMariadbHostTables(StoreContract):
    """MariaDB, with customers in tables of a host, whose texts compare without case and blanks at the end."""

    kind: ClassVar[str] = "mariadb"
    hosted: ClassVar[bool] = True


class TestMariadbHostTablesScopes(ScopeContract):
    """MariaDB answers every scope about a host's customers as Python does."""

    kind: ClassVar[str] = "mariadb"
    hosted: ClassVar[bool] = True
