"""An Oscar shop, brought up once for all tests, each of which leaves it as it was.

It needs a process of its own, for its own settings, and django-oscar, which has an environment of its own
(``tox -e oscar``). Elsewhere the tests are skipped.
"""

# ruff: noqa: PLC0415 - where there is no Oscar the tests are skipped, and these modules cannot be imported
from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from django.test import Client

HERE = Path(__file__).parent
EXAMPLE = HERE.parent.parent / "examples" / "django_oscar"
SETTINGS = "oscar_settings"


def _missing() -> str | None:
    """Why there can be no shop here."""
    if find_spec("oscar") is None:
        return "django-oscar: pip install 'django-oscar[sorl-thumbnail]==4.2.*'"
    if os.environ.get("OSCAR_DB") == "postgresql" and not os.environ.get("OWNERSHIP_TEST_POSTGRES_URL"):
        return "PostgreSQL: set OWNERSHIP_TEST_POSTGRES_URL"
    if os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS) != SETTINGS:
        return "a process of their own: pytest tests/oscar"
    return None


MISSING = _missing()
if MISSING is None:
    sys.path[:0] = [str(HERE), str(EXAMPLE)]
    import django

    django.setup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The search of the example keeps no index, and says so whenever a product is saved."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:update is not implemented:UserWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore:remove is not implemented:UserWarning"))


@pytest.fixture(scope="session")
def oscar_here(require: Callable[[str], NoReturn]) -> None:
    """Ends a test where there is no Oscar."""
    if MISSING is not None:
        require(MISSING)


@pytest.fixture(scope="session")
def brought_up() -> dict[str, int]:
    """The customers of the shop, by name."""
    return {}


@pytest.fixture(scope="session")
def django_db_setup(
    oscar_here: None, django_db_setup: None, django_db_blocker: Any, brought_up: dict[str, int]
) -> None:
    """The example's one line, in the database of the tests."""
    with django_db_blocker.unblock(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Oscar's factories, and of a search that keeps no index
        from bring_up import bring_up

        brought_up.update(bring_up())


@pytest.fixture
def customers(db: None, brought_up: dict[str, int]) -> dict[str, int]:
    """The key of each customer, by name."""
    return brought_up


@pytest.fixture
def browser(db: None) -> Callable[[str], Client]:
    """Somebody of the shop, logged in through Oscar's own form."""
    from django.test import Client

    def log_in(name: str) -> Client:
        client = Client()
        form = {"login-username": f"{name}@shop.example", "login-password": "shop", "login_submit": "Log In"}
        answer = client.post("/accounts/login/", form)
        assert answer.status_code == 302, answer.content.decode()[:2000]
        return client

    return log_in
