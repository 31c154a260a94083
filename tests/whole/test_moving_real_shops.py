"""Moving many on the data of two shops, Northwind's and Chinook's, by the command line: the tables add up."""

from __future__ import annotations

import csv
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from attrs import frozen
from calls import Calls

pytest.importorskip("click")

from ownership_core.cli.app import run

MAPS = Path(__file__).parent / "maps"


@frozen
class Book:
    """A shop whose customers are owned, and who owns and where each is by other means than ours."""

    database: Path
    owners: Mapping[str, str | None]
    countries: Mapping[str, str]

    @property
    def busiest(self) -> str:
        """Who has the most customers."""
        return max(self.sellers, key=lambda staff: self.held[staff])

    @property
    def sellers(self) -> list[str]:
        """Everybody who has customers."""
        return sorted(staff for staff in self.held if staff is not None)

    @property
    def others(self) -> list[str]:
        """Everybody who has customers but the busiest."""
        return [staff for staff in self.sellers if staff != self.busiest]

    @property
    def held(self) -> Counter[str | None]:
        """How many each has."""
        return Counter(self.owners.values())


@pytest.fixture(scope="module", params=["chinook", "northwind"])
def book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Book:
    """One of the shops, imported by its own commands."""
    data: Path = request.getfixturevalue(request.param)
    folder = tmp_path_factory.mktemp(request.param)
    owners = chinooks_owners(data) if request.param == "chinook" else northwinds_owners(data)
    with (folder / "assignments.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("customer", "staff"), *((one, staff) for one, staff in owners.items() if staff)])
    employees, customers = (MAPS / f"{request.param}-{noun}.toml" for noun in ("employees", "customers"))
    for arguments in (
        ("db", "init", "--admin", "boss"),
        ("staff", "import", data / "employees.csv", "--map", employees, "--as", "boss"),
        ("customers", "import", data / "customers.csv", "--map", customers, "--as", "boss"),
        ("assignments", "import", "assignments.csv", "--as", "boss"),
    ):
        with chdir(folder), redirect_stdout(StringIO()), redirect_stderr(StringIO()) as said:
            assert run([str(argument) for argument in arguments]) == 0, said.getvalue()
    key = "CustomerId" if request.param == "chinook" else "CustomerID"
    return Book(folder / "ownership.db", owners, {row[key]: row["Country"] for row in rows(data / "customers.csv")})


@pytest.fixture
def desk(shop: Calls, book: Book) -> Calls:
    """A copy of the shop to work with."""
    shutil.copy(book.database, shop.folder)
    return shop


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def chinooks_owners(data: Path) -> dict[str, str | None]:
    """Each customer's support representative."""
    return {row["CustomerId"]: row["SupportRepId"] or None for row in rows(data / "customers.csv")}


def northwinds_owners(data: Path) -> dict[str, str | None]:
    """Whoever sold a customer the most owns it; of equals the lower number, nobody where nothing was sold."""
    order_of = {row["OrderID"]: row for row in rows(data / "orders.csv")}
    sold: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for line in rows(data / "order_details.csv"):
        order = order_of[line["OrderID"]]
        amount = Decimal(line["UnitPrice"]) * int(line["Quantity"]) * (1 - Decimal(line["Discount"]))
        sold[order["CustomerID"]][order["EmployeeID"]] += amount
    ids = [row["CustomerID"] for row in rows(data / "customers.csv")]
    return {id: min(sold[id], key=lambda staff: (-sold[id][staff], staff)) if sold[id] else None for id in ids}


def owned(desk: Calls) -> dict[str, str | None]:
    """Who has each customer, as the list tells."""
    return {row["id"]: row["primary"] for row in desk("list", "--format", "json", "--limit", "1000", who="boss").data}


def moves(desk: Calls, *arguments: str) -> str:
    """Plan, print and check the table, apply; the run."""
    before = Counter(owned(desk).values())
    planned = desk("plan", *arguments, "-o", "plan.json", who="boss")
    assert planned.code == 0, planned.err
    show(f"$ ownership plan {' '.join(arguments)}\n{planned.out[planned.out.index('staff ') :]}")
    table = read_table(planned.out)
    assert Counter({staff: line["before"] for staff, line in table.items()}) == Counter(
        {staff: before[staff] for staff in table}
    )
    done = desk("apply", "plan.json", "--format", "json", who="boss")
    assert done.code == 0, done.err
    after = Counter(owned(desk).values())
    assert {staff: line["after"] for staff, line in table.items()} == {staff: after[staff] for staff in table}
    assert {staff for staff in {*before, *after} if before[staff] != after[staff]} <= set(table)
    assert sum(before.values()) == sum(after.values())
    run_id: str = done.data["run"]
    return run_id


def show(text: str) -> None:
    """Print for whoever runs this with ``-s``; what the commands print is caught."""
    if sys.__stdout__ is not None:
        sys.__stdout__.write(text)


def read_table(printed: str) -> dict[str | None, dict[str, int]]:
    """The lines of the printed table of staff; each adds up, and so does the table."""
    head, *lines = printed[printed.index("staff ") :].splitlines()
    found: dict[str | None, dict[str, int]] = {}
    for line in lines:
        if not line:
            break
        staff, *numbers = line.split()
        found[None if staff == "-" else staff] = dict(zip(head.split()[1:], map(int, numbers), strict=True))
    assert all(one["before"] + one["gains"] - one["loses"] == one["after"] for one in found.values())
    assert sum(one["gains"] for one in found.values()) == sum(one["loses"] for one in found.values())
    return found


def test_all_customers_of_one_country_go_to_one_person(desk: Calls, book: Book) -> None:
    """Those of that country and nobody else; undone, everything is as it was."""
    [(country, count)] = Counter(book.countries.values()).most_common(1)
    receiver = book.others[0]
    run_id = moves(desk, "assign", "--where", f"countries={country}", "--staff", receiver)
    assert count > 10
    assert owned(desk) == {
        one: receiver if book.countries[one] == country else owner for one, owner in book.owners.items()
    }
    assert desk("undo", run_id, "--yes", who="boss").code == 0
    assert owned(desk) == book.owners


def test_the_busiest_leaves_and_the_others_share_by_workload(desk: Calls, book: Book) -> None:
    """Each to whoever has the fewest by then, as counted by hand; undone, everything is as it was."""
    assert desk("inventory", book.busiest, "--format", "json", who="boss").data[0]["count"] == book.held[book.busiest]
    options = [part for staff in book.others for part in ("--to", staff)]
    run_id = moves(desk, "offboard", book.busiest, *options, "--by", "least-busy")
    expected, held = dict(book.owners), Counter(book.held)
    for one in sorted(one for one, owner in book.owners.items() if owner == book.busiest):
        expected[one] = min(book.others, key=lambda staff: (held[staff], staff))
        held[expected[one]] += 1
    assert owned(desk) == expected
    assert desk("undo", run_id, "--yes", who="boss").code == 0
    assert owned(desk) == book.owners


def test_the_busiest_leaves_and_the_others_share_by_country(desk: Calls, book: Book) -> None:
    """Each country whole to one; then the rest is levelled out by the fewest moves; both are undone, the later first.

    Those whom both moved were changed since the first, and are listed.
    """
    countries = sorted({book.countries[one] for one, owner in book.owners.items() if owner == book.busiest})
    chosen = {country: book.others[place % len(book.others)] for place, country in enumerate(countries[1:])}
    cases = [part for country, staff in chosen.items() for part in ("--case", f"{country}={staff}")]
    rest = book.others[-1]
    left = moves(desk, "offboard", book.busiest, "--by-field", "countries", *cases, "--otherwise", rest)
    divided = owned(desk)
    assert divided == {
        one: chosen.get(book.countries[one], rest) if owner == book.busiest else owner
        for one, owner in book.owners.items()
    }

    among = [part for staff in book.others for part in ("--among", staff)]
    levelled = moves(desk, "rebalance", *among)
    before, after = (Counter(held.values()) for held in (divided, owned(desk)))
    shares = [after[staff] for staff in book.others]
    assert max(shares) - min(shares) <= 1
    twice = {one for one, owner in owned(desk).items() if divided[one] != owner}
    assert len(twice) == fewest(sorted(before[staff] for staff in book.others))

    assert desk("undo", levelled, "--yes", who="boss").code == 0
    assert owned(desk) == divided
    touched = {one for one, owner in book.owners.items() if owner == book.busiest and one in twice}
    undone = desk("undo", left, "--yes", "--format", "csv", who="boss")
    assert undone.code == (1 if touched else 0)
    assert {row["customer"] for row in csv.DictReader(StringIO(undone.out))} == touched
    assert owned(desk) == {one: divided[one] if one in touched else owner for one, owner in book.owners.items()}
    done = [one for one in desk("runs", "--format", "json", who="boss").data if one["state"] == "applied"]
    assert [(one["what"], one["changed"]) for one in done[:2]] == [
        ("revert", book.held[book.busiest] - len(touched)),
        ("revert", len(twice)),
    ]


def fewest(held: list[int]) -> int:
    """How many have to move until nobody has two more than another: the largest shares go to those who have most."""
    share, more = divmod(sum(held), len(held))
    targets = [share] * (len(held) - more) + [share + 1] * more
    return sum(max(0, has - target) for has, target in zip(held, targets, strict=True))


def test_the_shop_is_as_the_files_say(desk: Calls, book: Book) -> None:
    """Each customer has the owner that was worked out by other means; nobody is lost on the way."""
    assert owned(desk) == book.owners
    assert (len(book.owners), len(book.sellers)) in {(59, 3), (91, 9)}
