"""What may happen to a shop next: who asks for what, and with which odds."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import attrs

from ownership_core import Actor, Level
from ownership_core.commands import (
    KEEP,
    Assign,
    ChangeCustomer,
    ChangeDepartment,
    ChangeRules,
    ChangeStaff,
    Claim,
    ClearPrimary,
    Cover,
    CreateCustomer,
    DeleteCustomer,
    EndCover,
    GrantAccess,
    NewCustomer,
    Offboard,
    Release,
    Revert,
    SetPrimary,
    Sweep,
    SwitchCardinality,
    Transfer,
    Unassign,
)
from ownership_core.distribute import LeastBusy, Rotation, ToStaff, Weighted
from ownership_core.model import GroupRestriction, StaffId
from ownership_core.rules import Rule
from ownership_core.scope import (
    ANY,
    ORPHANED,
    UNASSIGNED,
    AssignedTo,
    Equals,
    Everything,
    Has,
    Missing,
    Not,
    PrimaryOf,
    Under,
)

from . import model_undo as undo
from .model_people import Denied
from .model_shop import ModelShop
from .model_start import OPERATOR
from .naive import Plain

TILL, STRANGER = Actor.system("till", "r1"), Actor.staff("nobody")
ADA, MIA, LEA, NOA, SAM, IDA = map(Actor.staff, ("ada", "mia", "lea", "noa", "sam", "ida"))
READERS = (NOA, MIA, LEA, SAM, IDA, ADA, OPERATOR, TILL)
ACTORS = (NOA, MIA, LEA, SAM, ADA) * 2 + (OPERATOR, OPERATOR, IDA, TILL, STRANGER)
BOSSES = (ADA, ADA, ADA, LEA, LEA, LEA, OPERATOR, OPERATOR, MIA, TILL, IDA, STRANGER)
STAFF = ("noa", "sam", "mia", "lea", "ada", "ida")
WHO = (*STAFF, *STAFF, "nobody")
CUSTOMERS = ("c1", "c2", "c3", "c4", "c5", "c6")
GROUPS = (["retail"], ["trade"], [], ["barred", "retail"])
SITES = ("eu", "us", None)
RESTRICTIONS = (
    None,
    GroupRestriction("deny", ["barred"]),
    GroupRestriction("allow", ["retail"]),
    GroupRestriction("allow", []),
)
LOGINS = ["x@shop", "x@shop", None]
SCOPES = (
    Everything(),
    UNASSIGNED,
    ORPHANED,
    Has("groups", ["retail"]),
    Not(Has("groups", ["trade"])),
    Equals("website", "eu"),
    Missing("name"),
    AssignedTo([StaffId("noa")]),
    Not(PrimaryOf(ANY)),
    Not(AssignedTo([StaffId("sam")])) & Equals("active", True),
)


CONDITIONS = (*SCOPES, *[Everything(), UNASSIGNED] * 3, Under("name", "a"), Under("name", "A"), Under("email", "a@"))
SECOND, DAY = 1_000_000, 24 * 3600 * 1_000_000


# Who asks for what


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
        return in_the_way(dice, command, model), ADA if isinstance(command, SwitchCardinality) else actor
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
    if isinstance(command, Cover):  # H15: somebody stands in for one who does so himself
        for other in model.shop["covers"][-1:]:
            same = {"since": other["since"], "until": other["until"], "by": other["staff"]}
            return attrs.evolve(command, **same)
    if isinstance(command, Transfer):  # not all of these are the giver's
        return attrs.evolve(command, customers=dice.sample(CUSTOMERS, 4))
    if isinstance(command, Revert):  # what changed more than assignments
        runs = [run for run, done in model.shop["runs"].items() if done["what"] not in undo.REVERTIBLE]
        return attrs.evolve(command, run=dice.choice(runs))
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


def maybe(dice: Random, **values: Any) -> Plain:
    """Some of these, each with one of its values; what is left out stays as it is."""
    return {name: dice.choice(choices) for name, choices in values.items() if dice.random() < 0.35}


def selection(dice: Random) -> Any:
    """One id, several, or a scope; now and then somebody nobody knows."""
    known = [*CUSTOMERS, "nobody"]
    return dice.choice([dice.choice(known), dice.choice(CUSTOMERS), dice.sample(known, 3), dice.choice(SCOPES)])


def more(dice: Random) -> Plain:
    """What every command about customers may carry."""
    return {"reason": dice.choice([None, "a reason"]), "notify": dice.random() < 0.8}


def fields(dice: Random) -> Plain:
    """Values and sets of a customer."""
    values = maybe(dice, name=["a", "B", None], email=["a@x", "A@x", "b@x", None], website=SITES, no_auto=[True, False])
    return {"values": values, "sets": maybe(dice, groups=GROUPS, tags=[["x"], [], ["y", "x"]])}


def new_customers(dice: Random) -> list[NewCustomer]:
    """One or several, mostly with ids nobody has."""
    ids = dice.sample(["c6", "c7", "c8", *CUSTOMERS[:5]], dice.randint(1, 3))
    return [NewCustomer(id, **fields(dice), staff=dice.choice([None, None, *STAFF])) for id in ids]


def change_staff(dice: Random) -> ChangeStaff:
    """Somebody is hired, moves, is bound, leaves or comes back."""
    bounds = maybe(dice, departments=[[], ["north"], ["city", "south"], ["east"]], restriction=RESTRICTIONS)
    if dice.random() < 0.3:
        label = dice.choice(["Z", "Z", KEEP])
        return ChangeStaff(dice.choice(["zoe", "tom", "noa"]), create=True, label=label, **bounds)
    changes = maybe(
        dice, label=["X", "Y"], login=LOGINS, active=[True, True, False], websites=[["eu"], ["us", "eu"], None, []]
    )
    who = dice.choice([*STAFF, *STAFF, "ida", "zoe", "tom", "nobody"])
    return ChangeStaff(who, delete=dice.random() < 0.05, reason=dice.choice([None, "a reason"]), **changes, **bounds)


def change_department(dice: Random) -> ChangeDepartment:
    """A department is opened, renamed, moved or bound."""
    changes = maybe(dice, label=["X", "Y"], parent=["north", "city", "south", "west", None], restriction=RESTRICTIONS)
    new = dice.random() < 0.3
    return ChangeDepartment(dice.choice(["east", "west"] if new else ["north", "city", "south"]), create=new, **changes)


def grant_access(dice: Random) -> GrantAccess:
    """A role is given, taken, or reaches further or less far."""
    actions = dice.sample(["view", "edit", "assign", "claim", "release", "delete", "no_such_action"], 2)
    levels = {action: dice.choice(list(Level)) for action in actions} if dice.random() < 0.3 else {}
    role, staff = dice.choice(["associate", "manager", "lead", "admin", "extra"]), dice.choice([None, *STAFF, "zoe"])
    return GrantAccess(role, staff=staff, levels=levels, revoke=dice.random() < 0.3)


def receivers(dice: Random) -> Any:
    """One staff, or several in turn, by weight, or by how busy they are."""
    some = dice.sample(STAFF, dice.choice([1, 2, 2, 3]))
    one, turn = ToStaff(dice.choice(WHO)), Rotation(dice.choice(["turn", "turn", "other"]), some)
    weighted = Weighted({staff: dice.choice([1, 1, 2, 3]) for staff in some})
    return dice.choice([one, one, one, turn, turn, weighted, LeastBusy(some)])


def transfer(dice: Random, model: ModelShop, at: int) -> Transfer:
    """Some of somebody's customers, or all, go to others; now and then to one who has some of them as well (D04)."""
    chosen = {"customers": selection(dice)} if dice.random() < 0.4 else {}
    giver, to = dice.choice(WHO), receivers(dice)
    shared = [one["held"] for one in model.shop["customers"].values() if len(one["held"]) > 1]
    if shared and dice.random() < 0.4:
        giver, to = dice.sample([one["staff"] for one in dice.choice(shared)], 2)
    return Transfer(giver, to, **chosen, unplaced=unplaced(dice), **more(dice))


