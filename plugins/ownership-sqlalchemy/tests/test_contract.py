"""The store keeps the contract every store keeps."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from ownership_core.testing.contracts import ScopeContract, StoreContract
from ownership_sqlalchemy import SqlAlchemyStore, schema


@cache
def _migrated(cardinality: str) -> bytes:
    """An empty database with all tables: made once, copied for every example."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "o.db"
        schema.upgrade(f"sqlite:///{path}", cardinality=cardinality)
        return path.read_bytes()


def _opened(folder: Path, cardinality: str = "single", **options: Any) -> SqlAlchemyStore:
    path = folder / "o.db"
    path.write_bytes(_migrated(cardinality))
    return SqlAlchemyStore.open(f"sqlite:///{path}", cardinality=cardinality, **options)


class TestSqlAlchemyStore(StoreContract):
    """SQLite, text keys."""

    store = staticmethod(_opened)


class TestSqlAlchemyScopes(ScopeContract):
    """SQLite, text keys."""

    store = staticmethod(_opened)
