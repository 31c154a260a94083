"""Random selections, effects, distributions, rules and commands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from ownership_core.commands import (
    KEEP,
    Assign,
    ChangeCustomer,
    ChangeDepartment,
    ChangeRules,
    ChangeStaff,
    Claim,
    ClearPrimary,
    Command,
    Cover,
    CreateCustomer,
    DeleteCustomer,
    EndCover,
    GrantAccess,
    Ids,
    KeepOne,
    Matching,
    Mode,
    NewCustomer,
    Offboard,
    One,
    Rebalance,
    Release,
    Revert,
    Selection,
    SetPrimary,
    Sweep,
    SwitchCardinality,
    Transfer,
    Unassign,
    Unplaced,
)
from ownership_core.distribute import (
    ByScope,
    Capacity,
    Case,
    Distribution,
    FromField,
    InDepartment,
    LeastBusy,
    Rotation,
    ToStaff,
    Weighted,
)
from ownership_core.model import (
    Action,
    Level,
    StaffId,
)
from ownership_core.policies import SINGLE, SortKey
from ownership_core.rules import Occasion, Rule
from ownership_core.ruling import Drop, Effect, Primary
from ownership_core.scope import (
    ANY,
    Scope,
)
from ownership_core.settings import Channel
from ownership_core.testing.strategies.scopes import (
    scopes,
)
from ownership_core.testing.strategies.worlds import (
    _OPTIONAL,
    _SETS,
    customer_ids,
    department_ids,
    moments,
    restrictions,
    staff_ids,
    texts,
)


def selections(scope: st.SearchStrategy[Scope] | None = None) -> st.SearchStrategy[Selection]:
    """One id, several (known and unknown) or a scope."""
    found: list[st.SearchStrategy[Any]] = [
        st.builds(One, customer_ids),
        st.builds(Ids, st.lists(customer_ids, max_size=8)),
        st.builds(Matching, scopes(depth=2) if scope is None else scope),
    ]
    return st.one_of(found)


def effects(staff: st.SearchStrategy[StaffId] = staff_ids, cardinality: str = "multi") -> st.SearchStrategy[Effect]:
    """Everything a command may do to assignments under ``cardinality``; never what only breaks its rules."""
    if cardinality == SINGLE:
        return st.one_of(_taking(staff, st.just(Drop.EVERYONE_ELSE)), _leaving(staff, st.just(Primary.STAY)))
    drops = st.sampled_from([Drop.NOBODY, Drop.FORMER_PRIMARY, Drop.EVERYONE_ELSE, Drop.EVERYONE])
    left = st.sampled_from([Primary.STAY, Primary.FILL, Primary.NOBODY])
    return st.one_of(_taking(staff, drops), _leaving(staff, left))


_PROMOTIONS = st.lists(st.sampled_from(SortKey), unique=True, max_size=2).map(tuple)


@st.composite
def _taking(draw: st.DrawFn, staff: st.SearchStrategy[StaffId], drops: st.SearchStrategy[Drop]) -> Effect:
    drop = draw(drops)
    takes = [Primary.TAKE] if drop is Drop.EVERYONE_ELSE else [Primary.TAKE, Primary.IF_UNASSIGNED, Primary.STAY]
    role = draw(st.sampled_from(["", "lead"]))
    return Effect(draw(staff), drop, None, draw(st.sampled_from(takes)), draw(_PROMOTIONS), role, "test")


@st.composite
def _leaving(draw: st.DrawFn, staff: st.SearchStrategy[StaffId], primaries: st.SearchStrategy[Primary]) -> Effect:
    alone = [drop for drop in Drop if drop not in (Drop.EVERYONE_ELSE, Drop.UNDONE)]  # UNDONE names the runs it undoes
    drop = draw(st.sampled_from(alone))
    dropped = draw(staff) if drop is Drop.ONE else None
    room = draw(st.integers(0, 3)) if drop is Drop.BEYOND_ROOM else 0
    return Effect(None, drop, dropped, draw(primaries), draw(_PROMOTIONS), touch=draw(st.booleans()), room=room)


def commands() -> st.SearchStrategy[Command]:
    """Every class of command, as it stands after its ids were parsed."""
    return st.one_of(_assignment_commands(), _customer_commands(), _access_commands(), _moving_commands())


_REASONS = st.none() | texts


_VERSIONS = st.none() | st.integers(0, 5)


def _common() -> dict[str, st.SearchStrategy[Any]]:
    return {"reason": _REASONS, "expected_version": _VERSIONS, "notify": st.booleans()}


def _assignment_commands() -> st.SearchStrategy[Command]:
    which = selections()
    taker: Callable[..., Any] = st.builds
    return st.one_of(
        taker(Assign, which, staff_ids, st.sampled_from(Mode), texts, texts, **_common()),
        taker(Unassign, which, staff_ids | st.just(ANY), keep_view_until=st.none() | moments, **_common()),
        taker(SetPrimary, which, staff_ids, st.none() | st.booleans(), texts, **_common()),
        taker(ClearPrimary, which, keep_view_until=st.none() | moments, **_common()),
        *(taker(kind, which, **_common()) for kind in (Claim, Release, DeleteCustomer)),
        taker(SwitchCardinality, texts, st.none() | st.sampled_from(KeepOne), _REASONS, st.booleans()),
    )


def _customer_commands() -> st.SearchStrategy[Command]:
    times = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
    raw = st.one_of(st.none(), texts, st.booleans(), st.integers(-(2**63), 2**63 - 1), times)
    plain = st.dictionaries(st.sampled_from(_OPTIONAL), raw, max_size=3)
    sets = st.dictionaries(st.sampled_from(_SETS), st.frozensets(texts, max_size=3), max_size=2)
    new = st.builds(NewCustomer, customer_ids, plain, sets, st.none() | staff_ids)
    return st.one_of(
        st.builds(CreateCustomer, st.lists(new, max_size=3), st.sampled_from(Channel), _REASONS),
        st.builds(ChangeCustomer, customer_ids, plain, sets, _REASONS, _VERSIONS),
    )


def _access_commands() -> st.SearchStrategy[Command]:
    def maybe(found: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.just(KEEP) | found

    levels = st.dictionaries(st.sampled_from(list(map(str, Action))), st.sampled_from(Level), max_size=3)
    websites = st.none() | st.frozensets(texts, max_size=2)
    return st.one_of(
        st.builds(
            ChangeStaff,
            staff_ids,
            create=st.booleans(),
            label=maybe(texts),
            login=maybe(st.none() | texts),
            active=maybe(st.booleans()),
            departments=maybe(st.frozensets(department_ids, max_size=2)),
            websites=maybe(websites),
            restriction=maybe(restrictions()),
            delete=st.booleans(),
            reason=_REASONS,
        ),
        st.builds(
            ChangeDepartment,
            department_ids,
            st.booleans(),
            maybe(texts),
            maybe(st.none() | department_ids),
            maybe(restrictions()),
            _REASONS,
        ),
        st.builds(Cover, staff_ids, staff_ids, moments, moments, _REASONS),
        st.builds(EndCover, texts, _REASONS),
        st.builds(GrantAccess, texts, st.none() | staff_ids, levels, st.booleans(), _REASONS),
    )


def _moving_commands() -> st.SearchStrategy[Command]:
    receivers = staff_ids | distributions(depth=1)
    said = {"reason": _REASONS, "notify": st.booleans()}
    keeping = {**said, "keep_view_until": st.none() | moments}
    unplaced = st.sampled_from(Unplaced)
    weights = st.dictionaries(staff_ids, st.integers(1, 9), min_size=1)
    made: Callable[..., Any] = st.builds
    return st.one_of(
        made(Transfer, staff_ids, receivers, selections(), unplaced, **keeping),
        made(Offboard, staff_ids, st.none() | receivers, unplaced, **keeping),
        made(Rebalance, weights, st.none() | st.integers(0, 9), scopes(depth=1), **keeping),
        made(Sweep, selections(), st.none() | receivers, st.sampled_from(Occasion), **keeping),
        made(Revert, texts.filter(bool), **said),
        made(ChangeRules, rules(), reason=_REASONS, expected_version=_VERSIONS),
        made(ChangeRules, forget=texts.filter(bool), reason=_REASONS, expected_version=_VERSIONS),
    )


def distributions(
    staff: st.SearchStrategy[StaffId] = staff_ids, scope: st.SearchStrategy[Scope] | None = None, depth: int = 2
) -> st.SearchStrategy[Distribution]:
    """Every kind of distribution, over these staff and departments, with every bound; by scope up to ``depth``."""
    bounds = {
        "capacity": st.none() | st.builds(Capacity, st.integers(1, 4), st.none() | st.integers(1, 3)),
        "days": st.dictionaries(staff, st.frozensets(st.integers(0, 6)), max_size=2),
    }
    pools = st.frozensets(staff, min_size=1) | st.builds(InDepartment, department_ids, st.booleans())
    pooled: Callable[..., Any] = st.builds
    leaves: st.SearchStrategy[Any] = st.one_of(
        st.builds(ToStaff, staff),
        pooled(Rotation, st.sampled_from(["new", "north"]), pools, **bounds),
        pooled(LeastBusy, pools, **bounds),
        pooled(Weighted, st.dictionaries(staff, st.integers(1, 9), min_size=1), **bounds),
        st.builds(FromField, st.sampled_from(["region", "name"])),
    )
    if not depth:
        return leaves
    inner = distributions(staff, scope, depth - 1)
    asked = scopes(depth=1) if scope is None else scope
    cases = st.builds(Case, asked, inner, st.sampled_from(["", "split"]), st.booleans(), st.booleans())
    return leaves | st.builds(ByScope, st.lists(cases, max_size=3), st.none() | inner)


def rules() -> st.SearchStrategy[Rule]:
    """Rules of every kind, some of them active for a while only."""
    return st.builds(
        _rule,
        st.sampled_from(["a", "B", "ä", "7"]),
        scopes(depth=1),
        distributions(depth=1),
        st.integers(-1, 1),
        st.frozensets(st.sampled_from(Occasion)),
        st.lists(moments, min_size=2, max_size=2, unique=True).map(sorted),
        st.tuples(st.booleans(), st.booleans()),
        label=st.sampled_from(["", "North"]),
        reassign=st.booleans(),
        version=st.integers(0, 3),
    )


def _rule(
    id: str,
    condition: Scope,
    to: Distribution,
    priority: int,
    occasions: frozenset[Occasion],
    window: list[int],
    bounded: tuple[bool, bool],
    **rest: Any,
) -> Rule:
    begin, end = (moment if used else None for moment, used in zip(window, bounded, strict=True))
    return Rule(id, condition, to, priority, occasions, begin, end, **rest)
