"""``visible_to`` narrows a host's own querysets to the one policy, however they are read afterwards.

Proven by breaking it: fails when the guard is left out of the condition, when an inactive user is taken for its staff,
when the model of a queryset is not looked at, when an annotation may be called like a mapped path, and when what
plugins said is kept for a staff whatever has become of its access.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bazaar.models import Customer, Order, Tag
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sites.models import Site
from django.db import connection
from django.db.models import Count, F, QuerySet, Value
from django.test.utils import CaptureQueriesContext
from office import CREW, OWNED, Office, id_of, name_of

from ownership_core.commands import Assign, ChangeStaff, GrantAccess, Unassign
from ownership_core.errors import InvalidInput
from ownership_core.model import Actor, CustomerId, StaffId
from ownership_core.ports import Query
from ownership_core.scope import ANY, Equals
from ownership_core.service.counsel import Counsel
from ownership_django import conf
from ownership_django.bound import narrowed
from ownership_django.managers import OwnershipQuerySet, OwnershipQuerySetMixin, visible_to
from ownership_django.query import condition

pytestmark = pytest.mark.django_db
NORTH = {"adler", "birke", "clara", "falke"}


@pytest.fixture
def office() -> Office:
    """The back office."""
    return Office()


def user(name: str) -> User:
    """A user of the site, as a request would load it."""
    return User.objects.get(username=name)


def seen(rows: QuerySet[Any]) -> set[str]:
    """The customers of a queryset, by the names they were made with; nobody twice."""
    names = [str(row).removesuffix(" Kundin").lower() for row in rows]
    assert len(names) == len(set(names))
    return set(names)


@pytest.mark.parametrize("name", CREW)
@pytest.mark.parametrize("action", ["view", "claim", "assign", "no_such_action"])
def test_list_is_that_of_the_core(office: Office, name: str, action: str) -> None:
    """I14, B17: for everybody and every action, however it is asked: by a user, an actor, and one by one."""
    core = {str(id) for id in office.service.visible(Actor.staff(name), action).ids()}
    for asker in (user(name), Actor.staff(name)):
        rows = visible_to(Customer.objects.all(), asker, action)
        assert {str(row.pk) for row in rows} == core
    checked = office.service.check(Actor.staff(name), action, [id_of(one) for one in OWNED])
    assert checked == core


def test_view_is_what_is_asked_for_by_default(office: Office) -> None:
    """A manager sees her department's."""
    assert seen(visible_to(Customer.objects.all(), user("mara"))) == NORTH


def test_counts_pages_values_and_sums_obey(office: Office) -> None:
    """And so does whatever else is made of the queryset, before and after."""
    mine = visible_to(Customer.objects.all(), user("lena"))
    assert mine.count() == len(mine) == 2
    assert mine.exists()
    assert mine.aggregate(number=Count("pk"))["number"] == 2
    assert [one.full_name for one in mine.order_by("-full_name")[:1]] == [name_of("birke")]
    assert sorted(mine.values_list("full_name", flat=True)) == [name_of("adler"), name_of("birke")]
    assert seen(mine.filter(full_name__startswith="A")) == {"adler"}
    assert seen(visible_to(Customer.objects.filter(full_name__startswith="B"), user("lena"))) == {"birke"}
    assert seen(mine | mine) == {"adler", "birke"}
    assert mine.filter(pk=id_of("clara")).first() is None
    with pytest.raises(Customer.DoesNotExist):
        mine.get(pk=id_of("clara"))
    by_site = visible_to(Customer.objects.values("site"), user("lena")).annotate(number=Count("pk"))
    assert [row["number"] for row in by_site] == [2]


def test_joins_of_the_host_repeat_what_they_repeat_and_no_more(office: Office) -> None:
    """Two tags and two orders of one customer; a join of ours would double them."""
    adler = Customer.objects.get(pk=id_of("adler"))
    for name in ("x", "y"):
        Tag.objects.create(name=name).customers.add(adler)
        Order.objects.create(customer=adler, number=name)
    rows = Customer.objects.annotate(orders_made=Count("orders", distinct=True), words=Count("tags", distinct=True))
    assert visible_to(rows, user("lena")).values_list("orders_made", "words").get(pk=adler.pk) == (3, 2)
    plain = Customer.objects.filter(pk=adler.pk).annotate(number=Count("orders"))
    assert visible_to(plain, user("mara")).get().number == 3


