"""The tables of a shop: made once, brought up to date, and looked at. Any store that knows ``upgrade`` will do."""

from __future__ import annotations

import getpass

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


for _command in (init, upgrade, check):
    db.add_command(_command)


def _upgrade(session: Session) -> None:
    upgrade_tables = getattr(session.store, "upgrade", None)
    if upgrade_tables is None:
        what = f"The store {session.settings.store!r} makes no tables by itself."
        raise StoreError(Problem("not_upgradable", what, "See its documentation."))
    upgrade_tables()
