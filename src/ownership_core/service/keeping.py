"""Whether former staff go on seeing a customer, and until when (rows 41, 91, 105; design §11)."""

from __future__ import annotations

from ownership_core.commands import (
    Assign,
    ClearPrimary,
    Command,
    Offboard,
    Rebalance,
    SetPrimary,
    Sweep,
    SwitchCardinality,
    Transfer,
    Unassign,
)
from ownership_core.decide.covers import empty_window
from ownership_core.errors import Refused
from ownership_core.model import Actor
from ownership_core.settings import PreviousStaff, Settings

DAY = 24 * 3600 * 1_000_000
TAKING = (Assign, Unassign, SetPrimary, ClearPrimary, SwitchCardinality, Transfer, Offboard, Rebalance, Sweep)
"""The commands by which somebody is relieved of customers; who releases one has given it up."""


def kept_until(command: Command, settings: Settings, at: int, actor: Actor) -> int | None:
    """Until when whoever loses an assignment by ``command`` may view the customer, in UTC microseconds; None: not at
    all.

    ``at`` is the present. Code: ``empty_window`` where the command names a moment that is over.
    """
    asked: int | None = getattr(command, "keep_view_until", None)
    if asked is None:
        keeps = settings.previous_staff is PreviousStaff.KEEP_VIEW and isinstance(command, TAKING)
        return at + settings.keep_view_days * DAY if keeps else None
    if asked <= at:
        raise Refused(empty_window("The customers would be shared until a moment that is over."), who=actor.id)
    return asked
