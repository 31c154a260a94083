"""Random lives whose second store is another one than SQLite in a file: on a server, or inside Django."""

from __future__ import annotations

from typing import Any

from hypothesis import Phase
from hypothesis import settings as profile
from hypothesis.stateful import initialize, run_state_machine_as_test

from . import model_start as start
from .people import SEEDS
from .test_stateful import STEPS, Life

CARDINALITIES = ("single", "multi", "at_most")


class Elsewhere(Life):
    """A life beside which another store stands in for SQLite."""

    def store(self) -> Any:
        """An empty store under this cardinality."""
        raise NotImplementedError

    @initialize(seed=SEEDS)
    def opens(self, seed: int) -> None:
        """A shop with a few people and customers, under any policies."""
        super().opens(seed)
        self.shops[1].store.close()  # type: ignore[attr-defined]
        self.shops[1] = start.founded(self.store(), self.shops[0].settings, self.clock)


def go_on(life: type[Elsewhere], cardinality: str, least: int, **more: Any) -> None:
    """Run lives under a cardinality, ``least`` of them or more.

    One that goes wrong is told step by step, and not made shorter: that would take minutes on a server.
    """
    examples = max(least, profile.default.max_examples // 10)
    chosen = profile(max_examples=examples, stateful_step_count=STEPS, phases=[Phase.generate])
    run_state_machine_as_test(type(life.__name__, (life,), {"cardinality": cardinality, **more}), settings=chosen)
