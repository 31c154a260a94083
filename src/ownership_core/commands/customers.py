"""What is asked for customers by name: give, take, claim, release, create, change, delete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from attrs import field as attribute
from attrs import frozen

from ownership_core.commands.arguments import (
    Selection,
    chosen,
    moment,
    selection,
)
from ownership_core.model import CustomerId, StaffId
from ownership_core.scope import Wildcard
from ownership_core.settings import Channel


class Mode(StrEnum):
    """``set`` makes the staff the only one; ``add`` leaves the others (row 23: distinct verbs)."""

    SET = "set"
    ADD = "add"


def _mode(raw: str) -> Mode:
    return chosen(Mode, raw)


def _channel(raw: str) -> Channel:
    return chosen(Channel, raw)


@frozen
class Assign:
    """Give customers to ``staff`` (A01, A08, A09; F05, F06, F08; rows 1, 4, 39).

    Whoever loses them may view them until ``keep_view_until``; left out, the settings decide (rows 41, 105).
    """

    customers: Selection = attribute(converter=selection)
    staff: StaffId
    mode: Mode = attribute(default=Mode.SET, converter=_mode)
    role: str = ""
    source: str = "manual"
    reason: str | None = None
    expected_version: int | None = None
    notify: bool = True
    keep_view_until: int | None = attribute(default=None, converter=moment)


@frozen
class Unassign:
    """Take ``staff`` off customers, or with ``ANY`` everybody (A06, A07; F04, F07; rows 21, 23)."""

    customers: Selection = attribute(converter=selection)
    staff: StaffId | Wildcard
    reason: str | None = None
    expected_version: int | None = None
    notify: bool = True
    keep_view_until: int | None = attribute(default=None, converter=moment)


@frozen
class SetPrimary:
    """Make ``staff`` the one that stands for customers, assigning it where needed (A03, A04, A05)."""

    customers: Selection = attribute(converter=selection)
    staff: StaffId
    replace: bool | None = None
    source: str = "manual"
    reason: str | None = None
    expected_version: int | None = None
    notify: bool = True
    keep_view_until: int | None = attribute(default=None, converter=moment)


@frozen
class ClearPrimary:
    """Leave customers without a primary; in single that unassigns them (row 3)."""

    customers: Selection = attribute(converter=selection)
    reason: str | None = None
    expected_version: int | None = None
    notify: bool = True
    keep_view_until: int | None = attribute(default=None, converter=moment)


@frozen
class Claim:
    """Take unassigned customers for oneself (F01, F02, F12; row 77)."""

    customers: Selection = attribute(converter=selection)
    reason: str | None = None
    expected_version: int | None = None
    notify: bool = True


@frozen
class Release:
    """Give up one's own assignment of customers (F03, F09; rows 22, 77)."""

    customers: Selection = attribute(converter=selection)
    reason: str | None = None
    expected_version: int | None = None
    notify: bool = True


@frozen
class NewCustomer:
    """A customer to create: raw values by field name; ``staff`` only under the policy ``explicit``."""

    id: CustomerId
    values: Mapping[str, Any] = attribute(factory=dict)
    sets: Mapping[str, Iterable[str]] = attribute(factory=dict)
    staff: StaffId | None = None


def _new_customers(raw: NewCustomer | Iterable[NewCustomer]) -> tuple[NewCustomer, ...]:
    return (raw,) if isinstance(raw, NewCustomer) else tuple(raw)


@frozen
class CreateCustomer:
    """Create customers that came in by ``channel``, whose policy decides the owner (H01, H03, H04)."""

    customers: tuple[NewCustomer, ...] = attribute(converter=_new_customers)
    channel: Channel = attribute(default=Channel.STAFF, converter=_channel)
    reason: str | None = None


@frozen
class ChangeCustomer:
    """Change fields of one customer: None empties a to-one field, a set field is replaced (B05, H16)."""

    customer: CustomerId
    values: Mapping[str, Any] = attribute(factory=dict)
    sets: Mapping[str, Iterable[str]] = attribute(factory=dict)
    reason: str | None = None
    expected_version: int | None = None


@frozen
class DeleteCustomer:
    """Delete customers: their assignments end, their history stays (H17; row 65)."""

    customers: Selection = attribute(converter=selection)
    reason: str | None = None
    expected_version: int | None = None
    notify: bool = True
