"""The dict ``OWNERSHIP``: read late, forgotten when it changes, every mistake at once with its path.

Proven by breaking it: fails when what was read outlives a change of the settings, and when the first mistake ends the
reading.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings as site
from django.test import override_settings

from ownership_core.errors import InvalidSettings
from ownership_core.model import Level
from ownership_django import conf, hosts

GOOD = {"CUSTOMER_MODEL": "bazaar.Customer"}


def places(**wrong: Any) -> list[str]:
    """Where a dict is wrong."""
    with override_settings(OWNERSHIP={**GOOD, **wrong}), pytest.raises(InvalidSettings) as refused:
        conf.configuration()
    return [problem.where for problem in refused.value.problems]


def test_everything_but_the_model_has_a_default() -> None:
    """The site's users are its staff, and the default database keeps everything."""
    with override_settings(OWNERSHIP=GOOD):
        chosen = conf.configuration()
    assert (chosen.customer_model, chosen.staff_model) == ("bazaar.Customer", "auth.User")
    assert (chosen.migration_dependency, chosen.database) == (("bazaar", "__first__"), "default")
    assert (dict(chosen.paths), chosen.settings.cardinality) == ({}, "single")


def test_what_was_read_is_forgotten_when_it_changes() -> None:
    """And read once while it does not."""
    assert conf.configuration() is conf.configuration()
    assert hosts.customers() is hosts.customers()
    before = hosts.customers()
    with override_settings(OWNERSHIP={**GOOD, "FIELDS": {"name": "email"}}):
        assert {name: place.path for name, place in hosts.customers().places.items()} == {"name": "email"}
    assert hosts.customers() is not before
    assert hosts.customers().places.keys() == before.places.keys()


def test_roles_and_settings_are_the_core_s() -> None:
    """Read by its own reader."""
    roles = {"clerk": {"view": "own"}}
    given = {**GOOD, "ROLES": roles, "SETTINGS": {"cardinality": "multi", "limits": {"page": 20}}}
    with override_settings(OWNERSHIP=given):
        chosen = conf.configuration().settings
    assert (chosen.cardinality, chosen.limits.page) == ("multi", 20)
    assert chosen.roles == {"clerk": {"view": Level.OWN}}


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"CUSTOMER_MODEL": None}, "OWNERSHIP['CUSTOMER_MODEL']"),
        ({"CUSTOMER_MODEL": "Customer"}, "OWNERSHIP['CUSTOMER_MODEL']"),
        ({"CUSTOMER_MODEL": 7}, "OWNERSHIP['CUSTOMER_MODEL']"),
        ({"STAFF_MODEL": "a.b.c"}, "OWNERSHIP['STAFF_MODEL']"),
        ({"COLOUR": "red"}, "OWNERSHIP['COLOUR']"),
        ({"DATABASE": "warehouse"}, "OWNERSHIP['DATABASE']"),
        ({"MIGRATION_DEPENDENCY": "0001"}, "OWNERSHIP['MIGRATION_DEPENDENCY']"),
        ({"FIELDS": ["name"]}, "OWNERSHIP['FIELDS']"),
        ({"FIELDS": {"name": 7}}, "OWNERSHIP['FIELDS']['name']"),
        ({"FIELDS": {"name": ""}}, "OWNERSHIP['FIELDS']['name']"),
        ({"SETTINGS": 1}, "OWNERSHIP['SETTINGS']"),
        ({"SETTINGS": {"cardinalty": "multi"}}, "OWNERSHIP['SETTINGS']"),
        ({"SETTINGS": {"limits": {"page": "x"}}}, "OWNERSHIP['SETTINGS'].limits.page"),
        ({"SETTINGS": {"limits": {"page": 0}}}, "OWNERSHIP['SETTINGS'].limits.page"),
        ({"SETTINGS": {"database": "sqlite://"}}, "OWNERSHIP['SETTINGS']['database']"),
        ({"SETTINGS": {"store": "x"}}, "OWNERSHIP['SETTINGS']['store']"),
        ({"ROLES": {"clerk": {"view": "everything"}}}, "OWNERSHIP['ROLES']['clerk']['view']"),
        ({"ROLES": {"clerk": {"fly": "own"}}}, "OWNERSHIP['ROLES'].clerk"),
        ({"ROLES": {}, "SETTINGS": {"roles": {}}}, "OWNERSHIP['SETTINGS']['roles']"),
    ],
    ids=str,
)
def test_a_mistake_is_told_with_its_path(wrong: dict[str, Any], where: str) -> None:
    """As a Django developer would write it."""
    assert places(**wrong) == [where]


