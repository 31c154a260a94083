"""Northwind as its owner has it: its own table and column names, loaded unchanged into any database."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Date, Engine, ForeignKey, Integer, MetaData, Numeric, String, Table, insert, select

from ownership_sqlalchemy import HostTables

METADATA = MetaData()
CUSTOMERS = Table(
    "Customers",
    METADATA,
    Column("CustomerID", String(5), primary_key=True),
    Column("CompanyName", String(40), nullable=False),
    *(Column(name, String(length)) for name, length in (("ContactName", 30), ("ContactTitle", 30), ("Address", 60))),
    *(Column(name, String(length)) for name, length in (("City", 15), ("Region", 15), ("PostalCode", 10))),
    *(Column(name, String(length)) for name, length in (("Country", 15), ("Phone", 24), ("Fax", 24))),
)
EMPLOYEES = Table(
    "Employees",
    METADATA,
    Column("EmployeeID", Integer, primary_key=True, autoincrement=False),
    Column("LastName", String(20), nullable=False),
    Column("FirstName", String(10), nullable=False),
    Column("Title", String(30)),
    Column("ReportsTo", Integer, ForeignKey("Employees.EmployeeID")),
)
ORDERS = Table(
    "Orders",
    METADATA,
    Column("OrderID", Integer, primary_key=True, autoincrement=False),
    Column("CustomerID", String(5), ForeignKey("Customers.CustomerID"), index=True),
    Column("EmployeeID", Integer, ForeignKey("Employees.EmployeeID"), index=True),
    Column("OrderDate", Date),
    Column("Freight", Numeric(10, 4)),
)

TABLES = HostTables(
    CUSTOMERS,
    {
        "name": CUSTOMERS.c.CompanyName,
        "phone": CUSTOMERS.c.Phone,
        "cities": select(CUSTOMERS.c.CustomerID, CUSTOMERS.c.City),
        "countries": select(CUSTOMERS.c.CustomerID, CUSTOMERS.c.Country),
        "groups": select(CUSTOMERS.c.CustomerID, CUSTOMERS.c.Country),
    },
)
"""A customer's group is its country: what a trader's managers are bound to."""


def load(engine: Engine, folder: Path) -> None:
    """Make Northwind's tables and fill them from its files."""
    METADATA.create_all(engine)
    with engine.begin() as connection:
        for table, file in ((CUSTOMERS, "customers"), (EMPLOYEES, "employees"), (ORDERS, "orders")):
            rows = list(_rows(folder / f"{file}.csv", table))
            if table is EMPLOYEES:  # whoever is reported to comes first
                rows.sort(key=lambda row: row["ReportsTo"] or 0)
            connection.execute(insert(table), rows)


def _rows(path: Path, table: Table) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            yield {column.name: _value(line[column.name], column) for column in table.columns}


def _value(text: str, column: Column[Any]) -> Any:
    if text == "":
        return None
    if isinstance(column.type, Integer):
        return int(text)
    return date.fromisoformat(text) if isinstance(column.type, Date) else text


def pairs(engine: Engine) -> list[tuple[str, str, int]]:
    """Who sold to whom, and how often: (customer, employee, orders), the busiest first."""
    with engine.connect() as connection:
        sold = connection.execute(select(ORDERS.c.CustomerID, ORDERS.c.EmployeeID)).all()
    counted: dict[tuple[str, int], int] = {}
    for customer, employee in sold:
        counted[customer, employee] = counted.get((customer, employee), 0) + 1
    found = [(customer, str(employee), many) for (customer, employee), many in counted.items()]
    return sorted(found, key=lambda one: (one[0], -one[2], int(one[1])))
