"""The use cases: what an application calls. Loads, lets decide, saves, tells; holds no rule of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from datetime import UTC, datetime
from typing import Any, TypeVar

import attrs

from ownership_core.commands import (
    ChangeStaff,
    Command,
    CustomerCommand,
    GrantAccess,
)
from ownership_core.errors import InvalidInput, Problem, Refused
from ownership_core.events import Event
from ownership_core.explain import Explanation
from ownership_core.host import Host
from ownership_core.keys import parse_id, to_micros
from ownership_core.model import Action, Actor, CoverRow, CustomerId, StaffId
from ownership_core.plan import PlanFile, Receipt
from ownership_core.ports import Clock, Run, Store, Writer
from ownership_core.rules import Occasion, Rule, Standing
from ownership_core.ruling import PlanRow
from ownership_core.runid import run_id
from ownership_core.scope import Everything
from ownership_core.service.beside import Beside
from ownership_core.service.chunks import Chunked
from ownership_core.service.counsel import Counsel
from ownership_core.service.desk import Desk
from ownership_core.service.doctor import examine
from ownership_core.service.edge import Edge
from ownership_core.service.inquiry import Inquiry
from ownership_core.service.inventory import Inventory
from ownership_core.service.planning import Plan, save_plan
from ownership_core.service.reading import Sight, Visible
from ownership_core.service.refusals import unknown_run
from ownership_core.service.retrying import retried
from ownership_core.service.snapshot import Snapshot, taken
from ownership_core.service.transaction import Transaction, plan_id, unknown_plan
from ownership_core.service.wiring import fields_for, host_for
from ownership_core.settings import Settings

_T = TypeVar("_T")


class Ownership:
    """Who owns which customer, who may see or touch it, why, and what happens when that changes.

    ``store`` is where it is kept, ``host`` the plugins (built-in ones only when left out). ``clock``,
    ``random`` and ``sleep`` (in seconds, between two tries) stand in for the present, for randomness and
    for waiting. Refuses to start with a store that does not
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
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings or Settings()
        self.host = host or host_for(self.settings, installed=False)
        self.store = store
        self.counsel = Counsel(self.host, self.settings, store.fields)
        self.host.require(self.settings.plugins.require)
        self.edge = Edge(store.capabilities, store.fields, self.settings.limits)
        self._random = random
        self._clock = clock
        self._sleep = sleep
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
        return Visible(self.store, self.counsel, self.edge, self.edge.actor(actor), str(action), self.now)

    def check(self, actor: Actor, action: str, customers: Iterable[object]) -> frozenset[CustomerId]:
        """Those of ``customers`` the actor may do ``action`` to; hidden and missing are simply not in it."""
        ids = self.edge.customer_ids(customers)
        return self._inquiry(actor).check(str(action), ids)

    def visible_clause(self, actor: Actor, action: str, column: Any) -> Any:
        """The customers ``actor`` may do ``action`` to, as a condition on a host's column of customer ids.

        For the host's own ``select()``: ``column IN (SELECT ...)``, so its rows are neither repeated nor lost.
        Build it for each request: it lets nothing through once the access has changed. Code:
        ``no_host_transactions`` where the store cannot.
        """
        asker = self.edge.actor(actor)
        with self.store.reader() as reader:
            sight = Sight(reader, self.counsel, asker, self.now())
            return self.store.clause(sight.query(sight.access(), (str(action),), Everything()), column)

    def within(self, transaction: Any) -> Ownership:
        """The same inside a host's open transaction (for SQLAlchemy a ``Session`` or ``Connection``).

        A guest changes nothing about the transaction, commits nothing and tries nothing again: an error that
        is ``transient`` (``retry_transaction`` ...) asks the host to begin its transaction anew. Each command
        is undone by itself when it is refused. Plugins are not told; the outbox is written. Codes:
        ``unsafe_isolation``, ``autocommit_on``, ``other_database``, ``no_host_transactions``.
        """
        guest = copy(self)  # all parts are shared but the store, which was checked already
        guest.store = self.store.within(transaction)
        return guest

    def snapshot(self, actor: Actor, action: str = Action.VIEW) -> AbstractContextManager[Snapshot]:
        """What ``actor`` may do at this moment, asked once and answered from memory: for one request.

        ``with ownership.snapshot(actor) as may: ... may.allows(id)``. It holds one read transaction.
        """
        return taken(self.store, self.counsel, self.edge, self.edge.actor(actor), str(action), self.now)

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
        return self._inquiry(actor).why_cannot(clean)

    def who_can(self, actor: Actor, action: str, customer: object) -> list[StaffId]:
        """All staff who may do ``action`` to ``customer``, by id; needs the right ``explain`` (row 112)."""
        return self._inquiry(actor).who_can(self.edge.customer_id(customer), str(action))

    def covers(self, actor: Actor) -> list[CoverRow]:
        """Who stands in for whom, by id, past and future ones too: those whose two staff the asker's right to
        ``assign`` reaches, and the asker's own."""
        return self._inquiry(actor).covers()

    def history(self, actor: Actor, customer: object) -> list[Event]:
        """The events of a customer the actor may view; ``not_found`` otherwise, also once it is deleted.

        The operator and whoever views everything may read the history of deleted customers too.
        """
        return self._inquiry(actor).history(self.edge.customer_id(customer))

    def plan_rows(self, actor: Actor, plan: str) -> Iterator[PlanRow]:
        """What a stored plan or run holds, row by row; only for whoever made it (``unknown_plan``)."""
        asker = self.edge.actor(actor)
        with self.store.reader() as reader:
            found = reader.run(plan_id(plan, asker))
            if found is None or found.actor != asker:
                raise Refused(unknown_plan(plan), who=asker.id)
            yield from reader.plan_rows(plan)

    def runs(self, actor: Actor, limit: int = 50) -> list[Run]:
        """Who ran what and when, the newest first: one's own, and everybody's for whoever may explain everything."""
        return self._inquiry(actor).runs(limit)

    def run(self, actor: Actor, run: str) -> Run:
        """One of :meth:`runs`, however old; ``unknown_run`` for one that is not there or not for the actor to see."""
        try:
            asked = parse_id(run, what="run")
        except InvalidInput:
            raise Refused(unknown_run(run), who=actor.id) from None
        return self._inquiry(actor).run(asked)

    def rules(self, actor: Actor) -> list[Rule]:
        """The assignment rules in the order they are asked; needs the right ``explain``."""
        return self._inquiry(actor).rules()

    def why_rule(
        self, actor: Actor, customer: object, occasion: Occasion = Occasion.SWEEP
    ) -> list[tuple[Rule, Standing]]:
        """Which rule would fire for a customer on an occasion, and why no other does; nothing is given out (row 94)."""
        return self._inquiry(actor).why_rule(self.edge.customer_id(customer), occasion)

    def inventory(self, actor: Actor, staff: str) -> Inventory:
        """What a staff holds and leaves behind: read it before it goes (D07; rows 25, 106)."""
        return self._inquiry(actor).inventory(self.edge.staff_id(staff))

    def beside(self, actor: Actor, command: Command) -> Beside:
        """What a command, of a plan say, would change beside customers now, and what it would leave (D02, D07).

        Raises what carrying it out would be refused with as a whole.
        """
        return self._inquiry(actor).beside(self.edge.command(command))

    def doctor(self) -> list[tuple[str, list[Problem]]]:
        """Run every doctor check; each name comes with the problems found."""
        return examine(self.store, self.host)

    # --- changing ----------------------------------------------------------------------------------

    @contextmanager
    def atomic(self) -> Iterator[Transaction]:
        """Several commands, all or none: committed together when the block ends well.

        Plugins hear of the runs after the commit, of the host's where it was the host that began; what went
        wrong there is in ``Transaction.warnings``, and logged.
        The block is yours and runs once: a store that ended the transaction for another's sake says so by
        an error that is ``transient``, and all of it may be begun again.
        """
        with self.store.writer() as writer:
            transaction = self._transaction(writer)
            yield transaction
        self.store.after_commit(transaction.tell)

    def execute(self, command: Command, actor: Actor, *, key: str | None = None, strict: bool | None = None) -> Receipt:
        """Decide and write one command in one transaction.

        A single customer that cannot be changed raises :class:`Refused` with all its codes; for several,
        the receipt counts them. ``strict`` refuses all when any is refused, as leaving does unless told
        otherwise (D06). ``key`` makes a repetition
        answer with the stored receipt instead of acting twice (I40). A transaction that the store ended for
        another's sake is begun again, and decided again, ``settings.limits.tries`` times at most (I44).
        """
        return self._committed(lambda transaction: transaction.execute(command, actor, key=key, strict=strict))

    def plan(self, command: Command, actor: Actor) -> Plan:
        """What ``command`` would do now, stored as a plan for a week; nothing else is written (C04, C05).

        Commands about people and new customers are rehearsed in a transaction that is undone.
        """
        clean, asker = self.edge.command(command), self.edge.actor(actor)
        return self._retried(lambda: save_plan(self.desk(), self.store, asker, clean))

    def apply(
        self, plan: str | PlanFile, actor: Actor, *, key: str | None = None, strict: bool | None = None
    ) -> Receipt:
        """Apply a stored plan or a plan file: decide again as ``actor``, write what both contain (C03, C06).

        Codes: ``unknown_plan``, ``plan_expired``, and per customer ``stale`` and those of the command.
        """
        return self._committed(lambda transaction: transaction.apply(plan, actor, key=key, strict=strict))

    def apply_chunked(self, plan: str, actor: Actor, tell: Callable[[int], None] = lambda _: None) -> Receipt:
        """Apply a stored plan a chunk at a time, each in a transaction of its own (C15).

        For plans too large for one. ``tell`` hears after each chunk how many customers it held. Where it ends
        early, the same call goes on with what is left, and moves each customer once. All of it is taken back by
        ``Revert(plan)``. Codes: those of :meth:`apply`, and ``not_chunked``.
        """
        asker = self.edge.actor(actor)
        return Chunked(self.store, self._committed, self.settings.limits.batch).apply(plan_id(plan, asker), asker, tell)

    def bootstrap(self, admin: str, label: str, system_user: str) -> None:
        """Seed the roles of the settings and the first admin; only while there is no staff at all.

        Every part is a command by the operator and stands in the history as such.
        """
        settings = attrs.evolve(self.settings, operator=True)
        founder = Ownership(self.store, settings, self.host, clock=self._clock, random=self._random, sleep=self._sleep)
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

    def _transaction(self, writer: Writer) -> Transaction:
        return Transaction(self.desk(), self.store, self.host, writer)

    def _committed(self, act: Callable[[Transaction], Receipt]) -> Receipt:
        def once() -> tuple[Transaction, Receipt]:
            with self.store.writer() as writer:
                transaction = self._transaction(writer)
                return transaction, act(transaction)

        transaction, receipt = self._retried(once)
        self.store.after_commit(transaction.tell)
        return attrs.evolve(receipt, warnings=(*receipt.warnings, *transaction.warnings))

    def _retried(self, act: Callable[[], _T]) -> _T:
        if not self.store.begins:
            return act()  # whoever began the transaction begins it anew
        return retried(act, self.settings.limits.tries, self._sleep, lambda: self._random(1)[0] / 255)

    def _inquiry(self, actor: Actor) -> Inquiry:
        return Inquiry(self.store, self.counsel, self.edge.actor(actor), self.settings, self.now())
