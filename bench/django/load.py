"""Writes a shop into the site's tables, past every door: it is what the measuring begins with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from time import perf_counter
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.contrib.sites.models import Site as Website
from django.core.management import call_command
from django.db import transaction
from django.db.models import QuerySet

from bench.django.site import Site
from bench.load import DENIED, LEVELS, insert_rows, is_restricted, role_of
from bench.shop import DEPARTMENTS, GROUPS, MOMENT, STAFF, WEBSITES, Shop
from ownership_django import models as ours

JOINED = datetime.fromtimestamp(MOMENT / 1e6, UTC)
RANKS = range(1, STAFF + 5)
SUPERUSER = "root"
WRITTEN = ("ownership_assignment", "ownership_event", "ownership_head", "ownership_planitem", "ownership_run")
_LARGE = (
    *("shop_customer", "shop_profile", "shop_profile_groups", "ownership_staff", "ownership_staffdepartment"),
    *("auth_user", "guardian_userobjectpermission"),
)


def shop_model(name: str) -> Any:
    """A model of the example shop."""
    return apps.get_model("shop", name)


def load(site: Site) -> None:
    """Make the tables and fill them, unless that was done in an earlier run."""
    call_command("migrate", database=site.alias, verbosity=0)
    customers = shop_model("Customer")._base_manager.using(site.alias)
    if customers.count() == site.shop.customers:
        return
    began = perf_counter()
    with transaction.atomic(using=site.alias):
        for model, people in _people(site.shop):
            QuerySet(model, using=site.alias).bulk_create([model(**row) for row in people])
        for table, columns, rows in chain(_customers(site), _guardian(site)):
            insert_rows(site.connection.connection, table, columns, rows)
    vacuum(site, (*WRITTEN, *_LARGE))
    print(f"loaded {site.shop.customers:,} customers in {perf_counter() - began:.0f} s", flush=True)


def vacuum(site: Site, tables: Sequence[str] = WRITTEN) -> None:
    """Count afresh, and on a server take away dead rows, so that no round pays for the one before."""
    with site.connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {', '.join(tables)}" if site.postgresql else "ANALYZE")


def _people(shop: Shop) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    yield Website, [{"domain": site, "name": site} for site in WEBSITES]
    yield shop_model("PriceGroup"), [{"code": name, "name": name} for name in GROUPS]
    users = [{"id": rank, "username": f"staff{rank}", "is_staff": True, "date_joined": JOINED} for rank in RANKS]
    root = {"username": SUPERUSER, "is_staff": True, "is_superuser": True, "date_joined": JOINED}
    yield User, [*users, {**root, "id": STAFF + 100}]
    seen = Permission.objects.filter(content_type__app_label__in=("shop", "sites"), codename__startswith="view")
    clerks = [STAFF + 1, STAFF + 2, STAFF + 4]  # those who are asked for pages of the admin need Django's own too
    through = User.user_permissions.through
    yield through, [{"user_id": rank, "permission_id": one.pk} for rank in clerks for one in seen]
    yield ours.Department, [{"key": f"d{number:03}", "label": f"d{number:03}"} for number in range(DEPARTMENTS)]
    yield (
        ours.Staff,
        [
            {
                "key": str(rank),
                "label": f"Staff {rank}",
                "user_id": rank,
                "website_restricted": is_restricted(rank),
                "group_mode": "deny" if rank in DENIED else None,
                "version": 1,
                "access_version": 1,
            }
            for rank in RANKS
        ],
    )
    ranks = [rank for rank in RANKS if is_restricted(rank)]
    yield ours.StaffWebsite, [{"staff_id": str(rank), "website": site} for rank in ranks for site in WEBSITES[:2]]
    yield ours.StaffDepartment, [{"staff_id": str(rank), "department_id": shop.department(rank)} for rank in RANKS]
    yield ours.Role, [{"name": name, "version": 1} for name in ("associate", "manager", "admin")]
    levels = [{"role_id": role, "action": action, "level": level} for role, action, level in LEVELS]
    yield ours.RoleLevel, levels
    yield ours.StaffRole, [{"staff_id": str(rank), "role_id": role_of(rank)} for rank in RANKS]
    hidden = [{"staff_id": str(rank), "customer_group": group} for rank, groups in DENIED.items() for group in groups]
    yield ours.StaffGroup, hidden


def _customers(site: Site) -> Iterator[tuple[str, str, Iterable[Sequence[Any]]]]:
    shop = site.shop
    sites = dict(Website.objects.values_list("domain", "pk"))
    groups = dict(shop_model("PriceGroup")._base_manager.values_list("code", "pk"))
    numbers = range(1, shop.customers + 1)
    joined = JOINED if site.postgresql else JOINED.isoformat(" ")
    yield (
        "shop_customer",
        "id full_name email phone site_id is_active joined",
        ((id, name, f"{id}@mail.example", "", sites[web], True, joined) for id, name, web in shop.customer_rows()),
    )
    yield (
        "shop_profile",
        "id customer_id company city country",
        ((number, number, "", f"City {number % 997}", f"Country {number % 31}") for number in numbers),
    )
    yield "shop_profile_groups", "profile_id pricegroup_id", ((id, groups[name]) for id, name in shop.group_rows())
    yield "ownership_head", "customer_id version no_auto", ((number, 1, False) for number in numbers)
    name = "single" if shop.single else "multi"
    yield (
        "ownership_assignment",
        "customer_id staff_id slot cardinality_id role source since",
        ((id, str(staff), slot, name, "", "bench", MOMENT) for id, staff, slot in shop.assignment_rows()),
    )


def _guardian(site: Site) -> Iterator[tuple[str, str, Iterable[Sequence[Any]]]]:
    """A row of guardian's for each customer a staff may view by an assignment of its own."""
    view = Permission.objects.get(content_type__app_label="shop", codename="view_customer")
    shop = site.shop
    webs = {id: web for id, _, web in shop.customer_rows()}
    groups: dict[Any, set[str]] = {}
    for id, name in shop.group_rows():
        groups.setdefault(id, set()).add(name)

    def seen(id: Any, staff: Any) -> bool:
        denied, mine = set(DENIED.get(staff, ())), groups.get(id, set())
        return (not is_restricted(staff) or webs[id] in WEBSITES[:2]) and (
            not denied or (bool(mine) and not mine & denied)
        )

    yield (
        "guardian_userobjectpermission",
        "user_id permission_id content_type_id object_pk",
        ((staff, view.pk, view.content_type_id, str(id)) for id, staff, _ in shop.assignment_rows() if seen(id, staff)),
    )
