"""Hypothesis strategies: shops with hostile texts and every combination of missing values, and what is asked of them.

Values come from small pools, so that random scopes meet random customers often enough.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
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
from ownership_core.fields import Field, Fields, Fold, Kind
from ownership_core.model import (
    Action,
    Assignment,
    CoverRow,
    Customer,
    CustomerId,
    Department,
    DepartmentId,
    GroupRestriction,
    Level,
    RestrictionMode,
    Staff,
    StaffId,
    Value,
)
from ownership_core.policies import SINGLE, SortKey
from ownership_core.rules import Occasion, Rule
from ownership_core.ruling import Drop, Effect, Primary
from ownership_core.scope import (
    ANY,
    ANY_ACTIVE,
    After,
    AllOf,
    AnyOf,
    AssignedBefore,
    AssignedCount,
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
from ownership_core.settings import Channel
from ownership_core.testing.worlds import WORLD_FIELDS, World

TEXTS = (
    *("a", "A", "b", "ab", "aB", "a/b", "a/b/c", "a b", "a ", " a"),
    *("%", "_", "a%", "a_b", "\\", "\\%", "'", '"', "[a]", "*", "?"),
    *("\u0131", "I", "İ", "i", "ß", "ss", "é", "e\u0301", "Ä", "ä", "😀", "\uff21"),
    *("007", "7", "0", "-0", "1e3", "null", "true", "\n"),
)
"""Texts that databases like to take for something else: wildcards, quotes, case twins, numbers."""

CUSTOMER_IDS = (
    "c1",
    "C1",
    "1",
    "01",
    "10",
    "2",
    "%",
    "_",
    "c\\d",
    "o'hara",
    "é",
    "e\u0301",
    "\u0131",
    "😀",
    "a b",
    "\uff21",
)
STAFF_IDS = ("maria", "Maria", "007", "7", "o'neil", "ß")
DEPARTMENT_IDS = ("sales", "Sales", "d%", "d_")
MOMENTS = (-1, 0, 1, 999_999, 1_000_000, 2**40, 2**62)

COMMON = ("a", "A", "a/b", "b")
"""Half of all texts are these, so that scopes and customers meet."""

customer_ids = st.sampled_from(CUSTOMER_IDS).map(CustomerId)
staff_ids = st.sampled_from(STAFF_IDS).map(StaffId)
department_ids = st.sampled_from(DEPARTMENT_IDS).map(DepartmentId)
texts = st.sampled_from((*COMMON * 8, *TEXTS))
maybe_texts = st.sampled_from((*COMMON * 8, "", *TEXTS))
moments = st.sampled_from(MOMENTS)


def values(declared: Field) -> st.SearchStrategy[Value]:
    """Stored values of a to-one field, the empty text included."""
    return customer_ids if declared.name == "id" else st.sampled_from(_pool(declared))


# Worlds

_REQUIRED = ("kind", "active", "created_at", "no_auto")
_OPTIONAL = ("name", "email", "phone", "website", "parent", "region", "score", "vip", "last_seen")
_SETS = ("groups", "tags", "cities", "zips", "billing_countries", "aliases")


def _pool(declared: Field) -> tuple[Value, ...]:
    match declared.kind:
        case Kind.TEXT:
            return (*COMMON * 8, "", *TEXTS)
        case Kind.BOOLEAN:
            return (False, True)
        case Kind.INTEGER | Kind.TIME:
            return MOMENTS


def _held(name: str) -> st.SearchStrategy[Value | None]:
    """One choice a field: half of the optional ones are missing."""
    pool = _pool(WORLD_FIELDS[name])
    return st.sampled_from(pool if name in _REQUIRED else (*(None,) * len(pool), *pool))


_HELD = {name: _held(name) for name in (*_REQUIRED, *_OPTIONAL)}
_MEMBERS: st.SearchStrategy[tuple[str | None, str | None]] = st.tuples(
    st.sampled_from((*(None,) * 32, *COMMON * 8, "", *TEXTS)), st.sampled_from((*(None,) * 32, *TEXTS))
)


@st.composite
def worlds(draw: st.DrawFn, cardinality: str = "multi") -> World:
    """Shops of up to 6 staff and 12 customers with :data:`WORLD_FIELDS`; every optional field may be missing."""
    departments = draw(_department_trees())
    staff = draw(_staffs(departments))
    ids = draw(st.lists(customer_ids, unique=True, min_size=draw(st.sampled_from([0, 6, 9])), max_size=12))
    most = 1 if cardinality == SINGLE else 3
    customers = tuple(draw(_customers(id, [s.id for s in staff], most)) for id in ids)
    return World(departments, draw(_roles()), staff, customers, draw(_covers([one.id for one in staff])))


@st.composite
def _covers(draw: st.DrawFn, staff: list[StaffId]) -> tuple[CoverRow, ...]:
    if len(staff) < 2:
        return ()
    found = []
    for number in range(draw(st.sampled_from([0, 1, 2, 3]))):
        away, by = draw(st.lists(st.sampled_from(staff), unique=True, min_size=2, max_size=2))
        since, until = sorted((draw(moments), draw(moments)))
        found.append(CoverRow(f"cover {number}", away, by, since, until))
    return tuple(found)


@st.composite
def _department_trees(draw: st.DrawFn) -> tuple[Department, ...]:
    found: list[Department] = []
    for id in draw(st.lists(department_ids, unique=True, max_size=4)):
        parent = draw(st.sampled_from([None, *(d.id for d in found)]))
        found.append(Department(id, f"Department {id}", parent, draw(restrictions())))
    return tuple(found)


def restrictions() -> st.SearchStrategy[GroupRestriction | None]:
    """No restriction, or one that lists at least one group."""
    groups = st.frozensets(texts, min_size=1, max_size=2)
    return st.none() | st.builds(GroupRestriction, st.sampled_from(RestrictionMode), groups)


def _roles() -> st.SearchStrategy[tuple[tuple[str, dict[str, Level]], ...]]:
    levels = st.dictionaries(st.sampled_from(list(map(str, Action))), st.sampled_from(Level), max_size=3)
    roles = st.dictionaries(st.sampled_from(["clerk", "Clerk", "boss"]), levels, max_size=3)
    return roles.map(lambda found: tuple(found.items()))


@st.composite
def _staffs(draw: st.DrawFn, departments: tuple[Department, ...]) -> tuple[Staff, ...]:
    units = [d.id for d in departments]
    found = []
    for id in draw(st.lists(staff_ids, unique=True, min_size=draw(st.sampled_from([0, 3])), max_size=6)):
        active = draw(st.booleans())
        found.append(
            Staff(
                id=id,
                label=draw(texts),
                active=active,
                deleted=not active and draw(st.booleans()),
                departments=draw(st.frozensets(st.sampled_from(units), max_size=2)) if units else frozenset(),
                websites=draw(st.none() | st.frozensets(texts, min_size=1, max_size=2)),
                restriction=draw(restrictions()),
            )
        )
    return tuple(found)


@st.composite
def _customers(draw: st.DrawFn, id: CustomerId, staff: list[StaffId], most: int) -> Customer:
    held = {name: draw(_HELD[name]) for name in (*_REQUIRED, *_OPTIONAL)}
    sets = {name: frozenset(one for one in draw(_MEMBERS) if one is not None) for name in _SETS}
    assignments = draw(_assignments(staff, most)) if staff else ()
    others = [one for one in staff if one not in {a.staff for a in assignments}]
    return Customer(
        id,
        {name: value for name, value in held.items() if value is not None},
        {name: members for name, members in sets.items() if members},
        assignments,
        shares=draw(_shares(others)) if others else {},
    )


def _shares(staff: list[StaffId]) -> st.SearchStrategy[dict[StaffId, int]]:
    """Who else sees a customer, and until when: most often nobody."""
    some = st.dictionaries(st.sampled_from(staff), st.sampled_from([1, 2**40]), min_size=1, max_size=2)
    return st.one_of(st.just({}), st.just({}), some)


@st.composite
def _assignments(draw: st.DrawFn, staff: list[StaffId], most: int) -> tuple[Assignment, ...]:
    chosen = draw(st.lists(st.sampled_from(staff), unique=True, max_size=most))
    primary = draw(st.sampled_from([*chosen, None])) if chosen and most > 1 else next(iter(chosen), None)
    return tuple(
        Assignment(id, id == primary, draw(moments), draw(st.sampled_from(["", "lead", "Lead"])), "test")
        for id in sorted(chosen)
    )


# Scopes


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
        st.builds(SharedWith, st.frozensets(staff_ids, max_size=3), moments),
    )


# Effects and commands


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
        *(taker(kind, which, **_common()) for kind in (ClearPrimary, Claim, Release, DeleteCustomer)),
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
    unplaced = st.sampled_from(Unplaced)
    weights = st.dictionaries(staff_ids, st.integers(1, 9), min_size=1)
    made: Callable[..., Any] = st.builds
    return st.one_of(
        made(Transfer, staff_ids, receivers, selections(), unplaced, **said),
        made(Offboard, staff_ids, st.none() | receivers, unplaced, **said),
        made(Rebalance, weights, st.none() | st.integers(0, 9), scopes(depth=1), **said),
        made(Sweep, selections(), st.none() | receivers, st.sampled_from(Occasion), **said),
        made(Revert, texts.filter(bool), **said),
        made(ChangeRules, rules(), reason=_REASONS, expected_version=_VERSIONS),
        made(ChangeRules, forget=texts.filter(bool), reason=_REASONS, expected_version=_VERSIONS),
    )


# Distributions and rules


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
