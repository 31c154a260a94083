"""I23: once a revoke has returned, nothing that is asked later, by any process, is allowed."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest
from watching import HOW, Read, watch

from ownership_core import (
    Actor,
    ChangeStaff,
    CreateCustomer,
    GrantAccess,
    GroupRestriction,
    Level,
    NewCustomer,
    RestrictionMode,
)

ADA = Actor.staff("ada")
TRADE_ONLY = GroupRestriction(RestrictionMode.ALLOW, frozenset({"trade"}))
# Each way to take access away, and how it is given back.
WAYS = {
    "role taken": (GrantAccess("viewer", staff="jon", revoke=True), GrantAccess("viewer", staff="jon")),
    "deactivated": (ChangeStaff("jon", active=False), ChangeStaff("jon", active=True)),
    "role emptied": (
        GrantAccess("viewer", levels={"view": Level.NONE}),
        GrantAccess("viewer", levels={"view": Level.ALL}),
    ),
    "restricted": (ChangeStaff("jon", restriction=TRADE_ONLY), ChangeStaff("jon", restriction=None)),
}


@pytest.fixture
def shop(place: Any, server: str) -> Any:
    """Jon may see all three customers, by his role."""
    one = place(server, cardinality="multi")
    one.does(
        ChangeStaff("jon", create=True, label="Jon"),
        GrantAccess("viewer", staff="jon", levels={"view": Level.ALL}),
        CreateCustomer([NewCustomer(f"c{number}", sets={"groups": ["retail"]}) for number in range(3)]),
    )
    return one


def test_nothing_is_allowed_after_a_revoke(shop: Any, crews: Any, chance: Any, share: float, tell: Any) -> None:
    """Four processes ask all the time, one of them a question built while it was allowed.

    Guards: whatever changes access raises its version (`_raise_access`), and every statement carries the version
    it rests on (`guarded`).
    """
    crew = crews(4)
    crew.open(shop.url, cardinality="multi")
    crew.stop.clear()
    crew.begin(watch, *(("jon", ["c0", "c1", "c2"], how) for how in HOW))
    denied = []
    opened = [time.monotonic()]
    try:
        for number in range(int(60 * share)):
            revoke, give = WAYS[list(WAYS)[number % len(WAYS)]]
            time.sleep(chance.uniform(0.02, 0.06))
            shop.shop.execute(revoke, ADA)
            revoked = time.monotonic()
            time.sleep(chance.uniform(0.02, 0.06))
            denied.append((revoked, time.monotonic()))
            shop.shop.execute(give, ADA)
            opened.append(time.monotonic())
    finally:
        crew.stop.set()
        reads: list[list[Read]] = crew.answers()
    inside = [_within(one, denied) for one in reads]
    assert [[read for read in one if read.allowed] for one in inside] == [[], [], [], []]
    # A test in which nobody asked, or nobody was ever allowed, would prove nothing.
    assert min(len(one) for one in inside) >= len(denied) // 2
    allowed = [sum(read.allowed for read in one) for one in reads]
    assert min(allowed) >= len(denied) // 2
    assert [later > earlier for earlier, later in pairwise(opened)] == [True] * len(denied)
    tell(
        revokes=len(denied),
        reads=sum(map(len, reads)),
        asked_while_revoked=dict(zip(HOW, map(len, inside), strict=True)),
        allowed=dict(zip(HOW, allowed, strict=True)),
    )


def _within(reads: list[Read], spans: list[tuple[float, float]]) -> list[Read]:
    """Those that began in one of the spans, both in time order."""
    return [read for read in reads if any(begin < read.began < end for begin, end in spans)]
