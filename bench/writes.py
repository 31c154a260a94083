"""The writing half: one primary for many customers, decided, recorded and undone again after every turn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from bench.byhand import ByHand
from bench.measure import Case
from bench.place import Place, vacuum
from bench.reads import settings
from ownership_core.commands import Ids, SetPrimary
from ownership_core.model import Actor
from ownership_core.service.ownership import Ownership

AT = 1_767_225_600_000_000
STATEMENTS = 8
MEMORY = 4 * 2**20
PLAN = """
INSERT INTO ownership_plan_item (run, customer_id, version, fate, codes, selected, primary_before, primary_after,
 added, removed, ended_since, ended_role, ended_source)
SELECT :run , id, version, CASE WHEN codes > 0 THEN 'refused' WHEN already THEN 'unchanged' ELSE 'changed' END, codes,
 {yes}, CASE WHEN codes = 0 THEN before END, CASE WHEN codes = 0 THEN :staff END,
 CASE WHEN codes = 0 AND NOT already THEN :staff END,
 '[]', CASE WHEN codes = 0 AND NOT already THEN since END, CASE WHEN codes = 0 AND NOT already THEN role END,
 CASE WHEN codes = 0 AND NOT already THEN source END
FROM (SELECT c.id, h.version, a.staff_id AS before, a.role, a.source, a.since,
  coalesce(a.staff_id = :staff , {no}) AS already,
  CASE WHEN EXISTS (SELECT 1 FROM ownership_customer_value v WHERE v.customer_id = c.id AND v.field = 'groups')
    AND NOT EXISTS (SELECT 1 FROM ownership_customer_value v
     WHERE v.customer_id = c.id AND v.field = 'groups' AND v.value = 'g8')
   THEN 0 ELSE {bit} END AS codes
 FROM {listed} JOIN ownership_customer c ON c.id = wanted.id JOIN ownership_head h ON h.customer_id = c.id
 LEFT JOIN ownership_assignment a ON a.customer_id = c.id AND a.slot = 0) seen
