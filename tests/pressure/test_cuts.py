"""A connection that breaks at any step of a write: before or after, a code for it, and a key that resolves it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from ledger import contradictions
from steps import ANSWERED, ASKED, StepProxy

from ownership_core import Actor, Assign, ChangeStaff, CreateCustomer, NewCustomer, Ownership, load_settings
from ownership_core.errors import StoreError
from ownership_sqlalchemy import SqlAlchemyStore

ADA = Actor.staff("ada")


@pytest.fixture
def near(place: Any, server: str) -> Any:
    """A shop with three customers, on a connection that never breaks."""
    one = place(server, cardinality="multi")
    one.does(*(ChangeStaff(who, create=True, label=who) for who in ("s0", "s1")))
    one.does(CreateCustomer([NewCustomer("c0"), NewCustomer("c1"), NewCustomer("c2")]))
    return one


@pytest.fixture
def proxy(near: Any, server: str) -> Iterator[StepProxy]:
    """Between a shop and the server."""
    url = near.store.engine.url
    proxy = StepProxy(url.host or "127.0.0.1", url.port or (5432 if server == "postgresql" else 3306))
    yield proxy
    proxy.close()


@pytest.fixture
def far(near: Any, server: str, proxy: StepProxy) -> Iterator[Ownership]:
    """The same shop, through the proxy."""
    url = near.store.engine.url.set(host="127.0.0.1", port=proxy.port)
    if server == "postgresql":
        url = url.update_query_dict({"sslmode": "disable"})  # the proxy reads along
    store = SqlAlchemyStore.open(url, cardinality="multi")
    begun_again = "a lost connection is no reason to begin again"
    yield Ownership(store, load_settings(near.settings), sleep=lambda _: pytest.fail(begun_again))
    store.close()


class Cuts:
    """One write after the other, each cut at another step."""

    def __init__(self, near: Any, far: Ownership, proxy: StepProxy) -> None:
        self.near, self.far, self.proxy = near, far, proxy
        self._number = 0
        self.codes: Counter[str] = Counter()

    def _next(self) -> tuple[Assign, str]:
        self._number += 1
        return Assign(["c0", "c1", "c2"], f"s{self._number % 2}"), f"key {self._number}"

    def clean(self) -> tuple[int, int]:
        """How many steps a write has, and which of them is the commit; a new connection each time."""
        self._fresh_connection()
        command, key = self._next()
        self.proxy.count()
        assert self.far.execute(command, ADA, key=key).changed == 3
        assert self.proxy.commit is not None
        return self.proxy.steps, self.proxy.commit

    def _fresh_connection(self) -> None:
        self.far.store.engine.dispose()
        assert self.far.check(ADA, "view", ["c0"])

    def cut(self, step: int, direction: str, commit: int) -> None:
        """Cut there; what stood, what was said, and what the key gives afterwards."""
        self._fresh_connection()
        command, key = self._next()
        before = self.near.store.digest()
        self.proxy.count(step, direction)
        codes = self._told(command, key)
        assert self.proxy.was_cut
        stood = step > commit or (step == commit and direction == ANSWERED)
        lost = "outcome_unknown" if step == commit else "storage_unavailable"
        # After the commit nothing is lost but the connection: at most the plugins are not told, which is a warning.
        assert codes in (({"warned"}, {"told"}) if step > commit else ({lost},)), (step, direction, codes)
        found = self.near.store.digest()
        assert (found != before) is stood
        assert self.near.shop.execute(command, ADA, key=key).changed == 3
        assert (self.near.store.digest() == found) is stood
        self.codes.update(codes)

    def _told(self, command: Assign, key: str) -> set[str]:
        try:
            receipt = self.far.execute(command, ADA, key=key)
        except StoreError as lost:
            return {*lost.codes, *(["transient"] if lost.transient else [])}
        assert {problem.code for problem in receipt.warnings} <= {"storage_unavailable"}
        return {"warned" if receipt.warnings else "told"}


def test_every_step_may_be_the_last(near: Any, far: Ownership, proxy: StepProxy, tell: Any) -> None:
    """Cut before the server hears of a step, and before its answer is heard: no driver's error, never half a write.

    Guards: `coded` and `coded_at_commit`, which alone calls a lost commit unknown; the key is kept in the same
    transaction (`remember`) and asked before acting (`recall`).
    """
    cuts = Cuts(near, far, proxy)
    cuts.clean()
    steps, commit = cuts.clean()
    assert 10 < commit <= steps
    for step in range(1, steps + 1):
        for direction in (ASKED, ANSWERED):
            cuts.cut(step, direction, commit)
    assert contradictions(near.ledger) == []
    tell(cuts=2 * steps, steps=steps, commit_is=commit, **cuts.codes)
