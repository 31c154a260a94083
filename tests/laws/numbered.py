"""Shops by number, in which every combination of what may be missing comes before one comes again.

Hypothesis draws what it likes, and the longer it draws the more often it repeats itself; here the combinations that
policies speak of lie on a deck of cards. :func:`gaps_of` reads them off the shop that came out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from random import Random
from typing import Any, Generic, TypeVar

from ownership_core.model import (
    Assignment,
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
from ownership_core.settings import Settings, Sharing, UnassignedVisibility
from ownership_core.testing.strategies import CUSTOMER_IDS, DEPARTMENT_IDS, STAFF_IDS
from ownership_core.testing.worlds import WORLD_FIELDS, World

from .naive import Plain
from .people import GROUPS, RIGHTS, ROLES, SETS, SITES, VALUES, covers, shared

STATES = ("active", "inactive", "deleted")
HELD = ("nobody", "active", "inactive")
BOTH = (False, True)

# Of customers: website, groups and parent are there; who is assigned. Of staff: the state; departments, websites, a
# restriction and roles are there. Of departments: a parent and a restriction are there. Of the shop: how it shares
# websites and shows unassigned customers; a restriction is there.
CUSTOMERS = tuple(product(BOTH, BOTH, BOTH, HELD))
STAFF = tuple(product(STATES, BOTH, BOTH, BOTH, BOTH))
DEPARTMENTS = tuple(product(BOTH, BOTH))
SHOPS = tuple(product(BOTH, map(str, UnassignedVisibility), BOTH))
SORTS = tuple(f"{sign}{field.name}" for field in WORLD_FIELDS.to_one() for sign in ("", "-"))

# Whoever lacks something mostly sees nobody, and so does whoever is bound by several restrictions at once. That lists
# hold somebody and leave somebody out, these come more often.
BUSY = tuple(
    ("active", works, *bound, True)
    for works in (True, True, False)
    for bound in (*product((False,), BOTH), (True, False), (False, False))
)
COMPLETE = tuple(card for card in CUSTOMERS if card[0] and card[1])
FREE = ((False, False), (True, False))
REACHES = (None, Level.NONE, *(Level.OWN, Level.DEPARTMENT, Level.DEPARTMENT_TREE) * 3, *(Level.ALL,) * 2)

ACTIONS = (*("view",) * 5, "edit", "export", "claim", "assign", "visit", "no_such_action")

EVERY_GAP = {
    "customer": set(CUSTOMERS),
    "staff": set(STAFF),
    "department": set(DEPARTMENTS),
    "shop": set(SHOPS),
}

Card = TypeVar("Card")


class Deck(Generic[Card]):
    """Cards that all come once before one comes again, in another order each time."""

    def __init__(self, cards: Iterable[Card], dice: Random) -> None:
        self._cards = tuple(cards)
        self._dice = dice
        self._left: list[Card] = []

    def draw(self) -> Card:
        """The next card."""
        if not self._left:
            self._left = self._dice.sample(self._cards, len(self._cards))
        return self._left.pop()


class Numbered:
    """Shops of one cardinality, the same ones in every run: 6 staff in 3 or 4 departments, 8 to 12 customers."""

    def __init__(self, cardinality: str) -> None:
        self.dice = Random(cardinality)
        self._more = Random(f"{cardinality} more")  # beside the dice, which deal as if nothing was shared or covered
        self._cardinality = cardinality
        self._shops = Deck(SHOPS, self.dice)
        self._staff = Deck((*STAFF, *BUSY * 4), self.dice)
        self._customers = Deck((*CUSTOMERS, *COMPLETE), self.dice)
        self._departments = Deck((*DEPARTMENTS, *FREE * 4), self.dice)
        self.sorts = Deck(SORTS, self.dice)
        self.actions = Deck(ACTIONS, self.dice)

    def take(self, number: int) -> Iterator[tuple[Settings, World]]:
        """The first ``number`` shops and their settings."""
        for _ in range(number):
            yield self.settings(), self.world()

    def settings(self, **chosen: Any) -> Settings:
        """Settings of the next combination; ``chosen`` ones as they are given."""
        apart, unassigned, restricted = self._shops.draw()
        drawn: dict[str, Any] = {
            "cardinality": self._cardinality,
            "at_most": self.dice.randint(1, 3),
            "sharing": Sharing.PER_WEBSITE if apart else Sharing.GLOBAL,
            "unassigned_visibility": UnassignedVisibility(unassigned),
            "group_restriction": self._restriction() if restricted else None,
            "actions": ("visit",),
            "operator": self.dice.random() < 0.5,
        }
        return Settings(**{**drawn, **chosen})

    def world(self) -> World:
        """A shop of the next combinations."""
        departments = self._tree()
        staff = tuple(self._member(StaffId(id), departments) for id in self.dice.sample(STAFF_IDS, len(STAFF_IDS)))
        ids = self.dice.sample(CUSTOMER_IDS, self.dice.randint(8, 12))
        customers = tuple(self._customer(CustomerId(id), ids, staff) for id in ids)
        roles = tuple((name, self._levels()) for name in ROLES)
        return World(departments, roles, staff, shared(self._more, customers, staff), covers(self._more, staff))

    def _levels(self) -> dict[str, Level]:
        found = {right: self.dice.choice(REACHES) for right in RIGHTS}
        return {right: level for right, level in found.items() if level is not None}

    def _restriction(self) -> GroupRestriction:
        """One that leaves two groups of three, most of the time."""
        mode, few = self.dice.choice(list(RestrictionMode)), self.dice.random() < 0.25
        size = 1 if (mode is RestrictionMode.ALLOW) == few else 2
        return GroupRestriction(mode, frozenset(self.dice.sample(GROUPS, size)))

    def _tree(self) -> tuple[Department, ...]:
        found: list[Department] = []
        for id in self.dice.sample(DEPARTMENT_IDS, self.dice.randint(3, 4)):
            below, restricted = self._departments.draw()
            parent = self.dice.choice(found).id if below and found else None
            restriction = self._restriction() if restricted else None
            found.append(Department(DepartmentId(id), f"Department {id}", parent, restriction))
        return tuple(found)

    def _member(self, id: StaffId, departments: tuple[Department, ...]) -> Staff:
        state, works, sited, restricted, able = self._staff.draw()
        units = [one.id for one in departments]
        return Staff(
            id=id,
            label=f"Staff {id}",
            active=state == "active",
            deleted=state == "deleted",
            departments=frozenset(self.dice.sample(units, self.dice.randint(1, 2)) if works else ()),
            websites=frozenset(self.dice.sample(SITES, self.dice.randint(1, 2))) if sited else None,
            roles=frozenset(self.dice.sample(ROLES, self.dice.randint(1, 2)) if able else ()),
            restriction=self._restriction() if restricted else None,
        )

    def _customer(self, id: CustomerId, ids: list[str], staff: tuple[Staff, ...]) -> Customer:
        sited, grouped, parented, held = self._customers.draw()
        dice = self.dice
        values: dict[str, Any] = {name: dice.choice([None, dice.choice(pool)]) for name, pool in VALUES.items()}
        values |= {
            "kind": dice.choice(["person", "company", "Person"]),
            "active": dice.random() < 0.8,
            "created_at": dice.choice([0, 5, 5_000_001]),
            "no_auto": dice.random() < 0.5,
            "parent": dice.choice(ids) if parented else None,
            "website": dice.choice(SITES) if sited else None,
        }
        sets = {name: frozenset(dice.sample(pool, dice.randint(0, 1))) for name, pool in SETS.items()}
        sets["groups"] = frozenset(dice.sample(GROUPS, dice.randint(1, 2)) if grouped else ())
        return Customer(id, values, sets, self._assignments(staff, held))

    def _assignments(self, staff: tuple[Staff, ...], held: str) -> tuple[Assignment, ...]:
        """Of active staff and others, of others only, or none; how long and as what depends on the staff alone."""
        active = [one.id for one in staff if one.active]
        others = [one.id for one in staff if not one.active]
        first = {"nobody": [], "active": active, "inactive": others}[held]
        if not first:
            return ()
        chosen = {self.dice.choice(first)}
        if self._cardinality != SINGLE:
            more = others if held == "inactive" else [*active, *others]
            chosen |= set(self.dice.sample(more, min(len(more), self.dice.randint(0, 2))))
        primary = self.dice.choice(sorted(chosen) if self._cardinality == SINGLE else [None, *sorted(chosen)])
        return tuple(
            Assignment(id, id == primary, 10 + len(id) % 3, ["lead", ""][len(id) % 2], "test") for id in sorted(chosen)
        )


def gaps_of(plain: Plain) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Every combination of what is there and what is missing in a shop, read off the shop itself."""
    yield "shop", (plain["per_website"], plain["unassigned"], _there(plain, "restriction"))
    for unit in plain["departments"].values():
        yield "department", (_there(unit, "parent"), _there(unit, "restriction"))
    for who in plain["staff"].values():
        state = "deleted" if who["deleted"] else "active" if who["active"] else "inactive"
        there = (bool(who["departments"]), _there(who, "websites"), _there(who, "restriction"), bool(who["roles"]))
        yield "staff", (state, *there)
    for customer in plain["customers"].values():
        values = customer["values"]
        yield (
            "customer",
            ("website" in values, "groups" in customer["sets"], "parent" in values, holders(plain, customer)),
        )


def holders(plain: Plain, customer: Plain) -> str:
    """Whether nobody is assigned, somebody active, or only those who left."""
    if not customer["held"]:
        return "nobody"
    return "active" if any(plain["staff"][one["staff"]]["active"] for one in customer["held"]) else "inactive"


def meetings(plain: Plain, level: str, who: Plain) -> Counter[tuple[Any, ...]]:
    """How somebody who asks meets each customer: how far one reaches, what binds one, and what the customer lacks."""
    by_website = plain["per_website"] and _there(who, "websites")
    met: Counter[tuple[Any, ...]] = Counter()
    for customer in plain["customers"].values():
        held = holders(plain, customer)
        met["website", level, by_website, "website" in customer["values"], held] += 1
        met["groups", level, _there(who, "restriction"), "groups" in customer["sets"], held] += 1
    return met


LEVELS = ("none", "own", "department", "department_tree", "all")
EVERY_MEETING = set(product(("website", "groups"), LEVELS, BOTH, BOTH, HELD))


def _there(record: Plain, name: str) -> bool:
    return record[name] is not None
