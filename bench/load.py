"""Writes a shop into the tables, past the API: it is what the measuring begins with, not what is measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, text

from bench.shop import DEPARTMENTS, MOMENT, STAFF, WEBSITES, Shop
from ownership_sqlalchemy.bodies import kept_body

CHUNK = 50_000
LEVELS = (
    *(("associate", action, 1) for action in ("view", "claim")),
    *(("manager", action, 2) for action in ("view", "edit")),
    *(("admin", action, 4) for action in ("view", "edit", "assign")),
)
DENIED = {
    **dict.fromkeys((1, STAFF // 2, STAFF, STAFF + 1, STAFF + 3), ("g8",)),
    STAFF + 2: ("g7", "g8"),
}
"""The customer groups that the measured staff may not see, by their rank."""


def load(connection: Connection, shop: Shop) -> None:
    """Fill the empty tables; half a minute for a million customers."""
    for table, columns, rows in _people(shop):
        insert(connection, table, columns, rows)
    customers = ((id, "customer", name, site, True, MOMENT) for id, name, site in shop.customer_rows())
    insert(connection, "customer", "id kind name website active created_at", customers)
    groups = ((id, "groups", group, None) for id, group in shop.group_rows())
    insert(connection, "customer_value", "customer_id field value number", groups)
    name = "single" if shop.single else "multi"
    _say(
        connection,
        "INSERT INTO ownership_head (customer_id, version, no_auto, cardinality)"
        f" SELECT id, 1, {_false(connection)}, '{name}' FROM ownership_customer",
    )
    assignments = (
        (customer, staff, slot, name, "", "bench", MOMENT) for customer, staff, slot in shop.assignment_rows()
    )
    insert(connection, "assignment", "customer_id staff_id slot cardinality role source since", assignments)
    columns = "subject_kind subject version run at actor_kind actor body"
    insert(connection, "event", columns, _history(shop))


def _history(shop: Shop) -> Iterator[Sequence[Any]]:
    """Who got everybody first: what a run writes is added to a history."""
    given = ((customer, staff) for customer, staff, slot in shop.assignment_rows() if slot == 0)
    for number, (customer, staff) in enumerate(given):
        line = {"staff": str(staff), "primary": True, "since": MOMENT, "role": "", "source": "bench"}
        body = {"v": 1, "what": "assign", "primary": [None, str(staff)], "added": [line], "removed": [], "fields": []}
        run = f"00000000-0000-7000-8000-{number // 1_000:012}"
        yield "customer", str(customer), 1, run, MOMENT, "staff", "bench", kept_body(body)


def _people(shop: Shop) -> Iterator[tuple[str, str, Iterable[Sequence[Any]]]]:
    ranks = range(1, STAFF + 5)
    units = [f"d{number:03}" for number in range(DEPARTMENTS)]
    yield "department", "id label parent version", [(unit, unit, None, 1) for unit in units]
    yield (
        "staff",
        "id label login active deleted website_restricted version access_version",
        [(shop.staff(rank), f"Staff {rank}", None, True, False, is_restricted(rank), 1, 1) for rank in ranks],
    )
    # Everybody but the admin and the bulk's receiver works on two of the three websites.
    yield (
        "staff_website",
        "staff_id website",
        [(shop.staff(rank), site) for rank in ranks if is_restricted(rank) for site in WEBSITES[:2]],
    )
    yield "staff_department", "staff_id department_id", [(shop.staff(rank), shop.department(rank)) for rank in ranks]
    yield "role", "name version", [("associate", 1), ("manager", 1), ("admin", 1)]
    yield "role_level", "role action level", LEVELS
    yield "staff_role", "staff_id role", [(shop.staff(rank), role_of(rank)) for rank in ranks]
    holders = {str(shop.staff(rank)): groups for rank, groups in DENIED.items()}
    yield "restriction", "holder_kind holder mode", [("staff", holder, "deny") for holder in holders]
    yield (
        "restriction_group",
        "holder_kind holder customer_group",
        [("staff", holder, group) for holder, groups in holders.items() for group in groups],
    )


def role_of(rank: int) -> str:
    """The role of the staff of a rank."""
    return {STAFF + 1: "manager", STAFF + 2: "admin", STAFF + 4: "admin"}.get(rank, "associate")


def is_restricted(rank: int) -> bool:
    """Whether this one works for some websites only."""
    return rank not in (STAFF + 2, STAFF + 3, STAFF + 4)


def insert(connection: Connection, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """Many rows of one of our tables."""
    insert_rows(connection.connection.dbapi_connection, f"ownership_{table}", columns, rows)


def insert_rows(raw: Any, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """Many rows over a driver's connection: by COPY where there is one, else by the driver's loop in C."""
    names = columns.split()
    if hasattr(raw, "pgconn"):
        with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join("?" * len(names))
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK)):
        raw.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", chunk)


def _say(connection: Connection, statement: str) -> None:
    connection.execute(text(statement))


def _false(connection: Connection) -> str:
    return "false" if connection.dialect.name == "postgresql" else "0"
