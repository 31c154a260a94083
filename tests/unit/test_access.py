"""Block B: who sees which customers. *Sees* always means list, count and point check together."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from shop import OPERATOR, OpenShop, Shop, allow, deny
from sqlalchemy import event

from ownership_core import (
    Actor,
    Assign,
    ChangeCustomer,
    ChangeDepartment,
    ChangeStaff,
    CreateCustomer,
    GrantAccess,
    Level,
    Mode,
    NewCustomer,
    OwnershipError,
    hookimpl,
    load_settings,
)
from ownership_core.hookspecs import Related
from ownership_core.ruling import Grant
from ownership_core.scope import UNASSIGNED, Everything

ADA = Actor.staff("ada")


def test_b01_own_shows_the_customers_assigned_to_me_only(shop: Shop) -> None:
    """Not a colleague's, and not an unassigned one."""
    maria = shop.staff("maria", view="own")
    shop.staff("li")
    for customer, owner in {"mine": "maria", "theirs": "li", "free": None}.items():
        shop.customer(customer, owner)
    assert shop.sees(maria) == ["mine"]


def test_b02_department_shows_the_customers_of_my_colleagues(shop: Shop) -> None:
    """Anyone in my department counts, whoever is the owner."""
    shop.department("north"), shop.department("south")
    maria = shop.staff("maria", None, "north", view="department")
    shop.staff("li", None, "north"), shop.staff("eve", None, "south")
    for customer, owner in {"a": "maria", "b": "li", "c": "eve"}.items():
        shop.customer(customer, owner)
    assert shop.sees(maria) == ["a", "b"]


def test_b02_customers_leave_sight_with_the_colleague_who_moves(shop: Shop) -> None:
    """Departments count as they are now."""
    shop.department("north"), shop.department("south")
    maria = shop.staff("maria", None, "north", view="department")
    shop.staff("li", None, "north")
    shop.customer("b", "li")
    assert shop.sees(maria) == ["b"]
    shop.change(ChangeStaff("li", departments=["south"]))
    assert shop.sees(maria) == []


def test_b02_staff_without_a_department_are_no_colleagues(shop: Shop) -> None:
    """Two staff in no department share nothing (I18)."""
    maria = shop.staff("maria", view="department")
    shop.staff("li")
    shop.customer("b", "li")
    assert shop.sees(maria) == []


def test_b03_all_shows_every_customer(shop: Shop) -> None:
    """Mine, theirs and nobody's."""
    shop.staff("li")
    shop.customer("a", "li")
    shop.customer("b")
    assert shop.sees(shop.staff("maria", view="all")) == ["a", "b"]


def test_b03_all_leaves_what_website_and_group_restrictions_hide(open_shop: OpenShop) -> None:
    """A reach of all lifts no restriction (I17)."""
    shop = open_shop(sharing="per_website")
    maria = shop.staff("maria", websites=["de"], restriction=allow("vip"), view="all")
    shop.customer("a", website="de", groups=["vip"])
    shop.customer("b", website="fr", groups=["vip"])
    shop.customer("c", website="de", groups=["retail"])
    assert shop.sees(maria) == ["a"]


def test_b04_an_owner_without_the_right_to_view_sees_nothing(shop: Shop) -> None:
    """Ownership alone shows nothing: both are required."""
    maria = shop.staff("maria", edit="own")
    shop.customer("a", "maria")
    assert shop.sees(maria) == []


def test_b05_an_owner_without_the_right_to_edit_cannot_edit(shop: Shop) -> None:
    """View reaches the own customer, edit nothing: ``not_permitted``."""
    maria = shop.staff("maria", view="own", edit="none")
    shop.customer("a", "maria", name="Ann")
    shop.refuses(maria, ChangeCustomer("a", values={"name": "Eve"}), "not_permitted")
    assert shop.sees(maria) == ["a"]


