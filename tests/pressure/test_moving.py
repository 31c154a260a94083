"""Moving many while others work: turns are exact, bulks finish, and a plan that is killed again and again ends well."""

from __future__ import annotations

import random
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from crew import Order
from ledger import contradictions
from sqlalchemy import func, select
from victim import Victim

from ownership_core import (
    Actor,
    Assign,
    ChangeRules,
    ChangeStaff,
    CreateCustomer,
    GrantAccess,
    LeastBusy,
    NewCustomer,
    Ownership,
    Rotation,
    Rule,
    SetPrimary,
    Sweep,
    Transfer,
    load_settings,
)
from ownership_core.ports import Query
from ownership_core.scope import Everything
from ownership_sqlalchemy import SqlAlchemyStore

ADA = Actor.staff("ada")
FOUR = frozenset({"s0", "s1", "s2", "s3"})
CUSTOMERS = 200


def opened(place: Any, server: str, **settings: Any) -> Any:
    """A shop with four associates."""
    one = place(server, cardinality="single", **settings)
    one.does(*(ChangeStaff(staff, create=True, label=staff) for staff in sorted(FOUR)))
    one.does(*(GrantAccess("associate", staff=staff) for staff in sorted(FOUR)))
    return one


def loads(place: Any) -> Counter[str]:
    """How many each has."""
    mine = place.store._tables.assignment
    with place.store.engine.connect() as connection:
        return Counter(dict(connection.execute(select(mine.c.staff_id, func.count()).group_by(mine.c.staff_id)).all()))


def at_once(place: Any, crew: Any, orders: list[Order], **settings: Any) -> list[Any]:
    """The orders, as many at one moment as there are processes; nothing raw comes back."""
    crew.open(place.url, cardinality="single", **settings)
    done = []
    for start in range(0, len(orders), crew.size):
        done += crew.together(orders[start : start + crew.size])
    assert [one.raw for one in done if one.raw] == []
    assert [one.codes for one in done if one.codes] == []
    assert contradictions(place.ledger) == []
    return done


def test_h10_new_customers_take_turns_exactly(place: Any, server: str, crews: Any, tell: Any) -> None:
    """A hundred new customers, four at a time, over four staff: twenty-five each.

    Guard: the row of the rotation is held until the customers are written (`lock_rotations`).
    """
    settings = {"creation": {"self": "proposed"}}
    shop = opened(place, server, **settings)
    shop.does(ChangeRules(Rule("all", Everything(), Rotation("new", FOUR))))
    orders = [Order(CreateCustomer(NewCustomer(f"n{number:03}"), channel="self"), ADA) for number in range(100)]
    done = at_once(shop, crews(4), orders, **settings)
    tell(begun_again=Counter(code for one in done for code in one.ended))
    assert loads(shop) == dict.fromkeys(FOUR, 25)


def test_least_busy_stays_level(place: Any, server: str, crews: Any, tell: Any) -> None:
    """Whoever looks who has least looks alone.

    Guard: the members are locked for changing where counts decide (`Pool.alone`).
    """
    shop = opened(place, server)
    first, later = ([f"{letter}{number:03}" for number in range(100)] for letter in "ab")
    shop.does(CreateCustomer([NewCustomer(id) for id in first], channel="import"), Assign(first, "s0"))
    shop.does(Transfer("s0", Rotation("even", FOUR - {"s0"}), customers=first[:60]))
    shop.does(CreateCustomer([NewCustomer(id) for id in later], channel="import"))
    orders = [Order(Sweep([id], LeastBusy(FOUR)), ADA) for id in later]
    done = at_once(shop, crews(4), orders)
    tell(begun_again=Counter(code for one in done for code in one.ended))
    assert loads(shop) == dict.fromkeys(FOUR, 50)


def test_two_bulks_in_opposite_order_both_finish(place: Any, server: str, crews: Any, share: float, tell: Any) -> None:
    """Five thousand customers, named upwards by one and downwards by the other.

    Guard: heads are locked in id order, however they are named (`locking`).
    """
    shop = opened(place, server)
    ids = [f"n{number:05}" for number in range(max(200, int(5_000 * share)))]
    for start in range(0, len(ids), 1_000):
        shop.does(CreateCustomer([NewCustomer(id) for id in ids[start : start + 1_000]], channel="import"))
    began = time.monotonic()
    done = at_once(shop, crews(2), [Order(Assign(ids, "s1"), ADA), Order(Assign(ids[::-1], "s2"), ADA)])
    tell(seconds=round(time.monotonic() - began, 1), begun_again=Counter(code for one in done for code in one.ended))
    assert [one.changed for one in done] == [len(ids)] * 2
    assert loads(shop) in ({"s1": len(ids)}, {"s2": len(ids)})


