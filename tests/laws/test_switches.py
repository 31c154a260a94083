"""A10, I10: who stands in the way of a switch, who stays and who goes; the same on every store and by a third opinion.

Proven by breaking it: fails when the draft of a store forgets who is active, and when a switch no longer asks for
somebody to keep.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from ownership_core import Actor, Ownership, Refused, SwitchCardinality
from ownership_core.settings import Settings
from ownership_core.testing.strategies import worlds
from ownership_core.testing.worlds import World

from .both import customers, shops

ROOT = Actor.operator("root")
Held = list[dict[str, Any]]
ROOMS = {"single": 1, "at_most": 2}


def stays(held: Held, active: set[str], to: str, keep: str | None) -> Held | None:
    """Who is left of one customer's staff, in plain words; None where the customer stands in the way."""
    left = sorted(held, key=lambda one: (one["since"], one["staff"]))
    if len(held) > ROOMS[to]:
        first = [one for one in left if one["primary"]]
        then = [one for one in left if not one["primary"] and one["staff"] in active]
        last = [one for one in left if not one["primary"] and one["staff"] not in active]
        if keep is None or (keep == "primary" and not first) or not (first or then):
            return None
        left = (first + then + last)[: ROOMS[to]]
    if to == "single":
        left = [{**one, "primary": True} for one in left]
    return sorted(left, key=lambda one: str(one["staff"]))


def plain(world: World | Ownership) -> dict[str, Held]:
    """The assignments of every customer."""
    found = world.customers if isinstance(world, World) else customers(world.store)
    return {
        customer.id: sorted(
            ({"staff": a.staff, "primary": a.primary, "since": a.since} for a in customer.assignments),
            key=lambda one: str(one["staff"]),
        )
        for customer in found
    }


@given(worlds(), st.sampled_from(sorted(ROOMS)), st.sampled_from([None, "primary", "longest_serving"]))
def test_a_switch_makes_room_as_the_rule_says_or_names_who_is_in_its_way(
    world: World, to: str, keep: str | None
) -> None:
    """All or nothing: the customers named are those the plain words refuse, else everybody has who is to stay."""
    active = {one.id for one in world.staff if one.active and not one.deleted}
    before = plain(world)
    expected = {id: stays(held, active, to, keep) for id, held in before.items()}
    blocked = {f"customer {id}" for id, left in expected.items() if left is None}
    note(f"{to}, {keep}: {len(blocked)} of {len(before)} in the way")
    with shops(Settings(cardinality="multi", at_most=2, operator=True), world) as (_clock, opened):
        for shop in opened:
            if blocked:
                with pytest.raises(Refused) as refused:
                    shop.execute(SwitchCardinality(to, keep), ROOT)
                assert {problem.where for problem in refused.value.problems} == blocked
                assert plain(shop) == before
                shop.store.check("multi")
            else:
                receipt = shop.execute(SwitchCardinality(to, keep), ROOT)
                assert plain(shop) == expected
                assert receipt.changed == sum(expected[id] != before[id] for id in before)
                shop.store.check(to)
