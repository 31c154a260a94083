"""The commands that ask why: ``why``, ``why-not`` and ``who-can``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from ownership_core.cli.listing import known_action
from ownership_core.cli.options import shop_command
from ownership_core.cli.session import Session
from ownership_core.commands import Assign, AssignmentCommand, Claim, Mode, Release, SetPrimary, Unassign
from ownership_core.errors import invalid
from ownership_core.explain import Explanation
from ownership_core.model import Action, CustomerId, StaffId

_Build = Callable[[CustomerId, StaffId], AssignmentCommand]
_VERBS: Mapping[str, _Build] = {
    "assign": Assign,
    "add": lambda customer, staff: Assign(customer, staff, Mode.ADD),
    "primary": SetPrimary,
    "unassign": Unassign,
    "claim": lambda customer, _: Claim(customer),
    "release": lambda customer, _: Release(customer),
}
_OWN = ("claim", "release")


@shop_command("why")
@click.argument("customer")
@click.option("--staff", metavar="ID", help="Whom the question is about (you).")
@click.option("--action", default=str(Action.VIEW), help="What it would do (view).")
def why(session: Session, customer: str, staff: str | None, action: str) -> None:
    """Say why a staff may do something to CUSTOMER, or not."""
    known_action(session, action)
    asker = session.actor
    _say(session, session.shop.why(asker, staff or asker.id, action, customer))


@shop_command("why-not")
@click.argument("verb", type=click.Choice([*_VERBS]))
@click.argument("customer")
@click.option("--staff", metavar="ID", help="Who would get or lose it (not with claim and release).")
def why_not(session: Session, verb: str, customer: str, staff: str | None) -> None:
    """Say every condition of changing CUSTOMER, met or not."""
    if staff is None and verb not in _OWN:
        raise click.UsageError(f"Say whom to {verb}: --staff ID.")
    command = _VERBS[verb](CustomerId(customer), StaffId(staff or ""))
    _say(session, session.shop.why_cannot(session.actor, command))


@shop_command("who-can")
@click.argument("action")
@click.argument("customer")
def who_can(session: Session, action: str, customer: str) -> None:
    """List the staff who may do ACTION to CUSTOMER."""
    from ownership_core.cli.output import emit

    known_action(session, action)
    staff = session.shop.who_can(session.actor, action, customer)
    emit(session.format, ["staff"], [{"staff": one} for one in staff])
    session.say(f"{len(staff)} staff may {action} {customer}.")


def _say(session: Session, explanation: Explanation) -> None:
    from ownership_core.cli.output import emit, emit_one

    if session.format == "csv":
        checks = explanation.to_json()["checks"]
        if not checks:
            raise invalid("invalid_value", "There is nothing to list.")
        emit("csv", ["code", "answer", "said"], checks)
        return
    emit_one(session.format, explanation.to_json(), explanation.text())
