"""Which customers a change is about: ids, or whoever ``--where`` and ``--search`` find, counted and confirmed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import cast

import click

from ownership_core.cli.listing import narrowed
from ownership_core.cli.session import Session
from ownership_core.cli.voice import counted, is_terminal, printable
from ownership_core.commands import Ids, Matching, One, Selection
from ownership_core.errors import invalid
from ownership_core.model import Action, CustomerId
from ownership_core.simplify import simplify


def choose(session: Session, customers: Sequence[str], where: Sequence[str], search: Sequence[str]) -> Selection:
    """One customer, several, or a search as ``list`` understands it; not both and not neither (``usage``)."""
    if bool(customers) == bool(where or search):
        raise click.UsageError("Name customers, or find them with --where and --search; one of the two.")
    if where or search:
        return Matching(simplify(narrowed(session, Action.VIEW, where, search).scope))
    ids = cast("Sequence[CustomerId]", customers)
    return One(ids[0]) if len(ids) == 1 else Ids(ids)


def count_found(session: Session, selection: Selection, action: str, yes: bool) -> None:
    """Say how many a search finds; a script says that all of them are meant, --yes, and a terminal is asked later."""
    if not isinstance(selection, Matching):
        return
    count = session.shop.visible(session.actor, action).where(selection.scope).count()
    found = f"{counted(count, 'customer')} you may {action}"
    if not yes:
        require_somebody_to_ask(f"The search finds {found}")
    session.say(f"Found {found}.")


def require_somebody_to_ask(what: str) -> None:
    """Refuse to go on where no terminal can answer (``confirmation_needed``)."""
    if not is_terminal():
        raise invalid("confirmation_needed", f"{what}, and nobody can be asked.", "Look with --plan, then say --yes.")


def asked(session: Session, about: str, *, yes: bool) -> bool:
    """Whether to go on: as ``--yes`` said, else as somebody at the terminal says."""
    if yes:
        session.say(about)
        return True
    require_somebody_to_ask(about.rstrip("."))
    with redirect_stdout(sys.stderr):  # click before 8.4 lets a blank of the prompt through to stdout, err or not
        return click.confirm(printable(f"{about} Go on?"), err=True)
