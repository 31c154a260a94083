"""Plans: shown before something moves, saved as a file, applied later; and what a change has done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
from attrs import frozen

from ownership_core.cli.options import shop_command
from ownership_core.cli.session import Session
from ownership_core.cli.voice import DONE, REFUSED, warn
from ownership_core.commands import Command
from ownership_core.errors import invalid
from ownership_core.keys import from_micros
from ownership_core.model import Json
from ownership_core.plan import Receipt, read_plan, write_plan
from ownership_core.ports import Tally
from ownership_core.ruling import Fate, PlanRow
from ownership_core.service import Plan
from ownership_core.service.refusals import problem

_Function = TypeVar("_Function", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, dir_okay=False)


@frozen
class How:
    """Whether a change is only shown, and how carefully it is carried out."""

    plan: bool = False
    output: Path | None = None
    key: str | None = None
    strict: bool = False


def plan_options(function: _Function) -> _Function:
    """``--plan [-o FILE]``, ``--key`` and ``--strict``."""
    for option in (
        click.option("--strict", is_flag=True, help="Change nothing at all when any customer is refused."),
        click.option("--key", help="Say it twice with the same key and it is done once."),
        click.option("-o", "--output", type=_FILE, help="With --plan: save the plan in this file."),
        click.option("--plan", is_flag=True, help="Show what would happen, and change nothing."),
    ):
        function = option(function)
    return function


def carry_out(session: Session, command: Command, how: How) -> int:
    """Show the plan of a command, or do it and say what was done."""
    if how.plan:
        return _planned(session, session.shop.plan(command, session.actor), how.output)
    if how.output is not None:
        raise click.UsageError("-o FILE saves a plan: say --plan too.")
    receipt = session.shop.execute(command, session.actor, key=how.key, strict=how.strict)
    return tell(session, receipt)


def tell(session: Session, receipt: Receipt) -> int:
    """What a receipt says; its exit code is 1 where anything was refused or stale."""
    if session.format == "json":
        from ownership_core.cli.output import emit_one

        emit_one("json", receipt.to_json(), "")
    session.say(f"{tallied(receipt.tally)}.")
    if receipt.new_matches:
        session.say(f"{receipt.new_matches} more fit the search by now; they were left alone.")
    for warning in (*receipt.warnings, *receipt.problems):
        warn(str(warning))
    return REFUSED if receipt.tally.refused or receipt.tally.stale else DONE


def tallied(tally: Tally) -> str:
    """A tally as a sentence: ``12 changed, 3 unchanged, 2 refused (group_restricted: 2)``."""
    parts = [f"{tally.changed} changed"]
    parts += [f"{count} {name}" for name in ("unchanged", "refused", "stale") if (count := getattr(tally, name))]
    codes = ", ".join(f"{code}: {count}" for code, count in sorted(tally.codes.items()))
    return ", ".join(parts) + (f" ({codes})" if codes else "")


@shop_command("apply")
@click.argument("plan", metavar="FILE|PLAN-ID")
@click.option("--key", help="Say it twice with the same key and it is done once.")
@click.option("--strict", is_flag=True, help="Change nothing at all when any customer is refused or stale.")
def apply(session: Session, plan: str, key: str | None, strict: bool) -> int:
    """Do what a plan says.

    Only where that is still what would happen: everything is decided again, as whoever applies it;
    customers that changed meanwhile are stale and left alone.
    """
    path = Path(plan)
    if not path.is_file():
        if path.suffix or len(path.parts) > 1:
            raise invalid("unreadable_file", f"There is no file {plan!r}.", "Name a plan file, or the id of a plan.")
        return tell(session, session.shop.apply(plan, session.actor, key=key, strict=strict))
    try:
        with path.open(encoding="utf-8") as file:
            return tell(session, session.shop.apply(read_plan(file), session.actor, key=key, strict=strict))
    except UnicodeDecodeError:
        raise invalid("invalid_plan", f"{plan} is no text in UTF-8.", "Make the plan again.", plan) from None
    except OSError as broken:
        raise invalid("unreadable_file", f"{plan} cannot be read: {broken.strerror}.") from None


def _planned(session: Session, plan: Plan, output: Path | None) -> int:
    def rows() -> Iterator[PlanRow]:
        return session.shop.plan_rows(session.actor, plan.id)

    if output is not None:
        _save(plan, rows(), output)
    _show(session, plan, rows)
    session.say(f"Planned: {tallied(plan.run.tally)}. Nothing was changed.")
    if plan.run.expires is not None:
        until = from_micros(plan.run.expires).strftime("%Y-%m-%d %H:%M UTC")
        session.say(f"Do it: ownership apply {output or plan.id} (the plan is kept until {until})")
    return DONE


def _save(plan: Plan, rows: Iterator[PlanRow], output: Path) -> None:
    try:
        with output.open("w", encoding="utf-8") as file:
            write_plan(plan.run, rows, file)
    except OSError as broken:
        raise invalid("unwritable_file", f"{output} cannot be written: {broken.strerror}.") from None


def _show(session: Session, plan: Plan, rows: Callable[[], Iterator[PlanRow]]) -> None:
    from ownership_core.cli.output import emit, emit_one

    if session.format == "json":
        listed = {"plan": plan.id, "command": plan.run.command, "expires": plan.run.expires}
        emit_one("json", {**listed, "rows": [_row(row) for row in rows()], "staff": _moved(rows())}, "")
        return
    single = session.shop.counsel.cardinality.single
    columns = ["customer", "fate", "before", "after", *([] if single else ["added", "removed"]), "reasons"]
    if plan.run.tally.total and next(rows(), None) is not None:
        emit(session.format, columns, map(_row, rows()))
    if session.format == "table" and (moved := _moved(rows())):
        sys.stdout.write("\n")
        emit("table", ["staff", "gains", "loses"], moved)


def _row(row: PlanRow) -> Json:
    return {
        "customer": row.customer,
        "fate": row.fate.value,
        "before": row.primary_before,
        "after": row.primary_after,
        "added": row.added,
        "removed": [assignment.staff for assignment in row.removed],
        "reasons": [f"{code}: {problem(code, row.customer).what}" for code in row.codes],
    }


def _moved(rows: Iterator[PlanRow]) -> list[Json]:
    """How many customers each staff gains and loses."""
    gains: dict[str, int] = {}
    losses: dict[str, int] = {}
    for row in rows:
        if row.fate is Fate.CHANGED:
            if row.added is not None:
                gains[row.added] = gains.get(row.added, 0) + 1
            for gone in row.removed:
                losses[gone.staff] = losses.get(gone.staff, 0) + 1
    everybody = sorted({*gains, *losses})
    return [{"staff": one, "gains": gains.get(one, 0), "loses": losses.get(one, 0)} for one in everybody]
