"""The commands that move many: transfer, split, offboard, rebalance and sweep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from ownership_core.cli.choosing import choose
from ownership_core.cli.options import keep_view_option, search_option, shop_command
from ownership_core.cli.plans import How, carry_out_asked, plan_options
from ownership_core.cli.receivers import Said, read_receivers, receiver_options, weights_of
from ownership_core.cli.session import Session
from ownership_core.cli.where import parse_where
from ownership_core.commands import (
    EVERYBODY,
    Command,
    Offboard,
    Rebalance,
    Selection,
    Sweep,
    Transfer,
    Unplaced,
)
from ownership_core.distribute import ToStaff
from ownership_core.model import StaffId
from ownership_core.rules import Occasion
from ownership_core.scope import Nothing

_Function = TypeVar("_Function", bound=Callable[..., Any])
_WHERE = "Of them those this is true of: field=value, field~text ... May be repeated."
_SEARCH = "Of them those this search filter finds, as in `ownership list`. May be repeated."


def _moving(name: str) -> Callable[[Callable[..., Command]], click.Command]:
    """A command that moves many: its function builds what is asked for."""

    def make(function: Callable[..., Command]) -> click.Command:
        def command(session: Session, **given: Any) -> int:
            how = How.taken(given)
            return carry_out_asked(session, function(session, **given), how)

        command.__doc__ = function.__doc__
        command.__click_params__ = function.__dict__.pop("__click_params__", [])  # type: ignore[attr-defined]
        reason = click.option("--reason", help="Why; it stands in the history.")
        return shop_command(name)(plan_options(keep_view_option(reason(command))))

    return make


def _some(function: _Function) -> _Function:
    """Some of the customers, where not all are meant."""
    for option in (
        search_option(_SEARCH),
        click.option("--where", multiple=True, metavar="SENTENCE", help=_WHERE),
        click.argument("customers", nargs=-1, metavar="[CUSTOMER]..."),
    ):
        function = option(function)
    return function


def _released(function: _Function) -> _Function:
    return click.option("--release", is_flag=True, help="Whoever nobody gets is left to nobody, not refused.")(function)


@_moving("transfer")
@click.argument("staff")
@_some
@receiver_options
@_released
def transfer(session: Session, staff: str, **given: Any) -> Command:
    """Hand customers of STAFF over: all of them, or some."""
    return _transfer(session, staff, given, several=False)


@_moving("split")
@click.argument("staff")
@_some
@receiver_options
@_released
def split(session: Session, staff: str, **given: Any) -> Command:
    """Hand customers of STAFF over to several.

    In turn, to the least busy, by weight, by capacity, by what a field holds, or as a file says.
    """
    return _transfer(session, staff, given, several=True)


@_moving("offboard")
@click.argument("staff")
@receiver_options
@_released
def offboard(session: Session, staff: str, release: bool, **given: Any) -> Command:
    """Hand over everything STAFF holds, before or after it is deactivated.

    Customers it stands for and stands beside; rules name it no longer. All or nothing unless --no-strict is said;
    with --release alone nobody gets them. Look first with: ownership inventory STAFF.
    """
    to = read_receivers(session, Said.taken(given))
    if to is None and not release:
        raise click.UsageError("Say who gets them, --to STAFF for one, or --release.")
    return Offboard(StaffId(staff), to, _unplaced(release), **given)


@_moving("rebalance")
@click.option("--among", "to", multiple=True, metavar="STAFF", help="Who takes part, with weight 1. Repeat it.")
@click.option("--weight", multiple=True, metavar="STAFF=N", help="In shares of these weights. Repeat it.")
@click.option("--max-moves", type=click.IntRange(min=0), help="How many move at most.")
@click.option("--keep", multiple=True, metavar="SENTENCE", help="Customers this is true of stay. May be repeated.")
def rebalance(
    session: Session,
    to: Sequence[str],
    weight: Sequence[str],
    max_moves: int | None,
    keep: Sequence[str],
    **told: Any,
) -> Command:
    """Level out who stands for how many customers, by the fewest moves."""
    weights = weights_of(to, weight)
    if not weights:
        raise click.UsageError("Say among whom: --among STAFF or --weight STAFF=N, each repeated.")
    stay = parse_where(keep, session.shop.store.fields) if keep else Nothing()
    return Rebalance(weights, max_moves, stay, **told)


@_moving("sweep")
@_some
@receiver_options
@click.option("--occasion", type=click.Choice([one.value for one in Occasion]), help="Which rules are asked (sweep).")
def sweep(session: Session, occasion: str | None, **given: Any) -> Command:
    """Give unassigned customers out, by the assignment rules or to whom is said."""
    to = read_receivers(session, Said.taken(given))
    if to is not None and occasion is not None:
        raise click.UsageError("No rules are asked where it is said who gets them: leave --occasion out.")
    return Sweep(_chosen(session, given), to, Occasion.SWEEP if occasion is None else Occasion(occasion), **given)


def _transfer(session: Session, staff: str, given: dict[str, Any], *, several: bool) -> Command:
    to = read_receivers(session, Said.taken(given))
    if to is None or (several and isinstance(to, ToStaff)):
        raise click.UsageError("Say who gets them: --to STAFF, or several and how.")
    return Transfer(StaffId(staff), to, _chosen(session, given), _unplaced(given.pop("release")), **given)


def _chosen(session: Session, given: dict[str, Any]) -> Selection:
    """Take what :func:`_some` gives out of the options of a command."""
    customers, where, search = (given.pop(name) for name in ("customers", "where", "search"))
    return choose(session, customers, where, search) if customers or where or search else EVERYBODY


def _unplaced(release: bool) -> Unplaced:
    return Unplaced.RELEASE if release else Unplaced.REFUSE
