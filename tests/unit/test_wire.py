from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from ownership_core.commands import (
    KEEP,
    Assign,
    ChangeCustomer,
    ChangeStaff,
    CreateCustomer,
    GrantAccess,
    NewCustomer,
    Unassign,
)
from ownership_core.errors import InvalidInput
from ownership_core.model import Level
from ownership_core.scope import ANY, AssignedTo, Equals, Everything, Has, Not, OneOf, Outsiders, Scope
from ownership_core.wire import (
    command_from_wire,
    command_to_wire,
    payload_hash,
    scope_from_wire,
    scope_to_wire,
)


def refusal(raw: object, read: Any = scope_from_wire) -> str:
    """Where ``raw`` is refused."""
    with pytest.raises(InvalidInput) as caught:
        read(raw)
    assert caught.value.codes == ("invalid_wire",)
    return caught.value.problems[0].where


def scope(node: object) -> dict[str, object]:
    """``node`` in its envelope."""
    return {"v": 1, "scope": node}


def assign(**changes: object) -> dict[str, object]:
    """The wire form of an assignment, changed."""
    return {**command_to_wire(Assign("c1", "maria")), **changes}


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (None, "scope"),
        ([], "scope"),
        ({}, ""),
        ({"scope": {"node": "Everything"}}, ""),
        ({"v": 2, "scope": {"node": "Everything"}}, "v"),
        ({"v": True, "scope": {"node": "Everything"}}, "v"),
        ({"v": "1", "scope": {"node": "Everything"}}, "v"),
        ({"v": 1, "scope": {"node": "Everything"}, "more": 1}, ""),
        ({"v": 1}, ""),
        (scope("Everything"), "scope"),
        (scope({}), "scope"),
        (scope({"node": 1}), "scope.node"),
        (scope({"node": "Anything"}), "scope.node"),
        (scope({"node": "__class__"}), "scope.node"),
        (scope({"node": "Everything", "field": "x"}), "scope"),
        (scope({"node": "Equals", "field": "x"}), "scope"),
        (scope({"node": "Equals", "field": 1, "value": "x"}), "scope.field"),
        (scope({"node": "Equals", "field": "x", "value": None}), "scope.value"),
        (scope({"node": "Equals", "field": "x", "value": 1.5}), "scope.value"),
        (scope({"node": "Equals", "field": "x", "value": 2**70}), "scope.value"),
        (scope({"node": "OneOf", "field": "x", "values": "abc"}), "scope.values"),
        (scope({"node": "OneOf", "field": "x", "values": ["a", []]}), "scope.values[1]"),
        (scope({"node": "Has", "field": "x", "values": [1]}), "scope.values[0]"),
        (scope({"node": "Has", "field": "x", "values": "any_active"}), "scope.values"),
        (scope({"node": "Before", "field": "x", "at": True}), "scope.at"),
        (scope({"node": "AssignedCount", "min": "1"}), "scope.min"),
        (scope({"node": "AssignedTo", "staff": "all"}), "scope.staff"),
        (scope({"node": "AssignedTo", "staff": {"ids": ["a"], "members": []}}), "scope.staff"),
        (scope({"node": "AssignedTo", "staff": {"friends": []}}), "scope.staff"),
        (scope({"node": "PrimaryOf", "staff": {"members": [1]}}), "scope.staff.members[0]"),
        (scope({"node": "Not", "part": {"node": "Not"}}), "scope.part"),
        (scope({"node": "AllOf", "parts": {}}), "scope.parts"),
        (scope({"node": "AnyOf", "parts": [{"node": "Everything"}, 7]}), "scope.parts[1]"),
    ],
)
def test_a_scope_that_cannot_be_read_is_refused_with_its_place(raw: object, where: str) -> None:
    """``invalid_wire``, and the path to what is wrong."""
    assert refusal(raw) == where


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (None, "command"),
        ({"v": 1}, ""),
        (assign(v=0), "v"),
        (assign(command="Steal"), "command"),
        (assign(command=["Assign"]), "command"),
        (assign(colour="red"), "Assign"),
        ({"v": 1, "command": "Assign", "staff": "maria"}, "Assign"),
        (assign(customers="c1"), "Assign.customers"),
        (assign(customers={"one": 1}), "Assign.customers.one"),
        (assign(customers={"ids": ["c1", None]}), "Assign.customers.ids[1]"),
        (assign(customers={"all": []}), "Assign.customers"),
        (assign(customers={"matching": {"node": "X"}}), "Assign.customers.matching.node"),
        (assign(staff={"wildcard": "any"}), "Assign.staff"),
        (assign(staff=None), "Assign.staff"),
        (assign(mode="replace"), "Assign.mode"),
        (assign(expected_version="1"), "Assign.expected_version"),
        (assign(expected_version=True), "Assign.expected_version"),
        (assign(notify=1), "Assign.notify"),
        ({**command_to_wire(Unassign("c1", ANY)), "staff": {"wildcard": "most"}}, "Unassign.staff.wildcard"),
        ({"v": 1, "command": "GrantAccess", "role": "r", "levels": {"view": "ALL"}}, "GrantAccess.levels.view"),
        ({"v": 1, "command": "GrantAccess", "role": "r", "levels": {"view": 4}}, "GrantAccess.levels.view"),
        (
            {"v": 1, "command": "CreateCustomer", "customers": [{"id": "c", "colour": 1}]},
            "CreateCustomer.customers[0]",
        ),
        (
            {"v": 1, "command": "CreateCustomer", "customers": [{"id": "c", "values": {"name": [1]}}]},
            "CreateCustomer.customers[0].values.name",
        ),
        (
            {"v": 1, "command": "ChangeCustomer", "customer": "c", "values": {"seen": {"time": 2**62}}},
            "ChangeCustomer.values.seen.time",
        ),
        ({"v": 1, "command": "ChangeStaff", "staff": "s", "websites": "de"}, "ChangeStaff.websites"),
        (
            {"v": 1, "command": "ChangeStaff", "staff": "s", "restriction": {"mode": "maybe", "groups": ["a"]}},
            "ChangeStaff.restriction.mode",
        ),
    ],
)
def test_a_command_that_cannot_be_read_is_refused_with_its_place(raw: object, where: str) -> None:
    """``invalid_wire``, and the path to what is wrong."""
    assert refusal(raw, command_from_wire) == where


