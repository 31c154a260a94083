"""Random shops for the laws: few websites, groups and staff, so that policies and customers meet; half is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import attrs
from hypothesis import strategies as st

from ownership_core.commands import (
    Assign,
    AssignmentCommand,
    Claim,
    ClearPrimary,
    Ids,
    Matching,
    Mode,
    MovingCommand,
    Offboard,
    One,
    Rebalance,
    Release,
    Selection,
    SetPrimary,
    Sweep,
    Transfer,
    Unassign,
    Unplaced,
)
from ownership_core.distribute import ByScope, Capacity, Case, Distribution, LeastBusy, Rotation, ToStaff, Weighted
from ownership_core.model import (
    Actor,
    Assignment,
    CoverRow,
    Customer,
    CustomerId,
    Department,
    DepartmentId,
    GroupRestriction,
    Level,
    RestrictionMode,
    Staff,
    StaffId,
)
from ownership_core.policies import SINGLE
from ownership_core.scope import (
    ANY,
    ANY_ACTIVE,
    ORPHANED,
    UNASSIGNED,
    AllOf,
    AnyOf,
    AssignedCount,
    AssignedTo,
    Before,
    Equals,
    Everything,
    Has,
    Matches,
    Missing,
    Not,
    OneOf,
    PrimaryOf,
    Scope,
)
from ownership_core.settings import Settings, Sharing, UnassignedVisibility
from ownership_core.testing.strategies import CUSTOMER_IDS, DEPARTMENT_IDS, STAFF_IDS
from ownership_core.testing.worlds import World

from .naive import NOW

SITES = ("a", "A", "b")
GROUPS = ("a", "A", "b")
RULE = Actor.system("till", "r1")
OPERATOR = Actor.operator("root")
REACHES = (*Level, Level.OWN, Level.DEPARTMENT, Level.DEPARTMENT_TREE)
ROLES = ("clerk", "boss")
SEEDS = st.integers(0, 2**24 - 1)
RIGHTS = ("view", "edit", "export", "claim", "release", "assign", "visit")

VALUES = {
    "name": ("a", "A", "%", "é", ""),
    "email": ("a@b", "A@B"),
    "region": ("a", "a/b"),
    "parent": ("c1",),
    "score": (-1, 0, 2**40),
    "vip": (False, True),
    "last_seen": (0, 1),
}
SETS = {"tags": ("a", "%"), "cities": ("a", "A"), "zips": ("007", "7"), "aliases": ("a/b", "A")}


def restriction(dice: Random, chance: float = 0.2) -> GroupRestriction | None:
    """An allow or deny list over few groups, now and then: several restrictions at once leave nobody."""
    if dice.random() > chance:
        return None
    return GroupRestriction(dice.choice(list(RestrictionMode)), frozenset(dice.sample(GROUPS, dice.randint(1, 2))))


def settings(cardinality: str = "multi", **more: Any) -> st.SearchStrategy[Settings]:
    """Everything a policy depends on, of one cardinality."""
    return st.builds(
        Settings,
        cardinality=st.just(cardinality),
        sharing=st.sampled_from(Sharing),
        unassigned_visibility=st.sampled_from(UnassignedVisibility),
        group_restriction=SEEDS.map(lambda seed: restriction(Random(seed))),
        actions=st.just(("visit",)),
        **{"operator": st.booleans(), **more},
    )


@st.composite
def peopled(draw: st.DrawFn, cardinality: str = "multi") -> World:
    """Up to 5 staff in a tree of departments and 8 customers; every combination of what may be missing.

    Made from one seed, so that fifty examples are fifty different shops; a failure shrinks by leaving people out.
    """
    seed = draw(SEEDS)
    staffs, customers = draw(st.sampled_from([4, 5, 3, 2, 1, 0])), draw(st.sampled_from([7, 8, 6, 5, 3, 1, 0]))
    dice = Random(seed)
    departments: list[Department] = []
    for id in dice.sample(DEPARTMENT_IDS, dice.randint(0, 3)):
        parent = dice.choice([None, *(d.id for d in departments)])
        departments.append(Department(DepartmentId(id), f"Department {id}", parent, restriction(dice)))
    roles = tuple((name, levels(dice)) for name in ROLES)
    names, ids = dice.sample(STAFF_IDS, 5)[:staffs], dice.sample(CUSTOMER_IDS, 8)[:customers]
    staff = tuple(new_staff(Random(f"{seed} {id}"), StaffId(id), departments) for id in names)
    most = 1 if cardinality == SINGLE else 3
    made = tuple(_customer(Random(f"{seed} {id}"), CustomerId(id), staff, most) for id in ids)
    more = Random(f"{seed} more")
    return World(tuple(departments), roles, staff, shared(more, made, staff), covers(more, staff))


DAY = 86_400_000_000
WINDOWS = ((-DAY, DAY), (-DAY, DAY), (0, DAY), (-DAY, 0), (DAY, 2 * DAY), (0, 1))
"""From now: those that stand, one that is just over, one that is to come."""


def covers(dice: Random, staff: Sequence[Staff]) -> tuple[CoverRow, ...]:
    """Up to six who stand in for others, chains among them: what is not arranged like that is still no way in."""
    found = []
    for number in range(dice.choice([0, 2, 4, 6])):
        if len(staff) > 1:
            away, by = dice.sample([one.id for one in staff], 2)
            since, until = dice.choice(WINDOWS)
            found.append(CoverRow(f"cover {number}", away, by, NOW + since, NOW + until))
    return tuple(found)


def shared(dice: Random, customers: Iterable[Customer], staff: Sequence[Staff]) -> tuple[Customer, ...]:
    """Half of the customers, each shared with one who is not assigned, until now or a little longer."""
    found = []
    for customer in customers:
        others = [one.id for one in staff if one.id not in {a.staff for a in customer.assignments}]
        until = NOW + dice.choice([DAY, DAY, 0])
        some = {dice.choice(others): until} if others and dice.random() < 0.5 else {}
        found.append(attrs.evolve(customer, shares=some))
    return tuple(found)


def levels(dice: Random) -> dict[str, Level]:
    """How far the actions of a role reach; most reach somewhere, and few reach everybody."""
    found = {right: dice.choice([None, *REACHES]) for right in RIGHTS}
    return {right: level for right, level in found.items() if level is not None}


def new_staff(dice: Random, id: StaffId, departments: Iterable[Department]) -> Staff:
    """A staff, mostly active and with roles."""
    units, active = [d.id for d in departments], dice.random() < 0.8
    return Staff(
        id=id,
        label=f"Staff {id}",
        active=active,
        deleted=not active and dice.random() < 0.5,
        departments=frozenset(dice.sample(units, min(len(units), dice.choice([0, 1, 1, 2])))),
        websites=frozenset(dice.sample(SITES, dice.randint(1, 3))) if dice.random() < 0.5 else None,
        roles=frozenset(dice.sample(ROLES, dice.choice([0, 1, 1, 1, 2]))),
        restriction=restriction(dice),
    )


def _customer(dice: Random, id: CustomerId, staff: tuple[Staff, ...], most: int) -> Customer:
    values = {name: dice.choice([None, dice.choice(pool)]) for name, pool in VALUES.items()}
    sets = {name: frozenset(dice.sample(pool, dice.randint(0, 1))) for name, pool in SETS.items()}
    always = {"kind": "person", "active": True, "created_at": 5, "no_auto": dice.random() < 0.5}
    return Customer(
        id,
        {**always, **values, "website": dice.choice([None, *SITES])},
        {**sets, "groups": frozenset(dice.sample(GROUPS, dice.randint(0, 2)))},
        _assignments(dice, sorted(s.id for s in staff), most),
    )


def _assignments(dice: Random, staff: list[StaffId], most: int) -> tuple[Assignment, ...]:
    """How long somebody serves and as what depends on the staff alone: that loads in few runs."""
    chosen = sorted(dice.sample(staff, min(len(staff), dice.randint(0, most))))
    primary = dice.choice([*chosen, None]) if chosen and most > 1 else next(iter(chosen), None)
    return tuple(Assignment(id, id == primary, 10 + len(id) % 3, ["lead", ""][len(id) % 2], "test") for id in chosen)


def actors(world: World) -> st.SearchStrategy[Actor]:
    """Mostly staff of this world, sometimes somebody unknown, the operator or a rule."""
    known = [Actor.staff(one.id) for one in world.staff]
    return st.sampled_from([*known * 4, Actor.staff("maria"), Actor.staff("nobody"), OPERATOR, RULE])


def scope(dice: Random, staff: Sequence[str]) -> Scope:
    """A sentence as somebody selects customers by; half of them cannot be told of some customers."""
    group, site = dice.choice(GROUPS), dice.choice(SITES)
    mine = [StaffId(dice.choice([*staff, "nobody"]))]
    plain: list[Scope] = [
        Everything(),
        UNASSIGNED,
        ORPHANED,
        Has("groups", [group]),
        Equals("website", site),
        OneOf("website", dice.sample(SITES, 2)),
        Missing("website"),
        Before("score", 1),
        Matches("name", "a"),
        AssignedTo(mine),
        PrimaryOf(mine),
        PrimaryOf(ANY),
        AssignedTo(ANY_ACTIVE),
        AssignedCount(2),
    ]
    one, other = dice.sample(plain, 2)
    return dice.choice([one, one, Not(one), Not(other), AllOf([one, Not(other)]), AnyOf([one, other])])


def selection(dice: Random, customers: Sequence[str], staff: Sequence[str]) -> Selection:
    """One id, several, or a scope; now and then somebody nobody knows."""
    known = [*map(CustomerId, customers), CustomerId("nobody")]
    several = dice.sample(known, dice.randint(0, len(known)))
    one = dice.choice(known[:-1] * 4 + known[-1:])
    return dice.choice([One(one), Ids(several), Matching(scope(dice, staff))])


def assignment_command(dice: Random, customers: Sequence[str], staff: Sequence[str]) -> AssignmentCommand:
    """Every verb, mostly about somebody who works here."""
    which = selection(dice, customers, staff)
    who = StaffId(dice.choice([*list(staff) * 3, "nobody"]))
    role, source = dice.choice(["", "lead"]), dice.choice(["manual", "rule"])
    more: dict[str, Any] = {"expected_version": dice.choice([None] * 7 + [1, 2, 3]), "reason": "law"}
    return dice.choice(
        [
            Assign(which, who, Mode.SET, role, source, **more),
            Assign(which, who, Mode.ADD, role, source, **more),
            Unassign(which, dice.choice([who, who, ANY]), **more),
            SetPrimary(which, who, dice.choice([None, True, False]), source, **more),
            ClearPrimary(which, **more),
            Claim(which, **more),
            Release(which, **more),
        ]
    )


def receivers(dice: Random, staff: Sequence[str]) -> Distribution:
    """One staff, or several in every way that is dealt; now and then somebody nobody knows."""
    some = dice.sample(list(staff), dice.randint(1, len(staff))) if staff else ["nobody"]
    names = [StaffId(one) for one in (some if dice.random() < 0.95 else ["nobody", *some])]
    bound = Capacity(dice.randint(1, 3)) if dice.random() < 0.3 else None
    pool: Distribution = dice.choice(
        [
            ToStaff(names[0]),
            Rotation("turn", frozenset(names), bound),
            LeastBusy(frozenset(names), bound),
            Weighted({one: dice.randint(1, 3) for one in names}),
        ]
    )
    if dice.random() < 0.3:
        cases = [Case(scope(dice, staff), ToStaff(StaffId(dice.choice([*staff, "nobody"])))) for _ in range(2)]
        return ByScope(cases, dice.choice([None, pool]))
    return pool


def moving_command(dice: Random, customers: Sequence[str], staff: Sequence[str]) -> MovingCommand:
    """Every command that deals customers out."""
    giver = StaffId(dice.choice([*staff * 3, "nobody"]))
    to = receivers(dice, [one for one in staff if one != giver or dice.random() < 0.1])
    unplaced = dice.choice(list(Unplaced))
    some = dice.sample(list(staff), dice.randint(1, len(staff))) if staff else ["nobody"]
    return dice.choice(
        [
            Transfer(giver, to, selection(dice, customers, staff), unplaced, reason="law"),
            Transfer(giver, to, unplaced=unplaced, reason="law"),
            Offboard(giver, dice.choice([to, to, to, None]), unplaced, reason="law"),
            Rebalance({StaffId(one): dice.randint(1, 3) for one in some}, dice.choice([None, None, 1]), reason="law"),
            Sweep(selection(dice, customers, staff), to, reason="law"),
            Sweep(to=to, reason="law"),
        ]
    )
