"""What was asked for, planned, done and told."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q

from ownership_core.keys import from_micros
from ownership_core.model import Json
from ownership_core.ports import RunState
from ownership_core.ruling import Fate
from ownership_django.models.guarded import GuardedModel
from ownership_django.models.keys import NAME, SHORT, CustomerKey, ExactField, ProseField


class Run(GuardedModel):
    """One plan or one applied command; ``codes`` names the bits of its plan rows."""

    id = ExactField(primary_key=True)
    state = ExactField(max_length=SHORT)
    what = ExactField(max_length=NAME)
    command = ProseField()
    actor_kind = ExactField(max_length=SHORT)
    actor = ExactField()
    rule = ExactField(null=True)
    at = models.BigIntegerField(db_index=True)
    reason = ProseField(null=True)
    tally = ProseField()
    codes = ProseField()
    expires = models.BigIntegerField(null=True)
    part_of = ExactField(null=True, db_index=True)
    reached = ExactField(null=True)

    class Meta:
        base_manager_name = "objects"
        constraints = (
            models.CheckConstraint(condition=Q(state__in=[one.value for one in RunState]), name="ownership_run_state"),
        )

    def __str__(self) -> str:
        return f"{self.what} {self.id}"

    @property
    def moment(self) -> datetime:
        """When it was made or applied."""
        return from_micros(self.at)


class PlanItem(GuardedModel):
    """What a run does to one customer. No foreign key: a plan also lists ids nobody has."""

    run = ExactField()
    customer = CustomerKey()
    version = models.BigIntegerField()
    fate = ExactField(max_length=SHORT)
    codes = models.BigIntegerField()
    selected = models.BooleanField()
    primary_before = ExactField(null=True)
    primary_after = ExactField(null=True)
    added = ExactField(null=True)
    removed = ProseField()
    receiver = ExactField(null=True)
    source = ExactField(max_length=500, default="")
    role = ExactField(max_length=500, default="")
    restored = ProseField(default="[]")

    class Meta:
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(fields=["run", "customer"], name="ownership_plan_item_once"),
            models.CheckConstraint(condition=Q(fate__in=[one.value for one in Fate]), name="ownership_plan_item_fate"),
        )

    @property
    def customer_id(self) -> str:
        """The id as everybody else says it."""
        return str(self.customer)


class Expectation(GuardedModel):
    """What a saved plan expects of one customer while it is applied."""

    run = ExactField()
    customer = CustomerKey()
    version = models.BigIntegerField()
    primary_after = ExactField(null=True)
    added = ExactField(null=True)
    removed = models.BigIntegerField()
    receiver = ExactField(null=True)
    source = ExactField(max_length=500, default="")
    restored = models.BigIntegerField(default=0)

    class Meta:
        base_manager_name = "objects"
        constraints = (models.UniqueConstraint(fields=["run", "customer"], name="ownership_expectation_once"),)


class Placement(GuardedModel):
    """Whom a run is about to give a customer to; there are none once it is drafted."""

    run = ExactField()
    customer = CustomerKey()
    staff = ExactField(null=True)
    code = ExactField(max_length=100, null=True)
    source = ExactField(max_length=500, default="")

    class Meta:
        base_manager_name = "objects"
        constraints = (models.UniqueConstraint(fields=["run", "customer"], name="ownership_placement_once"),)


class Rotation(GuardedModel):
    """Who was last to be given a customer where staff take turns."""

    name = ExactField(primary_key=True)
    staff = ExactField(null=True)

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return str(self.name)


class Rule(GuardedModel):
    """An assignment rule, in its wire form."""

    id = ExactField(primary_key=True)
    version = models.BigIntegerField()
    body = ProseField()

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return str(self.id)


class Event(GuardedModel):
    """One fact that changed, for ever. No foreign key leads out of it."""

    subject_kind = ExactField(max_length=SHORT)
    subject = ExactField()
    version = models.BigIntegerField()
    run = ExactField(db_index=True)
    at = models.BigIntegerField()
    actor_kind = ExactField(max_length=SHORT)
    actor = ExactField()
    rule = ExactField(null=True)
    reason = ProseField(null=True)
    body = ProseField()

    class Meta:
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(fields=["subject_kind", "subject", "version"], name="ownership_event_once"),
        )

    @property
    def moment(self) -> datetime:
        """When it happened."""
        return from_micros(self.at)

    @property
    def facts(self) -> Json:
        """The body, read."""
        read: dict[str, Any] = json.loads(self.body)
        return read


class IdempotencyKey(GuardedModel):
    """What a key was answered with."""

    actor_kind = ExactField(max_length=SHORT)
    actor = ExactField()
    rule = ExactField(default="")  # '' for none: NULLs would not collide
    key = ExactField()
    payload = ExactField()
    receipt = ProseField()
    at = models.BigIntegerField()

    class Meta:
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(fields=["actor_kind", "actor", "rule", "key"], name="ownership_idempotency_once"),
        )


class OutboxTask(GuardedModel):
    """Tell a staff about a run; what to say is decided when it is sent (I38)."""

    run = ExactField()
    receiver = ExactField()
    state = ExactField(max_length=SHORT)

    class Meta:
        base_manager_name = "objects"
        constraints = (models.UniqueConstraint(fields=["run", "receiver"], name="ownership_outbox_once"),)
