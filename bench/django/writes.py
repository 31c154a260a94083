"""The writing half: one primary for many customers, decided, recorded and undone again after every turn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from attrs import frozen
from django.db import transaction

from bench.django.load import vacuum
from bench.django.site import Site
from bench.measure import Case
from bench.writes import AT, Undone
from ownership_core.commands import Ids, SetPrimary
from ownership_core.model import Actor
from ownership_core.service import Ownership
from ownership_django import conf
from ownership_django.store import DjangoStore

# What a plan row and an event of a site say, in the words of each database.
IN_SQLITE = {
    "removed": (
        "json_array(json_object('staff', before, 'primary', json('true'), 'since', since, 'role', role,"
        " 'source', source))"
    ),
    "body": (
        "json_object('v', 1, 'what', 'set_primary', 'primary', json_array(primary_before, primary_after), 'added',"
        " json_array(json_object('staff', added, 'primary', json('true'), 'since', {at}, 'role', '', 'source',"
        " 'manual')), 'removed', json(removed), 'fields', json('[]'))"
    ),
}
IN_POSTGRESQL = {
    "removed": (
        "json_build_array(json_build_object('staff', before, 'primary', true, 'since', since, 'role', role,"
        " 'source', source))::text"
    ),
    "body": (
        "json_build_object('v', 1, 'what', 'set_primary', 'primary', json_build_array(primary_before, primary_after),"
        " 'added', json_build_array(json_build_object('staff', added, 'primary', true, 'since', {at}, 'role', '',"
        " 'source', 'manual')), 'removed', removed::json, 'fields', '[]'::json)::text"
    ),
}

PLAN = """
INSERT INTO ownership_planitem (run, customer, version, fate, codes, selected, primary_before, primary_after,
 added, removed, receiver, source, role, restored)
SELECT {run}, id, version, CASE WHEN codes > 0 THEN 'refused' WHEN already THEN 'unchanged' ELSE 'changed' END,
 codes, true, CASE WHEN codes = 0 THEN before END, CASE WHEN codes = 0 THEN {staff} END,
 CASE WHEN codes = 0 AND NOT already THEN {staff} END,
 CASE WHEN codes > 0 OR already OR before IS NULL THEN '[]' ELSE {removed} END,
 NULL, '', '', '[]'
FROM (SELECT c.id, h.version, a.staff_id AS before, a.role, a.source, a.since,
  coalesce(a.staff_id = {staff}, false) AS already,
  CASE WHEN EXISTS (SELECT 1 FROM shop_profile p JOIN shop_profile_groups g ON g.profile_id = p.id
     WHERE p.customer_id = c.id)
    AND NOT EXISTS (SELECT 1 FROM shop_profile p JOIN shop_profile_groups g ON g.profile_id = p.id
     JOIN shop_pricegroup n ON n.id = g.pricegroup_id WHERE p.customer_id = c.id AND n.code = 'g8')
   THEN 0 ELSE 16 END AS codes
 FROM {listed} JOIN shop_customer c ON c.id = wanted.id JOIN ownership_head h ON h.customer_id = c.id
 LEFT JOIN ownership_assignment a ON a.customer_id = c.id AND a.slot = 0) seen
