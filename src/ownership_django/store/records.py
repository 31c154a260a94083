"""Writing what is kept of commands: runs, plans that wait, and what idempotency keys were answered with."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import QuerySet

from ownership_core.model import Actor
from ownership_core.ports import Remembered, Run, RunState
from ownership_core.reasons import overtaken
from ownership_core.rows import FIRST_CODES, dumped, run_columns
from ownership_django import models as tables
from ownership_django.hosts import Customers
from ownership_django.store.change import delete_among
from ownership_django.store.customers import CustomerWriter
from ownership_django.store.errors import answering


@answering
class RecordWriter(CustomerWriter):
    """The part of a transaction that keeps records of it."""

    def __init__(self, using: str, customers: Customers) -> None:
        super().__init__(using, customers)
        self._codes: dict[str, tuple[str, ...]] = {}
        self._fresh: set[str] = set()  # runs that were drafted here and are not saved yet

    def _drafted_codes(self, run: str) -> tuple[str, ...] | None:
        return self._codes.get(run)

    def save_run(self, run: Run) -> None:
        """Store a run, and what the bits of its plan rows stand for."""
        columns, known = run_columns(run), self._codes.get(run.id)
        if known is not None:
            columns["codes"] = json.dumps(known)
        if run.id in self._fresh:
            self._fresh.discard(run.id)
            self._insert(tables.Run, [columns])
            return
        with overtaken():
            if self._rows(tables.Run).filter(id=columns.pop("id")).update(**columns):
                return
            self._insert(tables.Run, [{"codes": json.dumps(FIRST_CODES), **columns, "id": run.id}])

    def discard(self, run: str) -> None:
        """Forget the plan rows of a run that changes nothing."""
        for model in (tables.PlanItem, tables.Expectation):
            rows: QuerySet[Any] = self._rows(model)
            self._delete(rows.filter(run=run))

    def expire(self, now: int) -> None:
        """Forget the plans that wait until ``now`` or less, with their rows."""
        over = self._rows(tables.Run).filter(state=RunState.PLANNED.value, expires__lte=now)
        delete_among(tables.PlanItem, {"run": "id"}, over, self._using)
        self._delete(over)

    # Idempotency

    def recall(self, actor: Actor, key: str) -> Remembered | None:
        """What this actor's idempotency key did before."""
        found = self._rows(tables.IdempotencyKey).filter(**_idempotent(actor, key)).first()
        return None if found is None else Remembered(found.payload, json.loads(found.receipt))

    def remember(self, actor: Actor, key: str, remembered: Remembered, at: int) -> None:
        """Keep what the key did, in this very transaction."""
        answer = {"payload": remembered.payload, "receipt": dumped(remembered.receipt), "at": at}
        with overtaken():
            self._insert(tables.IdempotencyKey, [{**_idempotent(actor, key), **answer}])


def _idempotent(actor: Actor, key: str) -> dict[str, str]:
    return {"actor_kind": actor.kind.value, "actor": actor.id, "rule": actor.rule or "", "key": key}
