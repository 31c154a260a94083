"""The same meaning in fewer words: constants folded, nesting flattened, repeats dropped.

Only laws of three-valued logic are used: ``x & ~x`` is not ``Nothing`` where ``x`` cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from ownership_core.scope import (
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
    PrimaryOf,
    Scope,
    SharedWith,
    Under,
)


def simplify(scope: Scope) -> Scope:
    """An equal scope, never larger.

    >>> simplify(Not(Not(Everything() & OneOf("website", ["de"]))))
    Equals(field='website', value='de')
    """
    match scope:
        case Not(part):
            return _not(simplify(part))
        case AllOf(parts):
            return _all(_flat(parts, AllOf))
        case AnyOf(parts):
            return _any(_flat(parts, AnyOf))
        case OneOf(name, values):
            if not values:
                return Nothing()
            return Equals(name, next(iter(values))) if len(values) == 1 else scope
        case Has(_, frozenset() as texts) if not texts:
            return Nothing()
        case SharedWith(frozenset() as staff) if not staff:
            return Nothing()
        case AssignedTo(staff) | PrimaryOf(staff):
            nobody = (isinstance(staff, frozenset) and not staff) or (
                isinstance(staff, Members) and not staff.departments
            )
            return Nothing() if nobody else scope
        case (
            Everything()
            | Nothing()
            | Equals()
            | Missing()
            | Has()
            | Under()
            | Before()
            | After()
            | Matches()
            | AssignedCount()
            | AssignedBefore()
            | AssignedSince()
            | SharedWith()
        ):
            return scope
        case _:
            assert_never(scope)


def besides(scope: Scope, known: Scope) -> Scope:
    """What of ``scope`` is left to ask of customers ``known`` is TRUE of: the same ones are found.

    >>> besides(Has("tags", {"vip"}) & OneOf("website", ["de"]), OneOf("website", ["de"]))
    AllOf(parts=(Has(field='tags', values=frozenset({'vip'})),))
    """
    said = set(_together(known))
    return AllOf(tuple(part for part in _together(scope) if part not in said))


def _together(scope: Scope) -> Iterator[Scope]:
    """The parts that all hold where ``scope`` does."""
    if isinstance(scope, AllOf):
        for part in scope.parts:
            yield from _together(part)
    else:
        yield scope


def _flat(parts: Iterable[Scope], kind: type[AllOf | AnyOf]) -> list[Scope]:
    flat: dict[Scope, None] = {}
    for part in map(simplify, parts):
        inner = part.parts if isinstance(part, kind) else (part,)
        flat.update(dict.fromkeys(inner))
    return list(flat)


def _not(part: Scope) -> Scope:
    match part:
        case Everything():
            return Nothing()
        case Nothing():
            return Everything()
        case Not(inner):
            return inner
        case _:
            return Not(part)


def _all(parts: list[Scope]) -> Scope:
    if Nothing() in parts:
        return Nothing()
    kept = [part for part in parts if part != Everything()]
    if not kept:
        return Everything()
    return kept[0] if len(kept) == 1 else AllOf(kept)


def _any(parts: list[Scope]) -> Scope:
    if Everything() in parts:
        return Everything()
    kept = [part for part in parts if part != Nothing()]
    if not kept:
        return Nothing()
    return kept[0] if len(kept) == 1 else AnyOf(kept)
