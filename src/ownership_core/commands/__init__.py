"""What can be asked for. Every change of the package is one of these, from every door.

A command is data: it can be shown, stored in a plan, sent as JSON (:mod:`~ownership_core.wire`) and
decided (:mod:`~ownership_core.decide`). The codes each may be refused with stand with its decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from ownership_core.commands.arguments import EVERYBODY, KEEP, Ids, Keep, Matching, Maybe, One, Selection, selection
from ownership_core.commands.customers import (
    Assign,
    ChangeCustomer,
    Claim,
    ClearPrimary,
    CreateCustomer,
    DeleteCustomer,
    Mode,
    NewCustomer,
    Release,
    SetPrimary,
    Unassign,
)
from ownership_core.commands.moving import (
    ChangeRules,
    KeepOne,
    Offboard,
    Rebalance,
    Revert,
    Sweep,
    SwitchCardinality,
    Transfer,
    Unplaced,
)
from ownership_core.commands.people import ChangeDepartment, ChangeStaff, Cover, EndCover, GrantAccess
from ownership_core.errors import invalid
from ownership_core.scope import AssignedTo, PrimaryOf
from ownership_core.simplify import simplify

__all__ = [
    "COMMANDS",
    "EVERYBODY",
    "KEEP",
    "AccessCommand",
    "Assign",
    "AssignmentCommand",
    "ChangeCustomer",
    "ChangeDepartment",
    "ChangeRules",
    "ChangeStaff",
    "Claim",
    "ClearPrimary",
    "Command",
    "Cover",
    "CoverCommand",
    "CreateCustomer",
    "CustomerCommand",
    "DeleteCustomer",
    "DraftedCommand",
    "EndCover",
    "GrantAccess",
    "Ids",
    "Keep",
    "KeepOne",
    "Matching",
    "Maybe",
    "Mode",
    "MovingCommand",
    "NewCustomer",
    "Offboard",
    "One",
    "Rebalance",
    "RehearsedCommand",
    "Release",
    "Revert",
    "Selection",
    "SetPrimary",
    "Sweep",
    "SwitchCardinality",
    "Transfer",
    "Unassign",
    "Unplaced",
    "require_command",
    "selection",
    "selection_of",
]

AssignmentCommand: TypeAlias = Assign | Unassign | SetPrimary | ClearPrimary | Claim | Release
CustomerCommand: TypeAlias = AssignmentCommand | DeleteCustomer | ChangeCustomer
CoverCommand: TypeAlias = Cover | EndCover
MovingCommand: TypeAlias = Transfer | Offboard | Rebalance | Sweep | Revert
DraftedCommand: TypeAlias = CustomerCommand | MovingCommand | SwitchCardinality
AccessCommand: TypeAlias = ChangeStaff | ChangeDepartment | GrantAccess | CoverCommand
RehearsedCommand: TypeAlias = CreateCustomer | AccessCommand | ChangeRules
Command: TypeAlias = DraftedCommand | RehearsedCommand

COMMANDS: Mapping[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        Assign,
        Unassign,
        SetPrimary,
        ClearPrimary,
        Claim,
        Release,
        CreateCustomer,
        ChangeCustomer,
        DeleteCustomer,
        ChangeStaff,
        ChangeDepartment,
        GrantAccess,
        SwitchCardinality,
        Cover,
        EndCover,
        Transfer,
        Offboard,
        Rebalance,
        Sweep,
        Revert,
        ChangeRules,
    )
}


def selection_of(command: CustomerCommand | MovingCommand) -> Selection:
    """Which customers a command is about."""
    match command:
        case ChangeCustomer():
            return One(command.customer)
        case Offboard():
            return Matching(AssignedTo([command.staff]))
        case Rebalance():
            return Matching(PrimaryOf(command.weights))
        case Transfer(customers=Matching(scope)):
            return Matching(simplify(scope & AssignedTo([command.giver])))
        case Revert():
            return EVERYBODY
        case _:
            return command.customers


def require_command(raw: object) -> Command:
    """``raw`` itself when it is one of our commands, else ``invalid_command``."""
    if type(raw) not in COMMANDS.values():
        raise invalid("invalid_command", f"{type(raw).__name__} is not a command.", f"Use {', '.join(COMMANDS)}.")
    return cast("Command", raw)
