"""The same questions as a careful developer writes them by hand, on the same tables: what we are held against.

A read by hand is one transaction too: it reads what the actor may do, as any program must, then asks.
Where two forms may be the best one, both are measured and the faster one counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen

from bench.place import Place
from ownership_core.keys import KeyType

ACCESS = """
SELECT 'staff', access_version, active, website_restricted FROM ownership_staff WHERE id = :who AND NOT deleted
UNION ALL SELECT website, NULL, NULL, NULL FROM ownership_staff_website WHERE staff_id = :who
UNION ALL SELECT 'level', max(l.level), NULL, NULL FROM ownership_staff_role r
 JOIN ownership_role_level l ON l.role = r.role WHERE r.staff_id = :who AND l.action = 'view'
UNION ALL SELECT department_id, NULL, NULL, NULL FROM ownership_staff_department WHERE staff_id = :who
UNION ALL SELECT g.customer_group, NULL, NULL, NULL FROM ownership_restriction r
 JOIN ownership_restriction_group g ON g.holder_kind = r.holder_kind AND g.holder = r.holder
 WHERE r.holder_kind = 'staff' AND r.holder = :holder
UNION ALL SELECT g.customer_group, NULL, NULL, NULL FROM ownership_staff_department d
 JOIN ownership_restriction r ON r.holder_kind = 'department' AND r.holder = d.department_id
 JOIN ownership_restriction_group g ON g.holder_kind = r.holder_kind AND g.holder = r.holder WHERE d.staff_id = :who
"""
ACCESS_PG = ACCESS.replace("NULL, NULL, NULL", "NULL::bigint, NULL::boolean, NULL::boolean").replace(
    "max(l.level), NULL, NULL", "max(l.level), NULL::boolean, NULL::boolean"
)
SITES = " AND c.website IN ('de', 'at')"
GROUPED = (
    " AND EXISTS (SELECT 1 FROM ownership_customer_value v WHERE v.customer_id = c.id AND v.field = 'groups')"
    " AND NOT EXISTS (SELECT 1 FROM ownership_customer_value v"
    " WHERE v.customer_id = c.id AND v.field = 'groups' AND v.value IN ({denied}))"
)
NAIVE = (
    " AND c.id IN (SELECT customer_id FROM ownership_customer_value WHERE field = 'groups')"
    " AND c.id NOT IN (SELECT customer_id FROM ownership_customer_value"
    " WHERE field = 'groups' AND value IN ({denied}))"
)
OWN = "c.id IN (SELECT customer_id FROM ownership_assignment WHERE staff_id = :who)"
OWN_WALK = "EXISTS (SELECT 1 FROM ownership_assignment a WHERE a.customer_id = c.id AND a.staff_id = :who)"
COLLEAGUES = "(SELECT staff_id FROM ownership_staff_department WHERE department_id = :unit)"
OURS = (
    f"c.id IN (SELECT customer_id FROM ownership_assignment WHERE staff_id IN {COLLEAGUES} UNION ALL"
    " SELECT customer_id FROM ownership_assignment WHERE staff_id = :who)"
)
OURS_WALK = (
    "EXISTS (SELECT 1 FROM ownership_assignment a WHERE a.customer_id = c.id"
    f" AND (a.staff_id = :who OR a.staff_id IN {COLLEAGUES}))"
)
BY_NAME = "c.name IS NULL, coalesce(lower(c.name{collate}), ''), c.id"
EVERYTHING = """
SELECT c.id, c.kind, c.name, c.email, c.phone, c.website, c.parent, c.active, c.created_at, h.version, h.no_auto,
 (SELECT {list}({row}(a.staff_id, a.slot, a.since, a.role, a.source, CASE WHEN s.active AND NOT s.deleted THEN 1
  ELSE 0 END, {nested}(SELECT {list}(d.department_id) FROM ownership_staff_department d WHERE d.staff_id = s.id){end}))
  FROM ownership_assignment a JOIN ownership_staff s ON s.id = a.staff_id WHERE a.customer_id = c.id),
 (SELECT {list}({row}(v.field, v.value, v.number)) FROM ownership_customer_value v WHERE v.customer_id = c.id)
FROM (SELECT c.id FROM ownership_customer c WHERE {cut} ORDER BY {order} LIMIT 51) p
JOIN ownership_customer c ON c.id = p.id LEFT JOIN ownership_head h ON h.customer_id = c.id ORDER BY {order}
"""
_SPOKEN = {
    False: {"list": "json_group_array", "row": "json_array", "nested": "json(", "end": ")", "collate": ""},
    True: {"list": "json_agg", "row": "json_build_array", "nested": "", "end": "", "collate": ' COLLATE "C"'},
}


@frozen
class ByHand:
    """Hand-written SQL on the driver's own connection."""

    place: Place

    def say(self, statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        """All rows of one statement."""
        cursor = self.place.raw.cursor()
        cursor.execute(self.text(statement), parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        cursor.close()
        return found

    def text(self, statement: str) -> str:
        """``:name`` as this driver writes it."""
        if not self.place.postgresql:
            return statement
        kept = "bigint" if self.place.shop.keys is KeyType.INTEGER else "varchar"
        kinds = {"ids": f"{kept}[]", "run": "varchar", "holder": "varchar", "tag": "varchar"}  # others are keys
        return re.sub(r"(?<!:):(\w+)", lambda found: f"%({found[1]})s::{kinds.get(found[1], kept)}", statement)

    def asked(self, who: str, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """One read transaction: what the actor may do, and the question."""
        raw, me = self.place.raw, self.key(who)
        if not self.place.postgresql:
            raw.execute("BEGIN")
        try:
            self.say(ACCESS_PG if self.place.postgresql else ACCESS, {"who": me, "holder": who})
            return self.say(statement, {"who": me, **parameters})
        finally:
            raw.rollback()

    def key(self, id: str) -> str | int:
        """An id as the tables keep it."""
        return int(id) if self.place.shop.keys is KeyType.INTEGER else id

    def page(self, cut: str) -> str:
        """A page by name with everything that is shown of its customers."""
        spoken = _SPOKEN[self.place.postgresql]
        order = BY_NAME.format(**spoken)
        return EVERYTHING.format(**spoken, cut=cut, order=order)

    def one_of(self, ids: str = "ids") -> str:
        """A condition on the customer: it is one of a list that is one parameter."""
        if self.place.postgresql:
            return f"c.id = ANY(:{ids} )"
        return f"c.id IN (SELECT value FROM json_each(:{ids} ))"

    def listed(self, ids: Sequence[str | int]) -> Any:
        """The list as that parameter."""
        return list(ids) if self.place.postgresql else json.dumps(list(ids))


def quoted(texts: Iterable[str]) -> str:
    """Literals, as one writes them by hand."""
    return ", ".join(f"'{text}'" for text in texts)


def ids_of(rows: Iterable[Sequence[Any]]) -> list[str]:
    """The first column as texts."""
    return [str(row[0]) for row in rows]


def read_page(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows with their lists read; the 51st only tells that there are more."""
    return [(*row[:11], _list(row[11]), _list(row[12])) for row in rows[:50]]


def _list(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value or []
