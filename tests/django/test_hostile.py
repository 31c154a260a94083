"""Requests that no browser sends by itself: what is hidden answers as what is not there, and nothing is written."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from bazaar.models import Customer, Order, Tag
from bazaar.settings import KEY
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from office import OWNED, Office, id_of, listed, name_of, named, page, text_of

from ownership_core.commands import Assign, ChangeStaff, GrantAccess
from ownership_core.model import CustomerId, Level, StaffId
from ownership_django.admin.verbs import VERBS
from ownership_django.models import PlanItem, Run

pytestmark = pytest.mark.django_db

MISSING = {"uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, "nobody")), "int": "77777777", "text": "nobdy"}[KEY]
PAGES = [
    "change",
    "delete",
    "history",
    "ownership_why",
    "ownership_history",
    *(f"ownership_change {one}" for one in VERBS),
]


@pytest.fixture
def office() -> Office:
    """The back office."""
    return Office()


def address(of: str, customer: str) -> str:
    """The address of a page of a customer."""
    name, *verb = of.split()
    return page(name, customer, *verb)


def answer(browser: Client, method: str, where: str, customer: str) -> tuple[Any, ...]:
    """All that can be told from an answer, but for the id that was asked for; and what it cost."""
    data = {"full_name": "Stolen", "staff": "tom", "action": "view", "post": "yes", "reason": ""}
    with CaptureQueriesContext(connection) as asked:
        response = getattr(browser, method)(where, data if method != "delete" else None)
    cost = len(asked)  # the next request forgets them
    messages = [str(one) for one in browser.get("/admin/").context["messages"]]
    body = response.content.decode().replace(customer, "?")
    headers = {name: value for name, value in response.headers.items() if name not in ("Content-Length", "Expires")}
    return response.status_code, headers, body, [one.replace(customer, "?") for one in messages], cost


@pytest.mark.parametrize("of", PAGES)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_hidden_answers_as_missing(office: Office, method: str, of: str) -> None:
    """The same status, headers, body, message and number of statements, on every page; and nothing was written."""
    tom, hidden = office.browser("tom"), id_of("dohle")
    tom.get(page("changelist"))
    before = office.digest()
    found = [answer(tom, method, address(of, one), one) for one in (hidden, MISSING)]
    assert found[0] == found[1]
    assert found[0][0] == 302
    assert found[0][-1] > 0
    assert office.digest() == before


@pytest.mark.parametrize("of", PAGES)
def test_ids_that_can_be_none_are_missing(office: Office, of: str) -> None:
    """What is no id at all is answered like an id nobody has."""
    tom = office.browser("tom")
    for strange in ("a_00b", "..", "%27", "9" * 400, "-1", "é", "None"):
        response = tom.get(address(of, strange))
        assert response.status_code in (302, 404), strange
        assert named(text_of(response), OWNED) == set()


@pytest.mark.parametrize("of", ["change", "delete"])
def test_seen_is_not_yet_edited(office: Office, of: str) -> None:
    """Who may view and not edit gets a page to read, or is turned away; the row stays as it is."""
    lena, before = office.browser("lena"), office.digest()
    response = lena.post(address(of, id_of("adler")), {"full_name": "Stolen", "post": "yes"})
    assert response.status_code == 403
    assert office.digest() == before


def test_orders_are_edited_and_deleted_as_their_customers(office: Office) -> None:
    """What may be done to an order is what may be done to its customer; one of a hidden customer is not there."""
    orders = {name: Order.objects.get(number=f"order-of-{name}").pk for name in OWNED}
    before = office.digest()
    changed = {"customer": id_of("adler"), "number": "forged"}
    tried = [("lena", "change", "adler", 403), ("lena", "delete", "adler", 403), ("mara", "delete", "adler", 403)]
    tried += [("mara", kind, "dohle", 302) for kind in ("change", "delete", "history")]
    for name, kind, owner, status in tried:
        where = reverse(f"admin:bazaar_order_{kind}", args=[orders[owner]])
        assert office.browser(name).post(where, {**changed, "post": "yes"}).status_code == status, (name, kind)
        assert office.digest() == before
    where = reverse("admin:bazaar_order_change", args=[orders["adler"]])
    assert office.browser("mara").post(where, changed).status_code == 302
    assert Order.objects.get(pk=orders["adler"]).number == "forged"
    elsewhere = {"customer": id_of("dohle"), "number": "moved"}
    assert "Select a valid choice" in text_of(office.browser("mara").post(where, elsewhere))


def test_list_is_not_edited_in_place_by_who_may_not(office: Office) -> None:
    """A list that is edited in place asks Django for no single row; we do."""
    lena, before = office.browser("lena"), office.digest()
    data = {
        "form-TOTAL_FORMS": "2",
        "form-INITIAL_FORMS": "2",
        "form-0-id": id_of("adler"),
        "form-0-phone": "stolen",
        "form-1-id": id_of("birke"),
        "form-1-phone": "stolen",
        "_save": "Save",
    }
    assert lena.post(page("changelist"), data).status_code in (302, 403)  # newer versions of Django ask by themselves
    hidden = {**data, "form-1-id": id_of("dohle"), "form-1-phone": "stolen"}
    assert lena.post(page("changelist"), hidden).status_code in (200, 302, 400, 403)
    assert office.digest() == before
    assert office.browser("mara").post(page("changelist"), {**data, "q": ""}).status_code in (200, 302)


def test_claimable_are_claimed_and_no_more(office: Office) -> None:
    """Their list offers no action of the host's, and none that is posted, nor an edit in place, does anything."""
    mara, before, where = office.browser("mara"), office.digest(), page("changelist") + "?ownership=claimable"
    assert listed(mara.get(where)) == {"eiche"}
    assert "delete_selected" not in text_of(mara.get(where))
    edited = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": id_of("eiche"), "form-0-phone": "stolen"}
    mara.post(where, {**edited, "_save": "Save"})
    mara.post(where, {"action": "delete_selected", "post": "yes", "_selected_action": [id_of("eiche")]})
    assert office.digest() == before


