"""Customers of every shape and place: users, children, rows beside a user, rows no manager gives, another database.

Proven by breaking it: fails when rows are asked for through a manager of the host, and when a key that is a relation
is taken for a column of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SITE = Path(__file__).parent / "site"


@pytest.mark.parametrize("kind", ["user", "child", "beside", "tenant", "elsewhere"])
def test_whatever_the_customers_are_the_story_is_the_same(kind: str) -> None:
    """Each in a process and a database of its own: our foreign key is made when models are imported."""
    environment = {
        **os.environ,
        "KINDS": kind,
        "PYTHONPATH": os.pathsep.join([str(SITE), *sys.path]),
        "DJANGO_SETTINGS_MODULE": "kinds.settings",
    }
    told = subprocess.run(
        [sys.executable, "-W", "error", "-m", "kinds"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout.splitlines()[-1])
    assert sorted(found.pop("names")) == ["c0", "c1", "c2", "c3"]
    assert found == {
        "listed": [0, 1],
        "core": [0, 1],
        "checked": [0, 1],
        "scopes": True,
        "after": [1],
        "history": ["assign", "delete_customer"],
    }