def test_b05_edit_reaches_no_further_than_it_was_granted(shop: Shop) -> None:
    """A visible customer beyond the reach of edit is ``not_permitted``; within reach it changes."""
    maria = shop.staff("maria", view="all", edit="own")
    shop.customer("a", "maria", name="Ann")
    shop.customer("b", name="Bob")
    shop.refuses(maria, ChangeCustomer("b", values={"name": "Eve"}), "not_permitted")
    shop.does(maria, ChangeCustomer("a", values={"name": "Eve"}))
    assert shop.found("a").name == "Eve"


def test_b06_whoever_may_only_view_exports_nothing(shop: Shop) -> None:
    """Not through the export of what is visible, and not by asking for the action export."""
    maria = shop.staff("maria", view="all")
    shop.customer("a")
    visible = shop.ownership.visible(maria)
    assert (visible.count(), list(visible.export()), shop.sees(maria, "export")) == (1, [], [])


def test_b06_an_export_holds_what_both_view_and_export_reach(shop: Shop) -> None:
    """Export all and view own exports the own."""
    maria = shop.staff("maria", view="own", export="all")
    shop.customer("a", "maria")
    shop.customer("b")
    assert [c.id for c in shop.ownership.visible(maria).export()] == ["a"]


def test_b07_access_all_makes_nobody_an_owner(shop: Shop) -> None:
    """The customer is seen and still counts as unassigned."""
    maria = shop.staff("maria", view="all")
    shop.customer("a")
    assert shop.sees(maria) == ["a"]
    assert [c.id for c in shop.ownership.visible(maria).where(UNASSIGNED).page().customers] == ["a"]
    assert (shop.owner("a"), shop.holders("a")) == (None, [])


def test_b08_a_relation_to_a_hidden_group_gives_no_visibility(shop: Shop) -> None:
    """Allowed are Wholesale and Distributor: the own customer in Retail stays hidden."""
    maria = shop.staff("maria", view="own")
    for customer, group in {"a": "Wholesale", "b": "Retail", "c": "Distributor"}.items():
        shop.customer(customer, "maria", groups=[group])
    shop.change(ChangeStaff("maria", restriction=allow("Wholesale", "Distributor")))
    assert shop.sees(maria) == ["a", "c"]


def test_b09_deny_shows_the_complement_among_customers_with_a_group(shop: Shop) -> None:
    """Any listed group hides; without a group a customer is hidden in both modes."""
    denied = shop.staff("maria", view="all", restriction=deny("Wholesale"))
    allowed = shop.staff("li", view="all", restriction=allow("Wholesale"))
    shop.customer("a", groups=["Wholesale"])
    shop.customer("b", groups=["Retail"])
    shop.customer("both", groups=["Retail", "Wholesale"])
    shop.customer("none")
    assert (shop.sees(denied), shop.sees(allowed)) == (["b"], ["a", "both"])


def test_b10_a_group_restriction_wins_over_access_all(shop: Shop) -> None:
    """A level of all is narrowed like any other."""
    maria = shop.staff("maria", view="all", restriction=allow("vip"))
    shop.customer("a", groups=["vip"])
    shop.customer("b", groups=["retail"])
    assert shop.sees(maria) == ["a"]


def test_b10_restrictions_of_shop_department_and_staff_all_hold(open_shop: OpenShop) -> None:
    """Three reaches are AND-ed, and a department's binds its sub-departments (row 13)."""
    shop = open_shop(group_restriction={"mode": "allow", "groups": ["a", "b", "c"]})
    shop.department("sales", restriction=allow("a", "b", "d"))
    shop.department("north", parent="sales")
    maria = shop.staff("maria", None, "north", view="all", restriction=deny("b"))
    for group in "abcd":
        shop.customer(group, groups=[group])
    assert shop.sees(maria) == ["a"]


def test_b11_no_restriction_restricts_nothing(shop: Shop) -> None:
    """None leaves customers of every group, and of none."""
    maria = shop.staff("maria", view="all", restriction=None)
    shop.customer("a", groups=["vip"])
    shop.customer("b")
    assert shop.sees(maria) == ["a", "b"]


