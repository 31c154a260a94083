"""What this distribution brings to ``ownership-core``: the store the settings call ``sqlalchemy``."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from ownership_core.fields import Fields
from ownership_core.hookspecs import API_VERSION, Card, hookimpl
from ownership_core.ports import Store
from ownership_core.settings import Settings

NAME = "sqlalchemy"


@hookimpl
def ownership_store(settings: Settings, fields: Fields) -> Store | None:
    """The store on ``settings.database``, opened and not changed."""
    if settings.store != NAME:
        return None
    from ownership_sqlalchemy.store import SqlAlchemyStore  # noqa: PLC0415 - a plugin list needs no SQLAlchemy

    return SqlAlchemyStore.open(settings.database, fields=fields, cardinality=settings.cardinality)


@hookimpl
def ownership_card() -> Card:
    """Who we are."""
    return Card(NAME, _version(), API_VERSION, "Keeps everything in SQL: SQLite, PostgreSQL, MariaDB.")


def _version() -> str:
    try:
        return version("ownership-sqlalchemy")
    except PackageNotFoundError:  # run from a source tree
        return "0.1.0"
