"""Facts about writing: what effects do, which events tell of it, and what an exception leaves behind."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from attrs import evolve

from ownership_core.commands import Ids, Matching, One
from ownership_core.errors import Conflict
from ownership_core.events import Subject, customer_body, read_line
from ownership_core.model import Actor, Assignment, Customer, CustomerId, Department, Level, StaffId, Value
from ownership_core.policies import SINGLE, SortKey
from ownership_core.ports import NewRow, Remembered, Store, Writer
from ownership_core.ruling import Drop, Effect, Fate, PlanRow, Primary, carry_out
from ownership_core.scope import Everything
from ownership_core.testing.contracts.base import (
    ANN,
    BOB,
    C1,
    C2,
    C3,
    C4,
    C5,
    CID,
    EVE,
    SOUTH,
    Contract,
    found,
    single,
    small_shop,
    undone,
)
from ownership_core.testing.contracts.drafts import TO_EVE, draft_of, drafted
from ownership_core.testing.contracts.reads import noted
from ownership_core.testing.worlds import LOADER, apply, new_run

CUSTOMERS = (C1, C2, C3, C4, C5)
NEWCOMER = CustomerId("c9")
PROMOTIONS = ((), (SortKey.SINCE,), (SortKey.ROLE, SortKey.SINCE), (SortKey.STAFF,))
ROOMS = (0, 1, 2)
VALUES: dict[str, Value | None] = {"kind": "person", "active": True, "created_at": 5_000}


def all_effects(cardinality: str) -> Iterator[Effect]:
    """Every combination a command can ask for; in single only those that leave at most one assignment."""
    for drop in (drop for drop in Drop if drop is not Drop.UNDONE):
        for room in ROOMS if drop is Drop.BEYOND_ROOM else (0,):
            yield from (evolve(effect, room=room) for effect in _effects(drop, cardinality))


def _effects(drop: Drop, cardinality: str) -> Iterator[Effect]:
    dropped = BOB if drop is Drop.ONE else None
    for primary, promote in itertools.product((Primary.STAY, Primary.FILL), PROMOTIONS):
        yield Effect(None, drop, dropped, primary, promote)
    if cardinality != SINGLE or drop is Drop.EVERYONE:
        yield Effect(None, drop, dropped, Primary.NOBODY)
    for staff in (ANN, BOB, EVE):
        if cardinality != SINGLE or drop in (Drop.EVERYONE, Drop.EVERYONE_ELSE):
            yield Effect(staff, drop, dropped, Primary.TAKE, (), "lead", "test")
        if cardinality != SINGLE:
            kinds = (Primary.IF_UNASSIGNED, Primary.STAY, Primary.FILL)
            for primary, promote in itertools.product(kinds, PROMOTIONS):
                yield Effect(staff, drop, dropped, primary, promote, "lead", "test")


def create(writer: Writer, *rows: NewRow, run: str = "create") -> None:
    """Create customers in a run of their own."""
    done = new_run(run, "CreateCustomer", 6_000)
    writer.create_customers(done, rows)
    writer.save_run(done)


def delete(writer: Writer, id: CustomerId, run: str = "delete") -> None:
    """Delete a customer as a service does: its assignments end, it goes, its head stays."""
    apply(writer, run, One(id), Effect(drop=Drop.EVERYONE, primary=Primary.NOBODY, touch=True))
    writer.delete_customers(run)


class EffectFacts(Contract):
    """What a written run does to assignments, heads and events."""

    @pytest.mark.parametrize("cardinality", ["multi", SINGLE])
    def test_every_effect_does_what_carry_out_says(self, tmp_path: Path, cardinality: str) -> None:
        """Set-based statements and the reference agree on every customer of the shop."""
        world = single(small_shop()) if cardinality == SINGLE else small_shop()
        with self.opened(tmp_path, cardinality, world) as store:
            before = found(store, *CUSTOMERS)
            for effect in all_effects(cardinality):
                with undone(store) as writer:
                    _compare(writer, before, effect)

    def test_assignments_come_by_staff_id(self, shop: Store) -> None:
        """Whatever order they began in."""
        with shop.writer() as writer:
            apply(writer, "more", One(C4), Effect(add=ANN), at=9_000)
        assert [a.staff for a in found(shop, C4)[0].assignments] == [ANN, CID]

    def test_a_new_assignment_says_since_role_and_source(self, shop: Store) -> None:
        """``since`` is the draft's time; who was there before keeps everything."""
        effect = Effect(EVE, Drop.NOBODY, None, Primary.TAKE, (), "deputy", "pos")
        with shop.writer() as writer:
            apply(writer, "more", One(C1), effect, at=9_000)
        assert found(shop, C1)[0].assignments == (
            Assignment(ANN, False, 10, "lead", "test"),
            Assignment(BOB, False, 20, "", "test"),
            Assignment(EVE, True, 9_000, "deputy", "pos"),
        )

    def test_only_changed_rows_are_written(self, shop: Store) -> None:
        """Refused and unchanged customers keep their version and get no event."""
        before = {c.id: c.version for c in found(shop, C1, C2)}
        with shop.writer() as writer:
            apply(writer, "some", Ids((C1, C2)), Effect(add=ANN, primary=Primary.TAKE))
        after = {c.id: c.version for c in found(shop, C1, C2)}
        assert after == {C1: before[C1], C2: before[C2] + 1}
        with shop.reader() as reader:
            assert [event.subject for event in reader.events(run="some")] == [C2]

    def test_an_event_says_what_changed(self, shop: Store) -> None:
        """Its body is that of ``customer_body``; actor, reason, time and run are the run's."""
        run = evolve(new_run("told", "Assign", 5_000, Actor.staff("ann")), reason="moving house")
        with shop.writer() as writer:
            draft = evolve(draft_of(One(C1)), run="told")
            [row] = drafted(writer, draft).rows
            writer.write(run, draft, fields=["name", "email"])
            writer.save_run(run)
        with shop.reader() as reader:
            [event] = reader.events(run="told")
        added = [Assignment(EVE, True, 5_000, "", "test")]
        assert event.body == customer_body("Assign", row, added, ["email", "name"])
        assert (event.subject_kind, event.subject, event.version) == (Subject.CUSTOMER, C1, 4)
        assert (event.run, event.at, event.actor, event.reason) == ("told", 5_000, run.actor, "moving house")

    def test_versions_have_no_gaps(self, shop: Store) -> None:
        """One version per run that changed the customer."""
        with shop.writer() as writer:
            for number, staff in enumerate((ANN, BOB, ANN, EVE)):
                apply(writer, f"run-{number}", One(C4), evolve(TO_EVE, add=staff))
        with shop.reader() as reader:
            counted = [event.version for event in reader.events(Subject.CUSTOMER, C4)]
        assert counted == list(range(1, found(shop, C4)[0].version + 1))
        assert len(counted) == 6

    def test_replaying_the_events_gives_the_assignments(self, shop: Store) -> None:
        """Every body is complete: added, removed, and who stands for the customer."""
        with shop.writer() as writer:
            apply(writer, "first", Matching(Everything()), Effect(add=BOB, primary=Primary.IF_UNASSIGNED), at=2_000)
            apply(writer, "then", Ids((C1, C2)), Effect(drop=Drop.FORMER_PRIMARY, promote_by=(SortKey.SINCE,)))
            apply(writer, "last", Ids((C1, C4)), TO_EVE, at=3_000)
        for customer in found(shop, C1, C2, C3, C4, C5):
            assert _replayed(shop, customer.id) == {a.staff: a for a in customer.assignments}

    def test_a_deleted_customer_leaves_its_history(self, shop: Store) -> None:
        """It is gone from every list; its events stay."""
        with shop.writer() as writer:
            delete(writer, C1)
        assert found(shop, C1) == []
        with shop.reader() as reader:
            assert [event.version for event in reader.events(Subject.CUSTOMER, C1)] == [1, 2, 3, 4]

    def test_a_created_again_customer_goes_on_counting(self, shop: Store) -> None:
        """Its events continue those of its namesake, and so does ``no_auto``."""
        with shop.writer() as writer:
            writer.change_customer(C1, {"no_auto": True}, {}, None)
            delete(writer, C1)
            create(writer, NewRow(C1, VALUES, {}, None, EVE, "test"))
        [again] = found(shop, C1)
        assert again.version == 5
        assert again.values == {**VALUES, "no_auto": True}
        assert again.sets == {}
        with shop.reader() as reader:
            assert [event.version for event in reader.events(Subject.CUSTOMER, C1)] == [1, 2, 3, 4, 5]
            [row] = reader.plan_rows("create")
        assert row == PlanRow(C1, Fate.CHANGED, 4, (), None, EVE, EVE)

    def test_an_exception_undoes_everything(self, shop: Store) -> None:
        """The digest is that of before."""
        before = shop.digest()
        with undone(shop) as writer:
            apply(writer, "lost", Matching(Everything()), TO_EVE)
            writer.notify("lost")
            create(writer, NewRow(NEWCOMER, VALUES, {"tags": frozenset({"x"})}, "e", None, "test"))
            writer.change_customer(C2, {"name": "x"}, {}, None)
            writer.save_staff(evolve(writer.staff([ANN])[0], version=2), noted(Subject.STAFF, ANN, 2))
            writer.remember(LOADER, "key", Remembered("hash", {}), 1)
        assert shop.digest() == before

    def test_every_change_changes_the_digest(self, shop: Store) -> None:
        """No table is left out."""
        seen = [shop.digest()]
        for number, change in enumerate(_changes()):
            with shop.writer() as writer:
                change(writer)
            seen.append(shop.digest())
            assert len(set(seen)) == len(seen), f"change {number} is not seen"

    def test_an_assignment_to_an_unknown_staff_is_a_conflict(self, shop: Store) -> None:
        """Nothing of the run stays."""
        before = shop.digest()
        with pytest.raises(Conflict) as caught, shop.writer() as writer:
            apply(writer, "broken", One(C1), evolve(TO_EVE, add=StaffId("nobody")))
        assert caught.value.codes == ("conflict",)
        assert shop.digest() == before

    def test_in_single_a_second_assignment_is_a_conflict(self, single_shop: Store) -> None:
        """Whatever a draft asks for."""
        before = single_shop.digest()
        with pytest.raises(Conflict) as caught, single_shop.writer() as writer:
            apply(writer, "broken", One(C1), Effect(add=EVE))
        assert caught.value.codes == ("conflict",)
        assert single_shop.digest() == before

    def test_in_single_an_assignment_is_primary(self, single_shop: Store) -> None:
        """A sole assignment that stands for nobody is refused."""
        with pytest.raises(Conflict), single_shop.writer() as writer:
            apply(writer, "broken", One(C3), Effect(add=EVE))


