"""Standing in for a colleague (H14, H15): who sees what and when, who may arrange it, and what stays as it was.

Proven by breaking it: a window that includes its end, an action only one of the two holds, a reach that widens,
a chain that is let through, and an access version that stays behind each fail one of these.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from shop import Shop, deny

from ownership_core import (
    Actor,
    Assign,
    ChangeCustomer,
    ChangeStaff,
    Claim,
    Cover,
    EndCover,
    GrantAccess,
    Level,
    Release,
)
from ownership_core.errors import OwnershipError
from ownership_core.events import Subject
from ownership_core.keys import to_micros
from ownership_core.model import CoverRow

DAY = 86_400_000_000
ADA, ANN, BOB, CID = map(Actor.staff, ("ada", "ann", "bob", "cid"))


def window(shop: Shop, start: float = 0, end: float = 10) -> dict[str, Any]:
    """Days from now."""
    now = shop.clock()
    return {"since": now + timedelta(days=start), "until": now + timedelta(days=end)}


def cover(shop: Shop, staff: str = "ann", by: str = "bob", start: float = 0, end: float = 10) -> str:
    """Arranged by the admin; the id of the cover."""
    before = {one.id for one in shop.ownership.covers(ADA)}
    shop.does(ADA, Cover(staff, by, **window(shop, start, end)))
    [new] = [one.id for one in shop.ownership.covers(ADA) if one.id not in before]
    return new


@pytest.fixture
def pair(shop: Shop) -> Shop:
    """Ann has a customer, Bob has another, and Cid has none; each views and edits own ones."""
    for staff in ("ann", "bob", "cid"):
        shop.staff(staff, view="own", edit="own")
    shop.customer("a", "ann", name="Acme")
    shop.customer("b", "bob")
    return shop


def test_h14_the_window_is_half_open(pair: Shop) -> None:
    """Bob sees Ann's customer from the first moment, not at the last one; nothing is run in between."""
    cover(pair, start=1, end=3)
    seen = []
    for span in ({}, {"days": 1, "microseconds": -1}, {"microseconds": 1}, {"days": 2, "microseconds": -1}):
        pair.clock.passes(**span)
        seen.append(pair.sees(BOB))
    pair.clock.passes(microseconds=1)
    assert [*seen, pair.sees(BOB)] == [["b"], ["b"], ["a", "b"], ["a", "b"], ["b"]]


def test_h14_list_count_check_and_snapshot_are_judged_alike(pair: Shop) -> None:
    """Every way of asking, in the window and after it."""
    cover(pair)
    shop = pair.ownership
    for days, number in ((0, 2), (10, 1)):
        pair.clock.passes(days=days)
        visible = shop.visible(BOB)
        with shop.snapshot(BOB) as may:
            assert may.allows("a") is (number == 2)
        assert (visible.count(), len(list(visible.ids())), len(visible.page().customers)) == (number,) * 3
        assert len(shop.check(BOB, "edit", ["a", "b"])) == number


def test_h14_a_list_that_was_begun_in_time_ends_with_the_window(pair: Shop) -> None:
    """What is asked again is judged anew, though it was asked of the same list."""
    cover(pair)
    visible = pair.ownership.visible(BOB)
    assert visible.count() == 2
    pair.clock.passes(days=10)
    assert visible.count() == 1


def test_h14_who_covers_acts_on_the_customers(pair: Shop) -> None:
    """And is the one the history names."""
    cover(pair)
    pair.does(BOB, ChangeCustomer("a", values={"name": "Acme & Co"}))
    assert pair.events("a")[-1].actor == BOB
    pair.clock.passes(days=10)
    pair.refuses(BOB, ChangeCustomer("a", values={"name": "x"}), "not_found")


def test_h14_the_owner_and_the_counts_stay(pair: Shop) -> None:
    """Whose the customer is does not change; who covers cannot give up what belongs to another."""
    cover(pair)
    assert pair.owner("a") == "ann"
    pair.change(GrantAccess("associate", staff="ann"), GrantAccess("associate", staff="bob"))
    pair.refuses(BOB, Release("a"), "not_assigned")
    assert pair.sees(ANN) == ["a"]