"""
COUNTS = "SELECT fate, codes, count(*) FROM ownership_plan_item WHERE run = :run GROUP BY fate, codes"
CHANGED = "SELECT customer_id FROM ownership_plan_item WHERE run = :run AND fate = 'changed'"
LOCK = (
    "SELECT customer_id FROM ownership_head WHERE customer_id IN (SELECT wanted.id FROM {listed})"
    " ORDER BY customer_id FOR UPDATE"
)
HEADS = {
    False: (
        "UPDATE ownership_head SET version = version + 1 WHERE (customer_id, version) IN"
        " (SELECT customer_id, version FROM ownership_plan_item WHERE run = :run AND fate = 'changed')"
    ),
    True: (
        "UPDATE ownership_head h SET version = h.version + 1 FROM ownership_plan_item p WHERE p.run = :run"
        " AND p.fate = 'changed' AND h.customer_id = p.customer_id AND h.version = p.version"
    ),
}
EVENTS = """
INSERT INTO ownership_event (subject_kind, subject, version, run, at, actor_kind, actor, rule, reason, body)
SELECT 'customer', {id}, version + 1, :run , {at}, 'staff', :holder , NULL, NULL, {body}
FROM ownership_plan_item WHERE run = :run AND fate = 'changed'
"""
VACATE = f"DELETE FROM ownership_assignment WHERE customer_id IN ({CHANGED}) AND staff_id <> :staff "
SET = """
INSERT INTO ownership_assignment (customer_id, staff_id, slot, cardinality, role, source, since)
SELECT customer_id, added, 0, 'single', '', 'manual', {at} FROM ownership_plan_item
WHERE run = :run AND fate = 'changed'
"""
BARE = (
    "DELETE FROM ownership_assignment WHERE customer_id IN (SELECT wanted.id FROM {listed})",
    (
        "INSERT INTO ownership_assignment (customer_id, staff_id, slot, cardinality, role, source, since)"
        " SELECT wanted.id, :staff , 0, 'single', '', 'manual', {at} FROM {listed}"
    ),
)
RUN = (
    "INSERT INTO ownership_run (id, state, what, command, actor_kind, actor, rule, at, reason, tally, codes, expires)"
    " VALUES (:run , 'applied', 'set_primary', '{{}}', 'staff', :holder , NULL, {at}, NULL, '{{}}', '[]', NULL)"
)
WRITTEN = (
    (
        "SELECT customer_id, staff_id, slot, cardinality, role, source, since FROM ownership_assignment"
        " ORDER BY customer_id"
    ),
    "SELECT customer_id, version FROM ownership_head ORDER BY customer_id",
    (
        "SELECT subject_kind, subject, version, at, actor_kind, actor, body FROM ownership_event WHERE run = :run "
        " ORDER BY subject"
    ),
    (
        "SELECT customer_id, version, fate, selected, primary_before, primary_after, added, removed, ended_since,"
        " ended_role, ended_source"
        " FROM ownership_plan_item WHERE run = :run ORDER BY customer_id"
    ),
)
"""What a run wrote, and all it left standing."""

# In the words of each database.
_LITE = {
    "body": (
        "json_array(1, 'set_primary', json_array(CAST(primary_before AS TEXT), CAST(primary_after AS TEXT)),"
        " json_array(json_array(CAST(added AS TEXT), 1, {at}, '', 'manual')), CASE WHEN ended_since IS NULL"
        " THEN json('[]') ELSE json_array(json_array(CAST(primary_before AS TEXT), 1, ended_since, ended_role,"
        " ended_source)) END, json('[]'))"
    ),
    "yes": "1",
    "no": "0",
    "id": "customer_id",
    "listed": "(SELECT value AS id FROM json_each(:ids )) wanted",
}
_PG = {
    "body": (
        "json_build_array(1, 'set_primary', json_build_array(primary_before::text, primary_after::text),"
        " json_build_array(json_build_array(added::text, 1, {at}, '', 'manual')), CASE WHEN ended_since IS NULL"
        " THEN '[]'::json ELSE json_build_array(json_build_array(primary_before::text, 1, ended_since, ended_role,"
        " ended_source)) END, '[]'::json)::text"
    ),
    "yes": "true",
    "no": "false",
    "id": "customer_id",
    "listed": "unnest(:ids) AS wanted (id)",
}


class Undone(Exception):
    """Ends a transaction that was only measured."""


@frozen
class Bulk:
    """The same change three ways; each leaves its counts and a digest of the rows it would have written."""

    place: Place
    hand: ByHand
    ids: list[str]

    def ours(self, ownership: Ownership, proof: bool = False) -> Any:
        """Through the door an application uses."""
        shop = self.place.shop
        answer: tuple[Any, ...] = ()
        command = SetPrimary(Ids(tuple(self.ids)), shop.receiver, notify=False)  # type: ignore[arg-type]
        with suppress(Undone), ownership.atomic() as transaction:
            receipt = transaction.execute(command, Actor.staff(shop.admin))
            answer = receipt.tally.changed, receipt.tally.unchanged, receipt.tally.refused
            if proof:
                connection: Any = transaction.writer._connection  # type: ignore[attr-defined]
                answer = (*answer, self._written(connection.connection.dbapi_connection, str(receipt.run)))
            raise Undone
        return answer

    def by_hand(self, proof: bool = False) -> Any:
        """The rows ours writes, by set-based statements."""
        hand = self.hand
        values: dict[str, Any] = {"run": "bench", "staff": hand.key(self.place.shop.receiver)}
        values["holder"] = self.place.shop.admin
        values["ids"] = hand.listed([hand.key(id) for id in self.ids])
        self._begin()
        if self.place.postgresql:
            hand.say(self._spoken(LOCK), values)
        steps = (PLAN, HEADS[self.place.postgresql], EVENTS, VACATE, SET, RUN)
        for step in steps[:1]:
            self._do(self._spoken(step, bit=16), values)
        counted = hand.say(hand.text(COUNTS), values)
        for step in steps[1:]:
            self._do(self._spoken(step), values)
        fates = dict.fromkeys(("changed", "unchanged", "refused"), 0)
        for fate, _, many in counted:
            fates[fate] += many
        answer: tuple[Any, ...] = tuple(fates.values())
        if proof:
            answer = (*answer, self._written(self.place.raw, "bench"))
        self._undo()
        return answer

    def bare(self) -> None:
        """Assignments deleted and inserted: no decision, no plan, no event, no version."""
        hand = self.hand
        values: dict[str, Any] = {"staff": hand.key(self.place.shop.receiver)}
        values["ids"] = hand.listed([hand.key(id) for id in self.ids])
        self._begin()
        for step in BARE:
            self._do(self._spoken(step), values)
        self._undo()

    def rest(self) -> None:
        """No turn pays for the dead rows of the one before."""
        if self.place.postgresql:
            vacuum(self.place.store)

    def _written(self, raw: Any, run: str) -> list[str]:
        """Hashes of all rows a run wrote, table by table; texts of JSON are read first."""
        found = []
        for statement in WRITTEN:
            cursor, lines = raw.cursor(), hashlib.sha256()
            cursor.execute(self.hand.text(statement), {"run": run})
            for row in cursor.fetchall():
                lines.update(repr([_read(value) for value in row]).encode())
            cursor.close()
            found.append(lines.hexdigest()[:12])
        return found

    def _spoken(self, statement: str, **more: object) -> str:
        words = _PG if self.place.postgresql else _LITE
        body = words["body"].format(at=AT)
        return self.hand.text(statement.format(**{**words, "body": body}, at=AT, **{"bit": 0, **more}))

    def _do(self, statement: str, values: dict[str, Any]) -> None:
        cursor = self.place.raw.cursor()
        cursor.execute(statement, values)
        cursor.close()

    def _begin(self) -> None:
        if not self.place.postgresql:
            self.place.raw.execute("BEGIN IMMEDIATE")

    def _undo(self) -> None:
        self.place.raw.rollback()


def _read(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value.startswith(("[", "{")) else value


def cases(place: Place) -> Iterator[Case]:
    """The bulk change, held against hand-written SQL that writes the same rows, and against the bare minimum."""
    bulk = Bulk(place, ByHand(place), [str(id) for id in place.shop.chosen()])
    moment = datetime.fromtimestamp(AT / 1e6, UTC)
    ownership = Ownership(place.store, settings(single=True), clock=lambda: moment)
    many = f"{len(bulk.ids):,}"
    yield Case(
        f"set primary of {many}, same rows by hand",
        lambda: bulk.ours(ownership),
        {"set-based": bulk.by_hand},
        limit=1.15,
        rest=bulk.rest,
        proofs={"ours": lambda: bulk.ours(ownership, proof=True), "set-based": lambda: bulk.by_hand(proof=True)},
    )
    yield Case(
        f"set primary of {many}, bare delete + insert",
        lambda: bulk.ours(ownership),
        {"bare": bulk.bare},
        limit=3.2 if place.postgresql else 2.7,
        rest=bulk.rest,
        same=lambda _: None,
        note="the bare form decides and records nothing",
    )


__all__ = ["MEMORY", "STATEMENTS", "Bulk", "cases"]
