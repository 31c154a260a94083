"""Several commands, all or none: each decided, written, remembered by its key, and told of after the commit."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from ownership_core.commands import Command, Offboard, RehearsedCommand, SwitchCardinality
from ownership_core.errors import Conflict, InvalidInput, Problem, Refused, StoreError
from ownership_core.events import Event
from ownership_core.hookspecs import Committed
from ownership_core.host import Host
from ownership_core.keys import ID_LIMIT, id_order, parse_id, parse_text
from ownership_core.model import Actor
from ownership_core.plan import PlanFile, Receipt
from ownership_core.ports import Remembered, Run, RunState, Store, Tally, Writer
from ownership_core.service.desk import Desk
from ownership_core.service.writing import Piece, Source, Writing
from ownership_core.wire import command_from_wire, payload_hash

_LOG = logging.getLogger(__name__)
_LOG.addHandler(logging.NullHandler())


class Transaction:
    """Commands in one transaction; made by :meth:`Ownership.atomic`."""

    def __init__(self, desk: Desk, store: Store, host: Host, writer: Writer) -> None:
        self._desk = desk
        self._store = store
        self._host = host
        self.writer = writer
        self._runs: list[str] = []
        self.warnings: tuple[Problem, ...] = ()

    def execute(self, command: Command, actor: Actor, *, key: str | None = None, strict: bool | None = None) -> Receipt:
        """As :meth:`Ownership.execute`, inside this transaction."""
        clean, writing = self._desk.edge.command(command), self._writing(actor)
        demanding = _is_strict(clean, strict)
        return self._once(writing.actor, key, lambda: payload_hash(clean), lambda: writing.execute(clean, demanding))

    def apply(
        self, plan: str | PlanFile, actor: Actor, *, key: str | None = None, strict: bool | None = None
    ) -> Receipt:
        """As :meth:`Ownership.apply`, inside this transaction."""
        writing = self._writing(actor)
        return self._once(
            writing.actor, key, lambda: _payload_of(plan, writing.actor), lambda: self._applied(writing, plan, strict)
        )

    def apply_piece(self, plan: str, actor: Actor, size: int) -> Receipt:
        """Apply the next ``size`` customers of a stored plan; a receipt of nobody says that all of it is applied."""
        writing, stored, parts = self._writing(actor), self.writer.run(plan), self.writer.parts(plan)
        if stored is not None and stored.state is RunState.APPLIED and parts:
            return Receipt(None, stored.what)
        command, source = self._source(plan, writing.actor)
        clean = self._desk.edge.command(command)
        if stored is None or isinstance(clean, RehearsedCommand | SwitchCardinality):
            what = f"A plan of {type(clean).__name__} is applied as a whole."
            raise Refused(Problem("not_chunked", what, "Apply it without chunks."), who=actor.id)
        if stored.expires is not None:  # begun: it waits until it is done
            self.writer.save_run(attrs.evolve(stored, expires=None))
        key = self._desk.edge.capabilities.customer_key
        reached = [part.reached for part in parts if part.reached is not None]
        piece = Piece(max(reached, key=lambda id: id_order(id, key), default=None), size)
        receipt = self._noted(writing.apply(clean, attrs.evolve(source, piece=piece), strict=False))
        if not receipt.tally.total:
            self._finish(stored, parts, notify=getattr(clean, "notify", False))
        return receipt

    def _finish(self, plan: Run, parts: Sequence[Run], *, notify: bool) -> None:
        """The plan is applied; whoever gained or lost a customer is told once, of all of it (C07)."""
        done = attrs.evolve(plan, state=RunState.APPLIED, expires=None, tally=together(part.tally for part in parts))
        self.writer.save_run(done)
        if notify and parts:
            self.writer.notify(plan.id, [part.id for part in parts])

    def _applied(self, writing: Writing, plan: str | PlanFile, asked: bool | None) -> Receipt:
        command, source = self._source(plan, writing.actor)
        clean = self._desk.edge.command(command)
        strict = _is_strict(clean, asked)
        if isinstance(clean, RehearsedCommand):
            return writing.execute(clean, strict)
        return writing.apply(clean, source, strict)

    def tell(self) -> None:
        """Tell the plugins what is now permanent; whatever goes wrong here undoes nothing and is a warning."""
        problems: list[Problem] = []
        for run_of in self._runs:
            try:
                with self._store.reader() as reader:
                    run = reader.run(run_of)
            except StoreError as lost:
                problems += lost.problems
                continue
            if run is not None:
                committed = Committed(run, lambda run_of=run_of: self._events(run_of))  # type: ignore[misc]
                problems += self._host.tell("ownership_committed", run=committed)
        for problem in problems:  # told late, nobody may be there to read the warnings
            _LOG.warning("%s", problem)
        self.warnings = tuple(problems)

    def _events(self, run: str) -> Iterator[Event]:
        with self._store.reader() as reader:
            yield from reader.events(run=run)

    def _writing(self, actor: Actor) -> Writing:
        return Writing(self._desk, self.writer, self._desk.edge.actor(actor), self._runs.append)

    def _once(
        self, actor: Actor, key: str | None, payload_of: Callable[[], str], act: Callable[[], Receipt]
    ) -> Receipt:
        """Act, or answer as the first time; a plan that was applied or has expired since does not matter (I40)."""
        if key is None:
            return self._noted(act())
        key, payload = parse_text(key, ID_LIMIT, "key"), payload_of()
        done = self.writer.recall(actor, key)
        if done is not None and done.payload != payload:
            what = f"The idempotency key {key!r} was used for another command."
            raise Conflict(Problem("idempotency_conflict", what, "Use a new key."), who=actor.id)
        if done is not None:
            return Receipt.from_json(done.receipt)
        receipt = self._noted(act())
        self.writer.remember(actor, key, Remembered(payload, receipt.to_json()), self._desk.now())
        return receipt

    def _noted(self, receipt: Receipt) -> Receipt:
        if receipt.run is not None:
            self._runs.append(receipt.run)
        return receipt

    def _source(self, plan: str | PlanFile, actor: Actor) -> tuple[Command, Source]:
        if isinstance(plan, PlanFile):
            return plan.command, Source(plan.others, plan.refused, file=plan)
        run = self.writer.run(plan_id(plan, actor))
        if run is None or run.state is not RunState.PLANNED:
            raise Refused(unknown_plan(plan), who=actor.id)
        if run.expires is not None and run.expires <= self._desk.now():
            raise Refused(Problem("plan_expired", f"The plan {plan!r} has expired.", "Make it again."), who=actor.id)
        tally = run.tally
        return command_from_wire(run.command), Source(tally.total - tally.changed, tally.refused, plan=plan)


def together(tallies: Iterable[Tally]) -> Tally:
    """The sum of several tallies."""
    counted: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for one in tallies:
        counted.update(changed=one.changed, unchanged=one.unchanged, refused=one.refused, stale=one.stale)
        codes.update(one.codes)
    return Tally(counted["changed"], counted["unchanged"], counted["refused"], counted["stale"], dict(codes))


def _is_strict(command: Command, asked: bool | None) -> bool:
    """Whether one refusal refuses all: as asked for, else only where somebody leaves (D06, D08)."""
    return isinstance(command, Offboard) if asked is None else asked


def _payload_of(plan: str | PlanFile, actor: Actor) -> str:
    return payload_hash(plan.command) if isinstance(plan, PlanFile) else f"plan {plan_id(plan, actor)}"


def plan_id(plan: object, actor: Actor) -> str:
    """The id of a plan; what can be none is as unknown as one that is not there."""
    try:
        return parse_id(plan, what="plan")
    except InvalidInput:
        raise Refused(unknown_plan(plan), who=actor.id) from None


def unknown_plan(plan: object) -> Problem:
    """The problem of a plan that is not there, or not the asker's: one answer for both."""
    what = f"There is no plan {ascii(plan)[:60]} of yours waiting."
    return Problem("unknown_plan", what, "Check the id, or plan again.")
