"""What a switch of the cardinality does to a plain shop: who is in its way, who stays and who leaves (A10, I10)."""

from __future__ import annotations

from typing import Any

from . import naive
from .model_customers import carry_out
from .model_people import Denied
from .naive import Plain

__all__ = ["again", "carry_out", "planned"]


def planned(shop: Plain, actor: Any, command: Any, at: int) -> list[Plain]:
    """The row of every customer that cannot simply stay as it is; nobody else is looked at."""
    mine = not_over_everybody(shop, actor)
    unknown = set() if command.to in {"single", "at_most", "multi"} else {"unknown_cardinality"}
    if mine or unknown:
        raise Denied(mine | unknown, exact=not mine)
    if command.to == shop["cardinality"]:
        return []
    return [row(shop, command, id) for id in sorted(shop["customers"]) if is_concerned(shop, command, id)]


def again(shop: Plain, actor: Any, command: Any, expected: list[Plain], at: int) -> list[Plain]:
    """Never asked: a switch is not applied in part, what its plan holds must be what would happen now."""
    raise AssertionError(command)


def not_over_everybody(shop: Plain, actor: Any) -> set[str]:
    """It takes the right over all access, from somebody who may view and assign every customer there could be."""
    mine = naive.asker_problems(shop, actor, "manage_access")
    if mine or actor.kind != "staff":
        return mine
    everywhere = all(naive.level_of(shop, actor, right) == "all" for right in ("manage_access", "view", "assign"))
    who = shop["staff"][actor.id]
    by_website = shop["per_website"] and who["websites"] is not None
    units = [unit for department in who["departments"] for unit in naive.above(shop, department)]
    bounds = [shop["restriction"], who["restriction"], *(shop["departments"][unit]["restriction"] for unit in units)]
    bound = by_website or any(bounds)
    return set() if everywhere and not bound else {"not_permitted"}


def room(shop: Plain, to: str) -> int | None:
    """How many staff a customer may have under a cardinality; None where any number."""
    return {"single": 1, "at_most": int(shop["at_most"]), "multi": None}[to]


def is_concerned(shop: Plain, command: Any, id: str) -> bool:
    """Whether a customer has more staff than there is room for, or in single nobody who stands for it."""
    held, most = shop["customers"][id]["held"], room(shop, command.to)
    crowded = most is not None and len(held) > most
    return crowded or (command.to == "single" and bool(held) and naive.primary_of(held) is None)


def row(shop: Plain, command: Any, id: str) -> Plain:
    """Who stays: the primary, then who is active, then the others, each by how long they serve."""
    customer, most = shop["customers"][id], room(shop, command.to)
    held = customer["held"]
    by_service = sorted(held, key=lambda one: (one["since"], one["staff"]))
    first = [one for one in by_service if one["primary"]]
    then = [one for one in by_service if not one["primary"] and shop["staff"][one["staff"]]["active"]]
    last = [one for one in by_service if one not in first and one not in then]
    order = [one["staff"] for one in (*first, *then, *last)]
    if most is not None and len(held) > most:
        somebody = {None: [], "primary": first, "longest_serving": first + then}[command.keep]
        if not somebody:
            return naive.refused(id, customer["version"], {"too_many_staff"})
        order = order[:most]
    kept = [one for one in held if one["staff"] in order]
    before = naive.primary_of(held)
    after = order[0] if command.to == "single" else before
    return {
        "customer": id,
        "fate": "changed",
        "version": customer["version"],
        "codes": set(),
        "before": before,
        "after": after,
        "added": None,
        "removed": [one for one in held if one not in kept],
        "held": naive.standing(kept, after),
    }
