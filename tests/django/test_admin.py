"""The list of customers in a host's admin: who is in it, what stands beside them, and what it can be narrowed by."""

from __future__ import annotations

import pytest
from django.urls import reverse
from office import CREW, OWNED, Office, id_of, listed, name_of, named, page, text_of

from ownership_core.model import Actor
from ownership_core.scope import ORPHANED, UNASSIGNED, AssignedIn, AssignedTo

pytestmark = pytest.mark.django_db

SEEN = {
    "lena": {"adler", "birke"},
    "tom": {"clara"},
    "mara": {"adler", "birke", "clara", "falke"},
    "zoe": {"dohle"},
    "anna": set(OWNED),
    "root": set(OWNED),
    "ghost": set(),
}


@pytest.fixture
def office() -> Office:
    """The back office."""
    return Office()


@pytest.mark.parametrize("name", SEEN)
def test_list_shows_whom_the_core_lists(office: Office, name: str) -> None:
    """Page, count and full count are the core's, for everybody."""
    response = office.browser(name).get(page("changelist"), {"all": ""})
    assert listed(response) == SEEN[name]
    assert response.context["cl"].result_count == response.context["cl"].full_result_count == len(SEEN[name])
    if name in CREW:
        core = {one.name for one in office.service.visible(Actor.staff(name)).page().customers}
        assert core == {name_of(one) for one in SEEN[name]}


def test_stranger_sees_nobody(office: Office) -> None:
    """A user with every permission of Django's that is no staff of ours sees an empty list."""
    from django.contrib.auth.models import Permission, User  # noqa: PLC0415 - models are ready now

    stranger = User.objects.create(username="stranger", is_staff=True)
    stranger.user_permissions.set(Permission.objects.all())
    assert listed(office.browser("stranger").get(page("changelist"))) == set()


@pytest.mark.parametrize("name", ["lena", "mara", "zoe"])
def test_page_gives_nobody_else_away(office: Office, name: str) -> None:
    """Nothing of a hidden customer stands on the page or in its filters: name, address, group, region, order, note."""
    for query in ({}, {"_facets": "True"}, {"q": "kundin"}, {"_popup": "1", "_to_field": "id"}):
        text = text_of(office.browser(name).get(page("changelist"), query))
        assert named(text, OWNED) == SEEN[name], query


@pytest.mark.parametrize("name", ["lena", "mara"])
def test_search_counts_the_seen_only(office: Office, name: str) -> None:
    """Nobody is found by name who would not be listed."""
    response = office.browser(name).get(page("changelist"), {"q": "dohle"})
    assert response.context["cl"].result_count == 0
    assert response.context["cl"].full_result_count == len(SEEN[name])


def test_columns_tell_who_is_assigned(office: Office) -> None:
    """The primary, and that somebody is not active any more."""
    text = text_of(office.browser("mara").get(page("changelist")))
    assert '<td class="field-ownership_primary">Lena</td>' in text
    assert '<td class="field-ownership_primary">Ghost (inactive)</td>' in text


def test_filters_find_whom_the_core_finds(office: Office) -> None:
    """By staff, by department, unassigned and orphaned: the rows of the same sentences in the core."""
    asked = [
        ({"ownership": "mine"}, AssignedTo(["anna"])),
        ({"ownership": "unassigned"}, UNASSIGNED),
        ({"ownership": "orphaned"}, ORPHANED),
        ({"ownership_staff": "lena"}, AssignedTo(["lena"])),
        ({"ownership_department": "south"}, AssignedIn(["south"])),
        ({"ownership_staff": "lena", "ownership": "orphaned"}, AssignedTo(["lena"]) & ORPHANED),
    ]
    anna = office.browser("anna")
    for query, scope in asked:
        core = {one.name for one in office.service.visible(Actor.staff("anna")).where(scope).page().customers}
        assert {name_of(one) for one in listed(anna.get(page("changelist"), {**query, "all": ""}))} == core, query
    assert listed(anna.get(page("changelist"), {"ownership": "orphaned"})) == {"falke"}


def test_filters_offer_the_seen_only(office: Office) -> None:
    """Staff and departments without a customer in the list are no choices, and asking for them finds nobody."""
    lena = office.browser("lena")
    text = text_of(lena.get(page("changelist")))
    assert "ownership_staff=lena" in text
    assert "ownership_staff=zoe" not in text
    assert "ownership_department=south" not in text
    for query in ({"ownership_staff": "zoe"}, {"ownership_department": "south"}, {"ownership_staff": "\x00"}):
        assert listed(lena.get(page("changelist"), query)) == set()


def test_facets_count_the_seen(office: Office) -> None:
    """Each choice says how many rows it leaves."""
    text = text_of(office.browser("mara").get(page("changelist"), {"_facets": "True"}))
    assert "Lena (2)" in text
    assert "Orphaned: only inactive staff (1)" in text
    assert "Unassigned (0)" in text


def test_claimable_are_listed_apart(office: Office) -> None:
    """Whoever may claim and not view is shown whom to claim, without a page to open."""
    response = office.browser("lena").get(page("changelist"), {"ownership": "claimable"})
    assert listed(response) == {"eiche"}
    assert page("change", id_of("eiche")) not in text_of(response)
    assert listed(office.browser("lena").get(page("changelist"), {"ownership": "unassigned"})) == set()


def test_list_knows_no_claimable_elsewhere(office: Office) -> None:
    """The parameter widens no other page."""
    lena = office.browser("lena")
    query = "?ownership=claimable"
    assert lena.get(page("change", id_of("eiche")) + query).status_code == 302
    found = lena.get(
        reverse("admin:autocomplete") + "?app_label=bazaar&model_name=order&field_name=customer&term=eiche"
    )
    assert found.json()["results"] == []


def test_orders_follow_their_customers(office: Office) -> None:
    """Rows of another model are those of visible customers, and so are the choices of its filters and forms."""
    lena = office.browser("lena")
    text = text_of(lena.get(reverse("admin:bazaar_order_changelist")))
    assert named(text, OWNED) == SEEN["lena"]
    found = lena.get(
        reverse("admin:autocomplete"), {"app_label": "bazaar", "model_name": "order", "field_name": "customer"}
    )
    assert {one["id"] for one in found.json()["results"]} == {id_of(one) for one in SEEN["lena"]}


def test_forms_offer_the_seen_only(office: Office) -> None:
    """The choices of a relation from customer to customer."""
    text = text_of(office.browser("mara").get(page("change", id_of("adler"))))
    assert named(text, OWNED) == SEEN["mara"]