@pytest.mark.parametrize("mode", [allow, deny])
def test_b11_an_empty_list_is_refused_for_staff(shop: Shop, mode: Any) -> None:
    """``empty_restriction`` when it is configured."""
    shop.staff("maria", view="all")
    shop.refuses(ADA, ChangeStaff("maria", restriction=mode()), "empty_restriction")


def test_b11_an_empty_list_is_refused_for_a_department(shop: Shop) -> None:
    """``empty_restriction``, for a new department as for an old one."""
    shop.department("north")
    shop.refuses(ADA, ChangeDepartment("north", restriction=allow()), "empty_restriction")
    shop.refuses(ADA, ChangeDepartment("s", create=True, label="S", restriction=allow()), "empty_restriction")


def test_b11_an_empty_list_is_refused_in_the_settings(shop: Shop) -> None:
    """``empty_restriction`` with its path."""
    raw = {"group_restriction": {"mode": "allow", "groups": []}}
    error = shop.refuses_call(lambda: load_settings(raw), "empty_restriction")
    assert error.problems[0].where == "settings.group_restriction"


def test_b11_an_empty_list_of_websites_is_refused(shop: Shop) -> None:
    """The other allow-list of a staff: None is all websites, an empty one is a mistake."""
    shop.staff("maria", view="all")
    shop.refuses(ADA, ChangeStaff("maria", websites=[]), "empty_restriction")


def test_b12_per_website_sharing_hides_other_websites_even_when_assigned(open_shop: OpenShop) -> None:
    """Staff of website 1 see nothing of website 2, and nothing without a website."""
    shop = open_shop(sharing="global")
    maria = shop.staff("maria", websites=["1"], view="own")
    for customer, website in {"a": "1", "b": "2", "c": None}.items():
        shop.customer(customer, "maria", website=website)
    assert shop.under(sharing=load_settings({"sharing": "per_website"}).sharing).sees(maria) == ["a"]


def test_b12_global_sharing_shows_an_assigned_customer_of_another_website(open_shop: OpenShop) -> None:
    """Under global sharing websites keep nobody apart."""
    shop = open_shop(sharing="global")
    maria = shop.staff("maria", websites=["1"], view="own")
    shop.customer("b", "maria", website="2")
    assert shop.sees(maria) == ["b"]


def test_b13_inactive_staff_see_nothing_although_their_customers_stay_theirs(shop: Shop) -> None:
    """Relations remain; the next query is empty."""
    maria = shop.staff("maria", view="all")
    shop.customer("a", "maria")
    assert shop.sees(maria) == ["a"]
    shop.change(ChangeStaff("maria", active=False))
    assert (shop.sees(maria), shop.owner("a")) == ([], "maria")


def test_b14_two_departments_are_seen_together(shop: Shop) -> None:
    """Department scope is the union."""
    for department, colleague in {"north": "li", "south": "eve", "west": "zoe"}.items():
        shop.department(department)
        shop.staff(colleague, None, department)
        shop.customer(f"of-{colleague}", colleague)
    maria = shop.staff("maria", None, "north", "south", view="department")
    assert shop.sees(maria) == ["of-eve", "of-li"]


def test_b15_department_leaves_sub_departments_out_and_department_tree_does_not(shop: Shop) -> None:
    """The tree goes down, never up."""
    shop.department("top"), shop.department("sales", "top"), shop.department("north", "sales")
    for colleague, department in {"boss": "top", "li": "sales", "eve": "north"}.items():
        shop.staff(colleague, None, department)
        shop.customer(f"of-{colleague}", colleague)
    unit = shop.staff("u", None, "sales", view="department")
    tree = shop.staff("t", None, "sales", view="department_tree")
    assert (shop.sees(unit), shop.sees(tree)) == (["of-li"], ["of-eve", "of-li"])


def test_b15_a_cycle_of_departments_is_refused(shop: Shop) -> None:
    """``department_cycle``, for a department below itself at any distance."""
    shop.department("a"), shop.department("b", "a"), shop.department("c", "b")
    shop.refuses(ADA, ChangeDepartment("a", parent="c"), "department_cycle")
    shop.refuses(ADA, ChangeDepartment("a", parent="a"), "department_cycle")


