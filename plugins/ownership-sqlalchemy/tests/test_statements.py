"""How many statements reach the driver, and what the database does with them."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from sqlalchemy import select, text

from ownership_core.commands import Ids, Matching
from ownership_core.keys import KeyType
from ownership_core.model import Assignment, Customer, CustomerId, Department, Staff, StaffId
from ownership_core.policies import SortKey
from ownership_core.ports import Draft, Guard, Order, Position, Query
from ownership_core.ruling import Drop, Effect, Primary, Requirement
from ownership_core.scope import ANY, AssignedIn, AssignedTo, Everything, Has, Matches, Scope
from ownership_core.testing.contracts.base import ANN, EVE, small_shop
from ownership_core.testing.worlds import World, apply, load, new_run
from ownership_sqlalchemy import SqlAlchemyStore
from ownership_sqlalchemy.dialects import SUPPORTED

OWN: Scope = AssignedTo([ANN]) & ~Has("groups", {"press"})
MINE = Query(OWN, Guard(ANN, 1))


@pytest.fixture
def shop(opener: Any) -> SqlAlchemyStore:
    """The small shop in multi, on SQLite."""
    store: SqlAlchemyStore = opener(cardinality="multi")
    load(store, small_shop())
    return store


@pytest.fixture
def shops(anywhere: Any) -> SqlAlchemyStore:
    """The small shop in multi, on every database."""
    store: SqlAlchemyStore = anywhere(cardinality="multi")
    load(store, small_shop())
    return store


def _sql(statements: list[tuple[str, Any]]) -> list[str]:
    return [statement for statement, _ in statements if not statement.startswith(("BEGIN", "SET "))]


def test_each_question_is_one_statement(shops: SqlAlchemyStore, sent: Any) -> None:
    """A page, a count, a check, everything about customers, all snapshots."""
    ids = [CustomerId(f"c{number}") for number in range(1_000)]
    questions = [
        lambda r: r.page(MINE, Order("name"), None, 50),
        lambda r: r.page(MINE, Order("name", descending=True), Position("a", ids[0]), 50),
        lambda r: r.count(MINE),
        lambda r: list(r.ids(MINE)),
        lambda r: r.check(MINE, ids),
        lambda r: r.customers(ids),
        lambda r: r.access(None),
        lambda r: r.staff(),
        lambda r: list(r.plan_rows("load-1")),
    ]
    with shops.reader() as reader:
        for ask in questions:
            with sent(shops) as statements:
                ask(reader)
            assert len(_sql(statements)) == 1


def test_a_check_of_two_or_a_thousand_is_the_same_text(shops: SqlAlchemyStore, sent: Any) -> None:
    """Ids are one parameter, however many; only a single one is compared by itself."""
    with shops.reader() as reader, sent(shops) as statements:
        reader.check(MINE, [CustomerId("c1"), CustomerId("c2")])
        reader.check(MINE, [CustomerId(f"c{number}") for number in range(1_000)])
        reader.check(MINE, [])
    assert len(set(_sql(statements))) == 1


def test_a_statement_is_made_once_however_many_ids_are_asked(shops: SqlAlchemyStore) -> None:
    """What is asked anew each time is not part of what is kept: watches the ``asked`` of ``Prepared``."""
    ids = [CustomerId(f"customer number {number}") for number in range(1_000)]
    seen: list[Any] = []
    for _ in range(2):
        with shops.reader() as reader:
            reader.check(MINE, ids)
            seen.append({key: id(kept) for key, kept in shops.shelf._kept.items()})
    assert seen[0]
    assert seen[0] == seen[1]


@pytest.mark.parametrize("selection", [Ids(["c1"]), Ids([f"c{n}" for n in range(500)]), Matching(Everything())])
def test_a_run_is_a_fixed_number_of_statements(shops: SqlAlchemyStore, sent: Any, selection: Any) -> None:
    """Two to draft, four to write while nobody rises to primary, one to tell."""
    effect = Effect(EVE, Drop.FORMER_PRIMARY, None, Primary.TAKE)
    draft = Draft("bulk", selection, Everything(), (Requirement("r", Everything()),), effect, 5)
    with shops.writer() as writer:
        writer.lock_customers(selection, Everything())
        with sent(shops) as drafting:
            writer.draft(draft)
        with sent(shops) as writing:
            writer.write(new_run("bulk"), draft)
        with sent(shops) as telling:
            writer.notify("bulk")
    assert [len(drafting), len(writing), len(telling)] == [2, 4, 1]


def _plan(store: SqlAlchemyStore, sent: Any, ask: Any) -> str:
    with store.reader() as reader, sent(store) as statements:
        ask(reader)
    statement, parameters = statements[-1]
    with store.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "\n".join(row[3] for row in rows)


@pytest.mark.parametrize("scope", [OWN, AssignedIn(["north"]) & OWN, (OWN | AssignedTo([EVE])) & Has("groups", ANY)])
def test_an_own_page_starts_from_the_staff(shop: SqlAlchemyStore, sent: Any, scope: Scope) -> None:
    """No table is walked from end to end, and groups are looked up for its customers only."""
    plan = _plan(shop, sent, lambda reader: reader.page(Query(scope), Order("email"), None, 50))
    assert "ix_ownership_assignment_staff_id_customer_id (staff_id=?" in plan
    assert "SCAN ownership_" not in plan


def test_a_page_by_name_walks_the_names_for_whoever_owns_many(shop: SqlAlchemyStore, sent: Any) -> None:
    """Both ways stand in one statement, and the number of customers chooses. Watches ``SqlReader._owning_many``."""
    plan = _plan(shop, sent, lambda reader: reader.page(Query(OWN), Order("name"), None, 50))
    assert plan.count("SCAN ownership_customer USING INDEX ix_ownership_customer_by_name") == 1
    assert plan.count("ix_ownership_assignment_staff_id_customer_id (staff_id=?") == 2  # counted once, and gathered
    assert "ownership_assignment USING PRIMARY KEY (customer_id=? AND staff_id=?)" in plan


@pytest.mark.parametrize("scope", [AssignedTo([ANN]), AssignedTo([EVE]) | AssignedIn(["north"])])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("mine", [3, 40])
def test_both_ways_find_the_same_pages(anywhere: Any, mine: int, scope: Scope, *, descending: bool) -> None:
    """Whoever owns three of forty gathers them, whoever owns all walks; names may repeat or be missing.

    So does a department. Watches ``SqlReader._owning_many``, ``Database.exceeds`` and ``Database.only_if``.
    """
    store = anywhere(cardinality="multi")
    names = {f"c{n:02}": None if n % 7 == 0 else f"Name {n % 11}" for n in range(40)}
    customers = tuple(Customer(CustomerId(id), {"name": name} if name else {}) for id, name in names.items())
    assigned = tuple(
        attrs.evolve(one, assignments=(Assignment(ANN, primary=True, since=1),)) for one in customers[:mine]
    )
    ann, eve = Staff(ANN, "Ann", departments=frozenset(["north"])), Staff(EVE, "Eve")
    load(
        store,
        World(staff=(ann, eve), departments=(Department("north", "North"),), customers=(*assigned, *customers[mine:])),
    )
    _analyze(store)
    expected = sorted((one.id for one in assigned), key=lambda id: (names[id] is None, names[id] or "", id))
    if descending:
        expected.sort(key=lambda id: names[id] or "", reverse=True)
    order, after, found = Order("name", descending=descending), None, []
    with store.reader() as reader:
        while page := reader.page(Query(scope), order, after, 4):
            found += [one.id for one in page]
            last = names[page[-1].id]
            after = Position(last.lower() if last else None, page[-1].id)
    assert found == expected


@pytest.mark.parametrize(("mine", "exceeds"), [(12, False), (13, True)])
def test_walking_begins_where_it_is_the_shorter_way(anywhere: Any, kind: str, mine: int, *, exceeds: bool) -> None:
    """A page of four among forty is walked for whoever has more than the root of 160 of them."""
    store = anywhere()
    load(store, World(customers=tuple(Customer(CustomerId(f"c{n:02}")) for n in range(40))))
    _analyze(store)
    customer = store._tables.customer
    book = select(customer.c.id).where(customer.c.id < f"c{mine:02}").subquery("book")
    chosen = SUPPORTED[store.engine.dialect.name].exceeds(book, customer, 4)
    if kind == "mariadb":
        assert chosen is None
        return
    with store.engine.connect() as connection:
        assert bool(connection.scalar(select(chosen))) is exceeds


def test_a_department_page_is_one_way_or_the_other(anywhere: Any, kind: str, sent: Any) -> None:
    """PostgreSQL reads who works there first, and runs the half that is chosen only. Watches ``Postgresql.only_if``."""
    if kind != "postgresql":
        pytest.skip("asked of SQLite by its plan above")
    store = anywhere(cardinality="multi")
    load(store, small_shop())
    _analyze(store)
    scope = AssignedTo([EVE]) | AssignedIn(["north"])
    with store.reader() as reader, sent(store) as statements:
        reader.page(Query(scope), Order("name"), None, 50)
    statement, parameters = statements[-1]
    with store.engine.connect() as connection:
        plan = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN ANALYZE {statement}", parameters)]
    judged = [place for place, line in enumerate(plan) if "One-Time Filter" in line]
    assert len(judged) == 2
    assert sum("never executed" in plan[place + 1] for place in judged) == 1
    assert "= ANY (ARRAY" in statement


def _analyze(store: SqlAlchemyStore) -> None:
    """What a server does by itself, in time."""
    if store.engine.dialect.name == "postgresql":
        with store.engine.begin() as connection:
            connection.execute(text("ANALYZE ownership_customer"))


def test_everybody_is_listed_along_the_index_by_name(shop: SqlAlchemyStore, sent: Any) -> None:
    """A page of all customers by name ends after its rows."""
    plan = _plan(shop, sent, lambda reader: reader.page(Query(Everything()), Order("name"), None, 50))
    assert "SCAN ownership_customer USING INDEX ix_ownership_customer_by_name" in plan


def test_a_check_looks_up_its_ids_only(shop: SqlAlchemyStore, sent: Any) -> None:
    """Neither all assignments of the staff nor a whole customer group is gathered."""
    plan = _plan(shop, sent, lambda reader: reader.check(MINE, [CustomerId("c1")]))
    assert "ownership_assignment USING PRIMARY KEY (customer_id=? AND staff_id=?)" in plan
    assert "ownership_customer_value USING PRIMARY KEY (customer_id=? AND field=? AND value=?)" in plan


def test_integer_keys_sort_and_compare_as_numbers(anywhere: Any) -> None:
    """Ids come by value, and text that is no such id matches nothing."""
    store = anywhere(cardinality="multi", customer_key=KeyType.INTEGER, staff_key=KeyType.INTEGER)
    rows = [{"id": number} for number in (10, 9, -1)]
    with store.engine.begin() as connection:
        connection.execute(text("INSERT INTO ownership_customer (id) VALUES (:id)"), rows)
    with store.reader() as reader:
        assert list(reader.ids(Query(Everything()))) == ["-1", "9", "10"]
        assert reader.check(Query(Everything()), ["9", "09", " 9", "x"]) == {"9"}
        assert reader.count(Query(AssignedTo(["007"]))) == 0
        assert list(reader.ids(Query(Matches("id", "1")))) == ["-1", "10"]
        page = reader.page(Query(Everything()), Order("id"), Position("9", CustomerId("9")), 10)
        assert [row.id for row in page] == ["10"]


@pytest.mark.parametrize("key", [KeyType.INTEGER, KeyType.UUID])
def test_a_shop_lives_with_other_keys(anywhere: Any, key: KeyType) -> None:
    """Created, assigned, told, planned and read again; staff ids are told apart and sorted by their type."""
    c1, c2, ann, bob = (
        ("9", "10", "2", "11")
        if key is KeyType.INTEGER
        else tuple(f"018bcfe5-6800-7000-8000-00000000000{number}" for number in range(4))
    )
    store = anywhere(cardinality="multi", customer_key=key, staff_key=key)
    staff = (Staff(StaffId(ann), "Ann"), Staff(StaffId(bob), "Bob"))
    both = tuple(Assignment(one.id, one.id == bob, 5, "", "test") for one in staff)
    values = {"kind": "person", "active": True, "created_at": 100, "no_auto": False}
    customers = (Customer(CustomerId(c1), values, {}, both), Customer(CustomerId(c2), values, {}))
    load(store, World((), (), staff, customers))
    with store.writer() as writer:
        gone = Effect(StaffId(ann), Drop.FORMER_PRIMARY, None, Primary.STAY, (SortKey.STAFF,))
        apply(writer, "moved", Ids([c1, c2]), gone)
        writer.notify("moved")
    with store.reader() as reader:
        assert [(c.id, [(a.staff, a.primary) for a in c.assignments]) for c in reader.customers([c1, c2])] == [
            (c1, [(ann, True)]),
            (c2, [(ann, False)]),
        ]
        assert [task.receiver for task in reader.outbox() if task.run == "moved"] == [ann, bob]
        assert [row.customer for row in reader.plan_rows("moved")] == [c1, c2]
        assert set(reader.access(None)) == {ann, bob}
        assert list(reader.ids(Query(AssignedTo([ann])))) == [c1, c2]
