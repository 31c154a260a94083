"""The group `ownership`: its own commands are imported when they are used, plugins may bring more."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from importlib import import_module
from itertools import pairwise
from typing import Any

import click

from ownership_core.cli.options import global_options, session_of
from ownership_core.cli.session import Session
from ownership_core.cli.voice import EXIT_CODES, USAGE, complain, exit_code, say, warn
from ownership_core.errors import OwnershipError, Problem
from ownership_core.host import Host

COMMANDS: Mapping[str, str] = {
    "apply": "applying:apply",
    "assign": "changes:assign",
    "assignments": "imports:assignments",
    "cardinality": "switching:cardinality",
    "claim": "changes:claim",
    "cover": "covers:cover",
    "customers": "imports:customers",
    "db": "database:db",
    "demo": "demo.story:demo",
    "departments": "imports:departments",
    "doctor": "care:doctor",
    "grant": "access:grant",
    "history": "past:history",
    "inventory": "inventory:inventory",
    "list": "listing:listing",
    "offboard": "moving:offboard",
    "plan": "planning:plan",
    "plugins": "care:plugins",
    "primary": "changes:primary",
    "rebalance": "moving:rebalance",
    "release": "changes:release",
    "role": "access:role",
    "rules": "rulebook:rules",
    "runs": "undoing:runs",
    "split": "moving:split",
    "staff": "imports:staff",
    "sweep": "moving:sweep",
    "transfer": "moving:transfer",
    "unassign": "changes:unassign",
    "undo": "undoing:undo",
    "who-can": "reasons:who_can",
    "why": "reasons:why",
    "why-not": "reasons:why_not",
}
"""Every command of our own, and where it is."""


class _Enough(Exception):
    """Whoever reads our data has seen enough of it."""


class Shelf(click.Group):
    """Where one plugin puts its commands; a name that is taken is refused."""

    def __init__(self, taken: Mapping[str, object]) -> None:
        super().__init__("ownership")
        self._taken = taken
        self.refused: list[str] = []

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Take a command, unless somebody has its name."""
        wanted = name or cmd.name or ""
        if wanted in self._taken or wanted in self.commands:
            self.refused.append(wanted)
        else:
            super().add_command(cmd, name)


class Root(click.Group):
    """Our commands by name, imported when asked for; then those of the plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, plugins' too."""
        return sorted([*COMMANDS, *self._plugged(ctx, forgiving=True)])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command; plugins are loaded only for names that are none of ours."""
        if cmd_name not in COMMANDS:
            return self._plugged(ctx, forgiving=False).get(cmd_name)
        return command_of(cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Carry out the command; a reader who closes the pipe early is content, and click would call it an error."""
        try:
            answer = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            raise _Enough from None
        return answer

    def _plugged(self, ctx: click.Context, forgiving: bool) -> dict[str, click.Command]:
        known: dict[str, dict[str, click.Command]] = ctx.find_root().meta
        if "plugged" not in known:
            try:
                known["plugged"] = plugged(session_of(ctx).host)
            except OwnershipError as broken:
                if not forgiving:
                    raise
                complain(broken.problems, as_json=False)
                return {}
        return known["plugged"]


def plugged(host: Host) -> dict[str, click.Command]:
    """The commands of all plugins; whoever fails or takes a taken name is named on stderr."""
    found: dict[str, click.Command] = {}
    for plugin in host.plugins:
        if "ownership_commands" not in plugin.hooks:
            continue
        shelf = Shelf({**COMMANDS, **found})
        problems = Host({plugin.name: plugin.implementation}).tell("ownership_commands", cli=shelf)
        for name in shelf.refused:
            warn(f"the plugin {plugin.name!r} offers the command {name!r}, and that name is taken; it was left out")
        for problem in problems:
            warn(f"{problem.what} Its commands were left out.")
        if not problems:
            found.update(shelf.commands)
    return found


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("ownership-core")
        except PackageNotFoundError:  # run from a source tree
            number = "(not installed)"
        click.echo(f"ownership-core {number}")
        context.exit()


@click.group(cls=Root, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@global_options
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Say which version this is."
)
@click.pass_context
def root(context: click.Context) -> None:
    """Who owns which customer, who may see or touch it, why, and what happens when that changes.

    Data goes to stdout, everything else to stderr. New here? `ownership demo` shows a small shop at work.
    """
    context.call_on_close(session_of(context).close)


def run(
    arguments: Sequence[str],
    command: click.Command = root,
    session: Session | None = None,
    name: str = "ownership",
) -> int:
    """Carry out one call; every error is told on stderr, as JSON where the data would be JSON.

    A host's own command line hands in one ``command`` of ours, its ``session`` and what it is called there.
    """
    as_json = _wants_json(arguments)
    session = session or Session()
    if not arguments and isinstance(command, click.Group):  # click before 8.2 takes it for a question, and answers 0
        with redirect_stdout(sys.stderr):
            command.main(args=["--help"], prog_name=name, standalone_mode=False, obj=session)
        return USAGE
    try:
        answer: Any = command.main(args=list(arguments), prog_name=name, standalone_mode=False, obj=session)
    except OwnershipError as error:
        complain(error.problems, as_json)
        return exit_code(error)
    except click.ClickException as error:
        _tell_usage(error, as_json)
        return USAGE
    except click.Abort:
        say("Stopped.")
        return 130
    except _Enough:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return answer if isinstance(answer, int) else 0


def command_of(name: str) -> click.Command:
    """One of our own commands, imported now."""
    module, _, attribute = COMMANDS[name].partition(":")
    found: click.Command = getattr(import_module(f"ownership_core.cli.{module}"), attribute)
    return found


def _wants_json(arguments: Sequence[str]) -> bool:
    return "--format=json" in arguments or ("--format", "json") in pairwise(arguments)


def _tell_usage(error: click.ClickException, as_json: bool) -> None:
    if as_json:
        complain([Problem("usage", error.format_message(), "See --help.")], as_json)
    else:
        error.show()
