"""The memory store: the reference every other store is compared with (I12). Plain Python, one process.

It decides nothing and compiles nothing: scopes are judged by :func:`ownership_core.evaluate.holds`,
effects carried out by :func:`ownership_core.ruling.carry_out`. Needs neither pytest nor hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any, NoReturn

from ownership_core.errors import Problem, StoreError, cardinality_mismatch
from ownership_core.fields import Fields
from ownership_core.keys import KeyType
from ownership_core.policies import SINGLE
from ownership_core.ports import Capabilities, Query
from ownership_core.testing.memory.read import MemoryReader
from ownership_core.testing.memory.state import Options, State
from ownership_core.testing.memory.write import MemoryWriter


class MemoryStore:
    """A store in memory. Readers see the state as it was when they began; writers run one at a time.

    >>> store = MemoryStore()
    >>> with store.reader() as reader:
    ...     reader.staff()
    []
    """

    def __init__(
        self,
        fields: Fields | None = None,
        cardinality: str = SINGLE,
        customer_key: KeyType = KeyType.TEXT,
        staff_key: KeyType = KeyType.TEXT,
    ) -> None:
        self._options = Options(fields or Fields.declare(), customer_key, staff_key)
        self._state = State(self._options, cardinality)
        self._lock = RLock()

    @property
    def capabilities(self) -> Capabilities:
        """Everything, under the name ``memory``."""
        return Capabilities("memory", self._options.customer_key, self._options.staff_key)

    @property
    def fields(self) -> Fields:
        """The customer fields it was opened with."""
        return self._options.fields

    def check(self, cardinality: str) -> None:
        """Refuse another cardinality than the one in force (``cardinality_mismatch``)."""
        if cardinality != self._state.cardinality:
            raise cardinality_mismatch(self._state.cardinality, cardinality, "memory store")

    @contextmanager
    def reader(self) -> Iterator[MemoryReader]:
        """A snapshot: no later write is seen through it."""
        yield MemoryReader(self._state)

    @contextmanager
    def writer(self) -> Iterator[MemoryWriter]:
        """A transaction on a copy, swapped in when the block ends well and dropped when it raises."""
        with self._lock:
            copy = self._state.copy()
            yield MemoryWriter(copy)
            self._state = copy

    @property
    def begins(self) -> bool:
        """Always: there are no hosts."""
        return True

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Now."""
        tell()

    def clause(self, query: Query, column: Any) -> NoReturn:  # noqa: ARG002 - there is nothing to say it in
        """Refused: no statement can ask this store."""
        raise _no_host()

    def within(self, transaction: Any) -> NoReturn:  # noqa: ARG002
        """Refused: no host has its rows in here."""
        raise _no_host()

    def digest(self) -> str:
        """A hash over every row of every table."""
        return self._state.digest()


def _no_host() -> StoreError:
    what = "The memory store works in no host's transaction and no host's statement."
    return StoreError(Problem("no_host_transactions", what, "Use a store that keeps its rows in the host's database."))
