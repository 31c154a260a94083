"""Oscar's dashboard shows its users the customers they may see, and answers hidden ones as missing ones.

Proven by breaking it: fails when a view is put behind Oscar's in the urls, when ``visible_to`` or ``has_perm`` is left
out of one, and when the list's buttons ask for ``view`` in place of ``edit``.
"""

# ruff: noqa: PLC0415 - where there is no Oscar the tests are skipped, and these modules cannot be imported
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.django_db

LIST = "/dashboard/users/"
MISSING = 987_654
SEES = {
    "lena": {"Adler", "Birke"},
    "mara": {"Adler", "Birke", "Clara"},
    "zoe": {"Dohle", "Eiche"},
    "anna": {"Adler", "Birke", "Clara", "Dohle", "Eiche", "Falke"},
    "root": {"Adler", "Birke", "Clara", "Dohle", "Eiche", "Falke"},
}
Browser = Callable[[str], Any]


def listed(answer: Any) -> set[str]:
    """The customers a list shows."""
    return {row.record.last_name for row in answer.context["users"].rows}


def body(answer: Any, key: int) -> str:
    """A page without the token that differs each time and the number that was asked for."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())
    return text.replace(str(key), "KEY")


def alert_of(key: int) -> Any:
    """A customer's wish to be told of a product."""
    from oscar.core.loading import get_model
    from oscar.test.factories import create_product

    return get_model("customer", "ProductAlert").objects.create(product=create_product(), user_id=key)


@pytest.mark.parametrize("name", SEES)
def test_the_list_holds_what_its_reader_may_see(name: str, browser: Browser, customers: dict[str, int]) -> None:
    """The rows, their number, and never a user who has ordered nothing, such as Ginster and the staff."""
    answer = browser(name).get(LIST)
    assert answer.status_code == 200
    assert listed(answer) == SEES[name]
    assert answer.context["users"].paginator.count == len(SEES[name])


def test_a_search_finds_nobody_hidden(browser: Browser, customers: dict[str, int]) -> None:
    """Oscar's search joins and asks for distinct rows; ours is one condition among them."""
    lena = browser("lena")
    assert listed(lena.get(LIST, {"search": "", "name": "Customer", "email": "mail.example"})) == SEES["lena"]
    assert listed(lena.get(LIST, {"search": "", "name": "Dohle", "email": ""})) == set()


def test_the_page_of_a_visible_customer_opens(browser: Browser, customers: dict[str, int]) -> None:
    """With the orders Oscar shows there."""
    answer = browser("lena").get(f"{LIST}{customers['Adler']}/")
    assert answer.status_code == 200
    assert "adler@mail.example" in answer.content.decode()


@pytest.mark.parametrize("name", ["Dohle", "Falke", "Ginster"])
@pytest.mark.parametrize(("method", "page"), [("get", "{}/"), ("post", "{}/password-reset/"), ("get", "{}/nowhere/")])
def test_a_hidden_customer_answers_as_a_missing_one(
    name: str, method: str, page: str, browser: Browser, customers: dict[str, int]
) -> None:
    """Somebody else's, nobody's, and one who has ordered nothing: the same status and the same body."""
    ask, hidden = getattr(browser("lena"), method), customers[name]
    theirs, nobodys = ask(LIST + page.format(hidden)), ask(LIST + page.format(MISSING))
    assert theirs.status_code == nobodys.status_code == 404
    assert body(theirs, hidden) == body(nobodys, MISSING)


def test_a_new_password_is_sent_by_whoever_may_edit(
    browser: Browser, customers: dict[str, int], mailoutbox: list[Any]
) -> None:
    """Lena sees Adler and may not; her manager may."""
    page = f"{LIST}{customers['Adler']}/password-reset/"
    assert browser("lena").post(page).status_code == 404
    assert mailoutbox == []
    assert browser("mara").post(page).status_code == 302
    assert [mail.to for mail in mailoutbox] == [["adler@mail.example"]]


@pytest.mark.parametrize("across", ["", "1"])
def test_a_button_reaches_nobody_beyond_its_user(across: str, browser: Browser, customers: dict[str, int]) -> None:
    """Forged numbers and select_across: the manager deactivates her department's alone, the associate nobody."""
    from django.contrib.auth.models import User

    chosen = {"action": "make_inactive", "selected_user": list(customers.values()), "select_across": across}
    browser("lena").post(LIST, chosen)
    assert not User.objects.filter(pk__in=customers.values(), is_active=False).exists()
    browser("mara").post(LIST, chosen)
    left = User.objects.filter(pk__in=customers.values(), is_active=False).values_list("last_name", flat=True)
    assert set(left) == SEES["mara"]


def test_alerts_follow_their_customers(browser: Browser, customers: dict[str, int]) -> None:
    """A list of alerts names customers too; hidden ones can be neither read, changed nor deleted."""
    mine, hidden = alert_of(customers["Adler"]), alert_of(customers["Dohle"])
    mara = browser("mara")
    assert [one.pk for one in mara.get(f"{LIST}alerts/").context["alerts"]] == [mine.pk]
    for page in ("delete", "update"):
        assert mara.get(f"{LIST}alerts/{mine.pk}/{page}/").status_code == 200
        theirs, nobodys = (mara.get(f"{LIST}alerts/{key}/{page}/") for key in (hidden.pk, MISSING))
        assert theirs.status_code == nobodys.status_code == 404
        assert body(theirs, hidden.pk) == body(nobodys, MISSING)
    assert mara.post(f"{LIST}alerts/{hidden.pk}/delete/").status_code == 404
    hidden.refresh_from_db()


def test_a_revoke_holds_from_the_next_request(browser: Browser, customers: dict[str, int]) -> None:
    """The staff is deactivated while logged in: the list is empty, every page is missing."""
    from ownership_core import Actor, ChangeStaff
    from ownership_core.model import StaffId
    from ownership_django.service import superusers

    lena = browser("lena")
    assert lena.get(f"{LIST}{customers['Adler']}/").status_code == 200
    superusers().execute(ChangeStaff(StaffId("lena"), active=False), Actor.operator("test"))
    assert listed(lena.get(LIST)) == set()
    assert lena.get(f"{LIST}{customers['Adler']}/").status_code == 404


def test_oscars_own_check_of_who_may_enter_stays(browser: Browser, customers: dict[str, int]) -> None:
    """A customer is no user of the dashboard, and anybody unknown is asked to log in."""
    from django.contrib.auth.models import User
    from django.test import Client

    stranger, customer = Client(), Client()
    customer.force_login(User.objects.get(pk=customers["Adler"]), "oscar.apps.customer.auth_backends.EmailBackend")
    assert "/login/" in stranger.get(LIST).headers["Location"]
    assert customer.get(LIST).status_code == 403