@pytest.mark.parametrize(
    ("ann", "bob", "seen"), [("own", "none", []), ("none", "own", ["b"]), ("all", "own", ["a", "b"])]
)
def test_h14_an_action_counts_that_both_hold(shop: Shop, ann: str, bob: str, seen: list[str]) -> None:
    """However far it reaches for Ann, for Bob it reaches what is assigned to her."""
    shop.staff("ann", view=ann)
    shop.staff("bob", view=bob)
    shop.customer("a", "ann"), shop.customer("b", "bob"), shop.customer("c")
    cover(shop)
    assert shop.sees(BOB) == seen


def test_h14_the_restrictions_of_who_covers_hold(shop: Shop) -> None:
    """Ann's customer of a group that is hidden from Bob stays hidden."""
    shop.staff("ann", view="own")
    shop.staff("bob", restriction=deny("vip"), view="own")
    shop.customer("a", "ann", groups=["vip"]), shop.customer("b", "ann", groups=["retail"])
    cover(shop)
    assert shop.sees(BOB) == ["b"]


def test_h14_who_is_away_may_be_inactive_or_gone(pair: Shop) -> None:
    """The customers are still looked after."""
    cover(pair)
    pair.change(ChangeStaff("ann", active=False))
    assert pair.sees(BOB) == ["a", "b"]
    pair.change(ChangeStaff("ann", delete=True))
    assert pair.sees(BOB) == ["a", "b"]


def test_h14_who_covers_sees_nothing_once_inactive(pair: Shop) -> None:
    """A cover lets nobody in who is out."""
    cover(pair)
    pair.change(ChangeStaff("bob", active=False))
    assert pair.sees(BOB) == []


def test_h14_colleagues_of_who_is_away_are_not_reached(shop: Shop) -> None:
    """Only what is assigned to Ann; her department stays hers, and so does her reach to colleagues."""
    shop.department("north")
    shop.staff("ann", None, "north", view="department", assign="department")
    shop.staff("bob", view="own", assign="own")
    shop.staff("cid", None, "north")
    shop.customer("a", "ann"), shop.customer("c", "cid")
    cover(shop)
    assert shop.sees(BOB) == ["a"]
    shop.refuses(BOB, Assign("a", "cid"), "target_out_of_reach")
    shop.refuses(BOB, Assign("a", "bob"), "holder_out_of_reach")


def test_h14_a_department_list_holds_the_covered_customers(shop: Shop) -> None:
    """Own is part of every level above it."""
    shop.department("north")
    shop.staff("ann", view="own")
    shop.staff("bob", None, "north", view="department")
    shop.staff("cid", None, "north")
    shop.customer("a", "ann"), shop.customer("c", "cid"), shop.customer("d")
    cover(shop)
    assert shop.sees(BOB) == ["a", "c"]


def test_h14_claiming_is_not_widened(pair: Shop) -> None:
    """What Ann has is taken already, whoever stands in for her."""
    pair.change(GrantAccess("associate", staff="ann"), GrantAccess("associate", staff="bob"))
    cover(pair)
    pair.refuses(BOB, Claim("a"), "already_assigned")


def test_h14_a_role_that_is_taken_from_who_is_away_counts_at_once(pair: Shop) -> None:
    """Also for what the covering colleague was about to read."""
    cover(pair)
    before = _version(pair, "bob")
    pair.change(GrantAccess("only_ann", levels={"view": Level.NONE}))
    role = next(iter(pair.member("ann").roles))
    assert _version(pair, "bob") == before
    pair.change(GrantAccess(role, levels={"view": Level.NONE}))
    assert _version(pair, "bob") > before
    assert pair.sees(BOB) == ["b"]


def _version(shop: Shop, staff: Any) -> int:
    with shop.store.reader() as reader:
        return reader.access([staff])[staff].version


def test_h14_ending_it_early_counts_at_once(pair: Shop) -> None:
    """Ended now; ended again is unchanged; the row keeps the window it had."""
    id = cover(pair)
    pair.clock.passes(days=2)
    receipt = pair.does(ADA, EndCover(id))
    assert (receipt.tally.changed, receipt.version) == (1, 2)
    assert pair.sees(BOB) == ["b"]
    assert pair.does(ADA, EndCover(id)).tally.unchanged == 1
    [row] = pair.ownership.covers(ADA)
    assert (row.since, row.until, row.version) == (
        to_micros(pair.clock()) - 2 * 86_400_000_000,
        to_micros(pair.clock()),
        2,
    )


