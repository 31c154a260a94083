from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from ownership_core.model import Assignment
from ownership_core.policies import SINGLE
from ownership_core.ruling import Drop, Effect, Outcome, Primary, carry_out
from ownership_core.testing.strategies import STAFF_IDS, effects, moments, staff_ids

AT = 5_000
Held = tuple[Assignment, ...]


@st.composite
def held(draw: st.DrawFn, most: int = len(STAFF_IDS)) -> Held:
    """Valid assignments of one customer: one per staff, one primary at most, in single one that is primary."""
    chosen = draw(st.lists(staff_ids, unique=True, max_size=most))
    primary = draw(st.sampled_from([*chosen, None])) if most > 1 else next(iter(chosen), None)
    roles = st.sampled_from(["", "lead"])
    return tuple(Assignment(s, s == primary, draw(moments), draw(roles), "test") for s in sorted(chosen))


def staff(assignments: Held) -> list[str]:
    """Who is assigned."""
    return [a.staff for a in assignments]


def primaries(assignments: Held) -> list[str]:
    """Who is primary."""
    return [a.staff for a in assignments if a.primary]


@given(effects(), held())
def test_there_is_at_most_one_primary(effect: Effect, before: Held) -> None:
    """I1: whatever happens."""
    outcome = carry_out(effect, before, AT)
    assert primaries(outcome.after) == ([outcome.primary_after] if outcome.primary_after else [])


@given(effects(), held())
def test_the_primary_is_assigned(effect: Effect, before: Held) -> None:
    """I2: nobody stands for a customer he is not assigned to."""
    outcome = carry_out(effect, before, AT)
    assert outcome.primary_after is None or outcome.primary_after in staff(outcome.after)


@given(effects(cardinality=SINGLE), held(most=1))
def test_in_single_there_is_one_at_most_and_it_is_primary(effect: Effect, before: Held) -> None:
    """I3: a sole assignment stands for its customer."""
    after = carry_out(effect, before, AT).after
    assert len(after) <= 1
    assert all(a.primary for a in after)


@given(effects(), held())
def test_a_pair_is_assigned_once(effect: Effect, before: Held) -> None:
    """I4: one assignment per customer and staff."""
    after = staff(carry_out(effect, before, AT).after)
    assert len(after) == len(set(after))


@given(effects(), held())
def test_what_was_and_what_changed_is_what_is(effect: Effect, before: Held) -> None:
    """Before, less the removed, plus the added, is after; nothing is removed and added at once."""
    outcome = carry_out(effect, before, AT)
    assert set(staff(outcome.after)) == set(staff(before)) - set(staff(outcome.removed)) | set(staff(outcome.added))
    assert not set(staff(outcome.added)) & set(staff(before))
    assert set(outcome.removed) <= set(before)


@given(effects(), held())
def test_who_stays_keeps_since_role_and_source(effect: Effect, before: Held) -> None:
    """Only ``primary`` of those who stay may change."""
    outcome = carry_out(effect, before, AT)
    known = {a.staff: (a.since, a.role, a.source) for a in before}
    for a in outcome.after:
        assert known.get(a.staff, (AT, effect.role, effect.source)) == (a.since, a.role, a.source)


@given(effects(), held())
def test_the_added_staff_is_assigned(effect: Effect, before: Held) -> None:
    """Whatever else is dropped."""
    outcome = carry_out(effect, before, AT)
    if effect.add is not None:
        assert effect.add in staff(outcome.after)
    if effect.primary is Primary.TAKE:
        assert outcome.primary_after == effect.add


@given(effects(), held())
def test_unchanged_means_equal(effect: Effect, before: Held) -> None:
    """A11: an outcome that says unchanged leaves every assignment as it was, and the other way round."""
    outcome = carry_out(effect, before, AT)
    assert outcome.changed == (sorted(outcome.after, key=by_staff) != sorted(before, key=by_staff))


@given(effects(), held())
def test_the_same_again_changes_nothing(effect: Effect, before: Held) -> None:
    """A11: an effect that names who comes or goes is idempotent."""
    assume(effect.drop is not Drop.FORMER_PRIMARY or effect.primary is Primary.TAKE)
    once = carry_out(effect, before, AT)
    assert not carry_out(effect, once.after, AT + 1).changed


@given(effects(), held())
def test_the_order_of_assignments_does_not_matter(effect: Effect, before: Held) -> None:
    """Stores keep rows, not lists."""
    one, other = carry_out(effect, before, AT), carry_out(effect, tuple(reversed(before)), AT)
    assert described(one) == described(other)


def by_staff(assignment: Assignment) -> str:
    """What assignments are sorted by."""
    return assignment.staff


def described(outcome: Outcome) -> tuple[object, ...]:
    """An outcome without the order of its assignments."""
    return set(outcome.after), set(outcome.added), set(outcome.removed), outcome.primary_after
