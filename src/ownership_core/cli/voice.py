"""What is said beside the data, all of it on stderr, and which exit code an error has."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

import click

from ownership_core.errors import Conflict, InvalidSettings, OwnershipError, PluginError, Problem, Refused, StoreError
from ownership_core.model import Actor

DONE, REFUSED, USAGE, UNUSABLE, PLUGIN = range(5)

EXIT_CODES = """\b
Exit codes:
  0  done
  1  refused, or a file had bad rows
  2  wrong usage or bad input
  3  the store or the configuration is not usable
  4  a plugin failed"""


def say(text: str) -> None:
    """A line for people."""
    click.echo(printable(text), err=True)


def warn(text: str) -> None:
    """A line for people about what is not as it should be, and does not stop anything."""
    say(f"warning: {text}")


def complain(problems: Iterable[Problem], as_json: bool) -> None:
    """All problems, one line each: ``code: what hint (where)``; or as one JSON object."""
    found = list(problems)
    if as_json:
        listed = [{"code": p.code, "what": p.what, "hint": p.hint, "where": p.where} for p in found]
        click.echo(json.dumps({"errors": listed}, ensure_ascii=False), err=True)
        return
    for problem in found:
        place = f" ({problem.where})" if problem.where else ""
        say(f"{problem.code}: {problem.what}{f' {problem.hint}' if problem.hint else ''}{place}")


def exit_code(error: OwnershipError) -> int:
    """Which of the documented exit codes an error has."""
    match error:
        case InvalidSettings() | StoreError():
            return UNUSABLE
        case PluginError():
            return UNUSABLE if "plugin_missing" in error.codes else PLUGIN
        case Refused() | Conflict():
            return REFUSED
        case _:
            return USAGE


def is_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def counted(count: int, what: str) -> str:
    """A number of things: ``1 customer``, ``2 customers``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def who_of(actor: Actor) -> str:
    """Who did something: a staff by its id, others with what they are."""
    return actor.id if actor.kind == "staff" else f"{actor.id} ({actor.kind})"


def printable(text: str) -> str:
    r"""``text`` without what could move the cursor, hide text or forge a line on somebody's terminal.

    >>> printable("Ann\x9b2J") == "Ann\ufffd2J"
    True
    """
    return "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text)
