"""The tables of a shop: made once, brought up to date, and looked at. Any store that knows ``upgrade`` will do."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Any

import click

from ownership_core.cli.options import shop_command
from ownership_core.cli.session import Session
from ownership_core.errors import Problem, StoreError

db = click.Group("db", help="Make, upgrade or check the tables.")


@shop_command("init")
@click.option("--admin", required=True, metavar="ID", help="The first admin; it may do everything.")
@click.option("--label", metavar="NAME", help="What the admin is called (the id).")
def init(session: Session, admin: str, label: str | None) -> None:
    """Make the tables, the roles of the settings and the first admin.

    Where the tables are already there they are brought up to date; where there is staff already, there is
    an admin to ask, and a second one is refused.
    """
    _upgrade(session)
    session.shop.bootstrap(admin, label or admin, getpass.getuser())
    session.say(f"The shop is ready, and {admin} may do everything. Next: ownership staff import FILE --as {admin}")


@shop_command("upgrade")
def upgrade(session: Session) -> None:
    """Bring the tables up to this version; nothing else does."""
    _upgrade(session)
    session.say("The tables are up to date.")


@shop_command("check")
def check(session: Session) -> None:
    """Say whether the tables fit this version and these settings."""
    session.store.check(session.settings.cardinality)
    session.say("The tables fit.")


@shop_command("current")
def current(session: Session) -> None:
    """Say which revision the tables are at."""
    at = _able(session, "revision")()
    session.say("There are no tables yet." if at is None else f"The tables are at revision {at}.")


@shop_command("sql")
def sql(session: Session) -> None:
    """Print the statements an upgrade would send, for somebody who may change the tables; changes nothing."""
    click.echo(_able(session, "upgrade_sql")(), nl=False)


for _command in (init, upgrade, check, current, sql):
    db.add_command(_command)


def _upgrade(session: Session) -> None:
    _able(session, "upgrade")()


def _able(session: Session, what: str) -> Callable[[], Any]:
    method: Callable[[], Any] | None = getattr(session.store, what, None)
    if method is None:
        problem = f"The store {session.settings.store!r} makes no tables by itself."
        raise StoreError(Problem("not_upgradable", problem, "See its documentation."))
    return method