def test_h14_one_that_is_ended_before_it_begins_never_stands(pair: Shop) -> None:
    """Its window is empty from then on."""
    id = cover(pair, start=5)
    pair.does(ADA, EndCover(id))
    pair.clock.passes(days=5)
    assert pair.sees(BOB) == ["b"]
    [row] = pair.ownership.covers(ADA)
    assert row.since == row.until


def test_h14_each_change_is_an_event_without_a_name(pair: Shop) -> None:
    """Arranged and ended, with who, for whom and when, and the reason."""
    id = cover(pair)
    pair.does(ADA, EndCover(id, reason="back early"))
    events = pair.events(id, Subject.COVER)
    assert [(one.version, one.body["what"], one.reason) for one in events] == [
        (1, "created", None),
        (2, "ended", "back early"),
    ]
    assert set(events[0].body) == {"v", "what", "staff", "by", "since", "until"}


def test_h14_the_same_again_is_unchanged(pair: Shop) -> None:
    """No second cover, no second event; a key answers with the receipt it had."""
    command = Cover("ann", "bob", **window(pair))
    first = pair.does(ADA, command, key="k")
    assert pair.does(ADA, command, key="k") == first
    assert pair.does(ADA, command).tally.unchanged == 1
    assert len(pair.ownership.covers(ADA)) == 1


def test_h14_a_cover_is_planned_before_it_is_arranged(pair: Shop) -> None:
    """A plan writes nothing; applied, it decides again."""
    plan = pair.ownership.plan(Cover("ann", "bob", **window(pair)), ADA)
    assert plan.run.tally.changed == 1
    assert pair.ownership.covers(ADA) == []
    pair.ownership.apply(plan.id, ADA)
    assert pair.sees(BOB) == ["a", "b"]


@pytest.mark.parametrize(("start", "end"), [(1, 1), (2, 1)])
def test_h14_a_window_has_a_length(pair: Shop, start: int, end: int) -> None:
    """One that ends when it begins, or before: ``empty_window``."""
    pair.refuses(ADA, Cover("ann", "bob", **window(pair, start, end)), "empty_window")


@pytest.mark.parametrize(
    ("staff", "by", "codes"),
    [
        ("nobody", "bob", ["unknown_staff"]),
        ("ann", "nobody", ["unknown_staff"]),
        ("gone", "bob", ["unknown_staff"]),
        ("ann", "idle", ["staff_inactive"]),
        ("ann", "ann", ["cover_self"]),
    ],
)
def test_h14_both_are_there_and_two_people(pair: Shop, staff: str, by: str, codes: list[str]) -> None:
    """Unknown and deleted staff cover nobody, nor does whoever is not active or the same."""
    pair.staff("gone"), pair.staff("idle")
    pair.change(ChangeStaff("gone", delete=True), ChangeStaff("idle", active=False))
    pair.refuses(ADA, Cover(staff, by, **window(pair)), *codes)


def test_h14_who_is_away_may_have_been_deactivated_before(pair: Shop) -> None:
    """Somebody ill is covered as well as somebody on leave."""
    pair.change(ChangeStaff("ann", active=False))
    cover(pair)
    assert pair.sees(BOB) == ["a", "b"]


def test_h14_arranging_needs_the_right_to_assign_to_both(shop: Shop) -> None:
    """Without it ``not_permitted``; out of reach on either side ``target_out_of_reach``; ending needs the same."""
    shop.department("north")
    boss = shop.staff("boss", None, "north", view="department", assign="department")
    for staff, unit in (("ann", "north"), ("bob", "north"), ("cid", None)):
        shop.staff(staff, None, *([unit] if unit else []), view="own")
    shop.refuses(ANN, Cover("ann", "bob", **window(shop)), "not_permitted")
    shop.refuses(boss, Cover("ann", "cid", **window(shop)), "target_out_of_reach")
    shop.refuses(boss, Cover("cid", "ann", **window(shop)), "target_out_of_reach")
    shop.does(boss, Cover("ann", "bob", **window(shop)))
    beyond = cover(shop, "cid", "bob")
    shop.refuses(boss, EndCover(beyond), "target_out_of_reach")
    shop.refuses(boss, EndCover("no such cover"), "unknown_cover")
    shop.refuses(ANN, EndCover(beyond), "not_permitted")


