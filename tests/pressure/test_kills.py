"""kill -9 anywhere in a write: the shop is as before or as after, nobody waits, and the key tells the rest."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from ledger import Ledger, contradictions
from victim import Twin, Victim

from ownership_core import Actor, Assign, ChangeStaff, CreateCustomer, GrantAccess, NewCustomer, SetPrimary, Unassign

ADA = Actor.staff("ada")
STAFF = [f"s{number}" for number in range(4)]
BULK = 200


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def twins(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Two equal shops: one whose processes are killed, and one where nobody is."""

    def address(name: str) -> Any:
        if request.param == "sqlite":
            return f"sqlite:///{tmp_path}/{name}.db"
        return request.getfixturevalue("databases").new(request.param)

    both = [Twin(address(name), cardinality="multi") for name in ("killed", "spared")]
    for one in both:
        one.shop.bootstrap("ada", "Ada", "root")
        with one.shop.atomic() as given:
            for who in STAFF:
                given.execute(ChangeStaff(who, create=True, label=who), ADA)
                given.execute(GrantAccess("associate", staff=who), ADA)
            given.execute(CreateCustomer([NewCustomer(f"c{number:03}") for number in range(BULK)]), ADA)
    yield both
    for one in both:
        one.store.close()


def single(number: int, _chance: random.Random) -> Any:
    """A write about one customer; each changes it."""
    one = "c000"
    return (Assign(one, "s0"), Assign(one, "s1", mode="add"), SetPrimary(one, "s2"), SetPrimary(one, "s3", True))[
        number % 4
    ]


def bulk(number: int, chance: random.Random) -> Any:
    """A write about all customers; each changes them."""
    all = [f"c{one:03}" for one in chance.sample(range(BULK), BULK)]
    return (Assign(all, "s0"), Assign(all, "s1", mode="add"), SetPrimary(all, "s2"), Unassign(all, "s2"))[number % 4]


@pytest.mark.parametrize("choose", [single, bulk])
def test_a_kill_leaves_before_or_after(
    twins: Any, choose: Callable[..., Any], chance: random.Random, share: float, tell: Any
) -> None:
    """Never between; locks are free at once; the key's second try gives what nobody killed got, and acts once.

    Guards: one transaction holds the change, its events, its run and its key (`writer`, `remember`); the key is
    asked before acting (`recall`).
    """
    killed, spared = twins
    ledger = Ledger(killed.store.engine, "multi")
    where: Counter[str] = Counter()
    waited: list[float] = []
    stood = 0
    steps, pace = _clean_run(twins, choose, chance)
    for number in range(int(36 * share)):
        step, command = 100 + number, choose(number, chance)
        before = killed.store.digest()
        receipt, after = spared.does(step, command, ADA), spared.store.digest()
        assert receipt.changed == (BULK if choose is bulk else 1)

        # Every other one is caught between two steps, the rest wherever the time finds them.
        hold, at = (None, chance.randint(0, steps)) if number % 2 else (chance.randint(1, steps),) * 2
        victim = Victim(lambda step=step, command=command: killed.does(step, command, ADA), killed.store, hold)
        victim.go()
        victim.until(at)
        time.sleep(chance.uniform(0, pace))
        victim.kill()

        where[victim.where] += 1
        waited.append(killed.seconds_to_lock(command))
        found = killed.store.digest()
        assert found in ((after,) if victim.where == "after" else (before, after))
        assert found == before or victim.where in ("commit", "after"), "something stood before the commit"
        stood += found == after
        assert killed.does(step, command, ADA) == receipt
        assert killed.store.digest() == after
    assert contradictions(ledger) == []
    tell(kills=where.total(), **where, stood=stood, steps=steps, locks_free_after=_seconds(waited))
    assert where["inside"] * 3 > where.total(), "many kills must fall into the transaction"
    # Within a second; a machine that is busy with others may be late once in twenty times.
    assert sorted(waited)[len(waited) * 19 // 20] < 1
    assert max(waited) < 5


def _clean_run(twins: Any, choose: Callable[..., Any], chance: random.Random) -> tuple[int, float]:
    """How many steps a write has that nobody kills, and how long one takes; both shops know its statements then."""
    killed, spared = twins
    for step in (98, 99):
        command = choose(step, chance)
        spared.does(step, command, ADA)
        victim = Victim(lambda step=step, command=command: killed.does(step, command, ADA), killed.store)
        start = time.monotonic()
        victim.go()
        victim.until(1000)
        took = time.monotonic() - start
        victim.kill()
        assert killed.does(step, command, ADA).changed
    return victim.steps, took / victim.steps


def _seconds(waited: list[float]) -> str:
    return f"{median(waited):.3f} s (at worst {max(waited):.3f})"
