"""The same random lives on PostgreSQL and MariaDB, each beside the store in memory and the model in plain dicts."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import Phase
from hypothesis import settings as profile
from hypothesis.stateful import initialize, run_state_machine_as_test

from ownership_core import Ownership, Settings

from . import model_start as start
from .both import Clock, on_server
from .people import SEEDS
from .test_stateful import STEPS, Life


class InSingle(Life):
    """One staff for each customer; a server's store stands in for SQLite."""

    kind: ClassVar[str]

    @initialize(seed=SEEDS)
    def opens(self, seed: int) -> None:
        """A shop with a few people and customers, under any policies."""
        super().opens(seed)
        self.shops[1].store.close()  # type: ignore[attr-defined]
        self.shops[1] = self.founded(self.shops[0].settings)

    def founded(self, settings: Settings) -> Ownership:
        """The shop every life begins with, made by the same commands at the same times, under the same run ids."""
        store, then = on_server(self.kind, settings.cardinality), Clock()
        shop = start.opened(store, Settings(cardinality=settings.cardinality, operator=True, at_most=2), then, 1)
        for command in (*start.BASE, *start.SEVERAL[settings.cardinality], start.LEAVER):
            then.passes()
            shop.execute(command, start.OPERATOR)
        return start.opened(store, settings, self.clock, 1000)

    def teardown(self) -> None:
        """The next life goes on with the same tables."""
        self.folder.cleanup()

    def looks_behind(self, store: object) -> None:
        """A server refuses a loose row by itself."""


class InMulti(InSingle):
    """Any number of staff."""

    cardinality = "multi"


class InAtMost(InSingle):
    """Two staff at most."""

    cardinality = "at_most"


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
@pytest.mark.parametrize("life", [InSingle, InMulti, InAtMost], ids=lambda life: life.cardinality)
def test_random_lives_go_on_as_everywhere(life: type[InSingle], kind: str) -> None:
    """I12: whatever happens, in any order, under each cardinality.

    A life that goes wrong is told step by step, and not made shorter: that would take minutes on a server.
    """
    life.kind = kind
    examples = max(3, profile.default.max_examples // 10)
    chosen = profile(max_examples=examples, stateful_step_count=STEPS, phases=[Phase.generate], deadline=None)
    run_state_machine_as_test(life, settings=chosen)
