"""The commands ``customers|staff|departments|assignments import FILE.csv``."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import click

from ownership_core.cli.choosing import asked
from ownership_core.cli.options import shop_command
from ownership_core.cli.session import Session
from ownership_core.cli.voice import DONE, REFUSED, is_terminal, say, warn
from ownership_core.errors import InvalidInput, invalid

_FILE = click.Path(path_type=Path)


def _group(name: str, text: str) -> click.Group:
    return click.Group(name, help=text)


customers = _group("customers", "Bring customers in from a file.")
staff = _group("staff", "Bring staff in from a file.")
departments = _group("departments", "Bring departments in from a file.")
assignments = _group("assignments", "Bring in from a file who owns which customer.")

_HELP = """Read FILE, a CSV file with a header: {fields}.

Every row is looked at before anything is written; bad rows are told with line, column and reason, and
unless --partial is given one bad row is enough to write none. The same file again changes nothing."""

_FIELDS = {
    "customers": "id, any customer field (name, email, groups ...), and staff, the owner of a new customer. "
    "Fields with several values hold them with ; between",
    "staff": "id and label, and if you like login, active, departments, websites, allow_groups, deny_groups, role",
    "departments": "id and label, and if you like parent, allow_groups, deny_groups",
    "assignments": "customer and staff, and if you like primary (yes or no) and role",
}


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--errors", type=_FILE, help="Write bad rows to this CSV file instead of stderr."),
        click.option("--update", is_flag=True, help="Change what is there already and differs."),
        click.option("--partial", is_flag=True, help="Write the good rows even where others are bad."),
        click.option("--yes", is_flag=True, help="Do not ask before anything is written."),
        click.option("--dry-run", is_flag=True, help="Report the same, write nothing."),
        click.option("--map", type=_FILE, help="TOML file: which column is which field, and which are ignored."),
        click.option("--delimiter", help="What stands between cells (found out: , ; tab or |)."),
        click.option("--encoding", default="utf-8-sig", help="How the file is written (utf-8)."),
        click.argument("file", type=_FILE),
    ):
        function = option(function)
    return function


def _importing(group: click.Group) -> None:
    noun = group.name or ""

    @_options
    def command(session: Session, errors: Path | None, yes: bool, **wishes: Any) -> int:
        if wishes["delimiter"] in {"tab", "\\t"}:
            wishes["delimiter"] = "\t"
        if wishes["delimiter"] is not None and len(wishes["delimiter"]) != 1:
            raise invalid("bad_csv", "The delimiter is one character.", "Write --delimiter ';' or --delimiter tab.")
        if is_terminal() and not yes and not wishes["dry_run"] and not _agreed(session, noun, wishes):
            session.say("Nothing was changed.")
            return DONE
        return _import(session, noun, errors, wishes)

    group.add_command(shop_command("import", help=_HELP.format(fields=_FIELDS[noun]))(command))


for _one in (customers, staff, departments, assignments):
    _importing(_one)


def _agreed(session: Session, noun: str, wishes: dict[str, Any]) -> bool:
    """Whether somebody says yes to what a file would change; what changes nothing is only reported.

    What can be read once only, a pipe, is not asked about.
    """
    from ownership_core.cli.importing.stage import Stage

    if not wishes["file"].is_file():
        return True
    with Stage() as stage:
        try:
            would = _job(session, noun, {**wishes, "dry_run": True}, stage).run()
        except InvalidInput:
            return True  # told by the import itself
    if not (would.created or would.changed) or (would.bad and not wishes["partial"]):
        return True
    return asked(session, f"{noun}: this would be {_counts(would)}.", yes=False)


def _job(session: Session, noun: str, wishes: dict[str, Any], stage: Any) -> Any:
    from ownership_core.cli.importing.assignments import AssignmentJob
    from ownership_core.cli.importing.customers import CustomerJob
    from ownership_core.cli.importing.job import Job, Wishes
    from ownership_core.cli.importing.people import DepartmentJob, StaffJob

    jobs: dict[str, Callable[..., Job]] = {
        "customers": CustomerJob,
        "staff": StaffJob,
        "departments": DepartmentJob,
        "assignments": AssignmentJob,
    }
    return jobs[noun](session.shop, session.actor, Wishes(**wishes), stage)


def _import(session: Session, noun: str, errors: Path | None, wishes: dict[str, Any]) -> int:
    from ownership_core.cli.importing.stage import Stage

    with Stage() as stage:
        job = _job(session, noun, wishes, stage)
        try:
            outcome = job.run()
        except InvalidInput:
            _tell_troubles(stage, errors)
            raise
        _report(session, noun, outcome, stage, errors)
        for warning in outcome.warnings:
            warn(str(warning))
    return REFUSED if outcome.bad else DONE


def _report(session: Session, noun: str, outcome: Any, stage: Any, errors: Path | None) -> None:
    if session.format == "json":
        _report_as_json(outcome, stage)
        return
    _tell_troubles(stage, errors)
    if outcome.written:
        say(f"{noun}: {_counts(outcome)}.")
    else:
        say(f"{noun}: nothing was written. It would be: {_counts(outcome)}.")
        if outcome.bad:
            say("Mend the bad rows, or write the good ones alone with --partial.")


def _counts(outcome: Any) -> str:
    counts = ", ".join(f"{getattr(outcome, name)} {name}" for name in ("created", "changed", "unchanged"))
    more = f", {outcome.repeated} repeated" if outcome.repeated else ""
    return f"{counts}{more}{f', {outcome.bad} bad' if outcome.bad else ''}"


def _report_as_json(outcome: Any, stage: Any) -> None:
    report = {**attrs.asdict(outcome, filter=lambda a, _: a.name != "warnings")}
    report["problems"] = [attrs.asdict(trouble) for trouble in stage.troubles()]
    sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=2) + "\n")


def _tell_troubles(stage: Any, errors: Path | None) -> None:
    if errors is not None:
        _write_troubles(stage, errors)
        return
    if not stage.troubled:
        return
    say(f"{'line':>6}  {'column':<16}  {'code':<20}  reason")
    for one in stage.troubles():
        say(f"{one.line:>6}  {one.column or '-':<16}  {one.code:<20}  {one.reason}")


def _write_troubles(stage: Any, errors: Path) -> None:
    from ownership_core.cli.cells import guard

    try:
        file = errors.open("w", encoding="utf-8-sig", newline="")
    except OSError as broken:
        raise invalid("unwritable_file", f"{errors} cannot be written: {broken.strerror}.") from None
    with file:
        writer = csv.writer(file)
        writer.writerow(["line", "column", "code", "reason"])
        for one in stage.troubles():
            writer.writerow([one.line, guard(one.column), one.code, guard(one.reason)])
