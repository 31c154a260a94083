"""A process that carries out one command and is killed on the way; and two shops that go the same way."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event

from ownership_core import Actor, Ownership, load_settings
from ownership_core.commands import Command, selection_of
from ownership_core.plan import Receipt
from ownership_core.scope import Everything
from ownership_sqlalchemy import SqlAlchemyStore

BEGUN, COMMITTING, COMMITTED = range(3)
READY, GOING, DONE = 1, 2, 3
LIFE = 60  # seconds; whoever should have killed it may be gone itself


class Twin:
    """A shop whose clock and randomness follow from the number of a step: two of them hold equal rows."""

    def __init__(self, url: Any, **settings: Any) -> None:
        self.store = SqlAlchemyStore.open(url, cardinality=settings["cardinality"])
        self.store.upgrade()
        self._step(0)
        self.shop = Ownership(
            self.store,
            load_settings(settings),
            clock=lambda: self._now,
            random=self._bytes,
        )

    def _bytes(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def _step(self, number: int) -> None:
        self._now = datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(seconds=number)
        self._random = random.Random(number)

    def does(self, step: int, command: Command, actor: Actor) -> Receipt:
        """One command, with a key of its own."""
        self._step(step)
        return self.shop.execute(command, actor, key=f"key {step}")

    def seconds_to_lock(self, command: Any) -> float:
        """How long it takes until the customers of a command can be locked."""
        start = time.monotonic()
        with self.store.writer() as writer:
            writer.lock_customers(selection_of(command), Everything())
            return time.monotonic() - start


class Victim:
    """Forked, so that statements are compiled already and the time before the first of them is short.

    At the step ``hold`` it stands still, before the server hears of that step.
    """

    def __init__(self, act: Callable[[], object], store: SqlAlchemyStore, hold: int | None = None) -> None:
        context = multiprocessing.get_context("fork")
        self._place = context.RawArray("q", 3)
        self._state = context.RawValue("q", 0)
        self._hold = hold
        store.engine.dispose()  # no connection may be open in two processes
        self._process = context.Process(target=self._live, args=(act, store), daemon=True)
        self._process.start()
        while self._state.value < READY:
            assert self._process.is_alive(), "it did not begin"
            time.sleep(0.0005)

    def _live(self, act: Callable[[], object], store: SqlAlchemyStore) -> None:
        with store.reader() as reader:
            reader.staff(["nobody"])
        self._watch(store.engine)
        self._state.value = READY
        patience = time.monotonic() + LIFE
        while self._state.value < GOING and time.monotonic() < patience:
            time.sleep(0.0002)
        act()
        self._place[COMMITTED] = 1
        self._state.value = DONE
        time.sleep(LIFE)

    def _watch(self, engine: Any) -> None:
        def begun(*_: object) -> None:
            self._place[COMMITTED] |= self._place[COMMITTING]
            self._begin()

        def committing(*_: object) -> None:
            self._place[COMMITTING] = 1
            self._begin()

        event.listen(engine, "before_cursor_execute", begun)
        event.listen(engine, "commit", committing)

    def _begin(self) -> None:
        self._place[BEGUN] += 1
        if self._place[BEGUN] == self._hold:
            time.sleep(LIFE)

    @property
    def steps(self) -> int:
        """How many statements and commits have begun."""
        return int(self._place[BEGUN])

    @property
    def where(self) -> str:
        """How far it came: before its first statement, inside the transaction, at its commit, or after it."""
        if self._place[COMMITTED]:
            return "after"
        if self._place[COMMITTING]:
            return "commit"
        return "inside" if self.steps else "before"

    @property
    def done(self) -> bool:
        """Whether it came to its end before anybody killed it."""
        return bool(self._state.value == DONE)

    def go(self) -> None:
        """Begin."""
        self._state.value = GOING

    def until(self, step: int) -> None:
        """Wait until so many steps have begun, or all is done."""
        while self.steps < step and self._state.value < DONE and self._process.is_alive():
            time.sleep(0.0002)

    def kill(self) -> None:
        """As an administrator does who has lost patience."""
        pid = self._process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        self._process.join()
        assert self._process.exitcode == -signal.SIGKILL, "it ended before it was killed"
        self._process.close()
