"""A10, I10: a shop moves to another cardinality as a whole, or names the customers in its way."""

from __future__ import annotations

import io
from typing import Any

import pytest
from shop import OpenShop, Shop

from ownership_core import (
    Actor,
    Assign,
    ChangeStaff,
    ClearPrimary,
    CreateCustomer,
    KeepOne,
    Mode,
    NewCustomer,
    SetPrimary,
    SwitchCardinality,
    Unassign,
    hookimpl,
    read_plan,
    write_plan,
)
from ownership_core.cli.plans import tallied
from ownership_core.model import ActorKind
from ownership_core.policies import Cardinality, Limit
from ownership_core.ruling import Fate, Requirement
from ownership_core.scope import ANY, Equals, Has

ADA = Actor.staff("ada")
PRIMARY, LONGEST = KeepOne.PRIMARY, KeepOne.LONGEST_SERVING


@pytest.fixture
def crowd(multi: Shop) -> Shop:
    """In multi: ``two`` with a primary, ``none`` with two staff and none primary, ``one`` and ``nobody``."""
    crowded(multi)
    return multi


def crowded(shop: Shop) -> None:
    """Staff s1 to s3; s2 serves ``none`` for a day longer than s1."""
    for name in ("s1", "s2", "s3"):
        shop.staff(name, "associate")
    shop.customer("two", "s1", "s2")
    shop.customer("one", "s1")
    shop.customer("nobody")
    shop.customer("none", "s2")
    shop.clock.passes(days=1)
    shop.change(Assign("none", "s1", mode=Mode.ADD), ClearPrimary("none"))


def named(error: Any) -> list[tuple[str, str]]:
    """The code and the place of each problem."""
    return [(problem.code, problem.where) for problem in error.problems]


def test_a10_without_a_rule_the_switch_names_the_conflicts_and_changes_nothing(crowd: Shop) -> None:
    """A customer with two assignments refuses the whole switch, with a primary or without (I10).

    Guard: the requirements of ``decide_switch``.
    """
    refused = crowd.refuses(ADA, SwitchCardinality("single"), "too_many_staff")
    assert named(refused) == [("too_many_staff", "customer none"), ("too_many_staff", "customer two")]
    crowd.does(ADA, Assign("nobody", "s3"))
    assert crowd.holders("two") == ["s1", "s2"]


def test_i10_no_more_than_fifty_are_named_and_all_are_counted(multi: Shop) -> None:
    """Of 51 conflicts fifty are named. Guard: the limit in ``conflicts``."""
    for name in ("s1", "s2"):
        multi.staff(name, "associate")
    ids = [f"c{number:02}" for number in range(51)]
    multi.change(CreateCustomer([NewCustomer(id) for id in ids], channel="import"))
    multi.change(Assign(ids, "s1"), Assign(ids, "s2", mode=Mode.ADD))
    refused = multi.refuses(ADA, SwitchCardinality("single"), "too_many_staff")
    assert [where for _, where in named(refused)] == [*(f"customer {id}" for id in ids[:50]), ""]
    assert refused.problems[-1].what == "51 customers stand in the way of 'single'; 50 of them are named."


def test_a10_with_nobody_in_the_way_everything_moves(multi: Shop) -> None:
    """Opened under the new settings, the shop keeps the new rule; nobody's history grew."""
    multi.staff("s1", "associate")
    multi.staff("s2", "associate")
    multi.customer("a", "s1")
    before = multi.events("a")
    receipt = multi.does(ADA, SwitchCardinality("single", reason="one face for each"))
    single = multi.under(cardinality="single")
    assert (receipt.changed, receipt.what, single.events("a")) == (0, "switch_cardinality", before)
    single.refuses(ADA, Assign("a", "s2", mode=Mode.ADD), "single_owner")
    with single.store.reader() as reader:
        run = reader.run(receipt.run)
    assert (run.actor, run.reason, run.command["to"]) == (ADA, "one face for each", "single")


def test_a10_a_sole_staff_that_is_not_primary_becomes_primary(multi: Shop) -> None:
    """Nobody loses anything by it, so it needs no rule; not even an inactive one stays behind (I3).

    Guard: ``Primary.FILL``.
    """
    for name in ("s1", "s2"):
        multi.staff(name, "associate")
        multi.customer(f"of {name}", name)
    multi.change(ClearPrimary(["of s1", "of s2"]), ChangeStaff("s2", active=False))
    receipt = multi.does(ADA, SwitchCardinality("single"))
    single = multi.under(cardinality="single")
    assert (receipt.changed, single.owner("of s1"), single.owner("of s2")) == (2, "s1", "s2")
    assert single.events("of s1")[-1].body["primary"] == [None, "s1"]


