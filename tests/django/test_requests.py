"""``get_ownership(request)``: the use cases for whoever sent the request, one access snapshot each time.

Proven by breaking it: fails when what is kept stands in the module instead of on the request, when it outlives a
login, and when a command leaves the answers of before.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from bazaar.models import Customer
from django.contrib.auth import login
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.test import AsyncClient, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import path
from office import OWNED, Office, id_of, name_of

from ownership_core.commands import Assign, ChangeStaff, Claim
from ownership_core.errors import Refused
from ownership_core.model import CustomerId, StaffId
from ownership_django.requests import aget_ownership, get_ownership

pytestmark = pytest.mark.django_db
MEETING = "meeting"


@pytest.fixture
def office() -> Office:
    """The back office."""
    return Office()


def request(name: str | None) -> HttpRequest:
    """A request of somebody, as the middleware leaves it."""
    made = RequestFactory().get("/")
    made.user = AnonymousUser() if name is None else User.objects.get(username=name)
    return made


def customer(name: str) -> Customer:
    """A row of the host's."""
    return Customer.objects.get(pk=id_of(name))


def test_a_request_is_that_of_its_user(office: Office) -> None:
    """List, check and commands; by row and by id."""
    lena = get_ownership(request("lena"))
    assert lena.actor.id == "lena"
    assert {row.full_name for row in lena.visible_to(Customer.objects.all())} == {name_of("adler"), name_of("birke")}
    assert lena.allows("view", customer("adler"))
    assert lena.allows("view", id_of("birke"))
    assert lena.check("view", map(customer, OWNED)) == {id_of("adler"), id_of("birke")}
    assert [str(id) for id in lena.visible().order("name").ids()] == sorted([id_of("adler"), id_of("birke")], key=_by)
    lena.execute(Claim(CustomerId(id_of("eiche"))))
    assert office.owners()["eiche"] == ["lena"]
    assert lena.allows("view", customer("eiche"))


def _by(id: str) -> Any:
    return int(id) if id.isdigit() else id


def test_whoever_may_explain_is_told(office: Office) -> None:
    """Why, why not, who can, and what happened."""
    mara = get_ownership(request("mara"))
    assert mara.why("tom", "view", customer("adler")).allowed is False
    assert mara.why_cannot(Claim(CustomerId(id_of("adler")))).allowed is False
    assert set(mara.who_can("view", customer("adler"))) == {"anna", "lena", "mara"}
    assert [event.body["what"] for event in mara.history(customer("adler"))] == ["assign"]
    with pytest.raises(Refused) as refused:
        get_ownership(request("zoe")).history(customer("adler"))
    assert refused.value.codes == ("not_found",)


def test_a_plan_of_a_request_is_applied_in_the_next(office: Office) -> None:
    """As on an admin's page."""
    plan = get_ownership(request("mara")).plan(Assign(CustomerId(id_of("adler")), StaffId("tom")))
    assert office.owners()["adler"] == ["lena"]
    assert get_ownership(request("mara")).apply(plan.id).tally.changed == 1
    assert office.owners()["adler"] == ["tom"]


@pytest.mark.parametrize("name", [None, "ghost"])
def test_strangers_and_the_inactive_may_nothing(office: Office, name: str | None) -> None:
    """And are refused as somebody nobody knows."""
    nobody = get_ownership(request(name))
    assert nobody.visible_to(Customer.objects.all()).count() == nobody.visible().count() == 0
    assert not nobody.allows("view", customer("eiche"))
    assert not nobody.is_known()
    with pytest.raises(Refused):
        nobody.execute(Claim(CustomerId(id_of("eiche"))))


def test_a_request_without_user_is_nobody_s(office: Office) -> None:
    """Where no middleware has put one."""
    assert get_ownership(RequestFactory().get("/")).visible_to(Customer.objects.all()).count() == 0


def test_a_superuser_acts_under_its_own_name_and_owns_nobody(office: Office) -> None:
    """It is no staff: it may give customers away, and take none."""
    root = get_ownership(request("root"))
    root.execute(Assign(CustomerId(id_of("eiche")), StaffId("zoe")))
    assert office.owners()["eiche"] == ["zoe"]
    event = root.history(customer("eiche"))[-1]
    assert (event.actor.kind, event.actor.id) == ("operator", "root")
    with pytest.raises(Refused):
        root.execute(Claim(CustomerId(id_of("falke"))))


# --- one snapshot a request


def test_the_access_is_read_once(office: Office) -> None:
    """With who is asking; then each customer costs one statement, a list one, and what was answered before none."""
    asked, adler, birke = request("lena"), customer("adler"), customer("birke")
    with CaptureQueriesContext(connection) as sent:
        mine = get_ownership(asked)
    assert len(sent) == 1, sent.captured_queries
    for expected, ask in (
        (1, lambda: mine.allows("view", adler)),
        (0, lambda: mine.allows("view", adler)),
        (1, lambda: mine.check("view", [adler, birke])),
        (0, lambda: mine.check("view", [birke, adler])),
        (1, lambda: list(mine.visible_to(Customer.objects.all()))),
        (1, lambda: mine.visible_to(Customer.objects.all(), "claim").count()),
    ):
        with CaptureQueriesContext(connection) as sent:
            ask()
        assert len(sent) == expected, sent.captured_queries


