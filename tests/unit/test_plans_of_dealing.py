"""What a plan that dealt customers out does when it is applied: turns pass, and rules and bounds are those of then."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from shop import OpenShop, Shop

from ownership_core import (
    Actor,
    Assign,
    ByScope,
    Capacity,
    Case,
    ChangeRules,
    LeastBusy,
    Offboard,
    Rotation,
    Rule,
    Sweep,
    ToStaff,
    Transfer,
    Weighted,
    read_plan,
    write_plan,
)
from ownership_core.commands import Command
from ownership_core.plan import Receipt
from ownership_core.scope import Everything, Has

ADA = Actor.staff("ada")
THREE = Rotation("new", {"ann", "bob", "cid"})
VIP = Has("tags", {"vip"})


def people(shop: Shop) -> None:
    """Three who take turns, and others beside them."""
    for name in ("ann", "bob", "cid", "lena", "tom"):
        shop.staff(name, "associate")


def rule(shop: Shop, id: str, to: object, condition: object = Everything(), **rest: object) -> None:
    """A rule of the shop."""
    shop.change(ChangeRules(Rule(id, condition, to, **rest)))  # type: ignore[arg-type]


def filed(shop: Shop, command: Command) -> str:
    """A plan as a file."""
    plan, text = shop.ownership.plan(command, ADA), StringIO()
    write_plan(plan.run, shop.ownership.plan_rows(ADA, plan.id), text)
    return text.getvalue()


def applied(shop: Shop, command: Command, **options: bool) -> Receipt:
    """Planned first, and applied then."""
    return shop.ownership.apply(shop.ownership.plan(command, ADA).id, ADA, **options)


def owners(shop: Shop) -> list[str | None]:
    """Who stands for each customer, in the order of their ids."""
    return [customer.primary for customer in shop.everyone()]


def test_row_95_a_rotation_of_a_rule_goes_on_when_a_plan_is_applied(shop: Shop) -> None:
    """As when it is swept at once. Seen to fail when only a command that is a rotation itself moves the pointer."""
    people(shop)
    rule(shop, "all", THREE)
    for number in range(4):
        shop.customer(f"c{number}")
        applied(shop, Sweep())
    assert owners(shop) == ["ann", "bob", "cid", "ann"]


def test_row_95_a_rotation_in_one_case_goes_on_from_its_own_customers(shop: Shop) -> None:
    """Two rotations with the same members. Seen to fail when no case, or always the first one, is asked again."""
    people(shop)
    to = ByScope([Case(VIP, Rotation("vip", {"ann", "bob", "cid"}))], THREE)
    for id, tags in (("c0", ["vip"]), ("c1", []), ("c2", []), ("c3", ["vip"]), ("c4", [])):
        shop.customer(id, "lena", tags=tags)
    assert applied(shop, Transfer("lena", to, customers=["c0", "c1", "c2"])).changed == 3
    applied(shop, Transfer("lena", to, customers=["c3", "c4"]))
    assert owners(shop) == ["ann", "ann", "bob", "bob", "cid"]


def test_row_95_a_rotation_of_a_case_beside_one_staff(shop: Shop) -> None:
    """Whom others give to leaves it where it is. Seen to fail when the last customer of all moves the pointer."""
    people(shop)
    rule(shop, "all", ByScope([Case(VIP, ToStaff("cid"))], THREE))
    for number in range(3):
        shop.customer(f"c{number}")
        shop.customer(f"v{number}", tags=["vip"])
        applied(shop, Sweep())
    assert owners(shop) == ["ann", "bob", "cid", "cid", "cid", "cid"]


def test_row_95_rules_may_share_a_rotation(shop: Shop) -> None:
    """The last of all in id order counts. Seen to fail when each rule moves the pointer by itself."""
    people(shop)
    rule(shop, "first", THREE, VIP, priority=1)
    rule(shop, "rest", THREE)
    for id, tags in (("c0", []), ("c1", ["vip"]), ("c2", []), ("c3", ["vip"])):
        shop.customer(id, tags=tags)
        shop.customer(f"{id}b", tags=tags)
        applied(shop, Sweep())
    assert owners(shop) == ["ann", "bob", "cid", "ann", "bob", "cid", "ann", "bob"]


def test_row_95_only_whoever_moves_takes_a_turn(shop: Shop) -> None:
    """A stale customer takes none. Seen to fail when the pointer is set to where the plan had come."""
    people(shop)
    rule(shop, "all", THREE, occasions=["sweep"])
    for number in range(3):
        shop.customer(f"c{number}")
    plan = shop.ownership.plan(Sweep(), ADA)
    shop.changed("c2", name="Later")
    assert shop.ownership.apply(plan.id, ADA).tally.codes == {"stale": 1}
    applied(shop, Sweep())
    assert owners(shop) == ["ann", "bob", "cid"]


def test_row_95_a_plan_in_chunks_takes_as_many_turns(open_shop: OpenShop) -> None:
    """Each chunk goes on from the one before. Seen to fail when chunks move no pointer of a rule."""
    shop = open_shop(limits={"batch": 2})
    people(shop)
    rule(shop, "all", THREE)
    for number in range(5):
        shop.customer(f"c{number}")
    shop.ownership.apply_chunked(shop.ownership.plan(Sweep(), ADA).id, ADA)
    shop.customer("c5")
    applied(shop, Sweep())
    assert owners(shop) == ["ann", "bob", "cid", "ann", "bob", "cid"]


def test_row_50_a_plan_file_stores_which_rule_chose(shop: Shop) -> None:
    """As the stored plan does, and its rotation goes on. Seen to fail when no file says a source: it was ``sweep``."""
    people(shop)
    rule(shop, "all", THREE)
    for number in range(4):
        shop.customer(f"c{number}")
        assert shop.ownership.apply(read_plan(StringIO(filed(shop, Sweep()))), ADA).changed == 1
    assert owners(shop) == ["ann", "bob", "cid", "ann"]
    assert {shop.events(f"c{n}")[-1].body["added"][0]["source"] for n in range(4)} == {"rule:all@1"}


def test_row_50_no_file_says_which_rule_chose(shop: Shop) -> None:
    """A source that is written into it is not believed, nor is another receiver the rule's choice, nor a plan that is
    stored no more. Seen to fail when the source is taken from the file, or of the customer whoever receives it."""
    people(shop)
    rule(shop, "all", THREE)
    rule(shop, "vip", ToStaff("tom"), VIP)
    shop.customer("c0")
    text = filed(shop, Sweep())
    forged = [
        text.replace('"receiver": "ann"', '"receiver": "ann", "source": "rule:vip@1"'),
        text.replace("ann", "tom"),
        text.replace('"run": "', '"run": "x'),
    ]
    said = []
    for one in forged[1:]:
        with shop.unchanged():
            said.append(shop.ownership.apply(read_plan(StringIO(one)), ADA).tally.codes)
    assert said == [{"stale": 1}] * 2
    shop.ownership.apply(read_plan(StringIO(forged[0])), ADA)
    assert shop.events("c0")[-1].body["added"][0]["source"] == "rule:all@1"


@pytest.mark.parametrize(
    "after",
    [
        ChangeRules(forget="all"),
        ChangeRules(Rule("all", Everything(), ToStaff("tom"))),
        ChangeRules(Rule("all", Everything(), ToStaff("lena"), label="All")),
    ],
)
def test_h05_no_rule_goes_on_choosing_when_it_is_over(shop: Shop, after: ChangeRules) -> None:
    """Forgotten, or another version by now: stale, and the other rule's customers move. Seen to fail without that."""
    people(shop)
    rule(shop, "all", ToStaff("lena"))
    rule(shop, "vip", ToStaff("tom"), VIP, priority=1)
    shop.customer("a")
    shop.customer("b", tags=["vip"])
    plan, file = shop.ownership.plan(Sweep(), ADA), filed(shop, Sweep())
    shop.change(after)
    receipt = shop.ownership.apply(plan.id, ADA)
    assert (receipt.changed, receipt.tally.codes) == (1, {"stale": 1})
    assert owners(shop) == [None, "tom"]
    assert shop.ownership.apply(read_plan(StringIO(file)), ADA).tally.codes == {"stale": 2}


