"""What ``manage.py check`` says of a site: each mistake with a stable id and a hint, all at once, and nothing else.

Proven by breaking it: each check was left out once, and its test failed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from bazaar.models import Customer, Group
from django.conf import settings as site
from django.core.management import call_command
from django.db import connections, models
from django.test import override_settings

from ownership_django import checks
from ownership_django.managers import OwnershipQuerySet

GOOD: dict[str, Any] = {"CUSTOMER_MODEL": "bazaar.Customer"}
PAGE = Path(__file__).parents[2] / "docs" / "django.md"


def said(**given: Any) -> list[tuple[str, str]]:
    """The ids of what is wrong with a dict, and where."""
    with override_settings(OWNERSHIP={**GOOD, **given}):
        found = checks.check_site()
    assert all(message.hint for message in found)
    return [(str(message.id), str(message.obj)) for message in found]


def ids(**given: Any) -> list[str]:
    """The ids alone."""
    return [id for id, _ in said(**given)]


def test_a_good_dict_is_passed_in_silence() -> None:
    """And so is the bazaar's, but for its groups, which have no index."""
    assert said() == []
    assert said(FIELDS={"name": "full_name", "website": "site", "tags": "tags__name"}) == []
    assert [message.id for message in checks.check_site()] == ["ownership.W001"]
    assert "bazaar.Group.code" in checks.check_site()[0].msg


def test_the_checks_are_django_s(capsys: pytest.CaptureFixture[str]) -> None:
    """They run with all others."""
    call_command("check")
    assert "ownership.W001" in capsys.readouterr().err


def test_every_mistake_is_told_at_once() -> None:
    """Of the dict, of its paths, of the models."""
    found = said(
        STAFF_MODEL="bazaar.Nobody",
        FIELDS={"name": "nam", "groups": "profile__x", "colour": "site"},
        SETTINGS={"cardinality": 3},
    )
    assert found == [
        ("ownership.E001", "OWNERSHIP['SETTINGS'].cardinality"),
        ("ownership.E002", "OWNERSHIP['FIELDS']['name']"),
        ("ownership.E002", "OWNERSHIP['FIELDS']['groups']"),
        ("ownership.E002", "OWNERSHIP['FIELDS']['colour']"),
        ("ownership.E002", "OWNERSHIP['STAFF_MODEL']"),
    ]


def test_one_mistake_is_one_message() -> None:
    """Nothing follows from it."""
    assert ids(SETTINGS={"cardinality": 3}) == ids(DATABASE="warehouse") == ["ownership.E001"]
    assert ids(CUSTOMER_MODEL="bazaar.Nobody") == ids(FIELDS={"name": "nam"}) == ["ownership.E002"]


def test_a_missing_dict_is_told() -> None:
    """And nothing follows from it."""
    with override_settings(OWNERSHIP=None):
        assert [message.id for message in checks.check_site()] == ["ownership.E001"]


def test_a_plugin_the_site_must_have_is_told() -> None:
    """Above all one that restricts."""
    assert ids(SETTINGS={"plugins": {"require": ["embargo"]}}) == ["ownership.E003"]


# --- the database


class Router:
    """Sends models of an app elsewhere."""

    def __init__(self, app: str, alias: str | None = None, migrates: bool = True) -> None:
        self.app, self.alias, self.migrates = app, alias, migrates

    def db_for_write(self, model: Any, **_: Any) -> str | None:
        """Where it is written."""
        return self.alias if model._meta.app_label == self.app else None

    def allow_migrate(self, _db: str, app_label: str, **_: Any) -> bool | None:
        """Whether its tables are made here."""
        return self.migrates if app_label == self.app else None


@pytest.mark.parametrize(
    ("router", "expected"),
    [
        (Router("bazaar", "warehouse"), ["ownership.E004"]),
        (Router("bazaar", "default"), []),
        (Router("bazaar", migrates=False), ["ownership.E004"]),
        (Router("ownership", migrates=False), ["ownership.E004"]),
        (Router("sites", "warehouse", migrates=False), []),
    ],
)
def test_customers_that_are_kept_elsewhere_are_told(router: Router, expected: list[str]) -> None:
    """Our tables refer to theirs."""
    with override_settings(DATABASE_ROUTERS=[router]):
        assert ids() == expected


