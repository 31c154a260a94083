"""Customer ownership kept in SQL: the store of ``ownership-core`` on SQLAlchemy Core."""

from ownership_sqlalchemy import schema
from ownership_sqlalchemy.store import SqlAlchemyStore

__all__ = ["SqlAlchemyStore", "schema"]