@pytest.mark.parametrize("who", [None, AnonymousUser(), Actor.staff("nobody"), Actor.system("till", "r"), object()])
def test_whoever_is_nobody_sees_nothing(office: Office, who: Any) -> None:
    """Anonymous, unknown, no user at all. A till sees what a till may, and it is no user."""
    expected = len(OWNED) if who == Actor.system("till", "r") else 0
    assert visible_to(Customer.objects.all(), who).count() == expected


def test_an_operator_is_let_in_by_the_settings_alone(office: Office) -> None:
    """These let it in; a site's user is none."""
    assert visible_to(Customer.objects.all(), Actor.operator("console")).count() == len(OWNED)


@pytest.mark.parametrize("change", ["user", "staff", "link", "deleted"])
def test_whoever_is_not_active_any_more_sees_nothing(office: Office, change: str) -> None:
    """By the host's flag, by ours, where they are no longer linked, and after the staff was deleted."""
    assert visible_to(Customer.objects.all(), user("lena")).count() == 2
    match change:
        case "user":
            User.objects.filter(username="lena").update(is_active=False)
        case "staff":
            office.do(ChangeStaff(StaffId("lena"), active=False))
        case "link":
            office.do(ChangeStaff(StaffId("lena"), login=None))
        case _:
            office.do(ChangeStaff(StaffId("lena"), delete=True))
    assert visible_to(Customer.objects.all(), user("lena")).count() == 0
    if change != "link":
        assert visible_to(Customer.objects.all(), Actor.staff("lena")).count() == 0


@pytest.mark.parametrize(
    "revoke",
    [
        lambda office: office.do(ChangeStaff(StaffId("lena"), active=False)),
        lambda office: office.do(GrantAccess("associate", staff=StaffId("lena"), revoke=True)),
        lambda _: User.objects.filter(username="lena").update(is_active=False),
        lambda _: User.objects.filter(username="lena").update(is_superuser=True),
    ],
    ids=["staff", "role", "user", "superuser"],
)
def test_a_queryset_made_before_a_revoke_finds_nothing_after_it(
    office: Office, revoke: Callable[[Office], object]
) -> None:
    """I23: the statement itself asks whether the access is still what it was."""
    mine = visible_to(Customer.objects.all(), user("lena"))
    assert mine.all().count() == 2
    revoke(office)
    assert mine.all().count() == 0


def test_what_changes_hands_is_seen_at_once(office: Office) -> None:
    """Assignments are asked for by the statement, not remembered."""
    mine = visible_to(Customer.objects.all(), user("lena"))
    office.do(Assign(CustomerId(id_of("clara")), StaffId("lena")))
    office.do(Unassign(CustomerId(id_of("adler")), ANY))
    assert seen(mine.all()) == {"birke", "clara"}


