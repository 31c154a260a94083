"""``user.has_perm("ownership.view", customer)`` says what the core's check says, and nothing about anything else.

Proven by breaking it: fails when answers are remembered with the user, when other apps' permissions are answered, and
when rows of other models are taken for customers.
"""

from __future__ import annotations

import sys
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from bazaar.models import Customer, Order
from bazaar.settings import KEY
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from office import CREW, OWNED, Office, id_of

from ownership_core.commands import ChangeStaff, GrantAccess, Unassign
from ownership_core.model import Actor, CustomerId, StaffId
from ownership_core.scope import ANY
from ownership_django import conf, probe
from ownership_django.actors import asker_of
from ownership_django.backend import OwnershipBackend
from ownership_django.bound import BoundOwnership
from ownership_django.managers import visible_to
from ownership_django.models import Run

pytestmark = pytest.mark.django_db
BACKENDS = ["django.contrib.auth.backends.ModelBackend", "ownership_django.backend.OwnershipBackend"]


class Tickets(BaseBackend):
    """Another backend for single rows, as guardian is one."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Yes for tickets."""
        return perm == "tickets.view" and obj is not None


@pytest.fixture
def tickets(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module with another backend, which Django loads by its name."""
    module = SimpleNamespace(Tickets=Tickets)
    monkeypatch.setitem(sys.modules, "tickets", module)
    return module


@pytest.fixture
def office(settings: Any, tickets: Any) -> Office:
    """The back office, with our backend behind Django's and before another's."""
    settings.AUTHENTICATION_BACKENDS = [*BACKENDS, "tickets.Tickets"]
    return Office()


def user(name: str) -> User:
    """A user of the site, as a request would load it."""
    return User.objects.get(username=name)


def customer(name: str) -> Customer:
    """A row of the host's."""
    return Customer.objects.get(pk=id_of(name))


@pytest.mark.parametrize("name", CREW)
def test_a_permission_is_what_a_check_says_and_a_list_holds(office: Office, name: str) -> None:
    """B17: for each customer and action, one by one, and for a list."""
    asking = user(name)
    for action in ("view", "edit", "assign", "claim", "delete", "no_such_action"):
        allowed = {one for one in OWNED if asking.has_perm(f"ownership.{action}", customer(one))}
        core = office.service.check(Actor.staff(name), action, [id_of(one) for one in OWNED])
        assert {id_of(one) for one in allowed} == core
        listed = visible_to(Customer.objects.all(), asking, action)
        assert {str(row.pk) for row in listed} == core


@pytest.mark.parametrize(
    ("perm", "row"),
    [
        ("ownership.view", None),
        ("ownership.view", "order"),
        ("ownership.view", "text"),
        ("ownership.view", "unsaved"),
        ("ownership.view", "keyless"),
        ("ownership", "adler"),
        ("ownership.", "adler"),
        (".view", "adler"),
        ("bazaar.view", "adler"),
        ("bazaar.view_customer", "adler"),
        ("view", "adler"),
    ],
)
def test_it_is_silent_about_everything_else(office: Office, perm: str, row: str | None) -> None:
    """False, never an error; whoever may see the customer is asked."""
    rows: dict[str | None, Any] = {
        None: None,
        "order": Order.objects.first(),
        "text": id_of("adler"),
        "unsaved": Customer(pk={"int": 4_000_000, "uuid": uuid.uuid4()}.get(KEY, " not an id")),
        "keyless": Customer(pk=None),
        "adler": customer("adler"),
    }
    assert user("anna").has_perm(perm, rows[row]) is False
    assert user("anna").has_perm("ownership.view", customer("adler")) is True


class Strict(BaseBackend):
    """Raises when it is asked for another app's permission, as guardian does."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Only for its own."""
        if obj is not None and not perm.startswith(f"{obj._meta.app_label}."):
            raise ValueError(perm)
        return False


class Generous(BaseBackend):
    """Says yes to whatever it is asked."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Yes."""
        return True


@pytest.mark.parametrize("other", [Strict, Generous])
def test_what_it_denies_nobody_else_is_asked(office: Office, settings: Any, tickets: Any, other: type) -> None:
    """One door: no backend behind it widens the policy, and none is startled by a permission it does not know."""
    tickets.Tickets = other
    asking = user("lena")
    assert [name for name in OWNED if asking.has_perm("ownership.view", customer(name))] == ["adler", "birke"]
    assert not asking.has_perm("ownership.view", Order.objects.first())
    assert asking.has_perm("bazaar.view_customer", customer("dohle")) is (other is Generous)


def test_rows_of_our_own_are_left_to_others(office: Office) -> None:
    """Runs and events have permissions of Django's."""
    assert OwnershipBackend().has_perm(user("lena"), "ownership.view_run", Run.objects.first()) is False


def test_others_are_asked_as_before(office: Office) -> None:
    """Django's own for models, another for its rows; neither learns of us."""
    asking = user("tom")
    asking.user_permissions.add(Permission.objects.get(codename="view_user"))
    asking = user("tom")
    assert asking.has_perm("auth.view_user")
    assert asking.has_perm("tickets.view", object())
    assert not asking.has_perm("tickets.edit", object())
    assert not asking.has_perm("ownership.view", customer("adler"))
    assert asking.has_perm("ownership.view", customer("clara"))


def test_nobody_logs_in_by_it(office: Office) -> None:
    """It only answers questions."""
    assert OwnershipBackend().authenticate(None, username="lena", password="") is None  # type: ignore[arg-type]
    assert OwnershipBackend().get_all_permissions(user("lena")) == set()


@pytest.mark.parametrize("who", [AnonymousUser(), User(username="new")])
def test_strangers_may_nothing(office: Office, who: Any) -> None:
    """Nor see that we are here."""
    assert not who.has_perm("ownership.view", customer("adler"))
    with pytest.raises(PermissionDenied):
        OwnershipBackend().has_perm(who, "ownership.view", customer("adler"))
    assert not OwnershipBackend().has_module_perms(who, "ownership")


def test_a_revoke_counts_for_a_user_that_was_asked_before(office: Office) -> None:
    """No answer is remembered, and every statement asks whether the access is still what it was."""
    asking = user("lena")
    assert asking.has_perm("ownership.view", customer("adler"))
    assert asking.has_perm("ownership.view", customer("birke"))
    office.do(Unassign(CustomerId(id_of("adler")), ANY))
    assert not asking.has_perm("ownership.view", customer("adler"))
    office.do(GrantAccess("associate", staff=StaffId("lena"), revoke=True))
    assert not asking.has_perm("ownership.view", customer("birke"))
    office.do(GrantAccess("admin", staff=StaffId("lena")))
    assert asking.has_perm("ownership.view", customer("dohle"))
    office.do(ChangeStaff(StaffId("lena"), active=False))
    assert not asking.has_perm("ownership.view", customer("dohle"))


def test_a_user_deactivated_meanwhile_is_let_through_no_more(office: Office) -> None:
    """Though the object that was loaded before knows nothing of it."""
    asking = user("lena")
    assert asking.has_perm("ownership.view", customer("adler"))
    User.objects.filter(username="lena").update(is_active=False)
    assert not asking.has_perm("ownership.view", customer("adler"))


def test_a_user_who_is_no_longer_linked_is_let_through_no_more(office: Office) -> None:
    """Its object may live on, as in a socket that stays open; the staff goes on without it."""
    asking = user("lena")
    mine = BoundOwnership(asker_of(asking))
    both = [customer("adler"), customer("birke")]
    assert asking.has_perm("ownership.view", both[0])
    assert len(mine.check("view", both)) == 2
    office.do(ChangeStaff(StaffId("lena"), login=None))
    assert not asking.has_perm("ownership.view", both[0])
    mine.forget()
    assert not mine.check("view", both)
    assert mine.visible_to(Customer.objects.all()).count() == 0
    assert office.service.check(Actor.staff("lena"), "view", [id_of("adler")])


def test_a_superuser_may_do_everything_and_its_list_says_so(office: Office) -> None:
    """Django never asks us about it; the list must not say less."""
    root = user("root")
    assert all(root.has_perm("ownership.delete", customer(name)) for name in OWNED)
    assert visible_to(Customer.objects.all(), root, "delete").count() == len(OWNED)
    backend = OwnershipBackend()
    assert all(backend.has_perm(root, "ownership.delete", customer(name)) for name in OWNED)


def test_our_app_is_shown_to_staff_only(office: Office) -> None:
    """Active ones, and superusers."""
    backend = OwnershipBackend()
    assert backend.has_module_perms(user("lena"), "ownership")
    assert backend.has_module_perms(user("root"), "ownership")
    assert not backend.has_module_perms(user("lena"), "bazaar")
    assert not backend.has_module_perms(user("ghost"), "ownership")


def test_a_question_costs_one_statement(office: Office) -> None:
    """After the first, which finds out who is asking; a no like a yes, and a missing customer like a hidden one."""
    asking, adler, clara = user("lena"), customer("adler"), customer("clara")
    gone = Customer(pk={"int": 4_000_000, "uuid": uuid.uuid4()}.get(KEY, "gone"))
    for expected, row in ((2, adler), (1, adler), (1, clara), (1, gone)):
        with CaptureQueriesContext(connection) as sent:
            asking.has_perm("ownership.view", row)
        assert len(sent) == expected, sent.captured_queries


def test_its_statement_is_made_once_for_an_access(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request has a user of its own; another statement is made for another access. Watches ``probe._kept``."""
    made, make = [], probe.probe
    monkeypatch.setattr(probe, "probe", lambda *what: made.append(what) or make(*what))
    adler = customer("adler")
    conf.forget()
    assert [user("anna").has_perm("ownership.view", adler) for _ in range(3)] == [True] * 3
    assert len(made) == 1
    office.do(ChangeStaff(StaffId("anna"), active=False))
    assert not user("anna").has_perm("ownership.view", adler)
    assert len(made) == 2


def test_it_may_be_awaited(office: Office) -> None:
    """As any backend."""
    asking, adler = user("lena"), customer("adler")

    async def ask() -> list[bool]:
        return [
            await asking.ahas_perm("ownership.view", adler),
            await asking.ahas_perm("ownership.delete", adler),
            await asking.ahas_module_perms("ownership"),
        ]

    assert async_to_sync(ask)() == [True, False, True]
