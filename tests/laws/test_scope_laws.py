from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from ownership_core.evaluate import Answer, evaluate, holds
from ownership_core.model import Customer
from ownership_core.scope import AllOf, AnyOf, Equals, Everything, Has, Not, Nothing, OneOf, Scope
from ownership_core.simplify import besides, simplify
from ownership_core.testing.oracle import plain, surely, surely_not
from ownership_core.testing.strategies import TEXTS, scopes, worlds
from ownership_core.testing.worlds import WORLD_FIELDS, World
from ownership_core.wellformed import check_scope

FIELDS = WORLD_FIELDS
few_scopes = st.lists(scopes(), min_size=3, max_size=6)


def answers(scope: Scope, world: World) -> list[Answer]:
    """What a scope says of every customer."""
    return [evaluate(scope, customer, FIELDS).answer for customer in world.facts()]


def size(scope: Scope) -> int:
    """How many words a scope has: its nodes and the values they list."""
    listed = len(scope.values) if isinstance(scope, OneOf | Has) and isinstance(scope.values, frozenset) else 0
    return 1 + listed + sum(size(part) for part in _parts(scope))


def _parts(scope: Scope) -> Iterator[Scope]:
    if isinstance(scope, Not):
        yield scope.part
    elif isinstance(scope, AllOf | AnyOf):
        yield from scope.parts


@given(worlds(), few_scopes)
def test_twice_not_is_as_before(world: World, asked: list[Scope]) -> None:
    """~~x is x, three-valued."""
    for x in asked:
        assert answers(~~x, world) == answers(x, world)


@given(worlds(), few_scopes)
def test_not_turns_yes_and_no_and_leaves_the_untold(world: World, asked: list[Scope]) -> None:
    """What cannot be told stays untold under Not."""
    turned = {Answer.YES: Answer.NO, Answer.NO: Answer.YES, Answer.CANNOT_TELL: Answer.CANNOT_TELL}
    for x in asked:
        assert answers(~x, world) == [turned[answer] for answer in answers(x, world)]


@given(worlds(), few_scopes)
def test_de_morgan(world: World, asked: list[Scope]) -> None:
    """Not all is some not; not any is all not."""
    assert answers(~AllOf(asked), world) == answers(AnyOf(~x for x in asked), world)
    assert answers(~AnyOf(asked), world) == answers(AllOf(~x for x in asked), world)


@given(worlds(), few_scopes)
def test_order_and_repeats_mean_nothing(world: World, asked: list[Scope]) -> None:
    """And and Or do not care which came first, or how often."""
    assert answers(AllOf(asked), world) == answers(AllOf([*reversed(asked), *asked]), world)
    assert answers(AnyOf(asked), world) == answers(AnyOf([*reversed(asked), *asked]), world)


@given(worlds(), few_scopes)
def test_one_distributes_over_the_other(world: World, asked: list[Scope]) -> None:
    """X & (y | z) is x & y | x & z."""
    x, y, z = asked[:3]
    assert answers(x & (y | z), world) == answers((x & y) | (x & z), world)
    assert answers(x | (y & z), world) == answers((x | y) & (x | z), world)


@given(worlds(), few_scopes)
def test_constants_are_neutral_or_decide(world: World, asked: list[Scope]) -> None:
    """Everything and Nothing do what their names say."""
    for x in asked:
        assert answers(x & Everything(), world) == answers(x | Nothing(), world) == answers(x, world)
        assert answers(x & Nothing(), world) == answers(Nothing(), world)
        assert answers(x | Everything(), world) == answers(Everything(), world)


@given(worlds(), few_scopes)
def test_a_restriction_never_widens_and_a_grant_never_narrows(world: World, asked: list[Scope]) -> None:
    """And grants at most what each part grants, Or at least."""
    for customer in world.facts():
        granted = [holds(x, customer, FIELDS) for x in asked]
        assert holds(AllOf(asked), customer, FIELDS) == all(granted)
        assert holds(AnyOf(asked), customer, FIELDS) == any(granted)


@given(worlds(), few_scopes)
def test_the_untold_never_grants(world: World, asked: list[Scope]) -> None:
    """A scope and its opposite are never both TRUE, and both fail where nothing can be told."""
    for x in asked:
        for customer in world.facts():
            yes, no = holds(x, customer, FIELDS), holds(~x, customer, FIELDS)
            assert not (yes and no)
            assert (not yes and not no) == (evaluate(x, customer, FIELDS).answer is Answer.CANNOT_TELL)


@given(st.sampled_from(TEXTS), st.sampled_from(["name", "email", "website", "region"]))
def test_a_missing_value_is_neither_like_nor_unlike(text: str, name: str) -> None:
    """NULL rows match neither a filter nor its negation."""
    nobody = Customer("c1")
    assert not holds(Equals(name, text), nobody, FIELDS)
    assert not holds(Not(Equals(name, text)), nobody, FIELDS)
    assert not holds(Not(OneOf(name, [text])), nobody, FIELDS)


@given(worlds(), few_scopes)
def test_simplifying_keeps_the_meaning(world: World, asked: list[Scope]) -> None:
    """All three answers stay what they were."""
    for x in asked:
        assert answers(simplify(x), world) == answers(x, world)


@given(worlds(), few_scopes)
def test_what_is_known_need_not_be_asked(world: World, asked: list[Scope]) -> None:
    """Of whom the known scope is TRUE, what is left finds the same ones."""
    first, *others = asked
    for x in others:
        for scope, known in ((AllOf((x, first)), AllOf((first, Everything()))), (x, AnyOf((x, first)))):
            for customer in world.facts():
                if holds(known, customer, FIELDS):
                    assert holds(besides(scope, known), customer, FIELDS) == holds(scope, customer, FIELDS)
        assert besides(AllOf((AllOf((x, first)), x)), x) == besides(AllOf((first,)), x)


@given(few_scopes)
def test_simplifying_never_grows(asked: list[Scope]) -> None:
    """A simplified scope has no more words."""
    for x in asked:
        assert size(simplify(x)) <= size(x)


@given(few_scopes)
def test_simplifying_twice_changes_nothing(asked: list[Scope]) -> None:
    """The simplified form is final."""
    for x in asked:
        assert simplify(simplify(x)) == simplify(x)


@given(few_scopes)
def test_a_simplified_scope_stays_well_formed(asked: list[Scope]) -> None:
    """Whatever could be asked can still be asked."""
    for x in asked:
        assert check_scope(simplify(x), FIELDS) == simplify(check_scope(x, FIELDS))


@given(worlds(), few_scopes)
def test_the_third_opinion_agrees_on_yes_and_no(world: World, asked: list[Scope]) -> None:
    """The oracle knows the same three answers."""
    for x in asked:
        for customer in world.facts():
            record = plain(customer, FIELDS)
            answer = evaluate(x, customer, FIELDS).answer
            assert surely(x, record, FIELDS) == (answer is Answer.YES)
            assert surely_not(x, record, FIELDS) == (answer is Answer.NO)
