"""Why somebody sees a customer or not, why it cannot be assigned, and who can (rows 33, 34, 112)."""

from __future__ import annotations

import json

import pytest
from shop import OpenShop, Shop, allow

from ownership_core import Actor, Assign, ChangeCustomer, ChangeStaff, Claim
from ownership_core.explain import Explanation

ADA = Actor.staff("ada")


@pytest.fixture
def sites(open_shop: OpenShop) -> Shop:
    """Two websites kept apart, Maria of one with a list of groups, and a customer that is hers and fits."""
    shop = open_shop(sharing="per_website")
    shop.staff("maria", "associate", websites=["de"], restriction=allow("vip"))
    shop.customer("a", "maria", name="Zoe", website="de", groups=["vip"])
    return shop


def marks(explanation: Explanation) -> dict[str, str]:
    """Every check with its answer."""
    return {check.code: check.answer.value for check in explanation.checks}


def why(shop: Shop) -> Explanation:
    """Why Maria may view the customer, asked by the admin."""
    return shop.ownership.why(ADA, "maria", "view", "a")


VISIBLE = ("out_of_reach", "group_restricted", "website_mismatch", "staff_inactive")


def test_row_33_all_four_checks_are_shown_when_all_are_met(sites: Shop) -> None:
    """Assigned, group, website, staff active: each is there, and each is met."""
    explanation = why(sites)
    assert (explanation.allowed, explanation.codes) == (True, ())
    assert marks(explanation) == dict.fromkeys(VISIBLE, "yes")


def spoiled(shop: Shop, code: str) -> None:
    """One thing goes wrong with Maria's customer."""
    match code:
        case "out_of_reach":
            shop.change(Assign("a", "ada"))
        case "group_restricted":
            shop.changed("a", groups=["retail"])
        case "website_mismatch":
            shop.changed("a", website="fr")
        case "staff_inactive":
            shop.change(ChangeStaff("maria", active=False))


@pytest.mark.parametrize("code", VISIBLE)
def test_row_33_the_check_that_fails_is_named_and_the_others_are_shown_as_met(sites: Shop, code: str) -> None:
    """One failing condition, four lines, and the answer agrees with what Maria sees."""
    spoiled(sites, code)
    explanation = why(sites)
    assert (explanation.allowed, explanation.codes) == (False, (code,))
    assert {code: mark != "yes" for code, mark in marks(explanation).items()} == {one: one == code for one in VISIBLE}
    assert sites.sees(Actor.staff("maria")) == []


def test_row_33_everything_that_is_wrong_is_told_at_once(sites: Shop) -> None:
    """Four conditions, four failures."""
    for code in VISIBLE:
        spoiled(sites, code)
    assert set(why(sites).codes) == set(VISIBLE)


def test_row_33_a_customer_without_a_website_cannot_be_told(sites: Shop) -> None:
    """Neither yes nor no, which grants nothing."""
    sites.changed("a", website=None)
    assert marks(why(sites))["website_mismatch"] in {"no", "cannot tell"}
    assert not why(sites).allowed


def test_row_33_an_unknown_staff_may_nothing(sites: Shop) -> None:
    """One check: there is no such staff."""
    explanation = sites.ownership.why(ADA, "nobody", "view", "a")
    assert (explanation.allowed, explanation.codes) == (False, ("unknown_staff",))


def test_row_33_the_text_can_be_read_aloud(sites: Shop) -> None:
    """The question with names, the answer, and one sentence for each check; no ids of ours, no jargon."""
    sites.changed("a", website="fr")
    text = why(sites).text()
    first, *lines = text.splitlines()
    assert "Maria" in first
    assert "Zoe" in first
    assert first.endswith("No.")
    assert len(lines) == 4
    assert [line.strip()[0] for line in lines].count("✓") == 3
    assert all(line.rstrip().endswith(".") for line in lines)
    for jargon in ("Everything", "OneOf", "frozenset", "AllOf", "None", "_"):
        assert jargon not in text, text


def test_row_33_the_same_is_data(sites: Shop) -> None:
    """JSON with the question, the answer, the codes and every check."""
    data = json.loads(json.dumps(why(sites).to_json()))
    assert (data["allowed"], data["codes"]) == (True, [])
    assert {check["code"] for check in data["checks"]} == set(VISIBLE)


CAN_ASSIGN = ("customer_exists", "staff_inactive", "group_restricted", "website_mismatch")


def cannot(shop: Shop) -> Explanation:
    """Why the customer can be given to Maria or not."""
    return shop.ownership.why_cannot(ADA, Assign("a", "maria"))