def test_names_are_never_markup(office: Office) -> None:
    """What a customer or a staff is called, and a reason, stand on every page as text."""
    mark = "<b onclick=x>&"
    office.add("linde", "lena", full_name=mark)
    office.do(ChangeStaff(StaffId("tom"), label=mark))
    mara, here = office.browser("mara"), id_of("linde")
    asked = {"staff": "tom", "reason": mark}
    planned = mara.post(page("ownership_change", here, "set-primary"), asked, follow=True)
    mara.post(planned.redirect_chain[-1][0])
    for response in (
        planned,
        mara.get(page("changelist"), {"all": ""}),
        mara.get(page("change", here)),
        mara.get(page("ownership_change", here, "remove")),
        mara.get(page("ownership_why", here), {"staff": "tom", "action": "view"}),
        mara.get(page("ownership_history", here)),
        mara.get(page("delete", here)),
    ):
        if response.status_code == 200:
            assert "<b onclick" not in text_of(response)
            assert "&lt;b onclick" in text_of(response)


def plan_of(browser: Client, query: str = "", **ticked: Any) -> Any:
    """Plan to make mara the primary of whatever is ticked."""
    data = {"action": "ownership_set_primary", "ownership_step": "plan", "staff": "mara", "reason": "", **ticked}
    return browser.post(page("changelist") + query, data, follow=True)


def test_forged_selection_selects_the_seen(office: Office) -> None:
    """Ids of hidden and missing customers among those ticked are as if they were not."""
    mara = office.browser("mara")
    plan_of(mara, _selected_action=[id_of("adler"), id_of("dohle"), id_of("eiche"), MISSING])
    plan = Run.objects.get(state="planned")
    assert {str(row.customer) for row in PlanItem.objects.filter(run=plan.pk)} == {id_of("adler")}


