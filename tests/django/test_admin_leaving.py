"""Somebody leaves: what it holds, a plan to hand it over, and a guard for whoever forgets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from office import Office, id_of, on_plan, page, text_of, words_of

from ownership_core.commands import ChangeRules, ChangeStaff, Cover
from ownership_core.distribute import InDepartment, LeastBusy, Rotation, ToStaff
from ownership_core.model import DepartmentId, GroupRestriction, RestrictionMode, StaffId
from ownership_core.rules import Rule
from ownership_core.scope import Everything
from ownership_django.models import Run, Staff

pytestmark = pytest.mark.django_db

CHANGELIST = "admin:auth_user_changelist"


@pytest.fixture
def office() -> Office:
    """The back office, whose staff may also change users."""
    office = Office()
    for user in User.objects.filter(is_superuser=False):
        user.user_permissions.add(*Permission.objects.filter(content_type__app_label="auth"))
    return office


def key_of(name: str) -> int:
    """The user's key."""
    return int(User.objects.get(username=name).pk)


def of(name: str, what: str = "ownership") -> str:
    """The address of a page of a user's."""
    return reverse(f"admin:auth_user_{what}", args=[key_of(name)])


def saved(browser: Client, name: str, **more: Any) -> Any:
    """Save the page of a user, all as it is but for what is said."""
    form = browser.get(of(name, "change")).context["adminform"].form
    data = {"username": name, "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00", "is_staff": "on"}
    assert form.instance.is_active
    return browser.post(of(name, "change"), {**data, **more})


def test_page_tells_what_somebody_holds(office: Office) -> None:
    """Customers, rules that name it, its turns, and covers that are not over; and the user's page leads there."""
    office.do(ChangeRules(Rule("north", Everything(), ToStaff(StaffId("lena")))))
    office.do(ChangeRules(Rule("turns", Everything(), Rotation("new", {StaffId("lena")}))))
    office.do(ChangeRules(Rule("pool", Everything(), LeastBusy(InDepartment(DepartmentId("north"))))))
    now = datetime.now(UTC)
    office.do(Cover(StaffId("lena"), StaffId("tom"), now, now + timedelta(days=3)))
    mara = office.browser("mara")
    assert of("lena") in text_of(mara.get(of("lena", "change")))
    text = words_of(mara.get(of("lena")))
    assert "Primary of 2 Also assigned to 0" in text
    assert "Named by the rule north" in text
    assert "In a department that is given to by the rule pool Takes turns in new turns" in text
    assert "Tom stands in for Lena until" in text
    assert 'value="lena"' not in text_of(mara.get(of("lena")))  # nobody is offered itself
    office.do(ChangeRules(forget="pool"))
    assert "Nothing would be left behind." in words_of(mara.get(of("mara")))


def test_page_is_for_whoever_the_right_to_assign_extends_to(office: Office) -> None:
    """Forbidden for the others, by GET and by POST; and there is none of somebody who is not there."""
    before = office.digest()
    for name, about in (("mara", "zoe"), ("tom", "lena")):
        browser = office.browser(name)
        assert browser.get(of(about)).status_code == 403
        assert browser.post(of(about), {"release": "on", "reason": ""}).status_code == 403
    missing = reverse("admin:auth_user_ownership", args=[999_999])
    assert office.browser("mara").post(missing, {"release": "on"}).status_code == 302
    User.objects.get(username="mara").user_permissions.clear()
    assert office.browser("mara").get(of("lena")).status_code == 403
    assert office.digest() == before


def test_who_is_no_staff_holds_nothing(office: Office) -> None:
    """A user that nobody of ours is linked to."""
    assert "linked to no staff" in words_of(office.browser("anna").get(of("root")))
    assert of("root") not in text_of(office.browser("anna").get(of("root", "change")))


