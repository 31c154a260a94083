"""A verb of the command line ``ownership`` as a command of ``manage.py``: same arguments, output and exit codes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

if TYPE_CHECKING:
    import click

_NEEDED = ("click", "rich")


class _Parser(CommandParser):
    """Takes the options every command of Django has, and leaves everything else to the verb."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """What Django knows; the rest is ``arguments``, in order."""
        known, rest = self.parse_known_args(args, namespace)
        known.arguments = rest
        return known


class VerbCommand(BaseCommand):
    """Subclasses name the verb. The exit code is the verb's; ``call_command`` raises :class:`CommandError` instead."""

    verb: str

    def click_command(self) -> click.Command:
        """The verb, as the command line has it."""
        from ownership_core.cli.app import command_of  # noqa: PLC0415 - the extra may be missing

        return command_of(self.verb)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """A parser that refuses nothing, since the verb reads its own options and prints its own help."""
        parser = _Parser(prog=f"{prog_name} {subcommand}", add_help=False, allow_abbrev=False, **kwargs)
        for names, options in (
            (["-v", "--verbosity"], {"default": 1, "type": int, "choices": [0, 1, 2, 3]}),
            (["--settings"], {}),
            (["--pythonpath"], {}),
            (["--traceback"], {"action": "store_true"}),
            (["--no-color"], {"action": "store_true"}),
            (["--force-color"], {"action": "store_true"}),
            (["--skip-checks"], {"action": "store_true"}),
        ):
            parser.add_argument(*names, help=argparse.SUPPRESS, **options)
        self.name = parser.prog.strip()
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """Carry out the verb and leave with its exit code."""
        self._called_from_command_line = True
        try:
            super().run_from_argv(argv)
        except _Leave as leave:
            sys.exit(leave.code)

    def handle(self, *_: Any, arguments: Sequence[str] = (), **__: Any) -> None:
        """Carry out the verb."""
        if any(find_spec(name) is None for name in _NEEDED):
            raise CommandError('The commands need more: pip install "ownership-core[django]"')
        from ownership_core.cli.app import run  # noqa: PLC0415 - the extra may be missing
        from ownership_django.management.session import SiteSession  # noqa: PLC0415 - the same

        if self._called_from_command_line:
            raise _Leave(run(arguments, self.click_command(), SiteSession(), self.name))
        with redirect_stdout(_stream(self.stdout)), redirect_stderr(_stream(self.stderr)):
            code = run(arguments, self.click_command(), SiteSession(), self.name)
        if code:
            raise CommandError(f"{self.name} ended with exit code {code}.", returncode=code)


def _stream(wrapper: Any) -> Any:
    """What the caller of ``call_command`` wants written to; Django's wrapper adds line ends of its own."""
    return getattr(wrapper, "_out", wrapper)


class _Leave(Exception):
    """Ends the process with a verb's exit code, once Django has closed its connections."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code
