"""Facts about reading: pages, counts and checks, the access snapshot, and the guard that ties them together."""

from __future__ import annotations

import itertools

import pytest
from attrs import evolve

from ownership_core.errors import InvalidInput, StoreError
from ownership_core.events import Event, Subject
from ownership_core.model import Access, Level, Staff, StaffId
from ownership_core.ports import Guard, Order, Position, Query, Reader, Store
from ownership_core.scope import AllOf, Equals, Everything, Has, Missing, Not, Nothing
from ownership_core.testing.contracts.base import (
    ANN,
    BOB,
    C1,
    C2,
    C3,
    C4,
    C5,
    C6,
    CID,
    EVE,
    HARBOUR,
    LOST,
    NO_PRESS,
    NO_TEST,
    NORTH,
    ONLY_VIP,
    SOUTH,
    Contract,
    found,
    small_shop,
)
from ownership_core.testing.worlds import LOADER, WORLD_FIELDS

EVERYBODY = Query(Everything())


def noted(kind: Subject, subject: str, version: int, run: str = "later") -> Event:
    """An event about staff, a department or a role."""
    return Event(kind, subject, version, run, 2_000, LOADER, "because", {"v": 1, "what": "Change"})


def staff_of(store: Store, id: StaffId) -> Staff:
    """A staff as the store has it."""
    with store.reader() as reader:
        return reader.staff([id])[0]


def change_staff(store: Store, staff: Staff) -> None:
    """Save ``staff`` with its next version."""
    version = staff_of(store, staff.id).version + 1
    with store.writer() as writer:
        writer.save_staff(evolve(staff, version=version), noted(Subject.STAFF, staff.id, version))


def versions(store: Store) -> dict[StaffId, int]:
    """The access version of every staff."""
    with store.reader() as reader:
        return {id: access.version for id, access in reader.access(None).items()}


def walked(reader: Reader, order: Order, size: int) -> list[str]:
    """The ids of all pages of ``size``, one after the other."""
    ids: list[str] = []
    after = None
    while rows := reader.page(EVERYBODY, order, after, size):
        assert len(rows) <= size
        ids += [row.id for row in rows]
        value = rows[-1].values.get(order.field)
        folded = WORLD_FIELDS[order.field].folded(value) if isinstance(value, str) else value
        after = Position(rows[-1].id if order.field == "id" else folded, rows[-1].id)
    return ids


