"""A store, the clock beside it, and what else is plugged in from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from ownership_core.fields import Fields
from ownership_core.model import (
    DepartmentId,
)
from ownership_core.ports.data import (
    Capabilities,
    Query,
)
from ownership_core.ports.reader import Reader
from ownership_core.ports.writer import Writer

Clock: TypeAlias = Callable[[], datetime]
"""Gives the present as an aware datetime."""


class Store(Protocol):
    """Where everything is kept."""

    @property
    def capabilities(self) -> Capabilities:
        """What this store can do."""
        ...

    @property
    def fields(self) -> Fields:
        """The customer fields it was opened with."""
        ...

    def check(self, cardinality: str) -> None:
        """Refuse to serve when not fit: ``schema_missing``, ``schema_outdated``, ``schema_newer``,
        ``cardinality_mismatch`` ..., each a :class:`~ownership_core.errors.StoreError`."""
        ...

    def reader(self) -> AbstractContextManager[Reader]:
        """A consistent view; closes by itself."""
        ...

    def writer(self) -> AbstractContextManager[Writer]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        ...

    @property
    def begins(self) -> bool:
        """Whether a writer opened now begins a transaction of its own, which may be begun again when it is ended.

        Where it joins a transaction of the host's, only the host can begin anew.
        """
        ...

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` once what the last writer wrote is permanent: now, or when the host's transaction is over.

        Never where it was undone. A guest that cannot know when its host commits leaves it out.
        """
        ...

    def clause(self, query: Query, column: Any) -> Any:
        """``query`` as a condition on a host's column of customer ids, in the words of the store's library.

        Built for one request: its guard lets nothing through once the access has changed. Stores without a
        language of their own answer ``no_host_transactions``.
        """
        ...

    def within(self, transaction: Any) -> Store:
        """The same store inside a host's open transaction: begins nothing, ends nothing, sets nothing.

        Its writers are undone by themselves when they raise; what they wrote stands or falls with the host's
        transaction. Codes: ``unsafe_isolation``, ``autocommit_on``, ``other_database``; ``no_host_transactions``
        where the store cannot.
        """
        ...

    def digest(self) -> str:
        """A hash over every row of every table of ours; equal digests mean nothing was written."""
        ...


DepartmentParents: TypeAlias = Mapping[DepartmentId, DepartmentId | None]
"""The department tree, each with its parent."""
