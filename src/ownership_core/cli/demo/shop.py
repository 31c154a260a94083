"""The files of a made-up shop: two websites, three departments, twelve staff, 240 customers. Always the same."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

SETTINGS = """\
sharing = "per_website"          # staff who serve one website see the customers of that one only
"""

DEPARTMENTS = (("sales", "Sales", ""), ("retail", "Retail", "sales"), ("wholesale", "Wholesale", "sales"))

STAFF = (
    ("tomas", "Tomas Berg", "wholesale", "", "manager"),
    ("ingrid", "Ingrid Moe", "retail", "", "manager"),
    ("maria", "Maria Lopez", "retail", "leaf;lantern", "associate"),
    ("jon", "Jon Smith", "retail", "leaf", "associate"),
    ("li", "Li Na", "retail", "lantern", "associate"),
    ("amara", "Amara Diallo", "retail", "leaf;lantern", "associate"),
    ("pavel", "Pavel Novak", "retail", "lantern", "associate"),
    ("yuki", "Yuki Tanaka", "wholesale", "leaf", "associate"),
    ("omar", "Omar Haddad", "wholesale", "lantern", "associate"),
    ("sofia", "Sofia Rossi", "wholesale", "leaf;lantern", "associate"),
    ("nils", "Nils Vik", "wholesale", "leaf;lantern", "associate"),
)
"""Everybody but Ada, who is there first."""

_FIRST = ("Anna", "Bela", "Carlos", "Dilan", "Emma", "Farid", "Greta", "Hugo", "Ines", "Jakob", "Kaya", "Luis")
_LAST = (
    "Holm",
    "Okafor",
    "Weber",
    "Silva",
    "Novotny",
    "Brandt",
    "Castro",
    "Dahl",
    "Eriksen",
    "Fontaine",
    "Gupta",
    "Haas",
    "Ivanova",
    "Jensen",
    "Klein",
    "Larsen",
    "Meyer",
)
_FIRMS = ("Café", "Hotel", "Bistro", "Tea House", "Gallery")
_PLACES = (
    ("Oslo", "0150", "Norway"),
    ("Bergen", "5003", "Norway"),
    ("Hamburg", "20095", "Germany"),
    ("Lyon", "69001", "France"),
    ("Porto", "4000-001", "Portugal"),
)
_ALONE, _FIRM = 16, 3
"""Every so many customers there is one nobody owns, and one that is a firm."""


def write_shop(folder: Path) -> None:
    """Write the settings and the four files into a folder."""
    (folder / "ownership.toml").write_text(SETTINGS, encoding="utf-8")
    _write(folder / "departments.csv", ("id", "label", "parent"), DEPARTMENTS)
    _write(folder / "staff.csv", ("id", "label", "departments", "websites", "role"), STAFF)
    header = ("id", "name", "email", "website", "groups", "tags", "cities", "zips", "countries")
    _write(folder / "customers.csv", header, customers())
    _write(folder / "assignments.csv", ("customer", "staff"), assignments())


def customers(count: int = 240) -> Iterator[tuple[str, ...]]:
    """The customers: two of three are people, the others firms that buy wholesale."""
    for number in range(1, count + 1):
        last = _LAST[number * 7 % len(_LAST)]
        firm = _is_firm(number)
        first = _FIRMS[number % len(_FIRMS)] if firm else _FIRST[number * 5 % len(_FIRST)]
        place = _PLACES[number * 3 % 7 % len(_PLACES)]
        groups = "Wholesale" if firm else "Retail;VIP" if number % 20 == 1 else "Retail"
        tags = ";".join(tag for tag, every in (("newsletter", 2), ("tea club", 9)) if number % every == 0)
        name = f"{first} {last}"
        email = f"{name.lower().replace(' ', '.').replace('é', 'e')}.{number}@mail.example"
        yield _id(number), name, email, _website(number), groups, tags, *place


def assignments(count: int = 240) -> Iterator[tuple[str, str]]:
    """Each customer goes to somebody of the right department who serves its website; some to nobody."""
    for number in range(1, count + 1):
        if number % _ALONE:
            department = "wholesale" if _is_firm(number) else "retail"
            able = [
                staff
                for staff, _, where, sites, role in STAFF
                if role == "associate" and where == department and _website(number) in sites.split(";")
            ]
            yield _id(number), able[number // 3 % len(able)]


def _id(number: int) -> str:
    return f"c{number:03}"


def _is_firm(number: int) -> bool:
    return number % _FIRM == 0


def _website(number: int) -> str:
    return "lantern" if number % 5 in {3, 4} else "leaf"


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
