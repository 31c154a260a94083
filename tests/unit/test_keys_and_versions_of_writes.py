"""Writes that come twice, late or with an old picture: idempotency keys and expected versions (I40, A12)."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from shop import Shop

from ownership_core import (
    Actor,
    Assign,
    ChangeCustomer,
    ChangeDepartment,
    ChangeStaff,
    Claim,
    CreateCustomer,
    GrantAccess,
    NewCustomer,
)

ADA = Actor.staff("ada")


@pytest.fixture
def given(shop: Shop) -> Shop:
    """Two associates and an unassigned customer."""
    shop.staff("li", "associate"), shop.staff("bob", "associate")
    shop.customer("a")
    return shop


def test_i40_the_same_command_with_the_same_key_has_one_effect(given: Shop) -> None:
    """The second call answers with the stored receipt and writes nothing."""
    first = given.does(ADA, Assign("a", "li"), key="k1")
    with given.unchanged():
        assert given.does(ADA, Assign("a", "li"), key="k1") == first
    assert (first.changed, first.version, given.found("a").version) == (1, 2, 2)


def test_i40_the_stored_receipt_comes_back_even_when_things_moved_on(given: Shop) -> None:
    """A twin that arrives late undoes nothing."""
    first = given.does(ADA, Assign("a", "li"), key="k1")
    given.does(ADA, Assign("a", "bob"))
    assert (given.does(ADA, Assign("a", "li"), key="k1"), given.owner("a")) == (first, "bob")


def test_i40_another_payload_under_the_same_key_is_refused(given: Shop) -> None:
    """``idempotency_conflict``."""
    given.does(ADA, Assign("a", "li"), key="k1")
    given.refuses(ADA, Assign("a", "bob"), "idempotency_conflict", key="k1")
    given.refuses(ADA, Assign("a", "li", reason="other"), "idempotency_conflict", key="k1")


def test_i40_keys_belong_to_the_actor(given: Shop) -> None:
    """The same key of somebody else is another key."""
    boss = given.staff("boss", "admin")
    given.does(ADA, Assign("a", "li"), key="k1")
    assert given.does(boss, Assign("a", "bob"), key="k1").changed == 1


def test_i40_a_failed_call_does_not_burn_the_key(given: Shop) -> None:
    """Refused first, right later, under one key."""
    given.refuses(ADA, Assign("a", "nobody"), "unknown_staff", key="k1")
    given.refuses(ADA, Assign("missing", "li"), "not_found", key="k1")
    assert given.does(ADA, Assign("a", "li"), key="k1").changed == 1


def test_i40_a_call_that_changed_nothing_is_remembered_too(given: Shop) -> None:
    """Its twin answers "unchanged" though it would change something now."""
    given.does(ADA, Assign("a", "li"))
    first = given.does(ADA, Assign("a", "li"), key="k1")
    given.does(ADA, Assign("a", "bob"))
    assert (given.does(ADA, Assign("a", "li"), key="k1"), given.owner("a")) == (first, "bob")


@pytest.mark.parametrize(
    "command",
    [
        CreateCustomer(NewCustomer("new", {"name": "Zoe"})),
        ChangeCustomer("a", values={"name": "Zoe"}),
        ChangeStaff("li", label="Li B."),
        ChangeDepartment("north", create=True, label="North"),
        GrantAccess("manager", staff="li"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_i40_every_kind_of_command_may_carry_a_key(given: Shop, command: object) -> None:
    """Also those that would be refused the second time."""
    first = given.does(ADA, command, key="k1")
    with given.unchanged():
        assert given.does(ADA, command, key="k1") == first


def test_i40_an_applied_plan_may_carry_a_key(given: Shop) -> None:
    """The twin answers with the receipt instead of with stale rows."""
    plan = given.ownership.plan(Assign(["a"], "li"), ADA)
    first = given.ownership.apply(plan.id, ADA, key="k1")
    with given.unchanged():
        assert given.ownership.apply(plan.id, ADA, key="k1") == first


def test_i40_the_twin_of_an_applied_plan_may_come_after_its_end(given: Shop) -> None:
    """Somebody who heard no answer asks again when the plan is long gone, and hears it."""
    plan = given.ownership.plan(Assign(["a"], "li"), ADA)
    first = given.ownership.apply(plan.id, ADA, key="k1")
    given.clock.passes(days=8)
    given.ownership.plan(Assign(["a"], "li"), ADA)
    assert given.ownership.apply(plan.id, ADA, key="k1") == first


def test_i40_twins_in_flight_have_one_effect(given: Shop) -> None:
    """Two threads, one key: one event, two equal receipts."""
    ready, receipts = Barrier(2), []

    def assign() -> None:
        ready.wait()
        receipts.append(given.does(ADA, Assign("a", "li"), key="k1"))

    threads = [Thread(target=assign) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(receipts), receipts[0], given.found("a").version) == (2, receipts[-1], 2)


@pytest.mark.parametrize(
    "command",
    [
        Assign("a", "li", expected_version=7),
        ChangeCustomer("a", values={"name": "x"}, expected_version=7),
        ChangeStaff("li", label="x", expected_version=7),
        ChangeDepartment("north", label="x", expected_version=7),
    ],
    ids=lambda command: type(command).__name__,
)
def test_a_command_with_another_expected_version_is_a_conflict(given: Shop, command: object) -> None:
    """``version_conflict``, and nothing is written."""
    given.department("north")
    given.refuses(ADA, command, "version_conflict")


def test_a_command_with_the_right_expected_version_goes_through(given: Shop) -> None:
    """And tells the next one."""
    receipt = given.does(ADA, Assign("a", "li", expected_version=1))
    assert given.does(ADA, ChangeCustomer("a", values={"name": "x"}, expected_version=receipt.version)).version == 3


def test_a_version_is_not_told_to_whoever_may_not_see(given: Shop) -> None:
    """Hidden answers ``not_found`` alone, whatever version is expected."""
    given.change(Assign("a", "li"))
    given.refuses(Actor.staff("bob"), Claim("a", expected_version=9), "not_found")


def test_of_several_only_those_at_the_expected_version_change(given: Shop) -> None:
    """The others are refused with ``version_conflict``."""
    given.customer("b")
    given.changed("b", name="x")
    receipt = given.does(ADA, Assign(["a", "b"], "li", expected_version=1))
    assert (receipt.changed, receipt.tally.codes) == (1, {"version_conflict": 1})
