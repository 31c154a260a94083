"""A real shop adopts ownership: Northwind's own tables, its orders' employees as staff, on every database."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import northwind
import pytest
from sqlalchemy import Engine, create_engine, event, func, select
from sqlalchemy.orm import Session

from ownership_core import (
    Actor,
    Assign,
    ChangeStaff,
    Claim,
    GrantAccess,
    GroupRestriction,
    Mode,
    Ownership,
    Refused,
    RestrictionMode,
    SetPrimary,
    Settings,
    StoreError,
    SwitchCardinality,
)
from ownership_core.keys import KeyType
from ownership_core.scope import UNASSIGNED, AssignedCount, AssignedTo, Has
from ownership_sqlalchemy import SqlAlchemyStore

FULLER = Actor.staff("2")  # Vice President, Sales: the others report to him
DAVOLIO = Actor.staff("1")
NEVER_BOUGHT = ["FISSA", "PARIS"]


@pytest.fixture
def engine(address: Callable[[], Any], northwind: Path) -> Iterator[Engine]:
    """A database in which Northwind was there first."""
    made = create_engine(address())
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys = ON"))
    _load(made, northwind)
    yield made
    made.dispose()


def _load(engine: Engine, folder: Path) -> None:
    northwind.load(engine, folder)


def opened(engine: Engine, cardinality: str) -> SqlAlchemyStore:
    """Our store on its tables; staff are its employees, by their numbers."""
    return SqlAlchemyStore.open(engine, host=northwind.TABLES, staff_key=KeyType.INTEGER, cardinality=cardinality)


@pytest.fixture
def sold(engine: Engine) -> dict[str, dict[str, int]]:
    """Who sold to whom how often, read by plain means: customer to employee to orders, the busiest first."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for customer, employee, many in northwind.pairs(engine):
        found[customer][employee] = many
    return found


