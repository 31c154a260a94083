"""Who works here, where, and how far each right reaches."""

from __future__ import annotations

from django.db import models

from ownership_core.model import Level, RestrictionMode
from ownership_django import conf
from ownership_django.models.guarded import GuardedModel
from ownership_django.models.keys import NAME, SHORT, ExactField, ProseField

MODES = [mode.value for mode in RestrictionMode]


def _known_mode(name: str) -> models.CheckConstraint:
    """A restriction allows or denies, or there is none."""
    condition = models.Q(group_mode__isnull=True) | models.Q(group_mode__in=MODES)
    return models.CheckConstraint(condition=condition, name=name)


class Department(GuardedModel):
    """A unit of staff in a tree; ``group_mode`` is None where it restricts no customer groups."""

    key = ExactField(primary_key=True)
    label = ProseField()
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    group_mode = ExactField(max_length=SHORT, null=True)
    version = models.BigIntegerField(default=0)

    class Meta:
        base_manager_name = "objects"
        constraints = (_known_mode("ownership_department_mode"),)

    def __str__(self) -> str:
        return str(self.label)


class DepartmentGroup(GuardedModel):
    """A customer group that a department's restriction names."""

    department = models.ForeignKey(Department, models.PROTECT, related_name="+", db_index=False)
    customer_group = ExactField(max_length=500)

    class Meta:
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(fields=["department", "customer_group"], name="ownership_department_group_once"),
        )


class Role(GuardedModel):
    """A name for rights that are given together."""

    name = ExactField(primary_key=True)
    version = models.BigIntegerField(default=0)

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return str(self.name)


class RoleLevel(GuardedModel):
    """How far one action of a role reaches."""

    role = models.ForeignKey(Role, models.PROTECT, related_name="+", db_index=False)
    action = ExactField(max_length=NAME)
    level = models.SmallIntegerField()

    class Meta:
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(fields=["role", "action"], name="ownership_role_level_once"),
            models.CheckConstraint(
                condition=models.Q(level__gte=int(min(Level)), level__lte=int(max(Level))),
                name="ownership_role_level_known",
            ),
        )


class Staff(GuardedModel):
    """An employee who may own customers; a deleted one stays as a tombstone (D01).

    ``user`` is the host's row of this person, if there is one; deleting that row leaves this one in place.
    """

    key = ExactField(primary_key=True)
    label = ProseField()
    login = ExactField(null=True, unique=True)
    # Without the guarded base manager: deleting a user sets this to NULL through it.
    user = models.OneToOneField(conf.staff_label(), models.SET_NULL, null=True, related_name="+")
    active = models.BooleanField(default=True)
    deleted = models.BooleanField(default=False)
    website_restricted = models.BooleanField(default=False)
    group_mode = ExactField(max_length=SHORT, null=True)
    version = models.BigIntegerField(default=0)
    access_version = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "staff"
        constraints = (_known_mode("ownership_staff_mode"),)

    def __str__(self) -> str:
        return str(self.label)


class StaffDepartment(GuardedModel):
    """A staff works in a department."""

    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+", related_query_name="works_in", db_index=False)
    department = models.ForeignKey(Department, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        base_manager_name = "objects"
        constraints = (models.UniqueConstraint(fields=["staff", "department"], name="ownership_staff_department_once"),)
        indexes = (models.Index(fields=["department", "staff"], name="ownership_by_department"),)


class StaffWebsite(GuardedModel):
    """A website whose customers a restricted staff may reach."""

    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+", db_index=False)
    website = ExactField(max_length=500)

    class Meta:
        base_manager_name = "objects"
        constraints = (models.UniqueConstraint(fields=["staff", "website"], name="ownership_staff_website_once"),)


class StaffRole(GuardedModel):
    """A staff holds a role."""

    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+", db_index=False)
    role = models.ForeignKey(Role, models.PROTECT, related_name="+")

    class Meta:
        base_manager_name = "objects"
        constraints = (models.UniqueConstraint(fields=["staff", "role"], name="ownership_staff_role_once"),)


class StaffGroup(GuardedModel):
    """A customer group that a staff's own restriction names."""

    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+", db_index=False)
    customer_group = ExactField(max_length=500)

    class Meta:
        base_manager_name = "objects"
        constraints = (models.UniqueConstraint(fields=["staff", "customer_group"], name="ownership_staff_group_once"),)
