"""Random scopes over the fields of the worlds."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from ownership_core.fields import Field, Fields, Fold, Kind
from ownership_core.scope import (
    ANY,
    ANY_ACTIVE,
    After,
    AllOf,
    AnyOf,
    AssignedBefore,
    AssignedCount,
    AssignedSince,
    AssignedTo,
    Before,
    Equals,
    Everything,
    Has,
    Matches,
    Members,
    Missing,
    Not,
    Nothing,
    OneOf,
    Outsiders,
    PrimaryOf,
    Scope,
    SharedWith,
    StaffSet,
    Under,
)
from ownership_core.testing.strategies.worlds import (
    _SETS,
    customer_ids,
    department_ids,
    maybe_texts,
    moments,
    staff_ids,
    texts,
    values,
)
from ownership_core.testing.worlds import WORLD_FIELDS


def scopes(fields: Fields = WORLD_FIELDS, depth: int = 4) -> st.SearchStrategy[Scope]:
    """Well-formed scopes over ``fields``: all nodes, at most ``depth`` deep, empty lists and all.

    Fields folded by the database are left out: only SQL can judge them. The ones for :data:`WORLD_FIELDS` are built
    once: hypothesis merges branches that are the same object, and which ones are depends on what its cache has seen,
    so that a strategy built anew inside a test may have more branches the second time (``FlakyStrategyDefinition``).
    """
    return _world_scopes(depth) if fields is WORLD_FIELDS else _scopes(fields, depth)


@cache
def _world_scopes(depth: int) -> st.SearchStrategy[Scope]:
    return _scopes(WORLD_FIELDS, depth)


def _scopes(fields: Fields, depth: int) -> st.SearchStrategy[Scope]:
    found = leaf = leaves(fields)
    for _ in range(depth - 1):
        found = st.one_of(leaf, leaf.map(Not), leaf, _compounds(found), _compounds(found))
    return found


def _compounds(parts: st.SearchStrategy[Scope]) -> st.SearchStrategy[Scope]:
    several = st.lists(parts, min_size=2, max_size=3) | st.lists(parts, max_size=2)
    return _kept(st.one_of(st.builds(Not, parts), st.builds(AllOf, several), st.builds(AnyOf, several)))


def leaves(fields: Fields = WORLD_FIELDS) -> st.SearchStrategy[Scope]:
    """Every node that has no parts."""
    to_one = st.sampled_from([f for f in fields.to_one() if f.fold is not Fold.DATABASE])
    sets = [f for f in fields.sets() if f.fold is not Fold.DATABASE]
    many = st.sampled_from([*sets, *[f for f in sets if f.name in _SETS] * 4])
    return _kept(
        st.one_of(
            st.sampled_from([Everything(), Nothing()]),
            *[_kept(to_one.flatmap(_to_one_leaves))] * 4,
            *[_kept(many.flatmap(_set_leaves))] * 2,
            *[_kept(_assignment_leaves())] * 2,
        )
    )


def _kept(strategy: st.SearchStrategy[Scope]) -> st.SearchStrategy[Scope]:
    """``strategy`` as one choice: ``one_of`` would take its branches apart and weigh each of them."""
    return strategy.map(lambda scope: scope)


def _to_one_leaves(declared: Field) -> st.SearchStrategy[Scope]:
    name, one = declared.name, values(declared)
    nodes: list[st.SearchStrategy[Any]] = [
        one.map(lambda value: Equals(name, value)),
        st.frozensets(one, max_size=3).map(lambda found: OneOf(name, found)),
        st.just(Missing(name)),
    ]
    if declared.kind is Kind.TEXT:
        nodes.append(_text_leaves(name))
    if declared.kind in (Kind.TIME, Kind.INTEGER):
        nodes += [moments.map(lambda at: Before(name, at)), moments.map(lambda at: After(name, at))]
    return st.one_of(nodes)


def _set_leaves(declared: Field) -> st.SearchStrategy[Scope]:
    some = st.frozensets(maybe_texts, max_size=3) | st.just(ANY)
    return some.map(lambda found: Has(declared.name, found)) | _text_leaves(declared.name)


def _text_leaves(name: str) -> st.SearchStrategy[Scope]:
    part = customer_ids if name == "id" else texts
    return st.one_of(part.map(lambda text: Under(name, text)), part.map(lambda text: Matches(name, text)))


def staff_sets() -> st.SearchStrategy[StaffSet]:
    """Which staff a node may speak of: ids, anybody, the active, members and outsiders of departments."""
    units = st.frozensets(department_ids, max_size=2)
    return st.one_of(
        st.frozensets(staff_ids, max_size=3),
        st.sampled_from([ANY, ANY_ACTIVE]),
        st.builds(Members, units),
        st.builds(Outsiders, units),
    )


def _assignment_leaves() -> st.SearchStrategy[Scope]:
    return st.one_of(
        st.builds(AssignedTo, staff_sets()),
        st.builds(PrimaryOf, staff_sets()),
        st.builds(AssignedCount, st.integers(1, 3)),
        st.builds(AssignedBefore, moments),
        st.builds(AssignedSince, moments),
        st.builds(SharedWith, st.frozensets(staff_ids, max_size=3), moments),
    )
