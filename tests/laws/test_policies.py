"""Filters narrow, levels widen, and whoever leaves sees nothing; ``test_oracle.py`` compares every door.

Proven by breaking it: fails when ``access.policy_for`` leaves out the restrictions, and when the compiler lets ``~``
turn what cannot be told into true.
"""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

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
                        able = attrs.evolve(access, levels={action: level})
                        policy = shop.counsel.staff_policy(able, action, naive.NOW)
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