class PageFacts(Contract):
    """Lists, counts and checks."""

    def test_a_page_holds_values_sets_assignments_and_staff(self, shop: Store) -> None:
        """A page gives customers with everything a scope can ask, without missing values or empty sets."""
        with shop.reader() as reader:
            rows = reader.page(EVERYBODY, Order(), None, 100)
        assert [evolve(row, version=0) for row in rows] == small_shop().facts()

    def test_a_customer_counts_its_events(self, shop: Store) -> None:
        """The version of a customer is the number of its events."""
        with shop.reader() as reader:
            for row in reader.page(EVERYBODY, Order(), None, 100):
                assert row.version == len(list(reader.events(Subject.CUSTOMER, row.id)))

    @pytest.mark.parametrize(
        ("order", "expected"),
        [
            (Order(), [C1, C2, C3, C4, C5, C6]),
            (Order("id", descending=True), [C6, C5, C4, C3, C2, C1]),
            (Order("score"), [C3, C4, C1, C2, C5, C6]),
            (Order("score", descending=True), [C1, C3, C4, C2, C5, C6]),
            (Order("name"), [C5, C1, C2, C4, C3, C6]),
            (Order("name", descending=True), [C2, C4, C1, C5, C3, C6]),
            (Order("vip"), [C5, C3, C1, C2, C4, C6]),
            (Order("vip", descending=True), [C3, C5, C1, C2, C4, C6]),
            (Order("last_seen"), [C5, C1, C2, C3, C4, C6]),
            (Order("no_auto", descending=True), [C1, C2, C3, C4, C5, C6]),
        ],
        ids=str,
    )
    def test_an_order_keeps_missing_values_last(self, shop: Store, order: Order, expected: list[str]) -> None:
        """Sorted by the folded value in either direction, missing ones last, ties by id upwards."""
        with shop.reader() as reader:
            assert [row.id for row in reader.page(EVERYBODY, order, None, 100)] == expected

    def test_pages_follow_each_other_without_gap_or_repeat(self, shop: Store) -> None:
        """Page by page, of any size, in any order, is the whole list."""
        with shop.reader() as reader:
            for field, descending, size in itertools.product(
                ("id", "name", "score", "vip", "last_seen", "kind"), (False, True), (1, 2, 5)
            ):
                order = Order(field, descending)
                whole = [row.id for row in reader.page(EVERYBODY, order, None, 100)]
                assert walked(reader, order, size) == whole, order

    def test_a_page_may_begin_after_a_customer_that_is_gone(self, shop: Store) -> None:
        """A position is a place in the order, not a row that must exist."""
        with shop.reader() as reader:
            rows = reader.page(EVERYBODY, Order("score"), Position(1, type(C3)("c3x")), 2)
            assert [row.id for row in rows] == [C4, C1]
            rows = reader.page(EVERYBODY, Order("score"), Position(None, C2), 100)
            assert [row.id for row in rows] == [C5, C6]

    def test_an_unknown_sort_field_is_refused(self, shop: Store) -> None:
        """Only declared fields sort."""
        with shop.reader() as reader, pytest.raises(InvalidInput) as caught:
            reader.page(EVERYBODY, Order("colour"), None, 10)
        assert caught.value.codes == ("unknown_field",)

    def test_an_unknown_field_is_refused(self, shop: Store) -> None:
        """A scope over an undeclared field is an error, not an empty list."""
        with shop.reader() as reader, pytest.raises(InvalidInput) as caught:
            reader.count(Query(Equals("colour", "red")))
        assert caught.value.codes == ("unknown_field",)

    def test_count_counts_what_is_listed(self, shop: Store) -> None:
        """A count is the number of customers the scope is TRUE of."""
        with shop.reader() as reader:
            assert reader.count(EVERYBODY) == 6
            assert reader.count(Query(Nothing())) == 0
            assert reader.count(Query(Has("groups", {"vip"}))) == 2

    def test_a_count_ends_where_it_is_told(self, shop: Store) -> None:
        """No more than ``at_most`` are counted, and never more than there are."""
        with shop.reader() as reader:
            assert [reader.count(EVERYBODY, most) for most in (1, 5, 6, 7)] == [1, 5, 6, 6]
            assert reader.count(Query(Nothing()), 3) == 0

    def test_what_cannot_be_told_is_not_listed(self, shop: Store) -> None:
        """Neither a sentence about a missing value nor its opposite is TRUE."""
        here = Equals("website", "de")
        with shop.reader() as reader:
            assert list(reader.ids(Query(here))) == [C1]
            assert list(reader.ids(Query(Not(here)))) == []
            assert list(reader.ids(Query(Missing("website")))) == [C2, C3, C4, C5, C6]

    def test_ids_come_in_id_order(self, shop: Store) -> None:
        """All ids, sorted."""
        with shop.reader() as reader:
            assert list(reader.ids(EVERYBODY)) == [C1, C2, C3, C4, C5, C6]

    def test_check_answers_for_one(self, shop: Store) -> None:
        """A check of one id is that id or nothing."""
        query = Query(Has("groups", {"vip"}))
        with shop.reader() as reader:
            assert reader.check(query, [C1]) == {C1}
            assert reader.check(query, [C2]) == frozenset()
            assert reader.check(query, [LOST]) == frozenset()
            assert reader.check(query, []) == frozenset()

    def test_check_answers_for_a_thousand(self, shop: Store) -> None:
        """A check of many ids gives those it holds of; unknown ids and repeats do no harm."""
        ids = [type(C1)(f"c{number}") for number in range(1, 1_000)]
        with shop.reader() as reader:
            assert reader.check(Query(Has("groups", {"vip"})), [*ids, C1]) == {C1, C3}

    def test_customers_leaves_out_the_missing(self, shop: Store) -> None:
        """Customers by id come in id order, each once."""
        assert [customer.id for customer in found(shop, C3, LOST, C1, C3)] == [C1, C3]

    def test_a_writer_reads_what_it_wrote(self, shop: Store) -> None:
        """Inside a transaction its own changes are seen."""
        with shop.writer() as writer:
            writer.change_customer(C1, {"name": "omega"}, {}, None)
            assert list(writer.ids(Query(Equals("name", "omega")))) == [C1]

    def test_reading_writes_nothing(self, shop: Store) -> None:
        """Every question leaves the digest as it was."""
        before = shop.digest()
        with shop.reader() as reader:
            reader.page(EVERYBODY, Order("name"), None, 3)
            reader.check(EVERYBODY, [C1, LOST])
            reader.access(None)
            list(reader.events())
        assert shop.digest() == before


