"""Hundreds of shops, everybody who may ask, every door, against one naive oracle (I14, B17).

With the profile `ci` (`tox -e laws`) these are 501 shops in memory, 501 on SQLite, 51 on PostgreSQL and 51 on MariaDB;
otherwise 60, 18, 9 and 9. A third of them is single, a third multi, a third at_most. They are made by number, not
drawn: every combination of what the fields that policies speak of may lack occurs, and each test of 16 shops or more
asserts that it did; in 167 shops every level, bound or not, meets every customer that lacks what binds.

Proven by breaking it: fails when ``access.policy_for`` leaves out the restrictions, when a customer without a website
is shown to whoever is bound to some, when a deny list forgets customers without groups, and when a page begins after
equal values instead of after the customer it ended with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import settings as profile

from ownership_core import Ownership, Refused
from ownership_core.commands import (
    Assign,
    AssignmentCommand,
    Claim,
    Ids,
    Matching,
    Release,
    SetPrimary,
    Unassign,
)
from ownership_core.model import Actor, CustomerId, StaffId
from ownership_core.scope import ANY, Everything
from ownership_core.testing.worlds import World

from . import naive
from .both import KINDS, shop_on
from .numbered import EVERY_GAP, EVERY_MEETING, SORTS, Numbered, gaps_of, meetings
from .people import OPERATOR, RULE

CARDINALITIES = ("single", "multi", "at_most")
FULL = {"memory": 167, "sqlite": 167, "postgresql": 17, "mariadb": 17}
QUICK = {"memory": 20, "sqlite": 6, "postgresql": 3, "mariadb": 3}
ENOUGH = 16
"""In so many shops every combination occurs."""
MISSING = [CustomerId(f"missing-{number}") for number in range(1_000)]


def is_full() -> bool:
    """Whether the profile asks for as many cases as before a change is handed over."""
    return profile.default.max_examples >= profile.get_profile("ci").max_examples


def everybody(world: World) -> list[Actor]:
    """All staff, somebody unknown, the operator and a rule."""
    return [*(Actor.staff(one.id) for one in world.staff), Actor.staff("nobody"), OPERATOR, RULE]


def in_pages(shop: Ownership, actor: Actor, action: str, sort: str, limit: int) -> Iterator[str]:
    """All ids, page by page."""
    cursor = None
    while True:
        page = shop.visible(actor, action).order(sort).page(limit, cursor)
        assert len(page.customers) == limit or page.next is None
        yield from (customer.id for customer in page.customers)
        if page.next is None:
            return
        cursor = page.next


def assert_every_door_shows(
    shop: Ownership, plain: naive.Plain, actor: Actor, action: str, sort: str, limit: int
) -> set[str]:
    """B17, I14: ids, count, pages, checks of one and of a thousand, and export are what the oracle says."""
    expected = naive.seen(plain, actor, action)
    visible = shop.visible(actor, action)
    assert list(visible.ids()) == sorted(expected)
    assert visible.count() == len(expected)
    ordered = naive.in_order(plain, expected, sort.removeprefix("-"), sort.startswith("-"))
    assert list(in_pages(shop, actor, action, sort, limit)) == ordered
    known = [CustomerId(id) for id in plain["customers"]]
    thousand = [*known, *MISSING][:1_000]
    assert shop.check(actor, action, thousand) == expected
    for id in (*known[::4], MISSING[0]):
        assert shop.check(actor, action, [id]) == ({id} & expected)
    exported = naive.in_order(
        plain, expected & naive.seen(plain, actor, "export"), sort.removeprefix("-"), sort.startswith("-")
    )
    assert [customer.id for customer in visible.order(sort).export()] == exported
    return expected


def asked(dice: Random, plain: naive.Plain, actor: Actor) -> AssignmentCommand:
    """A command about everybody: named one by one with somebody missing, or as a scope."""
    which = dice.choice([Ids([*map(CustomerId, sorted(plain["customers"])), MISSING[0]]), Matching(Everything())])
    who = StaffId(dice.choice([*sorted(plain["staff"]), actor.id]))
    commands: list[AssignmentCommand] = [
        Assign(which, who),
        SetPrimary(which, who),
        Unassign(which, ANY),
        Claim(which),
        Release(which),
    ]
    return dice.choice(commands)


def assert_rulings_show(shop: Ownership, plain: naive.Plain, actor: Actor, command: AssignmentCommand) -> str:
    """A ruling knows whom its asker may know of; all others are missing, if they were named, and else not listed."""
    mine, named = naive.refusals(plain, actor, command)
    if mine or named:
        with pytest.raises(Refused) as refused:
            shop.plan(command, actor)
        assert set(refused.value.codes) >= mine | named
        return "refused"
    rows = list(shop.plan_rows(actor, shop.plan(command, actor).id))
    assert [row.customer for row in rows] == naive.named_or_found(plain, actor, command)
    hidden = {row.customer for row in rows if row.codes == ("not_found",)}
    known = {id for id, customer in plain["customers"].items() if naive.known_to(plain, actor, command, customer)}
    assert {row.customer for row in rows} - hidden == known
    assert all("not_found" not in row.codes for row in rows if row.customer in known)
    return "ruled"


@pytest.mark.parametrize("cardinality", CARDINALITIES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_door_shows_everybody_what_the_oracle_says(kind: str, cardinality: str) -> None:
    """B01-B20, B23, I13, I14, I21: 167 shops of each cardinality in memory and SQLite, 17 on a server."""
    shops = Numbered(cardinality)
    met: Counter[object] = Counter()
    for settings, world in shops.take((FULL if is_full() else QUICK)[kind]):
        plain = naive.shop_of(world, settings)
        met.update(gaps_of(plain))
        with shop_on(kind, settings, world) as shop:
            for actor in everybody(world):
                action, sort, limit = shops.actions.draw(), shops.sorts.draw(), shops.dice.choice([2, 3, 5, 100])
                size = len(assert_every_door_shows(shop, plain, actor, action, sort, limit))
                met["all" if size == len(world.customers) else "some" if size else "none"] += 1
                met[sort] += 1
                met.update(beside(plain, actor, action))
                if actor.id in plain["staff"] and plain["staff"][actor.id]["active"]:
                    met.update(meetings(plain, naive.level_of(plain, actor, action), plain["staff"][actor.id]))
                met[assert_rulings_show(shop, plain, actor, asked(shops.dice, plain, actor))] += 1
        met["shops"] += 1
    assert met["shops"] == (FULL if is_full() else QUICK)[kind]
    assert min(met["some"], met["all"], met["ruled"], met["refused"]) >= met["shops"] / 2, met
    if met["shops"] >= ENOUGH:
        assert met["some"] * 8 >= met["some"] + met["all"] + met["none"], met
        assert_all_met(met)
    if met["shops"] >= FULL["sqlite"]:
        assert met.keys() >= EVERY_MEETING
        assert min(met["covered"], met["shared"]) >= ENOUGH, met


def beside(plain: naive.Plain, actor: Actor, action: str) -> Counter[object]:
    """How many customers are seen only because somebody stands in for a colleague, or only because of a share."""
    seen = naive.seen(plain, actor, action)
    alone = naive.seen({**plain, "covers": []}, actor, action)
    bare = {id: {**customer, "shared": {}} for id, customer in plain["customers"].items()}
    return Counter(
        covered=len(seen - alone), shared=len(seen - naive.seen({**plain, "customers": bare}, actor, action))
    )


def assert_all_met(met: Counter[object]) -> None:
    """Every combination of what is there and what is missing, and every order, was there."""
    for subject, combinations in EVERY_GAP.items():
        assert {combination for combination in combinations if not met[subject, combination]} == set(), subject
    assert met.keys() >= set(SORTS)