def test_b16_of_two_roles_the_most_permissive_level_applies(shop: Shop) -> None:
    """Own and all together are all; a restriction still holds."""
    shop.change(GrantAccess("small", levels={"view": Level.OWN}), GrantAccess("large", levels={"view": Level.ALL}))
    maria = shop.staff("maria", "small", restriction=allow("vip"))
    shop.change(GrantAccess("large", staff="maria"))
    shop.customer("a", groups=["vip"])
    shop.customer("b", groups=["retail"])
    assert shop.sees(maria) == ["a"]


@pytest.mark.parametrize("seed", range(3))
def test_b17_list_count_check_and_export_agree_for_everybody(open_shop: OpenShop, seed: int) -> None:
    """Whatever the data, actor, action, order and page size: the same set, and nobody twice."""
    shop, chance = open_shop("multi", sharing="per_website"), random.Random(seed)
    asked = random_shop(shop, chance)
    for actor, order in asked:
        visible = shop.ownership.visible(actor).order(order)
        listed = paged(visible, chance.randint(1, 5))
        assert len(listed) == len(set(listed)) == visible.count()
        assert set(listed) == shop.ownership.check(actor, "view", [f"c{n:02}" for n in range(20)]) == set(visible.ids())
        assert [c.id for c in visible.export()] == listed


def test_b18_unassigned_customers_under_none_are_seen_by_all_only(open_shop: OpenShop) -> None:
    """Neither own nor department shows them, not even for the claim."""
    shop = open_shop(unassigned_visibility="none")
    shop.customer("free")
    own = shop.staff("own", view="own", claim="own")
    department = shop.staff("dep", view="department", claim="department")
    everything = shop.staff("all", view="all")
    assert [shop.sees(who) for who in (own, department, everything)] == [[], [], ["free"]]
    assert shop.sees(own, "claim") == shop.sees(department, "claim") == []


def test_b18_claimable_only_shows_unassigned_customers_in_the_claim_list(shop: Shop) -> None:
    """The default: not in the list of what I may view, but in that of what I may claim."""
    maria = shop.staff("maria", "associate")
    shop.customer("free")
    assert (shop.sees(maria), shop.sees(maria, "claim")) == ([], ["free"])


@pytest.mark.parametrize(("setting", "seen"), [("department", [[], ["free"]]), ("all", [["free"], ["free"]])])
def test_b18_department_and_all_show_unassigned_customers_from_that_level_on(
    open_shop: OpenShop, setting: str, seen: list[list[str]]
) -> None:
    """``department`` asks for a level of department, ``all`` for own."""
    shop = open_shop(unassigned_visibility=setting)
    shop.customer("free")
    assert [shop.sees(shop.staff("a", view="own")), shop.sees(shop.staff("b", view="department"))] == seen


def test_b18_unassigned_customers_stay_inside_restrictions(open_shop: OpenShop) -> None:
    """An unassigned customer of a hidden group is hidden."""
    shop = open_shop(unassigned_visibility="all")
    maria = shop.staff("maria", view="own", claim="own", restriction=allow("vip"))
    shop.customer("free", groups=["retail"])
    assert (shop.sees(maria), shop.sees(maria, "claim")) == ([], [])


def test_b19_unknown_and_deleted_actors_see_nothing(shop: Shop) -> None:
    """Nobody by that name, a tombstone, an operator the settings do not allow."""
    gone = shop.staff("gone", view="all")
    shop.change(ChangeStaff("gone", delete=True))
    shop.customer("a")
    nobody, operator = Actor.staff("nobody"), Actor.operator("root")
    assert [shop.sees(who) for who in (nobody, gone, operator)] == [[], [], []]


