"""What a distribution has to know before it deals, and whom it names; walks over the closed set of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import assert_never

import attrs

from ownership_core.distribute.data import (
    ByScope,
    Case,
    Days,
    Distribution,
    FromField,
    InDepartment,
    LeastBusy,
    Members,
    Questions,
    Rotation,
    ToStaff,
    Weighted,
)
from ownership_core.model import DepartmentId, StaffId
from ownership_core.scope import UNASSIGNED, Scope

NOBODY = ByScope(())
"""Gives customers to nobody: no case ever holds."""


def questions(distribution: Distribution) -> Questions:
    """What must be asked of each customer and of staff; equal questions once, in the order they come up.

    >>> from ownership_core.scope import Equals
    >>> north = Case(Equals("region", "north"), FromField("keeper"))
    >>> questions(ByScope([north, north]))
    Questions(scopes=(Equals(field='region', value='north'),), fields=('keeper',), windows=())

    Broken conditions are not among them, nor is what only they lead to.
    """
    scopes: dict[Scope, None] = {}
    fields: dict[str, None] = {}
    windows: dict[int, None] = {}
    for part in parts(distribution, broken=False):
        match part:
            case ByScope(cases):
                scopes |= dict.fromkeys(scope for one in cases for scope in _asked(one))
            case FromField(name):
                fields[name] = None
            case Rotation() | LeastBusy() | Weighted():
                if part.capacity is not None and part.capacity.days is not None:
                    windows[part.capacity.days] = None
            case ToStaff():
                pass
            case _:
                assert_never(part)
    return Questions(tuple(scopes), tuple(fields), tuple(windows))


def _asked(case: Case) -> Iterator[Scope]:
    if not case.broken:
        yield case.condition
        if not case.reassign:
            yield UNASSIGNED


def parts(distribution: Distribution, *, broken: bool = True) -> Iterator[Distribution]:
    """The distribution and every one inside it, outer ones first; on request without those of broken cases."""
    yield distribution
    for part in inside(distribution, broken=broken):
        yield from parts(part, broken=broken)


def inside(distribution: Distribution, *, broken: bool = True) -> Iterator[Distribution]:
    """The distributions a distribution by scope leads to, one level down."""
    if isinstance(distribution, ByScope):
        yield from (case.to for case in distribution.cases if broken or not case.broken)
        if distribution.otherwise is not None:
            yield distribution.otherwise


def leaves(distribution: Distribution, source: str = "") -> Iterator[tuple[str, Distribution]]:
    """What customers are really dealt by, each with the source of those it deals; broken cases lead nowhere.

    >>> from ownership_core.scope import Everything
    >>> [source for source, _ in leaves(ByScope([Case(Everything(), ToStaff("maria"), "all")], ToStaff("jon")))]
    ['all', '']
    """
    if not isinstance(distribution, ByScope):
        yield source, distribution
        return
    for case in distribution.cases:
        if not case.broken:
            yield from leaves(case.to, source or case.source)
    if distribution.otherwise is not None:
        yield from leaves(distribution.otherwise, source)


def leaf_of(distribution: Distribution, held: Collection[Scope]) -> Distribution | None:
    """By which of them a customer is dealt that just these scopes are TRUE of; None where it is by none."""
    found: Distribution | None = distribution
    while isinstance(found, ByScope):
        case = next((one for one in found.cases if one.broken or one.condition in held), None)
        found = found.otherwise if case is None else None if case.broken else case.to
    return found


def named_staff(distribution: Distribution) -> frozenset[StaffId]:
    """Everybody who is named as a receiver; who is in a department, or in a condition, is not named (D05, D07)."""
    return frozenset(staff for part in parts(distribution) for staff in _receivers(part))


def _receivers(part: Distribution) -> frozenset[StaffId]:
    match part:
        case ToStaff(staff):
            return frozenset({staff})
        case Rotation(members=members) | LeastBusy(members=members):
            return frozenset() if isinstance(members, InDepartment) else members
        case Weighted(weights):
            return frozenset(weights)
        case ByScope() | FromField():
            return frozenset()
        case _:
            assert_never(part)


def named_departments(distribution: Distribution) -> frozenset[InDepartment]:
    """Every department whose staff receive, and whether those below it do."""
    pools = (part.members for part in parts(distribution) if isinstance(part, Rotation | LeastBusy))
    return frozenset(pool for pool in pools if isinstance(pool, InDepartment))


def homes(pool: InDepartment, parents: Mapping[DepartmentId, DepartmentId | None]) -> frozenset[DepartmentId]:
    """The departments whose staff are in the pool; ``parents`` says which is above each.

    >>> sorted(homes(InDepartment("sales", below=True), {"north": "sales", "oslo": "north", "till": None}))
    ['north', 'oslo', 'sales']
    """
    found = {pool.department}
    while pool.below and (more := {one for one, above in parents.items() if above in found} - found):
        found |= more
    return frozenset(found)


def replaced(distribution: Distribution, leaver: StaffId, successor: StaffId | None) -> Distribution | None:
    """The same without ``leaver``, with ``successor`` in its place; None when nobody is left to receive (D07).

    A weight goes to the successor, days do not: they are the leaver's own. A case without anybody left
    stays and gives to nobody, so that no later case is asked instead. Conditions stay as they are.

    >>> replaced(Weighted({"maria": 2, "jon": 1}), "maria", "jon").weights
    {'jon': 3}
    """
    match distribution:
        case ToStaff(staff):
            return distribution if staff != leaver else None if successor is None else ToStaff(successor)
        case Rotation() | LeastBusy():
            members = _without(distribution.members, leaver, successor)
            days = _days_without(distribution.days, leaver)
            return attrs.evolve(distribution, members=members, days=days) if members else None
        case Weighted():
            weights = _weights_without(distribution, leaver, successor)
            days = _days_without(distribution.days, leaver)
            return attrs.evolve(distribution, weights=weights, days=days) if weights else None
        case ByScope(cases, otherwise):
            return _replaced_cases(cases, otherwise, leaver, successor)
        case FromField():
            return distribution
        case _:
            assert_never(distribution)


def _replaced_cases(
    cases: tuple[Case, ...], otherwise: Distribution | None, leaver: StaffId, successor: StaffId | None
) -> ByScope | None:
    left = [replaced(case.to, leaver, successor) for case in cases]
    rest = None if otherwise is None else replaced(otherwise, leaver, successor)
    if rest is None and all(to is None for to in left):
        return None
    kept = (attrs.evolve(case, to=NOBODY if to is None else to) for case, to in zip(cases, left, strict=True))
    return ByScope(kept, rest)


def _without(members: Members, leaver: StaffId, successor: StaffId | None) -> Members:
    if isinstance(members, InDepartment) or leaver not in members:
        return members
    return members - {leaver} | ({successor} if successor is not None else set())


def _weights_without(old: Weighted, leaver: StaffId, successor: StaffId | None) -> dict[StaffId, int]:
    weights = {staff: weight for staff, weight in old.weights.items() if staff != leaver}
    if successor is not None and leaver in old.weights:
        weights[successor] = weights.get(successor, 0) + old.weights[leaver]
    return weights


def _days_without(days: Days, leaver: StaffId) -> Days:
    return {staff: numbers for staff, numbers in days.items() if staff != leaver}
