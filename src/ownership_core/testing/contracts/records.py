"""Facts about what is kept: customers and their fields, runs, events, the outbox, and idempotency keys."""

from __future__ import annotations

import pytest
from attrs import evolve

from ownership_core.commands import Ids
from ownership_core.errors import Conflict
from ownership_core.events import Subject
from ownership_core.model import Actor, Assignment, Customer, CustomerId
from ownership_core.ports import NewRow, Remembered, Run, RunState, Store, Tally, Task
from ownership_core.ruling import Drop, Effect, Fate, PlanRow, Primary
from ownership_core.testing.contracts.base import (
    ANN,
    C1,
    C2,
    C3,
    C5,
    EVE,
    Contract,
    assignments,
    body,
    found,
    undone,
)
from ownership_core.testing.contracts.drafts import TO_EVE
from ownership_core.testing.contracts.reads import noted
from ownership_core.testing.contracts.writes import NEWCOMER, VALUES, create
from ownership_core.testing.worlds import LOADER, apply, new_run

X_TAG = {"tags": frozenset({"x"})}


class CustomerFacts(Contract):
    """Creating, changing and finding customers."""

    def test_a_created_customer_is_as_given(self, shop: Store) -> None:
        """Values, sets, owner from the start, ``no_auto`` False unless given, version 1."""
        with shop.writer() as writer:
            row = NewRow(NEWCOMER, {**VALUES, "name": "Zoë", "email": None}, X_TAG, None, EVE, "pos")
            create(writer, row)
        [customer] = found(shop, NEWCOMER)
        assert customer == Customer(
            id=NEWCOMER,
            values={**VALUES, "name": "Zoë", "no_auto": False},
            sets={"tags": frozenset({"x"})},
            assignments=(Assignment(EVE, True, 6_000, "", "pos"),),
            staff=customer.staff,
            version=1,
        )

    def test_creation_is_told_by_an_event_and_a_plan_row(self, shop: Store) -> None:
        """Both say who owns the customer from the start."""
        with shop.writer() as writer:
            create(writer, NewRow(NEWCOMER, VALUES, {}, None, EVE, "pos"))
        with shop.reader() as reader:
            [event] = reader.events(Subject.CUSTOMER, NEWCOMER)
            [row] = reader.plan_rows("create")
        line = {"staff": EVE, "primary": True, "since": 6_000, "role": "", "source": "pos"}
        assert event.body == body("CreateCustomer", [None, EVE], added=[line])
        assert row == PlanRow(NEWCOMER, Fate.CHANGED, 0, (), None, EVE, EVE)

    def test_customers_without_owner_are_unassigned(self, shop: Store) -> None:
        """Several at once, owned or not."""
        with shop.writer() as writer:
            rows = [NewRow(CustomerId(f"n{i}"), VALUES, {}, None, EVE if i % 2 else None, "t") for i in range(5)]
            create(writer, *rows)
        assert [assignments(shop, row.id) for row in rows] == [{}, {EVE: True}, {}, {EVE: True}, {}]

    def test_an_id_that_exists_is_a_conflict(self, shop: Store) -> None:
        """Nothing is overwritten."""
        before = shop.digest()
        with pytest.raises(Conflict) as caught, shop.writer() as writer:
            create(writer, NewRow(C1, VALUES, {}, None, None, "t"))
        assert caught.value.codes == ("conflict",)
        assert shop.digest() == before

    def test_an_email_key_that_exists_is_a_conflict(self, shop: Store) -> None:
        """Whether created or changed; no key is no conflict."""
        with shop.writer() as writer:
            create(writer, NewRow(NEWCOMER, VALUES, {}, "a@b", None, "t"))
        before = shop.digest()
        with pytest.raises(Conflict), shop.writer() as writer:
            create(writer, NewRow(CustomerId("c10"), VALUES, {}, "a@b", None, "t"), run="again")
        with pytest.raises(Conflict), shop.writer() as writer:
            writer.change_customer(C1, {"email": "A@b"}, {}, "a@b")
        assert shop.digest() == before

    def test_taken_finds_ids_and_email_keys(self, shop: Store) -> None:
        """Those that exist, exactly spelt."""
        with undone(shop) as writer:
            create(writer, NewRow(NEWCOMER, VALUES, {}, "a@b", None, "t"))
            assert writer.taken([C1, CustomerId("C1"), NEWCOMER], ["a@b", "A@b", ""]) == (
                frozenset({C1, NEWCOMER}),
                frozenset({"a@b"}),
            )
            assert writer.taken([], []) == (frozenset(), frozenset())

    def test_a_change_replaces_what_it_names(self, shop: Store) -> None:
        """None empties a value, an empty set empties a set field, everything else stays."""
        with shop.writer() as writer:
            sets = {"groups": frozenset[str](), "tags": frozenset({"a", "b"})}
            writer.change_customer(C1, {"name": None, "score": 9, "no_auto": True}, sets, None)
        [customer] = found(shop, C1)
        assert customer.values == {
            "kind": "person",
            "active": True,
            "created_at": 100,
            "no_auto": True,
            "score": 9,
            "website": "de",
        }
        assert customer.sets == {"tags": {"a", "b"}}

    def test_an_email_key_counts_only_with_its_email(self, shop: Store) -> None:
        """A change that does not name the e-mail address keeps its key; one that empties it frees the key."""
        with undone(shop) as writer:
            writer.change_customer(C1, {"email": "A@b"}, {}, "a@b")
            writer.change_customer(C1, {"name": "x"}, {}, None)
            assert writer.taken([], ["a@b"])[1] == {"a@b"}
            writer.change_customer(C1, {"email": None}, {}, None)
            assert writer.taken([], ["a@b"])[1] == frozenset()


