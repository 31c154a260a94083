"""Block F: who may take, give and give back a customer."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from shop import OpenShop, Shop

from ownership_core import (
    Actor,
    Assign,
    ChangeCustomer,
    Claim,
    GrantAccess,
    Level,
    OwnershipError,
    Release,
    SetPrimary,
    Unassign,
)
from ownership_core.scope import ANY

ADA = Actor.staff("ada")
NOT_FOR_ASSOCIATES = ("not_permitted", "target_out_of_reach")


@pytest.fixture
def team(shop: Shop) -> Shop:
    """A department with a manager and two associates; a customer of Ann's and one of nobody's."""
    shop.department("north")
    shop.staff("boss", "manager", "north")
    shop.staff("ann", "associate", "north"), shop.staff("bob", "associate", "north")
    shop.customer("anns", "ann"), shop.customer("free")
    return shop


ANN, BOB, BOSS = map(Actor.staff, ("ann", "bob", "boss"))


def test_f01_an_associate_takes_an_unassigned_customer(shop: Shop) -> None:
    """Claiming makes it the owner, with source ``claim``; the customer is in its list."""
    ann = shop.staff("ann", "associate")
    shop.customer("free")
    receipt = shop.does(ann, Claim("free"))
    assert (receipt.changed, shop.owner("free"), shop.sees(ann)) == (1, "ann", ["free"])
    assert shop.found("free").assignments[0].source == "claim"


def test_f02_an_associate_cannot_take_the_customer_of_another(team: Shop) -> None:
    """Whoever may not view it is told that there is no such customer."""
    team.refuses(BOB, Claim("anns"), "not_found")


def test_f02_whoever_sees_the_customer_is_told_that_it_is_assigned(shop: Shop) -> None:
    """With the right to view it the reason is ``already_assigned``."""
    bob = shop.staff("bob", view="all", claim="own")
    shop.staff("ann", "associate")
    shop.customer("anns", "ann")
    shop.refuses(bob, Claim("anns"), "already_assigned")


def test_f03_an_associate_gives_its_own_customer_back(team: Shop) -> None:
    """The customer is unassigned and stays (A07)."""
    team.does(ANN, Release("anns"))
    assert (team.owner("anns"), team.sees(ANN), team.sees(ANN, "claim")) == (None, [], ["anns", "free"])


def test_f04_an_associate_cannot_unassign_another(team: Shop) -> None:
    """Neither by name, nor everybody, nor by releasing what it does not own."""
    team.refuses(BOB, Unassign("anns", "ann"), *NOT_FOR_ASSOCIATES)
    team.refuses(BOB, Unassign("anns", ANY), "not_permitted")
    team.refuses(BOB, Release("anns"), "not_found")


def test_f05_an_associate_cannot_assign_another(team: Shop) -> None:
    """Not even an unassigned customer, and itself only by claiming."""
    for command in (Assign("free", "bob"), Assign("free", "ann"), SetPrimary("free", "bob"), Assign("anns", "bob")):
        team.refuses(ANN, command, *NOT_FOR_ASSOCIATES)


@pytest.mark.parametrize("who", [BOSS, ADA], ids=["manager", "admin"])
def test_f06_a_manager_takes_an_owned_customer(team: Shop, who: Actor) -> None:
    """The former owner is replaced."""
    team.does(who, Assign("anns", who.id))
    assert (team.holders("anns"), team.sees(ANN)) == ([who.id], [])


@pytest.mark.parametrize("who", [BOSS, ADA], ids=["manager", "admin"])
def test_f07_a_manager_unassigns_another(team: Shop, who: Actor) -> None:
    """By name or everybody."""
    team.does(who, Unassign("anns", "ann"))
    assert team.owner("anns") is None


@pytest.mark.parametrize("who", [BOSS, ADA], ids=["manager", "admin"])
def test_f08_a_manager_assigns_to_another(team: Shop, who: Actor) -> None:
    """The new owner sees the customer, the former one does not."""
    team.does(who, Assign("anns", "bob"))
    assert (team.sees(BOB), team.sees(ANN)) == (["anns"], [])


def test_f08_a_manager_gives_away_unassigned_customers_where_the_department_sees_them(open_shop: OpenShop) -> None:
    """Under ``unassigned_visibility = "department"``; under the default only after claiming them (B18)."""
    for visibility, owner in {"department": "ann", "claimable_only": None}.items():
        shop = open_shop(unassigned_visibility=visibility)
        shop.department("north")
        shop.staff("boss", "manager", "north"), shop.staff("ann", "associate", "north")
        shop.customer("free")
        shop.does(BOSS, Assign(["free"], "ann"))
        assert shop.owner("free") == owner


def test_f08_a_managers_right_ends_at_the_department(team: Shop) -> None:
    """No giving to outsiders, and no taking from them though the customer is in sight (row 90)."""
    team.department("south")
    team.staff("eve", "associate", "south")
    team.staff("seer", None, "north", view="all", assign="department")
    team.customer("eves", "eve")
    team.refuses(BOSS, Assign("anns", "eve"), "target_out_of_reach")
    team.refuses(Actor.staff("seer"), Assign("eves", "bob"), "not_permitted", "holder_out_of_reach")


def test_f08_in_multi_a_colleague_beyond_reach_is_not_pushed_out(open_shop: OpenShop) -> None:
    """A customer shared with another department may not be taken over by a set (I30)."""
    multi = open_shop("multi")
    multi.department("north"), multi.department("south")
    boss = multi.staff("boss", "manager", "north")
    multi.staff("ann", "associate", "north"), multi.staff("eve", "associate", "south")
    multi.customer("shared", "ann", "eve")
    multi.refuses(boss, Assign("shared", "boss"), "holder_out_of_reach")
    multi.does(boss, Assign("shared", "boss", mode="add"))
    assert multi.holders("shared") == ["ann", "boss", "eve"]


def test_f09_without_the_right_to_release_the_own_customer_stays(team: Shop) -> None:
    """``release`` is a right of its own; taken away, ``not_permitted``."""
    team.change(GrantAccess("associate", levels={"release": Level.NONE}))
    team.refuses(ANN, Release("anns"), "not_permitted")


def test_f09_with_the_right_only_the_relation_goes(multi: Shop) -> None:
    """The customer and its other staff stay as they are."""
    ann = multi.staff("ann", "associate")
    multi.staff("bob", "associate")
    multi.customer("a", "bob", "ann", name="Zoe")
    multi.does(ann, Release("a"))
    assert (multi.holders("a"), multi.found("a").name) == (["bob"], "Zoe")


def test_f12_of_two_claims_the_later_learns_nothing(team: Shop) -> None:
    """Whoever loses and may not view the customer is told exactly what a missing one answers."""
    team.does(ANN, Claim("free"))
    lost = team.refuses(BOB, Claim("free"), "not_found")
    missing = team.refuses(BOB, Claim("nobody"), "not_found")
    assert str(lost).replace("free", "ID") == str(missing).replace("nobody", "ID")
    assert "ann" not in str(lost)


def test_f12_of_two_claims_at_one_instant_exactly_one_succeeds(team: Shop) -> None:
    """From two threads: one owner, one refusal."""
    ready, ended = Barrier(2), {}

    def claim(who: Actor) -> None:
        ready.wait()
        try:
            ended[who.id] = team.does(who, Claim("free")).changed
        except OwnershipError as lost:
            ended[who.id] = lost.codes

    threads = [Thread(target=claim, args=[who]) for who in (ANN, BOB)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, ended.values())) == ["('not_found',)", "1"]
    assert ended[team.owner("free")] == 1


def test_f13_the_event_of_a_rule_names_the_rule_and_no_person(shop: Shop) -> None:
    """Kind system, the rule's id, and the owner it chose."""
    shop.staff("ann", "associate")
    shop.customer("free")
    till = Actor.system("till-7", "sale-assigns")
    shop.does(till, Assign("free", "ann"))
    made = shop.events("free")[-1].actor
    assert (made.kind.value, made.id, made.rule, shop.owner("free")) == ("system", "till-7", "sale-assigns", "ann")


