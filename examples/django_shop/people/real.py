"""The people of Chinook, a music shop, and of Northwind, a food trader, as their files have them."""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from people.nouns import Buyer, People, Sale, Seller

Row = dict[str, str]


def real_people(folder: Path) -> People:
    """Everybody of the shops in ``folder``: ``chinook/`` and ``northwind/``."""
    people = _chinook(folder / "chinook")
    people.add(_northwind(folder / "northwind"))
    return people


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _login(row: Row, department: str) -> str:
    """The two shops have a Robert King each, and a Laura Callahan."""
    plain = unicodedata.normalize("NFKD", f"{row['FirstName']}.{row['LastName']}")
    name = "".join(letter for letter in plain.lower() if letter.isascii() and (letter.isalnum() or letter == "."))
    return f"{name}@{department}"


def _sellers(rows: list[Row], department: str, key: str) -> dict[str, Seller]:
    """By their number. Whoever others report to is a manager, whoever reports to nobody may do everything."""
    bosses = {row["ReportsTo"] for row in rows}
    return {
        row[key]: Seller(
            _login(row, department),
            row["FirstName"],
            row["LastName"],
            department,
            "admin" if not row["ReportsTo"] else "manager" if row[key] in bosses else "associate",
        )
        for row in rows
    }


def _chinook(folder: Path) -> People:
    sellers = _sellers(list(_rows(folder / "employees.csv")), "chinook", "EmployeeId")
    people = People(sellers=list(sellers.values()), departments={"chinook": None})
    for row in _rows(folder / "customers.csv"):
        number = f"chinook-{row['CustomerId']}"
        people.buyers.append(
            Buyer(
                number,
                f"{row['FirstName']} {row['LastName']}",
                "chinook.example",
                row["Email"],
                row["Phone"],
                row["Company"],
                row["City"],
                row["Country"],
                ("wholesale",) if row["Company"] else ("retail",),
            )
        )
        people.looks_after[number] = [sellers[row["SupportRepId"]].login]
    for row in _rows(folder / "invoices.csv"):
        day, total = date.fromisoformat(row["InvoiceDate"][:10]), Decimal(row["Total"])
        people.sales.append(Sale(f"C-{row['InvoiceId']}", f"chinook-{row['CustomerId']}", day, total))
    return people


def _northwind(folder: Path) -> People:
    sellers = _sellers(list(_rows(folder / "employees.csv")), "northwind", "EmployeeID")
    people = People(sellers=list(sellers.values()), departments={"northwind": None})
    for row in _rows(folder / "customers.csv"):
        number = f"northwind-{row['CustomerID']}"
        contact = {"company": row["CompanyName"], "city": row["City"], "country": row["Country"]}
        people.buyers.append(
            Buyer(number, row["ContactName"], "northwind.example", phone=row["Phone"], groups=("wholesale",), **contact)
        )
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in _rows(folder / "order_details.csv"):
        price = Decimal(row["UnitPrice"]) * int(row["Quantity"]) * (1 - Decimal(row["Discount"]))
        totals[row["OrderID"]] += price.quantize(Decimal("0.01"))
    sold: dict[str, Counter[str]] = defaultdict(Counter)
    for row in _rows(folder / "orders.csv"):
        number = f"northwind-{row['CustomerID']}"
        sold[number][sellers[row["EmployeeID"]].login] += 1
        day = date.fromisoformat(row["OrderDate"][:10])
        people.sales.append(Sale(f"N-{row['OrderID']}", number, day, totals[row["OrderID"]]))
    for number, sellings in sold.items():
        people.looks_after[number] = [login for login, _ in sellings.most_common(3)]
    return people
