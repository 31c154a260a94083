"""Who is named in the lines of plan rows, as rows themselves: JSON that is unfolded has no word in the ORM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, OuterRef
from django.db.models.sql.compiler import SQLCompiler

from ownership_core.ruling import Fate, Side
from ownership_django.models import Assignment, PlanItem
from ownership_django.store.change import Sql, table
from ownership_django.store.words import BYTEWISE, Listed


@frozen
class _Unfolded:
    """How a database says the lines of a list called ``{}`` as rows, the parts of one, and all of some as a list."""

    rows: str
    staff: str
    role: str
    source: str
    since: str
    together: str


_UNFOLDED = {
    "sqlite": _Unfolded(
        "json_each({}) AS line",
        "json_extract(line.value, '$.staff')",
        "json_extract(line.value, '$.role')",
        "json_extract(line.value, '$.source')",
        "json_extract(line.value, '$.since')",
        "json_group_array(json(line.value))",
    ),
    "postgresql": _Unfolded(
        "LATERAL json_array_elements(CAST({} AS json)) AS line (value)",
        "(line.value ->> 'staff') COLLATE \"C\"",
        "(line.value ->> 'role') COLLATE \"C\"",
        "(line.value ->> 'source') COLLATE \"C\"",
        "CAST(line.value ->> 'since' AS bigint)",
        "CAST(COALESCE(json_agg(line.value), CAST('[]' AS json)) AS text) COLLATE \"C\"",
    ),
    "mysql": _Unfolded(
        "JSON_TABLE({}, '$[*]' COLUMNS (value JSON PATH '$', staff VARCHAR(191) PATH '$.staff',"
        " role VARCHAR(500) PATH '$.role', source VARCHAR(500) PATH '$.source', since BIGINT PATH '$.since')) AS line",
        f"line.staff COLLATE {BYTEWISE}",
        f"line.role COLLATE {BYTEWISE}",
        f"line.source COLLATE {BYTEWISE}",
        "line.since",
        f"COALESCE(JSON_ARRAYAGG(JSON_COMPACT(line.value)), JSON_ARRAY()) COLLATE {BYTEWISE}",
    ),
}


class Named(Func):
    """Whether a list of lines names somebody: a staff of the statement around it, or one of those listed."""

    output_field = BooleanField()

    def __init__(self, lines: F, whom: OuterRef | Listed, **extra: Any) -> None:
        super().__init__(lines, whom, **extra)

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *_args: Any, **_extra: Any
    ) -> tuple[str, Any]:
        """``EXISTS (a line of that staff)``."""
        lines, whom = self.get_source_expressions()
        said = _UNFOLDED[connection.vendor]
        text, params = compiler.compile(lines)
        who, asked = compiler.compile(whom)
        same = "IN" if isinstance(whom, Listed) else "="
        found = f"EXISTS (SELECT 1 FROM {said.rows.format(text)} WHERE {said.staff} {same} {who})"
        return found, (*params, *asked)


def planned_leavers(using: str, run: str) -> Sql:
    """Customer and staff of every assignment that the changed rows of a run end."""
    return _lines(using, (run,), "removed", "items.customer AS col1, {0.staff} AS col2")


def shared_until(using: str, run: str, until: int) -> Sql:
    """The same, each with the moment until when the customer is shared."""
    lost = _lines(using, (run,), "removed", "%s AS col0, items.customer AS col1, {0.staff} AS col2")
    return Sql(f"SELECT col1, col2, col0 FROM ({lost.text}) AS lost WHERE col0 IS NOT NULL", (until, *lost.params))


def planned_returns(using: str, run: str, cardinality: str) -> Sql:
    """Every assignment that the changed rows of a run bring back, with the date, role and source of then."""
    slot = "CASE WHEN {0.staff} = items.primary_after THEN 0 END"
    columns = f"items.customer, {{0.staff}}, {slot}, %s, {{0.role}}, {{0.source}}, {{0.since}}"
    found = _lines(using, (run,), "restored", columns)
    return Sql(found.text, (cardinality, *found.params))


def returned(using: str, run: str) -> Sql:
    """Customer and staff of every assignment that the changed rows of a run bring back."""
    return _lines(using, (run,), "restored", "items.customer AS col1, {0.staff} AS col2")


def missing_lines(using: str, lines: str, customer: str) -> str:
    """Those of a list of lines whose staff is not assigned to the customer, as a list: both are columns of SQL."""
    said = _UNFOLDED[connections[using].vendor]
    there = f"SELECT 1 FROM {table(Assignment, using)} there WHERE there.customer_id = {customer}"
    return (
        f"(SELECT {said.together} FROM {said.rows.format(lines)}"
        f" WHERE NOT EXISTS ({there} AND there.staff_id = {said.staff}))"
    )


def told_of(using: str, run: str, parts: Sequence[str]) -> Sql:
    """Run, staff and state of an outbox row for everybody who gains or loses a customer in a run, or its parts."""
    parties = parties_of(using, parts or (run,))
    text = f"SELECT DISTINCT %s, told.staff, 'ready' FROM ({parties.text}) AS told ORDER BY told.staff"
    return Sql(text, (run, *parties.params))


def parties_of(using: str, runs: Sequence[str]) -> Sql:
    """Everybody the changed rows of runs name, and the side they would be on if these were taken back."""
    gone = _lines(using, runs, "removed", f"{{0.staff}} AS staff, '{Side.GAINS.value}' AS side")
    back = _lines(using, runs, "restored", f"{{0.staff}} AS staff, '{Side.LOSES.value}' AS side")
    came = f"SELECT added AS staff, '{Side.LOSES.value}' AS side FROM {table(PlanItem, using)} AS items"
    them, params = _changed(runs)
    text = f"{gone.text} UNION {back.text} UNION {came} {them} AND added IS NOT NULL"
    return Sql(text, (*gone.params, *back.params, *params))


def _lines(using: str, runs: Sequence[str], column: str, columns: str) -> Sql:
    said = _UNFOLDED[connections[using].vendor]
    them, params = _changed(runs)
    unfolded = said.rows.format(f"items.{column}")
    text = f"SELECT {columns.format(said)} FROM {table(PlanItem, using)} AS items CROSS JOIN {unfolded} {them}"
    return Sql(text, params)


def _changed(runs: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    listed = ", ".join(["%s"] * len(runs))
    return f"WHERE items.run IN ({listed}) AND items.fate = %s", (*runs, Fate.CHANGED.value)
