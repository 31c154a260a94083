"""Switching the cardinality: how many statements, what waits for it, and what nobody gets around."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread
from time import sleep
from typing import Any

import pytest
from alembic import command
from attrs import evolve
from sqlalchemy import column, inspect, select, table, text
from sqlalchemy.exc import DBAPIError

from ownership_core import Actor, Assign, CreateCustomer, NewCustomer, Ownership, Settings, SwitchCardinality, Unassign
from ownership_core.commands import Matching, One
from ownership_core.errors import OwnershipError
from ownership_core.keys import KeyType
from ownership_core.model import CustomerId
from ownership_core.ports import Draft, Store
from ownership_core.ruling import Drop, Effect, Primary
from ownership_core.scope import ANY, Everything
from ownership_core.testing.contracts.base import C1, C2, EVE, small_shop
from ownership_core.testing.worlds import WORLD_FIELDS, apply, load, new_run
from ownership_sqlalchemy import SqlAlchemyStore, schema, switching
from ownership_sqlalchemy.dialects import coded

ON_SERVERS = pytest.mark.parametrize("kind", ["postgresql", "mariadb"], indirect=True)
ROOT = Actor.operator("root")
SWITCH = SwitchCardinality("single", "longest_serving")


@pytest.fixture
def shop(somewhere: Any) -> SqlAlchemyStore:
    """The small shop in multi."""
    store: SqlAlchemyStore = somewhere(cardinality="multi")
    load(store, small_shop())
    return store


def opened(store: Store, cardinality: str) -> Ownership:
    """A service on the store, for the operator."""
    return Ownership(store, Settings(cardinality=cardinality, operator=True))


def test_a_switch_is_a_fixed_number_of_statements(shop: SqlAlchemyStore, sent: Any) -> None:
    """Seven, however many assignments there are; and nothing is left aside."""
    with shop.writer() as writer:
        writer.lock_cardinality("multi")
        with sent(shop) as statements:
            writer.switch_cardinality("at_most")
    assert len(statements) == 7
    with shop.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ownership_assignment_aside")) == 0


@ON_SERVERS
def test_heads_are_held_piece_by_piece(shop: SqlAlchemyStore, sent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six heads in pieces of four: the cardinality, then two pieces."""
    monkeypatch.setattr(switching, "CHUNK", 4)
    with shop.writer() as writer, sent(shop) as statements:
        writer.lock_cardinality("multi")
    assert len([one for one, _ in statements if "FOR UPDATE" in one]) == 3


def test_naming_the_cardinality_costs_a_run_no_statement(shop: SqlAlchemyStore, sent: Any) -> None:
    """It is compared where the versions are raised; only a mismatch asks for one more."""
    many = []
    effect = Effect(EVE, Drop.FORMER_PRIMARY, None, Primary.TAKE)
    for cardinality in (None, "multi"):
        draft = Draft("bulk", Matching(Everything()), Everything(), (), effect, 5, cardinality=cardinality)
        with suppress(ZeroDivisionError), shop.writer() as writer:
            writer.lock_customers(draft.selection, Everything())
            writer.draft(draft)
            with sent(shop) as writing:
                writer.write(new_run("bulk"), draft)
            many.append(len(writing))
            raise ZeroDivisionError  # undone: both begin with the same customers
    assert many[0] == many[1] > 0
    late = evolve(draft, run="late", effect=Effect(drop=Drop.EVERYONE, primary=Primary.NOBODY), cardinality="single")
    with shop.writer() as writer:
        writer.draft(late)
        with sent(shop) as refused, pytest.raises(OwnershipError) as caught:
            writer.write(new_run("late"), late)
    assert (len(refused), caught.value.codes) == (4, ("cardinality_mismatch",))


