"""The example shop: brought up by the line of its README, with people made up and with those of real shops."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SHOP = Path(__file__).parents[2] / "examples" / "django_shop"
LOOK = """
import json, sys
import django
django.setup()
from django.contrib.auth.models import User
from django.test import Client
from django.test.utils import setup_test_environment
setup_test_environment()
found = {}
for name in sys.argv[1:]:
    browser = Client()
    browser.force_login(User.objects.get(username=name))
    lists = [browser.get(f"/admin/shop/{model}/", {"all": ""}) for model in ("customer", "order")]
    found[name] = [sorted(str(row) for row in one.context["cl"].result_list) for one in lists]
print(json.dumps(found))
"""

WHO = ("jane.peacock@chinook", "steven.buchanan@northwind", "andrew.fuller@northwind")

Shell = Callable[..., str]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Runs Python in the shop's folder, on a database of its own, and gives what it says."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("BAZAAR_")},
        "SHOP_FILE": str(tmp_path / "shop.sqlite3"),
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "PYTHONPATH": str(SHOP),
    }

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=SHOP, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_shop_itself_knows_nothing_of_ownership() -> None:
    """One import and the mixins in its admin, one app and one dict in its settings; not a word elsewhere."""
    said: dict[str, list[str]] = defaultdict(list)
    for folder in ("shop", "project"):
        for path in (SHOP / folder).rglob("*.py"):
            said[path.name] += [line for line in path.read_text().splitlines() if "ownership" in line.lower()]
    mentions = {name: lines for name, lines in said.items() if lines}
    assert set(mentions) == {"admin.py", "settings.py"}
    first, *others = mentions["admin.py"]
    assert first == "from ownership_django.admin import OwnershipAdmin, StaffOwnershipAdmin"
    mixed = r"class \w+\((OwnershipAdmin, admin\.ModelAdmin|StaffOwnershipAdmin, UserAdmin)\):"
    assert all(re.fullmatch(mixed, line) for line in others)


def test_line_of_the_readme_brings_it_up(shell: Shell) -> None:
    """With data, a clean check, and no migration left to make."""
    line = re.search(r"```console\n(.*)\n", (SHOP / "README.md").read_text())
    assert line is not None
    first, second = line[1].split(" && ")
    assert second == "python manage.py runserver"
    assert shell(*first.split()[1:]).startswith("60 customers. ")
    shell("manage.py", "check", "--fail-level", "WARNING")
    shell("manage.py", "makemigrations", "--check", "--dry-run")
    found = json.loads(shell("-c", LOOK, "lena", "mara", "anna", "root"))
    assert {name: len(customers) for name, (customers, _) in found.items()} == {
        "lena": 15,
        "mara": 31,
        "anna": 60,
        "root": 60,
    }
    assert found["anna"] == found["root"]


def rows(folder: Path, file: str) -> list[dict[str, Any]]:
    """The lines of one of a real shop's files."""
    with (folder / f"{file}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_real_people_see_whom_their_files_say(shell: Shell, chinook: Path, northwind: Path) -> None:
    """Chinook's support representatives see their customers and these customers' orders; Northwind's see theirs."""
    assert chinook.parent == northwind.parent
    shell("bring_up.py", "--data", str(chinook.parent))
    found = json.loads(shell("-c", LOOK, *WHO, "root"))

    jane = next(row["EmployeeId"] for row in rows(chinook, "employees") if row["FirstName"] == "Jane")
    hers = [row for row in rows(chinook, "customers") if row["SupportRepId"] == jane]
    assert found[WHO[0]][0] == sorted(f"{row['FirstName']} {row['LastName']}" for row in hers)
    ids = {row["CustomerId"] for row in hers}
    invoices = [row for row in rows(chinook, "invoices") if row["CustomerId"] in ids]
    assert found[WHO[0]][1] == sorted(f"Order C-{row['InvoiceId']}" for row in invoices)

    # A manager of Northwind sees whoever anybody of his department looks after: everybody who ever ordered.
    sold = Counter(row["CustomerID"] for row in rows(northwind, "orders"))
    contacts = {row["CustomerID"]: row["ContactName"] for row in rows(northwind, "customers")}
    assert found[WHO[1]][0] == sorted(contacts[customer] for customer in sold)
    everybody = len(rows(chinook, "customers")) + len(contacts)
    assert len(found[WHO[2]][0]) == len(found["root"][0]) == everybody
