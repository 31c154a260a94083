"""Customer ownership kept in SQL: the store of ``ownership-core`` on SQLAlchemy Core.

SQLAlchemy is imported when the store is first asked for: listing plugins, or ``ownership --help``, needs none of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ownership_sqlalchemy import schema
    from ownership_sqlalchemy.host import HostTables
    from ownership_sqlalchemy.store import SqlAlchemyStore

__all__ = ["HostTables", "SqlAlchemyStore", "schema"]


def __getattr__(name: str) -> Any:
    if name == "SqlAlchemyStore":
        return import_module("ownership_sqlalchemy.store").SqlAlchemyStore
    if name == "HostTables":
        return import_module("ownership_sqlalchemy.host").HostTables
    if name == "schema":
        return import_module("ownership_sqlalchemy.schema")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
