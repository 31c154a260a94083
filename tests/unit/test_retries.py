"""I44: a transaction that the database ends for another's sake is begun, and decided, again."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import urandom
from typing import Any

import pytest

from ownership_core import (
    Actor,
    Assign,
    ChangeStaff,
    CreateCustomer,
    GrantAccess,
    InvalidInput,
    NewCustomer,
    Ownership,
    read_plan,
    write_plan,
)
from ownership_core.errors import Problem, Refused, StoreError
from ownership_core.testing.memory import MemoryStore

ADA = Actor.staff("ada")
ENDED = Problem("retry_transaction", "Another transaction stood in the way.")


class Contested(MemoryStore):
    """Ends the next so many transactions at their commit, and cannot be read as often."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = 0
        self.unreadable = 0
        self.transient = True

    @contextmanager
    def writer(self) -> Iterator[Any]:
        with super().writer() as writer:
            yield writer
            if self.ends:
                self.ends -= 1
                raise StoreError(ENDED, transient=self.transient)

    @contextmanager
    def reader(self) -> Iterator[Any]:
        if self.unreadable:
            self.unreadable -= 1
            raise StoreError(Problem("storage_unavailable", "The database did not answer."))
        with super().reader() as reader:
            yield reader


@pytest.fixture
def store() -> Contested:
    """A customer of nobody, and two who may have it."""
    store = Contested()
    shop = Ownership(store)
    shop.bootstrap("ada", "Ada", "root")
    for staff in ("jon", "lea"):
        shop.execute(ChangeStaff(staff, create=True, label=staff), ADA)
        shop.execute(GrantAccess("associate", staff=staff), ADA)
    shop.execute(CreateCustomer([NewCustomer("c1")]), ADA)
    return store


def opened(store: Contested, sleep: Callable[[float], None]) -> Ownership:
    """The shop, with a way of waiting of its own; chance always says the same."""
    return Ownership(store, sleep=sleep, random=lambda size: bytes(1) if size == 1 else urandom(size))


@pytest.mark.parametrize("by_plan", [False, True])
def test_what_was_ended_is_begun_again_after_growing_pauses(store: Contested, by_plan: bool) -> None:
    """Three times ended, the fourth time it stands; the pauses double."""
    pauses: list[float] = []
    shop = opened(store, pauses.append)
    plan = shop.plan(Assign("c1", "jon"), ADA).id if by_plan else None
    store.ends = 3
    receipt = shop.execute(Assign("c1", "jon"), ADA) if plan is None else shop.apply(plan, ADA)
    assert receipt.changed == 1
    assert [after / before for before, after in itertools.pairwise(pauses)] == [2.0, 2.0]
    assert [event.version for event in shop.history(ADA, "c1")] == [1, 2]


def test_a_plan_file_is_read_again_with_its_transaction(store: Contested) -> None:
    """Ended once, applied with all its rows; guard: the file goes back to where its rows begin."""
    shop = opened(store, lambda _: None)
    plan = shop.plan(Assign("c1", "jon"), ADA)
    file = io.StringIO()
    write_plan(plan.run, shop.plan_rows(ADA, plan.id), file)
    file.seek(0)
    store.ends = 1
    assert shop.apply(read_plan(file), ADA).changed == 1


def test_a_plan_that_came_through_a_pipe_cannot_be_read_again(store: Contested) -> None:
    """It is refused by name; nothing is applied in part."""

    class Pipe(io.StringIO):
        def seekable(self) -> bool:
            return False

    shop = opened(store, lambda _: None)
    plan = shop.plan(Assign("c1", "jon"), ADA)
    file, before = Pipe(), store.digest()
    write_plan(plan.run, shop.plan_rows(ADA, plan.id), file)
    file.seek(0)
    store.ends = 1
    with pytest.raises(InvalidInput) as refused:
        shop.apply(read_plan(file), ADA)
    assert refused.value.codes == ("unreadable_file",)
    assert store.digest() == before


def test_the_decision_is_made_again(store: Contested) -> None:
    """Whoever left between two tries receives nothing (I7)."""

    def leave(_: float) -> None:
        Ownership(store).execute(ChangeStaff("jon", active=False), ADA)

    store.ends = 1
    with pytest.raises(Refused) as refused:
        opened(store, leave).execute(Assign("c1", "jon"), ADA)
    assert refused.value.codes == ("staff_inactive",)


def test_the_tries_are_bounded(store: Contested) -> None:
    """``retries_exhausted``, and nothing was written."""
    pauses: list[float] = []
    shop, before = opened(store, pauses.append), store.digest()
    store.ends = 99
    with pytest.raises(StoreError) as exhausted:
        shop.execute(Assign("c1", "jon"), ADA)
    assert (exhausted.value.codes, len(pauses), 99 - store.ends) == (("retries_exhausted",), 4, 5)
    assert store.digest() == before


def test_planning_is_begun_again_too(store: Contested) -> None:
    """A plan is one stored transaction as well."""
    store.ends = 2
    assert opened(store, lambda _: None).plan(Assign("c1", "jon"), ADA).run.tally.changed == 1


def test_what_may_have_been_written_is_not_begun_again(store: Contested) -> None:
    """Only an error that says that nothing was written is."""
    store.ends, store.transient = 1, False
    with pytest.raises(StoreError) as ended:
        opened(store, lambda _: pytest.fail("waited")).execute(Assign("c1", "jon"), ADA)
    assert ended.value.codes == ("retry_transaction",)


def test_several_commands_of_a_block_are_not_begun_again(store: Contested) -> None:
    """The block is the caller's; it hears that it may begin again."""
    store.ends = 1
    with pytest.raises(StoreError) as ended, opened(store, lambda _: pytest.fail("waited")).atomic() as block:
        block.execute(Assign("c1", "jon"), ADA)
    assert (ended.value.transient, ended.value.codes) == (True, ("retry_transaction",))


def test_what_goes_wrong_after_the_commit_is_a_warning(store: Contested) -> None:
    """The change stands; nobody is told that it failed."""
    shop = opened(store, lambda _: pytest.fail("waited"))
    store.unreadable = 1
    receipt = shop.execute(Assign("c1", "jon"), ADA)
    assert [problem.code for problem in receipt.warnings] == ["storage_unavailable"]
    assert shop.check(ADA, "view", ["c1"])
    assert [event.version for event in shop.history(ADA, "c1")] == [1, 2]
