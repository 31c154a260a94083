"""Block H: how customers come and go, who owns them from the start, and what history tells."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from shop import OpenShop, Shop, allow

from ownership_core import (
    Actor,
    Assign,
    ChangeCustomer,
    ChangeStaff,
    CreateCustomer,
    Customer,
    DeleteCustomer,
    NewCustomer,
    Unassign,
    hookimpl,
)
from ownership_core.commands import Command
from ownership_core.history import as_of, replay, spans
from ownership_core.hookspecs import Occasion, Proposals
from ownership_core.keys import to_micros
from ownership_core.ruling import Requirement
from ownership_core.scope import ANY, Equals, Nothing

ADA = Actor.staff("ada")


def new(id: str, staff: str | None = None, **values: str) -> NewCustomer:
    """A customer to create."""
    return NewCustomer(id, values, staff=staff)


def test_h01_whoever_saves_a_result_owns_it(shop: Shop) -> None:
    """A customer created by staff belongs to the creator."""
    ann = shop.staff("ann", "associate")
    shop.does(ann, CreateCustomer(new("found", name="Zoe")))
    assert (shop.owner("found"), shop.sees(ann)) == ("ann", ["found"])


def test_h01_a_customer_that_exists_keeps_its_owner(shop: Shop) -> None:
    """``customer_exists``, and nothing is overwritten."""
    ann = shop.staff("ann", "associate")
    shop.staff("bob", "associate")
    shop.customer("old", "bob", name="Zoe")
    shop.refuses(ann, CreateCustomer(new("old", name="Eve")), "customer_exists")


@pytest.mark.parametrize("again", ["zoe@example.org", "ZOE@Example.ORG", " zoe@example.org", "ｚoe@example.org"])
def test_h03_the_same_email_is_refused_as_a_duplicate(shop: Shop, again: str) -> None:
    """However it is spelled; the refusal does not name the other customer (I21)."""
    ann = shop.staff("ann", "associate")
    shop.customer("hidden", email="zoe@example.org")
    error = shop.refuses(ann, CreateCustomer(new("b", email=again)), "duplicate_email")
    assert "hidden" not in str(error)


def test_h03_a_change_to_anothers_email_is_refused_too(shop: Shop) -> None:
    """``duplicate_email``; one's own in another spelling is fine."""
    shop.customer("a", email="a@example.org"), shop.customer("b", email="b@example.org")
    shop.refuses(ADA, ChangeCustomer("b", values={"email": "A@example.org"}), "duplicate_email")
    shop.does(ADA, ChangeCustomer("b", values={"email": "B@example.org"}))
    assert shop.found("b").values["email"] == "B@example.org"


def test_h03_an_email_is_free_again_with_its_customer_gone(shop: Shop) -> None:
    """Deleted or changed away, another may have it."""
    shop.customer("a", email="a@example.org"), shop.customer("b", email="b@example.org")
    shop.does(ADA, DeleteCustomer("a"))
    shop.does(ADA, ChangeCustomer("b", values={"email": None}))
    receipt = shop.does(ADA, CreateCustomer([new("c", email="a@example.org"), new("d", email="b@example.org")]))
    assert receipt.changed == 2


def test_h03_two_of_one_email_in_one_command_are_refused(shop: Shop) -> None:
    """The second is a duplicate of the first."""
    receipt = shop.does(ADA, CreateCustomer([new("a", email="a@x.org"), new("b", email="A@X.org")]))
    assert (receipt.changed, receipt.tally.codes) == (1, {"duplicate_email": 1})


def test_h04_creator_makes_staff_the_owner_and_nobody_else(open_shop: OpenShop) -> None:
    """A till or an importer is never an owner (E14)."""
    shop = open_shop(creation={"pos": "creator", "staff": "creator"})
    shop.does(Actor.system("till", "sale"), CreateCustomer(new("a"), channel="pos"))
    shop.does(ADA, CreateCustomer(new("b"), channel="staff"))
    assert [shop.owner(c) for c in "ab"] == [None, "ada"]


