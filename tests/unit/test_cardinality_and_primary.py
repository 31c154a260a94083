"""Block A: how many staff a customer has, and who stands for it."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from shop import OpenShop, Shop

from ownership_core import Actor, Assign, ClearPrimary, Conflict, Mode, Refused, SetPrimary, Unassign
from ownership_core.scope import ANY

ADA = Actor.staff("ada")


def people(shop: Shop, *names: str) -> None:
    """Associates by name."""
    for name in names:
        shop.staff(name, "associate")


def test_a01_setting_the_primary_in_single_ends_the_former_assignment(shop: Shop) -> None:
    """One active assignment is left, the new one, and one event tells both changes."""
    people(shop, "s1", "s2")
    shop.customer("a", "s1")
    shop.does(ADA, SetPrimary("a", "s2"))
    assert (shop.holders("a"), shop.owner("a")) == (["s2"], "s2")
    body = shop.events("a")[-1].body
    assert ([line["staff"] for line in body["added"]], [line["staff"] for line in body["removed"]]) == (["s2"], ["s1"])


def test_a02_in_multi_everybody_assigned_sees_the_customer(multi: Shop) -> None:
    """Primary or not: each of three assigned staff sees the customer."""
    people(multi, "s1", "s2", "s3")
    multi.customer("a", "s1", "s2", "s3")
    assert [multi.sees(Actor.staff(name)) for name in ("s1", "s2", "s3")] == [["a"], ["a"], ["a"]]


@pytest.mark.meanwhile
def test_a03_no_moment_shows_two_primaries(multi: Shop) -> None:
    """Inside the transaction there is the new primary alone; outside, the former one until it commits."""
    people(multi, "s1", "s2")
    multi.customer("a", "s1", "s2")
    with multi.ownership.atomic() as transaction:
        transaction.execute(SetPrimary("a", "s2"), ADA)
        inside = [a.staff for a in transaction.writer.customers(["a"])[0].assignments if a.primary]
        assert (inside, multi.owner("a")) == (["s2"], "s1")
    assert [a.staff for a in multi.found("a").assignments if a.primary] == ["s2"]


def test_a04_a_mass_primary_in_multi_keeps_the_former_primary_assigned(multi: Shop) -> None:
    """The new staff is assigned and primary, the former one stays without being primary."""
    people(multi, "s1", "s9")
    multi.customer("a", "s1")
    multi.customer("b", "s1")
    multi.does(ADA, SetPrimary(["a", "b"], "s9"))
    assert [(multi.owner(c), multi.holders(c)) for c in "ab"] == [("s9", ["s1", "s9"])] * 2


def test_a04_a_mass_primary_with_replace_takes_the_former_primary_off(multi: Shop) -> None:
    """Asked to replace, the former primary goes; other staff stay."""
    people(multi, "s1", "s2", "s9")
    multi.customer("a", "s1", "s2")
    multi.does(ADA, SetPrimary(["a"], "s9", replace=True))
    assert (multi.owner("a"), multi.holders("a")) == ("s9", ["s2", "s9"])


def test_a04_the_setting_on_replace_holds_where_the_command_is_silent(open_shop: OpenShop) -> None:
    """``on_replace = "replace"`` makes every new primary take the former one's place."""
    multi = open_shop("multi", on_replace="replace")
    people(multi, "s1", "s9")
    multi.customer("a", "s1")
    multi.does(ADA, SetPrimary("a", "s9"))
    assert multi.holders("a") == ["s9"]


def test_a05_a_primary_who_was_not_assigned_is_assigned_together_with_it(multi: Shop) -> None:
    """The assignment and the primary come in one event."""
    people(multi, "s1", "s4")
    multi.customer("a", "s1")
    multi.does(ADA, SetPrimary("a", "s4"))
    body = multi.events("a")[-1].body
    assert (multi.owner("a"), body["primary"], body["added"][0]["staff"]) == ("s4", ["s1", "s4"], "s4")


def test_a06_removing_the_primary_promotes_nobody(multi: Shop) -> None:
    """Without a promotion policy the customer has staff and no primary."""
    people(multi, "s1", "s2")
    multi.customer("a", "s1", "s2")
    multi.does(ADA, Unassign("a", "s1"))
    assert (multi.owner("a"), multi.holders("a")) == (None, ["s2"])


def test_a06_with_the_promotion_policy_the_longest_serving_staff_is_promoted(open_shop: OpenShop) -> None:
    """Longest serving, not first by name."""
    multi = open_shop("multi", promote_by=["since"])
    people(multi, "s1", "s2", "s3")
    multi.customer("a", "s1")
    for name in ("s3", "s2"):
        multi.clock.passes(days=1)
        multi.change(Assign("a", name, mode=Mode.ADD))
    multi.does(ADA, Unassign("a", "s1"))
    assert multi.owner("a") == "s3"


def test_a06_with_the_promotion_policy_inactive_staff_is_passed_over(open_shop: OpenShop) -> None:
    """The longest-serving *active* one: whoever has left is not promoted."""
    from ownership_core import ChangeStaff  # noqa: PLC0415

    multi = open_shop("multi", promote_by=["since"])
    people(multi, "s1", "s2", "s3")
    multi.customer("a", "s1")
    for name in ("s3", "s2"):
        multi.clock.passes(days=1)
        multi.change(Assign("a", name, mode=Mode.ADD))
    multi.change(ChangeStaff("s3", active=False))
    multi.does(ADA, Unassign("a", "s1"))
    assert multi.owner("a") == "s2"


