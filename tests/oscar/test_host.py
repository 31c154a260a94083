"""Oscar as a host: its checks and migrations stay clean, its customers can be given, listed and deleted."""

# ruff: noqa: PLC0415 - where there is no Oscar the tests are skipped, and these modules cannot be imported
from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


def test_checks_and_migrations_are_clean(customers: dict[str, int]) -> None:
    """Nothing to say about the dict, and no migration missing in anybody's folder."""
    from django.core.checks import WARNING, run_checks
    from django.core.management import call_command

    ours = [one for one in run_checks() if str(one.id).startswith("ownership") and one.level >= WARNING]
    assert ours == []
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_core_lists_what_the_dashboard_lists(customers: dict[str, int]) -> None:
    """One policy: visible_to, has_perm and the core's list agree on every user, for everybody who asks."""
    from django.contrib.auth.models import User

    from ownership_core import Actor
    from ownership_django.managers import visible_to
    from ownership_django.service import ownership

    for name in ("lena", "mara", "zoe", "anna"):
        user = User.objects.get(username=name)
        shown = {row.pk for row in visible_to(User.objects.all(), user)}
        assert shown == {row.pk for row in User.objects.all() if user.has_perm("ownership.view", row)}
        assert shown == {int(id) for id in ownership().visible(Actor.staff(name)).ids()}
        assert shown


def test_fields_over_oscars_relations_restrict(customers: dict[str, int]) -> None:
    """A set field two tables away (the town of an address) narrows a list without repeating rows."""
    from django.contrib.auth.models import User
    from oscar.core.loading import get_model

    from ownership_core.scope import Has
    from ownership_django.query import condition

    address = {"user_id": customers["Adler"], "line1": "Hafen 2", "line4": "Hamburg", "country_id": "DE"}
    get_model("address", "UserAddress").objects.create(**address)
    found = User.objects.filter(condition(Has("cities", frozenset({"Hamburg"}))))
    assert sorted(found.values_list("last_name", flat=True)) == ["Adler", "Birke"]


def test_deleting_a_user_ends_its_assignments_and_tells(customers: dict[str, int]) -> None:
    """Oscar's cascade takes the user, our event of it stays; deleting a staff's user leaves a staff without one."""
    from django.contrib.auth.models import User

    from ownership_django.models import Assignment, Event, Staff

    key = customers["Adler"]
    assert Assignment.objects.filter(customer_id=key).exists()
    told = Event.objects.filter(subject_kind="customer", subject=str(key)).count()
    User.objects.filter(pk=key).delete()
    assert not Assignment.objects.filter(customer_id=key).exists()
    assert Event.objects.filter(subject_kind="customer", subject=str(key)).count() == told + 1
    User.objects.filter(username="zoe").delete()
    assert Staff.objects.get(key="zoe").user_id is None
    assert Assignment.objects.filter(staff_id="zoe").count() == 2