def test_h04_a_creator_who_is_not_fit_leaves_the_customer_unassigned_with_a_warning(shop: Shop) -> None:
    """The customer is created; the receipt says why nobody owns it."""
    ann = shop.staff("ann", "associate", restriction=allow("vip"))
    receipt = shop.does(ann, CreateCustomer(new("a", name="Zoe")))
    assert (receipt.changed, shop.owner("a"), [p.code for p in receipt.warnings]) == (1, None, ["group_restricted"])


def test_h04_explicit_gives_the_customer_to_the_named_staff(shop: Shop) -> None:
    """Or to nobody where nobody is named."""
    shop.staff("ann", "associate")
    shop.does(ADA, CreateCustomer([new("a", "ann"), new("b")], channel="import"))
    assert [shop.owner(c) for c in "ab"] == ["ann", None]


def test_h04_an_explicit_staff_that_is_not_fit_refuses_the_customer(shop: Shop) -> None:
    """Inactive, unknown, or out of the creator's reach."""
    shop.staff("left", "associate", active=False)
    maria = shop.staff("maria", create="own", view="own")
    shop.refuses(ADA, CreateCustomer(new("a", "left"), channel="import"), "staff_inactive")
    shop.refuses(ADA, CreateCustomer(new("a", "nobody"), channel="import"), "unknown_staff")
    shop.refuses(maria, CreateCustomer(new("a", "ada"), channel="import"), "target_out_of_reach")


def test_h04_a_named_staff_is_refused_where_the_channel_takes_none(shop: Shop) -> None:
    """``staff_not_expected``: the policy of the channel decides."""
    shop.staff("ann", "associate")
    shop.refuses(ADA, CreateCustomer(new("a", "ann"), channel="self"), "staff_not_expected")


class Proposer:
    """Proposes one staff for every customer, with a weight."""

    def __init__(self, staff: str, weight: int = 0) -> None:
        self._staff, self._weight = staff, weight

    @hookimpl
    def ownership_propose_staff(self, customers: Sequence[Customer], occasion: Occasion) -> Proposals:
        """The same for all."""
        return Proposals({customer.id: self._staff for customer in customers}, self._weight)


def test_h04_proposed_takes_the_weightiest_proposal(open_shop: OpenShop) -> None:
    """By weight, then by the plugin's name; never by the order of registration."""
    plugins = {"z": Proposer("ann", 1), "b": Proposer("bob", 2), "a": Proposer("eve", 1), "c": Proposer("eve", 2)}
    shop = open_shop(plugins=plugins, creation={"self": "proposed"})
    for name in ("ann", "bob", "eve"):
        shop.staff(name, "associate")
    shop.does(ADA, CreateCustomer([new("a"), new("b")], channel="self"))
    assert [shop.owner(c) for c in "ab"] == ["bob", "bob"]


def test_h04_a_proposed_staff_that_is_not_fit_leaves_the_customer_unassigned(open_shop: OpenShop) -> None:
    """The next proposal is not taken by accident; the reason is a warning."""
    shop = open_shop(plugins={"a": Proposer("left")}, creation={"self": "proposed"})
    shop.staff("left", "associate", active=False)
    receipt = shop.does(ADA, CreateCustomer(new("a"), channel="self"))
    assert (shop.owner("a"), [p.code for p in receipt.warnings]) == (None, ["staff_inactive"])


def test_h04_unassigned_gives_the_customer_to_nobody(shop: Shop) -> None:
    """Self-registration by default."""
    shop.does(ADA, CreateCustomer(new("a"), channel="self"))
    assert shop.owner("a") is None


def test_creating_takes_the_right_to_create(shop: Shop) -> None:
    """``not_permitted`` for whoever may only view."""
    maria = shop.staff("maria", view="all")
    shop.refuses(maria, CreateCustomer(new("a")), "not_permitted")


