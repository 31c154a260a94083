"""A store on a host's own tables keeps the contract every store keeps; ``test_servers.py`` asks the servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostshop import HostShopStore, shop_on_sqlite
from shelf import Shelf

from ownership_core.testing.contracts import ScopeContract, StoreContract
from ownership_sqlalchemy import SqlAlchemyStore

_SHELVES: dict[str, Shelf] = {}


@pytest.fixture(scope="module", autouse=True)
def shelves() -> Iterator[None]:
    """Nothing is left when the tests are over."""
    yield
    while _SHELVES:
        _SHELVES.popitem()[1].close()


def _on_sqlite(_folder: Path, cardinality: str = "single", **options: Any) -> SqlAlchemyStore:
    if cardinality not in _SHELVES:
        _SHELVES[cardinality] = Shelf(cardinality, shop_on_sqlite, HostShopStore.again)
    return _SHELVES[cardinality].open(**options)


class TestHostTables(StoreContract):
    """SQLite, with customers in tables of a host."""

    store = staticmethod(_on_sqlite)


class TestHostTablesScopes(ScopeContract):
    """SQLite answers every scope about a host's customers as Python does."""

    store = staticmethod(_on_sqlite)
