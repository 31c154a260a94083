"""The use cases: what an application calls. Loads, lets decide, saves, tells; holds no rule of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import attrs
from attrs import frozen

from ownership_core.commands import (
    AccessCommand,
    ChangeDepartment,
    ChangeStaff,
    Command,
    CreateCustomer,
    CustomerCommand,
    GrantAccess,
)
from ownership_core.counsel import Counsel
from ownership_core.defaults import built_in
from ownership_core.desk import Desk
from ownership_core.discovery import discover
from ownership_core.edge import Edge
from ownership_core.errors import Conflict, InvalidInput, Problem, Refused
from ownership_core.events import Event
from ownership_core.explain import Explanation
from ownership_core.fields import Field, Fields
from ownership_core.hookspecs import Committed, DoctorCheck
from ownership_core.host import Host
from ownership_core.inquiry import Inquiry
from ownership_core.keys import ID_LIMIT, parse_id, parse_text, to_micros
from ownership_core.model import Action, Actor, CustomerId, StaffId
from ownership_core.plan import PlanFile, Receipt
from ownership_core.ports import Clock, Remembered, Run, RunState, Store, Writer
from ownership_core.reading import Visible
from ownership_core.ruling import PlanRow
from ownership_core.runid import run_id
from ownership_core.settings import Settings
from ownership_core.wire import command_from_wire, command_to_wire, payload_hash
from ownership_core.writing import Source, Writing

PLAN_LIFETIME = 7 * 24 * 3600 * 1_000_000
"""How long an unapplied plan can be applied, in microseconds: a week."""


@frozen
class Plan:
    """A stored plan and what it would do; nothing else was written (C05)."""

    run: Run

    @property
    def id(self) -> str:
        """What :meth:`Ownership.apply` takes."""
        return self.run.id


def host_for(settings: Settings, plugins: dict[str, object] | None = None, installed: bool = True) -> Host:
    """The host of an application: built-in plugins, ``plugins`` handed in, and the installed ones."""
    found = discover(settings.plugins) if installed else []
    return Host({**built_in(settings), **(plugins or {})}, found, settings.plugins.block)


def fields_for(settings: Settings, host: Host) -> Fields:
    """All declared fields: built in, from the settings, and from plugins."""
    offered = [field for _, field in host.gather("ownership_customer_fields", Field)]
    return Fields.declare((*settings.fields, *offered))


class Ownership:
    """Who owns which customer, who may see or touch it, why, and what happens when that changes.

    ``store`` is where it is kept, ``host`` the plugins (built-in ones only when left out). ``clock`` and
    ``random`` stand in for the present and for randomness. Refuses to start with a store that does not
    fit the settings (:class:`StoreError`, see ``Store.check``).

    >>> from ownership_core.testing import MemoryStore
    >>> shop = Ownership(MemoryStore())
    >>> shop.check(Actor.staff("nobody"), "view", ["c1"])
    frozenset()
    """

    def __init__(
        self,
        store: Store,
        settings: Settings | None = None,
        host: Host | None = None,
        *,
        clock: Clock = lambda: datetime.now(UTC),
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.settings = settings or Settings()
        self.host = host or host_for(self.settings, installed=False)
        self.store = store
        self.counsel = Counsel(self.host, self.settings, store.fields)
        self.host.require(self.settings.plugins.require)
        self.edge = Edge(store.capabilities, store.fields, self.settings.limits)
        self._random = random
        self._clock = clock
        store.check(self.counsel.cardinality.name)

    @classmethod
    def from_settings(cls, settings: Settings, **options: object) -> Ownership:
        """Open the store the settings name, through its plugin, with everything installed."""
        host = host_for(settings)
        store = host.pick("ownership_store", settings.store, settings=settings, fields=fields_for(settings, host))
        return cls(store, settings, host, **options)  # type: ignore[arg-type]

    # --- reading -----------------------------------------------------------------------------------

    def visible(self, actor: Actor, action: str = Action.VIEW) -> Visible:
        """The customers ``actor`` may do ``action`` to; narrow, then page, count, list ids or export."""
        return Visible(self.store, self.counsel, self.edge, self.edge.actor(actor), str(action))

    def check(self, actor: Actor, action: str, customers: Iterable[object]) -> frozenset[CustomerId]:
        """Those of ``customers`` the actor may do ``action`` to; hidden and missing are simply not in it."""
        ids = self.edge.customer_ids(customers)
        return self._inquiry(actor).check(str(action), ids)

    def check_related(self, actor: Actor, kind: str, action: str, records: Iterable[str]) -> frozenset[str]:
        """Those of ``records`` of ``kind`` whose customer the actor may do ``action`` to (B21)."""
        return self._inquiry(actor).check_related(kind, str(action), tuple(records))

    def why(self, actor: Actor, staff: str, action: str, customer: object) -> Explanation:
        """Why ``staff`` may or may not do ``action`` to ``customer``; needs the right ``explain`` (row 33).

        Raises :class:`Refused` with ``not_found`` for customers outside the asker's ``explain``.
        """
        return self._inquiry(actor).why(self.edge.customer_id(customer), self.edge.staff_id(staff), str(action))

    def why_cannot(self, actor: Actor, command: CustomerCommand) -> Explanation:
        """Every condition of a command about one customer, met or not, decided by the same code (row 34)."""
        clean = self.edge.command(command)
        return self._inquiry(actor).why_cannot(clean)  # type: ignore[arg-type]

    def who_can(self, actor: Actor, action: str, customer: object) -> list[StaffId]:
        """All staff who may do ``action`` to ``customer``, by id; needs the right ``explain`` (row 112)."""
        return self._inquiry(actor).who_can(self.edge.customer_id(customer), str(action))

    def history(self, actor: Actor, customer: object) -> list[Event]:
        """The events of a customer the actor may view; ``not_found`` otherwise, also once it is deleted.

        The operator and whoever views everything may read the history of deleted customers too.
        """
        return self._inquiry(actor).history(self.edge.customer_id(customer))

    def plan_rows(self, actor: Actor, plan: str) -> Iterator[PlanRow]:
        """What a stored plan or run holds, row by row; only for whoever made it (``unknown_plan``)."""
        asker = self.edge.actor(actor)
        with self.store.reader() as reader:
            found = reader.run(_plan_id(plan, asker))
            if found is None or found.actor != asker:
                raise Refused(_unknown_plan(plan), who=asker.id)
            yield from reader.plan_rows(plan)

    def doctor(self) -> list[tuple[str, list[Problem]]]:
        """Run every doctor check; each name comes with the problems found."""
        checks = [check for _, check in self.host.pool_all("ownership_doctor_checks", DoctorCheck)]
        return [(check.name, self._examined(check)) for check in checks]

    # --- changing ----------------------------------------------------------------------------------

    @contextmanager
    def atomic(self) -> Iterator[Transaction]:
        """Several commands, all or none: committed together when the block ends well.

        Plugins hear of the runs after the commit; what went wrong there is in ``Transaction.warnings``.
        """
        with self.store.writer() as writer:
            transaction = Transaction(self, writer)
            yield transaction
        transaction.tell()

    def execute(self, command: Command, actor: Actor, *, key: str | None = None, strict: bool = False) -> Receipt:
        """Decide and write one command in one transaction.

        A single customer that cannot be changed raises :class:`Refused` with all its codes; for several,
        the receipt counts them. ``strict`` refuses all when any is refused. ``key`` makes a repetition
        answer with the stored receipt instead of acting twice (I40).
        """
        with self.atomic() as transaction:
            receipt = transaction.execute(command, actor, key=key, strict=strict)
        return attrs.evolve(receipt, warnings=(*receipt.warnings, *transaction.warnings))

    def plan(self, command: Command, actor: Actor) -> Plan:
        """What ``command`` would do now, stored as a plan for a week; nothing else is written (C04, C05).

        Commands about people and new customers are rehearsed in a transaction that is undone.
        """
        clean, asker = self.edge.command(command), self.edge.actor(actor)
        if isinstance(clean, CreateCustomer | AccessCommand):
            planned = self._rehearsed(clean, asker)
            with self.store.writer() as writer:
                writer.expire(self.now())
                writer.save_run(planned)
            return Plan(planned)
        with self.store.writer() as writer:
            writer.expire(self.now())
            drafted = Writing(self.desk(), writer, asker).plan(clean)
            planned = attrs.evolve(drafted, expires=drafted.at + PLAN_LIFETIME)
            writer.save_run(planned)
        return Plan(planned)

    def apply(self, plan: str | PlanFile, actor: Actor, *, key: str | None = None, strict: bool = False) -> Receipt:
        """Apply a stored plan or a plan file: decide again as ``actor``, write what both contain (C03, C06).

        Codes: ``unknown_plan``, ``plan_expired``, and per customer ``stale`` and those of the command.
        """
        with self.atomic() as transaction:
            receipt = transaction.apply(plan, actor, key=key, strict=strict)
        return attrs.evolve(receipt, warnings=(*receipt.warnings, *transaction.warnings))

    def bootstrap(self, admin: str, label: str, system_user: str) -> None:
        """Seed the roles of the settings and the first admin; only while there is no staff at all.

        Every part is a command by the operator and stands in the history as such.
        """
        founder = Ownership(self.store, attrs.evolve(self.settings, operator=True), self.host, clock=self._clock)
        operator = Actor.operator(system_user)
        with founder.atomic() as transaction:
            if transaction.writer.staff():
                what = "There is staff already, so there is an admin to ask."
                raise Refused(Problem("already_initialised", what, "Use GrantAccess."), who=system_user)
            for role, levels in self.settings.roles.items():
                transaction.execute(GrantAccess(role, levels=levels), operator)
            transaction.execute(ChangeStaff(StaffId(admin), create=True, label=label), operator)
            transaction.execute(GrantAccess("admin", staff=StaffId(admin)), operator)

    # --- inside ------------------------------------------------------------------------------------

    def now(self) -> int:
        """The present in UTC microseconds."""
        return to_micros(self._clock())

    def desk(self) -> Desk:
        """What a write needs beside its transaction."""
        return Desk(self.counsel, self.edge, self.settings, self.now, lambda: run_id(self.now(), self._random(10)))

    def _rehearsed(self, command: CreateCustomer | AccessCommand, actor: Actor) -> Run:
        if isinstance(command, ChangeStaff | ChangeDepartment):
            command = attrs.evolve(command, expected_version=self._version_of(command))
        desk, at = self.desk(), self.now()
        try:
            with self.store.writer() as writer:
                raise _Rehearsal(Writing(desk, writer, actor).execute(command))
        except _Rehearsal as over:
            done = over.receipt
        return Run(
            id=desk.new_run(),
            state=RunState.PLANNED,
            what=done.what,
            command=command_to_wire(command),
            actor=actor,
            at=at,
            reason=command.reason,
            tally=done.tally,
            expires=at + PLAN_LIFETIME,
        )

    def _version_of(self, command: ChangeStaff | ChangeDepartment) -> int:
        with self.store.reader() as reader:
            if isinstance(command, ChangeStaff):
                return next((staff.version for staff in reader.staff([command.staff])), 0)
            return next((one.version for one in reader.departments() if one.id == command.department), 0)

    def _inquiry(self, actor: Actor) -> Inquiry:
        return Inquiry(self.store, self.counsel, self.edge.actor(actor), self.settings)

    def _examined(self, check: DoctorCheck) -> list[Problem]:
        try:
            with self.store.reader() as reader:
                return list(check.run(reader))
        except (Exception, SystemExit) as broken:  # noqa: BLE001 - a plugin may raise anything
            what = f"The check {check.name!r} raised {type(broken).__name__}."
            return [Problem("plugin_failed", what, "Mend the plugin.")]


class _Rehearsal(Exception):
    """Ends a transaction that only wanted to know what would happen."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__()
        self.receipt = receipt


