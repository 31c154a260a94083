"""The hands that give customers out, each by its distribution, from the sentences (H09; rows 95, 96, 98, 99)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from .model_customers import staff_of
from .naive import Plain

Answer = tuple[str | None, str | None]
"""Who gets a customer, or the code why nobody does."""


def kind(thing: Any) -> str:
    """What sort of command or distribution it is."""
    return type(thing).__name__


def named(to: Any) -> set[str]:
    """Who is named to receive."""
    alone = {to.staff} if kind(to) == "ToStaff" else set()
    return alone | set(getattr(to, "members", ())) | set(getattr(to, "weights", ()))


def is_gone(shop: Plain, staff: str) -> bool:
    """Whether nobody of this name is there, or not any more."""
    return staff not in shop["staff"] or bool(shop["staff"][staff]["deleted"])


def hand(
    shop: Plain, to: Any, total: int, leaver: str | None, pointers: dict[str, str], given: Counter[str]
) -> Callable[[], Answer]:
    """Gives one customer after the other by a distribution; ``total`` is how many there will be."""
    if kind(to) == "ToStaff":
        gone = is_gone(shop, to.staff)
        code = "unknown_staff" if gone else None if shop["staff"][to.staff]["active"] else "staff_inactive"
        return lambda: (None, code) if code else (to.staff, None)
    pool = sorted(staff for staff in named(to) if staff != leaver and is_there(shop, staff))
    if not pool:
        return lambda: (None, "no_target")
    if kind(to) == "LeastBusy":
        loads = Counter(staff for one in shop["customers"].values() for staff in staff_of(one["held"]))
        return lambda: (min(pool, key=lambda staff: (loads[staff] + given[staff], staff)), None)
    if kind(to) == "Weighted":
        order = iter(by_weight({staff: to.weights[staff] for staff in pool}, total))
        return lambda: (next(order), None)

    def in_turn() -> Answer:
        """H09: the one after whoever was last."""
        last = pointers.get(to.name, "")
        pointers[to.name] = next((staff for staff in pool if staff > last), pool[0])
        return pointers[to.name], None

    return in_turn


def is_there(shop: Plain, staff: str) -> bool:
    """Row 99: whether somebody works, and nobody stands in for it today."""
    away = any(one["staff"] == staff and one["since"] <= shop["now"] < one["until"] for one in shop["covers"])
    return not is_gone(shop, staff) and bool(shop["staff"][staff]["active"]) and not away


def by_weight(weights: dict[str, int], total: int) -> list[str]:
    """Row 98: shares rounded down, the largest remainders one more (of equals the first); handed out evenly.

    Of n customers for one staff the k-th is due after (2k - 1) / 2n of the way.
    """
    whole = sum(weights.values())
    shares = {staff: total * weight // whole for staff, weight in weights.items()}
    rest = sorted(weights, key=lambda staff: (-(total * weights[staff] % whole), staff))
    for staff in rest[: total - sum(shares.values())]:
        shares[staff] += 1
    due = [(Fraction(2 * k + 1, 2 * share), staff) for staff, share in shares.items() for k in range(share)]
    return [staff for _, staff in sorted(due)]
