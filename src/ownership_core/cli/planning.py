"""The group ``plan``: the commands that change who owns whom, each of them only shown and kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

VERBS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "add": ("assign", {"mode": "add"}),
    "assign": ("assign", {"mode": "set"}),
    "clear": ("unassign", {"staff": None, "everybody": True}),
    "offboard": ("offboard", {}),
    "rebalance": ("rebalance", {}),
    "remove": ("unassign", {"everybody": False}),
    "split": ("split", {}),
    "sweep": ("sweep", {}),
    "transfer": ("transfer", {}),
    "undo": ("undo", {}),
}
"""Every verb, the command it is, and the options that are settled by its name."""

_PLANS: Mapping[str, object] = {"plan": True, "key": None, "strict": None, "yes": False}
_HELP = {
    "add": "Give customers to a staff beside those who are there.",
    "assign": "Give customers to a staff as the only one.",
    "clear": "Take everybody off customers.",
    "remove": "Take a staff off customers.",
}


class Planner(click.Group):
    """The same commands as outside of it, with the same options but those that carry out."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        """All verbs."""
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        """One verb."""
        if cmd_name not in VERBS:
            return None
        from ownership_core.cli.app import command_of

        name, settled = VERBS[cmd_name]
        return _only_planned(cmd_name, command_of(name), settled)


plan = Planner("plan", help="Show what a change would do, and keep the plan.")


def _only_planned(verb: str, command: click.Command, settled: Mapping[str, object]) -> click.Command:
    fixed = {**_PLANS, **settled}
    act = command.callback
    assert act is not None  # noqa: S101 - each of our commands does something

    def callback(**given: Any) -> Any:
        return act(**given, **fixed)

    params = [param for param in command.params if param.name not in fixed]
    return click.Command(verb, params=params, callback=callback, help=_HELP.get(verb, command.help))
