from __future__ import annotations

import subprocess
import sys
import typing

import pytest

from ownership_core import testing
from ownership_core.commands import One
from ownership_core.keys import KeyType
from ownership_core.model import Customer, CustomerId, Staff, StaffId
from ownership_core.ports import Order, Query, Store
from ownership_core.ruling import Effect
from ownership_core.scope import Everything
from ownership_core.testing.contracts import ScopeContract, StoreContract
from ownership_core.testing.memory import MemoryStore
from ownership_core.testing.worlds import World, apply, load, new_run

WHOLE = "test_no_standard_test_was_taken_away_or_replaced"


class Honest(StoreContract):
    """Adds a test of its own."""

    __test__ = False

    def test_something_of_ours(self) -> None:
        """A fact more."""


class Deleting(StoreContract):
    """Takes a standard test away."""

    __test__ = False
    test_count_counts_what_is_listed = None


class Overriding(ScopeContract):
    """Replaces a standard test."""

    __test__ = False

    def test_every_way_of_asking_gives_the_same_customers(self) -> None:
        """Nothing at all."""


def test_a_contract_may_be_added_to() -> None:
    """Tests of one's own are welcome."""
    getattr(Honest(), WHOLE)()


@pytest.mark.parametrize("kind", [Deleting, Overriding])
def test_a_contract_may_not_be_thinned_out(kind: type) -> None:
    """A standard test that is gone or replaced fails, by name."""
    with pytest.raises(AssertionError, match="is not the contract's own"):
        getattr(kind(), WHOLE)()


def test_the_kit_exports_what_it_says() -> None:
    """Every public name is there, and nothing else is."""
    for name in testing.__all__:
        assert getattr(testing, name) is not None
    with pytest.raises(AttributeError):
        testing.no_such_name  # noqa: B018 - asked for on purpose


def test_the_memory_store_needs_no_test_tools() -> None:
    """A shop may try things out in memory without pytest or hypothesis."""
    script = (
        "import sys; from ownership_core.testing import MemoryStore, load, World; load(MemoryStore(), World());"
        "assert not {'pytest', 'hypothesis'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_memory_store_is_a_store() -> None:
    """It has every member of the port."""
    store: Store = MemoryStore()
    assert typing.cast("object", store)


def test_integer_ids_sort_by_value() -> None:
    """Customers and their staff come in the order of their numbers."""
    store = MemoryStore(cardinality="multi", customer_key=KeyType.INTEGER, staff_key=KeyType.INTEGER)
    ids = [CustomerId("10"), CustomerId("9"), CustomerId("-1")]
    values = {"kind": "x", "active": True, "created_at": 1}
    staff = tuple(Staff(StaffId(id), id) for id in ("10", "9"))
    load(store, World(staff=staff, customers=tuple(Customer(id, dict(values)) for id in ids)))
    with store.writer() as writer:
        apply(writer, "a", One(ids[0]), Effect(add=StaffId("10")))
        apply(writer, "b", One(ids[0]), Effect(add=StaffId("9")))
    with store.reader() as reader:
        assert list(reader.ids(Query(Everything()))) == ["-1", "9", "10"]
        [last] = reader.page(Query(Everything()), Order("id", descending=True), None, 1)
        assert [a.staff for a in last.assignments] == ["9", "10"]
        assert [s.id for s in reader.staff()] == ["9", "10"]


def test_readers_see_the_state_as_it_was() -> None:
    """A snapshot does not change while it is open."""
    store = MemoryStore()
    with store.reader() as reader:
        with store.writer() as writer:
            writer.save_run(new_run("later"))
        assert reader.runs() == []
