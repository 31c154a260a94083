"""What an admin can ask for: verbs, each of which builds one command. Nothing is granted or refused here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ownership_core.commands import (
    Assign,
    AssignmentCommand,
    Claim,
    Command,
    Mode,
    Offboard,
    Release,
    Revert,
    Selection,
    SetPrimary,
    Transfer,
    Unassign,
)
from ownership_core.distribute import named_staff
from ownership_core.model import Action, StaffId
from ownership_core.scope import ANY, Wildcard

_Build = Callable[[Selection, StaffId, "str | None"], AssignmentCommand]


@frozen
class Verb:
    """``names_staff`` says that somebody has to be chosen, ``gains`` that this somebody gets customers.

    ``build`` is None where more is to be said than who and why.
    """

    name: str
    title: Any
    right: str
    build: _Build | None = None
    names_staff: bool = True
    gains: bool = True

    @property
    def heading(self) -> str:
        """The title without the dots that say a page follows."""
        return str(self.title).rstrip("…")


SET_PRIMARY = Verb(
    "set-primary",
    gettext_lazy("Set primary staff…"),
    Action.ASSIGN,
    lambda customers, staff, reason: SetPrimary(customers, staff, reason=reason),
)
SET = Verb(
    "set",
    gettext_lazy("Make somebody the only staff…"),
    Action.ASSIGN,
    lambda customers, staff, reason: Assign(customers, staff, reason=reason),
)
ADD = Verb(
    "add",
    gettext_lazy("Add staff…"),
    Action.ASSIGN,
    lambda customers, staff, reason: Assign(customers, staff, Mode.ADD, reason=reason),
)
REMOVE = Verb(
    "remove",
    gettext_lazy("Remove staff…"),
    Action.ASSIGN,
    lambda customers, staff, reason: Unassign(customers, staff, reason=reason),
    gains=False,
)
CLEAR = Verb(
    "clear",
    gettext_lazy("Remove everybody…"),
    Action.ASSIGN,
    lambda customers, _staff, reason: Unassign(customers, ANY, reason=reason),
    names_staff=False,
    gains=False,
)
HAND_OVER = Verb("hand-over", gettext_lazy("Hand over…"), Action.ASSIGN)
CLAIM = Verb(
    "claim",
    gettext_lazy("Claim for myself…"),
    Action.CLAIM,
    lambda customers, _staff, reason: Claim(customers, reason=reason),
    names_staff=False,
)
RELEASE = Verb(
    "release",
    gettext_lazy("Release my own…"),
    Action.RELEASE,
    lambda customers, _staff, reason: Release(customers, reason=reason),
    names_staff=False,
    gains=False,
)
VERBS: Mapping[str, Verb] = {
    verb.name: verb for verb in (SET_PRIMARY, SET, ADD, REMOVE, CLEAR, HAND_OVER, CLAIM, RELEASE)
}


def staff_of(command: Command) -> set[str]:
    """Everybody a command names, for whoever looks up what they are called."""
    named = {str(one) for one in (getattr(command, "staff", None), getattr(command, "giver", None)) if one is not None}
    to = getattr(command, "to", None)
    return named if to is None else named | named_staff(to)


def said(command: Command, names: Mapping[str, str]) -> str:
    """A command as one sentence; ``names`` tells what staff are called."""
    staff = getattr(command, "staff", None)
    name = _("everybody") if isinstance(staff, Wildcard) else names.get(str(staff), str(staff))
    match command:
        case SetPrimary():
            return _("Make %(staff)s the primary") % {"staff": name}
        case Assign(mode=Mode.ADD):
            return _("Add %(staff)s") % {"staff": name}
        case Assign():
            return _("Make %(staff)s the only one") % {"staff": name}
        case Unassign():
            return _("Remove %(staff)s") % {"staff": name}
        case Claim():
            return _("Claim for myself")
        case Release():
            return _("Release my own")
        case Transfer():
            giver = names.get(command.giver, command.giver)
            return _("Hand over from %(giver)s to %(receivers)s") % {"giver": giver, **_receivers(command.to, names)}
        case Offboard(to=None):
            return _("Release everything of %(staff)s") % {"staff": name}
        case Offboard():
            said = _("Hand everything of %(staff)s over to %(receivers)s")
            return said % {"staff": name, **_receivers(command.to, names)}
        case Revert():
            return _("Take back run %(run)s") % {"run": command.run}
        case _:
            return type(command).__name__


def _receivers(to: Any, names: Mapping[str, str]) -> dict[str, str]:
    """Who gets customers, by name; a pool that names nobody by what it is."""
    several = sorted(names.get(one, one) for one in named_staff(to))
    return {"receivers": ", ".join(several) or type(to).__name__}


def right_of(command: Command) -> str:
    """The right a command of an admin asks for."""
    match command:
        case Claim():
            return str(Action.CLAIM)
        case Release():
            return str(Action.RELEASE)
        case _:
            return str(Action.ASSIGN)
