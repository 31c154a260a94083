"""Runs of earlier revisions, whose plan rows name the primary among all others, are taken back like those of today."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from ownership_core import Actor, Assign, Ownership, Revert, Settings
from ownership_core.commands import Matching
from ownership_core.ports import Query
from ownership_core.rows import removed_text
from ownership_core.scope import Everything
from ownership_core.testing.contracts.base import EVE, single, small_shop
from ownership_core.testing.worlds import load
from ownership_sqlalchemy import SqlAlchemyStore

ROOT = Actor.operator("root")
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
OF_PRIMARY = tuple(f"{side}_{name}" for side in ("ended", "back") for name in ("since", "role", "source"))


@pytest.mark.parametrize("cardinality", ["single", "multi"])
def test_a_run_of_revision_0004_is_taken_back_and_that_again(somewhere: Any, cardinality: str) -> None:
    """The same customers come back and go again, with the date, role and source of then, as by the rows of today."""
    today, before = (states(somewhere(cardinality=cardinality), cardinality, aged=aged) for aged in (False, True))
    assert today == before
    at_first, given, back, again = before
    assert at_first != given != back
    assert again == given


def states(store: SqlAlchemyStore, cardinality: str, *, aged: bool) -> list[Any]:
    """Whose customers they are: at first, all given to one staff, taken back, and that taken back."""
    load(store, single(small_shop()) if cardinality == "single" else small_shop())
    ownership = Ownership(store, Settings(cardinality=cardinality, operator=True), clock=lambda: NOON)
    found = [held(store)]
    command: Any = Assign(Matching(Everything()), EVE)
    for _ in range(3):
        run = str(ownership.execute(command, ROOT).run)
        found.append(held(store))
        if aged:
            as_in_0004(store, run)
        command = Revert(run)
    return found


def held(store: SqlAlchemyStore) -> dict[str, Any]:
    """Whose customers these are."""
    with store.reader() as reader:
        return {str(one.id): one.assignments for one in reader.customers(list(reader.ids(Query(Everything()))))}


def as_in_0004(store: SqlAlchemyStore, run: str) -> None:
    """The plan rows of a run as they were kept before there were columns for the primary's assignment."""
    item = store._tables.plan_item
    with store.reader() as reader:
        rows = list(reader.plan_rows(run))
    assert any(row.removed for row in rows)
    with store.engine.begin() as connection:
        for row in rows:
            lists = {"removed": removed_text(row.removed), "restored": removed_text(row.restored)}
            columns = {**dict.fromkeys(OF_PRIMARY), **lists}
            mine = item.c.run == run, item.c.customer_id == row.customer
            connection.execute(update(item).where(*mine).values(columns))
