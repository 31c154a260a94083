"""Former staff who go on seeing a customer for a time (rows 41, 91, 105): who, until when, and no more than seeing.

Proven by breaking it: a share that survives being assigned again, one that lets edit, one that outlasts its end,
and a release that keeps the view each fail one of these.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from shop import OpenShop, Shop, deny

from ownership_core import (
    Actor,
    Assign,
    ChangeCustomer,
    ChangeRules,
    ChangeStaff,
    ClearPrimary,
    DeleteCustomer,
    GrantAccess,
    InvalidSettings,
    LeastBusy,
    Level,
    Mode,
    Offboard,
    Rebalance,
    Release,
    Rule,
    SetPrimary,
    Sweep,
    ToStaff,
    Transfer,
    Unassign,
    load_settings,
)
from ownership_core.scope import AssignedTo, Everything, SharedWith
from ownership_core.settings import PreviousStaff

ADA, ANN, BOB = map(Actor.staff, ("ada", "ann", "bob"))
KEEP = {"previous_staff": PreviousStaff.KEEP_VIEW, "keep_view_days": 10}


def in_days(shop: Shop, days: float) -> Any:
    """A moment to come."""
    return shop.clock() + timedelta(days=days)


def peopled(shop: Shop) -> Shop:
    """Ann has a customer; she and Bob view, edit and release own ones."""
    for staff in ("ann", "bob"):
        shop.staff(staff, view="own", edit="own", release="own")
    shop.customer("a", "ann", name="Acme")
    return shop


@pytest.fixture
def pair(shop: Shop) -> Shop:
    """In the shop as it is without a word in the settings."""
    return peopled(shop)


@pytest.fixture
def keeping(open_shop: OpenShop) -> Shop:
    """In a shop whose settings keep the view for ten days."""
    return peopled(open_shop(**KEEP))


def test_row_41_the_former_owner_loses_sight_at_once(pair: Shop) -> None:
    """Unless somebody says otherwise."""
    pair.change(Assign("a", "bob"))
    assert (pair.sees(ANN), pair.sees(BOB)) == ([], ["a"])


def test_row_41_the_settings_keep_the_view_for_some_days(keeping: Shop) -> None:
    """To the last moment of them, and not at their end; nothing has to run."""
    keeping.change(Assign("a", "bob"))
    assert keeping.sees(ANN) == ["a"]
    keeping.clock.passes(days=10, microseconds=-1)
    assert keeping.sees(ANN) == ["a"]
    keeping.clock.passes(microseconds=1)
    assert keeping.sees(ANN) == []


TAKING: dict[str, Callable[..., Any]] = {
    "Assign": partial(Assign, "a", "bob"),
    "SetPrimary": partial(SetPrimary, "a", "bob"),
    "Unassign": partial(Unassign, "a", "ann"),
    "ClearPrimary": partial(ClearPrimary, "a"),
    "Transfer": partial(Transfer, "ann", "bob"),
    "Offboard": partial(Offboard, "ann", "bob"),
    "Offboard, dealt": partial(Offboard, "ann", LeastBusy({"bob"})),
    "Rebalance": partial(Rebalance, {"ann": 1, "bob": 2}),
    "Sweep": partial(Sweep),
}


@pytest.mark.parametrize("name", TAKING)
def test_row_91_a_command_keeps_the_view_until_it_says(pair: Shop, name: str) -> None:
    """For whoever loses the customer by it. Seen to fail while moving many had no word in it."""
    if name == "Sweep":
        pair.change(ChangeRules(Rule("bobs", Everything(), ToStaff("bob"), reassign=True)))
    before = pair.holders("a")
    pair.change(TAKING[name](keep_view_until=in_days(pair, 3)))
    assert (before, "ann" in pair.holders("a")) == (["ann"], False)
    assert pair.sees(ANN) == ["a"]
    pair.clock.passes(days=3)
    assert pair.sees(ANN) == []


def test_row_91_a_command_has_the_last_word(keeping: Shop) -> None:
    """Shorter or longer than the settings say."""
    keeping.change(Assign("a", "bob", keep_view_until=in_days(keeping, 1)))
    keeping.clock.passes(days=1)
    assert keeping.sees(ANN) == []


def test_row_91_the_later_end_counts(pair: Shop) -> None:
    """Two commands, each with an end of its own."""
    pair.change(Assign("a", "bob", keep_view_until=in_days(pair, 5)), Assign("a", "ann"))
    pair.change(Assign("a", "bob", keep_view_until=in_days(pair, 2)))
    pair.clock.passes(days=2)
    assert pair.sees(ANN) == []


def test_row_105_it_is_to_view_and_nothing_else(keeping: Shop) -> None:
    """What is seen cannot be edited; who has it has not changed, and nobody counts it twice."""
    keeping.change(Assign("a", "bob"))
    assert keeping.sees(ANN, "edit") == []
    keeping.refuses(ANN, ChangeCustomer("a", values={"name": "x"}), "not_permitted")
    keeping.refuses(ANN, Release("a"), "not_permitted", "not_assigned")
    assert keeping.holders("a") == ["bob"]
    listed = keeping.ownership.visible(ADA).where(AssignedTo(["ann"]))
    assert listed.count() == 0


def test_row_105_every_way_of_asking_agrees(keeping: Shop) -> None:
    """In time and after it; one list that is asked again is judged anew."""
    keeping.change(Assign("a", "bob"))
    visible = keeping.ownership.visible(ANN)
    for number in (1, 0):
        with keeping.ownership.snapshot(ANN) as may:
            assert may.allows("a") is bool(number)
        assert (visible.count(), len(list(visible.ids())), len(visible.page().customers)) == (number,) * 3
        assert len(keeping.ownership.check(ANN, "view", ["a"])) == number
        keeping.clock.passes(days=10)


def test_row_105_where_nothing_is_shared_nothing_is_asked(keeping: Shop) -> None:
    """The policy of whoever has no share, or none any more, is as long as it ever was."""
    counsel, now = keeping.ownership.counsel, keeping.ownership.now

    def policy(staff: str) -> object:
        with keeping.store.reader() as reader:
            return counsel.staff_policy(reader.access([staff])[staff], "view", now()).scope

    assert policy("ann") == AssignedTo(["ann"])
    keeping.change(Assign("a", "bob"))
    assert policy("ann") == AssignedTo(["ann"]) | SharedWith(["ann"], now())
    assert policy("bob") == AssignedTo(["bob"])
    keeping.clock.passes(days=10)
    assert policy("ann") == AssignedTo(["ann"])


def test_row_105_restrictions_hold(open_shop: OpenShop) -> None:
    """A customer that has moved to a group that is hidden from Ann is hidden."""
    shop = open_shop(**KEEP)
    shop.staff("ann", restriction=deny("vip"), view="own")
    shop.staff("bob", view="own")
    shop.customer("a", "ann", groups=["retail"])
    shop.change(Assign("a", "bob"))
    assert shop.sees(ANN) == ["a"]
    shop.changed("a", groups=["vip"])
    assert shop.sees(ANN) == []


def test_row_105_who_is_inactive_sees_nothing(keeping: Shop) -> None:
    """And sees it again when active, if it is not over."""
    keeping.change(Assign("a", "bob"), ChangeStaff("ann", active=False))
    assert keeping.sees(ANN) == []
    keeping.change(ChangeStaff("ann", active=True))
    assert keeping.sees(ANN) == ["a"]


def test_row_105_a_share_needs_the_right_to_view(keeping: Shop) -> None:
    """Whoever may view nothing of its own is shown nothing of others (B04)."""
    role = next(iter(keeping.member("ann").roles))
    keeping.change(Assign("a", "bob"), GrantAccess(role, levels={"view": Level.NONE}))
    assert keeping.sees(ANN) == []


def test_row_41_who_gets_it_back_has_no_share(keeping: Shop) -> None:
    """Given up afterwards by oneself, it is gone: a release keeps nothing."""
    keeping.change(Assign("a", "bob"), Assign("a", "ann"))
    keeping.does(ANN, Release("a"))
    assert keeping.sees(ANN) == []


def test_row_41_clearing_the_primary_keeps_the_view(keeping: Shop) -> None:
    """In single that takes the customer away like any other command does."""
    keeping.change(ClearPrimary("a"))
    assert (keeping.holders("a"), keeping.sees(ANN)) == ([], ["a"])


def test_row_41_in_multi_only_those_who_leave_are_concerned(open_shop: OpenShop) -> None:
    """Whoever stays has the customer; whoever was beside it has nothing."""
    shop = peopled(open_shop(cardinality="multi", **KEEP))
    shop.change(Assign("a", "bob", mode=Mode.ADD))
    with shop.store.reader() as reader:
        assert dict(reader.customers(["a"])[0].shares) == {}
    shop.change(Unassign("a", "bob"))
    with shop.store.reader() as reader:
        assert list(reader.customers(["a"])[0].shares) == ["bob"]


def test_row_41_a_customer_that_is_deleted_is_shared_with_nobody(keeping: Shop) -> None:
    """Nor is a new one of the same id."""
    keeping.change(Assign("a", "bob"), DeleteCustomer("a"))
    keeping.customer("a")
    assert keeping.sees(ANN) == []


def test_row_41_a_plan_keeps_nothing_and_applied_it_does(keeping: Shop) -> None:
    """From the moment it is applied."""
    plan = keeping.ownership.plan(Assign("a", "bob"), ADA)
    keeping.clock.passes(days=5)
    keeping.ownership.apply(plan.id, ADA)
    keeping.clock.passes(days=9)
    assert keeping.sees(ANN) == ["a"]


@pytest.mark.parametrize("days", [0, -1])
def test_row_91_a_moment_that_is_over_is_refused(pair: Shop, days: int) -> None:
    """``empty_window``, of one and of many."""
    pair.refuses(ADA, Assign("a", "bob", keep_view_until=in_days(pair, days)), "empty_window")
    pair.refuses(ADA, Unassign(Everything(), "ann", keep_view_until=in_days(pair, days)), "empty_window")
    pair.refuses(ADA, Offboard("ann", "bob", keep_view_until=in_days(pair, days)), "empty_window")


@pytest.mark.parametrize("moment", ["2026-03-02", True, 1.5, 2**62])
def test_row_91_a_moment_is_read_strictly(pair: Shop, moment: Any) -> None:
    """Whole UTC microseconds of a year there is, or an aware datetime."""
    pair.refuses(ADA, Assign("a", "bob", keep_view_until=moment), "invalid_value")


def test_row_91_why_says_that_it_is_shared(keeping: Shop) -> None:
    """And until when; who can see it is told with the others."""
    keeping.change(Assign("a", "bob"))
    explained = keeping.ownership.why(ADA, "ann", "view", "a")
    assert explained.allowed
    [reach] = [check.said for check in explained.checks if check.code == "out_of_reach"]
    assert "It is shared with Ann until 2026-03-12 09:00 UTC." in reach
    assert keeping.ownership.who_can(ADA, "view", "a") == ["ada", "ann", "bob"]
    keeping.clock.passes(days=10)
    assert not keeping.ownership.why(ADA, "ann", "view", "a").allowed
    assert keeping.ownership.who_can(ADA, "view", "a") == ["ada", "bob"]


def test_row_91_shares_can_be_searched_for(keeping: Shop) -> None:
    """As a sentence like any other."""
    keeping.change(Assign("a", "bob"))
    now = keeping.ownership.now()
    assert list(keeping.ownership.visible(ADA).where(SharedWith(["ann"], now)).ids()) == ["a"]


@pytest.mark.parametrize("days", [0, -1, 36_501])
def test_row_41_the_settings_keep_for_a_number_of_days(days: int) -> None:
    """At least one, and no more than a calendar has."""
    with pytest.raises(InvalidSettings) as caught:
        load_settings({"previous_staff": "keep_view", "keep_view_days": days})
    assert caught.value.codes == ("invalid_settings",)
