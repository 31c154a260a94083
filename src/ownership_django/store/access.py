"""Access snapshots: everything that decides what staff may do, gathered by one statement."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Collection
from typing import Any

import attrs
from django.db import connections
from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Value, When
from django.db.models.constants import LOOKUP_SEP

from ownership_core.keys import KeyType
from ownership_core.model import Access, StaffId
from ownership_core.rows import snapshots
from ownership_django import conf
from ownership_django.guard import user_is
from ownership_django.models import (
    Cover,
    Department,
    DepartmentGroup,
    RoleLevel,
    Share,
    Staff,
    StaffDepartment,
    StaffGroup,
    StaffRole,
    StaffWebsite,
    rows_of,
)
from ownership_django.models.keys import plain_key
from ownership_django.store.change import Sql, compiled, table
from ownership_django.store.words import bit, staff_listed

_ACTIVE, _RESTRICTED, _SUPERUSER, _EMPLOYED = 1, 2, 4, 8
_Row = namedtuple("_Row", "what staff text more customer_group number flag")  # noqa: PYI024 - as rows come

# Trees end where they come back: UNION drops repeats. ``key`` is a word of SQL. What a colleague may do is joined
# outside, so that every database begins with who is stood in for: SQLite began with all staff of all roles.
_STATEMENT = """
WITH RECURSIVE chosen (id, flag, version, mode) AS ({chosen}),
below (staff, unit) AS (
    SELECT works.staff_id, works.department_id FROM {works} works JOIN chosen ON chosen.id = works.staff_id
    UNION SELECT below.staff, unit.{key} FROM below JOIN {unit} unit ON unit.parent_id = below.unit
),
above (staff, unit) AS (
    SELECT works.staff_id, works.department_id FROM {works} works JOIN chosen ON chosen.id = works.staff_id
    UNION SELECT above.staff, unit.parent_id FROM above JOIN {unit} unit ON unit.{key} = above.unit
    WHERE unit.parent_id IS NOT NULL
)
SELECT 'staff', chosen.id, {nothing}, {nothing}, {nothing}, version, flag FROM chosen
UNION ALL SELECT 'website', chosen.id, sites.website, {nothing}, {nothing}, 0, 0
    FROM chosen JOIN {website} sites ON sites.staff_id = chosen.id
UNION ALL SELECT 'role', chosen.id, held.role_id, {nothing}, {nothing}, 0, 0
    FROM chosen JOIN {role} held ON held.staff_id = chosen.id
UNION ALL SELECT 'level', chosen.id, levels.action, {nothing}, {nothing}, MAX(levels.level), 0
    FROM chosen JOIN {role} held ON held.staff_id = chosen.id JOIN {level} levels ON levels.role_id = held.role_id
    GROUP BY chosen.id, levels.action
UNION ALL SELECT 'department', chosen.id, works.department_id, {nothing}, {nothing}, 0, 0
    FROM chosen JOIN {works} works ON works.staff_id = chosen.id
UNION ALL SELECT 'below', staff, unit, {nothing}, {nothing}, 0, 0 FROM below
UNION ALL SELECT 'department rule', above.staff, above.unit, units.group_mode, named.customer_group, 0, 0
    FROM above JOIN {unit} units ON units.{key} = above.unit
    LEFT JOIN {unit_group} named ON named.department_id = above.unit WHERE units.group_mode IS NOT NULL
UNION ALL SELECT 'own rule', chosen.id, chosen.id, chosen.mode, named.customer_group, 0, 0
    FROM chosen LEFT JOIN {staff_group} named ON named.staff_id = chosen.id WHERE chosen.mode IS NOT NULL
UNION ALL SELECT 'cover', chosen.id, covers.id, covers.staff_id, {nothing}, covers.since, covers.until
    FROM chosen JOIN {cover} covers ON covers.by_id = chosen.id
UNION ALL SELECT DISTINCT 'covered', chosen.id, covers.staff_id, levels.action, {nothing}, 0, 0
    FROM chosen JOIN {cover} covers ON covers.by_id = chosen.id
    LEFT JOIN {role} held ON held.staff_id = covers.staff_id
    LEFT JOIN {level} levels ON levels.role_id = held.role_id AND levels.level > 0