def test_all_mistakes_are_told_at_once() -> None:
    """Whatever part of the dict they are in."""
    found = places(
        CUSTOMER_MODEL="x",
        DATABASE="warehouse",
        FIELDS={"name": 7, "email": None},
        SETTINGS={"cardinality": 3, "sharing": "x", "store": "y"},
        ROLES={"clerk": {"view": "x"}},
    )
    assert len(found) == 8


@pytest.mark.parametrize("given", [None, [], "shop.Customer"])
def test_a_dict_that_is_missing_is_one_mistake(given: Any) -> None:
    """With what to write."""
    with override_settings(OWNERSHIP=given), pytest.raises(InvalidSettings) as refused:
        conf.configuration()
    assert [problem.where for problem in refused.value.problems] == ["OWNERSHIP"]
    assert "CUSTOMER_MODEL" in refused.value.problems[0].hint


@pytest.mark.parametrize("given", [None, {}, {"CUSTOMER_MODEL": 7, "MIGRATION_DEPENDENCY": 1}])
def test_models_can_be_imported_whatever_is_wrong(given: Any) -> None:
    """Or no check could say what it is."""
    with override_settings(OWNERSHIP=given):
        assert conf.customer_label() == conf.staff_label() == site.AUTH_USER_MODEL
        assert conf.migration_dependency() == ("auth", "__first__")


@pytest.mark.parametrize("given", ["None", "{'CUSTOMER_MODEL': 'shop.Nothing', 'FIELDS': {'nam': 'x'}}"])
def test_a_site_with_a_wrong_dict_starts_and_says_so(given: str) -> None:
    """In a process of its own: nothing is read on import."""
    code = (
        "import django; from django.conf import settings; from django.core.management import call_command\n"
        "settings.configure(INSTALLED_APPS=['django.contrib.auth', 'django.contrib.contenttypes', 'ownership_django'],"
        "DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}, OWNERSHIP="
        + given
        + ")\n"
        "django.setup(); call_command('check')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "SystemCheckError" in done.stderr
    assert "ownership.E00" in done.stderr


# --- the host's model


def wrong(fields: dict[str, str]) -> list[tuple[str, str]]:
    """What is wrong with paths: where, and the beginning of the sentence."""
    with override_settings(OWNERSHIP={**GOOD, "FIELDS": fields}), pytest.raises(InvalidSettings) as refused:
        hosts.customers()
    assert set(refused.value.codes) == {"invalid_mapping"}
    assert all(problem.hint for problem in refused.value.problems)
    return [(problem.where.removeprefix("OWNERSHIP"), problem.what) for problem in refused.value.problems]


def test_every_path_that_leads_nowhere_is_told_at_once() -> None:
    """With the names that there are."""
    found = wrong(
        {
            "colour": "full_name",
            "name": "ful_name",
            "email": "email__domain",
            "website": "site__name__x",
            "phone": "orders__number",
            "active": "full_name",
            "created_at": "full_name",
            "kind": "enabled",
            "no_auto": "enabled",
            "groups": "profile__group__code",
        }
    )
    assert [where for where, _ in found] == [
        f"['FIELDS']['{name}']"
        for name in (
            *("colour", "name", "email", "website", "phone", "active", "created_at", "kind", "no_auto", "groups"),
        )
    ]


@pytest.mark.parametrize("label", ["bazaar.Nobody", "nowhere.Customer"])
def test_an_unknown_model_is_told(label: str) -> None:
    """By its key."""
    with override_settings(OWNERSHIP={"CUSTOMER_MODEL": label}), pytest.raises(InvalidSettings) as refused:
        hosts.customers()
    assert [problem.where for problem in refused.value.problems] == ["OWNERSHIP['CUSTOMER_MODEL']"]


def test_a_text_or_a_number_is_a_key() -> None:
    """A session's is a text, a site's is a number."""
    for label in ("sessions.Session", "sites.Site"):
        with override_settings(OWNERSHIP={"CUSTOMER_MODEL": label}):
            assert hosts.customers().model._meta.label == label