def test_plugins_are_asked_once_for_an_access(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they said of it is kept, and asked for anew once it has changed."""
    asked: list[str] = []
    policy = Counsel.staff_policy
    monkeypatch.setattr(Counsel, "staff_policy", lambda *said: asked.append(said[2]) or policy(*said))
    conf.forget()
    for _ in "12":
        assert seen(visible_to(Customer.objects.all(), user("lena"))) == {"adler", "birke"}
    assert asked == ["view"]
    office.do(GrantAccess("manager", staff=StaffId("lena")))
    assert seen(visible_to(Customer.objects.all(), user("lena"))) == NORTH
    assert asked == ["view", "view"]


# --- superusers


def test_a_superuser_without_staff_row_sees_everybody(office: Office) -> None:
    """And may everything: the list is what a check allows, which for superusers is Django's own yes."""
    assert visible_to(Customer.objects.all(), user("root")).count() == len(OWNED)
    assert visible_to(Customer.objects.all(), user("root"), "delete").count() == len(OWNED)
    User.objects.filter(username="root").update(is_active=False)
    assert visible_to(Customer.objects.all(), user("root")).count() == 0


def test_a_staff_who_becomes_superuser_is_bound_by_nothing(office: Office) -> None:
    """Neither level nor restriction; and is again what she was once the flag is gone."""
    User.objects.filter(username="zoe").update(is_superuser=True)
    everybody = visible_to(Customer.objects.all(), user("zoe"))
    assert seen(everybody.all()) == set(OWNED)
    assert {str(id) for id in office.service.visible(Actor.staff("zoe")).ids()} == {id_of(name) for name in OWNED}
    User.objects.filter(username="zoe").update(is_superuser=False)
    assert everybody.all().count() == 0
    assert seen(visible_to(Customer.objects.all(), user("zoe"))) == {"dohle"}


def test_a_superuser_who_is_inactive_staff_is_a_superuser(office: Office) -> None:
    """Django says yes to it whatever we say, so the list must not say less; as staff it sees nothing."""
    User.objects.filter(username="ghost").update(is_superuser=True)
    assert seen(visible_to(Customer.objects.all(), user("ghost"))) == set(OWNED)
    assert visible_to(Customer.objects.all(), Actor.staff("ghost")).count() == 0


# --- a host's managers and models


class Chosen(OwnershipQuerySetMixin, QuerySet[Any]):
    """A host's own queryset."""

    def named(self) -> Any:
        """Whoever has a name."""
        return self.exclude(full_name=None)


def test_a_host_s_own_queryset_gains_one_method(office: Office) -> None:
    """Chained with its others, and as a manager."""
    assert seen(Chosen(Customer).named().visible_to(user("lena")).named()) == {"adler", "birke"}
    manager = OwnershipQuerySet.as_manager()
    manager.model = Customer
    assert seen(manager.visible_to(user("lena"))) == {"adler", "birke"}
    assert seen(manager.filter(full_name=name_of("adler")).visible_to(user("lena"))) == {"adler"}


def test_a_related_manager_is_narrowed_like_any_queryset(office: Office) -> None:
    """The customers of a website."""
    site = Site.objects.get(domain="north.example")
    assert seen(visible_to(site.customers.all(), user("lena"))) == {"adler", "birke"}


def test_a_proxy_is_the_same_customers(office: Office) -> None:
    """What it is called changes nothing."""

    class Kunde(Customer):
        class Meta:
            proxy = True
            app_label = "bazaar"

    assert seen(visible_to(Kunde.objects.all(), user("lena"))) == {"adler", "birke"}


def test_another_model_is_refused(office: Office) -> None:
    """Its rows are no customers, and its keys might be taken for theirs."""
    with pytest.raises(InvalidInput) as refused:
        visible_to(Order.objects.all(), user("lena"))
    assert refused.value.codes == ("invalid_value",)
    orders = Order.objects.filter(customer__in=visible_to(Customer.objects.all(), user("lena")))
    assert {order.number for order in orders} == {"order-of-adler", "order-of-birke"}


def test_an_annotation_called_like_a_path_changes_nothing(office: Office) -> None:
    """Django would ask it in place of the column, and a request might have named it."""
    rows = Customer.objects.annotate(profile__region=Value("region-of-adler"))
    scope = Equals("region", "region-of-adler")
    assert rows.filter(condition(scope)).count() == len(OWNED)
    assert seen(narrowed(rows, Query(scope))) == {"adler"}


# --- statements


def test_a_list_costs_a_constant_number_of_statements(office: Office) -> None:
    """Who the user is to us and what it may do, and the list itself; for six customers and for sixty."""
    for number in range(60):
        office.add(f"k{number:02}x{number}", "lena")
    asking = user("lena")
    for _ in "12":
        with CaptureQueriesContext(connection) as sent:
            assert len(visible_to(Customer.objects.all(), asking)) == 62
        assert len(sent) == 2, sent.captured_queries


def test_strangers_cost_no_statement(office: Office) -> None:
    """There is nothing to find out."""
    with CaptureQueriesContext(connection) as sent:
        assert list(visible_to(Customer.objects.all(), AnonymousUser())) == []
        assert visible_to(Customer.objects.all(), None).count() == 0
    assert len(sent) == 0


def test_the_host_s_statement_is_sent_once_with_no_join_and_no_distinct(office: Office) -> None:
    """Set fields and assignments are subqueries."""
    with CaptureQueriesContext(connection) as sent:
        list(visible_to(Customer.objects.annotate(place=F("site__domain")), user("mara")))
    outer = sent.captured_queries[-1]["sql"].split("WHERE")[0]
    assert "ownership_" not in outer
    assert "DISTINCT" not in outer
