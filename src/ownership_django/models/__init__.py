"""Our tables. They are read like any other models and written by the store alone (see :mod:`.guarded`).

Times are whole microseconds since 1970 UTC. Texts compare by code points on every database. Constraints keep
the invariants whatever writes the rows (I1-I4).
"""

from ownership_django.models.access import (
    Department,
    DepartmentGroup,
    Role,
    RoleLevel,
    Staff,
    StaffDepartment,
    StaffGroup,
    StaffRole,
    StaffWebsite,
)
from ownership_django.models.beside import Cover, Share
from ownership_django.models.guarded import rows_of
from ownership_django.models.ownership import Assignment, AssignmentAside, Cardinality, Head
from ownership_django.models.records import (
    Event,
    Expectation,
    IdempotencyKey,
    OutboxTask,
    Placement,
    PlanItem,
    Rotation,
    Rule,
    Run,
)

__all__ = [
    "Assignment",
    "AssignmentAside",
    "Cardinality",
    "Cover",
    "Department",
    "DepartmentGroup",
    "Event",
    "Expectation",
    "Head",
    "IdempotencyKey",
    "OutboxTask",
    "Placement",
    "PlanItem",
    "Role",
    "RoleLevel",
    "Rotation",
    "Rule",
    "Run",
    "Share",
    "Staff",
    "StaffDepartment",
    "StaffGroup",
    "StaffRole",
    "StaffWebsite",
    "rows_of",
]
