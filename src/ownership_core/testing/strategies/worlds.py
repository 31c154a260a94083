"""Random worlds: people, departments, customers and who is assigned to whom, with hostile texts among them."""

from __future__ import annotations

from hypothesis import strategies as st

from ownership_core.fields import Field, Kind
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
from ownership_core.policies import SINGLE
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