class AccessFacts(Contract):
    """The access snapshot, what makes it stale, and the guard."""

    def test_a_snapshot_holds_everything_that_decides_access(self, shop: Store) -> None:
        """Levels are the best of all roles; the tree is the departments and all below."""
        with shop.reader() as reader:
            snapshot = reader.access([ANN])[ANN]
        assert snapshot == Access(
            staff=ANN,
            active=True,
            version=snapshot.version,
            roles=frozenset({"clerk", "boss"}),
            levels={"view": Level.ALL, "claim": Level.OWN, "assign": Level.DEPARTMENT},
            departments=frozenset({NORTH}),
            tree=frozenset({NORTH, HARBOUR}),
            websites=frozenset({"de", "fr"}),
            restrictions=(ONLY_VIP,),
        )

    def test_restrictions_are_inherited(self, shop: Store) -> None:
        """Those of the departments and of all above, by department id, then the staff's own."""
        with shop.reader() as reader:
            snapshot = reader.access([BOB])[BOB]
        assert snapshot.restrictions == (NO_PRESS, ONLY_VIP, NO_TEST)
        assert snapshot.tree == {HARBOUR}

    def test_no_roles_give_no_levels(self, shop: Store) -> None:
        """Without role, department, website or restriction a snapshot is empty."""
        with shop.reader() as reader:
            snapshot = reader.access([EVE])[EVE]
        assert snapshot == Access(EVE, True, snapshot.version)

    def test_an_inactive_staff_has_a_snapshot(self, shop: Store) -> None:
        """Inactive staff are told as inactive."""
        with shop.reader() as reader:
            assert reader.access([CID])[CID].active is False

    def test_unknown_and_deleted_staff_have_no_snapshot(self, shop: Store) -> None:
        """They are left out, whether asked for by id or with all."""
        change_staff(shop, evolve(staff_of(shop, EVE), active=False, deleted=True))
        with shop.reader() as reader:
            assert set(reader.access([EVE, StaffId("nobody"), ANN])) == {ANN}
            assert set(reader.access(None)) == {ANN, BOB, CID}
            assert reader.access([]) == {}

    def test_staff_come_back_as_saved(self, shop: Store) -> None:
        """All staff by id, with everything that hangs on them; the version is that of the event."""
        with shop.reader() as reader:
            assert [evolve(staff, version=0) for staff in reader.staff()] == list(small_shop().staff)
            assert {staff.version for staff in reader.staff()} == {1}
            assert [staff.id for staff in reader.staff([EVE, ANN, StaffId("nobody")])] == [ANN, EVE]
            assert reader.staff([]) == []

    def test_a_login_leads_to_one_staff(self, shop: Store) -> None:
        """Compared letter by letter; nobody has a login that nobody was given."""
        with shop.reader() as reader:
            assert reader.staff_of("ann@shop") == ANN
            assert [reader.staff_of(login) for login in ("Ann@shop", "ann@shop ", "ann", "")] == [None] * 4

    def test_a_tombstone_stays_listed(self, shop: Store) -> None:
        """A deleted staff is still among the staff, as deleted."""
        change_staff(shop, evolve(staff_of(shop, EVE), active=False, deleted=True))
        assert staff_of(shop, EVE).deleted

    def test_departments_come_back_as_saved(self, shop: Store) -> None:
        """All departments by id."""
        with shop.reader() as reader:
            rows = [evolve(department, version=0) for department in reader.departments()]
        assert rows == sorted(small_shop().departments, key=lambda d: d.id)

    def test_roles_come_back_as_saved(self, shop: Store) -> None:
        """All roles with their levels."""
        with shop.reader() as reader:
            assert reader.roles() == dict(small_shop().roles)

    def test_saving_a_staff_replaces_all_that_hangs_on_it(self, shop: Store) -> None:
        """Nothing of the former roles, departments, websites and restriction is left."""
        bare = Staff(ANN, "Anna", departments=frozenset({SOUTH}), version=2)
        change_staff(shop, bare)
        assert staff_of(shop, ANN) == bare
        with shop.reader() as reader:
            assert reader.access([ANN])[ANN].tree == {SOUTH}

    def test_saving_a_role_replaces_its_levels(self, shop: Store) -> None:
        """Actions that are no longer named are gone."""
        with shop.writer() as writer:
            writer.save_role("clerk", {"edit": Level.OWN}, noted(Subject.ROLE, "clerk", 2))
        with shop.reader() as reader:
            assert reader.roles()["clerk"] == {"edit": Level.OWN}
            assert reader.access([BOB])[BOB].levels == {"edit": Level.OWN}

    def test_changing_a_staff_raises_its_access_version(self, shop: Store) -> None:
        """Its own, and nobody else's."""
        before = versions(shop)
        change_staff(shop, evolve(staff_of(shop, BOB), label="Bobby"))
        after = versions(shop)
        assert after[BOB] > before[BOB]
        assert {id: v for id, v in after.items() if id != BOB} == {id: v for id, v in before.items() if id != BOB}

    def test_changing_a_department_raises_every_access_version(self, shop: Store) -> None:
        """A tree that moved may have moved anybody's reach."""
        before = versions(shop)
        with shop.writer() as writer:
            [south] = [d for d in writer.departments() if d.id == SOUTH]
            writer.save_department(evolve(south, parent=NORTH, version=2), noted(Subject.DEPARTMENT, SOUTH, 2))
        after = versions(shop)
        assert all(after[id] > before[id] for id in before)
        with shop.reader() as reader:
            assert reader.access([ANN])[ANN].tree == {NORTH, HARBOUR, SOUTH}

    def test_changing_a_role_raises_the_access_version_of_its_holders(self, shop: Store) -> None:
        """Holders only."""
        before = versions(shop)
        with shop.writer() as writer:
            writer.save_role("boss", {"view": Level.OWN}, noted(Subject.ROLE, "boss", 2))
        after = versions(shop)
        assert {id for id in before if after[id] > before[id]} == {ANN}

    def test_a_guard_that_holds_changes_nothing(self, shop: Store) -> None:
        """With the present version every read answers as without a guard."""
        query = Query(Everything(), Guard(ANN, versions(shop)[ANN]))
        with shop.reader() as reader:
            assert len(reader.page(query, Order(), None, 100)) == reader.count(query) == 6
            assert list(reader.ids(query)) == [C1, C2, C3, C4, C5, C6]
            assert reader.check(query, [C1, C2]) == {C1, C2}

    def test_a_stale_guard_answers_nothing(self, shop: Store) -> None:
        """Once the staff's access has changed, every read is empty."""
        guard = Guard(ANN, versions(shop)[ANN])
        change_staff(shop, evolve(staff_of(shop, ANN), label="Anna"))
        assert self._answers(shop, guard) == ([], 0, [], frozenset())

    def test_the_guard_of_an_inactive_staff_answers_nothing(self, shop: Store) -> None:
        """Not even with the present version."""
        assert self._answers(shop, Guard(CID, versions(shop)[CID])) == ([], 0, [], frozenset())

    def test_the_guard_of_an_unknown_staff_answers_nothing(self, shop: Store) -> None:
        """Nobody sees nobody."""
        assert self._answers(shop, Guard(StaffId("nobody"), 1)) == ([], 0, [], frozenset())

    def _answers(self, shop: Store, guard: Guard) -> tuple[object, ...]:
        query = Query(AllOf(()), guard)
        with shop.reader() as reader:
            page = reader.page(query, Order("name"), None, 100)
            return page, reader.count(query), list(reader.ids(query)), reader.check(query, [C1])


class OpeningFacts(Contract):
    """What a store says of itself."""

    def test_a_store_knows_its_fields(self, empty: Store) -> None:
        """It was opened with them."""
        assert empty.fields == WORLD_FIELDS

    def test_a_store_has_a_name(self, empty: Store) -> None:
        """For people who read what is running."""
        assert empty.capabilities.name

    def test_a_fit_store_serves(self, empty: Store) -> None:
        """Checking it for its own cardinality finds nothing."""
        empty.check("multi")

    def test_another_cardinality_is_refused(self, empty: Store) -> None:
        """A store made for multi does not serve single."""
        with pytest.raises(StoreError) as caught:
            empty.check("single")
        assert caught.value.codes == ("cardinality_mismatch",)

    def test_an_empty_store_is_empty(self, empty: Store) -> None:
        """Nothing is there before somebody writes."""
        with empty.reader() as reader:
            assert reader.page(EVERYBODY, Order(), None, 10) == []
            assert reader.access(None) == {}
            assert reader.staff() == []
            assert reader.departments() == []
            assert reader.roles() == {}
            assert list(reader.events()) == []
            assert reader.runs() == []
            assert reader.outbox() == []
            assert reader.run("none") is None
            assert list(reader.plan_rows("none")) == []
