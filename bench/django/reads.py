"""The reading half: pages, the admin's list, and django-guardian asked the same in the same site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from guardian.shortcuts import get_objects_for_user

from bench.django import byhand
from bench.django.byhand import Customer
from bench.django.load import SUPERUSER
from bench.django.site import Site
from bench.measure import Act, Case
from bench.shop import STAFF
from ownership_django.managers import visible_to

POINTS = 500
VIEW, GUARDIANS = "ownership.view", "shop.view_customer"


def cases(site: Site) -> Iterator[Case]:
    """All reading operations on one shop."""
    yield from _pages(site)
    yield from _guardian(site)
    yield from changelists(site)


# Pages of a view


def _pages(site: Site) -> Iterator[Case]:
    shop = site.shop
    asked = {"heavy staff": shop.heavy, "typical staff": shop.typical, "light staff": shop.light}
    for name, who in {**asked, "department": shop.manager}.items():
        user = User.objects.get(pk=who)
        raw = {form: _by_hand(user, walk=form == "walk") for form in ("gather", "walk")}
        yield Case(f"visible_to page, {name}", _ours(user), raw, limit=1.15, same=_keys)


def _ours(user: User) -> Act:
    return lambda: byhand.page(visible_to(Customer.objects.all(), _anew(user)))


def _by_hand(user: User, *, walk: bool) -> Act:
    return lambda: byhand.page(byhand.visible(_anew(user), walk=walk))


def _anew(user: User) -> User:
    """The user as a request has it: read, and asked nothing yet."""
    return copy(user)


def _keys(rows: Sequence[Any]) -> list[Any]:
    return [row.pk for row in rows]


# django-guardian, with a row for each customer that a staff may view


def _guardian(site: Site) -> Iterator[Case]:
    yield from _points(site)
    user = User.objects.get(pk=site.shop.typical)
    given = {"its list mixin": Customer.objects.all(), "model given": Customer}
    for name, what in given.items():
        theirs = {f"guardian, {name}": partial(_guardians, user, what)}
        # Its PermissionListMixin gives a queryset, as whoever lists some of the customers must.
        limit = 1 / 50 if name == "its list mixin" else None
        yield Case(f"list of a typical staff, {name}", _ours(user), theirs, limit=limit, same=_keys)


def _guardians(user: User, what: Any) -> list[Any]:
    return byhand.page(get_objects_for_user(_anew(user), GUARDIANS, what))


def _points(site: Site) -> Iterator[Case]:
    user = User.objects.get(pk=site.shop.heavy)
    own = list(visible_to(Customer.objects.order_by("pk"), user)[: POINTS // 2])
    others = [site.shop.customer(1 + number * 7919 % site.shop.customers) for number in range(POINTS // 2)]
    rows = [*own, *Customer.objects.filter(pk__in=others).order_by("pk")]

    def asked(permission: str) -> Act:
        def one_by_one() -> list[bool]:
            me = _anew(user)
            with transaction.atomic(using=site.alias):  # as the site's requests are: ATOMIC_REQUESTS
                return [me.has_perm(permission, row) for row in rows]

        return one_by_one

    limit = 1 / 20 if site.postgresql else 1 / 50
    guardian = {"guardian": asked(GUARDIANS)}
    yield Case("has_perm", asked(VIEW), guardian, limit=limit, each=len(rows))


# The admin


def changelists(site: Site) -> Iterator[Case]:
    """Pages of the admin, whose statements are counted: as many for any size of shop."""
    pages = {
        "admin changelist": ({}, STAFF + 4),
        "admin changelist, a manager's": ({}, int(site.shop.manager)),
        "admin changelist, a superuser's, facets": ({"_facets": "True"}, None),
        "admin changelist, filtered by staff": ({"ownership_staff": site.shop.heavy}, STAFF + 4),
    }
    for name, (query, who) in pages.items():
        user = User.objects.get(username=SUPERUSER) if who is None else User.objects.get(pk=who)
        yield Case(name, _asked(user, query), {}, steady=True, same=lambda _: None)


def _asked(user: User, query: dict[str, Any]) -> Act:
    browser = Client()
    browser.force_login(user)

    def ask() -> None:
        answer = browser.get("/admin/shop/customer/", query)
        if b"field-full_name" not in answer.content:
            raise ValueError("The list shows nobody.")

    return ask