def test_forged_across_selects_the_seen(office: Office) -> None:
    """All means all that are in the list, whatever else is posted."""
    mara = office.browser("mara")
    for query in ("", "?id__in=" + ",".join(map(id_of, OWNED)), "?ownership=", "?all="):
        plan_of(mara, query, select_across="1", _selected_action=[id_of("dohle")])
        plan = Run.objects.latest("at")
        found = {str(row.customer) for row in PlanItem.objects.filter(run=plan.pk)}
        assert found == {id_of(name) for name in ("adler", "birke", "clara", "falke")}, query


def test_selection_of_nonsense_is_refused(office: Office) -> None:
    """What can be the key of no customer is a bad request, not an error of ours."""
    for nonsense in ("", "x\x00y", "9" * 400):
        assert plan_of(office.browser("mara"), _selected_action=[nonsense]).status_code == 400
    assert not Run.objects.filter(state="planned").exists()


@pytest.mark.parametrize(
    "query",
    [
        "user=1",
        "ordering=-id",
        "o=99.-7.x",
        "p=99999",
        "all=1",
        "id__in=,,",
        "primary_staff__user__password__startswith=m",
        "ownership_primary__user__password__startswith=m",
        "assignment__staff__user__password__startswith=m",
        "%2B__staff__user__password__startswith=m",
        "%2B=1",
        "notes__author__password__startswith=m",
        "invited_by__full_name__startswith=D",
        "profile__region__endswith=dohle",
        "_to_field=password&_popup=1",
        "ownership=everybody",
        "ownership=claimable&ownership=mine",
        "ownership_action=claim",
        "ownership_staff=zoe&ownership_staff=lena",
        "q=%00",
        "e=1",
    ],
)
def test_forged_questions_find_no_more(office: Office, query: str) -> None:
    """A question nobody offers is a bad request or ignored; nobody is listed who was not, and nothing is given away."""
    tom, before = office.browser("tom"), office.digest()
    response = tom.get(page("changelist") + "?" + query, follow=True)
    assert response.status_code in (200, 400)
    if response.status_code == 200 and "cl" in (response.context or {}):
        assert listed(response) <= {"clara"}
        assert named(text_of(response), OWNED) <= {"clara"}
    assert office.digest() == before


def test_lookups_cannot_spell_out_a_secret(office: Office) -> None:
    """The rows found never depend on a password, a letter at a time or at all."""
    User.objects.update(password="secret")  # noqa: S106
    anna = office.browser("anna")
    for path in ("notes__author__password", "+__staff__user__password", "primary_staff__user__password"):
        found = {
            letter: anna.get(page("changelist"), {f"{path}__startswith": letter}, follow=True) for letter in ("s", "x")
        }
        assert found["s"].status_code == found["x"].status_code
        if found["s"].status_code == 200:
            assert listed(found["s"]) == listed(found["x"])


def test_raw_ids_are_called_by_name_only_if_seen(office: Office) -> None:
    """A form that is given the id of a hidden customer says as little as for a missing one."""
    lena = office.browser("lena")
    for model in ("note", "order"):
        add = reverse(f"admin:bazaar_{model}_add")
        assert name_of("adler") in text_of(lena.get(add, {"customer": id_of("adler")}))
        hidden, missing = (text_of(lena.get(add, {"customer": one})) for one in (id_of("dohle"), MISSING))
        assert hidden.replace(id_of("dohle"), "?") == missing.replace(MISSING, "?")
        assert named(hidden, OWNED) == set()


def test_hidden_cannot_be_chosen(office: Office) -> None:
    """An order for a hidden customer is refused in the words for a missing one."""
    lena, before = office.browser("lena"), office.digest()
    said = []
    for customer in (id_of("dohle"), MISSING):
        lines = {"customer": customer, "number": "forged"}
        said.append(text_of(lena.post(reverse("admin:bazaar_order_add"), lines)).replace(customer, "?"))
    assert said[0] == said[1]
    assert office.digest() == before