@pytest.fixture
def shop(engine: Engine, northwind: Path, sold: dict[str, dict[str, int]]) -> Ownership:
    """In multi: everybody who ever sold to a customer is assigned, the busiest is primary."""
    store = opened(engine, "multi")
    store.upgrade()
    shop = Ownership(store, Settings(cardinality="multi"))
    shop.bootstrap("2", "Andrew Fuller", "root")
    with (northwind / "employees.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["EmployeeID"] != "2":
                label = f"{row['FirstName']} {row['LastName']}"
                shop.execute(ChangeStaff(row["EmployeeID"], create=True, label=label), FULLER)
                shop.execute(GrantAccess("associate", staff=row["EmployeeID"]), FULLER)
    for employee in sorted({one for sellers in sold.values() for one in sellers}):
        theirs = [customer for customer, sellers in sold.items() if employee in sellers]
        shop.execute(Assign(theirs, staff=employee, mode=Mode.ADD, source="orders"), FULLER)
        first = [customer for customer, sellers in sold.items() if next(iter(sellers)) == employee]
        shop.execute(SetPrimary(first, staff=employee, source="orders"), FULLER)
    return shop


def test_a_trader_lives_with_it(shop: Ownership, engine: Engine, sold: dict[str, dict[str, int]]) -> None:
    """Lists, counts and checks are what its orders say; claim, set primary and history work on its rows."""
    mine = {customer for customer, sellers in sold.items() if "1" in sellers}
    assert sum(map(len, sold.values())) == 464
    assert set(shop.visible(DAVOLIO).ids()) == mine
    assert shop.visible(DAVOLIO).count() == len(mine) == len(list(shop.visible(DAVOLIO).page(limit=1000).customers))
    assert shop.check(DAVOLIO, "view", [*sold, *NEVER_BOUGHT, "alfki", "NOONE"]) == mine
    primary_of = {one.id: one.primary for one in shop.visible(FULLER).page(limit=1000).customers}
    assert {id: who for id, who in primary_of.items() if who} == {id: next(iter(who)) for id, who in sold.items()}
    assert list(shop.visible(FULLER).where(UNASSIGNED).ids()) == NEVER_BOUGHT
    by_country = Has("countries", ["germany"])
    with engine.connect() as connection:
        statement = select(func.count()).where(northwind.CUSTOMERS.c.Country == "Germany")
        assert shop.visible(FULLER).where(by_country).count() == connection.scalar(statement)

    assert shop.execute(Claim("PARIS"), DAVOLIO).changed == 1
    assert shop.execute(SetPrimary("ALFKI", staff="1"), FULLER).tally.total == 1
    said = [(one.body["what"], one.body["primary"][1]) for one in shop.history(FULLER, "PARIS")]
    assert said == [("claim", "1")]
    why = shop.why(FULLER, "1", "view", "FISSA")
    assert not why.allowed
    assert "FISSA Fabrica Inter. Salchichas S.A." in why.text()


def test_its_own_select_takes_the_clause(shop: Ownership, engine: Engine, sold: dict[str, dict[str, int]]) -> None:
    """The freight of Davolio's customers, by the trader's own statement with one condition more."""
    orders = northwind.ORDERS.c
    mine = [customer for customer, sellers in sold.items() if "1" in sellers]
    with Session(engine) as session:
        clause = shop.within(session).visible_clause(DAVOLIO, "view", orders.CustomerID)
        asked = session.scalar(select(func.sum(orders.Freight)).where(clause))
        assert asked == session.scalar(select(func.sum(orders.Freight)).where(orders.CustomerID.in_(mine)))


def test_a_manager_of_one_country_sees_no_other(shop: Ownership, engine: Engine) -> None:
    """A customer group taken from a column of the trader's binds list, count, check and command alike."""
    german = GroupRestriction(RestrictionMode.ALLOW, ["Germany"])
    shop.execute(ChangeStaff("5", restriction=german), FULLER)
    shop.execute(GrantAccess("admin", staff="5"), FULLER)
    buchanan = Actor.staff("5")
    with engine.connect() as connection:
        table = northwind.CUSTOMERS.c
        statement = select(table.CustomerID).where(table.Country == "Germany").order_by(table.CustomerID)
        theirs = list(connection.scalars(statement))
    assert list(shop.visible(buchanan).ids()) == theirs
    assert shop.check(buchanan, "view", ["ALFKI", "PARIS"]) == {"ALFKI"}
    with pytest.raises(Refused) as refused:
        shop.execute(Assign("PARIS", staff="1"), buchanan)
    assert refused.value.codes == ("not_found",)


def test_switching_to_single_names_who_stands_in_the_way(
    shop: Ownership, engine: Engine, sold: dict[str, dict[str, int]]
) -> None:
    """A10: refused with the customers' names and nothing changed; with a rule the busiest seller stays."""
    before = shop.store.digest()
    several = sorted(customer for customer, sellers in sold.items() if len(sellers) > 1)
    with pytest.raises(Refused) as refused:
        shop.execute(SwitchCardinality("single"), FULLER)
    assert "too_many_staff" in refused.value.codes
    told = " ".join(f"{problem.what} {problem.where}" for problem in refused.value.problems)
    assert all(customer in told for customer in several[:50])
    assert str(len(several)) in told
    assert shop.store.digest() == before

    assert shop.execute(SwitchCardinality("single", keep="primary"), FULLER).changed == len(several)
    with pytest.raises(StoreError) as mismatch:
        shop.execute(Assign("PARIS", staff="1", mode=Mode.ADD), FULLER)
    assert mismatch.value.codes == ("cardinality_mismatch",)
    now = Ownership(opened(engine, "single"), Settings(cardinality="single"))
    assert now.visible(FULLER).where(AssignedCount(2)).count() == 0
    assert now.visible(FULLER).where(AssignedTo(["1"])).count() == sum(next(iter(who)) == "1" for who in sold.values())
    last = now.history(FULLER, several[0])[-1]
    assert last.body["what"] == "switch_cardinality"
    assert len(last.body["removed"]) == len(sold[several[0]]) - 1
