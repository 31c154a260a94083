"""The kit for plugin authors: a reference store, random worlds, and the contracts a plugin must keep.

Names are imported when they are first used: :class:`MemoryStore` needs neither pytest nor hypothesis.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ownership_core.testing.contracts import ScopeContract, StoreContract
    from ownership_core.testing.memory import MemoryStore
    from ownership_core.testing.strategies import commands, effects, scopes, selections, worlds
    from ownership_core.testing.worlds import WORLD_FIELDS, World, load

_HOMES = {
    "MemoryStore": "memory",
    "ScopeContract": "contracts",
    "StoreContract": "contracts",
    "WORLD_FIELDS": "worlds",
    "World": "worlds",
    "commands": "strategies",
    "effects": "strategies",
    "load": "worlds",
    "scopes": "strategies",
    "selections": "strategies",
    "worlds": "strategies",
}


def __getattr__(name: str) -> object:
    """The public name, from the module that has it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = [
    "WORLD_FIELDS",
    "MemoryStore",
    "ScopeContract",
    "StoreContract",
    "World",
    "commands",
    "effects",
    "load",
    "scopes",
    "selections",
    "worlds",
]
