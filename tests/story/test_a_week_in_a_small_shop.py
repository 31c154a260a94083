"""One week in a small shop, told once from Monday to Sunday."""

from __future__ import annotations

from shop import OpenShop, allow

from ownership_core import (
    Actor,
    Assign,
    ChangeCustomer,
    ChangeStaff,
    Claim,
    CreateCustomer,
    DeleteCustomer,
    NewCustomer,
    Release,
    Unassign,
)
from ownership_core.history import as_of, replay
from ownership_core.keys import to_micros
from ownership_core.scope import ANY, ORPHANED, AssignedTo, Has


def test_a_week_in_a_small_shop(open_shop: OpenShop) -> None:
    """People come and go, customers change hands, and everybody sees what they should, every day."""
    shop = open_shop(sharing="per_website")
    own, ada = shop.ownership, Actor.staff("ada")

    # Monday: the shop opens with two departments, a manager, three associates and a Berlin customer list.
    shop.department("sales"), shop.department("north", parent="sales"), shop.department("south", parent="sales")
    mona = shop.staff("mona", "manager", "north", websites=["de"])
    nick = shop.staff("nick", "associate", "north", websites=["de"])
    nora = shop.staff("nora", "associate", "north", websites=["de"])
    sven = shop.staff("sven", "associate", "south", websites=["fr"], restriction=allow("retail"))
    berlin = [NewCustomer(f"b{n}", {"website": "de"}, {"tags": ["Berlin"]}, "nick") for n in range(5)]
    assert shop.does(ada, CreateCustomer(berlin, channel="import")).changed == 5
    paris = NewCustomer("p1", {"website": "fr"}, {"groups": ["retail"]}, "sven")
    shop.does(ada, CreateCustomer(paris, channel="import"))
    assert (shop.sees(mona), shop.sees(nora), shop.sees(sven)) == (["b0", "b1", "b2", "b3", "b4"], [], ["p1"])
    monday = to_micros(shop.clock())

    # Tuesday: somebody walks in. Nora saves her, and Nick finds that a free customer can be claimed once.
    shop.clock.passes(days=1)
    shop.does(nora, CreateCustomer(NewCustomer("walk-in", {"website": "de", "name": "Zoe", "email": "zoe@x.org"})))
    shop.customer("free", website="de")
    shop.does(nick, Claim("free"))
    shop.refuses(nora, Claim("free"), "not_found")
    shop.refuses(nick, CreateCustomer(NewCustomer("again", {"website": "de", "email": "ZOE@X.org"})), "duplicate_email")

    # Wednesday: Mona wants Nora to take over Berlin. She plans first; one customer moves to Paris meanwhile.
    shop.clock.passes(days=1)
    plan = own.plan(Assign(Has("tags", {"Berlin"}), "nora", reason="Nick goes on leave"), mona)
    assert plan.run.tally.changed == 5
    shop.changed("b4", tags=["Paris"])
    receipt = own.apply(plan.id, mona)
    assert (receipt.changed, receipt.tally.codes) == (4, {"stale": 1})
    assert (shop.sees(nick), shop.sees(nora)) == (["b4", "free"], ["b0", "b1", "b2", "b3", "walk-in"])
    assert {(task.run, task.receiver) for task in shop.told()} >= {(receipt.run, "nick"), (receipt.run, "nora")}

    # Thursday: Sven asks why he does not see Zoe, and why she cannot be given to him. The admin reads it to him.
    shop.clock.passes(days=1)
    shop.refuses_call(lambda: own.why(sven, "sven", "view", "walk-in"), "not_found")
    why = own.why(ada, "sven", "view", "walk-in")
    assert set(why.codes) == {"out_of_reach", "website_mismatch", "group_restricted"}
    assert why.text().startswith("May Sven view Zoe")
    assert set(own.why_cannot(ada, Assign("walk-in", "sven")).codes) == {"website_mismatch", "group_restricted"}
    assert own.who_can(ada, "view", "walk-in") == ["ada", "mona", "nora"]

    # Friday: Nick leaves. His customers are orphaned, not lost; Mona hands them on, and he sees nothing any more.
    shop.clock.passes(days=1)
    shop.does(ada, ChangeStaff("nick", active=False, reason="Has left"))
    assert shop.sees(nick) == []
    assert [c.id for c in own.visible(mona).where(ORPHANED).page().customers] == ["b4", "free"]
    shop.refuses(mona, Assign("b0", "nick"), "staff_inactive")
    assert shop.does(mona, Assign(AssignedTo(["nick"]), "mona"), key="friday").changed == 2
    assert shop.does(mona, Assign(AssignedTo(["nick"]), "mona"), key="friday").changed == 2
    assert own.visible(mona).where(ORPHANED).count() == 0

    # Saturday: Nora gives one back, the manager corrects a name, and a customer asks to be deleted.
    shop.clock.passes(days=1)
    shop.does(nora, Release("b0"))
    shop.does(mona, ChangeCustomer("b1", values={"name": "Yves"}))
    shop.refuses(nora, DeleteCustomer("walk-in"), "not_permitted")
    shop.does(ada, DeleteCustomer("walk-in", reason="Asked for it"))
    assert shop.sees(nora) == ["b1", "b2", "b3"]
    with shop.unchanged():
        assert shop.does(ada, Unassign("b0", ANY)).run is None

    # Sunday: the books. On Monday b1 was Nick's, and the events alone tell the whole shop.
    shop.clock.passes(days=1)
    assert [a.staff for a in as_of(own.history(ada, "b1"), monday)] == ["nick"]
    assert [a.staff for a in as_of(own.history(ada, "b1"), to_micros(shop.clock()))] == ["nora"]
    assert own.history(ada, "walk-in")[-1].reason == "Asked for it"
    told = {customer: held for customer, held in replay(shop.events()).assignments.items() if held}
    assert told == {customer.id: customer.assignments for customer in shop.everyone() if customer.assignments}
