"""Two and four processes at a time, round after round: whoever comes first, it is as if they had queued."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from crew import Crew, Done, Order
from ledger import IN_SINGLE, contradictions
from sqlalchemy import text

from ownership_core import (
    KEEP,
    Actor,
    Assign,
    ChangeCustomer,
    ChangeDepartment,
    ChangeStaff,
    Claim,
    CreateCustomer,
    GrantAccess,
    GroupRestriction,
    Level,
    NewCustomer,
    Ownership,
    RestrictionMode,
    SetPrimary,
    SwitchCardinality,
    Unassign,
    load_settings,
)
from ownership_core.scope import ANY

ADA = Actor.staff("ada")
BLOCK = 50  # rounds between two looks at all rows
STAFF = [f"s{number}" for number in range(8)]
RETAIL_ONLY = GroupRestriction(RestrictionMode.ALLOW, frozenset({"retail"}))
TRADE_ONLY = GroupRestriction(RestrictionMode.ALLOW, frozenset({"trade"}))


class Race:
    """Rounds of orders against one shop, and what must hold after each."""

    def __init__(self, place: Any, crew: Crew, expected: frozenset[str], chance: random.Random) -> None:
        self.place, self.crew, self.expected, self.chance = place, crew, expected, chance
        self.codes: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.changed = 0
        self.met = 0
        self.rounds = 0

    def sent_back(self) -> None:
        """Some had to begin again because rows contradicted them; here that is what was to be tried."""
        assert self.ended["conflict"] > 0, "nobody met: nothing was tried"
        self.met, self.ended["conflict"] = self.ended["conflict"], 0

    def round(self, orders: Sequence[Order]) -> list[Done]:
        """All at once; only expected codes come back, and every so often nothing contradicts anything."""
        done = self.crew.together(orders)
        self.rounds += 1
        assert [one.raw for one in done if one.raw] == []
        assert [one.codes for one in done if not one.told <= self.expected] == []
        for one in done:
            self.codes.update(one.told)
            self.ended.update(one.ended)
            self.changed += one.changed
        if self.rounds % BLOCK == 0:
            assert contradictions(self.place.ledger) == []
        return done

    def over(self, tell: Any, before: int, *, kind: str = "customer") -> None:
        """The end of it: one event for each effective change, and events lead to the rows."""
        assert contradictions(self.place.ledger) == []
        counted = self.place.ledger.ask("SELECT COUNT(*) FROM ownership_event WHERE subject_kind LIKE :kind", kind=kind)
        assert counted[0][0] - before == self.changed
        # Whoever waits for a lock decides after it, so nobody is overtaken; else the version match would find out.
        assert self.ended["conflict"] == 0
        begun_again = {"conflict": self.met, **{code: many for code, many in self.ended.items() if many}}
        tell(rounds=self.rounds, changed=self.changed, refused=dict(self.codes), begun_again=begun_again)

    def pause(self) -> float:
        """Not all begin at the same instant: other steps meet."""
        return self.chance.uniform(0, 0.006)


def people(place: Any) -> None:
    """Eight associates: twice as many as processes."""
    place.does(*(ChangeStaff(one, create=True, label=one) for one in STAFF))
    place.does(*(GrantAccess("associate", staff=one) for one in STAFF))


def shuffled(ids: Sequence[str], chance: random.Random) -> list[str]:
    """The same ids in another order."""
    return chance.sample(ids, len(ids))


@pytest.fixture
def rounds(share: float) -> int:
    """How many rounds each race has with two processes, and as many again with four, on each server."""
    return int(200 * share)


@pytest.fixture
def fewer(rounds: int) -> int:
    """As many as a race has that cannot be won by chance: all its processes do the same."""
    return rounds // 4


@pytest.fixture
def start(place: Any, server: str, size: int, crews: Any, chance: random.Random) -> Callable[..., Race]:
    """Opens a shop for as many processes."""

    def begin(*expected: str, locks: bool = True, **settings: Any) -> Race:
        one = place(server, **settings)
        people(one)
        crew = crews(size)
        crew.open(one.url, locks=locks, **settings)
        return Race(one, crew, frozenset(expected), chance)

    return begin


def counted(race: Race) -> int:
    """How many events of customers there are so far."""
    return int(race.place.ledger.ask("SELECT COUNT(*) FROM ownership_event WHERE subject_kind = 'customer'")[0][0])


def test_all_set_a_primary(start: Any, tell: Any, chance: random.Random, size: int, rounds: int) -> None:
    """Several make somebody else the primary of the same customers, named in other orders: all succeed.

    Guard: the lock on heads (`lock_customers`); without it drafts are overtaken, and many are sent back.
    """
    race = start(cardinality="multi")
    hot = ["h0", "h1", "h2"]
    race.place.does(CreateCustomer([NewCustomer(one) for one in hot]))
    before = counted(race)
    for number in range(rounds):
        others = STAFF[4 * (number % 2) :][:size]  # none of them is the primary yet
        done = race.round([Order(SetPrimary(shuffled(hot, chance), who), ADA, race.pause()) for who in others])
        assert [one.changed for one in done] == [3] * size
    race.over(tell, before)


def test_the_version_match_alone_keeps_every_update(
    start: Any, tell: Any, chance: random.Random, size: int, fewer: int
) -> None:
    """Processes that lock nothing are sent back by the version of the head, and lose no update.

    Guard: the version match in `_next_versions`; without it an event's key would refuse the run for good.
    """
    race = start("retries_exhausted", locks=False, cardinality="multi")
    hot = ["h0", "h1", "h2"]
    race.place.does(CreateCustomer([NewCustomer(one) for one in hot]))
    before = counted(race)
    for number in range(fewer):
        others = STAFF[4 * (number % 2) :][:size]
        race.round([Order(SetPrimary(shuffled(hot, chance), who), ADA, race.pause()) for who in others])
    race.sent_back()
    race.over(tell, before)


def test_a_primary_is_set_and_taken_away(start: Any, tell: Any, chance: random.Random, size: int, rounds: int) -> None:
    """Set primary beside unassign: a primary is always assigned (I2), and each event begins where one ended (I43).

    Guard: the lock on heads (`lock_customers`).
    """
    race = start(cardinality="multi")
    hot = ["h0", "h1", "h2"]
    race.place.does(CreateCustomer([NewCustomer(one) for one in hot]))
    before = counted(race)
    for _ in range(rounds):
        orders = []
        for number in range(size):
            who = chance.choice(STAFF[:2])
            taking = Unassign(shuffled(hot, chance), chance.choice([who, ANY]))
            giving = SetPrimary(shuffled(hot, chance), who, replace=chance.random() < 0.5)
            orders.append(Order(taking if number % 2 else giving, ADA, race.pause()))
        race.round(orders)
    race.over(tell, before)


def test_nobody_is_assigned_to_a_leaver(start: Any, tell: Any, size: int, rounds: int) -> None:
    """I7, I8: what the transaction that deactivates (or restricts) a staff sees assigned is all there ever will be.

    Guard: the shared lock on staff rows (`lock_staff`), after which a command decides again.
    """
    race = start("staff_inactive", "group_restricted", cardinality="multi")
    customers = [f"c{number}" for number in range(size - 1)]
    leavers = [f"l{number:03}" for number in range(rounds)]
    race.place.does(CreateCustomer([NewCustomer(one, sets={"groups": ["retail"]}) for one in customers]))
    race.place.does(*(ChangeStaff(one, create=True, label=one) for one in leavers))
    before = counted(race)
    kept = 0
    for number, leaver in enumerate(leavers):
        look = f"SELECT customer_id FROM ownership_assignment WHERE staff_id = '{leaver}'"
        narrowed = number % 2 == 1
        leaving = ChangeStaff(leaver, active=KEEP if narrowed else False, restriction=TRADE_ONLY if narrowed else KEEP)
        orders = [Order(Assign(one, leaver), ADA, race.pause()) for one in customers]
        # Leaving takes its lock with the first statement, an assignment only after some.
        *_, last = race.round([*orders, Order(leaving, ADA, 10 * race.pause(), looks=look)])
        race.changed -= last.changed  # an event of the staff
        assert last.told == frozenset()
        assert sorted(row[0] for row in race.place.ledger.ask(look)) == sorted(last.seen)
        kept += bool(last.seen)
    assert 0 < kept < rounds, "always the same came first: nothing was tried"
    race.over(tell, before)


def test_nobody_is_assigned_beyond_his_bounds(start: Any, tell: Any, size: int, rounds: int) -> None:
    """I8: a customer's group and website are those that stand when it is assigned, by the versions of its events.

    Guard: `change_customer` runs under the same lock on the head as an assignment (`lock_customers`).
    """
    race = start("group_restricted", "website_mismatch", cardinality="multi", sharing="per_website")
    race.place.does(
        ChangeStaff("retailer", create=True, label="Retailer", restriction=RETAIL_ONLY, websites=["north", "south"]),
        ChangeStaff("northerner", create=True, label="Northerner", websites=["north"]),
    )
    fresh = [f"c{number:03}" for number in range(rounds)]
    race.place.does(CreateCustomer([_fitting(one) for one in fresh]))
    before = counted(race)
    moved: dict[str, set[str]] = {"retailer": set(), "northerner": set()}
    for number, one in enumerate(fresh):
        pairs = [
            ("retailer", ChangeCustomer(one, sets={"groups": ["trade"]})),
            ("northerner", ChangeCustomer(one, values={"website": "south"})),
        ]
        chosen = pairs if size == 4 else [pairs[number % 2]]
        orders = [
            Order(command, ADA, race.pause())
            for who, change in chosen
            for command in (Assign(one, who, mode="add"), change)
        ]
        done = race.round(orders)
        for (who, _), change in zip(chosen, done[1::2], strict=True):
            moved[who].add(change.receipt.run)
    gone: set[tuple[str, str]] = set()
    first = 0
    for entry in race.place.ledger.entries():
        gone |= {(entry.customer, who) for who, runs in moved.items() if entry.run in runs}
        first += bool(entry.added) and entry.version == 2
        assert [who for who in entry.added if (entry.customer, who) in gone] == [], entry
    assert 0 < first < rounds, "always the same came first: nothing was tried"
    race.over(tell, before)


def _fitting(id: str) -> NewCustomer:
    return NewCustomer(id, values={"website": "north"}, sets={"groups": ["retail"]})


def test_one_claim_wins(start: Any, tell: Any, chance: random.Random, size: int, rounds: int) -> None:
    """Several claim the same free customers: each customer goes to exactly one of them, the others are told.

    Guard: the lock on heads (`lock_customers`); the draft that finds the customer free is made under it.
    """
    race = start("already_assigned", "not_found", cardinality="single")
    fresh = [f"c{number:03}" for number in range(2 * rounds)]
    race.place.does(CreateCustomer([NewCustomer(one) for one in fresh]))
    race.place.does(Unassign(fresh, ANY))  # Ada made them, so they were hers
    before = counted(race)
    for number in range(rounds):
        two = fresh[2 * number : 2 * number + 2]
        orders = [Order(Claim(shuffled(two, chance)), Actor.staff(who), race.pause()) for who in STAFF[:size]]
        done = race.round(orders)
        assert sum(one.changed for one in done) == len(two)
    won = dict(race.place.ledger.ask("SELECT staff_id, COUNT(*) FROM ownership_assignment GROUP BY staff_id"))
    assert sum(won.values()) == len(fresh)
    assert len(won) > 1, "always the same one won: nothing was tried"
    race.over(tell, before)


def test_all_touch_new_customers_first(start: Any, tell: Any, chance: random.Random, size: int, rounds: int) -> None:
    """Customers that have no head yet get one, whoever comes first, and count every change from 1.

    Guard: heads are inserted unless they come in at this moment (`insert_missing`), in id order, before the lock.
    """
    race = start(cardinality="multi")
    before = counted(race)
    for number in range(rounds):
        fresh = [f"n{number:03}{letter}" for letter in "abc"]
        with race.place.store.engine.begin() as connection:
            for one in fresh:
                connection.execute(text("INSERT INTO ownership_customer (id) VALUES (:id)"), {"id": one})
        adding = [Assign(shuffled(fresh, chance), who, mode="add") for who in STAFF[:size]]
        done = race.round([Order(command, ADA, race.pause()) for command in adding])
        assert [one.changed for one in done] == [3] * size
    heads = race.place.ledger.ask("SELECT COUNT(*), MIN(version), MAX(version) FROM ownership_head")
    assert [tuple(row) for row in heads] == [(3 * rounds, size, size)]
    race.over(tell, before)


def test_one_key_acts_once(start: Any, tell: Any, chance: random.Random, size: int, fewer: int) -> None:
    """I40: all come with the same command and the same key; one acts, and all are given its receipt.

    Guard: the key is inserted in the transaction that acts (`remember`), and whoever collides begins again.
    """
    race = start(cardinality="multi")
    hot = ["h0", "h1", "h2"]
    race.place.does(CreateCustomer([NewCustomer(one) for one in hot]))
    before = counted(race)
    for number in range(fewer):
        command, key = SetPrimary(shuffled(hot, chance), STAFF[number % 8]), f"key {number}"
        done = race.round([Order(command, ADA, race.pause(), key=key) for _ in range(size)])
        assert [one.changed for one in done] == [3] * size
        assert len({one.receipt.run for one in done}) == 1
        race.changed -= 3 * (size - 1)
    race.sent_back()
    race.over(tell, before)


def test_people_change_at_once(start: Any, tell: Any, size: int, fewer: int) -> None:
    """Roles, departments and staff are changed by several: each change stands, and nobody is sent back.

    Guard: whoever changes staff holds them alone (`changing` of `lock_staff`), all of them for roles and departments.
    """
    race = start(cardinality="multi")
    race.place.does(ChangeDepartment("d", create=True, label="d"))
    before = race.place.ledger.ask("SELECT COUNT(*) FROM ownership_event")[0][0]
    actions = ["view", "edit", "claim", "release"][:size]
    for number in range(fewer):
        level = Level.OWN if number % 2 else Level.ALL
        race.round([Order(GrantAccess("associate", levels={one: level}), ADA, race.pause()) for one in actions])
        with race.place.store.reader() as reader:
            assert {one: reader.roles()["associate"][one] for one in actions} == dict.fromkeys(actions, level)
        race.round([Order(ChangeDepartment("d", label=f"{number} {one}"), ADA, race.pause()) for one in actions])
        race.round([Order(ChangeStaff("s0", label=f"{number} {one}"), ADA, race.pause()) for one in actions])
    assert dict(race.ended) == {}
    race.over(tell, before, kind="%")


def test_all_create_the_same(start: Any, tell: Any, size: int, fewer: int) -> None:
    """One creates the customer, the others hear that it exists; one is given the e-mail address, the others not.

    Guard: whoever collides with a row that was not there when it looked begins again (`overtaken`).
    """
    race = start("customer_exists", "duplicate_email", cardinality="multi")
    before = counted(race)
    for number in range(fewer):
        orders = [Order(CreateCustomer(NewCustomer(f"n{number:03}")), ADA) for _ in range(size)]
        assert [one.changed for one in race.round(orders)].count(1) == 1
        named = [NewCustomer(f"e{number:03}{place}", values={"email": f"e{number}@example.org"}) for place in "abcd"]
        assert [one.changed for one in race.round([Order(CreateCustomer(one), ADA) for one in named[:size]])].count(
            1
        ) == 1
        fresh = [f"f{number:03}{place}" for place in "abcd"[:size]]
        race.place.does(CreateCustomer([NewCustomer(one) for one in fresh]))
        race.changed += size
        asked = [ChangeCustomer(one, values={"email": f"f{number}@example.org"}) for one in fresh]
        assert [one.changed for one in race.round([Order(one, ADA) for one in asked])].count(1) == 1
    race.sent_back()
    race.over(tell, before)


def test_a_switch_to_single_beside_adding(start: Any, tell: Any, size: int, rounds: int) -> None:
    """A10: whoever adds in time stands in the way by name; whoever comes after the switch is told so.

    Guards: the switch holds every head (`lock_cardinality`), and a run raises versions under its own
    cardinality only (`_next_versions`).
    """
    race = start("too_many_staff", "cardinality_mismatch", cardinality="multi")
    customers = [f"c{number}" for number in range(size - 1)]
    race.place.does(CreateCustomer([NewCustomer(one) for one in customers]))
    recorded = "SELECT name FROM ownership_cardinality"
    before, switched, back = counted(race), 0, None
    for _ in range(rounds):
        orders = [Order(Assign(one, "s0", mode="add"), ADA, race.pause()) for one in customers]
        *added, switch = race.round([*orders, Order(SwitchCardinality("single"), ADA, race.pause())])
        race.changed -= switch.changed
        stands = bool(switch.receipt)
        assert race.place.ledger.ask(recorded) == [("single" if stands else "multi",)]
        assert {one.changed for one in added} <= ({0} if stands else {0, 1})
        assert race.place.ledger.ask("SELECT COUNT(*) FROM ownership_assignment_aside") == [(0,)]
        several = race.place.ledger.ask(IN_SINGLE["I3: several in single"])
        assert bool(several) is not stands
        if stands:
            switched += 1
            back = back or Ownership(race.place.store, load_settings({"cardinality": "single"}))
            back.execute(SwitchCardinality("multi"), ADA)
        else:
            race.changed += race.place.shop.execute(Unassign(customers, "s0"), ADA).changed
    assert 0 < switched < rounds, "always the same came first: nothing was tried"
    race.ended.clear()  # whoever waited for a switch begins again
    race.over(tell, before)
