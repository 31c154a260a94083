"""A plan for people and programs: each customer, what each staff has before and after, and why some are refused."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TextIO

from ownership_core.cli.session import Session
from ownership_core.model import Action, Json, StaffId
from ownership_core.ports import Tally
from ownership_core.ruling import Fate, PlanRow
from ownership_core.scope import UNASSIGNED, AssignedTo
from ownership_core.service import Plan
from ownership_core.service.refusals import problem, sentence

LISTED = 100
"""How many customers a table lists; plans have any number, and nobody reads so many lines."""

Rows = Callable[[], Iterator[PlanRow]]


def show_plan(session: Session, plan: Plan, rows: Rows) -> None:
    """Print a plan: as tables with a sum for each staff and code, as JSON with all of it, as CSV row by row."""
    from ownership_core.cli.output import emit, emit_around

    tally = plan.run.tally
    if session.format == "json":
        head = {"plan": plan.id, "command": plan.run.command, "expires": plan.run.expires}
        sums = {"staff": staff_before_and_after(session, rows()), "codes": dict(tally.codes)}
        emit_around("rows", map(row_of, rows()), {**head, **sums, **_beside(plan)})
        return
    single = session.shop.counsel.cardinality.single
    columns = ["customer", "fate", "before", "after", *([] if single else ["added", "removed"]), "reasons"]
    shown = islice(rows(), LISTED) if session.format == "table" else rows()
    if next(rows(), None) is not None:
        emit(session.format, columns, map(row_of, shown))
    if session.format == "table":
        if tally.total > LISTED:
            session.say(f"{tally.total - LISTED} more customers are not shown; --format csv lists all.")
        show_sums(session, tally, rows, sys.stdout, apart=True)


def _beside(plan: Plan) -> Json:
    """What changes beside customers, and what stays as it is and should not."""
    ids = {"rules": [one.id for one in plan.beside.rules], "covers": [one.id for one in plan.beside.covers]}
    return {**ids, "warnings": [{"code": one.code, "what": one.what, "hint": one.hint} for one in plan.beside.left]}


def show_sums(session: Session, tally: Tally, rows: Rows, out: TextIO, *, apart: bool = False) -> None:
    """The tables of what each staff has before and after, and of how many are refused by which code."""
    from ownership_core.cli.output import emit

    for columns, found in (
        (("staff", "before", "gains", "loses", "after"), staff_before_and_after(session, rows())),
        (("code", "customers", "reason"), refused(tally)),
    ):
        if found:
            out.write("\n" if apart else "")
            emit("table", columns, found, out)
            apart = True


def row_of(row: PlanRow) -> Json:
    """One customer of a plan as data."""
    return {
        "customer": row.customer,
        "fate": row.fate.value,
        "before": row.primary_before,
        "after": row.primary_after,
        "added": row.added,
        "removed": [assignment.staff for assignment in row.removed],
        "restored": [assignment.staff for assignment in row.restored],
        "reasons": [f"{code}: {problem(code, row.customer).what}" for code in row.codes],
    }


def refused(tally: Tally) -> list[Json]:
    """How many customers each code refuses, the most first."""
    ordered = sorted(tally.codes.items(), key=lambda found: (-found[1], found[0]))
    return [{"code": code, "customers": count, "reason": sentence(code)[0]} for code, count in ordered]


def staff_before_and_after(session: Session, rows: Iterable[PlanRow]) -> list[Json]:
    """Whoever gains or loses: how many of the customers the asker sees it has, gains, loses and has then.

    Where a customer has one staff at most, the last line is nobody's (None), so that all of them add up.
    """
    gains: Counter[StaffId | None] = Counter()
    losses: Counter[StaffId | None] = Counter()
    nobody: tuple[None, ...] = (None,) if session.shop.counsel.cardinality.single else ()
    for row in rows:
        if row.fate is Fate.CHANGED:
            come = [*([] if row.added is None else [row.added]), *(one.staff for one in row.restored)]
            gone = [one.staff for one in row.removed]
            gains.update(come or (nobody if gone else ()))
            losses.update(gone or (nobody if come else ()))
    everybody = sorted({*gains, *losses}, key=lambda one: (one is None, one or ""))
    return [_before_and_after(session, one, gains[one], losses[one]) for one in everybody]


def _before_and_after(session: Session, staff: StaffId | None, gains: int, losses: int) -> Json:
    held = UNASSIGNED if staff is None else AssignedTo([staff])
    before = session.shop.visible(session.actor, Action.VIEW).where(held).count()
    return {"staff": staff, "before": before, "gains": gains, "loses": losses, "after": before + gains - losses}
