"""The commands that change who owns whom: assign, unassign, primary, claim, release."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import click
from attrs import frozen

from ownership_core.cli.choosing import choose, count_found
from ownership_core.cli.options import keep_view_option, search_option, shop_command
from ownership_core.cli.plans import How, carry_out, plan_options
from ownership_core.cli.session import Session
from ownership_core.commands import (
    Assign,
    AssignmentCommand,
    Claim,
    ClearPrimary,
    Mode,
    Release,
    Selection,
    SetPrimary,
    Unassign,
)
from ownership_core.model import Action, StaffId
from ownership_core.scope import ANY

_WHERE = "Customers this is true of: field=value, field~text, staff=ID, unassigned, orphaned ... May be repeated."
_SEARCH = "Customers this search filter finds, as in `ownership list`. May be repeated."


@frozen
class _Chosen:
    """The options all changes share."""

    customers: Sequence[str]
    where: Sequence[str]
    search: Sequence[str]
    reason: str | None
    expected_version: int | None

    def told(self) -> dict[str, Any]:
        return {"reason": self.reason, "expected_version": self.expected_version}


def _change(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command about customers: its function gets the session, what was chosen, and how."""

    def make(function: Callable[..., int]) -> click.Command:
        def command(session: Session, **given: Any) -> int:
            chosen = _Chosen(**{slot.name: given.pop(slot.name) for slot in attrs.fields(_Chosen)})
            return function(session, chosen, How.taken(given), **given)

        command.__doc__ = function.__doc__
        options = function.__dict__.pop("__click_params__", [])
        command.__click_params__ = options  # type: ignore[attr-defined]
        for option in (
            click.option("--expected-version", type=int, help="Refuse unless the customer is at this version."),
            click.option("--reason", help="Why; it stands in the history."),
            search_option(_SEARCH),
            click.option("--where", multiple=True, metavar="SENTENCE", help=_WHERE),
            click.argument("customers", nargs=-1, metavar="[CUSTOMER]..."),
        ):
            command = option(command)
        return shop_command(name)(plan_options(command))

    return make


def _send(
    session: Session, chosen: _Chosen, how: How, action: str, build: Callable[[Selection], AssignmentCommand]
) -> int:
    selection = choose(session, chosen.customers, chosen.where, chosen.search)
    if not how.plan:
        count_found(session, selection, action, how.yes)
    return carry_out(session, build(selection), how)


@_change("assign")
@click.option("--staff", required=True, metavar="ID", help="Who gets them.")
@click.option(
    "--mode", type=click.Choice([mode.value for mode in Mode]), default="set", help="As the only one, or beside others."
)
@click.option("--role", default="", help="What the staff is to the customer.")
@keep_view_option
def assign(session: Session, chosen: _Chosen, how: How, staff: str, mode: str, role: str, **until: Any) -> int:
    """Give customers to a staff."""

    def build(customers: Selection) -> AssignmentCommand:
        return Assign(customers, StaffId(staff), Mode(mode), role, **chosen.told(), **until)

    return _send(session, chosen, how, Action.ASSIGN, build)


@_change("unassign")
@click.option("--staff", metavar="ID", help="Who loses them.")
@click.option("--all", "everybody", is_flag=True, help="Everybody loses them.")
@keep_view_option
def unassign(session: Session, chosen: _Chosen, how: How, staff: str | None, everybody: bool, **until: Any) -> int:
    """Take a staff, or everybody, off customers."""
    if (staff is not None) == everybody:
        raise click.UsageError("Say who loses them: --staff ID, or --all.")
    loser = ANY if staff is None else StaffId(staff)

    def build(customers: Selection) -> AssignmentCommand:
        return Unassign(customers, loser, **chosen.told(), **until)

    return _send(session, chosen, how, Action.ASSIGN, build)


@_change("primary")
@click.option("--staff", metavar="ID", help="Who stands for them from now on; assigned where needed.")
@click.option("--clear", is_flag=True, help="Nobody stands for them.")
@click.option("--replace/--keep", default=None, help="Whether the former primary leaves (as the settings say).")
@keep_view_option
def primary(
    session: Session, chosen: _Chosen, how: How, staff: str | None, clear: bool, replace: bool | None, **until: Any
) -> int:
    """Say who stands for customers."""
    if (staff is not None) == clear:
        raise click.UsageError("Say who is to be primary: --staff ID, or --clear.")

    def build(customers: Selection) -> AssignmentCommand:
        if staff is None:
            return ClearPrimary(customers, **chosen.told(), **until)
        return SetPrimary(customers, StaffId(staff), replace, **chosen.told(), **until)

    return _send(session, chosen, how, Action.ASSIGN, build)


@_change("claim")
def claim(session: Session, chosen: _Chosen, how: How) -> int:
    """Take unassigned customers for yourself."""
    return _send(session, chosen, how, Action.CLAIM, lambda customers: Claim(customers, **chosen.told()))


@_change("release")
def release(session: Session, chosen: _Chosen, how: How) -> int:
    """Give your own customers back."""
    return _send(session, chosen, how, Action.RELEASE, lambda customers: Release(customers, **chosen.told()))
