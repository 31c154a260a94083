"""Who owns which customer: the recorded cardinality, one head per customer touched, and the assignments.

Each assignment names the recorded cardinality, of which there is one row. Under ``single`` an assignment is
primary, and a customer has one primary: so it has one assignment. No trigger and no composite key is needed,
and it holds for whoever writes the rows.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from ownership_core.policies import SINGLE
from ownership_django import conf
from ownership_django.deletion import end_assignments
from ownership_django.models.access import Staff
from ownership_django.models.guarded import GuardedModel
from ownership_django.models.keys import NAME, ExactField


class Cardinality(GuardedModel):
    """The cardinality all customers are kept under: one row, which ``SwitchCardinality`` renames."""

    place = models.PositiveSmallIntegerField(primary_key=True, default=1)
    name = ExactField(max_length=NAME, unique=True)

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "cardinality"
        constraints = (models.CheckConstraint(condition=Q(place=1), name="ownership_cardinality_one"),)

    def __str__(self) -> str:
        return str(self.name)


class Head(GuardedModel):
    """How many events a customer has, and whether rules leave it alone.

    No foreign key: a head outlives its customer, so that a re-created id goes on counting.
    """

    customer = models.OneToOneField(
        conf.customer_label(), models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="+"
    )
    version = models.BigIntegerField(default=0)
    no_auto = models.BooleanField(default=False)

    class Meta:
        base_manager_name = "objects"


class Assignment(GuardedModel):
    """A staff is assigned to a customer; ``slot`` is 0 for the primary and NULL for the others."""

    customer = models.ForeignKey(conf.customer_label(), end_assignments, related_name="+", db_index=False)
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+", db_index=False)
    slot = models.SmallIntegerField(null=True)
    cardinality = models.ForeignKey(Cardinality, models.PROTECT, to_field="name", related_name="+", db_index=False)
    role = ExactField(max_length=500)
    source = ExactField(max_length=500)
    since = models.BigIntegerField()

    class Meta:
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(fields=["customer", "staff"], name="ownership_assignment_pair"),
            # NULL slots never collide: any number of secondaries, one primary.
            models.UniqueConstraint(fields=["customer", "slot"], name="ownership_assignment_primary"),
            models.CheckConstraint(condition=Q(slot__isnull=True) | Q(slot=0), name="ownership_assignment_slot"),
            models.CheckConstraint(
                condition=~Q(cardinality=SINGLE) | Q(slot__isnull=False, slot=0), name="ownership_assignment_single"
            ),
        )
        indexes = (models.Index(fields=["staff", "customer"], name="ownership_by_staff"),)

    @property
    def primary(self) -> bool:
        """Whether this assignment stands for its customer."""
        return self.slot is not None


class AssignmentAside(GuardedModel):
    """Where assignments wait while the cardinality is switched; else it is empty."""

    customer = models.ForeignKey(
        conf.customer_label(), models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    staff = models.ForeignKey(Staff, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False)
    slot = models.SmallIntegerField(null=True)
    role = ExactField(max_length=500)
    source = ExactField(max_length=500)
    since = models.BigIntegerField()

    class Meta:
        base_manager_name = "objects"
