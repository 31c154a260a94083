"""The tables: one migration, nothing left to add in any project, and constraints that hold for whoever writes.

Proven by breaking it: fails without each constraint, without ``default_auto_field``, and when the receiver of
``post_migrate`` is not connected.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from office import Office, id_of

from ownership_django.cardinality import record_cardinality
from ownership_django.models import Assignment, Cardinality, rows_of

pytestmark = pytest.mark.django_db
SITE = Path(__file__).parent / "site"


def test_nothing_is_left_to_migrate() -> None:
    """``makemigrations --check`` finds no difference for us."""
    call_command("makemigrations", "ownership", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("auto", ["AutoField", "BigAutoField", "SmallAutoField"])
@pytest.mark.parametrize("key", ["text", "int", "uuid"])
def test_nothing_is_left_to_migrate_in_any_project(auto: str, key: str) -> None:
    """Whatever the project's automatic keys are, and whatever the keys of its customers."""
    found = subprocess.run(
        [sys.executable, "-m", "django", "makemigrations", "--check", "--dry-run", "ownership"],
        env={
            **os.environ,
            "BAZAAR_AUTO_FIELD": f"django.db.models.{auto}",
            "BAZAAR_KEY": key,
            "BAZAAR_DB": "sqlite",
            "DJANGO_SETTINGS_MODULE": "bazaar.settings",
            "PYTHONPATH": os.pathsep.join([str(SITE), *sys.path]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout.strip()) == (0, "No changes detected in app 'ownership'"), found.stderr


def test_cardinality_is_recorded_once() -> None:
    """Where the tables are made or emptied, and never over another one."""
    kept = rows_of(Cardinality, "default")
    assert [one.name for one in kept.all()] == ["single"]
    kept.update(name="multi")
    record_cardinality("default")
    assert [one.name for one in kept.all()] == ["multi"]
    kept._raw_delete("default")
    call_command("migrate", "ownership", verbosity=0)
    assert [one.name for one in kept.all()] == ["single"]


def _second_cardinality(_: Assignment) -> None:
    rows_of(Cardinality, "default").bulk_create([Cardinality(place=2, name="multi")])


def _copy(**other: Any) -> Callable[[Assignment], None]:
    def copy(row: Assignment) -> None:
        row.pk = None
        for name, value in other.items():
            setattr(row, name, value)
        rows_of(Assignment, "default").bulk_create([row])

    return copy


def _change(**other: Any) -> Callable[[Assignment], None]:
    def change(row: Assignment) -> None:
        rows_of(Assignment, "default").filter(pk=row.pk).update(**other)

    return change


WRONG = {
    "the same pair": _copy(slot=None),
    "two primaries": _copy(staff_id="tom"),
    "a second one in single": _copy(staff_id="tom", slot=None),
    "nobody's customer": _copy(customer_id=id_of("nobody")),
    "nobody's staff": _copy(customer_id=id_of("eiche"), staff_id="nobody"),
    "another cardinality": _change(cardinality_id="multi"),
    "a secondary alone in single": _change(slot=None),
    "a slot that is none": _change(slot=1),
    "a second cardinality": _second_cardinality,
}


@pytest.mark.parametrize("wrong", WRONG)
def test_database_keeps_the_invariants(wrong: str) -> None:
    """Whoever writes the rows, and by whatever way: here by none of ours."""
    office = Office()
    before = office.digest()
    row = Assignment.objects.get(customer_id=id_of("adler"))
    with pytest.raises(IntegrityError), transaction.atomic():  # noqa: PT012 - some are found when all is over
        WRONG[wrong](row)
        connection.check_constraints()
    assert office.digest() == before


def test_in_multi_there_is_room() -> None:
    """The same second assignment, where the recorded cardinality allows it."""
    Office()
    row = Assignment.objects.get(customer_id=id_of("adler"))
    rows = rows_of(Assignment, "default")
    kept = [*rows.all()]
    rows._raw_delete("default")
    rows_of(Cardinality, "default").update(name="multi")
    for one in kept:
        one.cardinality_id = "multi"
    rows.bulk_create(kept)
    _copy(staff_id="tom", slot=None, cardinality_id="multi")(row)
    connection.check_constraints()
    assert rows.filter(customer_id=id_of("adler")).count() == 2