UNION ALL SELECT 'shared', chosen.id, {nothing}, {nothing}, {nothing},
    (SELECT MAX(shares.until) FROM {share} shares WHERE shares.staff_id = chosen.id), 0 FROM chosen
"""


def read_access(using: str, staff: Collection[StaffId] | None) -> dict[StaffId, Access]:
    """The snapshots of these staff, or of all; unknown and deleted ones are left out.

    A superuser of the host's is unbounded; where the host's user is not active, neither is the staff.
    """
    if staff is not None and len(staff) == 1:
        return _snapshots(_asked(using, "key", next(iter(staff))))
    chosen = _there(using)
    if staff is not None:
        chosen = chosen.filter(key__in=staff_listed(staff))
    return _snapshots(_rows(using, _statement(using, chosen)))


def linked_access(using: str, path: str, key: Any) -> tuple[Access, bool] | None:
    """The snapshot of the staff that ``path`` links to the user ``key``, and whether that staff itself is active.

    None where there is no such staff. One statement, as for a staff that is known.
    """
    rows = _asked(using, path, key)
    found = _snapshots(rows)
    if not found:
        return None
    first = next(iter(found))
    return found[first], any(row.what == "staff" and row.staff == first and row.flag & _EMPLOYED for row in rows)


def _snapshots(rows: list[_Row]) -> dict[StaffId, Access]:
    found = snapshots(rows, KeyType.TEXT)
    for row in rows:
        if row.what == "staff" and row.flag & _SUPERUSER:
            found[row.staff] = attrs.evolve(found[row.staff], unbounded=True)
    return found


def _asked(using: str, path: str, key: Any) -> list[_Row]:
    """The rows of one staff. Its statement is made once and kept: making it anew cost more than sending it."""
    kept, value = _kept(), _prepared(using, path, key)
    if (using, path) not in kept:
        kept[using, path] = _statement(using, _there(using).filter(**{path: key}))
        if kept[using, path].params[-1] != value:  # it is what the statement ends with
            raise AssertionError(path)
    statement = kept[using, path]
    return _rows(using, Sql(statement.text, (*statement.params[:-1], value)))


@conf.until_changed
def _kept() -> dict[tuple[str, str], Sql]:
    return {}


def _prepared(using: str, path: str, key: Any) -> Any:
    """A key as the column at the end of ``path`` is compared with it."""
    field: Any = Staff._meta.get_field("key")
    for step in () if path == "key" else path.split(LOOKUP_SEP):
        field = field.related_model._meta.get_field(step) if field.is_relation else Staff._meta.get_field(step)
    if field.is_relation:
        field = plain_key(field.related_model)
    return field.get_db_prep_value(key, connections[using])


def _there(using: str) -> QuerySet[Staff]:
    return rows_of(Staff, using).filter(deleted=False)


def _rows(using: str, statement: Sql) -> list[_Row]:
    with connections[using].cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return [_Row(*row) for row in cursor.fetchall()]


def _statement(using: str, chosen: QuerySet[Staff]) -> Sql:
    superuser, ordinary = user_is(superuser=True), user_is(superuser=False)
    flags = (
        bit(Q(active=True) & (superuser | ordinary), _ACTIVE, 0)
        + bit(Q(website_restricted=True), _RESTRICTED, 0)
        + bit(superuser, _SUPERUSER, 0)
        + bit(Q(active=True), _EMPLOYED, 0)
    )
    # As :func:`ownership_django.guard.seen_version` says it.
    seen = F("access_version")
    version = Case(When(superuser, then=Value(-1) - seen), default=seen, output_field=BigIntegerField())
    begin = compiled(chosen.values_list("key", flags, version, "group_mode"), using)
    return Sql(_said(using, begin.text), begin.params)


def _said(using: str, chosen: str) -> str:
    names = {
        "works": StaffDepartment,
        "unit": Department,
        "website": StaffWebsite,
        "role": StaffRole,
        "level": RoleLevel,
        "unit_group": DepartmentGroup,
        "staff_group": StaffGroup,
        "cover": Cover,
        "share": Share,
    }
    connection = connections[using]
    return _STATEMENT.format(
        chosen=chosen,
        key=connection.ops.quote_name("key"),
        # What is nothing has a type too, or the union would have none.
        nothing="CAST(NULL AS TEXT)" if connection.vendor == "postgresql" else "NULL",
        **{word: table(model, using) for word, model in names.items()},
    )