def test_a10_keeping_the_primary_drops_the_others(crowd: Shop) -> None:
    """Who left stands in the event with everything an undo needs, and is told. Guard: ``Drop.BEYOND_ROOM``."""
    crowd.change(SetPrimary("none", "s1"))
    gone = next(a for a in crowd.found("two").assignments if a.staff == "s2")
    told = len(crowd.told())
    receipt = crowd.does(ADA, SwitchCardinality("single", PRIMARY))
    single = crowd.under(cardinality="single")
    assert {id: single.holders(id) for id in ("two", "one", "none", "nobody")} == {
        "two": ["s1"],
        "one": ["s1"],
        "none": ["s1"],
        "nobody": [],
    }
    last = single.events("two")[-1]
    assert (last.run, last.body["primary"], last.body["added"]) == (receipt.run, ["s1", "s1"], [])
    assert last.body["removed"] == [
        {"staff": "s2", "primary": False, "since": gone.since, "role": gone.role, "source": gone.source}
    ]
    assert [(task.run, task.receiver) for task in single.told()[told:]] == [(receipt.run, "s2")]


def test_a10_keeping_the_primary_names_whoever_has_none(crowd: Shop) -> None:
    """With several staff and no primary there is nobody to keep. Guard: ``_somebody_to_keep``."""
    refused = crowd.refuses(ADA, SwitchCardinality("single", PRIMARY), "too_many_staff")
    assert named(refused) == [("too_many_staff", "customer none")]


def test_a10_keeping_the_longest_serving_keeps_the_primary_where_there_is_one(crowd: Shop) -> None:
    """Else whoever has been there longest stays, not the first by name, and becomes primary.

    Guard: the order of ``Drop.BEYOND_ROOM``.
    """
    crowd.change(SetPrimary("two", "s2"))
    crowd.does(ADA, SwitchCardinality("single", LONGEST))
    single = crowd.under(cardinality="single")
    assert (single.holders("two"), single.holders("none"), single.owner("none")) == (["s2"], ["s2"], "s2")


def test_a10_keeping_the_longest_serving_passes_over_inactive_staff(crowd: Shop) -> None:
    """Whoever has left the shop keeps nobody's customer. Guard: activity in the order."""
    crowd.change(ChangeStaff("s2", active=False))
    crowd.does(ADA, SwitchCardinality("single", "longest_serving"))
    assert crowd.under(cardinality="single").owner("none") == "s1"


def test_a10_keeping_the_longest_serving_names_the_orphaned(crowd: Shop) -> None:
    """Several staff, none active, none primary: nobody can say who looks after the customer (I9)."""
    crowd.change(ChangeStaff("s1", active=False), ChangeStaff("s2", active=False))
    refused = crowd.refuses(ADA, SwitchCardinality("single", LONGEST), "too_many_staff")
    assert named(refused) == [("too_many_staff", "customer none")]


def test_a10_there_and_back_again(crowd: Shop) -> None:
    """Multi to single to multi: the second way loses nothing, and staff can be added again."""
    crowd.does(ADA, SwitchCardinality("single", LONGEST))
    single = crowd.under(cardinality="single")
    before = [(customer.id, customer.assignments, customer.version) for customer in single.everyone()]
    receipt = single.does(ADA, SwitchCardinality("multi"))
    multi = single.under(cardinality="multi")
    assert receipt.changed == 0
    assert [(customer.id, customer.assignments, customer.version) for customer in multi.everyone()] == before
    multi.does(ADA, Assign("two", "s3", mode=Mode.ADD))
    assert multi.holders("two") == ["s1", "s3"]


def test_a10_a_smaller_limit_keeps_the_primary_and_the_longest_serving(open_shop: OpenShop) -> None:
    """From multi to two: of three staff the primary and the one who came first of the others stay."""
    shop = open_shop("multi", at_most=2)
    crowded(shop)
    shop.change(Assign("two", "s3", mode=Mode.ADD), SetPrimary("two", "s3"))
    refused = shop.refuses(ADA, SwitchCardinality("at_most"), "too_many_staff")
    assert named(refused) == [("too_many_staff", "customer two")]
    shop.does(ADA, SwitchCardinality("at_most", PRIMARY))
    fewer = shop.under(cardinality="at_most")
    assert (fewer.holders("two"), fewer.owner("two")) == (["s1", "s3"], "s3")
    assert (fewer.holders("none"), fewer.owner("none")) == (["s1", "s2"], None)
    fewer.refuses(ADA, Assign("two", "s2", mode=Mode.ADD), "too_many_staff")


