"""The measured site: the example shop with django-guardian beside us, and one database for each measured shop.

One process asks several databases, so a router says which of them is meant now.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import django
from attrs import frozen
from django.conf import settings
from django.db import connection, connections
from django.test.utils import override_settings
from sqlalchemy.engine import make_url

from bench.place import VARIABLE, drop_schema, make_schema
from bench.shop import Shop
from ownership_core.policies import SINGLE

EXAMPLE = Path(__file__).parents[2] / "examples" / "django_shop"
BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "ownership_django.backend.OwnershipBackend",
    "guardian.backends.ObjectPermissionBackend",
]


@frozen
class Site:
    """One shop in one database of the site."""

    kind: str
    shop: Shop
    alias: str

    @property
    def postgresql(self) -> bool:
        """Whether it is a server; else it is SQLite."""
        return self.kind == "PostgreSQL"

    @property
    def connection(self) -> Any:
        """Django's connection to it."""
        return connections[self.alias]


class Router:
    """Everything stands in the database that is measured now."""

    here = "default"

    def db_for_read(self, _model: Any, **_hints: Any) -> str:
        """The measured one."""
        return Router.here

    db_for_write = db_for_read

    def allow_relation(self, *_rows: Any, **_hints: Any) -> bool:
        """All rows are of one database."""
        return True


def configure() -> None:
    """The example's own settings, with guardian added. Call it before models are asked for."""
    sys.path.insert(0, str(EXAMPLE))
    example = import_module("project.settings")
    chosen = {name: getattr(example, name) for name in dir(example) if name.isupper()}
    settings.configure(
        **{
            **chosen,
            "DEBUG": False,
            "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            "DATABASE_ROUTERS": ["bench.django.site.Router"],
            "INSTALLED_APPS": [*example.INSTALLED_APPS, "guardian"],
            "AUTHENTICATION_BACKENDS": BACKENDS,
            "ANONYMOUS_USER_NAME": None,  # no row of guardian's among the users
        }
    )
    django.setup()


@contextmanager
def opened(kind: str, shop: Shop, folder: Path, *, keep: bool) -> Iterator[Site]:
    """The shop, loaded anew unless it was kept from an earlier run."""
    from bench.django.load import load  # noqa: PLC0415 - models are ready now

    name = f"bench_django_{shop.customers}_{shop.seed}_{'single' if shop.single else 'multi'}"
    connections.settings[name] = _database(kind, name, folder)
    site = Site(kind, shop, name)
    cardinality = SINGLE if shop.single else "multi"
    ownership = {**settings.OWNERSHIP, "DATABASE": name, "SETTINGS": _settings(cardinality)}
    try:
        with override_settings(OWNERSHIP=ownership), _here(name):
            load(site)
            yield site
    finally:
        site.connection.close()
        del connections[name], connections.settings[name]
        if not keep and kind == "PostgreSQL":
            drop_schema(name)


def _settings(cardinality: str) -> dict[str, Any]:
    """Websites kept apart, and long lists of ids allowed."""
    return {"cardinality": cardinality, "sharing": "per_website", "limits": {"ids": 200_000}}


@contextmanager
def _here(alias: str) -> Iterator[None]:
    Router.here, before = alias, Router.here
    try:
        yield
    finally:
        Router.here = before


def _database(kind: str, name: str, folder: Path) -> dict[str, Any]:
    if kind == "SQLite":
        chosen: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / f"{name}.sqlite3")}
    else:
        make_schema(name)
        url = make_url(os.environ[VARIABLE])
        chosen = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": url.database,
            "USER": url.username or "",
            "PASSWORD": url.password or "",
            "HOST": url.host or "",
            "PORT": str(url.port or ""),
            # As docs/django.md advises, for both sides.
            "OPTIONS": {"options": f"-csearch_path={name}", "server_side_binding": True, "prepare_threshold": 5},
        }
    filled: dict[str, Any] = connections.configure_settings({"default": chosen})["default"]
    return filled


__all__ = ["BACKENDS", "Router", "Site", "configure", "connection", "opened"]