def test_of_several_new_customers_the_good_ones_are_created(shop: Shop) -> None:
    """Each bad one is listed with its reason, an id that stands twice is not guessed; strict creates all or none."""
    command = CreateCustomer([new("a"), new("b", nonsense="x"), new("a"), new("c")], channel="self")
    shop.refuses(ADA, command, "unknown_field", "customer_exists", strict=True)
    receipt = shop.does(ADA, command)
    assert (receipt.changed, receipt.tally.refused, [c.id for c in shop.everyone()]) == (1, 3, ["c"])
    twice = [("customer_exists", "a")] * 2
    assert [(p.code, p.where) for p in receipt.problems] == [("unknown_field", "b"), *twice]
    assert receipt.tally.codes == {"unknown_field": 1, "customer_exists": 2}


def test_h12_a_change_counts_from_its_instant_on(shop: Shop) -> None:
    """As of t1 until before t2 the owner is S1, at t2 it is S2."""
    shop.staff("s1", "associate"), shop.staff("s2", "associate")
    shop.customer("a")
    t1 = change_at(shop, "s1", hours=1)
    t2 = change_at(shop, "s2", hours=1)
    events = shop.ownership.history(ADA, "a")
    assert [owner_as_of(events, at) for at in (t1 - 1, t1, t2 - 1, t2)] == [None, "s1", "s1", "s2"]


def test_h12_two_changes_at_one_instant_keep_their_order(shop: Shop) -> None:
    """The later one counts, by version and not by time; the first span is empty."""
    shop.staff("s1", "associate"), shop.staff("s2", "associate")
    shop.customer("a")
    at = change_at(shop, "s1", hours=1)
    assert change_at(shop, "s2") == at
    events = shop.ownership.history(ADA, "a")
    assert owner_as_of(events, at) == "s2"
    assert [(s.staff, s.since, s.until) for s in spans(events)] == [("s1", at, at), ("s2", at, None)]


def test_replaying_the_events_gives_the_assignments(multi: Shop) -> None:
    """From empty, whatever happened (I34)."""
    multi.staff("s1", "associate"), multi.staff("s2", "associate")
    multi.customer("a", "s1", "s2"), multi.customer("b", "s2")
    multi.does(ADA, Unassign("a", "s1"))
    multi.does(ADA, Assign("b", "s1"))
    state = replay(multi.events())
    assert state.assignments == {c: multi.found(c).assignments for c in "ab"}
    assert [state.versions["customer", c] for c in "ab"] == [multi.found(c).version for c in "ab"]


class ThreeGroups:
    """The host's rule: customers are retail, wholesale or press, and nothing else."""

    @hookimpl
    def ownership_requirements(self, command: Command) -> list[Requirement] | None:
        """Whatever is asked, a fourth group is refused."""
        if isinstance(command, ChangeCustomer) and set(command.sets.get("groups", ())) - {
            "retail",
            "wholesale",
            "press",
        }:
            return [Requirement("group_not_allowed", Nothing())]
        return None


def test_h16_a_plugin_refuses_a_fourth_group(open_shop: OpenShop) -> None:
    """With the plugin's own code; the three others pass."""
    shop = open_shop(plugins={"three_groups": ThreeGroups()})
    shop.customer("a", groups=["retail"])
    shop.refuses(ADA, ChangeCustomer("a", sets={"groups": ["vip"]}), "group_not_allowed")
    shop.does(ADA, ChangeCustomer("a", sets={"groups": ["press", "wholesale"]}))
    assert shop.found("a").sets["groups"] == {"press", "wholesale"}


def test_h17_deleting_customers_ends_their_assignments_and_keeps_their_history(shop: Shop) -> None:
    """The customers are gone; their events, also that of the end, can be read by whoever views everything."""
    ann = shop.staff("ann", "associate")
    shop.customer("a", "ann"), shop.customer("b", "ann")
    assert shop.does(ADA, DeleteCustomer(["a", "b"])).changed == 2
    assert (shop.everyone(), shop.sees(ann)) == ([], [])
    last = shop.ownership.history(ADA, "a")[-1].body
    assert (last["what"], [line["staff"] for line in last["removed"]]) == ("delete_customer", ["ann"])