def test_h05_a_rule_chooses_until_it_ends(shop: Shop) -> None:
    """Its moment counts when the plan is applied. Seen to fail when ended rules count."""
    people(shop)
    rule(shop, "all", ToStaff("lena"), active_until=shop.clock() + timedelta(days=2))
    shop.customer("a")
    shop.customer("b")
    first, second = (shop.ownership.plan(Sweep([id]), ADA).id for id in "ab")
    shop.clock.passes(days=1)
    assert shop.ownership.apply(first, ADA).changed == 1
    shop.clock.passes(days=1)
    assert shop.ownership.apply(second, ADA).tally.codes == {"stale": 1}


def test_row_97_two_plans_keep_within_one_capacity(shop: Shop) -> None:
    """One in thirty days is one, whoever planned first. Seen to fail when a plan brings its room along."""
    people(shop)
    bounded = LeastBusy({"lena"}, capacity=Capacity(1, days=30))
    shop.customer("a")
    shop.customer("b")
    first, second = (shop.ownership.plan(Sweep([id], bounded), ADA).id for id in "ab")
    assert shop.ownership.apply(first, ADA).changed == 1
    receipt = shop.ownership.apply(second, ADA)
    assert (receipt.changed, receipt.tally.codes) == (0, {"no_capacity": 1})
    again = shop.ownership.plan(Sweep(["b"], bounded), ADA)
    assert again.run.tally.codes == {"no_capacity": 1}
    shop.clock.passes(days=6)
    late = shop.ownership.plan(Sweep(["b"], LeastBusy({"lena"}, capacity=Capacity(1, days=7))), ADA)
    assert late.run.tally.changed == 0
    shop.clock.passes(days=2)
    assert applied(shop, Sweep(["b"], LeastBusy({"lena"}, capacity=Capacity(1, days=7)))).changed == 1