def test_f13_a_rule_never_becomes_an_owner(shop: Shop) -> None:
    """It cannot claim, release, or be named."""
    shop.customer("free")
    rule = Actor.system("ada", "nightly")
    for command in (Claim("free"), Release("free")):
        shop.refuses(rule, command, "not_permitted")
    shop.refuses(rule, Assign("free", "nightly"), "unknown_staff")


def test_f13_a_rule_touches_unassigned_customers_without_no_auto_only(shop: Shop) -> None:
    """``already_assigned`` and ``no_auto`` (I31)."""
    shop.staff("ann", "associate"), shop.staff("bob", "associate")
    shop.customer("anns", "ann"), shop.customer("shy", no_auto=True)
    rule = Actor.system("till-7", "sale")
    shop.refuses(rule, Assign("anns", "bob"), "already_assigned")
    shop.refuses(rule, Assign("shy", "bob"), "no_auto")
    shop.does(ADA, Assign("shy", "bob"))
    assert shop.owner("shy") == "bob"


def test_the_operator_works_only_where_the_settings_allow_it(open_shop: OpenShop) -> None:
    """``not_permitted`` otherwise; allowed, it is recorded as operator and never owns anybody."""
    shop, root = open_shop(), Actor.operator("root")
    shop.customer("free")
    shop.refuses(root, Assign("free", "ada"), "not_permitted")
    allowed = shop.under(operator=True)
    allowed.refuses(root, Claim("free"), "not_permitted")
    allowed.does(root, Assign("free", "ada"))
    assert shop.events("free")[-1].actor == root


def test_nobody_edits_beyond_the_right_to_edit(team: Shop) -> None:
    """Managers edit, associates do not, though the customer is theirs."""
    team.refuses(ANN, ChangeCustomer("anns", values={"name": "Zoe"}), "not_permitted")
    team.does(BOSS, ChangeCustomer("anns", values={"name": "Zoe"}))
    assert team.found("anns").name == "Zoe"
