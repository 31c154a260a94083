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
class Covered:
    """Somebody stands in for ``staff`` from ``since`` until, and not including, ``until``, in UTC microseconds (H14).

    ``actions`` are those ``staff`` itself may do to its own customers. Rights that a host lets a superuser have
    are not handed on.
    """

    staff: StaffId
    since: int
    until: int
    actions: frozenset[str] = frozenset()

    def stands(self, at: int) -> bool:
        """Whether it is in force at a moment."""
        return self.since <= at < self.until


@frozen
class Access:
    """The access snapshot: everything about one staff that decides what it may do, read by one statement.

    ``levels`` is already the best of all roles (B16). ``tree`` holds the staff's departments and every
    department below them. ``websites`` is None where nothing is restricted. ``version`` rises whenever
    any of this changes; later statements of the same actor carry it (design §5). ``unbounded`` is somebody
    whom a host lets do everything, such as a superuser of Django: no restriction binds them (design §11).
    ``covers`` are those the staff stands in for, whether before, in or after the time of it: whoever asks
    compares with the moment it asks at. ``shared_until`` is when the last of the customers that are shared with
    the staff no longer is; 0 where none is.
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
    unbounded: bool = False
    covers: tuple[Covered, ...] = ()
    shared_until: int = 0

    def covering(self, at: int, action: str) -> list[Covered]:
        """Those the staff stands in for at a moment, as far as both may do ``action`` (H14)."""
        if self.level(action) < Level.OWN:
            return []
        return [one for one in self.covers if one.stands(at) and action in one.actions]

    def turns(self, at: int) -> bool:
        """Whether time alone will change what this allows after ``at``."""
        return at < self.shared_until or any(at < one.until for one in self.covers)

    def level(self, action: str) -> Level:
        """How far ``action`` reaches for this staff."""
        return Level.ALL if self.unbounded else self.levels.get(action, Level.NONE)


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
class CoverRow:
    """``by`` stands in for ``staff`` from ``since`` until, and not including, ``until`` (H14). UTC microseconds.

    One that was ended before it began has an empty window. ``version`` counts its events.
    """

    id: str
    staff: StaffId
    by: StaffId
    since: int
    until: int
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
    means empty). ``staff`` describes everyone in ``assignments``. ``version`` counts its events. ``shares`` says
    until when each of some staff may view it without being assigned, in UTC microseconds.
    """

    id: CustomerId
    values: Mapping[str, Value | None] = attribute(factory=dict)
    sets: Mapping[str, frozenset[str]] = attribute(factory=dict)
    assignments: tuple[Assignment, ...] = ()
    staff: Mapping[StaffId, AssignedStaff] = attribute(factory=dict)
    version: int = 0
    shares: Mapping[StaffId, int] = attribute(factory=dict)

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
