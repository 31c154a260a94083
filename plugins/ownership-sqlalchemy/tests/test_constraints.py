"""The database keeps the invariants against whoever writes around the package."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from ownership_core.errors import Conflict, StoreError
from ownership_core.testing.contracts.base import ANN, C2, small_shop
from ownership_core.testing.contracts.base import single as in_single
from ownership_core.testing.worlds import load, new_row, new_run
from ownership_sqlalchemy import SqlAlchemyStore
from ownership_sqlalchemy.dialects import coded, sqlite

ADD = "INSERT INTO ownership_assignment VALUES (:customer, :staff, :slot, :cardinality, '', '', 1)"


def _add(store: SqlAlchemyStore, customer: str, staff: str, slot: int | None, cardinality: str = "multi") -> None:
    row = {"customer": customer, "staff": staff, "slot": slot, "cardinality": cardinality}
    with store.engine.begin() as connection:
        connection.execute(text(ADD), row)


@pytest.fixture
def multi(somewhere: Any) -> SqlAlchemyStore:
    """The small shop in multi."""
    store: SqlAlchemyStore = somewhere(cardinality="multi")
    load(store, small_shop())
    return store


@pytest.fixture
def single(somewhere: Any) -> SqlAlchemyStore:
    """The small shop in single."""
    store: SqlAlchemyStore = somewhere(cardinality="single")
    load(store, in_single(small_shop()))
    return store


def test_secondaries_are_free(multi: SqlAlchemyStore) -> None:
    """Empty slots do not collide."""
    _add(multi, "c1", "cid", None)
    _add(multi, "c1", "eve", None)
    with multi.engine.connect() as connection:
        beside = text("SELECT staff_id FROM ownership_assignment WHERE customer_id = 'c1' AND slot IS NULL")
        assert {"cid", "eve"} <= set(connection.scalars(beside))


@pytest.mark.parametrize(
    ("customer", "staff", "slot", "cardinality"),
    [
        pytest.param("c1", "eve", 0, "multi", id="second primary"),
        pytest.param("c1", "ann", None, "multi", id="pair twice"),
        pytest.param("c2", "eve", 1, "multi", id="another slot"),
        pytest.param("lost", "eve", 0, "multi", id="no customer"),
        pytest.param("c2", "nobody", 0, "multi", id="no staff"),
        pytest.param("c2", "eve", 0, "single", id="cardinality not in force"),
    ],
)
def test_rows_that_break_a_promise_are_refused(
    multi: SqlAlchemyStore, customer: str, staff: str, slot: int | None, cardinality: str
) -> None:
    """A second primary, a pair twice, an orphan row, a cardinality of its own."""
    with pytest.raises(DBAPIError) as refused:
        _add(multi, customer, staff, slot, cardinality)
    assert coded(refused.value).codes == ("conflict",)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE ownership_assignment SET slot = 0 WHERE customer_id = 'c1'", id="second primary"),
        pytest.param("UPDATE ownership_assignment SET staff_id = 'ann' WHERE customer_id = 'c1'", id="pair twice"),
        pytest.param("UPDATE ownership_assignment SET customer_id = 'lost' WHERE customer_id = 'c2'", id="no customer"),
        pytest.param("UPDATE ownership_assignment SET staff_id = 'nobody' WHERE customer_id = 'c2'", id="no staff"),
        pytest.param("UPDATE ownership_assignment SET staff_id = NULL WHERE customer_id = 'c2'", id="NULL for a staff"),
        pytest.param("UPDATE ownership_customer SET id = 'other' WHERE id = 'c1'", id="renamed customer"),
        pytest.param("UPDATE ownership_staff SET id = 'other' WHERE id = 'ann'", id="renamed staff"),
        pytest.param("UPDATE ownership_head SET customer_id = 'other' WHERE customer_id = 'c1'", id="head taken away"),
        pytest.param("DELETE FROM ownership_head WHERE customer_id = 'c1'", id="head deleted"),
        pytest.param("DELETE FROM ownership_cardinality", id="cardinality deleted"),
        pytest.param("DELETE FROM ownership_role WHERE name = 'clerk'", id="role that somebody has"),
        pytest.param("DELETE FROM ownership_department WHERE id = 'harbour'", id="department where somebody works"),
        pytest.param("DELETE FROM ownership_restriction WHERE holder = 'north'", id="restriction without its groups"),
    ],
)
def test_changes_that_break_a_promise_are_refused(multi: SqlAlchemyStore, change: str) -> None:
    """What may not come in may not come about, neither by an update nor by a deletion, and nothing has changed."""
    before = multi.digest()
    with pytest.raises(DBAPIError) as refused, multi.engine.begin() as connection:
        connection.execute(text(change))
    assert coded(refused.value).codes == ("conflict",)
    assert multi.digest() == before


@pytest.mark.parametrize(
    "row",
    [
        "ownership_customer_value VALUES ('lost', 'tags', 'x', NULL)",
        "ownership_staff_website VALUES ('nobody', 'de')",
        "ownership_staff_role VALUES ('nobody', 'clerk')",
        "ownership_staff_role VALUES ('ann', 'no such role')",
        "ownership_staff_department VALUES ('nobody', 'north')",
        "ownership_staff_department VALUES ('ann', 'nowhere')",
        "ownership_department VALUES ('new', 'New', 'nowhere', 1)",
        "ownership_role_level VALUES ('no such role', 'view', 1)",
        "ownership_role_level VALUES ('boss', 'edit', 5)",
        "ownership_restriction VALUES ('staff', 'ann', 'perhaps')",
        "ownership_restriction_group VALUES ('staff', 'eve', 'vip')",
        "ownership_head VALUES ('new', 0, false, 'no such cardinality')",
    ],
)
def test_rows_that_hang_on_nothing_are_refused(multi: SqlAlchemyStore, row: str) -> None:
    """An orphan row of any table, and a word that means nothing."""
    before = multi.digest()
    with pytest.raises(DBAPIError) as refused, multi.engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {row}"))
    assert coded(refused.value).codes == ("conflict",)
    assert multi.digest() == before


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("customer", "staff", "slot", "cardinality"),
    [("c1", "eve", 0, "multi"), ("c1", "ann", None, "multi"), ("c2", "eve", 1, "multi"), ("c2", "eve", None, "single")],
)
def test_a_connection_without_foreign_keys_breaks_no_check(
    multi: SqlAlchemyStore, customer: str, staff: str, slot: int | None, cardinality: str
) -> None:
    """Whoever opens the file by other means may leave orphans, but no second primary and no pair twice."""
    stranger = sqlite3.connect(str(multi.engine.url.database))
    with closing(stranger), pytest.raises(sqlite3.IntegrityError):
        stranger.execute(
            "INSERT INTO ownership_assignment VALUES (?, ?, ?, ?, '', '', 1)", (customer, staff, slot, cardinality)
        )


@pytest.mark.parametrize("cardinality", ["single", "multi"])
@pytest.mark.parametrize("slot", [0, None])
def test_in_single_there_is_no_second_assignment(single: SqlAlchemyStore, slot: int | None, cardinality: str) -> None:
    """Neither as primary, nor as secondary, nor under another cardinality's name."""
    with pytest.raises(DBAPIError) as refused:
        _add(single, "c1", "eve", slot, cardinality)
    assert coded(refused.value).codes == ("conflict",)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE ownership_head SET cardinality = 'multi' WHERE customer_id = 'c1'", id="the head alone"),
        pytest.param("UPDATE ownership_assignment SET cardinality = 'multi'", id="the assignments alone"),
        pytest.param("UPDATE ownership_assignment SET slot = NULL", id="nobody is primary"),
        pytest.param("UPDATE ownership_assignment SET slot = 2", id="another slot"),
        pytest.param("UPDATE ownership_cardinality SET name = 'multi'", id="the cardinality itself"),
    ],
)
def test_single_is_not_talked_away(single: SqlAlchemyStore, change: str) -> None:
    """No update reaches an assignment around its check: nothing cascades, which on MariaDB would skip the check."""
    with single.engine.connect() as connection, pytest.raises(DBAPIError) as refused:
        connection.execute(text(change))
    assert coded(refused.value).codes == ("conflict",)


