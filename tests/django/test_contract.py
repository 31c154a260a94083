"""The store over Django's ORM keeps the contract every store keeps, and answers every scope as Python does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bazaar.settings import KEY
from bazaar_store import bazaar_store, empty

from ownership_core.testing.contracts import ScopeContract, StoreContract

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(KEY != "text", reason="the contracts' customers have texts for ids"),
]


@pytest.fixture
def _django_db_helper(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """No transaction around a test, so each writer begins its own, and no flush, which takes servers seconds.

    Whoever opens a store empties it first.
    """
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="module", autouse=True)
def nothing_left(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Other tests find the database as it was made."""
    yield
    with django_db_blocker.unblock():
        empty("single")


class TestDjangoStore(StoreContract):
    """Each writer begins its own transaction."""

    store = staticmethod(bazaar_store)


class TestDjangoScopes(ScopeContract):
    """Conditions of the ORM, and the statements they stand in."""

    store = staticmethod(bazaar_store)