def test_a_customer_that_changed_since_its_draft_is_still_a_conflict(shop: SqlAlchemyStore) -> None:
    """Under the same cardinality, the version is what differs."""
    draft = Draft("late", One(C1), Everything(), (), Effect(EVE), 5, cardinality="multi")
    with shop.writer() as writer:
        writer.draft(draft)
        apply(writer, "between", One(C1), Effect(drop=Drop.FORMER_PRIMARY))
        with pytest.raises(OwnershipError) as caught:
            writer.write(new_run("late"), draft)
    assert (caught.value.codes, caught.value.transient) == (("conflict",), True)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE ownership_head SET cardinality = 'multi' WHERE customer_id = 'c1'", id="the head alone"),
        pytest.param("UPDATE ownership_assignment SET cardinality = 'multi'", id="the assignments alone"),
        pytest.param("UPDATE ownership_cardinality SET name = 'multi'", id="the cardinality itself"),
        pytest.param(
            "INSERT INTO ownership_assignment (customer_id, staff_id, cardinality, role, source, since)"
            " VALUES ('c1', 'eve', 'single', '', '', 1)",
            id="a second assignment",
        ),
    ],
)
def test_after_a_switch_the_constraints_hold_as_before(shop: SqlAlchemyStore, change: str) -> None:
    """A shop that was switched to single is no weaker than one that was made for it (I10)."""
    opened(shop, "multi").execute(SWITCH, ROOT)
    with shop.engine.connect() as connection, pytest.raises(DBAPIError) as refused:
        connection.execute(text(change))
    assert coded(refused.value).codes == ("conflict",)


@pytest.mark.parametrize("key", [KeyType.INTEGER, KeyType.UUID])
def test_a_switch_works_with_other_keys(anywhere: Any, key: KeyType) -> None:
    """Who leaves is read back from the plan rows, as ids of the type of the tables."""
    integer = key is KeyType.INTEGER
    c1, ann, bob = ("9", "10", "2") if integer else tuple(f"018bcfe5-6800-7000-8000-00000000000{n}" for n in range(3))
    store = anywhere(cardinality="multi", customer_key=key, staff_key=key)
    shop = opened(store, "multi")
    _staffed(shop, ann, bob)
    shop.execute(CreateCustomer(NewCustomer(c1)), ROOT)
    for staff in (bob, ann):
        shop.execute(Assign(c1, staff, mode="add"), ROOT)
    shop.execute(SWITCH, ROOT)
    with store.reader() as reader:
        [customer] = reader.customers([CustomerId(c1)])
    assert [(a.staff, a.primary) for a in customer.assignments] == [(bob, True)]


def _staffed(shop: Ownership, *names: str) -> None:
    from ownership_core import ChangeStaff  # noqa: PLC0415

    for name in names:
        shop.execute(ChangeStaff(name, create=True, label=name), ROOT)


@pytest.fixture
def old_tables(address: Any, shop: SqlAlchemyStore) -> Iterator[SqlAlchemyStore]:
    """The small shop in tables that the first revision made: what today's tables hold, as far as those have columns."""
    store = SqlAlchemyStore.open(address(), fields=WORLD_FIELDS, cardinality="multi")
    with store.engine.connect() as connection:
        command.upgrade(schema._config(connection, store._tables), "0001")
        connection.commit()
    old = inspect(store.engine)
    with shop.engine.connect() as full, store.engine.begin() as connection:
        for name, _ in old.get_sorted_table_and_fkc_names():
            if name is not None and not name.endswith("alembic_version"):
                there = table(name, *(column(one["name"]) for one in old.get_columns(name)))
                rows = [dict(row) for row in full.execute(select(there)).mappings()]
                rows.sort(key=lambda row: row.get("parent") is not None)  # a department after what it is in
                if rows:
                    connection.execute(there.insert(), rows)
    yield store
    store.close()


def test_older_tables_are_upgraded_with_what_is_in_them(old_tables: SqlAlchemyStore) -> None:
    """From the first revision on: refused before, switched after, and no customer lost."""
    assert schema.current(old_tables.engine) == "0001"
    with pytest.raises(OwnershipError) as caught:
        old_tables.check("multi")
    assert caught.value.codes == ("schema_outdated",)
    old_tables.upgrade()
    with old_tables.reader() as reader:
        assert [evolve(one, version=0) for one in reader.customers([C1, C2])] == small_shop().facts()[:2]
    assert opened(old_tables, "multi").execute(SWITCH, ROOT).changed == 2
    old_tables.check("single")


