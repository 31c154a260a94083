"""Where stories happen: a small shop on every store. Helpers that are no tests lie in ``tests/support``."""

from __future__ import annotations

import os
import shutil
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
"""Where the stories happen; `tox -e statements` has them happen on servers."""


@pytest.fixture(scope="session")
def _templates(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A database with its tables and first admin, made once for each cardinality and kind of key."""
    made: dict[tuple[object, ...], Path] = {}

    def template(cardinality: str, customer_key: KeyType, staff_key: KeyType) -> Path:
        key = (cardinality, customer_key, staff_key)
        if key not in made:
            made[key] = tmp_path_factory.mktemp("template") / "shop.db"
            options: dict[str, Any] = {
                "cardinality": cardinality,
                "customer_key": customer_key,
                "staff_key": staff_key,
            }
            store = _in_file(made[key], upgrade=True, **options)
            _found(store, cardinality, staff_key)
            store.close()
        return made[key]

    return template


@pytest.fixture(params=STORES)
def open_shop(request: pytest.FixtureRequest) -> Iterator[OpenShop]:
    """``open_shop("multi", sharing="per_website", plugins={...})``: an empty shop with the admin ``ada``."""
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
def _sqlite(tmp_path_factory: pytest.TempPathFactory, _templates: Callable[..., Path]) -> Opener:
    """A store is gone on with when its test is over: to compile all statements anew takes longer than most tests."""
    folder = tmp_path_factory.mktemp("shops")
    resting: dict[str, list[tuple[Path, Any]]] = {}

    @contextmanager
    def opened(cardinality: str, **options: Any) -> Iterator[Store]:
        template = _templates(cardinality, options["customer_key"], options["staff_key"])
        free = resting.setdefault(repr((template, options)), [])
        if not free:
            file = folder / f"shop-{len(list(folder.glob('shop-*.db')))}.db"
            shutil.copyfile(template, file)
            free.append((file, _in_file(file, cardinality=cardinality, **options)))
        file, store = free.pop()
        shutil.copyfile(template, file)
        yield store
        store.close()
        free.append((file, store))

    return opened


@pytest.fixture(scope="session")
def _postgresql(databases: Any) -> Iterator[Opener]:
    yield from _on_server(databases, "postgresql")


@pytest.fixture(scope="session")
def _mariadb(databases: Any) -> Iterator[Opener]:
    yield from _on_server(databases, "mariadb")


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


def _in_file(file: Path, *, upgrade: bool = False, **options: Any) -> Any:
    ownership_sqlalchemy = pytest.importorskip("ownership_sqlalchemy", exc_type=ImportError)
    store = ownership_sqlalchemy.SqlAlchemyStore.open(f"sqlite:///{file}", **options)
    if upgrade:
        store.upgrade()
    return store