def test_a_scope_has_one_spelling() -> None:
    """Sets are sorted, texts after numbers."""
    one = OneOf("x", ["b", 2, "a", 10])
    assert scope_to_wire(one)["scope"]["values"] == [2, 10, "a", "b"]
    outside = scope_to_wire(AssignedTo(Outsiders(["b", "a"])))["scope"]
    assert outside == {"node": "AssignedTo", "staff": {"outsiders": ["a", "b"]}}


def test_nesting_is_limited_both_ways() -> None:
    """What may be asked may be sent; deeper is refused, not a crash."""
    deep: Scope = Everything()
    for _ in range(40):
        deep = Not(deep)
    wire = scope_to_wire(deep)
    assert scope_from_wire(wire) == deep
    assert refusal(scope({"node": "Not", "part": wire["scope"]})).startswith("scope.part")
    with pytest.raises(InvalidInput, match="nested"):
        scope_to_wire(Not(deep))


def test_a_hostile_nesting_does_not_exhaust_the_stack() -> None:
    """A thousand levels stop at the limit."""
    node: dict[str, object] = {"node": "Everything"}
    for _ in range(5_000):
        node = {"node": "Not", "part": node}
    assert refusal(scope(node))


def test_keep_is_left_out_and_comes_back() -> None:
    """What stays as it is, is not mentioned; None is."""
    command = ChangeStaff("maria", websites=None)
    wire = command_to_wire(command)
    assert wire["websites"] is None
    assert "label" not in wire
    again = command_from_wire(wire)
    assert isinstance(again, ChangeStaff)
    assert again.label is KEEP


def test_anybody_is_not_a_staff_named_any() -> None:
    """The wildcard and the text stay apart."""
    everybody, one = command_from_wire(command_to_wire(Unassign("c1", ANY))), Unassign("c1", "any")
    assert isinstance(everybody, Unassign)
    assert everybody.staff is ANY
    assert payload_hash(everybody) != payload_hash(one)


def test_times_travel_as_microseconds() -> None:
    """In any zone, the same moment is the same payload."""
    at = datetime(2024, 5, 1, 12, 0, 0, 7, tzinfo=UTC)
    elsewhere = at.astimezone(timezone(timedelta(hours=5, minutes=30)))
    one, other = (CreateCustomer(NewCustomer("c1", {"seen": time})) for time in (at, elsewhere))
    assert command_to_wire(one)["customers"][0]["values"] == {"seen": {"time": 1714564800000007}}
    assert command_from_wire(command_to_wire(other)) == one
    assert payload_hash(one) == payload_hash(other)


def test_a_naive_time_is_refused() -> None:
    """Nobody knows when it is."""
    with pytest.raises(InvalidInput) as caught:
        command_to_wire(ChangeCustomer("c1", {"seen": datetime(2024, 5, 1)}))  # noqa: DTZ001 - naive on purpose
    assert caught.value.codes == ("naive_time",)


@pytest.mark.parametrize(
    ("command", "where"),
    [
        (Assign(7, "maria"), "Assign.customers.one"),
        (ChangeCustomer("c1", {"x": 1.5}), "ChangeCustomer.values.x"),
        (ChangeCustomer("c1", {"x": object()}), "ChangeCustomer.values.x"),
        (ChangeCustomer("c1", {}, {"tags": "vip"}), "ChangeCustomer.sets.tags"),
        (ChangeCustomer("c1", {}, {"tags": [1]}), "ChangeCustomer.sets.tags[0]"),
        (Everything(), "command"),
    ],
)
def test_what_has_no_wire_form_is_refused_when_written(command: Any, where: str) -> None:
    """Nothing leaves that could not be read back."""
    assert refusal(command, command_to_wire) == where


def test_levels_travel_by_name() -> None:
    """Numbers may be renumbered, names stay."""
    wire = command_to_wire(GrantAccess("clerk", levels={"view": Level.DEPARTMENT_TREE}))
    assert wire["levels"] == {"view": "department_tree"}


def test_the_wire_is_plain_json() -> None:
    """Enums, sets and node classes are gone."""
    scope_wire = scope_to_wire(Has("groups", ANY) & Equals("name", "\ud800"))
    assert json.loads(json.dumps(scope_wire)) == scope_wire


def test_a_payload_hash_is_stable() -> None:
    """It is stored, so it may never change."""
    assert payload_hash(Assign("c1", "maria")) == "c471a28e38116fad459d53829faba4ded7756e253f10304491422ae47ecc7dac"
