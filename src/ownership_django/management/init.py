"""The verb ``init`` of a site: its tables come from ``migrate``, so what is left are the roles and the first admin."""

from __future__ import annotations

import getpass

import click
from django.contrib.auth import get_user_model
from django.db import transaction

from ownership_core.cli.options import shop_command
from ownership_core.cli.session import Session
from ownership_core.commands import ChangeStaff
from ownership_core.errors import invalid
from ownership_core.model import Actor, StaffId
from ownership_django import conf
from ownership_django.service import ownership, superusers


@shop_command("init")
@click.option("--admin", required=True, metavar="ID", help="The first admin; it may do everything.")
@click.option("--label", metavar="NAME", help="What the admin is called (the id).")
@click.option("--user", metavar="USERNAME", help="Who of the site's users it is (the one named like the id).")
def init(session: Session, admin: str, label: str | None, user: str | None) -> None:
    """Make the roles of the settings and the first admin, linked to a user of the site.

    Where there is staff already, there is an admin to ask, and a second one is refused.
    """
    users, login, system_user = get_user_model(), user or admin, getpass.getuser()
    if not users._default_manager.filter(**{str(users.USERNAME_FIELD): login}).exists():  # noqa: SLF001 - documented
        raise invalid("invalid_value", f"There is no user {login!r}.", "Make one with createsuperuser, or name --user.")
    with transaction.atomic(using=conf.configuration().database):
        ownership().bootstrap(admin, label or admin, system_user)
        superusers().execute(ChangeStaff(StaffId(admin), login=login), Actor.operator(system_user))
    session.say(f"{admin} may do everything, and is {login!r} of the site. Next: manage.py ownership_import staff FILE")
