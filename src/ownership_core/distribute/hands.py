"""The hands that give: one for each leaf of a distribution, each with what it has to remember meanwhile."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, MutableMapping, Sized
from typing import Protocol, TypeAlias

from ownership_core.distribute.data import Candidate, Capacity, Marked
from ownership_core.distribute.shares import within_bounds
from ownership_core.keys import KeyType, id_order
from ownership_core.model import StaffId

NO_CAPACITY = "no_capacity"
Found: TypeAlias = tuple[StaffId | None, str | None]
"""Who gets it, or the code why nobody does."""


def nobody(code: str) -> Found:
    """Nobody gets it, and why."""
    return None, code


def _no_one_left(pool: Sized) -> Found:
    """What is said when nobody of the pool takes any more: all are full, or nobody was there at all."""
    return nobody(NO_CAPACITY if len(pool) else "no_target")


class Ledger:
    """Who there is and what each has been given so far, by all hands together."""

    def __init__(self, candidates: Iterable[Candidate], key_type: KeyType) -> None:
        self.candidates = {one.staff: one for one in candidates}
        self.given: Counter[StaffId] = Counter()
        self._key_type = key_type

    def order(self, staff: StaffId) -> tuple[int, str]:
        """What staff are sorted by."""
        return id_order(staff, self._key_type)

    def load(self, staff: StaffId) -> int:
        """How many assignments it has by now."""
        return self.candidates[staff].load + self.given[staff]

    def takes(self, staff: StaffId, capacity: Capacity | None) -> int | None:
        """How many more it takes; None where nothing bounds it."""
        if capacity is None:
            return None
        known = self.candidates[staff]
        before = known.load if capacity.days is None else known.recent.get(capacity.days, 0)
        return max(0, capacity.most - before - self.given[staff])

    def is_full(self, staff: StaffId, capacity: Capacity | None) -> bool:
        """Whether it takes no more."""
        return self.takes(staff, capacity) == 0

    def named(self, staff: StaffId) -> Found:
        """Exactly this staff, if it exists and is active."""
        known = self.candidates.get(staff)
        if known is None:
            return nobody("unknown_staff")
        return (staff, None) if known.active else nobody("staff_inactive")


class Hand(Protocol):
    """Gives one customer after the other; what all hands gave stands in the ledger."""

    def next(self, marked: Marked) -> Found:
        """Who gets this customer."""
        ...


class Fixed:
    """Gives all to one staff."""

    def __init__(self, ledger: Ledger, staff: StaffId) -> None:
        self._answer = ledger.named(staff)

    def next(self, _: Marked) -> Found:
        """The staff it was made for."""
        return self._answer


class ByField:
    """Gives to whoever the customer's field names."""

    def __init__(self, ledger: Ledger, field: str) -> None:
        self._ledger = ledger
        self._field = field

    def next(self, marked: Marked) -> Found:
        """The staff whose id is the value; ``no_target`` where there is none."""
        value = marked.values.get(self._field)
        return nobody("no_target") if value is None else self._ledger.named(StaffId(str(value)))


class Ring:
    """Gives in turn; the pointer is whoever was last, by name of the rotation."""

    def __init__(
        self,
        ledger: Ledger,
        pool: Iterable[StaffId],
        capacity: Capacity | None,
        pointers: MutableMapping[str, StaffId | None],
        name: str,
    ) -> None:
        self._ledger = ledger
        self._capacity = capacity
        self._pointers = pointers
        self._name = name
        self._ring = sorted(pool, key=ledger.order)
        self._keys = list(map(ledger.order, self._ring))
        self._nobody = _no_one_left(self._ring)

    @property
    def turns(self) -> list[StaffId]:
        """Those to come, the first first, where each customer goes to the next of them; else nobody."""
        if self._capacity is not None or not self._ring:
            return []
        place = self._after_last() % len(self._ring)
        return self._ring[place:] + self._ring[:place]

    def went_on(self, many: int) -> None:
        """``many`` customers have gone to those whose turn it was."""
        turns = self.turns
        if many:
            self._pointers[self._name] = turns[(many - 1) % len(turns)]

    def next(self, _: Marked) -> Found:
        """The one after whoever was last, past those who are full: they stay so and leave the ring."""
        place = self._after_last()
        while self._ring:
            place %= len(self._ring)
            staff = self._ring[place]
            if not self._ledger.is_full(staff, self._capacity):
                self._pointers[self._name] = staff
                return staff, None
            del self._ring[place], self._keys[place]
        return self._nobody

    def _after_last(self) -> int:
        """The place behind whoever was last, which may be behind everybody's."""
        last = self._pointers.get(self._name)
        return 0 if last is None else bisect_right(self._keys, self._ledger.order(last))


