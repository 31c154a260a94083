"""Page by page while others write: whom nobody touches comes exactly once, in its place (I24).

With the profile `ci` 150 shops in memory and on SQLite, 50 on each server; otherwise 30, 12 and 6. Between any two
pages somebody else moves customers; every other time that transaction is still open while the page is read.

Proven by breaking it: fails when a page begins after all equal values instead of after the customer the last one
ended with.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import settings as profile

from ownership_core import Ownership, Refused
from ownership_core.commands import (
    Assign,
    ChangeCustomer,
    Command,
    CreateCustomer,
    DeleteCustomer,
    NewCustomer,
    Unassign,
)
from ownership_core.model import Actor, CustomerId, StaffId
from ownership_core.scope import ANY

from . import naive
from .both import KINDS, shop_on
from .numbered import Numbered
from .people import GROUPS, OPERATOR, SITES

FULL = {"memory": 150, "sqlite": 150, "postgresql": 50, "mariadb": 50}
QUICK = {"memory": 30, "sqlite": 12, "postgresql": 6, "mariadb": 6}
VALUES = {
    "name": ("", "A", "b", "é", "zz", None),
    "website": (*SITES, None),
    "score": (-9, 0, 9, None),
    "region": ("a", "z", None),
}
MOVABLE = tuple(f"{sign}{name}" for name in VALUES for sign in ("", "-"))


def move(dice: Random, plain: naive.Plain, touched: set[str], listed: list[str]) -> Command:
    """Something that may take a customer out of a list, into it, or to another place in it; mostly one just read."""
    again = [id for id in listed if id in touched] if dice.random() < 0.7 else []
    one, who = CustomerId(dice.choice(again or sorted(touched))), StaffId(dice.choice(sorted(plain["staff"])))
    values = {name: dice.choice(pool) for name, pool in VALUES.items()}
    groups = frozenset(dice.sample(GROUPS, dice.randint(0, 2)))
    new = CustomerId(f"new-{dice.randrange(10**6)}")
    return dice.choice(
        [
            *(ChangeCustomer(one, values) for _ in range(4)),
            ChangeCustomer(one, values, {"groups": groups}),
            Assign(one, who),
            Unassign(one, ANY),
            DeleteCustomer(one),
            CreateCustomer(NewCustomer(new, values, {"groups": groups}), channel="import"),
        ]
    )


def walked(shop: Ownership, dice: Random, plain: naive.Plain, actor: Actor, sort: str, touched: set[str]) -> list[str]:
    """All pages, while the ``touched`` move and new ones come: done, or under way, as a page is read."""
    ids: list[str] = []
    cursor, visible, limit = None, shop.visible(actor).order(sort), dice.randint(1, 3)
    while True:
        commands = [move(dice, plain, touched, ids) for _ in range(dice.randint(1, 2))]
        try:
            with shop.atomic() as others:
                for command in commands:
                    others.execute(command, OPERATOR)
                page = visible.page(limit, cursor)  # nothing of the above is committed yet
        except Refused:
            page = visible.page(limit, cursor)  # nobody moved
        if dice.random() < 0.5:
            page = visible.page(limit, cursor)  # all that moved has moved
        ids += [customer.id for customer in page.customers]
        if page.next is None:
            return ids
        cursor = page.next


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_is_not_touched_comes_exactly_once(kind: str) -> None:
    """I24: a third of the customers moves, comes and goes meanwhile; the others are listed as if nothing happened."""
    numbered, met = Numbered("multi"), Counter[str]()
    full = profile.default.max_examples >= profile.get_profile("ci").max_examples
    for _ in range((FULL if full else QUICK)[kind]):
        settings, world = numbered.settings(operator=True), numbered.world()
        plain, dice = naive.shop_of(world, settings), numbered.dice
        busiest = max(plain["staff"], key=lambda id: len(naive.seen(plain, Actor.staff(id), "view")))
        actor = dice.choice([OPERATOR, Actor.staff(busiest)])
        sort = dice.choice(MOVABLE)
        seen = naive.in_order(plain, naive.seen(plain, actor, "view"), sort.removeprefix("-"), sort.startswith("-"))
        touched = set(dice.sample(sorted(plain["customers"]), len(plain["customers"]) // 3))
        with shop_on(kind, settings, world) as shop:
            found = walked(shop, dice, plain, actor, sort, touched)
        assert [id for id in found if id in plain["customers"] and id not in touched] == [
            id for id in seen if id not in touched
        ], (actor, sort)
        times = Counter(found)
        met["shops"] += 1
        met["untouched"] += len([id for id in seen if id not in touched])
        met["went"] += sum(times[id] == 0 for id in seen)
        met["came twice"] += sum(number > 1 for number in times.values())
        met["came"] += sum(id not in seen for id in times)
    # Where nobody moves, everybody comes exactly once anyway.
    assert met["untouched"] >= 2 * met["shops"], met
    assert met["went"] + met["came"] >= met["shops"] / 3, met
    if met["shops"] >= QUICK["memory"]:
        assert min(met["went"], met["came twice"], met["came"]) >= met["shops"] / 10, met
