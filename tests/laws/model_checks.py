"""What must hold of a shop after every step, read from a store and compared with the shop in plain dicts.

Each function is one or more of the numbered promises; both stores are read through their ports, and SQLite's tables
once more behind them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

from attrs import frozen
from sqlalchemy import text

from ownership_core import Ownership, Receipt
from ownership_core.events import Event, Subject
from ownership_core.history import replay
from ownership_core.model import Actor, CoverRow, Customer, CustomerId
from ownership_core.ports import Query, Reader, Store, Tally
from ownership_core.rules import Rule
from ownership_core.ruling import PlanRow
from ownership_core.scope import ANY, ORPHANED, UNASSIGNED, Everything, Has, Not, PrimaryOf, Scope
from ownership_core.testing.oracle import surely
from ownership_core.testing.worlds import WORLD_FIELDS

from . import naive
from .naive import Plain

ACTIONS = ("view", "assign", "claim", "edit")
FILTERS = (Everything(), Has("groups", ["retail"]), Not(PrimaryOf(ANY)))
SORTS = ("id", "name", "-name", "website", "-created_at")


@frozen
class Facts:
    """Everything a store holds but runs, plans and keys, read at one moment."""

    customers: list[Customer]
    staff: list[Any]
    departments: list[Any]
    roles: dict[str, Any]
    covers: list[CoverRow]
    rules: list[Rule]
    access: dict[Any, Any]
    events: list[Event]
    outbox: list[Any]
    orphaned: list[CustomerId]
    unassigned: list[CustomerId]
    with_primary: list[CustomerId]


def facts(store: Store) -> Facts:
    """Read it all."""
    with store.reader() as reader:
        everybody = found(reader, Everything())
        return Facts(
            reader.customers(everybody),
            reader.staff(),
            reader.departments(),
            reader.roles(),
            reader.covers(),
            reader.rules(),
            reader.access(None),
            list(reader.events()),
            reader.outbox(),
            found(reader, ORPHANED),
            found(reader, UNASSIGNED),
            found(reader, PrimaryOf(ANY)),
        )


def found(reader: Reader, scope: Scope) -> list[CustomerId]:
    """All ids a scope is TRUE of."""
    return list(reader.ids(Query(scope)))


# Answers as the model says them


def assert_answered(receipt: Receipt, answer: Plain) -> None:
    """The receipt says what the model says: fates, codes, version, new matches, and whether there is a run."""
    assert tally_of(receipt.tally) == answer["tally"]
    assert (receipt.what, receipt.version, receipt.new_matches) == (
        answer["what"],
        answer["version"],
        answer["new_matches"],
    )
    assert (receipt.run is not None) is answer["wrote"]
    assert {warning.code for warning in receipt.warnings} == answer["warnings"]


def assert_rows(shop: Ownership, actor: Actor, run: str, answer: Plain) -> None:
    """I39: changed, unchanged, refused and stale rows are disjoint, are all that was asked for, and have reasons."""
    rows = [plain_row(row) for row in shop.plan_rows(actor, run)]
    assert rows == [without_held(row) for row in answer["rows"]]
    assert all(bool(row["codes"]) == (row["fate"] in {"refused", "stale"}) for row in rows)
    assert len({row["customer"] for row in rows}) == len(rows) == sum(list(answer["tally"].values())[:4])


def tally_of(tally: Tally) -> Plain:
    """A tally as the model writes it."""
    fates = {name: getattr(tally, name) for name in ("changed", "unchanged", "refused", "stale")}
    return {**fates, "codes": dict(tally.codes)}


def plain_row(row: PlanRow) -> Plain:
    """A plan row as the model writes it."""
    return {
        "customer": row.customer,
        "fate": row.fate.value,
        "version": row.version,
        "codes": set(row.codes),
        "before": row.primary_before,
        "after": row.primary_after,
        "added": row.added,
        "removed": [naive.held_of(assignment) for assignment in row.removed],
        **{name: getattr(row, name) for name in ("receiver", "source", "role")},
        "restored": [naive.held_of(assignment) for assignment in row.restored],
    }


def without_held(row: Plain) -> Plain:
    """A row of the model as far as a store tells it; most commands deal nothing and give nothing back."""
    told = {name: value for name, value in row.items() if name not in {"held", "turn", "merged", "misfit", "left"}}
    return {"receiver": None, "source": "", "role": "", "restored": [], **told}


def is_promotion(row: Plain) -> bool:
    """Whether somebody follows a primary that went, and is not the one who came."""
    followed = row["fate"] == "changed" and row["before"] is not None and bool(row["removed"])
    return followed and row["after"] not in {None, row["before"], row["added"]}


def is_stood_in(shop: Plain, actors: Sequence[Actor]) -> bool:
    """Whether somebody sees customers now only because it stands in for a colleague (H14)."""
    if not any(one["since"] <= shop["now"] < one["until"] for one in shop["covers"]):
        return False
    alone = {**shop, "covers": []}
    return any(naive.seen(shop, actor, "view") != naive.seen(alone, actor, "view") for actor in actors)


# The state


def assert_as_modelled(now: Facts, shop: Plain) -> None:
    """Customers, people, covers and rules are what the model says, to the last field and version."""
    assert {c.id: plain_customer(c) for c in now.customers} == shop["customers"]
    assert {s.id: plain_staff(s) for s in now.staff} == shop["staff"]
    assert {d.id: plain_department(d) for d in now.departments} == shop["departments"]
    assert {name: naive.levels_of(levels) for name, levels in now.roles.items()} == shop["roles"]
    assert now.rules == [rule for _, rule in sorted(shop["rules"].items())]
    covers = {one["id"]: CoverRow(**one) for one in shop["covers"]}
    assert {one.id: one for one in now.covers} == covers


def plain_customer(customer: Customer) -> Plain:
    """A customer as the model keeps it."""
    return {**naive.customer_of(customer), "version": customer.version}


def plain_staff(staff: Any) -> Plain:
    """A staff as the model keeps it."""
    return {
        **{name: getattr(staff, name) for name in ("label", "login", "active", "deleted", "version")},
        "departments": sorted(staff.departments),
        "websites": None if staff.websites is None else sorted(staff.websites),
        "roles": sorted(staff.roles),
        "restriction": naive.restriction_of(staff.restriction),
    }


def plain_department(department: Any) -> Plain:
    """A department as the model keeps it."""
    plain = {name: getattr(department, name) for name in ("label", "parent", "version")}
    return {**plain, "restriction": naive.restriction_of(department.restriction)}


def assert_turns(shops: Sequence[Ownership], shop: Plain) -> None:
    """Every store remembers who was last in each rotation; asked as a deal would ask, and nothing is kept of it."""
    for each in shops:
        with suppress(_Over), each.store.writer() as writer:
            assert writer.lock_rotations([*shop["rotations"]]) == shop["rotations"]
            raise _Over


class _Over(Exception):
    """Ends a transaction that only wanted to know."""


def assert_sound(now: Facts, cardinality: str, at_most: int) -> None:
    """I1 to I6: at most one primary, who is assigned; single means single; pairs once; nobody refers to nobody."""
    staff = {one.id for one in now.staff}
    last = {event.subject: event for event in now.events if event.subject_kind is Subject.CUSTOMER}
    for customer in now.customers:
        held = [assignment.staff for assignment in customer.assignments]
        primaries = [assignment.staff for assignment in customer.assignments if assignment.primary]
        assert len(primaries) <= 1, "I1"
        assert set(primaries) <= set(held), "I2"
        if cardinality == "single":
            assert held == primaries, "I3"
        if cardinality == "at_most":
            assert len(held) <= at_most
        assert len(set(held)) == len(held), "I4"
        told = last[customer.id].body["primary"][1]
        assert [told] == (primaries or [None]), "I5: the event and the assignment name the same primary"
        assert set(held) <= staff, "I6"
    assert now.with_primary == [c.id for c in now.customers if any(a.primary for a in c.assignments)], "I5"


def assert_no_loose_ends(sqlite: Any) -> None:
    """I6, by the database itself: every row refers to one that is there."""
    with sqlite.engine.connect() as connection:
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def assert_orphans_listed(now: Facts, shop: Plain) -> None:
    """I9: whose staff all left is orphaned, not unassigned, and nobody is lost between the two."""
    held = {id: [one["staff"] for one in customer["held"]] for id, customer in shop["customers"].items()}
    gone = {id for id, who in shop["staff"].items() if not who["active"] or who["deleted"]}
    assert now.orphaned == sorted(id for id, staff in held.items() if staff and set(staff) <= gone)
    assert now.unassigned == sorted(id for id, staff in held.items() if not staff)


def assert_recorded(now: Facts, model: list[Plain], told: set[tuple[str, str]]) -> None:
    """I33: one event for each effective change, with who, when, why and by which run, and none for anything else.

    Versions have no gap, and exactly those are told who gained or lost a customer.
    """
    expected = sorted(model, key=lambda event: (event["kind"], event["subject"], event["version"]))
    assert [plain_event(event) for event in now.events] == expected
    for before, after in pairwise(now.events):
        same = (before.subject_kind, before.subject) == (after.subject_kind, after.subject)
        assert after.version == (before.version + 1 if same else 1)
    assert [(task.run, task.receiver) for task in now.outbox] == sorted(told)


def plain_event(event: Event) -> Plain:
    """An event as the model keeps it."""
    kept = {name: getattr(event, name) for name in ("subject", "version", "run", "at", "actor", "reason", "body")}
    return {"kind": event.subject_kind.value, **kept}


def assert_replays(now: Facts) -> None:
    """I34: the events alone give the assignments, the versions and everybody's access."""
    state = replay(now.events)
    alive = {customer.id for customer in now.customers}
    assert {id: held for id, held in state.assignments.items() if held} == {
        customer.id: customer.assignments for customer in now.customers if customer.assignments
    }
    assert alive <= state.assignments.keys()
    versions = {("customer", customer.id): customer.version for customer in now.customers}
    versions |= {("staff", staff.id): staff.version for staff in now.staff}
    versions |= {("department", department.id): department.version for department in now.departments}
    assert versions.items() <= state.versions.items()
    names = ("active", "deleted", "departments", "websites", "roles", "restriction")
    for staff in now.staff:
        plain = plain_staff(staff)
        assert state.access["staff", staff.id]["access"] == {name: plain[name] for name in names}
    for department in now.departments:
        body, plain = state.access["department", department.id], plain_department(department)
        assert (body["parent"], body["restriction"]) == (plain["parent"], plain["restriction"])
    assert {name: naive.levels_of(levels) for name, levels in now.roles.items()} == {
        name: body["levels"] for (kind, name), body in state.access.items() if kind == "role"
    }


