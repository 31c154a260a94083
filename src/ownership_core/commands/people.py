"""What is asked for staff, departments and roles, and for whoever stands in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field as attribute
from attrs import frozen

from ownership_core.commands.arguments import (
    KEEP,
    Maybe,
    moment,
)
from ownership_core.errors import invalid
from ownership_core.model import DepartmentId, GroupRestriction, Level, StaffId


def _maybe_set(raw: Any) -> Any:
    if raw is KEEP or raw is None:
        return raw
    if isinstance(raw, str) or not isinstance(raw, Iterable):
        raise invalid("invalid_value", f"Several were expected, not {ascii(raw)[:60]}.", f"Give [{ascii(raw)[:60]}].")
    return frozenset(raw)


@frozen
class ChangeStaff:
    """Create, rename, give a new login, (de)activate or delete a staff (D01, D09, D10, D12; row 36).

    Deleting leaves a tombstone: assignments stay and show as orphaned. ``websites`` None lifts the
    website restriction, ``restriction`` None the group restriction; empty lists are refused.
    """

    staff: StaffId
    create: bool = False
    label: Maybe[str] = KEEP
    login: Maybe[str | None] = KEEP
    active: Maybe[bool] = KEEP
    departments: Maybe[frozenset[DepartmentId]] = attribute(default=KEEP, converter=_maybe_set)
    websites: Maybe[frozenset[str] | None] = attribute(default=KEEP, converter=_maybe_set)
    restriction: Maybe[GroupRestriction | None] = KEEP
    delete: bool = False
    reason: str | None = None
    expected_version: int | None = None


@frozen
class ChangeDepartment:
    """Create, rename, move or restrict a department (B15; rows 13, 37)."""

    department: DepartmentId
    create: bool = False
    label: Maybe[str] = KEEP
    parent: Maybe[DepartmentId | None] = KEEP
    restriction: Maybe[GroupRestriction | None] = KEEP
    reason: str | None = None
    expected_version: int | None = None


@frozen
class GrantAccess:
    """Give a role to a staff or take it back, or set how far the role's actions reach (B23; row 43).

    With ``levels`` the role is created or its named actions are changed; with ``staff`` the role is
    given (``revoke=False``) or taken. Both may stand in one command.
    """

    role: str
    staff: StaffId | None = None
    levels: Mapping[str, Level] = attribute(factory=dict)
    revoke: bool = False
    reason: str | None = None


@frozen
class Cover:
    """Let ``by`` stand in for ``staff`` from ``since`` until, and not including, ``until`` (H14, H15).

    Moments are UTC microseconds or aware datetimes. The customers stay with ``staff``, and so do the counts.
    """

    staff: StaffId
    by: StaffId
    since: int = attribute(converter=moment)
    until: int = attribute(converter=moment)
    reason: str | None = None


@frozen
class EndCover:
    """End a cover now, or before it begins (H14)."""

    cover: str
    reason: str | None = None
