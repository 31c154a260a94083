"""What all tests share, plugins' too: how hard hypothesis tries, what happens without data, examples in docs."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import pytest
from hypothesis import HealthCheck, settings
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

sys.path.insert(0, str(Path(__file__).parent / "tests" / "support"))

# Both gates are derandomized: the same commit gets the same answer, here and on the next machine, so that a red test
# always belongs to the change at hand. New examples are looked for by hand: pytest --hypothesis-profile=hunt.
# No deadline: two busy cores make any example slow once.
settings.register_profile("quick", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("glance", max_examples=10, deadline=None, derandomize=True)  # for another Python or server
settings.register_profile(
    "ci", max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "hunt", max_examples=5000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("quick")

# Tests leave few cycles behind, and looking for them took a tenth of all time.
gc.set_threshold(200_000, 20, 100)


def _leave(namespace: dict[str, Any]) -> None:
    """A page's examples write files where they stand: in a folder of their own, gone afterwards."""
    namespace["_stood"], namespace["_folder"] = Path.cwd(), tempfile.TemporaryDirectory()
    os.chdir(namespace["_folder"].name)


def _return(namespace: dict[str, Any]) -> None:
    os.chdir(namespace["_stood"])
    namespace["_folder"].cleanup()


# Fenced ``python`` blocks, plain or as a session with >>>; the blocks of one page share their names.
pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=_leave,
    teardown=_return,
).pytest()


class Require(Protocol):
    """Ends a test that cannot run here."""

    def __call__(self, reason: str) -> NoReturn:
        """Skip and say why; with OWNERSHIP_REQUIRE=1 fail instead."""
        ...


def _require(reason: str) -> NoReturn:
    if os.environ.get("OWNERSHIP_REQUIRE") == "1":
        pytest.fail(f"{reason} (OWNERSHIP_REQUIRE=1 turns this skip into an error)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def require() -> Require:
    """For a test that needs what not every machine has: ``require("PostgreSQL: set OWNERSHIP_TEST_POSTGRES_URL")``."""
    return _require


@pytest.fixture(scope="session")
def databases(require: Require) -> Iterator[Any]:
    """Makes empty databases on the servers that are named; see ``tests/support/databases.py``."""
    from databases import Databases  # noqa: PLC0415 - only where a database is asked for

    made = Databases(require)
    yield made
    made.close()


@pytest.fixture(scope="session")
def shop_data(require: Require) -> Callable[[str], Path]:
    """Where a real shop's files lie, by its name; a test that asks for a missing one is skipped."""

    def find(shop: str) -> Path:
        root = os.environ.get("OWNERSHIP_TEST_DATA")
        if not root:
            require(f"real data: set OWNERSHIP_TEST_DATA to the folder that holds {shop}/")
        folder = Path(root) / shop
        if not folder.is_dir():
            require(f"real data: {folder} is no folder (OWNERSHIP_TEST_DATA={root})")
        return folder

    return find


@pytest.fixture(scope="session")
def chinook(shop_data: Callable[[str], Path]) -> Path:
    """The folder of the music shop: customers.csv, employees.csv, invoices.csv and invoice_lines.csv."""
    return shop_data("chinook")


@pytest.fixture(scope="session")
def northwind(shop_data: Callable[[str], Path]) -> Path:
    """The folder of the food trader: customers.csv, employees.csv, orders.csv, territories.csv and more."""
    return shop_data("northwind")