def test_hidden_relations_have_no_name(office: Office) -> None:
    """Whoever invited a customer may be hidden: its name stands nowhere, and saving the rest leaves it as it is."""
    Customer.objects.filter(pk=id_of("adler")).update(invited_by=id_of("dohle"))
    Customer.objects.filter(pk=id_of("birke")).update(invited_by=id_of("adler"))
    for name in ("lena", "mara"):
        browser = office.browser(name)
        for where in (page("changelist"), page("change", id_of("adler")), page("history", id_of("adler"))):
            assert "dohle" not in named(text_of(browser.get(where)), OWNED), (name, where)
        assert "(hidden)" in text_of(browser.get(page("changelist")))
    saved = office.browser("mara").post(
        page("change", id_of("adler")),
        {"full_name": "Adler Kundin", "invited_by": id_of("birke"), "site": office.site.pk},
    )
    assert saved.status_code == 302
    assert Customer.objects.get(pk=id_of("adler")).invited_by_id == Customer.objects.get(pk=id_of("dohle")).pk
    assert "Dohle" in text_of(office.browser("anna").get(page("change", id_of("adler"))))


def test_hidden_members_stay(office: Office) -> None:
    """A relation to many customers shows the visible ones, and keeps the others whatever is chosen."""
    tag = Tag.objects.create(name="vip")
    tag.customers.set([id_of("adler"), id_of("dohle")])
    mara, where = office.browser("mara"), reverse("admin:bazaar_tag_change", args=[tag.pk])
    assert "dohle" not in named(text_of(mara.get(where)), OWNED)
    assert mara.post(where, {"name": "vip", "customers": [id_of("birke")]}).status_code == 302
    assert {name for name in OWNED if tag.customers.filter(pk=id_of(name)).exists()} == {"birke", "dohle"}
    forged = mara.post(where, {"name": "vip", "customers": [id_of("birke"), id_of("eiche")]})
    assert forged.status_code == 200  # no such choice
    assert tag.customers.count() == 2


def test_members_are_read_if_seen(office: Office) -> None:
    """Whoever may only look at a relation to many customers reads the names of the visible ones."""
    tag = Tag.objects.create(name="vip")
    tag.customers.set([id_of("adler"), id_of("dohle")])
    looking = Permission.objects.filter(content_type__app_label="bazaar", codename__startswith="view_")
    User.objects.get(username="lena").user_permissions.set(looking)
    text = text_of(office.browser("lena").get(reverse("admin:bazaar_tag_change", args=[tag.pk])))
    assert named(text, OWNED) == {"adler"}


def test_delete_confirmation_names_the_seen_only(office: Office) -> None:
    """What protects a website from deletion is called by name only where it is seen, and keeps it in any case."""
    lena, before = office.browser("lena"), office.digest()
    for text in (
        text_of(lena.get(reverse("admin:sites_site_delete", args=[office.site.pk]))),
        text_of(
            lena.post(
                reverse("admin:sites_site_changelist"),
                {"action": "delete_selected", "index": "0", "_selected_action": [office.site.pk]},
            )
        ),
    ):
        assert named(text, OWNED) <= {"adler", "birke"}
        assert "have permission to delete" in text
    lena.post(reverse("admin:sites_site_delete", args=[office.site.pk]), {"post": "yes"})
    assert office.digest() == before


def test_right_to_delete_gives_no_name(office: Office) -> None:
    """Whoever may delete everybody and view few is not told by the confirmation who the others are."""
    office.do(GrantAccess("cleaner", staff=StaffId("lena"), levels={"delete": Level.ALL}))
    lena, before = office.browser("lena"), office.digest()
    where = reverse("admin:sites_site_delete", args=[office.site.pk])
    assert named(text_of(lena.get(where)), OWNED) <= {"adler", "birke"}
    lena.post(where, {"post": "yes"})
    assert office.digest() == before
    assert lena.post(page("delete", id_of("adler")), {"post": "yes"}).url == page("changelist")
    assert "adler" not in office.owners()


