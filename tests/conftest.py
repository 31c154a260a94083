"""Where stories happen: a small shop on every store. Helpers that are no tests lie in ``tests/support``."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ownership_core import Ownership, Settings, load_settings
from ownership_core.fields import Fields
from ownership_core.keys import KeyType
from ownership_core.ports import Store
from ownership_core.testing.memory import MemoryStore

sys.path.insert(0, str(Path(__file__).parent / "support"))

from shop import Clock, OpenShop, Shop


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
            store = _sqlite(made[key], upgrade=True, **options)
            _found(store, cardinality, staff_key)
            store.close()
        return made[key]

    return template


@pytest.fixture(params=["memory", "sqlite"])
def open_shop(request: pytest.FixtureRequest, tmp_path: Path, _templates: Callable[..., Path]) -> Iterator[OpenShop]:
    """``open_shop("multi", sharing="per_website", plugins={...})``: an empty shop with the admin ``ada``."""
    opened: list[Any] = []

    def open_one(
        cardinality: str = "single",
        plugins: dict[str, object] | None = None,
        customer_key: KeyType = KeyType.TEXT,
        staff_key: KeyType = KeyType.TEXT,
        **settings: Any,
    ) -> Shop:
        chosen = load_settings({"cardinality": cardinality, **settings})
        options: dict[str, Any] = {
            "cardinality": cardinality,
            "customer_key": customer_key,
            "staff_key": staff_key,
            "fields": Fields.declare(chosen.fields),
        }
        store: Store
        if request.param == "memory":
            store = MemoryStore(**options)
            _found(store, cardinality, staff_key)
        else:
            copy = tmp_path / f"shop-{len(opened)}.db"
            shutil.copyfile(_templates(cardinality, customer_key, staff_key), copy)
            store = _sqlite(copy, **options)
            opened.append(store)
        return Shop(store, chosen, plugins)

    yield open_one
    for store in opened:
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


def _sqlite(file: Path, *, upgrade: bool = False, **options: Any) -> Any:
    ownership_sqlalchemy = pytest.importorskip("ownership_sqlalchemy", exc_type=ImportError)
    store = ownership_sqlalchemy.SqlAlchemyStore.open(f"sqlite:///{file}", **options)
    if upgrade:
        store.upgrade()
    return store
