"""What may happen to a shop next: who asks for what, and with which odds."""

from __future__ import annotations

from random import Random
from typing import Any

import attrs

from ownership_core import Actor
from ownership_core.commands import (
    Assign,
    ChangeDepartment,
    ChangeRules,
    ChangeStaff,
    Cover,
    GrantAccess,
    Release,
    Revert,
    Sweep,
    SwitchCardinality,
    Transfer,
    Unassign,
)
from ownership_core.model import StaffId

from .model_customers import snake
from .model_makers import BY_BOSSES, COMMANDS, CUSTOMERS, DAY, KINDS, MAKERS, OF_NOW, SECOND, changed_since
from .model_people import Denied
from .model_shop import ModelShop
from .model_start import OPERATOR
from .model_undo import REVERTIBLE

__all__ = ["ACTORS", "ADA", "BOSSES", "DAY", "MUST_HAPPEN", "READERS", "SECOND", "asked", "key", "strictness"]

TILL, STRANGER = Actor.system("till", "r1"), Actor.staff("nobody")
ADA, MIA, LEA, NOA, SAM, IDA = map(Actor.staff, ("ada", "mia", "lea", "noa", "sam", "ida"))
READERS = (NOA, MIA, LEA, SAM, IDA, ADA, OPERATOR, TILL)
ACTORS = (NOA, MIA, LEA, SAM, ADA) * 2 + (OPERATOR, OPERATOR, IDA, TILL, STRANGER)
BOSSES = (ADA, ADA, ADA, LEA, LEA, LEA, OPERATOR, OPERATOR, MIA, TILL, IDA, STRANGER)

MUST_HAPPEN = [
    f"{what} {fate}" for what in (*map(snake, COMMANDS), "apply", "together") for fate in ("changed", "refused")
]
MUST_HAPPEN += ["plan made", "plan refused", "replayed", "idempotency_conflict", "version_conflict", "stale"]
MUST_HAPPEN += ["strict_refused", "not_found", "not_permitted", "promoted", "own_access"]
MUST_HAPPEN += ["merged", "in turn", "by a rule", "fired", "changed_since", "stood in", "cover_chain"]
MUST_HAPPEN += ["too_many_staff", "same_staff", "not_held", "no_target", "not_revertible", "unknown_cover"]
"""A life in which some of this never happens says little."""


def asked(dice: Random, model: ModelShop, at: int) -> tuple[Any, Actor]:
    """A command and who asks; mostly something that changes the shop now, for most of what is asked is refused."""
    kind, wanted = dice.choice(KINDS), dice.random() < 0.65
    for _ in range(16):
        made = MAKERS[kind](dice) if kind in MAKERS else OF_NOW[kind](dice, model, at)
        actor = dice.choice(BOSSES if kind in BY_BOSSES else ACTORS)
        made, actor = aimed(dice, made, actor, model, wanted)
        made = expecting(dice, made, model)
        if not wanted or is_effective(model, made, actor, at):
            break
    return made, actor


def aimed(dice: Random, command: Any, actor: Actor, model: ModelShop, wanted: bool) -> tuple[Any, Actor]:
    """Now and then at what chance alone seldom meets: one's own access (I27), or the primary of a customer (A06)."""
    if isinstance(command, ChangeStaff | GrantAccess) and not wanted and dice.random() < 0.7:
        actor = dice.choice([ADA, ADA, LEA])
        return attrs.evolve(command, staff=StaffId(actor.id)), actor
    if not wanted and dice.random() < 0.5:
        return in_the_way(dice, command, model), ADA if isinstance(command, SwitchCardinality | Revert) else actor
    if isinstance(command, Unassign | Release) and dice.random() < 0.7:
        held = model.shop["customers"].get(getattr(command.customers, "id", ""), {"held": []})["held"]
        for primary in [one["staff"] for one in held if one["primary"]]:
            if isinstance(command, Release):
                return command, Actor.staff(primary)
            return attrs.evolve(command, staff=primary), actor
    return command, actor


def in_the_way(dice: Random, command: Any, model: ModelShop) -> Any:
    """What is refused for a reason that chance alone seldom meets."""
    if isinstance(command, SwitchCardinality):  # A10: a customer has more staff
        return attrs.evolve(command, to="single", keep=None)
    several = [id for id, customer in model.shop["customers"].items() if len(customer["held"]) > 1]
    if isinstance(command, Assign) and several:  # A09: there is no room for more
        return attrs.evolve(command, customers=dice.choice(several), mode="add")
    if isinstance(command, Cover):  # H15: somebody stands in for one who does so himself
        for other in model.shop["covers"][-1:]:
            same = {"since": other["since"], "until": other["until"], "by": other["staff"]}
            return attrs.evolve(command, **same)
    if isinstance(command, Transfer | Sweep):  # not all of these are the giver's, or are fit to be given out
        return attrs.evolve(command, customers=dice.sample(CUSTOMERS, 4))
    if isinstance(command, Revert):  # what changed since, and what changed more than assignments
        runs = model.shop["runs"]
        since = [run for run, done in runs.items() if done["what"] in REVERTIBLE and changed_since(model, done)]
        more = [run for run, done in runs.items() if done["what"] not in REVERTIBLE]
        return attrs.evolve(command, run=dice.choice(dice.choice([since, since, more]) or more))
    return command


def is_effective(model: ModelShop, command: Any, actor: Actor, at: int) -> bool:
    """Whether the command would change something now."""
    try:
        return bool(model.copied().execute(command, actor, at)["wrote"])
    except Denied:
        return False


def expecting(dice: Random, command: Any, model: ModelShop) -> Any:
    """The command, now and then made for a version: mostly the right one, of several customers that of the first."""
    if dice.random() < 0.7 or not hasattr(command, "expected_version"):
        return command
    if isinstance(command, ChangeRules):
        version = model.shop["rule_versions"].get(command.forget or command.rule.id, 0)  # type: ignore[union-attr]
    elif isinstance(command, ChangeStaff | ChangeDepartment):
        kind = "staff" if isinstance(command, ChangeStaff) else "departments"
        version = model.shop[kind].get(getattr(command, kind.removesuffix("s")), {"version": 0})["version"]
    else:
        named = getattr(command, "customer", None) or getattr(command, "customers", None)
        first = getattr(named, "ids", [getattr(named, "id", named)])[:1]
        version = sum(model.shop["heads"].get(id, 0) for id in first if isinstance(id, str))
    return attrs.evolve(command, expected_version=version + dice.choice([0, 0, 1]))


def strictness(dice: Random) -> bool | None:
    """Whether one refusal shall refuse all; mostly as it is for the command."""
    return dice.choice([None, None, None, True, True, False])


def key(dice: Random) -> str | None:
    """An idempotency key, now and then."""
    return dice.choice([*[None] * 6, "k1", "k2", "k3"])