def test_h17_an_id_created_again_goes_on_counting(shop: Shop) -> None:
    """Versions have no gap and no second start."""
    shop.customer("a")
    shop.does(ADA, DeleteCustomer("a"))
    shop.does(ADA, CreateCustomer(new("a")))
    assert [event.version for event in shop.events("a")] == [1, 2, 3]
    assert shop.found("a").version == 3


def test_h17_the_former_owner_reads_no_history_of_a_deleted_customer(shop: Shop) -> None:
    """``not_found``, as for one that never was."""
    ann = shop.staff("ann", "associate")
    shop.customer("a", "ann")
    shop.does(ADA, DeleteCustomer("a"))
    shop.refuses_call(lambda: shop.ownership.history(ann, "a"), "not_found")


def test_h18_leads_and_customers_obey_the_same_filter(shop: Shop) -> None:
    """One list holds both; a hidden lead is as hidden as a hidden customer."""
    ann = shop.staff("ann", "associate")
    for id, owner, kind in (("a", "ann", "customer"), ("b", "ann", "lead"), ("c", None, "lead")):
        shop.customer(id, owner, kind=kind)
    assert shop.sees(ann) == ["a", "b"]
    leads = shop.ownership.visible(ann).where(Equals("kind", "lead"))
    assert [customer.id for customer in leads.page().customers] == ["b"]


def test_h19_every_change_says_who_what_when_why_and_in_which_run(shop: Shop) -> None:
    """One event, complete, and its run beside it."""
    shop.staff("ann", "associate")
    shop.customer("a")
    shop.clock.passes(hours=3)
    receipt = shop.does(ADA, Assign("a", "ann", reason="She knows them"))
    event = shop.ownership.history(ADA, "a")[-1]
    assert (event.actor, event.body["what"], event.at) == (ADA, "assign", to_micros(shop.clock()))
    assert (event.reason, event.run) == ("She knows them", receipt.run)


def test_h19_changes_of_people_and_rights_are_recorded_too(shop: Shop) -> None:
    """Staff, departments and roles have events with versions of their own."""
    shop.department("north")
    shop.staff("ann", "associate")
    shop.does(ADA, ChangeStaff("ann", departments=["north"], reason="Moved"))
    event = shop.events("ann", kind=None)[-1]
    assert (event.version, event.actor, event.reason, event.body["fields"]) == (3, ADA, "Moved", ["departments"])


def test_h19_events_hold_no_name_and_no_email(shop: Shop) -> None:
    """Neither events nor applied runs keep what can be asked to be forgotten."""
    shop.does(ADA, CreateCustomer(new("a", name="Zoe Secret", email="secret@x.org")))
    shop.does(ADA, ChangeCustomer("a", values={"name": "Secret Too"}))
    with shop.store.reader() as reader:
        kept = repr(list(reader.events())) + repr(reader.runs(1000))
    assert "ecret" not in kept


def change_at(shop: Shop, staff: str, **later: float) -> int:
    """Assign after some time, and say when that was."""
    shop.clock.passes(**later)
    shop.does(ADA, Assign("a", staff))
    return to_micros(shop.clock())


def owner_as_of(events: list[object], at: int) -> str | None:
    """The primary at a moment."""
    return next((a.staff for a in as_of(events, at) if a.primary), None)  # type: ignore[arg-type]


def test_unassigning_everybody_by_the_wildcard_is_unchanged_where_nobody_is(shop: Shop) -> None:
    """``clear`` on an unassigned customer is no change (C17)."""
    shop.customer("a")
    with shop.unchanged():
        assert shop.does(ADA, Unassign("a", ANY)).tally.unchanged == 1
