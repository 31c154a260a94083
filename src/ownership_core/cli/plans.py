"""Plans: shown before something moves and saved as a file; what is asked before, and what a change has done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click
from attrs import frozen

from ownership_core.cli.choosing import asked, require_somebody_to_ask
from ownership_core.cli.progress import progress
from ownership_core.cli.session import Session
from ownership_core.cli.showing import show_plan, show_sums
from ownership_core.cli.voice import DONE, REFUSED, counted, is_terminal, warn
from ownership_core.commands import Command, SwitchCardinality
from ownership_core.errors import invalid
from ownership_core.keys import from_micros
from ownership_core.plan import Receipt, write_plan
from ownership_core.ports import Tally
from ownership_core.ruling import PlanRow
from ownership_core.service import Plan
from ownership_core.service.undoing import CHANGES_BESIDE

_Function = TypeVar("_Function", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, dir_okay=False)
SWITCHED = "switch_cardinality"


@frozen
class How:
    """Whether a change is only shown, and how carefully it is carried out."""

    plan: bool = False
    output: Path | None = None
    key: str | None = None
    strict: bool | None = None
    yes: bool = False

    @classmethod
    def taken(cls, given: dict[str, Any]) -> How:
        """Take what is ours out of the options of a command."""
        return cls(**{slot.name: given.pop(slot.name) for slot in attrs.fields(cls)})

    @property
    def only_planned(self) -> bool:
        """Whether nothing would be carried out."""
        return self.plan or self.output is not None


def strict_option(function: _Function) -> _Function:
    """``--strict/--no-strict``: as the command has it where neither is said."""
    text = "Change nothing at all when any customer is refused (only when somebody leaves)."
    return click.option("--strict/--no-strict", default=None, help=text)(function)


def plan_options(function: _Function) -> _Function:
    """``--plan [-o FILE]``, ``--yes``, ``--key`` and ``--strict``."""
    for option in (
        click.option("--yes", is_flag=True, help="Do not ask before anything changes."),
        strict_option,
        click.option("--key", help="Say it twice with the same key and it is done once."),
        click.option("-o", "--output", type=_FILE, help="With --plan: save the plan in this file."),
        click.option("--plan", is_flag=True, help="Show what would happen, and change nothing."),
    ):
        function = option(function)
    return function


def carry_out(session: Session, command: Command, how: How, about: str = "") -> int:
    """Show the plan of a command, or do it and say what was done.

    Whoever sits at a terminal is told what it comes to, after ``about``, and asked; a script has said what it wants.
    """
    if how.only_planned or how.yes or not is_terminal():
        return _carry_out(session, command, how)
    return after_asking(session, command, session.shop.plan(command, session.actor), how, about)


def _carry_out(session: Session, command: Command, how: How) -> int:
    if how.plan:
        return _planned(session, session.shop.plan(command, session.actor), how.output)
    if how.output is not None:
        raise click.UsageError("-o FILE saves a plan: say --plan too.")
    receipt = session.shop.execute(command, session.actor, key=how.key, strict=how.strict)
    return tell(session, receipt)


def tell(session: Session, receipt: Receipt) -> int:
    """What a receipt says; its exit code is 1 where anything was refused or stale, or stays beside customers."""
    if session.format == "json":
        from ownership_core.cli.output import emit_one

        emit_one("json", receipt.to_json(), "")
    session.say(f"{tallied(receipt.tally, receipt.rules, receipt.covers)}.")
    if receipt.what == SWITCHED and receipt.run is not None:
        session.say("Now name the new cardinality in the settings; under the former one the shop does not open.")
    if receipt.new_matches:
        session.say(f"{receipt.new_matches} more fit the search by now; they were left alone.")
    for warning in (*receipt.warnings, *receipt.problems):
        warn(str(warning))
    stays = receipt.what in CHANGES_BESIDE and receipt.warnings
    return REFUSED if receipt.tally.refused or receipt.tally.stale or stays else DONE


def tallied(tally: Tally, rules: Sequence[object] = (), covers: Sequence[object] = ()) -> str:
    """A tally as a sentence: ``12 changed, 3 unchanged, 2 refused (group_restricted: 2), and 1 rule, 2 covers``."""
    parts = [f"{tally.changed} changed"]
    parts += [f"{count} {name}" for name in ("unchanged", "refused", "stale") if (count := getattr(tally, name))]
    codes = ", ".join(f"{code}: {count}" for code, count in sorted(tally.codes.items()))
    return ", ".join(parts) + (f" ({codes})" if codes else "") + beside(rules, covers)


def beside(rules: Sequence[object], covers: Sequence[object]) -> str:
    """What changes beside customers, where anything does: ``, and 1 rule, 2 covers``."""
    found = [counted(len(several), what) for several, what in ((rules, "rule"), (covers, "cover")) if several]
    return f", and {', '.join(found)}" if found else ""


def carry_out_asked(session: Session, command: Command, how: How) -> int:
    """As :func:`carry_out`, where scripts say ``--yes`` too: it moves many."""
    if not (how.only_planned or how.yes):
        require_somebody_to_ask("It is not said that customers may move")
    return carry_out(session, command, how)


def after_asking(session: Session, command: Command, plan: Plan, how: How, about: str = "") -> int:
    """Show on stderr what a plan comes to, ask, and do it; exit code 1 where some are refused.

    With a key the command itself is sent, so that its repetition is one; and so it is where nothing would change.
    """
    tally, more = plan.run.tally, plan.beside
    changes = tally.changed or more.changes
    if not how.yes:
        show_sums(session, plan.run, lambda: session.shop.plan_rows(session.actor, plan.id), sys.stderr)
        _warn_of(plan)
    asks = changes or isinstance(command, SwitchCardinality)  # whatever becomes of customers, it is asked about
    if asks and not asked(session, f"{about}This would be: {tallied(tally, more.rules, more.covers)}.", yes=how.yes):
        session.say("Nothing was changed.")
        return DONE
    if how.key is not None or not changes:
        return _carry_out(session, command, how)
    code = tell(session, session.shop.apply(plan.id, session.actor, strict=how.strict))
    return REFUSED if tally.refused else code


def _planned(session: Session, plan: Plan, output: Path | None) -> int:
    def rows() -> Iterator[PlanRow]:
        return session.shop.plan_rows(session.actor, plan.id)

    if output is not None:
        _save(plan, rows(), output)
    show_plan(session, plan, rows)
    session.say(f"Planned: {tallied(plan.run.tally, plan.beside.rules, plan.beside.covers)}. Nothing was changed.")
    _warn_of(plan)
    if plan.run.expires is not None:
        until = from_micros(plan.run.expires).strftime("%Y-%m-%d %H:%M UTC")
        session.say(f"Do it: ownership apply {output or plan.id} (the plan is kept until {until})")
    return DONE


def _warn_of(plan: Plan) -> None:
    for warning in (*plan.warnings, *plan.beside.left):
        warn(str(warning))


def _save(plan: Plan, rows: Iterator[PlanRow], output: Path) -> None:
    try:
        with output.open("w", encoding="utf-8") as file, progress("Saving", plan.run.tally.total) as tell_of:
            write_plan(plan.run, _watched(rows, tell_of), file)
    except OSError as broken:
        raise invalid("unwritable_file", f"{output} cannot be written: {broken.strerror}.") from None


def _watched(rows: Iterator[PlanRow], tell_of: Callable[[int], None]) -> Iterator[PlanRow]:
    for done, row in enumerate(rows):
        if not done % 1_000:
            tell_of(done)
        yield row
