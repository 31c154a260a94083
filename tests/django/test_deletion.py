"""H17: the site deletes customers its own way; assignments end, history stays and says so, by a few statements.

Proven by breaking it: each test fails when ``end_assignments`` is ``CASCADE``; the second also when it writes at once
instead of handing the collector something to do, the fourth when the events are written one by one.
"""

from __future__ import annotations

from typing import Any

import pytest
from bazaar.models import Customer
from bazaar.settings import KEY
from django.contrib.admin.utils import NestedObjects
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from office import Office, id_of

from ownership_core.commands import Assign, DeleteCustomer, Ids
from ownership_core.events import Event, Subject
from ownership_core.host import Host
from ownership_core.model import CustomerId, StaffId
from ownership_django.models import Assignment, Head, OutboxTask, Run, Staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    """The back office."""
    return Office()


def history(office: Office, name: str) -> list[Event]:
    """The events of a customer, there or not."""
    with office.service.store.reader() as reader:
        return list(reader.events(Subject.CUSTOMER, id_of(name)))


def deleted(event: Event) -> list[str]:
    """Whose assignments an event of a deletion ended."""
    assert event.body["what"] == "delete_customer"
    assert event.body["primary"][1] is None
    return [line["staff"] for line in event.body["removed"]]


def test_deleted_row_ends_its_assignment_and_tells(office: Office) -> None:
    """One event more, whose version follows, by the site itself; whoever lost the customer is told."""
    before = history(office, "adler")
    Customer.objects.get(pk=id_of("adler")).delete()
    *rest, last = history(office, "adler")
    assert rest == before
    assert (last.version, deleted(last)) == (before[-1].version + 1, ["lena"])
    assert (last.actor.kind, last.actor.id, last.actor.rule) == ("system", "site", "on_delete")
    assert not Assignment.objects.filter(customer_id=id_of("adler")).exists()
    assert OutboxTask.objects.filter(run=last.run, receiver="lena").exists()
    assert Head.objects.get(customer_id=id_of("adler")).version == last.version


def test_looking_at_what_would_go_changes_nothing(office: Office) -> None:
    """The page that asks whether one is sure collects it all."""
    before = office.digest()
    collector = NestedObjects(using="default", origin=None)
    collector.collect(Customer.objects.all())
    assert office.digest() == before


def test_deleted_queryset_is_one_run(office: Office) -> None:
    """Every registered customer has its event, all of one run; whom nobody ever assigned has none to end."""
    ids = [id_of(name) for name in ("adler", "birke", "clara", "eiche")]
    Customer.objects.filter(pk__in=ids).delete()
    ended = {name: history(office, name)[-1] for name in ("adler", "birke", "clara")}
    assert {name: deleted(event) for name, event in ended.items()} == {
        "adler": ["lena"],
        "birke": ["lena"],
        "clara": ["tom"],
    }
    [run] = {event.run for event in ended.values()}
    assert Run.objects.get(id=run).what == "delete_customer"
    assert history(office, "eiche") == []
    assert office.owners() == {"dohle": ["zoe"], "falke": ["ghost"]}


def test_statements_do_not_grow_with_the_customers(office: Office) -> None:
    """Two hundred customers more cost no statement of ours more."""

    def cost(keys: list[str]) -> int:
        with CaptureQueriesContext(connection) as captured:
            Customer.objects.filter(pk__in=keys).delete()
        return len([one for one in captured if "ownership_" in one["sql"]])

    many = [str(10**6 + number) if KEY == "int" else id_of(f"x{number:03}") for number in range(200)]
    Customer.objects.bulk_create([Customer(pk=key) for key in many])
    office.do(Assign(Ids(tuple(map(CustomerId, many))), StaffId("tom")))
    assert cost([id_of("adler")]) == cost(many)
    assert not Assignment.objects.filter(customer_id__in=many).exists()


def test_deletion_that_is_undone_leaves_everything(office: Office) -> None:
    """A guest in the site's transaction."""
    before = office.digest()
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012 - the end is what is tested
        Customer.objects.all().delete()
        assert not Assignment.objects.exists()
        raise RuntimeError
    assert office.digest() == before


def test_customer_a_command_deleted_is_not_told_of_twice(office: Office) -> None:
    """The site's row follows the command: its last event says so already."""
    office.do(DeleteCustomer(CustomerId(id_of("adler"))))
    before = history(office, "adler")
    assert deleted(before[-1]) == ["lena"]
    Customer.objects.get(pk=id_of("adler")).delete()
    assert history(office, "adler") == before


def test_customer_that_comes_back_goes_on_counting(office: Office) -> None:
    """Its versions have no gap."""
    Customer.objects.get(pk=id_of("adler")).delete()
    office.add("adler", owner="tom")
    assert [event.version for event in history(office, "adler")] == [1, 2, 3]


def test_deletion_is_told_when_it_is_permanent(
    office: Office, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    """Plugins hear of it after the commit, and not where it was undone."""
    heard: list[str] = []

    def tell(self: Host, hook: str, **arguments: Any) -> list[Any]:
        heard.append(arguments["run"].run.what if hasattr(arguments["run"], "run") else hook)
        return []

    monkeypatch.setattr(Host, "tell", tell)
    with django_capture_on_commit_callbacks(execute=True):
        Customer.objects.get(pk=id_of("adler")).delete()
        assert heard == []
    assert heard == ["delete_customer"]


def test_deleted_user_leaves_the_tombstone(office: Office) -> None:
    """The staff row stays with all it owns; only the link is gone."""
    User.objects.get(username="lena").delete()
    lena = Staff.objects.get(key="lena")
    assert (lena.user_id, lena.login, lena.active) == (None, "lena", True)
    assert office.owners()["adler"] == ["lena"]
