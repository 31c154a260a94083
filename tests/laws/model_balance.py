"""Levelling out in a plain shop (row 49): whom each customer goes to is asked of a rehearsal, and judged by the law.

To say which moves are the fewest would be to write the sums of the core a second time. So somebody else says who gets
whom, ``rehearse`` of the model; that it is fair, and everything that follows from it, is said here.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from ownership_core.testing.oracle import surely
from ownership_core.testing.worlds import WORLD_FIELDS

from . import model_dealing as dealing
from . import naive
from .model_customers import carry_out
from .model_people import Denied
from .naive import Plain

__all__ = ["again", "carry_out", "new_matches", "planned"]


def planned(shop: Plain, actor: Any, command: Any, at: int) -> list[Plain]:
    """The rows of those who move; everybody else stays without a word."""
    require(shop, actor, command)
    receivers = shop["rehearse"](command, actor)
    assert_fair(shop, actor, command, receivers)
    rows = []
    for id, receiver in sorted(receivers.items()):
        codes = dealing.unfit(shop, actor, receiver, shop["customers"][id])
        rows.append(dealing.refusal(shop, id, codes) if codes else moved(shop, id, receiver, at))
    return rows


def require(shop: Plain, actor: Any, command: Any) -> None:
    """D05: everybody among whom it is levelled out is there, in reach, and works."""
    mine = naive.asker_problems(shop, actor, "assign")
    codes = set()
    for staff in set() if mine else command.weights:
        if dealing.is_gone(shop, staff):
            codes.add("unknown_staff")
            continue
        codes |= set() if shop["staff"][staff]["active"] else {"staff_inactive"}
        codes |= set() if naive.extends(shop, actor, "assign", staff) else {"target_out_of_reach"}
    if mine or codes:
        raise Denied(mine | codes, exact=not mine)


def assert_fair(shop: Plain, actor: Any, command: Any, receivers: dict[str, str]) -> None:
    """Who may move moves from who has too many to who has too few, and no more than was asked for.

    Where all may move and enough moves are allowed, everybody has its share, rounded up or down.
    """
    stands = {id: naive.primary_of(one["held"]) for id, one in shop["customers"].items()}
    mine = {id for id, staff in stands.items() if staff in command.weights}
    movable = {id for id in mine if selects(shop, command, id) and not objections(shop, actor, command, id)}
    assert receivers.keys() <= movable
    assert set(receivers.values()) <= command.weights.keys()
    has, whole = Counter(stands[id] for id in mine), sum(command.weights.values())
    gives, gets = Counter(stands[id] for id in receivers), Counter(receivers.values())
    assert not gives.keys() & gets.keys(), "nobody gives and gets"
    assert command.max_moves is None or len(receivers) <= command.max_moves
    if movable == mine and (command.max_moves is None or len(receivers) < command.max_moves):
        for staff, weight in command.weights.items():
            assert abs((has[staff] - gives[staff] + gets[staff]) * whole - len(mine) * weight) < whole, "its share"


def selects(shop: Plain, command: Any, id: str) -> bool:
    """Whether one of those among whom it is levelled out stands for the customer."""
    return naive.primary_of(shop["customers"][id]["held"]) in command.weights


def objections(shop: Plain, actor: Any, command: Any, id: str) -> set[str]:
    """Every reason against moving a customer, whoever would get it."""
    customer = shop["customers"].get(id)
    if customer is None or not naive.known_to(shop, actor, command, customer):
        return {"not_found"}
    codes = set() if naive.may(shop, actor, "assign", customer) else {"not_permitted"}
    primary = naive.primary_of(customer["held"])
    if primary is not None and not naive.extends(shop, actor, "assign", primary):
        codes.add("holder_out_of_reach")
    if surely(command.keep, naive.record_of(shop, id), WORLD_FIELDS):
        codes.add("kept")
    return codes | naive.by_itself(actor, customer)


def moved(shop: Plain, id: str, receiver: str, at: int) -> Plain:
    """Who takes over stands for the customer, with the role of who did; others stay beside it."""
    customer = shop["customers"][id]
    held, before = customer["held"], naive.primary_of(customer["held"])
    kept = [one for one in held if one["staff"] != before or before == receiver]
    role = next((one["role"] for one in held if one["staff"] == before and before != receiver), "")
    after = naive.standing(naive.joined(kept, held, receiver, at, role, "rebalance"), receiver)
    where = {"customer": id, "version": customer["version"]}
    return {**dealing.difference(held, after), **where, "receiver": receiver, "source": "", "role": role}


def again(shop: Plain, actor: Any, command: Any, expected: list[Plain], at: int) -> list[Plain]:
    """A plan keeps its receivers: whom a row was planned for gets it, or it is refused or stale."""
    require(shop, actor, command)
    rows = []
    for was in expected:
        id, receiver = was["customer"], was["receiver"]
        codes = objections(shop, actor, command, id)
        if codes == {"not_found"}:
            rows.append(dealing.refusal(shop, id, codes))
            continue
        now = moved(shop, id, receiver, at)
        codes |= dealing.unfit(shop, actor, receiver, shop["customers"][id])
        same = now["version"] == was["version"] and dealing.outcome(now) == dealing.outcome(was)
        codes |= set() if same and selects(shop, command, id) else {"stale"}
        row = dealing.refusal(shop, id, codes) if codes else now
        rows.append({**row, "fate": "stale" if "stale" in codes else row["fate"]})
    return rows


def new_matches(shop: Plain, actor: Any, command: Any, plan: Plain) -> int:
    """Whoever it leaves where they are is no new match: levelling out looks at everybody and moves a few."""
    return 0