class KeyAccounts:
    """Nobody but key accounts is limited: one staff each."""

    @hookimpl
    def ownership_cardinality(self) -> list[Cardinality]:
        """Offered beside the built-in ones."""
        return [Cardinality("key", (Limit(1, Has("tags", ["key"])),))]


def test_a10_a_limit_for_some_customers_stands_in_the_way_of_them_only(open_shop: OpenShop) -> None:
    """Whatever ``keep`` says: for those it limits there is no rule, the others keep all their staff."""
    shop = open_shop("multi", plugins={"key": KeyAccounts()})
    crowded(shop)
    shop.changed("two", tags=["key"])
    refused = shop.refuses(ADA, SwitchCardinality("key", LONGEST), "too_many_staff")
    assert named(refused) == [("too_many_staff", "customer two")]
    shop.changed("two", tags=[])
    assert shop.does(ADA, SwitchCardinality("key")).changed == 0
    shop.store.check("key")
    assert shop.holders("none") == ["s1", "s2"]


def test_the_same_cardinality_again_is_unchanged(crowd: Shop) -> None:
    """No run, no event, nothing written."""
    with crowd.unchanged():
        receipt = crowd.does(ADA, SwitchCardinality("multi", PRIMARY))
    assert (receipt.run, receipt.tally.total) == (None, 0)


def test_a_cardinality_nobody_offers_is_refused(crowd: Shop) -> None:
    """``unknown_cardinality`` lists those there are."""
    refused = crowd.refuses(ADA, SwitchCardinality("dozens"), "unknown_cardinality")
    assert "at_most, multi, single" in str(refused)


def test_a_plan_to_switch_to_what_nobody_offers_is_refused_just_so(crowd: Shop) -> None:
    """``unknown_cardinality`` when it is planned, not only when it is carried out."""
    crowd.refuses_call(lambda: crowd.ownership.plan(SwitchCardinality("dozens"), ADA), "unknown_cardinality")


@pytest.mark.parametrize(
    "levels",
    [
        pytest.param({"view": "all", "assign": "all"}, id="no manage_access"),
        pytest.param({"view": "all", "assign": "all", "manage_access": "department"}, id="of a department"),
        pytest.param({"view": "all", "assign": "department", "manage_access": "all"}, id="assigns few"),
        pytest.param({"view": "own", "assign": "all", "manage_access": "all"}, id="sees few"),
    ],
)
def test_whoever_does_not_reach_everybody_may_not_switch(crowd: Shop, levels: dict[str, str]) -> None:
    """``not_permitted``, and no customer is named: some of them may be hidden. Guard: ``_not_over_everybody``."""
    kim = crowd.staff("kim", **levels)
    refused = crowd.refuses(kim, SwitchCardinality("single"), "not_permitted")
    assert named(refused) == [("not_permitted", "")]


def test_a_restriction_on_the_asker_is_in_the_way_too(crowd: Shop) -> None:
    """An admin of one website does not reach everybody."""
    shop = crowd.under(sharing="per_website")
    kim = shop.staff("kim", "admin", websites=["de"])
    shop.refuses(kim, SwitchCardinality("single"), "not_permitted")


def test_the_operator_may_switch_where_the_settings_let_it_work(crowd: Shop) -> None:
    """Nobody else without a staff may: neither a rule nor a switched-off operator."""
    switch = SwitchCardinality("single", LONGEST)
    crowd.refuses(Actor(ActorKind.SYSTEM, "till", "pos"), switch, "not_permitted")
    crowd.refuses(Actor.operator("root"), switch, "not_permitted")
    crowd.change(switch)
    crowd.store.check("single")


def test_a_service_under_the_old_settings_changes_no_customer_any_more(crowd: Shop) -> None:
    """``cardinality_mismatch`` for every change of a customer, until it is opened anew (I44).

    Guards: the comparison in ``write``, in ``create_customers`` and in ``lock_cardinality``.
    """
    crowd.does(ADA, SwitchCardinality("single", LONGEST))
    for command in (
        Assign("one", "s2", mode=Mode.ADD),
        Unassign(["one", "two"], ANY),
        CreateCustomer(NewCustomer("new")),
        SwitchCardinality("at_most"),
    ):
        crowd.refuses(ADA, command, "cardinality_mismatch")
    crowd.refuses_call(lambda: crowd.under(cardinality="multi"), "cardinality_mismatch")
    crowd.under(cardinality="single").does(ADA, Assign("one", "s2"))


def test_a_service_under_the_old_settings_still_reads(crowd: Shop) -> None:
    """A switch takes nothing away from those who look."""
    crowd.does(ADA, SwitchCardinality("single", LONGEST))
    assert crowd.sees(ADA) == ["nobody", "none", "one", "two"]


