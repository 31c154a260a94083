"""A plan for people and programs: each customer, what each staff has before and after, and why some are refused."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TextIO

import attrs

from ownership_core.access import sees_unassigned
from ownership_core.cli.session import Session
from ownership_core.decide.asking import ACTION_OF
from ownership_core.model import Access, Action, Json, StaffId
from ownership_core.ports import Run, Tally
from ownership_core.ruling import Fate, PlanRow
from ownership_core.scope import UNASSIGNED, AssignedTo, Scope
from ownership_core.service import Plan
from ownership_core.service.reading import Sight
from ownership_core.service.refusals import problem, sentence
from ownership_core.wire import command_from_wire

LISTED = 100
"""How many customers a table lists; plans have any number, and nobody reads so many lines."""

Rows = Callable[[], Iterator[PlanRow]]


def show_plan(session: Session, plan: Plan, rows: Rows) -> None:
    """Print a plan: as tables with a sum for each staff and code, as JSON with all of it, as CSV row by row."""
    from ownership_core.cli.output import emit, emit_around

    tally = plan.run.tally
    if session.format == "json":
        head = {"plan": plan.id, "command": plan.run.command, "expires": plan.run.expires}
        sums = {"staff": staff_before_and_after(session, plan.run, rows()), "codes": dict(tally.codes)}
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
        show_sums(session, plan.run, rows, sys.stdout, apart=True)


def _beside(plan: Plan) -> Json:
    """What changes beside customers, and what to know before it is applied."""
    ids = {"rules": [one.id for one in plan.beside.rules], "covers": [one.id for one in plan.beside.covers]}
    return {**ids, "warnings": [attrs.asdict(one) for one in (*plan.warnings, *plan.beside.left)]}


def show_sums(session: Session, run: Run, rows: Rows, out: TextIO, *, apart: bool = False) -> None:
    """The tables of what each staff has before and after, and of how many are refused by which code."""
    from ownership_core.cli.output import emit

    for columns, found in (
        (("staff", "before", "gains", "loses", "after"), staff_before_and_after(session, run, rows())),
        (("code", "customers", "reason"), refused(run.tally)),
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


def staff_before_and_after(session: Session, run: Run, rows: Iterable[PlanRow]) -> list[Json]:
    """Whoever gains or loses: how many of the customers the asker knows of it has, gains, loses and has then.

    Where a customer has one staff at most, the last line is nobody's (None), so that all of them add up. How many
    nobody has stays open (None) for an asker who sees none of them.
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
    before = _held(session, ACTION_OF[type(command_from_wire(run.command))], everybody)
    return [
        {
            "staff": one,
            "before": held,
            "gains": gains[one],
            "loses": losses[one],
            "after": None if held is None else held + gains[one] - losses[one],
        }
        for one, held in before.items()
    ]


def _held(session: Session, action: str, everybody: Iterable[StaffId | None]) -> dict[StaffId | None, int | None]:
    """How many customers each has of those the asker may view, or do ``action`` to; nobody's also to claim."""
    shop = session.shop
    with session.store.reader() as reader:
        sight = Sight(reader, shop.counsel, shop.edge.actor(session.actor), shop.now())

        def count(actions: tuple[str, ...], scope: Scope) -> int:
            return sight.guarded_by(lambda access: sight.either(access, actions, scope), reader.count, 0)

        held: dict[StaffId | None, int | None] = {}
        for one in everybody:
            if one is not None:
                held[one] = count((Action.VIEW, action), AssignedTo([one]))
                continue
            known = (Action.VIEW, Action.CLAIM, action)
            held[one] = count(known, UNASSIGNED) if _sees_unassigned(session, sight.access(), known) else None
        return held


def _sees_unassigned(session: Session, access: Access | None, actions: Iterable[str]) -> bool:
    """Whether customers nobody is assigned to are in the asker's reach; the operator reaches all."""
    visibility = session.shop.settings.unassigned_visibility
    if access is None or access.unbounded:
        return True
    return any(sees_unassigned(access.level(action), action, visibility) for action in actions)
