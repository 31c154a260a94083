"""Where the measured shops are kept: files of SQLite, and schemas of a PostgreSQL server that somebody named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from attrs import frozen
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from bench.load import load
from bench.shop import Shop
from ownership_core.policies import SINGLE
from ownership_sqlalchemy.store import SqlAlchemyStore

VARIABLE = "OWNERSHIP_TEST_POSTGRES_URL"
_IN_HASTE = {
    "sqlite": ("PRAGMA synchronous = OFF", "PRAGMA cache_size = -1000000"),
    "postgresql": ("SET session_replication_role = replica",),
}
"""How a connection that only loads is set: a lost load is begun again, and the rows are known to fit."""


@frozen
class Place:
    """One shop in one database: a store, and a connection of the driver beside it."""

    kind: str
    shop: Shop
    store: SqlAlchemyStore
    raw: Any

    @property
    def postgresql(self) -> bool:
        """Whether it is a server; else it is SQLite."""
        return self.kind == "PostgreSQL"


def kinds() -> list[str]:
    """SQLite always, PostgreSQL where a server is named."""
    return ["SQLite", *(["PostgreSQL"] if os.environ.get(VARIABLE) else [])]


@contextmanager
def opened(kind: str, shop: Shop, folder: Path, *, keep: bool) -> Iterator[Place]:
    """The shop, loaded anew unless it was kept from an earlier run."""
    name = f"bench_{shop.customers}_{shop.seed}_{'single' if shop.single else 'multi'}_{shop.keys.value}"
    made = _schema(name) if kind == "PostgreSQL" else f"sqlite:///{folder / name}.db"
    cardinality = SINGLE if shop.single else "multi"
    store = SqlAlchemyStore.open(made, cardinality=cardinality, customer_key=shop.keys, staff_key=shop.keys)
    try:
        if store.revision() is None or not _loaded(store, shop):
            _fill(store, shop)
        connection = store.engine.raw_connection()
        try:
            yield Place(kind, shop, store, connection.driver_connection)
        finally:
            connection.close()
    finally:
        store.close()
        if not keep and kind == "PostgreSQL":
            drop_schema(name)


def _loaded(store: SqlAlchemyStore, shop: Shop) -> bool:
    with store.engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM ownership_customer")) or 0) == shop.customers


def _fill(store: SqlAlchemyStore, shop: Shop) -> None:
    began = perf_counter()
    store.upgrade()
    with store.engine.connect() as connection:
        for statement in _IN_HASTE[connection.dialect.name]:
            connection.exec_driver_sql(statement)
        load(connection, shop)
        connection.commit()
        connection.invalidate()  # what was set is gone with it
    if store.engine.dialect.name == "postgresql":
        vacuum(store, (*WRITTEN, "customer", "customer_value", "staff", "staff_department"))
    print(f"loaded {shop.customers:,} customers in {perf_counter() - began:.0f} s", flush=True)


WRITTEN = ("assignment", "event", "head", "plan_item", "run")


def vacuum(store: SqlAlchemyStore, tables: tuple[str, ...] = WRITTEN) -> None:
    """Take away dead rows and count afresh, so that no round pays for the one before."""
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"VACUUM ANALYZE {', '.join(f'ownership_{name}' for name in tables)}"))


def _schema(name: str) -> Any:
    make_schema(name)
    return make_url(os.environ[VARIABLE]).update_query_dict({"options": f"-csearch_path={name}"})


def make_schema(name: str) -> None:
    """A schema of its own for a measured shop, unless it is there."""
    with _server().connect() as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {name}"))


def drop_schema(name: str) -> None:
    """The schema and all that is in it."""
    with _server().connect() as connection:
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))


def _server() -> Any:
    return create_engine(os.environ[VARIABLE], isolation_level="AUTOCOMMIT")