@pytest.mark.parametrize(
    ("asked", "owners"),
    [
        ({"release": "on"}, {"adler": [], "birke": []}),
        ({"receivers": ["tom"]}, {"adler": ["tom"], "birke": ["tom"]}),
        ({"receivers": ["tom", "mara"], "how": "rotation"}, {"adler": ["mara"], "birke": ["tom"]}),
        (
            {"by_field": "region", "cases": "region-of-adler=tom\nregion-of-birke=mara"},
            {"adler": ["tom"], "birke": ["mara"]},
        ),
        (
            {"by_field": "region", "cases": "region-of-adler=tom", "unplaced": "release"},
            {"adler": ["tom"], "birke": []},
        ),
    ],
)
def test_somebody_is_offboarded(office: Office, asked: dict[str, Any], owners: dict[str, list[str]]) -> None:
    """Released, to one or to several; by a plan, and logged at the customers and at the leaver."""
    mara, before = office.browser("mara"), office.owners()
    shown = mara.post(of("lena"), {**asked, "reason": "left"}, follow=True)
    assert "Lena 2 → becomes 0" in words_of(shown)
    assert office.owners() == before
    done = mara.post(on_plan(shown), follow=True)
    assert done.redirect_chain[-1][0] == of("lena")
    assert "Nothing would be left behind." in words_of(done)
    assert office.owners() == {**before, **owners}
    assert Run.objects.get(state="applied", what="offboard").reason == "left"
    logged = LogEntry.objects.values_list("content_type__model", "object_id")
    assert sorted(logged) == [("customer", id_of(one)) for one in ("adler", "birke")] + [("user", str(key_of("lena")))]


def test_rules_alone_can_be_left(office: Office) -> None:
    """Whoever holds no customer, and is named by a rule, is offboarded all the same."""
    office.do(ChangeRules(Rule("north", Everything(), ToStaff(StaffId("mara")))))
    anna = office.browser("anna")
    shown = anna.post(of("mara"), {"release": "on", "reason": ""}, follow=True)
    assert "Apply to rules and covers" in text_of(shown)
    done = anna.post(on_plan(shown), follow=True)
    assert "Nothing would be left behind." in words_of(done)
    assert LogEntry.objects.get().object_id == str(key_of("mara"))


def test_what_goes_on_giving_to_a_leaver_is_told(office: Office) -> None:
    """Beside what was done. Seen to fail when the warnings of the receipt are dropped."""
    office.do(ChangeRules(Rule("pool", Everything(), LeastBusy(InDepartment(DepartmentId("north"))))))
    mara = office.browser("mara")
    shown = mara.post(of("lena"), {"release": "on", "reason": ""}, follow=True)
    done = mara.post(on_plan(shown), follow=True)
    counted, warned = (str(one) for one in done.context["messages"])
    assert "changed" in counted
    assert "[still_receives]" in warned


def test_rules_alone_are_taken_back(office: Office) -> None:
    """The run says it can be, the plan says that a rule changes, and the answer that it did.

    Seen to fail when only customers go back: there was no button, and nothing said that the rule stays as it is.
    """
    office.do(ChangeRules(Rule("north", Everything(), ToStaff(StaffId("mara")))))
    anna = office.browser("anna")
    left = anna.post(of("mara"), {"release": "on", "reason": ""}, follow=True)
    assert "Rules that change 1" in words_of(left)
    assert "1 rule was changed." in words_of(anna.post(on_plan(left), follow=True))
    run = Run.objects.get(state="applied", what="offboard")
    assert 'value="Take back"' in text_of(anna.get(page("ownership_run", run.pk)))
    back = anna.post(page("ownership_run", run.pk), follow=True)
    assert "Rules that change 1" in words_of(back)
    assert "1 rule was changed." in words_of(anna.post(on_plan(back), follow=True))
    assert "Named by the rule north" in words_of(anna.get(of("mara")))


