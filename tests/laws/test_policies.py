"""Whoever asks for whatever: list, pages, count, checks and export are one set, and it is the right one.

Proven by breaking it: fails when ``access.policy_for`` leaves out the restrictions, when a deny list forgets
customers without a group, when a department's restriction stops binding the departments below it, and when the
compiler lets ``~`` turn what cannot be told into true.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import attrs
import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from ownership_core import Ownership
from ownership_core.commands import ChangeStaff
from ownership_core.model import Actor, CustomerId, Level, StaffId
from ownership_core.ports import Query
from ownership_core.settings import Settings
from ownership_core.testing.oracle import surely
from ownership_core.testing.strategies import scopes
from ownership_core.testing.worlds import WORLD_FIELDS, World

from . import naive
from .both import shops
from .people import OPERATOR, actors, peopled, settings

ACTIONS = ("view", "view", "edit", "export", "claim", "assign", "visit", "no_such_action")
SORTS = tuple(f"{sign}{field.name}" for field in WORLD_FIELDS.to_one() for sign in ("", "-"))


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


def assert_all_doors_agree(
    shop: Ownership, plain: naive.Plain, actor: Actor, action: str, sort: str, limit: int
) -> None:
    """B17, I14: one set, whatever it is asked through."""
    expected = naive.seen(plain, actor, action)
    visible = shop.visible(actor, action)
    assert list(visible.ids()) == sorted(expected)
    assert visible.count() == len(expected)
    named = [CustomerId(id) for id in (*plain["customers"], "nobody")]
    assert shop.check(actor, action, named) == expected
    for id in named:
        assert shop.check(actor, action, [id]) == ({id} & expected)
    pages = list(in_pages(shop, actor, action, sort, limit))
    assert pages == naive.in_order(plain, expected, sort.lstrip("-"), sort.startswith("-"))
    exported = [customer.id for customer in visible.export()]
    assert exported == sorted(expected & naive.seen(plain, actor, "export"))


@pytest.mark.parametrize("cardinality", ["multi", "single"])
def test_every_door_shows_the_same_customers_and_the_right_ones(cardinality: str) -> None:
    """B01-B20, B23, I13, I14: ids == pages == count == checks == export == a third oracle, on both stores."""
    met: Counter[str] = Counter()

    @given(st.data(), settings(cardinality), peopled(cardinality))
    def law(data: st.DataObject, chosen: Settings, world: World) -> None:
        plain = naive.shop_of(world, chosen)
        with shops(chosen, world) as (_, both):
            for _ in range(3):
                actor, action = data.draw(actors(world)), data.draw(st.sampled_from(ACTIONS))
                sort, limit = data.draw(st.sampled_from(SORTS)), data.draw(st.sampled_from([1, 2, 5, 100]))
                size = len(naive.seen(plain, actor, action))
                met["nobody" if size == 0 else "all" if size == len(world.customers) else "some"] += 1
                for shop in both:
                    note(shop.store.capabilities.name)
                    assert_all_doors_agree(shop, plain, actor, action, sort, limit)

    law()
    # A law about empty lists proves nothing: enough of them show somebody and hide somebody.
    assert met["some"] * 6 >= met.total(), met


@given(st.data(), settings(), peopled())
def test_filters_narrow_to_exactly_what_they_say(data: st.DataObject, chosen: Settings, world: World) -> None:
    """I14, I20: a filtered list holds the customers seen that the filter is TRUE of, never one more."""
    plain = naive.shop_of(world, chosen)
    actor, action = data.draw(actors(world)), data.draw(st.sampled_from(ACTIONS[:3]))
    first, second = data.draw(scopes(depth=2)), data.draw(scopes(depth=3))
    seen = naive.seen(plain, actor, action)
    once = {id for id in seen if surely(first, naive.record_of(plain, id), WORLD_FIELDS)}
    twice = {id for id in once if surely(second, naive.record_of(plain, id), WORLD_FIELDS)}
    with shops(chosen, world) as (_, both):
        for shop in both:
            narrowed = shop.visible(actor, action).where(first)
            assert set(narrowed.ids()) == once
            assert set(narrowed.where(second).ids()) == twice
            assert narrowed.where(second).count() == len(twice)
            assert {customer.id for customer in narrowed.page(100).customers} == once


@given(st.data(), settings(), peopled())
def test_each_level_contains_the_one_before(data: st.DataObject, chosen: Settings, world: World) -> None:
    """I18, I17: none < own < department < department_tree < all, inside the same restrictions."""
    action = data.draw(st.sampled_from(ACTIONS[:5]))
    with shops(chosen, world) as (_, both):
        for shop in both:
            with shop.store.reader() as reader:
                for access in reader.access(None).values():
                    before: set[CustomerId] = set()
                    for level in Level:
                        policy = shop.counsel.staff_policy(attrs.evolve(access, levels={action: level}), action)
                        reached = set(reader.ids(Query(policy.scope)))
                        assert before <= reached, (access.staff, level)
                        before = reached


@given(st.data(), settings(), peopled())
def test_whoever_is_not_active_sees_nothing_at_once(data: st.DataObject, chosen: Settings, world: World) -> None:
    """I16, B13: a list made before is empty after, whatever it is asked through."""
    if not world.staff:
        return
    leaver = data.draw(st.sampled_from(world.staff))
    action = data.draw(st.sampled_from(["view", "claim"]))
    actor, everyone = Actor.staff(leaver.id), [c.id for c in world.customers]
    change = ChangeStaff(StaffId(leaver.id), active=False, delete=data.draw(st.booleans()))
    with shops(attrs.evolve(chosen, operator=True), world) as (_, both):
        for shop in both:
            visible = shop.visible(actor, action)
            cursor = visible.page(1).next
            if not leaver.deleted:
                shop.execute(change, OPERATOR)
            assert list(visible.ids()) == []
            assert visible.count() == 0
            assert visible.page(10, cursor).customers == ()
            assert list(visible.export()) == []
            assert shop.check(actor, action, everyone) == frozenset()
