"""Random lives of a small shop, on the store inside Django beside the reference: the same answers, word for word.

The lives are those of ``tests/laws``. Proven by breaking it: fails when the store does not promote, when it forgets
to raise an access version, and when a refusal is told in other words.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bazaar.settings import KEY
from bazaar_store import bazaar_store, empty
from django.db import connection

from ownership_django.doctor import unexplained

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.laws.elsewhere import CARDINALITIES, Elsewhere, go_on

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(KEY != "text", reason="the customers of the lives have texts for ids"),
]


@pytest.fixture
def _django_db_helper(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """No transaction around a test, so each command begins its own; all rows go afterwards."""
    with django_db_blocker.unblock():
        yield
        empty("single")


class InDjango(Elsewhere):
    """Beside the store inside Django."""

    def store(self) -> Any:
        """Its tables are emptied for each life."""
        return bazaar_store(Path(), cardinality=self.cardinality)

    def looks_behind(self, store: Any) -> None:
        """Every row refers to one that is there, and events explain them all."""
        if connection.vendor == "sqlite":  # servers refuse such a row themselves, and are slow to be asked
            connection.check_constraints()
        with store.reader() as reader:
            assert list(unexplained(reader)) == []


@pytest.mark.parametrize("cardinality", CARDINALITIES)
def test_random_lives_go_on_as_everywhere(cardinality: str) -> None:
    """I12: whatever happens, in any order, under each cardinality."""
    go_on(InDjango, cardinality, 3)