def offboard(dice: Random) -> Offboard:
    """Somebody leaves, and everything goes to others, or to nobody."""
    to = receivers(dice) if dice.random() < 0.8 else None
    return Offboard(dice.choice(WHO), to, unplaced(dice), **more(dice))


def unplaced(dice: Random) -> str:
    """What becomes of those nobody gets."""
    return dice.choice(["refuse", "refuse", "release"])


def revert(dice: Random, model: ModelShop, at: int) -> Revert:
    """One of the last runs is taken back, maybe what was taken back already; now and then one that cannot be."""
    runs = model.shop["runs"]
    some = [run for run, done in runs.items() if done["what"] in undo.REVERTIBLE][-8:]
    since = [run for run in some if changed_since(model, runs[run])]
    chosen = since if since and dice.random() < 0.5 else some * 3
    return Revert(dice.choice([*chosen, *[*runs][-1:], "nobody"]), **more(dice))


def changed_since(model: ModelShop, run: Plain) -> bool:
    """Whether some customer a run changed has changed since."""
    moved = [row for row in run["rows"] if row["fate"] == "changed"]
    return any(model.shop["heads"].get(row["customer"], 0) > row["version"] + 1 for row in moved)


def sweep(dice: Random, model: ModelShop, at: int) -> Sweep | ChangeRules:
    """The unassigned are given out, by the rules or to whom is said; where there are none, mostly one is written."""
    if not model.shop["rules"] and dice.random() < 0.6:
        return change_rules(dice, model, at)
    chosen = {"customers": selection(dice)} if dice.random() < 0.3 else {}
    to = receivers(dice) if dice.random() < 0.25 else None
    return Sweep(**chosen, to=to, occasion=dice.choice(["sweep"] * 5 + ["sale"]), **more(dice))