def test_another_database_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it has passed the contract."""
    monkeypatch.setattr(connections["default"], "vendor", "oracle")
    monkeypatch.setattr(connections["default"], "display_name", "Oracle")
    with override_settings(OWNERSHIP=GOOD):
        found = checks.check_site()
    assert [message.id for message in found] == ["ownership.E005"]
    assert "Oracle" in found[0].msg


# --- migrations


@pytest.mark.parametrize(
    ("dependency", "part"),
    [
        (None, None),
        (("bazaar", "0001_initial"), None),
        (("bazaar", "0002_card"), None),
        (("bazaar", "__first__"), None),
        (("sites", "0002_alter_domain_unique"), "no table of bazaar.Customer"),
        (("bazaar", "0009_never"), "does not fit"),
        (("nowhere", "0001_initial"), None),
        (("ownership", "0001_initial"), "too late"),
    ],
)
def test_a_migration_dependency_that_cannot_work_is_told(dependency: Any, part: str | None) -> None:
    """Too early, too late, or not there; an app without migrations has its tables before all others."""
    given = {**GOOD} if dependency is None else {**GOOD, "MIGRATION_DEPENDENCY": dependency}
    with override_settings(OWNERSHIP=given):
        found = checks.check_migration_dependency(databases=["default"])
    assert [message.id for message in found] == ([] if part is None else ["ownership.E006"])
    assert part is None or part in found[0].msg
    assert part is None or found[0].hint


def test_an_app_whose_migrations_are_still_to_be_made_is_told_when_somebody_migrates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder for migrations and none in it."""
    (tmp_path / "still_empty").mkdir()
    (tmp_path / "still_empty" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with override_settings(OWNERSHIP=GOOD, MIGRATION_MODULES={"bazaar": "still_empty"}):
        found = checks.check_migration_dependency(databases=["default"])
    assert [(message.id, message.hint) for message in found] == [
        ("ownership.E006", "Run `manage.py makemigrations bazaar` first.")
    ]


@pytest.mark.django_db
def test_the_dependency_is_looked_at_when_somebody_migrates() -> None:
    """Not at every start: all migrations of the site are read for it, and ``makemigrations`` may write the missing."""
    given = {**GOOD, "MIGRATION_DEPENDENCY": ("bazaar", "0009_never")}
    with override_settings(OWNERSHIP=given):
        call_command("check")
        with pytest.raises(Exception, match=r"ownership\.E006"):
            call_command("check", databases=["default"])


# --- what is slow, or lets people by


def test_a_field_that_lists_ask_for_needs_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Websites and groups; a column, or any index that begins with it."""
    assert ids(FIELDS={"website": "phone"}) == ["ownership.W001"]
    assert ids(FIELDS={"groups": "profile__groups__code"}) == ["ownership.W001"]
    assert ids(FIELDS={"phone": "phone"}) == ids(FIELDS={"website": "site"}) == []
    assert ids(FIELDS={"groups": "profile__groups"}) == []
    monkeypatch.setattr(Group._meta, "indexes", [models.Index(fields=["-code"], name="by_code")])
    assert ids(FIELDS={"groups": "profile__groups__code"}) == []
    partial = models.Index(fields=["code"], name="some", condition=models.Q(code="a"))
    monkeypatch.setattr(Group._meta, "indexes", [partial])
    assert ids(FIELDS={"groups": "profile__groups__code"}) == ["ownership.W001"]
    monkeypatch.setattr(Group._meta, "unique_together", [("code", "id")])
    assert ids(FIELDS={"groups": "profile__groups__code"}) == []


def test_a_relation_to_many_needs_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are found by their customer."""
    assert ids(FIELDS={"tags": "nicknames__text"}) == []
    monkeypatch.setattr(Customer._meta.get_field("nicknames").field, "db_index", False)
    assert ids(FIELDS={"tags": "nicknames__text"}) == ["ownership.W001"]


def test_a_manager_that_is_not_the_default_leaves_relations_unscoped(monkeypatch: pytest.MonkeyPatch) -> None:
    """``site.customers`` would not have ``visible_to``, though ``Customer.visible`` has."""
    plain, ours = models.Manager(), OwnershipQuerySet.as_manager()
    for name, managers in (("none", [plain]), ("first", [ours, plain]), ("second", [plain, ours])):
        for manager in managers:
            manager.model = Customer
        monkeypatch.setitem(Customer._meta.__dict__, "managers", managers)
        monkeypatch.setattr(type(Customer), "_default_manager", managers[0])
        with override_settings(OWNERSHIP=GOOD):
            found = checks.check_site()
        expected = {"sites.Site.customers", "bazaar.Customer.invited"} if name == "second" else set()
        assert {message.msg.split(" ")[0] for message in found} == expected
        assert {message.id for message in found} == ({"ownership.W002"} if expected else set())


def test_staff_who_cannot_log_in_are_told() -> None:
    """A model of staff without one link to the users."""
    assert ids(STAFF_MODEL="sites.Site") == ["ownership.W003"]
    assert ids(STAFF_MODEL="bazaar.Note") == []
    assert ids(STAFF_MODEL=site.AUTH_USER_MODEL) == []


def test_each_check_is_explained() -> None:
    """`docs/django.md` has a line for each id there is, and none for others."""
    there = {value for value in vars(checks).values() if isinstance(value, str) and value.startswith("ownership.")}
    assert set(re.findall(r"^\| `(ownership\.[EW]\d{3})` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) == there
