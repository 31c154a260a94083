"""Where stories happen: a small shop on every store. Helpers that are no tests lie in ``tests/support``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from ownership_core import Ownership, Settings, load_settings
from ownership_core.fields import Fields
from ownership_core.keys import KeyType
from ownership_core.ports import Store
from ownership_core.testing.memory import MemoryStore

sys.path.insert(0, str(Path(__file__).parent / "support"))

from shop import Clock, OpenShop, Shop

Opener: TypeAlias = Callable[..., AbstractContextManager[Store]]

STORES = os.environ.get("OWNERSHIP_TEST_STORES", "memory sqlite").split()
"""Where the stories happen; `tox -e statements` has them happen on servers and in a site."""


@pytest.fixture(params=STORES)
def open_shop(request: pytest.FixtureRequest) -> Iterator[OpenShop]:
    """``open_shop("multi", sharing="per_website", plugins={...})``: an empty shop with the admin ``ada``."""
    if request.param == "django" and request.node.get_closest_marker("meanwhile"):
        pytest.skip("a thread of a site has one connection")
    with ExitStack() as until_then:
        opener = request.getfixturevalue(f"_{request.param}")

        def open_one(
            cardinality: str = "single",
            plugins: dict[str, object] | None = None,
            customer_key: KeyType = KeyType.TEXT,
            staff_key: KeyType = KeyType.TEXT,
            **settings: Any,
        ) -> Shop:
            chosen = load_settings({"cardinality": cardinality, **settings})
            keys = {"customer_key": customer_key, "staff_key": staff_key}
            store = until_then.enter_context(opener(cardinality, **keys, fields=Fields.declare(chosen.fields)))
            return Shop(store, chosen, plugins)

        yield open_one


@pytest.fixture
def _memory() -> Opener:
    @contextmanager
    def opened(cardinality: str, **options: Any) -> Iterator[Store]:
        store = MemoryStore(cardinality=cardinality, **options)
        _found(store, cardinality, options["staff_key"])
        yield store

    return opened


@pytest.fixture(scope="session")
def _sqlite() -> Iterator[Opener]:
    """A file and its engine are gone on with when a test is over, and its first rows put back."""
    pytest.importorskip("ownership_sqlalchemy", exc_type=ImportError)
    from shelf import Shelf, migrated  # noqa: PLC0415 - only where the package is installed

    resting: dict[tuple[str, KeyType, KeyType], list[Shelf]] = {}

    @contextmanager
    def opened(cardinality: str, *, customer_key: KeyType, staff_key: KeyType, fields: Fields) -> Iterator[Store]:
        keys: dict[str, Any] = {"customer_key": customer_key, "staff_key": staff_key}

        def founded(file: Path, cardinality: str) -> Any:
            store = migrated(file, cardinality, **keys)
            _found(store, cardinality, staff_key)
            return store

        free = resting.setdefault((cardinality, customer_key, staff_key), [])
        shelf = free.pop() if free else Shelf(cardinality, founded)
        yield shelf.open(fields=fields, **keys)
        shelf.rest()
        free.append(shelf)

    yield opened
    for shelves in resting.values():
        for shelf in shelves:
            shelf.close()


@pytest.fixture(scope="session")
def _postgresql(databases: Any) -> Iterator[Opener]:
    yield from _on_server(databases, "postgresql")


@pytest.fixture(scope="session")
def _mariadb(databases: Any) -> Iterator[Opener]:
    yield from _on_server(databases, "mariadb")


@pytest.fixture(scope="session")
def _django(request: pytest.FixtureRequest) -> Iterator[Opener]:
    """The site of ``tests/django``, whose customers have texts for ids: one shop at a time."""
    blocker = request.getfixturevalue("django_db_blocker")
    from bazaar_store import bazaar_store, empty  # noqa: PLC0415 - only where there is a site
    from django.test.utils import setup_databases, teardown_databases  # noqa: PLC0415

    from ownership_django import conf  # noqa: PLC0415

    busy: list[str] = []

    @contextmanager
    def opened(cardinality: str, *, customer_key: KeyType, staff_key: KeyType, fields: Fields) -> Iterator[Store]:
        if busy:
            pytest.skip("a site is one shop, and this story has two")
        if (customer_key, staff_key) != (KeyType.TEXT, KeyType.TEXT):
            pytest.skip("the site's customers and staff have texts for ids")
        if not set(fields) <= set(conf.fields()):
            pytest.skip("the site declares its fields in its settings, and this story others")
        busy.append(cardinality)
        try:
            with blocker.unblock():
                store = bazaar_store(Path(), cardinality=cardinality)
                _found(store, cardinality, staff_key)
                yield store
                empty("single")
        finally:
            busy.clear()

    with blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False)
    yield opened
    with blocker.unblock():
        teardown_databases(made, verbosity=0)


def _on_server(databases: Any, kind: str) -> Iterator[Opener]:
    """Tables are made once for each kind of key and each shop a test has at a time; first rows are put back."""
    from databases import Rows, copied, emptied, refilled  # noqa: PLC0415 - only where servers are asked for

    from ownership_sqlalchemy import SqlAlchemyStore  # noqa: PLC0415

    made: list[SqlAlchemyStore] = []
    resting: dict[tuple[KeyType, KeyType], list[SqlAlchemyStore]] = {}
    founded: dict[tuple[object, ...], Rows] = {}

    @contextmanager
    def opened(cardinality: str, *, customer_key: KeyType, staff_key: KeyType, fields: Fields) -> Iterator[Store]:
        keys: dict[str, Any] = {"customer_key": customer_key, "staff_key": staff_key}
        free = resting.setdefault((customer_key, staff_key), [])
        if not free:
            made.append(SqlAlchemyStore.open(databases.new(kind), cardinality=cardinality, **keys))
            made[-1].upgrade()
            free.append(made[-1])
        tables = free.pop()
        store = SqlAlchemyStore.open(tables.engine, cardinality=cardinality, fields=fields, **keys)
        new = cardinality, customer_key, staff_key
        if new in founded:
            refilled(tables.engine, tables._tables, founded[new])
        else:
            emptied(tables.engine, tables._tables, cardinality=cardinality)
            _found(store, cardinality, staff_key)
            founded[new] = copied(tables.engine, tables._tables)
        yield store
        free.append(tables)

    yield opened
    for store in made:
        store.close()


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """A shop in single."""
    return open_shop()


@pytest.fixture
def multi(open_shop: OpenShop) -> Shop:
    """A shop in multi."""
    return open_shop("multi")


def _found(store: Store, cardinality: str, staff_key: KeyType) -> None:
    admins = {KeyType.TEXT: "ada", KeyType.INTEGER: "1", KeyType.UUID: "018bcfe5-6800-7000-8000-000000000001"}
    Ownership(store, Settings(cardinality=cardinality), clock=Clock()).bootstrap(admins[staff_key], "Ada", "root")
