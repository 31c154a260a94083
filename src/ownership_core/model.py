"""The nouns: who there is and who is assigned to whom. Frozen values, no behaviour that needs a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum, StrEnum
from typing import Any, NewType

from attrs import field as attribute
from attrs import frozen

CustomerId = NewType("CustomerId", str)
StaffId = NewType("StaffId", str)
DepartmentId = NewType("DepartmentId", str)

Value = str | int | bool
"""A stored value: text, a whole number (times are UTC microseconds), or a truth value."""


class Action(StrEnum):
    """What somebody may do to a customer. Hosts may declare more in ``settings.actions``."""

    VIEW = "view"
    EDIT = "edit"
    EXPORT = "export"
    DELETE = "delete"
    COMMENT = "comment"
    CREATE = "create"
    ASSIGN = "assign"
    CLAIM = "claim"
    RELEASE = "release"
    EXPLAIN = "explain"
    ACT_AS = "act_as"
    MANAGE_STAFF = "manage_staff"
    MANAGE_ACCESS = "manage_access"


class Level(IntEnum):
    """How far an action reaches; each level contains the one before (row 86, I18)."""

    NONE = 0
    OWN = 1
    DEPARTMENT = 2
    DEPARTMENT_TREE = 3
    ALL = 4


class ActorKind(StrEnum):
    """Who is asking: a member of staff, the operator at the console, or a rule or till."""

    STAFF = "staff"
    OPERATOR = "operator"
    SYSTEM = "system"


@frozen
class Actor:
    """Who asks. Build one with :meth:`staff`, :meth:`operator` or :meth:`system`.

    >>> Actor.staff("maria")
    Actor(kind=<ActorKind.STAFF: 'staff'>, id='maria', rule=None)
    """

    kind: ActorKind
    id: str
    rule: str | None = None

    @classmethod
    def staff(cls, staff: str) -> Actor:
        """A member of staff, bounded by roles and restrictions."""
        return cls(ActorKind.STAFF, staff)

    @classmethod
    def operator(cls, system_user: str) -> Actor:
        """Whoever runs the machine; works only where the settings allow it and never owns anybody."""
        return cls(ActorKind.OPERATOR, system_user)

    @classmethod
    def system(cls, name: str, rule: str) -> Actor:
        """A rule or a till (F13): assigns unassigned customers only and never owns anybody (I31)."""
        return cls(ActorKind.SYSTEM, name, rule)


class RestrictionMode(StrEnum):
    """``allow``: one of the customer's groups must be listed. ``deny``: none may be (K3)."""

    ALLOW = "allow"
    DENY = "deny"


def _texts(raw: Iterable[str]) -> frozenset[str]:
    return frozenset(raw)


@frozen
class GroupRestriction:
    """Which customer groups are left visible; an empty list is refused when configured (B11)."""

    mode: RestrictionMode = attribute(converter=RestrictionMode)
    groups: frozenset[str] = attribute(converter=_texts)


@frozen
class Access:
    """The access snapshot: everything about one staff that decides what it may do, read by one statement.

    ``levels`` is already the best of all roles (B16). ``tree`` holds the staff's departments and every
    department below them. ``websites`` is None where nothing is restricted. ``version`` rises whenever
    any of this changes; later statements of the same actor carry it (design §5).
    """

    staff: StaffId
    active: bool
    version: int
    roles: frozenset[str] = frozenset()
    levels: Mapping[str, Level] = attribute(factory=dict)
    departments: frozenset[DepartmentId] = frozenset()
    tree: frozenset[DepartmentId] = frozenset()
    websites: frozenset[str] | None = None
    restrictions: tuple[GroupRestriction, ...] = ()


@frozen
class Staff:
    """An employee who may own customers. ``login`` links to the host's user and may change (D12)."""

    id: StaffId
    label: str
    login: str | None = None
    active: bool = True
    deleted: bool = False
    departments: frozenset[DepartmentId] = frozenset()
    websites: frozenset[str] | None = None
    roles: frozenset[str] = frozenset()
    restriction: GroupRestriction | None = None
    version: int = 0


@frozen
class Department:
    """A unit of staff in a tree. Its restriction binds the departments below it too."""

    id: DepartmentId
    label: str
    parent: DepartmentId | None = None
    restriction: GroupRestriction | None = None
    version: int = 0


@frozen
class Assignment:
    """One staff of one customer: at most one per pair. ``since`` is UTC microseconds."""

    staff: StaffId
    primary: bool
    since: int
    role: str = ""
    source: str = ""


@frozen
class AssignedStaff:
    """What scopes may ask of the staff behind an assignment: is it active, where does it work now."""

    active: bool
    departments: frozenset[DepartmentId] = frozenset()


@frozen
class Customer:
    """One customer with all declared fields and its assignments, as a scope sees it.

    ``values`` holds the to-one fields (absent or None means missing), ``sets`` the set fields (absent
    means empty). ``staff`` describes everyone in ``assignments``. ``version`` counts its events.
    """

    id: CustomerId
    values: Mapping[str, Value | None] = attribute(factory=dict)
    sets: Mapping[str, frozenset[str]] = attribute(factory=dict)
    assignments: tuple[Assignment, ...] = ()
    staff: Mapping[StaffId, AssignedStaff] = attribute(factory=dict)
    version: int = 0

    @property
    def primary(self) -> StaffId | None:
        """The staff that stands for this customer, if there is one (I1)."""
        return next((a.staff for a in self.assignments if a.primary), None)

    @property
    def inactive(self) -> frozenset[StaffId]:
        """Those assigned who are not active."""
        return frozenset(staff for staff, known in self.staff.items() if not known.active)

    @property
    def name(self) -> str:
        """What to call the customer: its name, or its id where it has none."""
        return str(self.values.get("name") or self.id)


Json = dict[str, Any]
"""A plain dict as ``json`` reads and writes it."""
