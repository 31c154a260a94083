"""What the core needs from outside: a store, a clock, and new run ids. Small, and every method set-based.

A store keeps facts and applies drafts; it decides nothing. It must give the results, codes and order
of the memory store (:mod:`ownership_core.testing.memory`) for every script (I12);
:class:`ownership_core.testing.StoreContract` is the proof. Methods say how many statements they may send.
Drivers' exceptions never leave a store: they become :class:`~ownership_core.errors.StoreError`.
"""

from ownership_core.ports.data import (
    Capabilities,
    Draft,
    Expected,
    Given,
    Guard,
    Load,
    NewRow,
    Order,
    Position,
    Query,
    Remembered,
    Run,
    RunState,
    Tally,
    Task,
)
from ownership_core.ports.reader import Reader
from ownership_core.ports.store import Clock, DepartmentParents, Store
from ownership_core.ports.writer import Writer

__all__ = [
    "Capabilities",
    "Clock",
    "DepartmentParents",
    "Draft",
    "Expected",
    "Given",
    "Guard",
    "Load",
    "NewRow",
    "Order",
    "Position",
    "Query",
    "Reader",
    "Remembered",
    "Run",
    "RunState",
    "Store",
    "Tally",
    "Task",
    "Writer",
]