def test_row_97_those_with_room_are_the_first_that_change(shop: Shop) -> None:
    """A stale customer takes no room, and the others move. Seen to fail when it takes some."""
    people(shop)
    bounded = Weighted({"lena": 3, "tom": 1}, capacity=Capacity(3))
    for number in range(4):
        shop.customer(f"c{number}")
    plan = shop.ownership.plan(Sweep(to=bounded), ADA)
    given = [row.receiver for row in shop.ownership.plan_rows(ADA, plan.id)]
    hers = [f"c{number}" for number, staff in enumerate(given) if staff == "lena"]
    shop.customer("d0", "lena")
    shop.changed(hers[0], name="Later")
    receipt = shop.ownership.apply(plan.id, ADA)
    assert (receipt.changed, receipt.tally.codes) == (3, {"stale": 1})
    late = shop.ownership.plan(Sweep(to=LeastBusy({"cid"}, capacity=Capacity(2))), ADA)
    shop.change(Assign("d0", "cid"), Assign(hers[1], "cid"))
    assert shop.ownership.apply(late.id, ADA).tally.codes == {"no_capacity": 1}
    assert shop.owner(hers[0]) is None


def test_row_97_each_rule_has_the_bound_of_its_own_case(shop: Shop) -> None:
    """The first in id order come in. Seen to fail when the narrowest bound of all holds for everybody."""
    people(shop)
    turn = Rotation("new", {"ann", "bob"}, capacity=Capacity(2))
    rule(shop, "all", ByScope([Case(VIP, LeastBusy({"ann"}, capacity=Capacity(4)))], turn), occasions=["sweep"])
    for id, tags in (("a", []), ("b", ["vip"]), ("c", []), ("d", []), ("e", ["vip"])):
        shop.customer(id, tags=tags)
    plan = shop.ownership.plan(Sweep(), ADA)
    rows = {row.customer: row.receiver for row in shop.ownership.plan_rows(ADA, plan.id)}
    assert rows == {"a": "ann", "b": "ann", "c": "bob", "d": "bob", "e": "ann"}
    shop.customer("z", "bob")
    receipt = shop.ownership.apply(plan.id, ADA)
    assert (receipt.changed, receipt.tally.codes) == (4, {"no_capacity": 1})
    assert owners(shop) == ["ann", "ann", "bob", None, "ann", "bob"]


def test_row_97_a_strict_plan_beyond_the_bound_moves_nobody(shop: Shop) -> None:
    """As any that is refused. Seen to fail when strict looks at the tally from before."""
    people(shop)
    shop.customer("a", "lena")
    shop.customer("b", "lena")
    plan = shop.ownership.plan(Offboard("lena", LeastBusy({"tom"}, capacity=Capacity(2))), ADA)
    shop.customer("z", "tom")
    shop.refuses_call(lambda: shop.ownership.apply(plan.id, ADA), "strict_refused")
    assert shop.ownership.apply(plan.id, ADA, strict=False).tally.codes == {"no_capacity": 1}
    assert owners(shop) == ["tom", "lena", "tom"]