class RunFacts(Contract):
    """Runs, the outbox, and idempotency keys."""

    def test_a_run_comes_back_as_saved(self, shop: Store) -> None:
        """Plans and applied runs, with tally, reason and everything."""
        tally = Tally(1, 2, 3, 4, {"not_found": 3, "stale": 4}, 5)
        plan = Run("p1", RunState.PLANNED, "Assign", {"v": 1, "x": [None, "ü"]}, Actor.staff("ann"), 7, "why", tally, 9)
        bare = Run("p2", RunState.APPLIED, "Till", {}, Actor.system("till", "rule 1"), 8)
        with shop.writer() as writer:
            writer.save_run(plan)
            writer.save_run(bare)
        with shop.reader() as reader:
            assert (reader.run("p1"), reader.run("p2"), reader.run("p3")) == (plan, bare, None)

    def test_runs_come_newest_first(self, shop: Store) -> None:
        """As many as asked for."""
        with shop.writer() as writer:
            for number in (3, 1, 2):
                writer.save_run(new_run(f"r{number}", at=10_000 + number))
        with shop.reader() as reader:
            assert [run.id for run in reader.runs(3)] == ["r3", "r2", "r1"]
            assert len(reader.runs(2)) == 2

    def test_events_are_narrowed_to_what_is_given(self, shop: Store) -> None:
        """By kind, subject and run, in order of kind, subject and version."""
        with shop.writer() as writer:
            apply(writer, "told", Ids((C3, C1)), TO_EVE)
        with shop.reader() as reader:
            every = [(event.subject_kind.value, event.subject, event.version) for event in reader.events()]
            assert every == sorted(every)
            assert [event.subject for event in reader.events(run="told")] == [C1, C3]
            assert {event.subject_kind for event in reader.events(Subject.STAFF)} == {Subject.STAFF}
            assert [event.version for event in reader.events(Subject.STAFF, ANN)] == [1]
            assert list(reader.events(Subject.STAFF, C1)) == []

    def test_a_version_is_written_once(self, shop: Store) -> None:
        """Two events of one subject and version are a conflict."""
        with pytest.raises(Conflict) as caught, shop.writer() as writer:
            writer.save_staff(writer.staff([ANN])[0], noted(Subject.STAFF, ANN, 1))
        assert caught.value.codes == ("conflict",)

    def test_events_come_back_as_saved(self, shop: Store) -> None:
        """With actor, reason, time and body."""
        event = evolve(noted(Subject.STAFF, ANN, 2), actor=Actor.system("till", "rule"), body={"v": 1, "x": "ü"})
        with shop.writer() as writer:
            writer.save_staff(evolve(writer.staff([ANN])[0], version=2), event)
        with shop.reader() as reader:
            assert list(reader.events(run="later")) == [event]

    def test_who_gained_or_lost_a_customer_is_told(self, shop: Store) -> None:
        """One row each, however many customers; who merely stays is not told."""
        with shop.writer() as writer:
            apply(writer, "told", Ids((C1, C2, C5)), Effect(EVE, Drop.FORMER_PRIMARY, None, Primary.TAKE))
            writer.notify("told")
        with shop.reader() as reader:
            assert reader.outbox() == [Task("told", ANN), Task("told", EVE)]

    def test_nobody_is_told_unless_asked(self, shop: Store) -> None:
        """Writing alone fills no outbox."""
        with shop.writer() as writer:
            apply(writer, "silent", Ids((C1, C2)), TO_EVE)
        with shop.reader() as reader:
            assert reader.outbox() == []

    def test_an_unknown_key_is_not_recalled(self, shop: Store) -> None:
        """Nor is that of another actor."""
        with shop.writer() as writer:
            assert writer.recall(LOADER, "key") is None
            writer.remember(LOADER, "key", Remembered("hash", {"run": "r"}), 1)
            assert writer.recall(Actor.staff("ann"), "key") is None
            assert writer.recall(Actor.staff(LOADER.id), "key") is None
            assert writer.recall(LOADER, "Key") is None

    def test_a_key_is_recalled_with_its_receipt(self, shop: Store) -> None:
        """In the same transaction and in later ones."""
        kept = Remembered("hash", {"run": "r", "counts": [1, 2]})
        with shop.writer() as writer:
            writer.remember(LOADER, "key", kept, 1)
            assert writer.recall(LOADER, "key") == kept
        with shop.writer() as writer:
            assert writer.recall(LOADER, "key") == kept

    def test_a_key_is_remembered_once(self, shop: Store) -> None:
        """A twin is a conflict."""
        with shop.writer() as writer:
            writer.remember(LOADER, "key", Remembered("hash", {}), 1)
        with pytest.raises(Conflict) as caught, shop.writer() as writer:
            writer.remember(LOADER, "key", Remembered("other", {}), 2)
        assert caught.value.codes == ("conflict",)

    def test_a_key_of_an_undone_transaction_is_free(self, shop: Store) -> None:
        """It is kept with what it did, or not at all."""
        with undone(shop) as writer:
            writer.remember(LOADER, "key", Remembered("hash", {}), 1)
        with shop.writer() as writer:
            assert writer.recall(LOADER, "key") is None
