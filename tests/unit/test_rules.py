"""Assignment rules (H05-H08; rows 26, 50, 94): what they say, in which order they are asked, which one decides.

Proven by breaking it: each test was seen to fail once, when the line it guards was taken out or turned round.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ownership_core import hookspecs
from ownership_core.distribute import ByScope, Candidate, Case, Dealer, FromField, Marked, ToStaff, questions
from ownership_core.errors import InvalidInput
from ownership_core.fields import Field, Fields
from ownership_core.keys import KeyType
from ownership_core.model import CustomerId, StaffId
from ownership_core.rules import Occasion, Rule, as_distribution, due, in_order, unaskable, which
from ownership_core.scope import UNASSIGNED, AnyOf, Equals, Everything, Not, Scope, Under
from ownership_core.wire import rule_from_wire, rule_to_wire

ADA = ToStaff("ada")
NORTH, SOUTH = Equals("region", "north"), Equals("region", "south")


def rule(id: str = "r", condition: Scope = NORTH, **more: Any) -> Rule:
    """A rule that gives to ada."""
    return Rule(id, condition, ADA, **more)


def order(*rules: Rule) -> list[str]:
    """In which order they are asked."""
    return [rule.id for rule in in_order(rules)]


# What it is made of


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: rule(""), "invalid_id"),
        (lambda: rule(condition="north"), "invalid_scope"),
        (lambda: Rule("r", NORTH, "ada"), "invalid_value"),
        (lambda: rule(priority=1.5), "invalid_value"),
        (lambda: rule(priority=True), "invalid_value"),
        (lambda: rule(priority=2**31), "invalid_value"),
        (lambda: rule(occasions="created"), "invalid_value"),
        (lambda: rule(occasions=["created", "lunch"]), "invalid_value"),
        (lambda: rule(active_from="today"), "invalid_value"),
        (lambda: rule(active_until=2**63), "invalid_value"),
        (lambda: rule(active_from=datetime(2024, 1, 1)), "naive_time"),  # noqa: DTZ001
        (lambda: rule(active_from=5, active_until=5), "invalid_value"),
        (lambda: rule(label="x" * 501), "text_too_long"),
        (lambda: rule(reassign=1), "invalid_value"),
        (lambda: rule(version="1"), "invalid_value"),
    ],
)
def test_what_cannot_be_meant_is_refused(make: Any, code: str) -> None:
    """A rule is read strictly where it is written down."""
    with pytest.raises(InvalidInput) as caught:
        make()
    assert caught.value.codes == (code,)


def test_a_rule_is_asked_on_every_occasion_unless_it_says_otherwise() -> None:
    """And it leaves assigned customers alone unless it says otherwise (H08)."""
    assert rule().occasions == set(Occasion)
    assert rule(occasions=["sale", Occasion.SWEEP]).occasions == {Occasion.SALE, Occasion.SWEEP}
    assert rule().reassign is False


def test_plugins_find_occasions_where_they_were() -> None:
    """They moved, and are still to be had from the hooks."""
    assert hookspecs.Occasion is Occasion


# Order


def test_the_higher_priority_comes_first_then_the_lower_id() -> None:
    """H05."""
    assert order(rule("b"), rule("c", priority=1), rule("a"), rule("d", priority=-1)) == ["c", "a", "b", "d"]


def test_the_longer_prefix_comes_first() -> None:
    """H06: 123 before 12; alone, and among other conditions that must all hold."""
    wide, narrow = Under("zip", "12"), Under("zip", "123")
    assert order(rule("a", wide), rule("b", narrow)) == ["b", "a"]
    assert order(rule("a", wide), rule("b", NORTH & (SOUTH & narrow))) == ["b", "a"]
    assert order(rule("a", NORTH), rule("b", wide)) == ["b", "a"]


def test_the_longest_of_several_prefixes_counts() -> None:
    """Not the first, nor all of them together."""
    assert order(rule("a", Under("zip", "1") & Under("zip", "123")), rule("b", Under("zip", "12"))) == ["a", "b"]
    assert order(rule("a", Under("zip", "12") & Under("region", "12")), rule("b", Under("zip", "123"))) == ["b", "a"]


def test_a_prefix_that_need_not_hold_is_no_territory() -> None:
    """Under "or" and "not" it says nothing about how narrow a rule is."""
    long = Under("zip", "12345")
    assert order(rule("b", AnyOf([long, NORTH])), rule("a", Under("zip", "1"))) == ["a", "b"]
    assert order(rule("b", Not(long)), rule("a")) == ["a", "b"]


def test_priority_comes_before_territory() -> None:
    """Whoever sets a priority means it."""
    assert order(rule("a", Under("zip", "123")), rule("b", Under("zip", "12"), priority=1)) == ["b", "a"]


# When


def test_a_rule_is_due_on_its_occasions_only() -> None:
    """Row 94: the list of triggers is explicit."""
    made, sold = rule("a", occasions=["created"]), rule("b", occasions=["sale", "created"])
    assert due([sold, made], Occasion.CREATED, 0) == (made, sold)
    assert due([sold, made], Occasion.SALE, 0) == (sold,)
    assert due([sold, made], Occasion.SWEEP, 0) == ()


@pytest.mark.parametrize(("at", "expected"), [(9, False), (10, True), (19, True), (20, False)])
def test_a_rule_is_active_in_a_half_open_window(at: int, expected: bool) -> None:
    """From its beginning until just before its end."""
    assert bool(due([rule(active_from=10, active_until=20)], Occasion.SWEEP, at)) is expected


def test_a_window_may_be_open_or_given_in_times() -> None:
    """Without a bound it always was, or always will be."""
    begun = rule(active_from=datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    assert begun.active_from == 1_000_000
    assert due([begun], Occasion.SWEEP, 2**60) == (begun,)
    assert due([rule(active_until=5)], Occasion.SWEEP, -(2**60))


# Which one decides


def standings(*rules: Rule, true: set[Scope], broken: tuple[str, ...] = ()) -> dict[str, str]:
    """What becomes of each rule for a customer of whom these scopes are true."""
    asked = questions(as_distribution(rules, broken)).scopes
    held = sum(1 << place for place, scope in enumerate(asked) if scope in true)
    return {rule.id: standing.value for rule, standing in which(rules, Marked(CustomerId("c1"), held), broken)}


def dealt(*rules: Rule, true: set[Scope], broken: tuple[str, ...] = ()) -> tuple[str | None, str]:
    """What the same customer is really given, and the source."""
    whole = as_distribution(rules, broken)
    held = sum(1 << place for place, scope in enumerate(questions(whole).scopes) if scope in true)
    [found] = Dealer(whole, [Candidate(StaffId("ada"))], {}, 0).deal([Marked(CustomerId("c1"), held)])
    return found.staff or found.code, found.source


def test_the_first_rule_that_holds_fires() -> None:
    """The others are told apart: one that holds too, and one that does not."""
    rules = rule("a", SOUTH), rule("b", NORTH, version=2), rule("c", Everything())
    true = {NORTH, Everything(), UNASSIGNED}
    assert standings(*rules, true=true) == {
        "a": "does not hold",
        "b": "fires",
        "c": "holds, but an earlier one fires",
    }
    assert dealt(*rules, true=true) == ("ada", "rule:b@2")


def test_a_broken_rule_is_in_the_way_of_later_ones() -> None:
    """They do not run by accident; earlier ones do run (H07)."""
    rules = rule("a", SOUTH), rule("b"), rule("c", Everything())
    assert standings(*rules, true={SOUTH, Everything(), UNASSIGNED}, broken=("b",)) == {
        "a": "fires",
        "b": "cannot be asked",
        "c": "holds, but an earlier one fires",
    }
    assert standings(*rules, true={Everything(), UNASSIGNED}, broken=("b",)) == {
        "a": "does not hold",
        "b": "cannot be asked",
        "c": "holds, but an earlier one is in its way",
    }
    assert dealt(*rules, true={Everything(), UNASSIGNED}, broken=("b",)) == ("rule_error", "rule:b@0")


def test_an_owned_customer_stays_unless_the_rule_reassigns() -> None:
    """The first rule that holds decides that too: a later one does not move it (H08)."""
    stays, moves = rule("a"), rule("b", reassign=True)
    assert standings(stays, moves, true={NORTH}) == {
        "a": "holds, but the customer is assigned",
        "b": "holds, but an earlier one is in its way",
    }
    assert dealt(stays, moves, true={NORTH}) == ("already_assigned", "rule:a@0")
    assert standings(moves, true={NORTH}) == {"b": "fires"}
    assert dealt(moves, true={NORTH}) == ("ada", "rule:b@0")


def test_rules_are_dealt_in_order_whatever_order_they_come_in() -> None:
    """The distribution asks them as :func:`in_order` does, each with its condition, target and name."""
    low, high = rule("a", version=1), rule("b", SOUTH, priority=5, reassign=True)
    assert as_distribution([low, high], {"a"}) == ByScope(
        [Case(SOUTH, ADA, "rule:b@0", reassign=True), Case(NORTH, ADA, "rule:a@1", broken=True, reassign=False)]
    )
    assert [one.id for one, _ in which([low, high], Marked(CustomerId("c1")))] == ["b", "a"]


def test_what_cannot_be_asked_is_found_with_its_reasons() -> None:
    """A condition or a target that speaks of what is gone; all other rules are left out (H07)."""
    fields = Fields.declare([Field("region")])
    colour = Equals("colour", "red")
    rules = rule("good"), rule("bad", colour), Rule("worse", colour, FromField("keeper")), rule("number")
    found = unaskable(rules[:3], fields)
    assert {id: [problem.code for problem in problems] for id, problems in found.items()} == {
        "bad": ["unknown_field"],
        "worse": ["unknown_field", "unknown_field"],
    }
    assert set(unaskable(rules[3:], fields, KeyType.INTEGER)) == {"number"}


# On the wire


def written(**changes: Any) -> dict[str, Any]:
    """A rule as it is written, changed."""
    return {"v": 1, "rule": {**rule_to_wire(rule())["rule"], **changes}}


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        ({"v": 1, "rule": None}, ["rule"]),
        ({"v": 1, "rules": []}, [""]),
        (written(more=1), ["rule"]),
        (
            written(id=7, to={"node": "ToStaff"}, condition={"node": "Maybe"}),
            ["rule.id", "rule.condition.node", "rule.to"],
        ),
        (written(occasions=["lunch"]), ["rule.occasions"]),
        (written(occasions=[1, 2]), ["rule.occasions[0]", "rule.occasions[1]"]),
        (written(active_from=1.5, priority="high"), ["rule.priority", "rule.active_from"]),
        (written(active_from=2, active_until=1), ["rule"]),
        (written(label=None, reassign=0, version=True), ["rule.label", "rule.reassign", "rule.version"]),
    ],
)
def test_what_cannot_be_read_is_refused_with_every_place(raw: object, where: list[str]) -> None:
    """Unknown, missing and extra keys, wrong types and values: all at once, each with the path to it."""
    with pytest.raises(InvalidInput) as caught:
        rule_from_wire(raw)
    assert [problem.where for problem in caught.value.problems] == where


def test_a_rule_is_written_plainly() -> None:
    """What a file of rules holds."""
    assert rule_to_wire(rule("north", occasions=["sale", "created"], active_from=10, label="North")) == {
        "v": 1,
        "rule": {
            "id": "north",
            "condition": {"node": "Equals", "field": "region", "value": "north"},
            "to": {"node": "ToStaff", "staff": "ada"},
            "priority": 0,
            "occasions": ["created", "sale"],
            "active_from": 10,
            "active_until": None,
            "label": "North",
            "reassign": False,
            "version": 0,
        },
    }