class Heap:
    """Gives to whoever has the fewest assignments."""

    def __init__(self, ledger: Ledger, pool: Iterable[StaffId], capacity: Capacity | None) -> None:
        self._ledger = ledger
        self._capacity = capacity
        self._heap = [(ledger.load(staff), ledger.order(staff), staff) for staff in pool]
        self._nobody = _no_one_left(self._heap)
        heapq.heapify(self._heap)

    def next(self, _: Marked) -> Found:
        """The least busy; loads only rise, so an entry that is out of date is put back further down."""
        while self._heap:
            load, order, staff = self._heap[0]
            now = self._ledger.load(staff)
            if self._ledger.is_full(staff, self._capacity):
                heapq.heappop(self._heap)
            elif now > load:
                heapq.heapreplace(self._heap, (now, order, staff))
            else:
                return staff, None
        return self._nobody


class Shares:
    """Gives in shares of what there is altogether, which must have been counted before."""

    def __init__(self, ledger: Ledger, weights: Mapping[StaffId, int], capacity: Capacity | None) -> None:
        self.total = 0
        self._ledger = ledger
        self._capacity = capacity
        self._weights = {staff: weights[staff] for staff in sorted(weights, key=ledger.order)}
        self._open = list(self._weights)
        self._nobody = _no_one_left(weights)
        self._given: Counter[StaffId] = Counter()
        self._share: dict[StaffId, int] = {}
        self._heap: list[tuple[int, int, StaffId]] | None = None

    def next(self, _: Marked) -> Found:
        """Whose turn it is; all shares come first, then on in the same order; who has none gets what is left."""
        if self._heap is None:
            self._heap = self._settle()
        staff = self._by_share(self._heap) or self._by_weight()
        if staff is None:
            return self._nobody
        self._given[staff] += 1
        return staff, None

    def _settle(self) -> list[tuple[int, int, StaffId]]:
        takes = {staff: self._ledger.takes(staff, self._capacity) for staff in self._weights}
        bounds = {staff: most for staff, most in takes.items() if most is not None}
        self._share = within_bounds(self.total, self._weights, bounds)
        heap = [(_turn(0, self._share[staff]), place, staff) for place, staff in enumerate(takes) if self._share[staff]]
        heapq.heapify(heap)
        return heap

    def _by_share(self, heap: list[tuple[int, int, StaffId]]) -> StaffId | None:
        while heap:
            _, place, staff = heap[0]
            if not self._ledger.is_full(staff, self._capacity):
                heapq.heapreplace(heap, (_turn(self._given[staff] + 1, self._share[staff]), place, staff))
                return staff
            heapq.heappop(heap)
        return None

    def _by_weight(self) -> StaffId | None:
        self._open = [staff for staff in self._open if not self._ledger.is_full(staff, self._capacity)]
        return min(self._open, key=lambda staff: _turn(self._given[staff], self._weights[staff]), default=None)


def _turn(given: int, share: int) -> int:
    """When the next of a share is due, so that all shares fill evenly; whole numbers, the same everywhere.

    The last of each share is due before 2 << 64, the first beyond any share after it.
    """
    return ((2 * given + 1) << 64) // share
