"""PostgreSQL and MariaDB keep the contract every store keeps, wherever a server is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from databases import Databases, emptied
from hypothesis import settings
from sqlalchemy import Engine, create_engine

from ownership_core.testing.contracts import ScopeContract, StoreContract
from ownership_sqlalchemy import SqlAlchemyStore


class Server:
    """Empty stores on one server: made once for each cardinality, and emptied for each store."""

    def __init__(self, databases: Databases, kind: str, *, plain: bool) -> None:
        self._databases = databases
        self._kind = kind
        self._plain = plain
        self._made: dict[str, SqlAlchemyStore] = {}
        self._engines: dict[SqlAlchemyStore, Engine] = {}

    def open(self, _folder: Path, cardinality: str = "single", **options: Any) -> SqlAlchemyStore:
        """A store with nothing in it; the one before is gone."""
        made = self._made.get(cardinality)
        if made is None:
            made = SqlAlchemyStore.open(self._databases.new(self._kind), cardinality=cardinality)
            made.upgrade()
            self._made[cardinality] = made
        emptied(made.engine, made._tables)
        if self._plain:
            return SqlAlchemyStore.open(self._plain_engine(made), cardinality=cardinality, **options)
        return SqlAlchemyStore.open(made.engine, cardinality=cardinality, **options)

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
    server = Server(databases, request.cls.kind, plain=getattr(request.cls, "plain", False))
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


class TestMariadbStore(StoreContract):
    """MariaDB, text keys."""

    kind: ClassVar[str] = "mariadb"


class TestMariadbScopes(ScopeContract):
    """MariaDB answers every scope as Python does."""

    kind: ClassVar[str] = "mariadb"


class TestMariadbStoreOnAHostsEngine(StoreContract):
    """MariaDB through connections that compare texts as the server likes: case and blanks at the end do not count."""

    kind: ClassVar[str] = "mariadb"
    plain: ClassVar[bool] = True


class TestMariadbScopesOnAHostsEngine(ScopeContract):
    """The same for every scope."""

    kind: ClassVar[str] = "mariadb"
    plain: ClassVar[bool] = True
