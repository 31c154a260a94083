"""What `docs/django.md` shows runs as it stands, in a site whose customers are the bazaar's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from bazaar.models import Customer
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.http import Http404
from django.test import RequestFactory
from office import CREW, Office, id_of

from ownership_core.errors import Refused
from ownership_core.settings import Settings, load_settings
from ownership_django import conf
from ownership_django.managers import OwnershipQuerySet, visible_to

PAGE = (Path(__file__).parents[2] / "docs" / "django.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_has_blocks_to_run() -> None:
    """Each of the tests below looks at one."""
    assert len(BLOCKS) == 6


def test_the_settings_shown_are_read(settings: Any) -> None:
    """With the model of the bazaar in place of the shop's."""
    shown: dict[str, Any] = {}
    exec(BLOCKS[0], shown)  # noqa: S102 - our own page
    assert shown["INSTALLED_APPS"][-1] == "ownership_django"
    settings.OWNERSHIP = {**shown["OWNERSHIP"], "CUSTOMER_MODEL": "bazaar.Customer"}
    assert conf.configuration().settings == load_settings({}) == Settings()
    settings.AUTHENTICATION_BACKENDS = shown["AUTHENTICATION_BACKENDS"]


def test_every_key_of_the_dict_is_explained() -> None:
    """In the order in which they are read."""
    keys = re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE)
    assert keys == list(conf.KEYS)


@pytest.mark.django_db
def test_the_views_shown_work(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Read, check, change and ask why, as a manager; an associate who may not is refused."""
    settings.AUTHENTICATION_BACKENDS = ["ownership_django.backend.OwnershipBackend"]
    office = Office()
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="mara")
    names: dict[str, Any] = {
        "Customer": Customer,
        "request": request,
        "customer": Customer.objects.get(pk=id_of("adler")),
        "Http404": Http404,
    }
    reading = BLOCKS[1].replace("active=True", "enabled=True")
    checking, serving = BLOCKS[3], BLOCKS[4].replace("maria", "tom")
    for block in (reading, checking, serving):
        exec(block, names)  # noqa: S102 - our own page
    assert office.owners()["adler"] == ["tom"]
    assert capsys.readouterr().out.startswith("May")
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="zoe")
    names["request"] = request
    with pytest.raises(Http404):
        exec(checking, names)  # noqa: S102 - our own page
    with pytest.raises(Refused):
        exec(serving, names)  # noqa: S102 - our own page
    assert "maria" not in CREW


@pytest.mark.django_db
def test_the_managers_shown_work() -> None:
    """A mixin beside a host's methods, and a manager."""
    Office()
    text = BLOCKS[2].replace("class Customer(models.Model):", "class Kunde:")
    names: dict[str, Any] = {"models": models}
    exec(text, names)  # noqa: S102 - our own page
    lena = User.objects.get(username="lena")
    rows = names["CustomerQuerySet"](Customer)
    assert set(rows.visible_to(lena)) == set(visible_to(Customer.objects.all(), lena))
    assert isinstance(names["Kunde"].objects.get_queryset(), OwnershipQuerySet)


def test_the_admin_shown_is_a_model_admin() -> None:
    """With the mixin first, on the customers and on the users."""
    from django.contrib.auth.admin import UserAdmin  # noqa: PLC0415
    from django.contrib.auth.models import User  # noqa: PLC0415

    names: dict[str, Any] = {"admin": admin, "Customer": Customer, "User": User, "UserAdmin": UserAdmin}
    shown = "\n".join(line for line in BLOCKS[5].splitlines() if not line.startswith("@admin.register"))
    exec(shown, names)  # noqa: S102 - our own page
    assert issubclass(names["StaffAdmin"], UserAdmin)
    assert issubclass(names["CustomerAdmin"], admin.ModelAdmin)
    assert names["CustomerAdmin"](Customer, admin.site).checks_class is not None