def test_a_bulk_beside_single_moves_is_as_if_they_had_queued(
    place: Any, server: str, crews: Any, chance: random.Random, share: float, tell: Any
) -> None:
    """What the events tell leads to the rows, each change counted once, and nobody is where nobody sent him.

    Guard: the version of a head must be the one its plan row was drafted with (`_next_versions`).
    """
    shop = opened(place, server)
    ids = [f"n{number:03}" for number in range(CUSTOMERS)]
    shop.does(CreateCustomer([NewCustomer(id) for id in ids], channel="import"), Assign(ids, "s0"))
    changed = 2 * CUSTOMERS
    for turn in range(int(20 * share)):
        giver, taker = ("s0", "s1") if turn % 2 == 0 else ("s1", "s0")
        singles = [Order(SetPrimary(id, "s2"), ADA, chance.uniform(0, 0.05)) for id in chance.sample(ids, 3)]
        done = at_once(shop, crews(4), [Order(Transfer(giver, taker), ADA), *singles])
        changed += sum(one.changed for one in done)
    counted = shop.ledger.ask("SELECT COUNT(*) FROM ownership_event WHERE subject_kind = 'customer'")[0][0]
    tell(changed=changed)
    assert counted == changed
    assert sum(loads(shop).values()) == CUSTOMERS


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_c15_a_plan_killed_twenty_times_ends_like_one_that_was_not(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, chance: random.Random, share: float, tell: Any
) -> None:
    """Kill -9 anywhere in a chunked run; gone on with, every customer moved once, and all is as uninterrupted.

    Guard: a chunk says in its own transaction how far it came (`Run.reached`).
    """
    shops = []
    for name in ("killed", "spared"):
        url = f"sqlite:///{tmp_path}/{name}.db" if kind == "sqlite" else request.getfixturevalue("databases").new(kind)
        store = SqlAlchemyStore.open(url, cardinality="single")
        store.upgrade()
        shops.append(_founded(store))
    killed, spared = shops
    plans = [shop.plan(Transfer("s0", Rotation("split", FOUR - {"s0"})), ADA).id for shop in shops]
    spared.apply_chunked(plans[1], ADA)
    kills = 0
    for _ in range(max(2, int(20 * share))):
        victim = Victim(lambda: killed.apply_chunked(plans[0], ADA), killed.store)
        victim.go()
        victim.until(chance.randint(1, 14))
        time.sleep(chance.uniform(0, 0.004))
        done = victim.done
        victim.kill()
        kills += not done
    receipt = killed.apply_chunked(plans[0], ADA)
    parts = [_parts(shop, plan) for shop, plan in zip(shops, plans, strict=True)]
    tell(kills=kills, chunks=len(parts[0]))
    assert kills > 10 * share, "it was over before it was killed often enough"
    assert receipt.changed == CUSTOMERS
    assert parts[0] == parts[1]
    assert _state(killed) == _state(spared)
    for shop in shops:
        shop.store.close()  # type: ignore[attr-defined]


def _founded(store: SqlAlchemyStore) -> Ownership:
    """Two hundred customers of one staff; time stands still, so that both shops are equal row by row."""
    settings = load_settings({"limits": {"batch": 10}})
    shop = Ownership(store, settings, clock=lambda: datetime(2026, 3, 2, 9, tzinfo=UTC))
    shop.bootstrap("ada", "Ada", "root")
    with shop.atomic() as given:
        for staff in sorted(FOUR):
            given.execute(ChangeStaff(staff, create=True, label=staff), ADA)
            given.execute(GrantAccess("associate", staff=staff), ADA)
        ids = [f"c{number:03}" for number in range(CUSTOMERS)]
        given.execute(CreateCustomer([NewCustomer(id) for id in ids], channel="import"), ADA)
        given.execute(Assign(ids, "s0"), ADA)
    return shop


def _state(shop: Ownership) -> Any:
    """All customers with their versions and assignments, and what was told."""
    with shop.store.reader() as reader:
        told = Counter((task.receiver, task.state) for task in reader.outbox())
        return reader.customers(list(reader.ids(Query(Everything())))), told


def _parts(shop: Ownership, plan: str) -> list[tuple[str | None, int]]:
    with shop.store.reader() as reader:
        return sorted((str(run.reached), run.tally.changed) for run in reader.parts(plan))