def test_shortcut_to_the_site_tells_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where customers have pages on the site, the admin's way there is barred like a missing one's."""
    monkeypatch.setattr(Customer, "get_absolute_url", lambda self: f"/shop/{self.pk}/", raising=False)
    tom, kind = office.browser("tom"), ContentType.objects.get_for_model(Customer).pk
    seen, hidden, missing = (
        tom.get(reverse("admin:view_on_site", args=[kind, one])) for one in (id_of("clara"), id_of("dohle"), MISSING)
    )
    assert seen.url.endswith(f"/shop/{id_of('clara')}/")
    assert hidden.status_code == missing.status_code == 404
    assert text_of(hidden).replace(id_of("dohle"), "?") == text_of(missing).replace(MISSING, "?")
    assert tom.get(reverse("admin:view_on_site", args=["x", "1"])).status_code == 404


def test_selected_are_deleted_only_with_the_right(office: Office) -> None:
    """Django's own action for many rows asks the policy for each of them."""
    before = office.digest()
    for name, ticked in (("lena", ["adler"]), ("mara", ["adler", "dohle"])):
        data = {"action": "delete_selected", "post": "yes", "_selected_action": [id_of(one) for one in ticked]}
        assert office.browser(name).post(page("changelist"), data).status_code == 403
    assert office.digest() == before


def test_plan_of_somebody_else_is_unknown(office: Office) -> None:
    """Shown and applied by its maker only; to others it is as one that is not there."""
    where = plan_of(office.browser("mara"), _selected_action=[id_of("adler")]).redirect_chain[-1][0]
    anna, before = office.browser("anna"), office.digest()
    for method in ("get", "post"):
        theirs, nobodys = (
            getattr(anna, method)(one, follow=True) for one in (where, page("ownership_plan", "019aa0aa-0000"))
        )
        assert theirs.redirect_chain == nobodys.redirect_chain
        assert [str(one) for one in theirs.context["messages"]] == [str(one) for one in nobodys.context["messages"]]
    assert office.digest() == before


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_hidden_run_answers_as_missing(office: Office, method: str) -> None:
    """Somebody else's run is shown and taken back like one that is not there, and nothing is planned or written."""
    run = office.do(Assign(CustomerId(id_of("adler")), StaffId("mara"))).run
    mara = office.browser("mara")
    mara.get(page("ownership_runs"))
    before = office.digest()
    waiting = plan_of(office.browser("anna"), _selected_action=[id_of("birke")]).redirect_chain[-1][0].split("/")[-2]
    after_plan = office.digest()
    found = [answer(mara, method, page("ownership_run", one), one) for one in (run, waiting, "019aa0aa-0000")]
    assert found[0] == found[1] == found[2]
    assert (found[0][0], found[0][3]) == (302, ["There is no such run."])
    assert office.digest() == after_plan != before
    for strange in ("x" * 900, "%00", "é", ".."):
        assert mara.post(page("ownership_runs") + f"{strange}/").status_code in (302, 404), strange


def test_forged_hand_over_moves_the_seen(office: Office) -> None:
    """Of ids that are hidden, missing or not the giver's none moves, and whoever gives must be in reach."""
    tried = [id_of("adler"), id_of("dohle"), id_of("eiche"), MISSING]
    mara, to = office.browser("mara"), {"action": "ownership_hand_over", "receivers": ["tom"]}
    plan_of(mara, _selected_action=tried, giver="lena", **to)
    plan = Run.objects.get(state="planned")
    assert {str(row.customer) for row in PlanItem.objects.filter(run=plan.pk)} == {id_of("adler")}
    before = office.digest()
    for giver in ("zoe", "nobody", "", "lena\x00"):
        assert plan_of(mara, _selected_action=tried, giver=giver, **to).status_code == 200
    for receivers in (["zoe"], ["nobody"], ["tom", "zoe"], [], ["ghost"], ["x\x00"]):
        assert plan_of(mara, _selected_action=tried, giver="lena", **{**to, "receivers": receivers}).status_code == 200
    assert office.digest() == before


