"""Random lives of a small shop, on the store inside Django beside the reference: the same answers, word for word.

The lives are those of ``tests/laws``. Proven by breaking it: fails when the store does not promote, when it forgets
to raise an access version, and when a refusal is told in other words.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bazaar.settings import KEY
from bazaar_store import bazaar_store, empty
from django.db import connection
from hypothesis import Phase, note
from hypothesis import settings as profile
from hypothesis.stateful import initialize, run_state_machine_as_test

from ownership_core import Ownership, Settings
from ownership_django.doctor import unexplained

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.laws import model_start as start
from tests.laws.both import Clock
from tests.laws.people import SEEDS
from tests.laws.test_stateful import STEPS, Life

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


def founded(settings: Settings, clock: Clock) -> Ownership:
    """The shop every life begins with, made by the same commands at the same times, under the same run ids."""
    store = bazaar_store(Path(), cardinality=settings.cardinality)
    then = Clock()
    chosen = Settings(cardinality=settings.cardinality, operator=True, at_most=2)
    shop = start.opened(store, chosen, then, 1)
    for command in (*start.BASE, *start.SEVERAL[settings.cardinality], start.LEAVER):
        then.passes()
        shop.execute(command, start.OPERATOR)
    return start.opened(store, settings, clock, 1000)


class InSingle(Life):
    """One staff for each customer; the store inside Django stands in for SQLite."""

    @initialize(seed=SEEDS)
    def opens(self, seed: int) -> None:
        """A shop with a few people and customers, under any policies."""
        chosen = start.settings(Random(seed), self.cardinality)
        note(f"{chosen}")
        self.clock, self.shops, self.model = start.beginning(chosen, Path(self.folder.name, "o.db"))
        self.rehearses()
        self.shops[1].store.close()  # type: ignore[attr-defined]
        self.shops[1] = founded(chosen, self.clock)

    def looks_behind(self, store: Any) -> None:
        """Every row refers to one that is there, and events explain them all."""
        if connection.vendor == "sqlite":  # servers refuse such a row themselves, and are slow to be asked
            connection.check_constraints()
        with store.reader() as reader:
            assert list(unexplained(reader)) == []


class InMulti(InSingle):
    """Any number of staff."""

    cardinality = "multi"


class InAtMost(InSingle):
    """Two staff at most."""

    cardinality = "at_most"


@pytest.mark.parametrize("life", [InSingle, InMulti, InAtMost], ids=lambda life: life.cardinality)
def test_random_lives_go_on_as_everywhere(life: type[Life]) -> None:
    """I12: whatever happens, in any order, under each cardinality.

    A life that goes wrong is told step by step, and not made shorter: that would take minutes on a server.
    """
    examples = max(4, profile.default.max_examples // 10)
    run_state_machine_as_test(
        life, settings=profile(max_examples=examples, stateful_step_count=STEPS, phases=[Phase.generate])
    )
