"""The command ``apply``: a plan that was looked at is carried out, as a whole or a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

import click

from ownership_core.cli.choosing import asked
from ownership_core.cli.options import shop_command
from ownership_core.cli.plans import beside, strict_option, tell
from ownership_core.cli.progress import progress
from ownership_core.cli.session import Session
from ownership_core.cli.voice import DONE, counted, is_terminal
from ownership_core.commands import RehearsedCommand, SwitchCardinality
from ownership_core.errors import invalid
from ownership_core.plan import PlanFile, Receipt, read_plan
from ownership_core.ports import Expected, Run
from ownership_core.ruling import Fate, PlanRow
from ownership_core.service.beside import Beside
from ownership_core.wire import command_from_wire

STRICT_KINDS = frozenset({"offboard"})
"""Runs that are all or nothing unless it is said otherwise."""


@shop_command("apply")
@click.argument("plan", metavar="FILE|PLAN-ID")
@click.option("--key", help="Say it twice with the same key and it is done once.")
@strict_option
@click.option("--chunked", is_flag=True, help="In parts, for plans that are too large; say it again to go on.")
@click.option("--yes", is_flag=True, help="Do not ask on a terminal.")
def apply(session: Session, plan: str, key: str | None, strict: bool | None, chunked: bool, yes: bool) -> int:
    """Do what a plan says.

    Only where that is still what would happen: everything is decided again, as whoever applies it;
    customers that changed meanwhile are stale and left alone.
    """
    with _opened(plan) as found:
        if chunked:
            return _in_chunks(session, plan, found, key, strict, yes=yes)
        if not _agreed(session, plan, found, yes=yes):
            return DONE
        planned = plan if found is None else found
        return tell(session, session.shop.apply(planned, session.actor, key=key, strict=strict))


@contextmanager
def _opened(plan: str) -> Iterator[PlanFile | None]:
    """The plan of a file while it is open, or None for the id of a stored one."""
    path = Path(plan)
    if not path.is_file():
        if path.suffix or len(path.parts) > 1:
            raise invalid("unreadable_file", f"There is no file {plan!r}.", "Name a plan file, or the id of a plan.")
        yield None
        return
    try:
        with path.open(encoding="utf-8") as file:
            yield read_plan(file)
    except UnicodeDecodeError:
        raise invalid("invalid_plan", f"{plan} is no text in UTF-8.", "Make the plan again.", plan) from None
    except OSError as broken:
        raise invalid("unreadable_file", f"{plan} cannot be read: {broken.strerror}.") from None


def _agreed(session: Session, plan: str, found: PlanFile | None, *, yes: bool) -> bool:
    """Whoever sits at a terminal is told the number and asked; a script has said what it wants by naming the plan."""
    if yes or not is_terminal():
        return True
    if found is not None and isinstance(found.command, RehearsedCommand | SwitchCardinality):
        return _said(session, f"The plan is to carry out {type(found.command).__name__}.")
    stored = _stored(session, plan) if found is None else None
    count = 0 if stored is None else stored.tally.changed
    more = Beside()
    if found is not None:
        count, more = sum(1 for _ in found.rows), session.shop.beside(session.actor, found.command)
    elif stored is not None:
        more = session.shop.beside(session.actor, command_from_wire(stored.command))
    if not (count or more.changes):
        return True
    return _said(session, f"The plan changes {counted(count, 'customer')}{beside(more.rules, more.covers)}.")


def _said(session: Session, about: str) -> bool:
    if asked(session, about, yes=False):
        return True
    session.say("Nothing was changed.")
    return False


def _in_chunks(
    session: Session, plan: str, found: PlanFile | None, key: str | None, strict: bool | None, *, yes: bool
) -> int:
    if key is not None:
        raise click.UsageError("--chunked needs no --key: a plan moves each customer once.")
    id = plan if found is None else found.run
    run = _stored(session, id)
    if strict or (strict is None and run is not None and run.what in STRICT_KINDS):
        what = "A plan cannot be applied in chunks and be all or nothing."
        raise invalid("not_chunked", what, "Leave --chunked out, or say --no-strict.")
    if found is not None and run is not None and not _is_kept(session, found, run):
        what = "The file is not the plan that is kept, and parts are taken from what is kept."
        hint = f"Apply the file without --chunked, or what is kept: ownership apply --chunked {id}"
        raise invalid("not_chunked", what, hint)
    if not _agreed(session, id, None, yes=yes):
        return DONE
    return tell(session, _chunk_by_chunk(session, id, run))


def _is_kept(session: Session, found: PlanFile, run: Run) -> bool:
    """Whether a file says what the plan says that is stored under its id; both are read row by row."""
    if found.command != command_from_wire(run.command):
        return False
    with session.store.reader() as reader:
        kept = (_expected(row) for row in reader.plan_rows(run.id) if row.fate is Fate.CHANGED)
        return all(one == other for one, other in zip_longest(found.rows, kept))


def _expected(row: PlanRow) -> Expected:
    """A row as a file has it."""
    removed, restored = len(row.removed), len(row.restored)
    after, added, receiver = row.primary_after, row.added, row.receiver
    return Expected(row.customer, row.version, after, added, removed, receiver, restored=restored)


def _chunk_by_chunk(session: Session, plan: str, run: Run | None) -> Receipt:
    with session.store.reader() as reader:
        done = sum(part.tally.total for part in reader.parts(plan))
    if done:
        session.say(f"Going on after {counted(done, 'customer')}.")
    try:
        with progress("Applying", 0 if run is None else run.tally.total) as tell_of:
            tell_of(done)

            def heard(chunk: int) -> None:
                nonlocal done
                done += chunk
                tell_of(done)

            return session.shop.apply_chunked(plan, session.actor, heard)
    except KeyboardInterrupt:
        session.say(f"Go on with: ownership apply --chunked {plan}")
        raise


def _stored(session: Session, plan: str) -> Run | None:
    with session.store.reader() as reader:
        return reader.run(plan)
