"""Whole numbers in given shares, and the fewest moves that bring them about."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping

from attrs import frozen

from ownership_core.errors import invalid
from ownership_core.keys import KeyType, id_order
from ownership_core.model import StaffId


def largest_remainder(
    total: int, weights: Mapping[StaffId, int], key_type: KeyType = KeyType.TEXT
) -> dict[StaffId, int]:
    """``total`` in whole numbers by weight: each gets its share rounded down, the largest remainders one more.

    Of equal remainders the first id gets it. Where all weights are 0 everybody gets nothing. A negative
    number is ``invalid_value``.

    >>> largest_remainder(10, {"maria": 1, "jon": 1, "ada": 1})
    {'ada': 4, 'jon': 3, 'maria': 3}
    """
    return _shared(total, weights, sorted(weights, key=lambda staff: id_order(staff, key_type)))


def within_bounds(total: int, weights: Mapping[StaffId, int], most: Mapping[StaffId, int]) -> dict[StaffId, int]:
    """As :func:`largest_remainder` while nobody gets more than its ``most``; what is too much goes to the others.

    Staff without an entry in ``most`` have no bound; of equals who comes first in ``weights`` is first.
    """
    fixed: dict[StaffId, int] = {}
    rest = list(weights)
    while True:
        shares = _shared(total - sum(fixed.values()), weights, rest)
        beyond = {staff: most[staff] for staff in rest if staff in most and shares[staff] > most[staff]}
        if not beyond:
            return shares | fixed
        fixed |= beyond
        rest = [staff for staff in rest if staff not in beyond]


def _shared(
    total: int,
    weights: Mapping[StaffId, int],
    order: Iterable[StaffId],
    rank: Callable[[StaffId, int], int] = lambda *_: 0,
) -> dict[StaffId, int]:
    """Shares of the largest remainder.

    Of equal remainders whoever has the smaller ``rank`` (given its share rounded down), then who is first in
    ``order``, gets one more.
    """
    ordered = list(order)
    if total < 0 or any(weights[staff] < 0 for staff in ordered):
        raise invalid("invalid_value", "Shares are made of whole numbers that are not negative.", "Give 0 or more.")
    whole = sum(weights[staff] for staff in ordered)
    if not whole:
        return dict.fromkeys(ordered, 0)
    shares = {staff: total * weights[staff] // whole for staff in ordered}
    left = total - sum(shares.values())
    by_remainder = sorted(ordered, key=lambda staff: (-(total * weights[staff] % whole), rank(staff, shares[staff])))
    for staff in by_remainder[:left]:
        shares[staff] += 1
    return shares


@frozen
class Flow:
    """So many customers from one staff to another."""

    giver: StaffId
    taker: StaffId
    count: int


def rebalance(
    held: Mapping[StaffId, int],
    movable: Mapping[StaffId, int],
    weights: Mapping[StaffId, int],
    max_moves: int | None = None,
    key_type: KeyType = KeyType.TEXT,
) -> tuple[Flow, ...]:
    """The fewest moves after which those in ``weights`` hold their shares of what they hold together (row 49).

    ``held``: how many each has; ``movable``: how many of them may go; both 0 where nothing is said. The
    balance is :func:`largest_remainder`; equal remainders go where the fewest have to move. Who may not
    let go of enough keeps the rest, and the others share what remains. With ``max_moves`` these are the
    moves that lessen the imbalance most: the sum over staff of the squared distance from their share.

    >>> rebalance({"maria": 5, "jon": 1}, {"maria": 5}, {"maria": 1, "jon": 1})
    (Flow(giver='maria', taker='jon', count=2),)
    """
    if max_moves is not None and max_moves < 0:
        raise invalid("invalid_value", f"{max_moves} moves cannot be made.", "Give 0 or more, or None.")
    if not any(weights.values()):
        raise invalid("invalid_value", "Nobody is to hold anything.", "Give at least one staff a weight.")
    order = sorted(weights, key=lambda staff: id_order(staff, key_type))
    has = {staff: held.get(staff, 0) for staff in order}
    target = _balance(has, {staff: max(0, has[staff] - movable.get(staff, 0)) for staff in order}, weights)
    over = {staff: has[staff] - target[staff] for staff in order if has[staff] > target[staff]}
    under = {staff: target[staff] - has[staff] for staff in order if has[staff] < target[staff]}
    moves = sum(over.values())
    if max_moves is not None and max_moves < moves:
        over, under = _largest(over, max_moves), _largest(under, max_moves)
    return tuple(_flows(over, under))


def _balance(
    has: Mapping[StaffId, int], kept: Mapping[StaffId, int], weights: Mapping[StaffId, int]
) -> dict[StaffId, int]:
    """How many each is to hold: its share, or what it must keep where that is more."""

    def rank(staff: StaffId, share: int) -> int:
        """Who would have to let go of one keeps it: first who cannot, then who can."""
        return -(kept[staff] > share) - (has[staff] > share)

    fixed: dict[StaffId, int] = {}
    rest = list(has)
    while True:
        shares = _shared(sum(has.values()) - sum(fixed.values()), weights, rest, rank)
        stuck = {staff: kept[staff] for staff in rest if kept[staff] > shares[staff]}
        if not stuck:
            return shares | fixed
        fixed |= stuck
        rest = [staff for staff in rest if staff not in stuck]


def _largest(amounts: Mapping[StaffId, int], moves: int) -> dict[StaffId, int]:
    """``moves`` of these amounts, always one from whichever is largest then; of equals from the first."""

    def beyond(level: int) -> dict[StaffId, int]:
        return {staff: max(0, amount - level) for staff, amount in amounts.items()}

    level = bisect_left(range(max(amounts.values())), -moves, key=lambda level: -sum(beyond(level).values()))
    taken = beyond(level)
    left = moves - sum(taken.values())
    for staff in [staff for staff, amount in amounts.items() if amount >= level][:left]:
        taken[staff] += 1
    return taken


def _flows(over: Mapping[StaffId, int], under: Mapping[StaffId, int]) -> Iterator[Flow]:
    """Who gives how many to whom: both lists run through once, so that there are few flows."""
    takers = iter(under.items())
    taker, lack = next(takers, (None, 0))
    for giver, amount in over.items():
        left = amount
        while left and taker is not None:
            if count := min(left, lack):
                yield Flow(giver, taker, count)
            left, lack = left - count, lack - count
            if not lack:
                taker, lack = next(takers, (None, 0))
