"""What one actor may do, as it is at one moment: asked once, then answered from memory (design §5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from ownership_core.errors import invalid
from ownership_core.model import Actor, CustomerId
from ownership_core.ports import Query, Reader, Store
from ownership_core.scope import Everything
from ownership_core.service.counsel import Counsel
from ownership_core.service.edge import Edge
from ownership_core.service.reading import Sight


class Snapshot:
    """Answers for one actor and one action within one view of the store; made by :meth:`Ownership.snapshot`.

    The access is read when it begins. Every customer costs one statement when it is asked about first (several
    at once cost one together) and none after that. All answers are of one moment: what others change
    meanwhile, a revoke included, is seen by the next snapshot. It is over with its block, which belongs to
    one request.
    """

    __slots__ = ("_edge", "_known", "_query", "_reader")

    def __init__(self, reader: Reader, query: Query, edge: Edge) -> None:
        self._reader: Reader | None = reader
        self._query = query
        self._edge = edge
        self._known: dict[str, bool] = {}

    def allows(self, customer: object) -> bool:
        """Whether the actor may do it to this customer; no for hidden and missing ones alike."""
        known = self._known.get(customer) if type(customer) is str else None
        return self._ask_one(customer) if known is None else known

    def check(self, customers: Iterable[object]) -> frozenset[CustomerId]:
        """Those of ``customers`` the actor may do it to; the unknown ones are asked about by one statement."""
        ids, known = self._edge.customer_ids(customers), self._known
        reader = self._open()
        unknown = tuple(id for id in ids if id not in known)
        if unknown:
            allowed = reader.check(self._query, unknown)
            known.update((id, id in allowed) for id in unknown)
        return frozenset(id for id in ids if known[id])

    def _ask_one(self, customer: object) -> bool:
        id, reader = self._edge.customer_id(customer), self._open()
        known = self._known.get(id)
        if known is None:
            known = self._known[id] = id in reader.check(self._query, (id,))
        return known

    def _open(self) -> Reader:
        if self._reader is None:
            what = "This snapshot is over: it answered for one moment of one request."
            raise invalid("snapshot_over", what, "Take a new one.")
        return self._reader

    def _end(self) -> None:
        self._reader = None
        self._known = {}


@contextmanager
def taken(
    store: Store, counsel: Counsel, edge: Edge, actor: Actor, action: str, now: Callable[[], int]
) -> Iterator[Snapshot]:
    """A snapshot that lasts as long as the block, over one reader."""
    with store.reader() as reader:
        sight = Sight(reader, counsel, actor, now())
        snapshot = Snapshot(reader, sight.query(sight.access(), (action,), Everything()), edge)
        try:
            yield snapshot
        finally:
            snapshot._end()  # noqa: SLF001 - nobody else may end it
