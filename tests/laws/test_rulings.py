"""What a plan says is what happens: the same rows on every store, by a third oracle, and no other customer moves.

Proven by breaking it: fails when ``Asking.holders`` lets go of colleagues out of reach, when the draft of a store skips
``expected_version``, when a former primary is not demoted, and when ``carry_out`` promotes somebody unasked.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import attrs
import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from ownership_core import Ownership
from ownership_core.commands import AssignmentCommand, Claim, One
from ownership_core.errors import Refused
from ownership_core.model import Actor, Assignment, CustomerId
from ownership_core.plan import Receipt
from ownership_core.policies import OnReplace, SortKey
from ownership_core.ports import Tally
from ownership_core.ruling import Fate, PlanRow
from ownership_core.settings import Settings
from ownership_core.testing.worlds import World

from . import naive
from .both import customers, shops
from .people import OPERATOR, RULE, SEEDS, assignment_command, peopled, settings


def any_settings(cardinality: str) -> st.SearchStrategy[Settings]:
    """Settings with every primary policy."""
    promotions = st.lists(st.sampled_from(SortKey), unique=True, max_size=2).map(tuple)
    return settings(
        cardinality, at_most=st.integers(1, 3), on_replace=st.sampled_from(OnReplace), promote_by=promotions
    )


def asked(dice: Random, plain: naive.Plain) -> tuple[Actor, AssignmentCommand]:
    """Who asks for what; four times out of five something that is not refused as a whole."""
    staff, wanted = sorted(plain["staff"]), dice.random() < 0.8
    actor, command = Actor.staff("nobody"), Claim(One(CustomerId("nobody")))
    for _ in range(12):
        actor = dice.choice([*map(Actor.staff, staff * 4), Actor.staff("nobody"), OPERATOR, RULE])
        command = assignment_command(dice, sorted(plain["customers"]), staff)
        if not wanted or not any(naive.refusals(plain, actor, command)):
            break
    return actor, command


def planned(shop: Ownership, command: AssignmentCommand, actor: Actor) -> tuple[str, Tally, list[PlanRow]]:
    """A plan, its tally and its rows."""
    made = shop.plan(command, actor)
    return made.id, made.run.tally, list(shop.plan_rows(actor, made.id))


def held(assignment: Assignment) -> naive.Plain:
    """An assignment as the oracle writes it."""
    return naive.held_of(assignment)


def plain_row(row: PlanRow) -> naive.Plain:
    """A plan row as the oracle writes it."""
    return {
        "customer": row.customer,
        "fate": row.fate.value,
        "version": row.version,
        "codes": set(row.codes),
        "before": row.primary_before,
        "after": row.primary_after,
        "added": row.added,
        "removed": [held(assignment) for assignment in row.removed],
    }


def tally_of(rows: list[naive.Plain]) -> Tally:
    """What the rows add up to (I39)."""
    fates = Counter(row["fate"] for row in rows)
    codes = Counter(code for row in rows for code in row["codes"])
    return Tally(fates["changed"], fates["unchanged"], fates["refused"], 0, dict(codes))


def assert_nothing_moved(shop: Ownership, before: Any) -> None:
    """Assignments, versions, fields and events are what they were."""
    assert state(shop) == before


def state(shop: Ownership) -> Any:
    """Everything but runs and plans."""
    with shop.store.reader() as reader:
        return customers(shop.store), list(reader.events()), reader.outbox(), reader.staff()


def carried_out(shop: Ownership, command: AssignmentCommand, actor: Actor, plan: str | None) -> Receipt | Refused:
    """The receipt of the command or of its plan, or why it was refused."""
    try:
        return shop.execute(command, actor) if plan is None else shop.apply(plan, actor)
    except Refused as refused:
        return refused


@pytest.mark.parametrize("cardinality", ["single", "multi", "at_most"])
def test_a_plan_is_right_equal_on_every_store_and_what_happens(cardinality: str) -> None:
    """C04-C06, I8, I12, I21, I25, I39, blocks A and F: plan == oracle == plan elsewhere == what is then written."""
    met: Counter[str] = Counter()

    @given(SEEDS, st.booleans(), any_settings(cardinality), peopled("single" if cardinality == "single" else "multi"))
    def law(seed: int, by_plan: bool, chosen: Settings, world: World) -> None:
        plain, dice = naive.shop_of(world, chosen), Random(seed)
        with shops(chosen, world) as (clock, both):
            for _ in range(4):
                clock.passes()
                actor, command = asked(dice, plain)
                note(f"{actor} {command}")
                mine, named = naive.refusals(plain, actor, command)
                if mine or named:
                    met["refused as a whole"] += 1
                    for shop in both:
                        assert_refused(shop, command, actor, mine, named)
                    continue
                found = naive.named_or_found(plain, actor, command)
                expected = [naive.row(plain, actor, command, id, both[0].now()) for id in found]
                met.update(row["fate"] for row in expected)
                written = [assert_planned_and_done(shop, command, actor, expected, by_plan) for shop in both]
                assert written[0] == written[1]
                for row in expected:
                    naive.follow(plain, row)

    law()
    # Enough of every fate, or the law says little.
    assert min(met[fate] for fate in ("changed", "unchanged", "refused", "refused as a whole")) >= 15, met


def assert_refused(shop: Ownership, command: AssignmentCommand, actor: Actor, mine: set[str], named: set[str]) -> None:
    """The whole command is refused, planned or executed, with every reason, and nothing at all is written."""
    before = shop.store.digest()
    for door in (shop.plan, shop.execute):
        with pytest.raises(Refused) as refused:
            door(command, actor)
        assert set(refused.value.codes) >= mine | named
        assert mine or set(refused.value.codes) == named
    assert shop.store.digest() == before


def assert_planned_and_done(
    shop: Ownership, command: AssignmentCommand, actor: Actor, expected: list[naive.Plain], by_plan: bool
) -> Any:
    """Plan, compare, carry out, compare; gives back what a store is compared with another one by."""
    note(shop.store.capabilities.name)
    before = state(shop)
    plan, tally, rows = planned(shop, command, actor)
    assert_nothing_moved(shop, before)
    assert [plain_row(row) for row in rows] == [{k: v for k, v in row.items() if k != "held"} for row in expected]
    assert attrs.evolve(tally, still_selected=0) == tally_of(expected)
    digest = shop.store.digest()
    done = carried_out(shop, command, actor, plan if by_plan else None)
    moved = {row["customer"]: row for row in expected if row["fate"] == "changed"}
    if isinstance(done, Refused):
        assert not by_plan
        assert isinstance(command.customers, One)
        assert set(done.codes) == expected[0]["codes"]
        assert shop.store.digest() == digest
    elif by_plan:
        assert (done.tally.changed, done.tally.total, done.new_matches) == (len(moved), len(moved), 0)
    else:
        assert done.tally == tally
    for was, now in zip(before[0], customers(shop.store), strict=True):
        row = moved.get(was.id)
        if row is None:
            assert now == was
        else:
            assert [held(assignment) for assignment in now.assignments] == row["held"]
            assert (now.values, now.sets, now.version) == (was.values, was.sets, was.version + 1)
    if not moved:
        assert shop.store.digest() == digest
    assert all(row.fate is not Fate.STALE for row in rows)
    answer = (set(done.codes), None) if isinstance(done, Refused) else (done.to_json(), done.run)
    return rows, tally, answer, state(shop)
