"""Switching the cardinality of a shop by the command line: before the settings, which follow."""

from __future__ import annotations

import pytest
from calls import Calls


@pytest.fixture
def multi(opened: Calls) -> Calls:
    """The small shop in multi; c1 belongs to maria and jon, c2 to jon."""
    opened("cardinality", "multi", who="ada")
    opened.file("ownership.toml", 'cardinality = "multi"')
    opened("assign", "c1", "--staff", "maria", who="ada")
    opened("assign", "c1", "c2", "--staff", "jon", "--mode", "add", who="ada")
    return opened


def test_a_switch_names_what_to_do_next(opened: Calls) -> None:
    """The settings follow; until then the shop does not open."""
    said = opened("cardinality", "multi", who="ada")
    assert (said.code, said.err) == (
        0,
        "0 changed.\nNow name the new cardinality in the settings; under the former one the shop does not open.\n",
    )
    assert opened("list", who="ada").codes == ["cardinality_mismatch"]
    opened.file("ownership.toml", 'cardinality = "multi"')
    assert opened("assign", "c1", "--staff", "jon", "--mode", "add", who="ada").code == 0


def test_a_switch_without_a_rule_names_the_customers(multi: Calls) -> None:
    """``too_many_staff``, exit code 1, and nothing is switched (A10)."""
    before = multi.digest()
    said = multi("cardinality", "single", who="ada")
    assert (said.code, said.codes) == (1, ["too_many_staff"])
    assert "customer c1" in said.err
    assert multi.digest() == before


def test_a_switch_can_be_planned_and_applied(multi: Calls) -> None:
    """The table shows who leaves; the plan file does what it says."""
    said = multi("cardinality", "single", "--keep", "primary", "--plan", "-o", "s.plan", who="ada")
    assert said.err.startswith("Planned: 1 changed. Nothing was changed.")
    done = multi("apply", "s.plan", who="ada")
    assert (done.code, done.err.splitlines()[0]) == (0, "1 changed.")
    assert done.err.splitlines()[1].startswith("Now name the new cardinality")
    multi.file("ownership.toml", 'cardinality = "single"')
    listed = multi("list", "--format", "json", who="ada").data
    assert {row["id"]: row["primary"] for row in listed} == {"c1": "maria", "c2": "jon", "c3": None}


def test_the_same_cardinality_asks_for_nothing(opened: Calls) -> None:
    """Nothing was switched, so the settings are right."""
    assert opened("cardinality", "single", who="ada").err == "0 changed.\n"


def test_only_somebody_over_everybody_switches(multi: Calls) -> None:
    """Maria does not, and hears of no customer."""
    said = multi("cardinality", "single", "--keep", "longest_serving", who="maria")
    assert (said.code, said.codes) == (1, ["not_permitted"])
