"""What may be asked of a shop: each command as chance makes it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ownership_core import Level
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
    Rebalance,
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

from .model_shop import ModelShop
from .model_undo import REVERTIBLE
from .naive import Plain

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


def rebalance(dice: Random) -> Rebalance:
    """Some staff shall have their share of what they have together; some customers shall stay."""
    weights = {staff: dice.choice([1, 1, 2, 3]) for staff in dice.sample(STAFF, dice.choice([2, 3, 4]))}
    return Rebalance(weights, **maybe(dice, max_moves=[1, 2], keep=[Equals("website", "eu")]), **more(dice))


def unplaced(dice: Random) -> str:
    """What becomes of those nobody gets."""
    return dice.choice(["refuse", "refuse", "release"])


def revert(dice: Random, model: ModelShop, at: int) -> Revert:
    """One of the last runs is taken back, maybe what was taken back already; now and then one that cannot be."""
    runs = model.shop["runs"]
    some = [run for run, done in runs.items() if done["what"] in REVERTIBLE][-8:]
    since = [run for run in some if changed_since(model, runs[run])]
    chosen = since if since and dice.random() < 0.5 else some * 3
    return Revert(dice.choice([*chosen, *[*runs][-1:], "nobody"]), **more(dice))


def changed_since(model: ModelShop, run: Plain) -> bool:
    """Whether some customer a run changed has changed since."""
    moved = {row["customer"]: row["version"] + 1 for row in run["rows"] if row["fate"] == "changed"}
    return any(one["version"] > moved.get(id, one["version"]) for id, one in model.shop["customers"].items())


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
        dice,
        priority=[0, 1],
        reassign=[True],
        label=["X", "Y"],
        occasions=[["sweep"], ["sale"], ["changed"], ["changed", "sweep"]],
    )
    more |= dice.choice([{}, {}, {"active_from": at + SECOND}, {"active_until": at + 2 * DAY}])
    return ChangeRules(Rule(id, dice.choice(CONDITIONS), receivers(dice), **{"occasions": ["sweep"], **more}))


def cover(dice: Random, model: ModelShop, at: int) -> Cover:
    """Somebody stands in for a colleague: from now, from soon, or for no time at all."""
    windows = [(0, DAY), (0, 2 * DAY), (0, SECOND), (SECOND, DAY), (-DAY, DAY), (DAY, 3 * DAY), (-DAY, 0), (DAY, 0)]
    since, until = dice.choice(windows)
    staff, by = dice.choices(WHO, k=2)
    busy = [one["staff"] for customer in model.shop["customers"].values() for one in customer["held"]]
    if busy and dice.random() < 0.6:  # there is something to be seen
        staff, by = dice.choice(busy), dice.choice(["noa", "sam", "mia", "lea"])
    return Cover(staff, by, at + since, at + until, dice.choice([None, "a reason"]))


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
    "Rebalance": rebalance,
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
MOVING = ("Transfer", "Offboard", "Rebalance", "Revert", "Sweep", "ChangeRules", "Cover", "EndCover")
ABOUT_PEOPLE = ("ChangeStaff", "ChangeDepartment", "GrantAccess")
BY_BOSSES = {*ABOUT_PEOPLE, "SwitchCardinality", *MOVING}
COMMANDS = sorted([*MAKERS, *OF_NOW])
OFTEN = (
    "Assign",
    "Assign",
    "Claim",
    "Unassign",
    "Release",
    "GrantAccess",
    "Revert",
    "Sweep",
    "Sweep",
    "SwitchCardinality",
)
KINDS = (*COMMANDS * 2, *MOVING, *OFTEN)
