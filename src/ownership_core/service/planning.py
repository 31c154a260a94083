"""What a command would do, kept as a plan that waits; nothing else is written (C04, C05)."""

from __future__ import annotations

import attrs
from attrs import frozen

from ownership_core.commands import ChangeDepartment, ChangeStaff, Command, RehearsedCommand
from ownership_core.errors import Problem
from ownership_core.model import Actor
from ownership_core.plan import Receipt
from ownership_core.ports import Run, RunState, Store, Writer
from ownership_core.service.beside import Beside
from ownership_core.service.desk import Desk
from ownership_core.service.writing import Planned, Writing
from ownership_core.wire import command_to_wire

PLAN_LIFETIME = 7 * 24 * 3600 * 1_000_000
"""How long an unapplied plan can be applied, in microseconds: a week."""


@frozen
class Plan:
    """A stored plan and what it would do, ``beside`` customers too; nothing else was written (C05).

    ``warnings`` say what to know before it is applied.
    """

    run: Run
    warnings: tuple[Problem, ...] = ()
    beside: Beside = Beside()

    @property
    def id(self) -> str:
        """What :meth:`Ownership.apply` takes."""
        return self.run.id


def save_plan(desk: Desk, store: Store, actor: Actor, command: Command) -> Plan:
    """Plan ``command`` and keep the plan for a week; those that nobody applied in time go.

    Commands about people and new customers are rehearsed in a transaction that is undone.
    """
    if isinstance(command, RehearsedCommand):
        rehearsed = _rehearsed(desk, store, actor, command)
        with store.writer() as writer:
            return Plan(_kept(desk, writer, rehearsed).run)
    with store.writer() as writer:
        writing = Writing(desk, writer, actor)
        planned = _kept(desk, writer, writing.plan(command))
        return Plan(planned.run, planned.warnings, writing.beside(command, planned.run.at))


def _kept(desk: Desk, writer: Writer, planned: Planned) -> Planned:
    kept = attrs.evolve(planned.run, expires=planned.run.at + PLAN_LIFETIME)
    writer.expire(desk.now())
    writer.save_run(kept)
    return attrs.evolve(planned, run=kept)


class _Rehearsal(Exception):
    """Ends a transaction that only wanted to know what would happen."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__()
        self.receipt = receipt


def _rehearsed(desk: Desk, store: Store, actor: Actor, command: RehearsedCommand) -> Planned:
    if isinstance(command, ChangeStaff | ChangeDepartment) and command.expected_version is None:
        command = attrs.evolve(command, expected_version=_version_of(store, command))
    at = desk.now()
    try:
        with store.writer() as writer:
            raise _Rehearsal(Writing(desk, writer, actor).execute(command))
    except _Rehearsal as over:
        done = over.receipt
    run = Run(
        id=desk.new_run(),
        state=RunState.PLANNED,
        what=done.what,
        command=command_to_wire(command),
        actor=actor,
        at=at,
        reason=command.reason,
        tally=done.tally,
    )
    return Planned(run, done.warnings)


def _version_of(store: Store, command: ChangeStaff | ChangeDepartment) -> int:
    with store.reader() as reader:
        if isinstance(command, ChangeStaff):
            return next((staff.version for staff in reader.staff([command.staff])), 0)
        return next((one.version for one in reader.departments() if one.id == command.department), 0)