def change_rules(dice: Random, model: ModelShop, at: int) -> ChangeRules:
    """A rule is written or forgotten."""
    id = dice.choice(["r1", "r2", "r3"])
    if dice.random() < 0.2:
        return ChangeRules(forget=id, reason=dice.choice([None, "a reason"]))
    more = maybe(
        dice, priority=[0, 1], reassign=[True], label=["X", "Y"], occasions=[["sweep"], ["sale"], ["sale", "sweep"]]
    )
    more |= dice.choice([{}, {}, {"active_from": at + SECOND}, {"active_until": at + 2 * DAY}])
    return ChangeRules(Rule(id, dice.choice(CONDITIONS), receivers(dice), **{"occasions": ["sweep"], **more}))


def cover(dice: Random, model: ModelShop, at: int) -> Cover:
    """Somebody stands in for a colleague: from now, from soon, or for no time at all."""
    windows = [(0, DAY), (0, 2 * DAY), (0, SECOND), (SECOND, DAY), (-DAY, DAY), (DAY, 3 * DAY), (-DAY, 0), (DAY, 0)]
    since, until = dice.choice(windows)
    return Cover(*dice.choices(WHO, k=2), at + since, at + until, dice.choice([None, "a reason"]))


def end_cover(dice: Random, model: ModelShop, at: int) -> EndCover | Cover:
    """A cover ends; now and then one that is over, or that nobody knows; where there is none, mostly one begins."""
    last = [one["id"] for one in model.shop["covers"][-3:]]
    if not last and dice.random() < 0.7:
        return cover(dice, model, at)
    return EndCover(dice.choice([*last * 2, "nobody"]))


MAKERS: dict[str, Callable[[Random], Any]] = {
    "Assign": lambda dice: Assign(
        selection(dice), dice.choice(WHO), dice.choice(["set", "add", "add"]), dice.choice(["", "lead"]), **more(dice)
    ),
    "Unassign": lambda dice: Unassign(selection(dice), dice.choice([*WHO, ANY, ANY]), **more(dice)),
    "SetPrimary": lambda dice: SetPrimary(
        selection(dice), dice.choice(WHO), dice.choice([None, True, False]), **more(dice)
    ),
    "ClearPrimary": lambda dice: ClearPrimary(selection(dice), **more(dice)),
    "Claim": lambda dice: Claim(selection(dice), **more(dice)),
    "Release": lambda dice: Release(selection(dice), **more(dice)),
    "DeleteCustomer": lambda dice: DeleteCustomer(selection(dice), **more(dice)),
    "ChangeCustomer": lambda dice: ChangeCustomer(dice.choice(CUSTOMERS), **fields(dice)),
    "CreateCustomer": lambda dice: CreateCustomer(new_customers(dice), dice.choice(["staff", "import", "self"])),
    "ChangeStaff": change_staff,
    "ChangeDepartment": change_department,
    "GrantAccess": grant_access,
    "Offboard": offboard,
    "SwitchCardinality": lambda dice: SwitchCardinality(
        dice.choice(["single", "at_most", "multi", "single", "at_most", "multi", "trio"]),
        dice.choice([None, None, "primary", "longest_serving"]),
        **more(dice),
    ),
}
"""How most commands are made."""
OF_NOW: dict[str, Callable[[Random, ModelShop, int], Any]] = {
    "Transfer": transfer,
    "Sweep": sweep,
    "Revert": revert,
    "Cover": cover,
    "EndCover": end_cover,
    "ChangeRules": change_rules,
}
"""How those are made that are about what happened before, or about a time."""
MOVING = ("Transfer", "Offboard", "Revert", "Sweep", "ChangeRules", "Cover", "EndCover")
ABOUT_PEOPLE = ("ChangeStaff", "ChangeDepartment", "GrantAccess")
BY_BOSSES = {*ABOUT_PEOPLE, "SwitchCardinality", *MOVING}
COMMANDS = sorted([*MAKERS, *OF_NOW])
KINDS = (*COMMANDS * 2, "Assign", "Claim", "Unassign", "Release", "GrantAccess", *MOVING, "Sweep", "Sweep", "SwitchCardinality")