def test_the_same_request_has_the_same_one(office: Office) -> None:
    """Wherever in a request it is asked for."""
    mine = request("lena")
    assert get_ownership(mine) is get_ownership(mine)
    assert get_ownership(mine) is not get_ownership(request("lena"))


@pytest.mark.parametrize("how", ["staff", "user"])
def test_a_revoke_counts_from_the_next_request_and_for_what_was_not_answered(office: Office, how: str) -> None:
    """What was answered in this one stays; nothing new is a yes."""
    mine = get_ownership(request("lena"))
    assert mine.allows("view", customer("adler"))
    if how == "staff":
        office.do(ChangeStaff(StaffId("lena"), active=False))
    else:
        User.objects.filter(username="lena").update(is_active=False)
    assert mine.allows("view", customer("adler"))
    assert not mine.allows("view", customer("birke"))
    assert mine.visible_to(Customer.objects.all()).count() == 0
    assert not get_ownership(request("lena")).allows("view", customer("adler"))


def test_commands_of_the_request_are_seen_by_it(office: Office) -> None:
    """Answers of before are forgotten."""
    mara = get_ownership(request("mara"))
    assert mara.allows("view", customer("adler"))
    office.do(Assign(CustomerId(id_of("clara")), StaffId("zoe")))
    assert mara.check("view", [customer("clara")]) == frozenset()
    office.do(Assign(CustomerId(id_of("clara")), StaffId("lena")))
    assert mara.check("view", [customer("clara")]) == frozenset()
    mara.execute(Assign(CustomerId(id_of("birke")), StaffId("tom")))
    assert mara.check("view", [customer("clara")]) == {id_of("clara")}


def test_whoever_logs_in_meanwhile_is_somebody_else(office: Office) -> None:
    """And whoever logs out is nobody."""
    one = request(None)
    one.session = SessionStore()
    assert not get_ownership(one).allows("view", customer("adler"))
    login(one, User.objects.get(username="lena"), "django.contrib.auth.backends.ModelBackend")
    assert get_ownership(one).allows("view", customer("adler"))
    one.user = AnonymousUser()
    assert not get_ownership(one).allows("view", customer("adler"))


# --- asynchronous views


class Meeting:
    """Where views wait until several of them are at the same place."""

    barrier: asyncio.Barrier


async def whom_i_see(request: HttpRequest) -> JsonResponse:
    """The names a user sees, asked in several steps while others are at the same step."""
    await Meeting.barrier.wait()
    mine = await aget_ownership(request)
    await Meeting.barrier.wait()
    rows = await mine.avisible_to(Customer.objects.order_by("full_name"))
    await Meeting.barrier.wait()
    names = [row.full_name async for row in rows]
    await Meeting.barrier.wait()
    known = [one.full_name async for one in Customer.objects.order_by("full_name") if await mine.aallows("view", one)]
    same = await aget_ownership(request) is mine
    return JsonResponse({"who": mine.actor.id, "listed": names, "checked": known, "same": same})


async def take(request: HttpRequest) -> JsonResponse:
    """Claim a customer."""
    mine = await aget_ownership(request)
    receipt = await mine.aexecute(Claim(CustomerId(id_of("eiche"))))
    return JsonResponse({"changed": receipt.tally.changed, "all": len(await mine.acheck("view", map(id_of, OWNED)))})


class Urls:
    """The addresses of these views."""

    urlpatterns = (path("whom/", whom_i_see), path("take/", take))


def test_concurrent_views_do_not_mix_their_users_up(office: Office, settings: Any) -> None:
    """Three users in one process, each asking four times, all of them at the same step at once."""
    settings.ROOT_URLCONF = Urls
    expected = {
        "lena": [name_of("adler"), name_of("birke")],
        "tom": [name_of("clara")],
        "zoe": [name_of("dohle")],
    }

    async def ask(name: str) -> dict[str, Any]:
        client = AsyncClient()
        await client.aforce_login(await User.objects.aget(username=name))
        found: dict[str, Any] = (await client.get("/whom/")).json()
        return found

    async def everybody() -> list[dict[str, Any]]:
        Meeting.barrier = asyncio.Barrier(12)
        return await asyncio.gather(*(ask(name) for name in [*expected] * 4))

    for answer, name in zip(async_to_sync(everybody)(), [*expected] * 4, strict=True):
        assert answer == {"who": name, "listed": expected[name], "checked": expected[name], "same": True}


def test_an_asynchronous_view_may_command(office: Office, settings: Any) -> None:
    """And sees what it did."""
    settings.ROOT_URLCONF = Urls

    async def ask() -> Any:
        client = AsyncClient()
        await client.aforce_login(await User.objects.aget(username="lena"))
        return (await client.get("/take/")).json()

    assert async_to_sync(ask)() == {"changed": 1, "all": 3}
    assert office.owners()["eiche"] == ["lena"]