def test_plan_says_who_stays_beyond_sight(office: Office) -> None:
    """D02: how many a leaver would keep stands on the plan, and refuses it. Seen to fail when nobody counts them."""
    only = GroupRestriction(RestrictionMode.ALLOW, frozenset({"group-of-adler"}))
    office.do(ChangeStaff(StaffId("mara"), restriction=only))
    mara, before = office.browser("mara"), office.owners()
    shown = mara.post(of("lena"), {"release": "on", "reason": ""}, follow=True)
    assert "keeps 1 more of its customers, beyond your sight." in words_of(shown)
    assert "[strict_refused]" in words_of(mara.post(on_plan(shown), follow=True))
    assert office.owners() == before


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"release": "on", "receivers": ["tom"]},
        {"release": "on", "by_field": "region", "cases": "north=tom"},
        {"by_field": "region"},
        {"receivers": ["zoe"]},
        {"receivers": ["lena"]},
    ],
)
def test_offboarding_that_is_none(office: Office, asked: dict[str, Any]) -> None:
    """One of both has to be said, and whoever gets customers is in reach; else nothing is planned."""
    answer = office.browser("mara").post(of("lena"), {**asked, "reason": ""})
    assert answer.status_code == 200
    assert "Nothing was planned." in text_of(answer)
    assert not Run.objects.filter(state="planned").exists()


def test_whoever_nobody_gets_stops_it(office: Office) -> None:
    """D06: with nobody for one of them nothing moves, unless those are to be left to nobody."""
    mara, before = office.browser("mara"), office.owners()
    asked = {"by_field": "region", "cases": "region-of-adler=tom", "reason": ""}
    done = mara.post(on_plan(mara.post(of("lena"), asked, follow=True)), follow=True)
    assert "[strict_refused]" in str(next(iter(done.context["messages"])))
    assert office.owners() == before


def test_what_came_since_the_plan_stops_it(office: Office) -> None:
    """Leaving is strict: a customer that came meanwhile is not forgotten, and nothing moves."""
    mara = office.browser("mara")
    shown = mara.post(of("lena"), {"receivers": ["tom"], "reason": ""}, follow=True)
    office.add("neu", "lena")
    done = mara.post(on_plan(shown), follow=True)
    assert "[strict_refused]" in str(next(iter(done.context["messages"])))
    assert office.owners()["adler"] == ["lena"]


# --- the guard


def test_deactivating_asks_first(office: Office) -> None:
    """Whoever still holds customers stays active until they are handed over, or it is confirmed."""
    mara = office.browser("mara")
    stopped = saved(mara, "lena")
    assert stopped.status_code == 200
    assert "Still holds customers: offboard first, or confirm here." in text_of(stopped)
    assert User.objects.get(username="lena").is_active
    assert saved(mara, "lena", is_active="on", first_name="Lena").status_code == 302
    assert saved(mara, "lena", ownership_confirm="on").status_code == 302
    assert not User.objects.get(username="lena").is_active
    assert "ownership_confirm" not in text_of(mara.get(of("lena", "change")))
    assert saved(mara, "mara").status_code == 302  # who holds nobody is let go


def test_deactivating_in_the_list_is_refused(office: Office) -> None:
    """There is no place to confirm it there; others are changed as before."""
    anna = office.browser("anna")
    forms = anna.get(reverse(CHANGELIST)).context["cl"].formset.forms
    data = {"form-TOTAL_FORMS": str(len(forms)), "form-INITIAL_FORMS": str(len(forms)), "_save": "Save"}
    data |= {f"form-{place}-id": str(form.instance.pk) for place, form in enumerate(forms)}
    active = {
        form.instance.username: f"form-{place}-is_active" for place, form in enumerate(forms) if form.instance.is_active
    }

    def leave(name: str) -> Any:
        return anna.post(reverse(CHANGELIST), {**data, **{box: "on" for one, box in active.items() if one != name}})

    assert "Still holds customers" in text_of(leave("lena"))
    assert User.objects.get(username="lena").is_active
    assert leave("mara").status_code == 302
    assert not User.objects.get(username="mara").is_active
    User.objects.filter(username="lena").update(is_active=False)
    del active["lena"]
    assert leave("tom").status_code == 200
    assert leave("zoe").status_code == 200
    assert leave("ghost").status_code == 200
    assert leave("nobody").status_code == 302  # who is inactive already stands in nobody's way


