"""Scopes, commands, distributions and rules as versioned plain dicts, ready for ``json`` and read back strictly.

A round trip gives an equal value. What cannot be read is refused as ``invalid_wire`` with the path to it:
unknown versions, nodes and commands, extra and missing keys, wrong types. Ids and values stay as they are;
whether they fit the declared fields is judged by :mod:`~ownership_core.wellformed`.
"""

from ownership_core.wire.commands import command_from_wire, command_to_wire, payload_hash, recorded
from ownership_core.wire.plain import WIRE_VERSION
from ownership_core.wire.rules import distribution_from_wire, distribution_to_wire, rule_from_wire, rule_to_wire
from ownership_core.wire.scopes import scope_from_wire, scope_to_wire

__all__ = [
    "WIRE_VERSION",
    "command_from_wire",
    "command_to_wire",
    "distribution_from_wire",
    "distribution_to_wire",
    "payload_hash",
    "recorded",
    "rule_from_wire",
    "rule_to_wire",
    "scope_from_wire",
    "scope_to_wire",
]