"""
COUNTS = "SELECT fate, count(*) FROM ownership_planitem WHERE run = %(run)s GROUP BY fate"
CHANGED = "SELECT customer FROM ownership_planitem WHERE run = %(run)s AND fate = 'changed'"
LOCKS = (
    (
        "SELECT count(*) FROM (SELECT 1 FROM ownership_head WHERE customer_id IN (SELECT wanted.id FROM {listed})"
        " ORDER BY customer_id FOR NO KEY UPDATE) held"
    ),
    (
        "SELECT count(*) FROM (SELECT 1 FROM shop_customer WHERE id IN (SELECT wanted.id FROM {listed})"
        " ORDER BY id FOR SHARE) held"
    ),
)
"""Neither the versions nor what is decided by may move meanwhile; on SQLite nobody else writes."""

HEADS = {
    False: (
        "UPDATE ownership_head SET version = version + 1 WHERE (customer_id, version) IN"
        " (SELECT customer, version FROM ownership_planitem WHERE run = %(run)s AND fate = 'changed')"
    ),
    True: (
        "UPDATE ownership_head h SET version = h.version + 1 FROM ownership_planitem p WHERE p.run = %(run)s"
        " AND p.fate = 'changed' AND h.customer_id = p.customer AND h.version = p.version"
    ),
}
EVENTS = """
INSERT INTO ownership_event (subject_kind, subject, version, run, at, actor_kind, actor, rule, reason, body)
SELECT 'customer', CAST(customer AS {text}), version + 1, {run}, {at}, 'staff', %(holder)s, NULL, NULL, {body}
FROM ownership_planitem WHERE run = {run} AND fate = 'changed'
"""
VACATE = f"DELETE FROM ownership_assignment WHERE customer_id IN ({CHANGED}) AND staff_id <> {{staff}}"
SET = """
INSERT INTO ownership_assignment (customer_id, staff_id, slot, cardinality_id, role, source, since)
SELECT customer, added, 0, 'single', '', 'manual', {at} FROM ownership_planitem
WHERE run = {run} AND fate = 'changed'
"""
RUN = (
    "INSERT INTO ownership_run (id, state, what, command, actor_kind, actor, rule, at, reason, tally, codes, expires)"
    " VALUES (%(run)s, 'applied', 'set_primary', '{{}}', 'staff', %(holder)s, NULL, {at}, NULL, '{{}}', '[]', NULL)"
)
WRITTEN = (
    (
        "SELECT customer_id, staff_id, slot, cardinality_id, role, source, since FROM ownership_assignment"
        " ORDER BY customer_id"
    ),
    "SELECT customer_id, version FROM ownership_head ORDER BY customer_id",
    (
        "SELECT subject_kind, subject, version, at, actor_kind, actor, body FROM ownership_event WHERE run = %(run)s"
        " ORDER BY subject"
    ),
    (
        "SELECT customer, version, fate, selected, primary_before, primary_after, added, removed, receiver, source,"
        " role, restored"
        " FROM ownership_planitem WHERE run = %(run)s ORDER BY customer"
    ),
)
"""What a run wrote, and all it left standing."""

_LITE = {
    **IN_SQLITE,
    "text": "TEXT",
    "run": "%(run)s",
    "staff": "%(staff)s",
    "listed": "(SELECT value AS id FROM json_each(%(ids)s)) wanted",
}
_PG = {
    **IN_POSTGRESQL,
    "text": "VARCHAR",
    "run": "%(run)s::varchar",
    "staff": "%(staff)s::varchar",
    "listed": "unnest(%(ids)s::bigint[]) AS wanted (id)",
}


@frozen
class Bulk:
    """The same change twice; each leaves its counts and a digest of the rows it would have written."""

    site: Site
    ids: list[str]

    def ours(self, ownership: Ownership, proof: bool = False) -> Any:
        """Through the door an application uses."""
        shop = self.site.shop
        answer: tuple[Any, ...] = ()
        command = SetPrimary(Ids(tuple(self.ids)), shop.receiver, notify=False)  # type: ignore[arg-type]
        with suppress(Undone), ownership.atomic() as together:
            receipt = together.execute(command, Actor.staff(shop.admin))
            answer = receipt.tally.changed, receipt.tally.unchanged, receipt.tally.refused
            if proof:
                answer = (*answer, self._written(str(receipt.run)))
            raise Undone
        return answer

    def by_hand(self, proof: bool = False) -> Any:
        """The rows ours writes, by set-based statements."""
        shop, listed = self.site.shop, [int(id) for id in self.ids]
        values: dict[str, Any] = {"run": "bench", "staff": shop.receiver, "holder": shop.admin}
        values["ids"] = listed if self.site.postgresql else json.dumps(listed)
        fates = dict.fromkeys(("changed", "unchanged", "refused"), 0)
        answer: tuple[Any, ...] = ()
        with suppress(Undone), transaction.atomic(using=self.site.alias), self.site.connection.cursor() as cursor:
            for step in (*(LOCKS if self.site.postgresql else ()), PLAN, COUNTS):
                cursor.execute(self._spoken(step), self._of(step, values))
            fates.update(cursor.fetchall())
            for step in (HEADS[self.site.postgresql], EVENTS, VACATE, SET, RUN):
                cursor.execute(self._spoken(step), self._of(step, values))
            answer = tuple(fates.values())
            if proof:
                answer = (*answer, self._written("bench"))
            raise Undone
        return answer

    def rest(self) -> None:
        """No turn pays for the dead rows of the one before."""
        if self.site.postgresql:
            vacuum(self.site)

    def _written(self, run: str) -> list[str]:
        """Hashes of all rows a run wrote, table by table; texts of JSON are read first."""
        found = []
        with self.site.connection.cursor() as cursor:
            for statement in WRITTEN:
                lines = hashlib.sha256()
                cursor.execute(statement, self._of(statement, {"run": run}))
                for row in cursor.fetchall():
                    lines.update(repr([_read(value) for value in row]).encode())
                found.append(lines.hexdigest()[:12])
        return found

    def _of(self, statement: str, values: dict[str, Any]) -> dict[str, Any] | None:
        """The parameters a statement has; None for one without."""
        spoken = self._spoken(statement) if "{" in statement else statement
        return {name: value for name, value in values.items() if f"%({name})s" in spoken} or None

    def _spoken(self, statement: str) -> str:
        words = _PG if self.site.postgresql else _LITE
        return statement.format(**{**words, "body": words["body"].format(at=AT)}, at=AT)


def _read(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value.startswith(("[", "{")) else value


def cases(site: Site) -> Iterator[Case]:
    """The bulk change, held against SQL by hand that writes the same rows."""
    bulk = Bulk(site, [str(id) for id in site.shop.chosen()])
    moment = datetime.fromtimestamp(AT / 1e6, UTC)
    ownership = Ownership(DjangoStore(), conf.configuration().settings, conf.plugins(), clock=lambda: moment)
    yield Case(
        f"set primary of {len(bulk.ids):,}, same rows by hand",
        lambda: bulk.ours(ownership),
        {"set-based": bulk.by_hand},
        limit=1.25,
        rest=bulk.rest,
        proofs={"ours": lambda: bulk.ours(ownership, proof=True), "set-based": lambda: bulk.by_hand(proof=True)},
    )