def assert_rightly_given(shop: Plain, events: list[Plain]) -> None:
    """I7, I8: whoever was given a customer is active and allowed that customer's website and groups."""
    for event in events:
        for line in event["body"].get("added", []):
            who, customer = shop["staff"][line["staff"]], shop["customers"][event["subject"]]
            assert who["active"], "I7"
            assert naive.fits_website(shop, who, customer), "I8"
            assert naive.fits_groups(shop, who, customer), "I8"


def customer_rows(store: Any) -> object:
    """The customers' own rows as they lie in the store: what I11 compares byte by byte."""
    if hasattr(store, "customer_rows"):
        return store.customer_rows()
    if not hasattr(store, "engine"):
        return dict(store._state.rows)
    with store.engine.connect() as connection:
        tables = ("ownership_customer", "ownership_customer_value")
        return [connection.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2, 3")).all() for table in tables]


# What somebody sees


def assert_everybody_sees(shop: Ownership, plain: Plain, actors: Sequence[Actor]) -> None:
    """I13: exactly those customers that active, website, groups and level leave; any missing answer denies."""
    for actor in actors:
        assert set(shop.visible(actor).ids()) == naive.seen(plain, actor, "view"), actor


def assert_lists_are_checks(shop: Ownership, plain: Plain, actors: Sequence[Actor], turn: int) -> None:
    """I14: a filtered list, sorted and paged, is what the point check leaves of the matches; so is the count.

    Every reader, action, filter, sort and page size has its turn.
    """
    actor, action, size = actors[turn % len(actors)], ACTIONS[turn % len(ACTIONS)], 2 + turn % 3
    scope, sort = FILTERS[turn % len(FILTERS)], SORTS[turn % len(SORTS)]
    allowed = shop.check(actor, action, [*plain["customers"], "nobody"])
    assert allowed == naive.seen(plain, actor, action), (actor, action)
    expected = {id for id in allowed if surely(scope, naive.record_of(plain, id), WORLD_FIELDS)}
    visible = shop.visible(actor, action).where(scope).order(sort)
    assert visible.count() == len(expected)
    listed = [customer.id for customer in paged(visible, size)]
    assert listed == naive.in_order(plain, expected, sort.lstrip("-"), sort.startswith("-"))


def paged(visible: Any, size: int) -> Iterator[Customer]:
    """All customers, a page at a time."""
    page = visible.page(size)
    yield from page.customers
    while page.next is not None:
        page = visible.page(size, page.next)
        yield from page.customers