def test_forged_across_hands_over_the_seen(office: Office) -> None:
    """Everything of a giver is what is in the list of whoever hands over, whatever its right to assign reaches."""
    office.do(GrantAccess("giver", staff=StaffId("tom"), levels={"assign": Level.ALL}))
    office.do(Assign(CustomerId(id_of("clara")), StaffId("lena")))
    office.do(Assign(CustomerId(id_of("falke")), StaffId("tom")))
    before = office.digest()
    across = {"select_across": "1", "_selected_action": [id_of("adler")], "giver": "lena", "receivers": ["mara"]}
    plan_of(office.browser("tom"), action="ownership_hand_over", **across)
    plan = Run.objects.get(state="planned")
    rows = PlanItem.objects.filter(run=plan.pk)
    assert {(str(row.customer), row.fate) for row in rows} == {(id_of("falke"), "refused")}
    assert office.digest() != before


def test_action_without_the_right_is_none(office: Office) -> None:
    """Who may assign nobody is offered no such action, and posting it does nothing."""
    lena, before = office.browser("lena"), office.digest()
    offered = text_of(lena.get(page("changelist")))
    assert "ownership_claim" in offered
    assert "ownership_set_primary" not in offered
    assert "ownership_hand_over" not in offered
    for action in ("ownership_set_primary", "ownership_hand_over"):
        answer = plan_of(lena, action=action, _selected_action=[id_of("adler")], giver="lena", receivers=["tom"])
        assert "No action selected." in [str(one) for one in answer.context["messages"]]
    assert office.digest() == before


def test_plan_is_decided_again_when_it_is_applied(office: Office) -> None:
    """Who was put out of office meanwhile applies nothing."""
    mara = office.browser("mara")
    where = plan_of(mara, _selected_action=[id_of("adler")]).redirect_chain[-1][0]
    office.do(ChangeStaff(StaffId("mara"), active=False))
    mara.post(where)
    assert office.owners()["adler"] == ["lena"]


def test_pages_to_look_at_write_nothing(office: Office) -> None:
    """GET changes nothing of ours, whatever it carries."""
    mara, before = office.browser("mara"), office.service.store.digest()
    for of in PAGES:
        mara.get(address(of, id_of("adler")), {"staff": "tom", "action": "assign", "ownership_step": "plan"})
    for action in ("ownership_set_primary", "ownership_hand_over"):
        mara.get(page("changelist"), {"action": action, "ownership_step": "plan", "_selected_action": id_of("adler")})
    run = Run.objects.filter(state="applied", what="assign").latest("at").pk
    root, leaver = office.browser("root"), reverse("admin:auth_user_ownership", args=[office.key_of("lena")])
    for where in (page("ownership_runs"), page("ownership_run", run), leaver):
        assert root.get(where, {"release": "on", "post": "yes"}).status_code == 200
    assert office.service.store.digest() == before


def test_changes_need_the_token(office: Office) -> None:
    """A post from another site is turned away."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.get(username="mara"))
    before = office.digest()
    for where in (
        page("ownership_change", id_of("adler"), "remove"),
        page("ownership_plan", "x"),
        page("changelist"),
        page("ownership_run", "x"),
        reverse("admin:auth_user_ownership", args=[office.key_of("lena")]),
    ):
        assert browser.post(where, {"staff": "lena", "reason": ""}).status_code == 403
    assert office.digest() == before


def test_deactivated_is_out_at_the_next_request(office: Office) -> None:
    """Our staff sees nobody any more; the site's user is logged out."""
    lena, tom = office.browser("lena"), office.browser("tom")
    assert listed(lena.get(page("changelist"))) == {"adler", "birke"}
    office.do(ChangeStaff(StaffId("lena"), active=False))
    assert listed(lena.get(page("changelist"))) == set()
    assert lena.get(page("change", id_of("adler"))).status_code == 302
    User.objects.filter(username="tom").update(is_active=False)
    assert tom.get(page("changelist")).url.startswith("/admin/login/")