def test_b19_an_unknown_actor_cannot_do_anything(shop: Shop) -> None:
    """``unknown_staff`` ends the whole command."""
    shop.customer("a")
    shop.refuses(Actor.staff("nobody"), Assign("a", "ada"), "unknown_staff")


def test_b19_an_unknown_action_reaches_nobody(shop: Shop) -> None:
    """Not even an admin's all; an action the host declares is known, and granted like any other."""
    shop.customer("a")
    assert shop.sees(ADA, "frobnicate") == []
    declared = shop.under(actions=("frobnicate",))
    declared.change(GrantAccess("admin", levels={"frobnicate": Level.ALL}))
    assert declared.sees(ADA, "frobnicate") == ["a"]


class Generous:
    """A plugin that grants everybody everything."""

    @hookimpl
    def ownership_grants(self) -> list[Grant]:
        """Everything."""
        return [Grant("generous", Everything())]


def test_b20_a_plugins_grant_cannot_reach_across_a_restriction(open_shop: OpenShop) -> None:
    """It widens ownership, and neither website, group nor status."""
    shop = open_shop(plugins={"generous": Generous()}, sharing="per_website")
    maria = shop.staff("maria", websites=["1"], restriction=allow("vip"))
    left = shop.staff("left", active=False)
    shop.customer("a", website="1", groups=["vip"])
    shop.customer("b", website="2", groups=["vip"])
    shop.customer("c", website="1", groups=["retail"])
    assert (shop.sees(maria), shop.sees(left)) == (["a"], [])


class Quotes:
    """Quotes follow their customer: q-c1 belongs to c1."""

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []

    @hookimpl
    def ownership_related(self, kind: str) -> Related | None:
        """Quotes only."""
        return Related("quote", self.customers_of) if kind == "quote" else None

    def customers_of(self, ids: Sequence[str]) -> dict[str, Any]:
        """All ids at once; a quote of nobody is left out."""
        self.asked.append(ids)
        return {one: one.removeprefix("q-") for one in ids if one != "q-lost"}


def test_b21_a_quote_is_visible_exactly_where_its_customer_is(open_shop: OpenShop) -> None:
    """For that very action; the plugin is asked once for all records."""
    quotes = Quotes()
    shop = open_shop(plugins={"quotes": quotes})
    maria = shop.staff("maria", view="all", edit="own")
    shop.customer("c1", "maria")
    shop.customer("c2")
    records = ["q-c1", "q-c2", "q-c3", "q-lost"]
    assert shop.ownership.check_related(maria, "quote", "view", records) == {"q-c1", "q-c2"}
    assert shop.ownership.check_related(maria, "quote", "edit", records) == {"q-c1"}
    assert len(quotes.asked) == 2


def test_b21_records_of_a_kind_nobody_knows_are_an_error(shop: Shop) -> None:
    """``unknown_related``, and nothing is shown."""
    shop.refuses_call(lambda: shop.ownership.check_related(ADA, "quote", "view", ["q"]), "unknown_related")


ASKING = {
    "why": lambda shop, actor, id: shop.ownership.why(actor, "maria", "view", id),
    "why_cannot": lambda shop, actor, id: shop.ownership.why_cannot(actor, Assign(id, "maria")),
    "who_can": lambda shop, actor, id: shop.ownership.who_can(actor, "view", id),
    "history": lambda shop, actor, id: shop.ownership.history(actor, id),
    "execute": lambda shop, actor, id: shop.does(actor, Assign(id, "maria")),
    "change": lambda shop, actor, id: shop.does(actor, ChangeCustomer(id, values={"name": "x"})),
    "selection": lambda shop, actor, id: shop.does(actor, Assign([id], "maria")).to_json(),
    "plan": lambda shop, actor, id: list(
        shop.ownership.plan_rows(actor, shop.ownership.plan(Assign(id, "maria"), actor).id)
    ),
    "check": lambda shop, actor, id: shop.ownership.check(actor, "view", [id]),
}


