"""The commands about what was done: ``runs`` lists it, ``undo`` takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import click

from ownership_core.cli.options import shop_command
from ownership_core.cli.plans import How, after_asking, carry_out, plan_options
from ownership_core.cli.session import Session
from ownership_core.cli.showing import LISTED, row_of
from ownership_core.cli.voice import counted, who_of
from ownership_core.commands import Revert
from ownership_core.keys import from_micros
from ownership_core.model import Json
from ownership_core.ports import Run, RunState
from ownership_core.ruling import Fate, PlanRow
from ownership_core.service import Plan

_COLUMNS = ("run", "at", "by", "what", "state", "changed", "unchanged", "refused", "stale", "reason")


@shop_command("runs")
@click.option("--limit", type=click.IntRange(min=1), default=50, help="How many (50).")
def runs(session: Session, limit: int) -> None:
    """List who ran what and when, the newest first.

    Your own; everybody's where you may explain every customer. A plan waits, is begun in chunks, or has expired.
    """
    from ownership_core.cli.output import emit

    found = session.shop.runs(session.actor, limit)
    emit(session.format, _COLUMNS, [_run(session, run) for run in found])
    session.say(f"{counted(len(found), 'run')}.")


@shop_command("undo")
@click.argument("run")
@click.option("--reason", help="Why; it stands in the history.")
@plan_options
def undo(session: Session, run: str, reason: str | None, **how: object) -> int:
    """Take RUN back, except what was changed since, which is listed."""
    command, wanted = Revert(run, reason), How(**how)  # type: ignore[arg-type]
    if wanted.only_planned:
        return carry_out(session, command, wanted)
    plan = session.shop.plan(command, session.actor)
    _list_what_stays(session, plan)
    return after_asking(session, command, plan, wanted)


def _list_what_stays(session: Session, plan: Plan) -> None:
    from ownership_core.cli.output import emit

    def left() -> Iterator[PlanRow]:
        return (row for row in session.shop.plan_rows(session.actor, plan.id) if row.fate is Fate.REFUSED)

    if session.format == "json" or not plan.run.tally.refused:
        return
    shown = islice(left(), LISTED) if session.format == "table" else left()
    emit(session.format, ("customer", "reasons"), map(row_of, shown))
    if session.format == "table" and plan.run.tally.refused > LISTED:
        session.say(f"{plan.run.tally.refused - LISTED} more stay as they are; --format csv lists all.")


def _run(session: Session, run: Run) -> Json:
    tally = run.tally
    return {
        "run": run.id,
        "at": from_micros(run.at).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "by": who_of(run.actor),
        "what": run.what,
        "state": _state(session, run),
        "changed": tally.changed,
        "unchanged": tally.unchanged,
        "refused": tally.refused,
        "stale": tally.stale,
        "codes": dict(tally.codes),
        "reason": run.reason,
    }


def _state(session: Session, run: Run) -> str:
    if run.state is RunState.APPLIED:
        return run.state.value
    if run.expires is None:
        return "begun"
    return "expired" if run.expires <= session.shop.now() else run.state.value