class Transaction:
    """Commands in one transaction; made by :meth:`Ownership.atomic`."""

    def __init__(self, ownership: Ownership, writer: Writer) -> None:
        self._ownership = ownership
        self.writer = writer
        self._runs: list[str] = []
        self.warnings: tuple[Problem, ...] = ()

    def execute(self, command: Command, actor: Actor, *, key: str | None = None, strict: bool = False) -> Receipt:
        """As :meth:`Ownership.execute`, inside this transaction."""
        clean, writing = self._ownership.edge.command(command), self._writing(actor)
        payload = "" if key is None else payload_hash(clean)
        return self._once(writing, key, payload, lambda: writing.execute(clean, strict))

    def apply(self, plan: str | PlanFile, actor: Actor, *, key: str | None = None, strict: bool = False) -> Receipt:
        """As :meth:`Ownership.apply`, inside this transaction."""
        command, source = self._source(plan, self._ownership.edge.actor(actor))
        clean, writing = self._ownership.edge.command(command), self._writing(actor)
        payload = "" if key is None else payload_hash(clean) + (source.plan or "")
        if isinstance(clean, CreateCustomer | AccessCommand):
            return self._once(writing, key, payload, lambda: writing.execute(clean, strict))
        return self._once(writing, key, payload, lambda: writing.apply(clean, source, strict))

    def tell(self) -> None:
        """Tell the plugins what is now permanent."""
        problems: list[Problem] = []
        for run_of in self._runs:
            with self._ownership.store.reader() as reader:
                run = reader.run(run_of)
            if run is not None:
                committed = Committed(run, lambda run_of=run_of: self._events(run_of))  # type: ignore[misc]
                problems += self._ownership.host.tell("ownership_committed", run=committed)
        self.warnings = tuple(problems)

    def _events(self, run: str) -> Iterator[Event]:
        with self._ownership.store.reader() as reader:
            yield from reader.events(run=run)

    def _writing(self, actor: Actor) -> Writing:
        return Writing(self._ownership.desk(), self.writer, self._ownership.edge.actor(actor))

    def _once(self, writing: Writing, key: str | None, payload: str, act: Callable[[], Receipt]) -> Receipt:
        if key is not None:
            key = parse_text(key, ID_LIMIT, "key")
            done = self.writer.recall(writing.actor, key)
            if done is not None and done.payload != payload:
                what = f"The idempotency key {key!r} was used for another command."
                raise Conflict(Problem("idempotency_conflict", what, "Use a new key."), who=writing.actor.id)
            if done is not None:
                return Receipt.from_json(done.receipt)
        receipt = act()
        if receipt.run is not None:
            self._runs.append(receipt.run)
        if key is not None:
            self.writer.remember(writing.actor, key, Remembered(payload, receipt.to_json()), self._ownership.now())
        return receipt

    def _source(self, plan: str | PlanFile, actor: Actor) -> tuple[Command, Source]:
        if isinstance(plan, PlanFile):
            return plan.command, Source(plan.others, file=plan)
        run = self.writer.run(_plan_id(plan, actor))
        if run is None or run.state is not RunState.PLANNED:
            raise Refused(_unknown_plan(plan), who=actor.id)
        if run.expires is not None and run.expires <= self._ownership.now():
            raise Refused(Problem("plan_expired", f"The plan {plan!r} has expired.", "Make it again."), who=actor.id)
        return command_from_wire(run.command), Source(run.tally.total - run.tally.changed, plan=plan)


def _plan_id(plan: object, actor: Actor) -> str:
    """The id of a plan; what can be none is as unknown as one that is not there."""
    try:
        return parse_id(plan, what="plan")
    except InvalidInput:
        raise Refused(_unknown_plan(plan), who=actor.id) from None


def _unknown_plan(plan: object) -> Problem:
    what = f"There is no plan {ascii(plan)[:60]} of yours waiting."
    return Problem("unknown_plan", what, "Check the id, or plan again.")