def answer(shop: Shop, call: Any, actor: Actor, customer: str) -> tuple[str, int]:
    """What comes back with the id blanked, and how many statements it took at the driver (0 in memory)."""
    statements: list[str] = []
    engine = getattr(shop.store, "engine", None)

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    if engine is not None:
        event.listen(engine, "before_cursor_execute", note)
    try:
        body = repr(call(shop, actor, customer))
    except OwnershipError as error:
        body = repr((type(error), error.problems, error.who, str(error)))
    finally:
        if engine is not None:
            event.remove(engine, "before_cursor_execute", note)
    return body.replace(customer, "ID"), len(statements)


@pytest.mark.parametrize("asking", ASKING)
def test_b22_a_hidden_customer_answers_as_a_missing_one(shop: Shop, asking: str) -> None:
    """The same error, the same body, the same number of statements (I21)."""
    maria = shop.staff("maria", view="own", edit="own", assign="own", explain="own")
    shop.staff("li")
    shop.customer("hidden", "li", name="Secret")
    shop.customer("mine", "maria")
    hidden, missing = (answer(shop, ASKING[asking], maria, customer) for customer in ("hidden", "absent"))
    assert hidden == missing
    assert "Secret" not in hidden[0]
    assert answer(shop, ASKING[asking], maria, "mine")[0] != hidden[0], "a visible customer answers differently"


def test_b22_a_cursor_reaches_no_hidden_customer(shop: Shop) -> None:
    """A page after a hidden customer's place shows what the list shows, no more."""
    maria = shop.staff("maria", view="own")
    shop.customer("a", "maria"), shop.customer("b"), shop.customer("c", "maria")
    page = shop.ownership.visible(maria).page(limit=1)
    assert [c.id for c in shop.ownership.visible(maria).page(limit=1, after=page.next).customers] == ["c"]


def test_b23_without_any_role_nobody_sees_anything(open_shop: OpenShop) -> None:
    """Ownership alone grants nothing; a role is granted, and only then is something seen."""
    shop = open_shop()
    maria = shop.staff("maria")
    shop.customer("a", "maria")
    assert shop.sees(maria) == []
    shop.change(GrantAccess("associate", staff="maria"))
    assert shop.sees(maria) == ["a"]


def random_shop(shop: Shop, chance: random.Random) -> list[tuple[Actor, str]]:
    """Twenty customers in all combinations of missing values, and people of every level."""
    for department, parent in {"top": None, "north": "top", "south": "top"}.items():
        shop.department(department, parent)
    actors = []
    for number, level in enumerate(("none", "own", "department", "department_tree", "all", "all")):
        departments = chance.sample(["top", "north", "south"], chance.randint(0, 2))
        websites = chance.choice([None, ["de"], ["de", "fr"]])
        restriction = chance.choice([None, None, allow("vip", "retail"), deny("press")])
        levels = {"view": level, "export": "all"}
        actors.append(
            shop.staff(f"s{number}", None, *departments, websites=websites, restriction=restriction, **levels)
        )
    names = [actor.id for actor in actors]
    with shop.under(sharing=load_settings({}).sharing).founder.atomic() as given:
        for number in range(20):
            values = {"website": chance.choice([None, "de", "fr"]), "name": chance.choice([None, "Ann", "ann", "Éva"])}
            sets = {"groups": chance.sample(["vip", "retail", "press"], chance.randint(0, 2))}
            new = NewCustomer(f"c{number:02}", {k: v for k, v in values.items() if v}, sets)
            given.execute(CreateCustomer(new, channel="import"), OPERATOR)
        for number in range(20):
            for staff in chance.sample(names, chance.randint(0, 2)):
                given.execute(Assign([f"c{number:02}"], staff, mode=Mode.ADD), OPERATOR)
    return [(actor, chance.choice(["id", "-id", "name", "-name", "created_at"])) for actor in (*actors, ADA)]


def paged(visible: Any, limit: int) -> list[str]:
    """All ids, page by page."""
    found, after = [], None
    while True:
        page = visible.page(limit=limit, after=after)
        found += [customer.id for customer in page.customers]
        after = page.next
        if after is None:
            return found