def test_no_foreign_key_cascades_into_an_assignment(single: SqlAlchemyStore) -> None:
    """What is deleted or renamed elsewhere never changes an assignment; a share alone ends with its customer."""
    keys = inspect(single.engine).get_multi_foreign_keys()
    cascading = [
        (table, key["constrained_columns"], option)
        for (_, table), of_table in keys.items()
        for key in of_table
        for option, value in key["options"].items()
        if value not in {"RESTRICT", "NO ACTION"}
    ]
    assert cascading == [("ownership_share", ["customer_id"], "ondelete")]


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM ownership_customer WHERE id = 'c1'", "DELETE FROM ownership_staff WHERE id = 'ann'"],
)
def test_whoever_is_assigned_cannot_vanish(multi: SqlAlchemyStore, statement: str) -> None:
    """Assignments hold their customer and their staff."""
    with multi.engine.connect() as connection, pytest.raises(IntegrityError):
        connection.execute(text(statement))


def test_a_constraint_speaks_as_conflict(multi: SqlAlchemyStore) -> None:
    """Without SQL, and the transaction is undone."""
    before = multi.digest()
    known = next(customer for customer in small_shop().customers if customer.id == C2)
    with pytest.raises(Conflict) as caught, multi.writer() as writer:
        writer.create_customers(new_run("again"), [new_row(known, ANN)])
    assert caught.value.codes == ("conflict",)
    assert "INSERT" not in str(caught.value)
    assert multi.digest() == before


def test_a_second_writer_hears_that_storage_is_busy(opener: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits a while, then says so."""
    monkeypatch.setattr(sqlite, "BUSY_MILLISECONDS", 1)
    store = opener()
    with store.writer(), pytest.raises(StoreError) as caught, store.writer():
        pass
    assert caught.value.codes == ("storage_busy",)


def test_readers_do_not_wait_for_a_writer(anywhere: Any) -> None:
    """They see what was committed before."""
    store = anywhere(cardinality="multi")
    load(store, small_shop())
    with store.writer() as writer, store.reader() as reader:
        writer.change_customer(C2, {"name": "new"}, {}, None)
        assert [customer.name for customer in reader.customers([C2])] == ["Beta"]
