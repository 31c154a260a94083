"""A request that fails after it changed something: nothing was written, and nobody was told."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path
from office import Office, id_of, page

from ownership_core.commands import Assign
from ownership_core.errors import Problem, StoreError
from ownership_core.host import Host
from ownership_core.model import CustomerId, StaffId
from ownership_django.models import Event, OutboxTask
from ownership_django.requests import get_ownership
from ownership_django.store.writer import DjangoWriter

pytestmark = pytest.mark.django_db(transaction=True)


def give(request: HttpRequest) -> None:
    """Give a customer away, as whoever asks."""
    get_ownership(request).execute(Assign(CustomerId(id_of("adler")), StaffId("tom")))


def breaking(request: HttpRequest) -> HttpResponse:
    """A view of the host's that fails at the end."""
    give(request)
    raise RuntimeError("after all was done")


def working(request: HttpRequest) -> HttpResponse:
    """The same, well."""
    give(request)
    return HttpResponse()


class urls(ModuleType):  # noqa: N801 - stands for a module
    """The site's pages and two views more."""

    urlpatterns = (path("admin/", admin.site.urls), path("breaking/", breaking), path("working/", working))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hooks that were told of something."""
    heard: list[str] = []

    def tell(self: Host, hook: str, **_: Any) -> list[Any]:
        heard.append(hook)
        return []

    monkeypatch.setattr(Host, "tell", tell)
    return heard


@pytest.fixture
def office(told: list[str]) -> Iterator[Office]:
    """The back office, each of whose requests is one transaction."""
    office = Office()
    told.clear()
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    with override_settings(ROOT_URLCONF=urls("urls")):
        yield office
    connection.settings_dict["ATOMIC_REQUESTS"] = False


def test_failing_request_leaves_nothing(office: Office, told: list[str]) -> None:
    """No assignment, no event, nothing in the outbox, nobody told."""
    mara, before = office.browser("mara"), office.digest()
    with pytest.raises(RuntimeError):
        mara.get("/breaking/")
    assert office.digest() == before
    assert told == []


def test_working_request_is_told_once(office: Office, told: list[str]) -> None:
    """The same request, ending well, has its event and its outbox rows, and is told of when it is permanent."""
    events = Event.objects.count()
    assert office.browser("mara").get("/working/").status_code == 200
    assert office.owners()["adler"] == ["tom"]
    assert Event.objects.count() == events + 1
    assert OutboxTask.objects.exists()
    assert told == ["ownership_committed"]


def test_failing_log_undoes_the_change(office: Office, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A change whose entry in Django's log cannot be written is not made."""
    mara = office.browser("mara")
    planned = mara.post(page("ownership_change", id_of("adler"), "set-primary"), {"staff": "tom"}, follow=True)
    where, before = planned.redirect_chain[-1][0], office.digest()

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the log is full")

    for whole_requests in (True, False):
        connection.settings_dict["ATOMIC_REQUESTS"] = whole_requests
        with monkeypatch.context() as patch:
            patch.setattr(type(LogEntry.objects), "bulk_create", broken)
            with pytest.raises(RuntimeError):
                mara.post(where)
        assert office.digest() == before
        assert told == []
    mara.post(where)
    assert office.owners()["adler"] == ["tom"]
    assert told == ["ownership_committed"]


def test_collision_is_decided_again(office: Office, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan whose transaction the database ends for another's sake is applied at the second try, and logged once."""
    connection.settings_dict["ATOMIC_REQUESTS"] = False
    mara = office.browser("mara")
    planned = mara.post(page("ownership_change", id_of("adler"), "set-primary"), {"staff": "tom"}, follow=True)
    tries: list[str] = []
    original = DjangoWriter.write

    def collide(self: DjangoWriter, *arguments: Any) -> None:
        original(self, *arguments)
        tries.append("once")
        if len(tries) == 1:
            raise StoreError(Problem("retry_transaction", "Two met."), transient=True)

    monkeypatch.setattr(DjangoWriter, "write", collide)
    done = mara.post(planned.redirect_chain[-1][0], follow=True)
    assert [str(one) for one in done.context["messages"]] == ["1 customer was changed."]
    assert len(tries) == 2
    assert LogEntry.objects.count() == 1
    assert told == ["ownership_committed"]
