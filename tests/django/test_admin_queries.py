"""How many statements a page of the admin sends: as many for ten customers as for a thousand."""

from __future__ import annotations

from typing import Any

import pytest
from bazaar.models import Customer, Order
from django.contrib.admin import site
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from office import Office, id_of, page

from ownership_core.commands import Assign
from ownership_core.model import CustomerId, StaffId

pytestmark = pytest.mark.django_db

FEW, MANY = 10, 1_000


@pytest.fixture
def office() -> Office:
    """The back office, nobody in its list but lena's."""
    return Office({"adler": "lena"})


def fill(office: Office, start: int, end: int) -> None:
    """Customers of lena's by the hundreds, one in three of tom's, each invited by one of zoe's."""
    ids = [id_of(f"{number:05}") for number in range(start, end)]
    inviter, _made = Customer.objects.get_or_create(id=id_of("zoes"), full_name="Zoes Kundin")
    office.do(Assign(CustomerId(id_of("zoes")), StaffId("zoe")))
    rows = [Customer(id=id, full_name=f"{id} Kundin", site=office.site, invited_by=inviter) for id in ids]
    Customer.objects.bulk_create(rows)
    Order.objects.bulk_create(Order(customer=row, number=f"{row.pk}") for row in rows)
    for staff, some in (("lena", ids), ("tom", ids[::3])):
        office.do(Assign([CustomerId(id) for id in some], StaffId(staff)))


def statements(browser: Client, where: str, query: dict[str, Any]) -> int:
    """How many one request sends."""
    with CaptureQueriesContext(connection) as sent:
        assert browser.get(where, query).status_code == 200
    return len(sent)


def test_lists_send_as_many_for_a_thousand(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole list on one page, with columns, filters, facets and search, for staff and for a superuser."""
    monkeypatch.setattr(site._registry[Customer], "list_per_page", 2_000)
    monkeypatch.setattr(site._registry[Customer], "list_editable", ())
    orders = reverse("admin:bazaar_order_changelist")
    asked: list[tuple[str, dict[str, Any]]] = [
        (page("changelist"), {}),
        (page("changelist"), {"_facets": "True"}),
        (page("changelist"), {"q": "Kundin", "ownership_staff": "lena"}),
        (page("changelist"), {"ownership": "orphaned"}),
        (orders, {}),
    ]
    counts = {}
    fill(office, 0, FEW)
    for size, more in ((FEW, MANY), (MANY, None)):
        for name in ("mara", "root"):
            browser = office.browser(name)
            browser.get(page("changelist"))
            counts[size, name] = [statements(browser, where, query) for where, query in asked]
        if more is not None:
            fill(office, FEW, more)
    shown = office.browser("root").get(page("changelist"))
    assert len(shown.context["cl"].result_list) > MANY
    for name in ("mara", "root"):
        assert counts[FEW, name] == counts[MANY, name]
        assert max(counts[MANY, name][:1]) <= 22


def test_plan_page_sends_as_many_for_a_thousand(office: Office) -> None:
    """Planned and shown by as many; applied by a few more, since entries of Django's log are inserted in batches."""
    counts: dict[int, list[int]] = {}
    fill(office, 0, FEW)
    mara = office.browser("mara")
    mara.get(page("changelist"))
    for size in (FEW, MANY):
        if size == MANY:
            fill(office, FEW, MANY)
        ticked = {"action": "ownership_set_primary", "ownership_step": "plan", "staff": "mara", "select_across": "1"}
        with CaptureQueriesContext(connection) as planned:
            answer = mara.post(
                page("changelist") + "?ownership_staff=lena", {**ticked, "_selected_action": "0", "reason": ""}
            )
        shown = statements(mara, answer.url, {})
        with CaptureQueriesContext(connection) as applied:
            mara.post(answer.url)
        counts[size] = [len(planned), shown, len(applied)]
    assert counts[FEW][:2] == counts[MANY][:2]
    assert counts[MANY][2] - counts[FEW][2] <= MANY // 250
