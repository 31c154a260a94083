"""Our rows are read through the ORM and written by commands: every other way of the ORM is refused.

Proven by breaking it: each parametrised case fails when its name is taken from ``GuardedQuerySet`` or
``GuardedModel``; those of ``loaddata`` without the constraints they name.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.db.models import Model
from office import Office, id_of

from ownership_core.errors import Refused
from ownership_django.models import Assignment, Cardinality, Event, Head, Staff, rows_of

pytestmark = pytest.mark.django_db

WAYS: dict[str, Callable[[Any], Any]] = {
    "save": lambda row: row.save(),
    "delete": lambda row: row.delete(),
    "save_base": lambda row: row.save_base(),
    "create": lambda row: type(row).objects.create(),
    "update": lambda row: type(row).objects.update(pk=row.pk),
    "delete all": lambda row: type(row).objects.all().delete(),
    "filtered": lambda row: type(row).objects.filter(pk=row.pk).delete(),
    "bulk_create": lambda row: type(row).objects.bulk_create([row]),
    "bulk_update": lambda row: type(row).objects.bulk_update([row], []),
    "get_or_create": lambda row: type(row).objects.get_or_create(pk=row.pk),
    "update_or_create": lambda row: type(row).objects.update_or_create(pk=row.pk),
    "base manager": lambda row: type(row)._default_manager.update(),
}


@pytest.fixture
def office() -> Office:
    """The back office."""
    return Office()


@pytest.mark.parametrize("model", [Assignment, Head, Event, Staff, Cardinality], ids=lambda model: model.__name__)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_write_is_refused(office: Office, model: type[Model], way: str) -> None:
    """With a code and what to do instead; and nothing is written."""
    row, before = rows_of(model, "default").first(), office.digest()
    assert row is not None
    with pytest.raises(Refused) as refused:
        WAYS[way](row)
    assert refused.value.codes == ("read_only_rows",)
    assert "command" in str(refused.value)
    assert office.digest() == before


@pytest.mark.parametrize("way", ["adelete", "aupdate", "acreate", "abulk_create"])
def test_asynchronous_twins_are_refused(office: Office, way: str) -> None:
    """They call the others."""
    from asgiref.sync import async_to_sync  # noqa: PLC0415 - here alone

    method, arguments = getattr(Assignment.objects.all(), way), ([[]] if way == "abulk_create" else [])
    with pytest.raises(Refused):
        async_to_sync(method)(*arguments)


def dumped(*labels: str) -> list[dict[str, Any]]:
    """What ``dumpdata`` says of these models."""
    out = io.StringIO()
    call_command("dumpdata", *labels, stdout=out)
    found: list[dict[str, Any]] = json.loads(out.getvalue())
    return found


def loaded(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Let ``loaddata`` read these."""
    file = folder / "rows.json"
    file.write_text(json.dumps(rows))
    call_command("loaddata", str(file), verbosity=0)


def test_what_was_dumped_can_be_loaded(office: Office, tmp_path: Path) -> None:
    """All of our tables, back into empty ones."""
    before, rows = office.digest(), dumped("ownership")
    for model in (Assignment, Head, Event):
        rows_of(model, "default")._raw_delete("default")
    assert office.digest() != before
    loaded(tmp_path, rows)
    assert office.digest() == before


@pytest.mark.parametrize(
    "change",
    [{"slot": None}, {"slot": 1}, {"cardinality": "multi"}, {"staff": "nobody"}, {"pk": 10**6}],
    ids=str,
)
def test_loaded_rows_are_checked(office: Office, tmp_path: Path, change: dict[str, Any]) -> None:
    """The database refuses what contradicts its constraints, whoever writes it."""
    row = next(one for one in dumped("ownership.assignment") if one["fields"]["customer"] in _forms("adler"))
    row = {**row, "pk": change.get("pk", row["pk"]), "fields": {**row["fields"], **change}}
    row["fields"].pop("pk", None)
    before = office.digest()
    with pytest.raises(IntegrityError), transaction.atomic():
        loaded(tmp_path, [row])
    assert office.digest() == before


def _forms(name: str) -> tuple[Any, ...]:
    """How JSON may have an id."""
    id = id_of(name)
    return (id, int(id)) if id.isdigit() else (id,)
