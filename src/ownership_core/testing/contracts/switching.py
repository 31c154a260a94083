"""Facts about the cardinality in force: how a store is moved to another one, and who hears of it."""

from __future__ import annotations

import pytest
from attrs import evolve

from ownership_core.commands import Ids, One
from ownership_core.errors import Conflict, StoreError
from ownership_core.policies import SINGLE
from ownership_core.ports import NewRow, Store, Writer
from ownership_core.ruling import Drop, Effect, Fate, Primary
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
    Contract,
    assignments,
    found,
    undone,
)
from ownership_core.testing.contracts.drafts import NOTHING_HAPPENS, draft_of, drafted
from ownership_core.testing.contracts.writes import NEWCOMER, VALUES, create
from ownership_core.testing.worlds import apply, new_run

ROOM_FOR_ONE = Effect(drop=Drop.BEYOND_ROOM, room=1, primary=Primary.FILL)


def switch(store: Store, to: str, *, before: str = "multi", effect: Effect = NOTHING_HAPPENS) -> None:
    """Switch a store as a service does: hold everything, make room, move."""
    with store.writer() as writer:
        writer.lock_cardinality(before)
        apply(writer, "room", Ids((C1, C2, C3, C4, C5)), effect)
        writer.switch_cardinality(to)


class SwitchFacts(Contract):
    """What moving to another cardinality does, and whom it stops."""

    def test_a_switch_keeps_every_customer_as_it_is(self, shop: Store) -> None:
        """Assignments with all that is in them, versions, heads without a customer's assignment too."""
        before = found(shop, C1, C2, C3, C4, C5)
        switch(shop, "at_most")
        assert found(shop, C1, C2, C3, C4, C5) == before

    def test_a_switched_store_serves_the_new_cardinality_only(self, shop: Store) -> None:
        """The former one is a ``cardinality_mismatch`` from now on."""
        switch(shop, "at_most")
        shop.check("at_most")
        with pytest.raises(StoreError) as caught:
            shop.check("multi")
        assert caught.value.codes == ("cardinality_mismatch",)

    def test_in_single_the_new_rule_holds_for_everybody(self, shop: Store) -> None:
        """For who had an assignment, for who had none, and for who comes later."""
        switch(shop, SINGLE, effect=ROOM_FOR_ONE)
        assert [assignments(shop, id) for id in (C1, C2, C3, C4)] == [{ANN: True}, {BOB: True}, {}, {CID: True}]
        with shop.writer() as writer:
            create(writer, NewRow(NEWCOMER, VALUES, {}, None, EVE, "t"))
        for id in (C1, C2, NEWCOMER):
            with pytest.raises(Conflict), shop.writer() as writer:
                apply(writer, "second", One(id), Effect(add=CID))
        with pytest.raises(Conflict), shop.writer() as writer:
            apply(writer, "secondary", One(C3), Effect(add=CID))

    def test_out_of_single_there_is_room_again(self, single_shop: Store) -> None:
        """A second assignment is as good as the first."""
        switch(single_shop, "multi", before=SINGLE)
        with single_shop.writer() as writer:
            apply(writer, "second", Ids((C1, C3)), Effect(add=EVE))
        assert [assignments(single_shop, id) for id in (C1, C3)] == [{ANN: True, EVE: False}, {EVE: False}]

    def test_assignments_that_contradict_single_stop_the_switch(self, shop: Store) -> None:
        """A ``conflict``, whoever failed to make room; nothing of it stays."""
        before = shop.digest()
        with pytest.raises(Conflict) as caught:
            switch(shop, SINGLE)
        assert caught.value.codes == ("conflict",)
        assert shop.digest() == before
        shop.check("multi")

    def test_a_switch_that_is_undone_never_was(self, shop: Store) -> None:
        """Every row is as before."""
        before = shop.digest()
        with undone(shop) as writer:
            writer.lock_cardinality("multi")
            writer.switch_cardinality("at_most")
        assert shop.digest() == before

    def test_a_switch_is_seen_by_the_digest(self, shop: Store) -> None:
        """Though no assignment differs."""
        before = shop.digest()
        with shop.writer() as writer:
            writer.lock_cardinality("multi")
            writer.switch_cardinality("at_most")
        assert shop.digest() != before

    def test_another_cardinality_than_the_one_in_force_is_not_held(self, shop: Store) -> None:
        """Whoever decided under another one hears ``cardinality_mismatch``."""
        with pytest.raises(StoreError) as caught, shop.writer() as writer:
            writer.lock_cardinality(SINGLE)
        assert caught.value.codes == ("cardinality_mismatch",)

    def test_a_draft_decided_under_another_cardinality_is_not_written(self, shop: Store) -> None:
        """``cardinality_mismatch``, not a conflict, and nothing is written; under the one in force it is."""
        before = shop.digest()
        with pytest.raises(StoreError) as caught, shop.writer() as writer:
            _write(writer, SINGLE)
        assert (caught.value.codes, caught.value.transient) == (("cardinality_mismatch",), False)
        assert shop.digest() == before
        with shop.writer() as writer:
            _write(writer, "multi")
        assert assignments(shop, C1) == {EVE: True}

    def test_customers_are_not_created_under_another_cardinality(self, shop: Store) -> None:
        """The same for new ones."""
        before = shop.digest()
        row = NewRow(NEWCOMER, VALUES, {}, None, EVE, "t")
        with pytest.raises(StoreError) as caught, shop.writer() as writer:
            writer.create_customers(new_run("create"), [row], SINGLE)
        assert caught.value.codes == ("cardinality_mismatch",)
        assert shop.digest() == before
        with shop.writer() as writer:
            writer.create_customers(new_run("create"), [row], "multi")
        assert assignments(shop, NEWCOMER) == {EVE: True}


def _write(writer: Writer, cardinality: str) -> None:
    draft = evolve(draft_of(One(C1)), run="under", cardinality=cardinality)
    [row] = drafted(writer, draft).rows
    assert row.fate is Fate.CHANGED
    writer.write(new_run("under"), draft)
