"""Servers under pressure: counted, not hoped. Each test says in the end what it counted.

``--seed N`` tries other orders, ``--share 0.1`` a tenth of all that is tried.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest
from crew import Crew
from databases import emptied
from ledger import Ledger
from sqlalchemy.engine import URL

from ownership_core import Actor, Ownership, load_settings
from ownership_sqlalchemy import SqlAlchemyStore

COUNTED = "counted"
ADA = Actor.staff("ada")
Tell: TypeAlias = Callable[..., None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """What is tried, and how often."""
    parser.addoption("--seed", type=int, default=20260302, help="what the pressure tests try")
    parser.addoption("--share", type=float, default=1.0, help="how much of all they try: 0.1 for a first look")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> str:
    """A seed for this test alone: what others do does not change what it tries."""
    return f"{request.config.getoption('--seed', default=20260302)} {request.node.name}"


@pytest.fixture
def share(request: pytest.FixtureRequest) -> float:
    """How much of all that should be tried."""
    return float(request.config.getoption("--share", default=1.0))


@pytest.fixture
def chance(seed: str) -> random.Random:
    """All choices of this test."""
    return random.Random(seed)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Says what was counted, also where nothing failed."""

    def say(**counted: object) -> None:
        record_property(COUNTED, ", ".join(f"{name} {value}" for name, value in counted.items()))

    return say


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What each test counted, whichever process it ran in."""
    for report in terminalreporter.getreports("passed"):
        for name, told in report.user_properties:
            if name == COUNTED and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid.partition('::')[2]}: {told}")


@pytest.fixture(scope="session")
def crews() -> Iterator[Callable[[int], Crew]]:
    """Processes are started once for each number of them."""
    started: dict[int, Crew] = {}

    def crew(size: int) -> Crew:
        if size not in started:
            started[size] = Crew(size)
        return started[size]

    yield crew
    for one in started.values():
        one.close()


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> str:
    """Both servers."""
    return str(request.param)


@pytest.fixture(params=[2, 4])
def size(request: pytest.FixtureRequest) -> int:
    """How many processes."""
    return int(request.param)


class Place:
    """One shop on a server: its address, its rows, and somebody who may do everything."""

    def __init__(self, url: URL, cardinality: str) -> None:
        self.url = url.render_as_string(hide_password=False)
        self.store = SqlAlchemyStore.open(url, cardinality=cardinality)
        self.store.upgrade()
        self.ledger = Ledger(self.store.engine, cardinality)

    def begin(self, settings: dict[str, Any]) -> None:
        """Nobody there but Ada."""
        emptied(self.store.engine, self.store._tables, cardinality=settings["cardinality"])
        self.settings = settings
        self.shop = Ownership(self.store, load_settings(settings))
        self.shop.bootstrap("ada", "Ada", "root")

    def does(self, *commands: Any) -> None:
        """Ada does all this at once."""
        with self.shop.atomic() as transaction:
            for command in commands:
                transaction.execute(command, ADA)


@pytest.fixture(scope="session")
def place(databases: Any) -> Iterator[Callable[..., Place]]:
    """``place("mariadb", cardinality="multi")``: an empty shop with the admin ``ada``; its tables are made once."""
    made: dict[tuple[str, str], Place] = {}

    def open_one(kind: str, **settings: Any) -> Place:
        key = (kind, settings["cardinality"])
        if key not in made:
            made[key] = Place(databases.new(kind), settings["cardinality"])
        made[key].begin(settings)
        return made[key]

    yield open_one
    for one in made.values():
        one.store.close()
