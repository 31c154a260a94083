"""Several processes, each with an engine of its own, that act at one moment; what they do is written here.

They are spawned, not forked: no connection, cache or lock is shared. All choices are made by whoever gives the
orders, so that a seed says what is tried; only the interleaving is left to chance.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier, Event
from typing import Any

from attrs import Factory, define, frozen
from sqlalchemy import text

from ownership_core import Actor, Ownership, OwnershipError, load_settings
from ownership_core.commands import Command
from ownership_core.plan import Receipt
from ownership_core.service.retrying import retried
from ownership_sqlalchemy import SqlAlchemyStore
from ownership_sqlalchemy.dialects import SUPPORTED

START = 30  # seconds until all stand at the barrier; a process that is gone must not hold the others for ever


@frozen
class Order:
    """One command for one process: ``after`` so many seconds; ``looks`` is read by the same transaction, last."""

    command: Command
    actor: Actor
    after: float = 0.0
    looks: str | None = None
    key: str | None = None


@frozen
class Done:
    """What came of an order.

    ``ended`` holds the codes of the transactions that the database ended and that were begun again, ``raw``
    an exception that is none of ours, ``seen`` what ``looks`` found.
    """

    receipt: Receipt | None = None
    codes: tuple[str, ...] = ()
    raw: str | None = None
    ended: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()

    @property
    def changed(self) -> int:
        """How many customers changed."""
        return 0 if self.receipt is None else self.receipt.changed

    @property
    def told(self) -> frozenset[str]:
        """All codes, whether the command was refused or only some of its customers."""
        return frozenset(self.codes) | frozenset(self.receipt.tally.codes if self.receipt else ())


class Noting:
    """A store that notes how its transactions ended."""

    def __init__(self, store: SqlAlchemyStore) -> None:
        self._store = store
        self.ended: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def writer(self) -> Iterator[Any]:
        """As the store's own."""
        try:
            with self._store.writer() as writer:
                yield writer
        except OwnershipError as error:
            if error.transient:
                self.ended += error.codes
            raise


@define
class Station:
    """Where one process works."""

    barrier: Barrier
    stop: Event
    store: Any = None
    ownership: Any = None
    opened: dict[str, SqlAlchemyStore] = Factory(dict)

    def open(self, url: str, settings: dict[str, Any], locks: bool) -> None:
        """Open a shop; without ``locks`` this process locks no rows.

        A shop that was open before is gone on with: to make every statement anew takes as long as a hundred rounds.
        """
        if url not in self.opened:
            self.opened[url] = SqlAlchemyStore.open(url, cardinality=settings["cardinality"])
        store = self.opened[url]
        SUPPORTED[store.engine.dialect.name].locks_rows = locks
        self.store = Noting(store)
        self.ownership = Ownership(self.store, load_settings(settings))
        with self.store.reader() as reader:
            reader.staff(["nobody"])

    def close(self) -> None:
        """Let go of the connections."""
        while self.opened:
            self.opened.popitem()[1].close()

    def follow(self, order: Order | None) -> Done | None:
        """Wait for all others, then act."""
        self.barrier.wait(START)
        return None if order is None else self.act(order)

    def act(self, order: Order) -> Done:
        """Carry out one order; nothing that goes wrong stops the process."""
        time.sleep(order.after)
        self.store.ended = []
        try:
            receipt, seen = self._looking(order) if order.looks else (self._plainly(order), ())
        except OwnershipError as error:
            return Done(codes=error.codes, ended=tuple(self.store.ended))
        except Exception as error:  # noqa: BLE001 - that there is none is what is tested
            return Done(raw=repr(error), ended=tuple(self.store.ended))
        return Done(receipt, ended=tuple(self.store.ended), seen=seen)

    def _plainly(self, order: Order) -> Receipt:
        receipt: Receipt = self.ownership.execute(order.command, order.actor, key=order.key)
        return receipt

    def _looking(self, order: Order) -> tuple[Receipt, tuple[str, ...]]:
        def once() -> tuple[Receipt, tuple[str, ...]]:
            with self.ownership.atomic() as transaction:
                receipt = transaction.execute(order.command, order.actor)
                seen = tuple(row[0] for row in transaction.writer._run(text(order.looks or "")))
            return receipt, seen

        return retried(once, 5, time.sleep, lambda: 0.5)


class Crew:
    """``size`` such processes."""

    def __init__(self, size: int) -> None:
        context = multiprocessing.get_context("spawn")
        barrier = self._barrier = context.Barrier(size)  # gone once nobody here holds it
        self.stop = context.Event()
        self.size = size
        self._pipes: list[Connection] = []
        self._processes = []
        for _ in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, barrier, self.stop), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def open(self, url: str, *, locks: bool = True, **settings: Any) -> None:
        """Let all open one shop."""
        self.all(Station.open, *((url, settings, locks) for _ in self._pipes))

    def together(self, orders: Sequence[Order]) -> list[Done]:
        """One order for each process, begun at one moment; what came of each, in the same order."""
        padded = [*orders, *[None] * (self.size - len(orders))]
        return self.all(Station.follow, *((order,) for order in padded))[: len(orders)]

    def all(self, function: Callable[..., Any], *arguments: tuple[Any, ...]) -> list[Any]:
        """``function(station, ...)`` in every process, which must be importable; the answers in order."""
        self.begin(function, *arguments)
        return self.answers()

    def begin(self, function: Callable[..., Any], *arguments: tuple[Any, ...]) -> None:
        """The same, without waiting."""
        for pipe, given in zip(self._pipes, arguments, strict=True):
            pipe.send((function, given))

    def answers(self) -> list[Any]:
        """What those that were begun have to say."""
        found = [pipe.recv() for pipe in self._pipes]
        for one in found:
            if isinstance(one, BaseException):
                raise one
        return found

    def close(self) -> None:
        """Send all home."""
        for pipe in self._pipes:
            pipe.send(None)
            pipe.close()
        for process in self._processes:
            process.join(10)
            process.close()


def _work(pipe: Connection, barrier: Barrier, stop: Event) -> None:
    station = Station(barrier, stop)
    while (job := pipe.recv()) is not None:
        function, arguments = job
        try:
            pipe.send(function(station, *arguments))
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            pipe.send(RuntimeError(repr(error)))
    station.close()
