"""From a command to a ruling: pure, one small module per family of commands.

No clock, no I/O, no randomness and no hook: everything a decision rests on is an argument.
"""

from __future__ import annotations

from typing import assert_never

from ownership_core.commands import (
    Assign,
    ChangeCustomer,
    Claim,
    ClearPrimary,
    DeleteCustomer,
    DraftedCommand,
    Offboard,
    Rebalance,
    Release,
    Revert,
    SetPrimary,
    Sweep,
    SwitchCardinality,
    Transfer,
    Unassign,
)
from ownership_core.decide.asking import ACTION_OF, Asking, Targets
from ownership_core.decide.assign import decide_assign, decide_clear_primary, decide_set_primary, decide_unassign
from ownership_core.decide.claim import decide_claim, decide_release
from ownership_core.decide.customers import decide_change_customer, decide_delete_customer
from ownership_core.decide.moving import (
    decide_offboard,
    decide_rebalance,
    decide_revert,
    decide_sweep,
    decide_transfer,
)
from ownership_core.decide.switch import decide_switch
from ownership_core.ruling import Ruling

__all__ = ["ACTION_OF", "Asking", "Targets", "decide"]


def decide(command: DraftedCommand, asking: Asking, targets: Targets) -> Ruling:
    """The ruling on a command about customers that exist.

    ``asking`` is who asks and under which policies, ``targets`` the staff the command names.
    """
    match command:
        case Assign():
            return decide_assign(command, asking, targets)
        case Unassign():
            return decide_unassign(command, asking, targets)
        case SetPrimary():
            return decide_set_primary(command, asking, targets)
        case ClearPrimary():
            return decide_clear_primary(command, asking)
        case Claim():
            return decide_claim(command, asking)
        case Release():
            return decide_release(command, asking)
        case ChangeCustomer():
            return decide_change_customer(command, asking)
        case DeleteCustomer():
            return decide_delete_customer(command, asking)
        case SwitchCardinality():
            return decide_switch(command, asking)
        case Transfer():
            return decide_transfer(command, asking, targets)
        case Offboard():
            return decide_offboard(command, asking, targets)
        case Rebalance():
            return decide_rebalance(command, asking, targets)
        case Sweep():
            return decide_sweep(command, asking, targets)
        case Revert():
            return decide_revert(command, asking)
        case _:
            assert_never(command)