def _compare(writer: Writer, before: Iterable[Customer], effect: Effect) -> None:
    """Carry ``effect`` out on everybody, in the store and in Python."""
    apply(writer, "effect", Matching(Everything()), effect, at=7_000)
    after = {customer.id: customer for customer in writer.customers(CUSTOMERS)}
    for customer in before:
        expected = carry_out(effect, customer.assignments, 7_000, customer.inactive)
        assert set(after[customer.id].assignments) == set(expected.after), (effect, customer.id)
        grown = after[customer.id].version - customer.version
        assert grown == int(expected.changed), (effect, customer.id)


def _replayed(store: Store, id: CustomerId) -> dict[StaffId, Assignment]:
    held: dict[StaffId, Assignment] = {}
    with store.reader() as reader:
        for event in reader.events(Subject.CUSTOMER, id):
            for gone in event.body["removed"]:
                del held[StaffId(gone["staff"])]
            held |= {StaffId(come["staff"]): read_line(come) for come in event.body["added"]}
            standing = event.body["primary"][1]
            held = {staff: evolve(one, primary=staff == standing) for staff, one in held.items()}
    return held


def _changes() -> list[Callable[[Writer], object]]:
    """One change of every table."""
    row = NewRow(NEWCOMER, VALUES, {"tags": frozenset({"x"})}, "key", EVE, "t")
    return [
        lambda w: create(w, row),
        lambda w: w.change_customer(C1, {"name": "x"}, {}, None),
        lambda w: w.change_customer(C1, {"score": None}, {}, None),
        lambda w: w.change_customer(C1, {}, {"tags": frozenset({"x"})}, None),
        lambda w: w.change_customer(C1, {"no_auto": True}, {}, None),
        lambda w: w.change_customer(C1, {"email": None}, {}, "other"),
        lambda w: apply(w, "moved", One(C1), TO_EVE),
        lambda w: w.notify("moved"),
        lambda w: w.discard("moved"),
        lambda w: w.save_run(evolve(new_run("moved"), reason="other")),
        lambda w: w.save_staff(evolve(w.staff([ANN])[0], version=2), noted(Subject.STAFF, ANN, 2)),
        lambda w: w.save_role("clerk", {"edit": Level.OWN}, noted(Subject.ROLE, "clerk", 2)),
        lambda w: w.save_department(Department(SOUTH, "S", None, None, 2), noted(Subject.DEPARTMENT, SOUTH, 2)),
        lambda w: w.remember(LOADER, "key", Remembered("hash", {}), 1),
    ]