def test_deleting_asks_first(office: Office) -> None:
    """The page after Django's own question names who still holds customers; with the tick it is done."""
    anna, where = office.browser("anna"), of("lena", "delete")
    asked = anna.post(where, {"post": "yes"})
    assert asked.status_code == 200
    assert of("lena") in text_of(asked)
    assert User.objects.filter(username="lena").exists()
    again = dict(asked.context["hidden"])
    assert again == {"post": "yes"}
    assert anna.post(where, {**again, "ownership_confirm": "yes"}).status_code == 302
    assert not User.objects.filter(username="lena").exists()
    assert Staff.objects.get(key="lena").user_id is None
    anna.post(of("mara", "delete"), {"post": "yes"})
    assert not User.objects.filter(username="mara").exists()  # who holds nobody is let go


def test_deleting_several_asks_first(office: Office) -> None:
    """All or none, by Django's own action for many."""
    anna = office.browser("anna")
    ticked = {"action": "delete_selected", "_selected_action": [str(key_of(name)) for name in ("lena", "tom", "mara")]}
    assert "Are you sure" in text_of(anna.post(reverse(CHANGELIST), {**ticked, "index": "0"}))
    asked = anna.post(reverse(CHANGELIST), {**ticked, "post": "yes"})
    assert [name for name, _url in asked.context["held"]] == ["Lena", "Tom"]
    assert User.objects.filter(username__in=("lena", "tom", "mara")).count() == 3
    hidden = [pair for pair in asked.context["hidden"] if pair[0] == "_selected_action"]
    assert sorted(value for _name, value in hidden) == sorted(ticked["_selected_action"])
    anna.post(reverse(CHANGELIST), {**ticked, "post": "yes", "ownership_confirm": "yes"})
    assert not User.objects.filter(username__in=("lena", "tom", "mara")).exists()


def test_guard_tells_nobody_who_may_not(office: Office) -> None:
    """Whoever may not delete or change users is turned away as before, and is not told who holds customers."""
    User.objects.get(username="mara").user_permissions.set(
        Permission.objects.filter(codename__in=("view_user", "view_customer"))
    )
    mara = office.browser("mara")
    assert mara.post(of("lena", "delete"), {"post": "yes"}).status_code == 403
    ticked = {"action": "delete_selected", "post": "yes", "_selected_action": [str(key_of("lena"))]}
    assert "Still hold" not in text_of(mara.post(reverse(CHANGELIST), ticked, follow=True))
    assert "ownership_confirm" not in text_of(mara.get(of("lena", "change")))
    assert User.objects.filter(username="lena", is_active=True).exists()


def test_pages_of_a_leaver_send_as_many_for_a_hundred(office: Office) -> None:
    """However many customers it holds, and however many are deleted together."""

    def sent(method: str, where: str, data: dict[str, Any]) -> int:
        with CaptureQueriesContext(connection) as statements:
            assert getattr(anna, method)(where, data).status_code == 200
        return len(statements)

    def counts(names: tuple[str, ...]) -> list[int]:
        ticked = {"action": "delete_selected", "post": "yes", "_selected_action": [key_of(name) for name in names]}
        return [
            sent("get", of("lena"), {}),
            sent("get", of("lena", "change"), {}),
            sent("post", of("lena", "delete"), {"post": "yes"}),
            sent("post", reverse(CHANGELIST), ticked),
        ]

    anna = office.browser("anna")
    counts(("lena",))
    few = counts(("lena",))
    for number in range(100):
        office.add(f"neu{number:03}", "lena")
    assert counts(("lena", "tom", "zoe")) == few


def test_plan_needs_the_customers_page(office: Office) -> None:
    """Who may not open the customers' pages plans no offboarding."""
    mara = User.objects.get(username="mara")
    mara.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))
    assert office.browser("mara").post(of("lena"), {"release": "on", "reason": ""}).status_code == 403
    assert not Run.objects.filter(state="planned").exists()