def test_a07_the_customer_outlives_its_assignments(shop: Shop) -> None:
    """Unassigning leaves the customer with all its fields (I11)."""
    people(shop, "s1")
    shop.customer("a", "s1", name="Ann", groups=["vip"])
    before = shop.found("a")
    shop.does(ADA, Unassign("a", ANY))
    after = shop.found("a")
    assert (after.values, after.sets, after.assignments) == (before.values, before.sets, ())


def test_a08_after_a_reassignment_the_former_owner_sees_the_customer_no_more(shop: Shop) -> None:
    """In the very next query Zhang sees nothing and Li the customer."""
    zhang, li = shop.staff("zhang", "associate"), shop.staff("li", "associate")
    shop.customer("a", "zhang")
    assert (shop.sees(zhang), shop.sees(li)) == (["a"], [])
    shop.does(ADA, Assign("a", "li"))
    assert (shop.sees(zhang), shop.sees(li)) == ([], ["a"])


def test_a09_in_single_a_second_owner_cannot_be_added(shop: Shop) -> None:
    """Adding is refused with ``single_owner``, and nothing moves."""
    people(shop, "s1", "s2")
    shop.customer("a", "s1")
    shop.refuses(ADA, Assign("a", "s2", mode=Mode.ADD), "single_owner")


def test_a09_in_single_an_owner_can_be_added_where_there_is_none(shop: Shop) -> None:
    """Adding to an unassigned customer makes a primary of the one who is added (I3)."""
    people(shop, "s1")
    shop.customer("a")
    shop.does(ADA, Assign("a", "s1", mode=Mode.ADD))
    assert shop.owner("a") == "s1"


def test_a11_the_same_owner_again_is_unchanged(shop: Shop) -> None:
    """No event, no notification, no run: nothing at all is written."""
    people(shop, "s1")
    shop.customer("a", "s1")
    with shop.unchanged():
        receipt = shop.does(ADA, Assign("a", "s1"))
    assert (receipt.run, receipt.tally.unchanged, receipt.changed) == (None, 1, 0)


def test_a11_a_real_change_notifies_who_gained_and_who_lost(shop: Shop) -> None:
    """The other side of A11: one outbox row for each of the two."""
    people(shop, "s1", "s2")
    shop.customer("a", "s1")
    before = len(shop.told())
    receipt = shop.does(ADA, Assign("a", "s2"))
    assert [(t.run, t.receiver) for t in shop.told()[before:]] == [(receipt.run, "s1"), (receipt.run, "s2")]


def test_a12_of_two_primaries_set_with_one_expected_version_the_second_is_a_conflict(multi: Shop) -> None:
    """Whoever comes second is told ``version_conflict`` and changes nothing."""
    people(multi, "s1", "s2", "s3")
    multi.customer("a", "s1")
    version = multi.found("a").version
    multi.does(ADA, SetPrimary("a", "s2", expected_version=version))
    multi.refuses(ADA, SetPrimary("a", "s3", expected_version=version), "version_conflict")
    assert multi.owner("a") == "s2"


def test_a12_of_two_parallel_primaries_exactly_one_wins(multi: Shop) -> None:
    """The same at once, from two threads."""
    people(multi, "s1", "s2", "s3")
    multi.customer("a", "s1")
    version, ready, ended = multi.found("a").version, Barrier(2), {}

    def set_primary(staff: str) -> None:
        ready.wait()
        try:
            ended[staff] = multi.does(ADA, SetPrimary("a", staff, expected_version=version)).changed
        except (Refused, Conflict) as lost:
            ended[staff] = lost.codes

    threads = [Thread(target=set_primary, args=[staff]) for staff in ("s2", "s3")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = multi.owner("a")
    assert sorted(map(str, ended.values())) == ["('version_conflict',)", "1"]
    assert ended[winner] == 1


def test_at_most_keeps_room_for_that_many(open_shop: OpenShop) -> None:
    """With ``at_most = 2`` a third staff is ``too_many_staff`` (K1)."""
    shop = open_shop("at_most", at_most=2)
    people(shop, "s1", "s2", "s3")
    shop.customer("a", "s1", "s2")
    shop.refuses(ADA, Assign("a", "s3", mode=Mode.ADD), "too_many_staff")
    shop.does(ADA, Assign("a", "s3"))
    assert shop.holders("a") == ["s3"]


def test_clearing_the_primary_in_multi_leaves_the_staff(multi: Shop) -> None:
    """Nobody stands for the customer, everybody stays assigned (row 3)."""
    people(multi, "s1", "s2")
    multi.customer("a", "s1", "s2")
    multi.does(ADA, ClearPrimary("a"))
    assert (multi.owner("a"), multi.holders("a")) == (None, ["s1", "s2"])


def test_clearing_the_primary_in_single_unassigns(shop: Shop) -> None:
    """In single there is no assignment that is not primary (row 3)."""
    people(shop, "s1")
    shop.customer("a", "s1")
    shop.does(ADA, ClearPrimary("a"))
    assert shop.holders("a") == []


def test_a_shop_of_another_cardinality_than_its_store_does_not_start(multi: Shop) -> None:
    """``cardinality_mismatch`` at the start, not at the first command."""
    multi.refuses_call(lambda: multi.under(cardinality="single"), "cardinality_mismatch")
