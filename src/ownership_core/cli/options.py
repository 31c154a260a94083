"""The options many commands share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from ownership_core.cli.session import Session
from ownership_core.cli.where import read_time

_Command = TypeVar("_Command", bound=Callable[..., Any])
FORMATS = ("table", "json", "csv")


def session_of(context: click.Context) -> Session:
    """The one session of this call."""
    session: Session = context.find_root().ensure_object(Session)
    return session


def _kept(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def keep(context: click.Context, _: click.Parameter, value: Any) -> Any:
        if value is not None:
            setattr(session_of(context), name, value)
        return value

    return keep


def global_options(command: _Command) -> _Command:
    """``--db``, ``--config`` and ``--as``: before the command or behind it."""
    for names, kept, kind, text in (
        (("--as",), "who", str, "Who is asking: the id of a staff, or operator where the settings allow it."),
        (("--config",), "config", click.Path(path_type=Path, dir_okay=False), "Settings, instead of ./ownership.toml."),
        (("--db",), "db", str, "Database, instead of what the settings say (sqlite:///ownership.db)."),
    ):
        metavar = {"who": "STAFF", "config": "FILE", "db": "URL"}[kept]
        option = click.option(
            *names, kept, type=kind, metavar=metavar, help=text, expose_value=False, callback=_kept(kept), is_eager=True
        )
        command = option(command)
    return command


def format_option(command: _Command) -> _Command:
    """``--format table|json|csv``."""
    option = click.option(
        "--format",
        type=click.Choice(FORMATS),
        help="How data is printed (table).",
        expose_value=False,
        callback=_kept("format"),
        is_eager=True,
    )
    return option(command)


def keep_view_option(command: _Command) -> _Command:
    """``--keep-view TIME``: until when whoever loses a customer may view it."""

    def read(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
        return None if value is None else read_time(value, "--keep-view")

    text = "Until when whoever loses them may view them (see settings)."
    option = click.option("--keep-view", "keep_view_until", metavar="TIME", help=text, callback=read)
    return option(command)


def search_option(text: str) -> Callable[[_Command], _Command]:
    """``--search FILTER=TEXT``: what a search filter finds."""
    return click.option("--search", multiple=True, metavar="FILTER=TEXT", help=text)


def shop_command(name: str, **settings: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """A command with the shared options; its function gets the session first."""

    def make(function: Callable[..., Any]) -> click.Command:
        with_session = click.make_pass_decorator(Session, ensure=True)(function)
        decorate: Callable[[Callable[..., Any]], click.Command] = click.command(name, **settings)
        return decorate(format_option(global_options(with_session)))

    return make