def test_a_plan_of_a_switch_shows_who_stands_in_its_way(crowd: Shop) -> None:
    """Refused rows with their code, and nothing but the plan is written (C05)."""
    before = crowd.business()
    plan = crowd.ownership.plan(SwitchCardinality("single", PRIMARY), ADA)
    rows = {row.customer: row for row in crowd.ownership.plan_rows(ADA, plan.id)}
    assert (rows["none"].fate, rows["none"].codes) == (Fate.REFUSED, ("too_many_staff",))
    assert (rows["two"].fate, [gone.staff for gone in rows["two"].removed]) == (Fate.CHANGED, ["s2"])
    assert tallied(plan.run.tally) == "1 changed, 1 refused (too_many_staff: 1)"
    assert crowd.business() == before
    crowd.store.check("multi")


@pytest.mark.parametrize("as_file", [False, True])
def test_a_plan_of_a_switch_is_applied_as_it_was_made(crowd: Shop, as_file: bool) -> None:
    """From the store or from a file; the shop is in single afterwards."""
    plan = crowd.ownership.plan(SwitchCardinality("single", LONGEST), ADA)
    receipt = crowd.ownership.apply(read_plan(saved(crowd, plan)) if as_file else plan.id, ADA)
    single = crowd.under(cardinality="single")
    assert (receipt.changed, single.holders("two"), single.holders("none")) == (2, ["s1"], ["s2"])


def saved(shop: Shop, plan: Any) -> io.StringIO:
    """A plan as a file."""
    file = io.StringIO()
    write_plan(plan.run, shop.ownership.plan_rows(ADA, plan.id), file)
    file.seek(0)
    return file


def test_a_plan_of_a_switch_whose_customer_changed_is_stale_as_a_whole(crowd: Shop) -> None:
    """The customer is named, and the others stay as they are too. Guard: ``_require_as_planned``."""
    plan = crowd.ownership.plan(SwitchCardinality("single", LONGEST), ADA)
    crowd.change(Assign("two", "s3", mode=Mode.ADD))
    refused = crowd.refuses_call(lambda: crowd.ownership.apply(plan.id, ADA), "stale")
    assert named(refused) == [("stale", "customer two"), ("stale", "")]


def test_a_plan_of_a_switch_does_not_cover_who_came_into_its_way_later(crowd: Shop) -> None:
    """Nobody has seen that this customer would lose somebody. Guard: the count in ``_require_as_planned``."""
    plan = crowd.ownership.plan(SwitchCardinality("single", LONGEST), ADA)
    crowd.change(Assign("one", "s3", mode=Mode.ADD))
    refused = crowd.refuses_call(lambda: crowd.ownership.apply(plan.id, ADA), "stale")
    assert named(refused) == [("stale", "")]


def test_a_plan_that_names_conflicts_cannot_be_applied(crowd: Shop) -> None:
    """The refused customers are named again, and nothing is switched (A10)."""
    plan = crowd.ownership.plan(SwitchCardinality("single"), ADA)
    refused = crowd.refuses_call(lambda: crowd.ownership.apply(plan.id, ADA), "too_many_staff")
    assert [where for _, where in named(refused)] == ["customer none", "customer two"]


def test_a_switch_with_a_key_is_done_once(crowd: Shop) -> None:
    """The second call answers with the first receipt, though the cardinality is another by now (I40)."""
    first = crowd.does(ADA, SwitchCardinality("single", LONGEST), key="k")
    with crowd.unchanged():
        assert crowd.does(ADA, SwitchCardinality("single", LONGEST), key="k") == first


def test_a_demand_of_a_plugin_stops_the_whole_switch(open_shop: OpenShop) -> None:
    """A customer that a plugin protects is named with the plugin's code."""

    class Protected:
        @hookimpl
        def ownership_requirements(self, command: object, actor: object) -> list[Requirement]:
            return [Requirement("protected", ~Equals("name", "Two"))]

    shop = open_shop("multi")
    crowded(shop)
    shop.changed("two", name="Two")
    shop.changed("none", name="None")
    guarded = shop.under(plugins={"protected": Protected()})
    refused = guarded.refuses(ADA, SwitchCardinality("single", LONGEST), "protected")
    assert named(refused) == [("protected", "customer two")]


def test_why_is_not_asked_about_a_switch(crowd: Shop) -> None:
    """It is about no single customer."""
    switch: Any = SwitchCardinality("single")
    crowd.refuses_call(lambda: crowd.ownership.why_cannot(ADA, switch), "invalid_command")


def test_an_unknown_rule_is_refused() -> None:
    """``invalid_value`` with all there are."""
    with pytest.raises(ValueError, match="primary, longest_serving"):
        SwitchCardinality("single", "eldest")
