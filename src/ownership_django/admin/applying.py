"""Plans: shown to whoever made them, and applied together with the entries of Django's log."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from attrs import field as attribute
from attrs import frozen

from ownership_core.commands import AssignmentCommand, MovingCommand, Offboard, One, Revert
from ownership_core.errors import Problem, Refused
from ownership_core.model import StaffId
from ownership_core.plan import Receipt
from ownership_core.ports import Load, Run, RunState
from ownership_core.ruling import Fate, PlanRow
from ownership_core.service.beside import Beside
from ownership_core.service.retrying import retried
from ownership_core.service.tenure import moved_early
from ownership_core.service.transaction import plan_id, unknown_plan
from ownership_core.wire import command_from_wire
from ownership_django import conf
from ownership_django.admin.held import names_of
from ownership_django.admin.log import log_changed, log_left
from ownership_django.admin.verbs import said, staff_of
from ownership_django.bound import BoundOwnership
from ownership_django.models import IdempotencyKey

PAGE = 100


Moved: TypeAlias = AssignmentCommand | MovingCommand
"""What is planned, shown and applied here."""


@frozen
class Change:
    """What one staff gains and loses by a plan: customers, and being their primary; ``before`` is what it has."""

    name: str
    before: int
    gained: int
    lost: int
    primary_gained: int
    primary_lost: int

    @property
    def after(self) -> int:
        """What it would have."""
        return self.before + self.gained - self.lost


@frozen
class Shown:
    """A plan as its page shows it: the run, its command, who gains and who loses, and some of its rows.

    ``warnings`` say what to know before it is applied, as things stand now; ``beside`` is what it would do beside
    customers now, nothing for one that was applied.
    """

    run: Run
    command: Moved
    changes: tuple[Change, ...]
    rows: tuple[PlanRow, ...]
    names: Mapping[str, str] = attribute(factory=dict)
    warnings: tuple[Problem, ...] = ()
    beside: Beside = Beside()

    @property
    def sentence(self) -> str:
        """What would be done."""
        return said(self.command, self.names)


def found(bound: BoundOwnership, plan: str) -> tuple[Run, Moved]:
    """A plan of the asker's and its command; ``unknown_plan`` for one that is not there, or somebody else's."""
    with bound.service.store.reader() as reader:
        run = reader.run(plan_id(plan, bound.actor))
    if run is not None and run.actor == bound.actor:
        command = command_from_wire(run.command)
        if isinstance(command, Moved):
            return run, command
    raise Refused(unknown_plan(plan), who=bound.actor.id)


def one_customer(command: Moved) -> str | None:
    """The one customer it is about, if it is about one."""
    customers = getattr(command, "customers", None)
    return customers.id if isinstance(customers, One) else None


def is_applied(bound: BoundOwnership, run: Run) -> bool:
    """Whether the plan was applied here already, or is itself what was done."""
    done = IdempotencyKey.objects.using(conf.configuration().database).filter(key=_key(run))
    mine = done.filter(actor_kind=bound.actor.kind.value, actor=bound.actor.id)
    return run.state is RunState.APPLIED or mine.exists()


def _key(run: Run) -> str:
    return f"admin {run.id}"


def shown(bound: BoundOwnership, plan: str, fate: Fate | None, page: int) -> Shown:
    """The plan with one page of its rows, of one fate or of all. Its rows are read once, in a stream."""
    run, command = found(bound, plan)
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in ("added", "removed", "primary", "former")}
    rows: list[PlanRow] = []
    seen = 0
    for row in bound.service.plan_rows(bound.actor, run.id):
        _count(counts, row)
        if fate in (None, row.fate):
            if PAGE * (page - 1) <= seen < PAGE * page:
                rows.append(row)
            seen += 1
    named = {*(staff for one in counts.values() for staff in one), *_staff_in(rows)}
    names = names_of([*named, *staff_of(command)])
    service = bound.service
    with service.store.reader() as reader:
        loads = reader.loads([StaffId(one) for counted in counts.values() for one in counted], 0)
        warnings = moved_early(reader, run.id, command, service.settings, service.now())
    beside = _beside(bound, run, command)
    return Shown(run, command, _changes(counts, names, loads), tuple(rows), names, warnings, beside)


def _beside(bound: BoundOwnership, run: Run, command: Moved) -> Beside:
    if not isinstance(command, Offboard | Revert) or is_applied(bound, run):
        return Beside()
    try:
        return bound.service.beside(bound.actor, command)
    except Refused:
        return Beside()  # and so would applying be


def _count(counts: Mapping[str, Counter[str]], row: PlanRow) -> None:
    if row.fate is not Fate.CHANGED:
        return
    if row.added is not None:
        counts["added"][row.added] += 1
    for back in row.restored:
        counts["added"][back.staff] += 1
    for gone in row.removed:
        counts["removed"][gone.staff] += 1
    if row.primary_after != row.primary_before:
        if row.primary_after is not None:
            counts["primary"][row.primary_after] += 1
        if row.primary_before is not None:
            counts["former"][row.primary_before] += 1


def _changes(
    counts: Mapping[str, Counter[str]], names: Mapping[str, str], loads: Mapping[StaffId, Load]
) -> tuple[Change, ...]:
    kinds = ("added", "removed", "primary", "former")
    found = [
        Change(names.get(one, one), load.total, *(counts[kind][one] for kind in kinds)) for one, load in loads.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.gained, -one.primary_gained, one.name)))


def _staff_in(rows: list[PlanRow]) -> Iterator[str]:
    for row in rows:
        yield from (one for one in (row.added, row.primary_before, row.primary_after) if one is not None)
        yield from (one.staff for one in (*row.removed, *row.restored))


def applied(bound: BoundOwnership, plan: str, user: Any, model: Any) -> Receipt:
    """Apply a plan and log what it changed, both or neither; a second time answers as the first did.

    Where the transaction is ours, one that was ended for another's sake is begun and decided again. Whoever began
    it before us begins it again.
    """
    service, limits = bound.service, bound.service.settings.limits
    run, command = found(bound, plan)
    bound.forget()

    def once() -> Receipt:
        with service.atomic() as transaction:
            done = transaction.writer.recall(bound.actor, _key(run))
            receipt = transaction.apply(run.id, bound.actor, key=_key(run))
            if done is None and receipt.run is not None:
                message = f"{said(command, names_of(staff_of(command)))}. ({receipt.run})"
                log_changed(user, model, transaction.writer.plan_rows(receipt.run), message)
                if isinstance(command, Offboard):
                    log_left(user, command.staff, message)
        return receipt

    if not service.store.begins:
        return once()
    return retried(once, limits.tries, time.sleep, random.random)
