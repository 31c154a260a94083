"""The store keeps the contract every store keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
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


def _open(_folder: Path, cardinality: str = "single", **options: Any) -> SqlAlchemyStore:
    if cardinality not in _SHELVES:
        _SHELVES[cardinality] = Shelf(cardinality)
    return _SHELVES[cardinality].open(**options)


class TestSqlAlchemyStore(StoreContract):
    """SQLite, text keys."""

    store = staticmethod(_open)


class TestSqlAlchemyScopes(ScopeContract):
    """SQLite answers every scope as Python does."""

    store = staticmethod(_open)
