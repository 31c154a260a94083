from __future__ import annotations

import json

from hypothesis import given

from ownership_core.commands import Command
from ownership_core.scope import Scope
from ownership_core.testing.strategies import commands, scopes
from ownership_core.wire import command_from_wire, command_to_wire, payload_hash, scope_from_wire, scope_to_wire


@given(scopes())
def test_a_scope_survives_the_wire(scope: Scope) -> None:
    """Through JSON text and back it is equal, and so is its wire form."""
    wire = json.loads(json.dumps(scope_to_wire(scope)))
    again = scope_from_wire(wire)
    assert again == scope
    assert scope_to_wire(again) == wire == scope_to_wire(scope)


@given(commands())
def test_a_command_survives_the_wire(command: Command) -> None:
    """Through JSON text and back it is equal, of the same class, with the same hash."""
    wire = json.loads(json.dumps(command_to_wire(command)))
    again = command_from_wire(wire)
    assert again == command
    assert type(again) is type(command)
    assert command_to_wire(again) == wire == command_to_wire(command)
    assert payload_hash(again) == payload_hash(command)


@given(commands(), commands())
def test_different_commands_have_different_hashes(one: Command, other: Command) -> None:
    """A hash stands for its wire form."""
    alike = command_to_wire(one) == command_to_wire(other)
    assert (payload_hash(one) == payload_hash(other)) == alike