def test_row_34_all_four_checks_are_shown_when_all_are_met(sites: Shop) -> None:
    """Customer exists, staff active, group allowed, same website."""
    explanation = cannot(sites)
    assert explanation.allowed
    assert {code: marks(explanation)[code] for code in CAN_ASSIGN} == dict.fromkeys(CAN_ASSIGN, "yes")


@pytest.mark.parametrize("code", CAN_ASSIGN[1:])
def test_row_34_the_answer_is_that_of_the_command_itself(sites: Shop, code: str) -> None:
    """The codes that are not met are those the command is refused with, and the others are shown as met."""
    spoiled(sites, code)
    explanation = cannot(sites)
    sites.refuses(ADA, Assign("a", "maria"), *explanation.codes)
    assert explanation.codes == (code,)
    assert {one: marks(explanation)[one] != "yes" for one in CAN_ASSIGN} == {one: one == code for one in CAN_ASSIGN}


def test_row_34_everything_that_is_wrong_is_told_at_once(sites: Shop) -> None:
    """A staff who is inactive does not hide that group and website do not fit either."""
    for code in CAN_ASSIGN[1:]:
        spoiled(sites, code)
    assert set(cannot(sites).codes) == set(CAN_ASSIGN[1:])


def test_row_34_a_missing_customer_answers_not_found(sites: Shop) -> None:
    """There is nothing to explain about it."""
    sites.refuses_call(lambda: sites.ownership.why_cannot(ADA, Assign("nobody", "maria")), "not_found")


def test_row_34_the_text_can_be_read_aloud(sites: Shop) -> None:
    """A question, an answer, and a line for each condition."""
    sites.changed("a", groups=["retail"])
    first, *lines = cannot(sites).text().splitlines()
    assert "Zoe" in first
    assert first.endswith("No.")
    assert len(lines) >= 4
    assert json.loads(json.dumps(cannot(sites).to_json()))["codes"] == ["group_restricted"]


def test_row_34_why_is_asked_about_one_customer(sites: Shop) -> None:
    """Several are ``invalid_command``."""
    sites.refuses_call(lambda: sites.ownership.why_cannot(ADA, Assign(["a"], "maria")), "invalid_command")


def test_row_112_who_can_lists_everybody_who_sees_the_customer(sites: Shop) -> None:
    """By id, and exactly those whose list holds it."""
    for name in ("eve", "zoe"):
        sites.staff(name, view="all", websites=["fr"])
    sites.staff("bob", view="all"), sites.staff("left", view="all", active=False)
    listed = sites.ownership.who_can(ADA, "view", "a")
    everybody = ("ada", "bob", "eve", "left", "maria", "zoe")
    assert listed == [name for name in everybody if sites.sees(Actor.staff(name))] == ["ada", "bob", "maria"]


def test_row_112_who_can_is_asked_for_an_action(sites: Shop) -> None:
    """Whoever may view need not be able to edit."""
    assert sites.ownership.who_can(ADA, "edit", "a") == ["ada"]
    assert sites.ownership.who_can(ADA, "frobnicate", "a") == []


QUESTIONS = {
    "why": lambda shop, asker, customer: shop.ownership.why(asker, "maria", "view", customer),
    "why_cannot": lambda shop, asker, customer: shop.ownership.why_cannot(asker, Claim(customer)),
    "who_can": lambda shop, asker, customer: shop.ownership.who_can(asker, "view", customer),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_explaining_takes_the_right_to_explain(sites: Shop, question: str) -> None:
    """Maria sees her customer and may not ask why: ``not_found``."""
    sites.refuses_call(lambda: QUESTIONS[question](sites, Actor.staff("maria"), "a"), "not_found")


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_right_to_explain_ends_where_it_was_granted(sites: Shop, question: str) -> None:
    """A customer beyond it answers as a missing one."""
    asker = sites.staff("asker", view="all", explain="own")
    for customer in ("a", "nobody"):
        sites.refuses_call(lambda c=customer: QUESTIONS[question](sites, asker, c), "not_found")


def test_asking_writes_nothing(sites: Shop) -> None:
    """No question leaves a trace (I25)."""
    with sites.unchanged():
        why(sites), cannot(sites)
        sites.ownership.who_can(ADA, "view", "a")
        sites.ownership.history(ADA, "a")
        sites.ownership.doctor()
        sites.ownership.why_cannot(ADA, ChangeCustomer("a", values={"name": "x"}))