def test_h14_covers_are_listed_for_whoever_reaches_them(shop: Shop) -> None:
    """Those of the department, the own ones, and all."""
    shop.department("north")
    boss = shop.staff("boss", None, "north", view="department", assign="department")
    for staff, unit in (("ann", "north"), ("bob", "north"), ("cid", None), ("eve", None)):
        shop.staff(staff, None, *([unit] if unit else []), view="own")
    inside, across = cover(shop), cover(shop, "cid", "eve")
    listed = {
        who: [one.id for one in shop.ownership.covers(Actor.staff(who))] for who in ("ada", "ann", "cid", "nobody")
    }
    assert listed == {"ada": sorted([inside, across]), "ann": [inside], "cid": [across], "nobody": []}
    assert [one.id for one in shop.ownership.covers(boss)] == [inside]
    [row] = [one for one in shop.ownership.covers(ADA) if one.id == inside]
    now = to_micros(shop.clock())
    assert row == CoverRow(inside, "ann", "bob", now, now + 10 * DAY, 1)


@pytest.mark.parametrize(
    ("staff", "by"),
    [("bob", "cid"), ("cid", "ann"), ("bob", "ann")],
    ids=["who covers is covered", "who is covered covers", "a cycle"],
)
def test_h15_chains_and_cycles_are_refused(pair: Shop, staff: str, by: str) -> None:
    """At a time they have in common; the other side of the clock is free."""
    cover(pair, "ann", "bob", 0, 10)
    pair.refuses(ADA, Cover(staff, by, **window(pair, 9, 20)), "cover_chain")
    cover(pair, staff, by, 10, 20)


def test_h15_several_may_stand_in_for_one_and_one_for_several(pair: Shop) -> None:
    """Neither is a chain."""
    pair.customer("c", "cid")
    cover(pair, "ann", "bob")
    cover(pair, "cid", "bob")
    pair.staff("eve", view="own")
    cover(pair, "ann", "eve")
    assert pair.sees(BOB) == ["a", "b", "c"]
    assert pair.sees(Actor.staff("eve")) == ["a"]


def test_h15_one_that_was_ended_links_nobody(pair: Shop) -> None:
    """From its end on both are free."""
    id = cover(pair)
    pair.does(ADA, EndCover(id))
    cover(pair, "bob", "cid")
    assert pair.sees(CID) == ["b"]


def test_h14_why_says_who_stands_in_for_whom(pair: Shop) -> None:
    """And until when; afterwards it is not said any more."""
    pair.change(GrantAccess("admin", staff="ada"))
    cover(pair)
    explained = pair.ownership.why(ADA, "bob", "view", "a")
    assert explained.allowed
    [reach] = [check.said for check in explained.checks if check.code == "out_of_reach"]
    assert reach.endswith("Bob stands in for Ann until 2026-03-12 09:00 UTC.")
    assert pair.ownership.who_can(ADA, "view", "a") == ["ada", "ann", "bob"]
    pair.clock.passes(days=10)
    explained = pair.ownership.why(ADA, "bob", "view", "a")
    assert not explained.allowed
    assert "stands in" not in explained.text()
    assert pair.ownership.who_can(ADA, "view", "a") == ["ada", "ann"]


@pytest.mark.parametrize("moment", [None, "2026-03-02", True, 1.5, 2**62])
def test_h14_a_moment_is_read_strictly(pair: Shop, moment: Any) -> None:
    """Whole UTC microseconds of a year there is, or an aware datetime."""
    pair.refuses(ADA, Cover("ann", "bob", since=moment, until=window(pair)["until"]), "invalid_value")


def test_h14_a_naive_time_is_refused() -> None:
    """It would mean another moment on another machine."""
    with pytest.raises(OwnershipError) as caught:
        Cover("ann", "bob", since=datetime(2026, 1, 1), until=0)  # noqa: DTZ001 - that is the point
    assert caught.value.codes == ("naive_time",)