def _meanwhile(switched: SqlAlchemyStore, act: Callable[[], object]) -> list[tuple[str, ...]]:
    """What ``act`` ends with when it begins while a switch is about to be committed."""
    ended: list[tuple[str, ...]] = []

    def acting() -> None:
        try:
            act()
            ended.append(())
        except OwnershipError as error:
            ended.append(error.codes)

    with opened(switched, "multi").atomic() as transaction:
        transaction.execute(SWITCH, ROOT)
        other = Thread(target=acting)
        other.start()
        sleep(0.3)
        assert ended == []
    other.join()
    return ended


@ON_SERVERS
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(Assign("c1", "eve", mode="add"), id="add"),
        pytest.param(Unassign(Matching(Everything()), ANY), id="everybody"),
        pytest.param(CreateCustomer(NewCustomer("new")), id="create"),
        pytest.param(Assign("fresh", "eve"), id="first head"),
        pytest.param(SwitchCardinality("at_most", "primary"), id="another switch"),
    ],
)
def test_who_waited_for_a_switch_hears_of_it(shop: SqlAlchemyStore, change: Any) -> None:
    """Decided under the former cardinality, it is ``cardinality_mismatch``, and nothing of it is written.

    Guards: the comparison in ``_next_versions`` and ``create_customers``, and ``_add_heads`` beginning again.
    """
    with shop.engine.begin() as connection:
        connection.execute(text("INSERT INTO ownership_customer (id) VALUES ('fresh')"))
    service = opened(shop, "multi")
    assert _meanwhile(shop, lambda: service.execute(change, ROOT)) == [("cardinality_mismatch",)]
    with shop.reader() as reader:
        assert [len(customer.assignments) for customer in reader.customers([C1, C2])] == [1, 1]
        assert reader.customers([CustomerId("new")]) == []


@ON_SERVERS
def test_a_switch_holds_customers_it_does_not_concern(shop: SqlAlchemyStore) -> None:
    """Somebody is added to a customer that nobody would have looked at: the switch decides about both.

    Guard: ``_lock_heads``; without it only customers that stand in the way already are waited for.
    """
    service, ended = opened(shop, "multi"), []
    service.execute(Unassign(Matching(Everything()), ANY), ROOT)
    service.execute(Assign("c1", "ann"), ROOT)

    def switching_over() -> None:
        try:
            service.execute(SwitchCardinality("single", "primary"), ROOT)
        except OwnershipError as error:
            ended.extend((problem.code, problem.where) for problem in error.problems)

    with service.atomic() as transaction:
        transaction.execute(Assign("c1", "eve", mode="add"), ROOT)
        other = Thread(target=switching_over)
        other.start()
        sleep(0.3)
        assert ended == []
    other.join()
    assert ended == []
    with shop.reader() as reader:
        [customer] = reader.customers([C1])
    assert [(a.staff, a.primary) for a in customer.assignments] == [("ann", True)]


@ON_SERVERS
def test_a_switch_waits_for_who_came_before(shop: SqlAlchemyStore) -> None:
    """It decides about what that one has left, so the second assignment is found."""
    service, ended = opened(shop, "multi"), []

    def switching_over() -> None:
        try:
            service.execute(SwitchCardinality("single", "primary"), ROOT)
        except OwnershipError as error:
            ended.extend(problem.where for problem in error.problems)

    with service.atomic() as transaction:
        transaction.execute(Unassign("c1", "ann"), ROOT)
        transaction.execute(Assign("c1", "eve", mode="add"), ROOT)
        other = Thread(target=switching_over)
        other.start()
        sleep(0.3)
        assert ended == []
    other.join()
    assert ended == ["customer c1"]
