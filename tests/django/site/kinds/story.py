"""One story, told in a database of its own: customers of this site are given away, seen, and hidden."""

from __future__ import annotations

import json
import os
import sys
from inspect import signature
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connections
from django.db.models import QuerySet

from kinds.models import Account, Client, Segment, Tenant
from ownership_core import Actor, Assign, ChangeStaff, GrantAccess
from ownership_core.evaluate import holds
from ownership_core.scope import ANY, AssignedTo, Has, Missing, Scope
from ownership_django import conf, hosts, query
from ownership_django.managers import visible_to
from ownership_django.service import superusers

NAMES = ("c0", "c1", "c2", "c3")
SCOPES: tuple[Scope, ...] = (
    Has("groups", {"vip"}),
    ~Has("groups", {"vip"}) & AssignedTo({"bob"}),  # type: ignore[arg-type]
    Has("groups", ANY) | ~AssignedTo(ANY),
    ~Missing("name") & ~Has("groups", ANY),
)


def customers(kind: str) -> list[Any]:
    """Four customers of a kind; the first is in a group."""
    vip = Segment.objects.create(code="vip")
    match kind:
        case "user":
            rows: list[Any] = [User.objects.create_user(name) for name in NAMES]
            rows[0].groups.add(Group.objects.create(name="vip"))
        case "child" | "elsewhere":
            rows = [Client.objects.create(name=name) for name in NAMES]
            rows[0].segments.add(vip)
        case "beside":
            users = [User.objects.create_user(name) for name in NAMES]
            rows = [Account.objects.create(user=user, segment=vip if user == users[0] else None) for user in users]
        case _:
            made = (Tenant(code=name, segment=vip if name == "c0" else None) for name in NAMES)
            rows = QuerySet(Tenant).bulk_create(made)
    return rows


def story(kind: str) -> dict[str, Any]:
    """What was seen of it."""
    shop, installer = superusers(), Actor.operator("installer")
    bob = User.objects.create_user("bob")
    shop.bootstrap("ada", "Ada", "installer")
    shop.execute(ChangeStaff("bob", create=True, label="Bob", login="bob"), installer)  # type: ignore[arg-type]
    shop.execute(GrantAccess("associate", staff="bob"), installer)  # type: ignore[arg-type]
    rows = customers(kind)
    for row in rows[:2]:
        shop.execute(Assign(str(row.pk), staff="bob"), installer)  # type: ignore[arg-type]
    everybody: QuerySet[Any] = QuerySet(type(rows[0]))
    seen = visible_to(everybody, bob)
    with shop.store.reader() as reader:
        known = reader.customers([str(row.pk) for row in everybody])
    told = {str(row.pk): index for index, row in enumerate(rows)}
    found = {
        "listed": sorted(told[str(row.pk)] for row in seen),
        "core": sorted(told[id] for id in shop.visible(Actor.staff("bob")).ids()),
        "checked": [index for index, row in enumerate(rows) if bob.has_perm("ownership.view", row)],
        "scopes": all(
            {str(id) for id in hosts.customers().rows().filter(query.condition(scope)).values_list("pk", flat=True)}
            == {one.id for one in known if holds(scope, one, shop.store.fields)}
            for scope in SCOPES
        ),
        "names": [str(one.values.get("name")) for one in known if one.id in told],
    }
    QuerySet(type(rows[0])).filter(pk=rows[0].pk).delete()
    found["after"] = sorted(told[id] for id in shop.visible(Actor.staff("bob")).ids())
    found["history"] = [event.body["what"] for event in shop.history(Actor.operator("x"), str(rows[0].pk))]
    return found


def main() -> None:
    """In the database a test would have."""
    alias = conf.configuration().database
    connection = connections[alias]
    before = connection.settings_dict["NAME"]
    # Older versions read all rows through the managers unless they are told not to; newer ones wonder why they are.
    default = signature(connection.creation.create_test_db).parameters["serialize"].default
    plain = {"serialize": False} if default is True else {}
    connection.creation.create_test_db(verbosity=0, autoclobber=True, **plain)
    try:
        call_command("check", databases=[alias])
        sys.stdout.write("\n" + json.dumps(story(os.environ["KINDS"])))
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)
