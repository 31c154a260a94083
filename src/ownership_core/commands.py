"""What can be asked for. Every change of the package is one of these, from every door.

A command is data: it can be shown, stored in a plan, sent as JSON (:mod:`~ownership_core.wire`) and
decided (:mod:`~ownership_core.decide`). The codes each may be refused with stand with its decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, TypeAlias, TypeVar, cast, get_args

from attrs import field as attribute
from attrs import frozen

from ownership_core.distribute import Distribution, ToStaff, Weighted
from ownership_core.distribute.data import distribution
from ownership_core.errors import invalid
from ownership_core.keys import to_micros
from ownership_core.model import CustomerId, DepartmentId, GroupRestriction, Level, StaffId
from ownership_core.rules import Occasion, Rule
from ownership_core.scope import AssignedTo, Everything, Nothing, PrimaryOf, Scope, Wildcard
from ownership_core.settings import Channel
from ownership_core.simplify import simplify


@frozen
class One:
    """A single customer; a refusal of it is raised."""

    id: CustomerId


def _distinct(ids: Iterable[CustomerId]) -> tuple[CustomerId, ...]:
    return tuple(dict.fromkeys(ids))


@frozen
class Ids:
    """Customers by id, each at most once, in the order given; refusals are listed in the receipt."""

    ids: tuple[CustomerId, ...] = attribute(converter=_distinct)


@frozen
class Matching:
    """Every customer ``scope`` is TRUE of, that the asker may see, at the moment of the plan (C01)."""

    scope: Scope


Selection: TypeAlias = One | Ids | Matching


_Choice = TypeVar("_Choice", bound=StrEnum)


def _chosen(kind: type[_Choice], raw: str) -> _Choice:
    """The member of ``kind`` with this value, or ``invalid_value`` with all there are."""
    try:
        return kind(raw)
    except ValueError:
        known = ", ".join(member.value for member in kind)
        what = f"{ascii(raw)[:60]} is no {kind.__name__.lower()}."
        raise invalid("invalid_value", what, f"Use one of {known}.") from None


def _mode(raw: str) -> Mode:
    return _chosen(Mode, raw)


def _channel(raw: str) -> Channel:
    return _chosen(Channel, raw)


def selection(raw: object) -> Selection:
    """One id, several ids or a scope, told apart.

    >>> selection("c1"), selection(["c2", "c2"])
    (One(id='c1'), Ids(ids=('c2',)))
    """
    if isinstance(raw, One | Ids | Matching):
        return raw
    if isinstance(raw, get_args(Scope)):
        return Matching(cast("Scope", raw))
    if isinstance(raw, str | int) or not isinstance(raw, Iterable):
        return One(cast("CustomerId", raw))
    return Ids(cast("Iterable[CustomerId]", raw))


class Keep(Enum):
    """Stands for "leave this as it is" where None already means something."""

    KEEP = "keep"


KEEP = Keep.KEEP
_T = TypeVar("_T")
Maybe: TypeAlias = _T | Keep


class Mode(StrEnum):
    """``set`` makes the staff the only one; ``add`` leaves the others (row 23: distinct verbs)."""

    SET = "set"
    ADD = "add"


class KeepOne(StrEnum):
    """Who stays where a switch leaves room for fewer (A10).

    ``primary``: the primary; a customer that has none is refused. ``longest_serving``: the primary, else
    the active staff who has been there longest.
    """

    PRIMARY = "primary"
    LONGEST_SERVING = "longest_serving"


def _keep(raw: str | None) -> KeepOne | None:
    return None if raw is None else _chosen(KeepOne, raw)


def _moment(raw: Any) -> Any:
    """An aware datetime as UTC microseconds; the edge reads what is neither."""
    return to_micros(raw) if isinstance(raw, datetime) else raw


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
    keep_view_until: int | None = attribute(default=None, converter=_moment)


@frozen
class Unassign:
    """Take ``staff`` off customers, or with ``ANY`` everybody (A06, A07; F04, F07; rows 21, 23)."""

    customers: Selection = attribute(converter=selection)
    staff: StaffId | Wildcard
    reason: str | None = None
    expected_version: int | None = None
    notify: bool = True
    keep_view_until: int | None = attribute(default=None, converter=_moment)


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
    keep_view_until: int | None = attribute(default=None, converter=_moment)


@frozen
class ClearPrimary:
    """Leave customers without a primary; in single that unassigns them (row 3)."""

    customers: Selection = attribute(converter=selection)
    reason: str | None = None
    expected_version: int | None = None
    notify: bool = True


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
    since: int = attribute(converter=_moment)
    until: int = attribute(converter=_moment)
    reason: str | None = None


@frozen
class EndCover:
    """End a cover now, or before it begins (H14)."""

    cover: str
    reason: str | None = None


@frozen
class SwitchCardinality:
    """Keep all customers under another cardinality from now on, or change nothing (A10, I10).

    Without ``keep`` a customer with more staff than ``to`` allows refuses the whole switch. With it those
    beyond the room there is leave: the primary stays first, then whoever has been there longest.
    """

    to: str
    keep: KeepOne | None = attribute(default=None, converter=_keep)
    reason: str | None = None
    notify: bool = True


class Unplaced(StrEnum):
    """What becomes of a customer that nobody gets: it is refused, or left to nobody. Never silently (D06)."""

    REFUSE = "refuse"
    RELEASE = "release"


def _unplaced(raw: str) -> Unplaced:
    return _chosen(Unplaced, raw)


def _receivers(raw: object) -> Distribution:
    """One staff by id, or a distribution over several."""
    return ToStaff(StaffId(raw)) if isinstance(raw, str) else distribution(raw)


def _maybe_receivers(raw: object) -> Distribution | None:
    return None if raw is None else _receivers(raw)


def _weights(raw: Mapping[StaffId, int]) -> Mapping[StaffId, int]:
    return Weighted(raw).weights


def _occasion(raw: str) -> Occasion:
    return _chosen(Occasion, raw)


EVERYBODY = Matching(Everything())


@frozen
class Transfer:
    """Hand customers of ``giver`` over, to one staff or to several by a distribution (D03, D04; rows 4, 41, 44).

    Of ``customers`` those it is assigned to. Whoever takes its place has its role, and stands for the customer
    where it did.
    """

    giver: StaffId
    to: Distribution = attribute(converter=_receivers)
    customers: Selection = attribute(default=EVERYBODY, converter=selection)
    unplaced: Unplaced = attribute(default=Unplaced.REFUSE, converter=_unplaced)
    reason: str | None = None
    notify: bool = True


@frozen
class Offboard:
    """Hand over everything a staff holds, before or after it is deactivated or deleted (D02-D08; rows 25, 44, 106).

    All its customers, as primary and beside one; rules no longer name it. ``to`` None releases everything.
    Nothing moves where anything is refused or has changed since the plan, unless asked otherwise.
    """

    staff: StaffId
    to: Distribution | None = attribute(default=None, converter=_maybe_receivers)
    unplaced: Unplaced = attribute(default=Unplaced.REFUSE, converter=_unplaced)
    reason: str | None = None
    notify: bool = True


@frozen
class Rebalance:
    """Level out who stands for how many customers among the staff of ``weights`` by the fewest moves (row 49).

    ``keep`` stay where they are; ``max_moves`` bounds how many move.
    """

    weights: Mapping[StaffId, int] = attribute(converter=_weights)
    max_moves: int | None = None
    keep: Scope = attribute(factory=Nothing)
    reason: str | None = None
    notify: bool = True


@frozen
class Sweep:
    """Give unassigned customers out, by the assignment rules or by ``to`` (rows 47, 94; H08, H10).

    The rules of ``occasion`` are asked.
    """

    customers: Selection = attribute(default=EVERYBODY, converter=selection)
    to: Distribution | None = attribute(default=None, converter=_maybe_receivers)
    occasion: Occasion = attribute(default=Occasion.SWEEP, converter=_occasion)
    reason: str | None = None
    notify: bool = True


@frozen
class Revert:
    """Restore what a run changed, except what was changed since (C08, C09)."""

    run: str
    reason: str | None = None
    notify: bool = True


@frozen
class ChangeRules:
    """Write an assignment rule, or forget the one called ``forget`` (rows 50, 94)."""

    rule: Rule | None = None
    forget: str | None = None
    reason: str | None = None
    expected_version: int | None = None


AssignmentCommand: TypeAlias = Assign | Unassign | SetPrimary | ClearPrimary | Claim | Release
CustomerCommand: TypeAlias = AssignmentCommand | DeleteCustomer | ChangeCustomer
CoverCommand: TypeAlias = Cover | EndCover
MovingCommand: TypeAlias = Transfer | Offboard | Rebalance | Sweep | Revert
DraftedCommand: TypeAlias = CustomerCommand | MovingCommand | SwitchCardinality
AccessCommand: TypeAlias = ChangeStaff | ChangeDepartment | GrantAccess | CoverCommand
RehearsedCommand: TypeAlias = CreateCustomer | AccessCommand | ChangeRules
Command: TypeAlias = DraftedCommand | RehearsedCommand

COMMANDS: Mapping[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        Assign,
        Unassign,
        SetPrimary,
        ClearPrimary,
        Claim,
        Release,
        CreateCustomer,
        ChangeCustomer,
        DeleteCustomer,
        ChangeStaff,
        ChangeDepartment,
        GrantAccess,
        SwitchCardinality,
        Cover,
        EndCover,
        Transfer,
        Offboard,
        Rebalance,
        Sweep,
        Revert,
        ChangeRules,
    )
}


def selection_of(command: CustomerCommand | MovingCommand) -> Selection:
    """Which customers a command is about."""
    match command:
        case ChangeCustomer():
            return One(command.customer)
        case Offboard():
            return Matching(AssignedTo([command.staff]))
        case Rebalance():
            return Matching(PrimaryOf(command.weights))
        case Transfer(customers=Matching(scope)):
            return Matching(simplify(scope & AssignedTo([command.giver])))
        case Revert():
            return EVERYBODY
        case _:
            return command.customers


def require_command(raw: object) -> Command:
    """``raw`` itself when it is one of our commands, else ``invalid_command``."""
    if type(raw) not in COMMANDS.values():
        raise invalid("invalid_command", f"{type(raw).__name__} is not a command.", f"Use {', '.join(COMMANDS)}.")
    return cast("Command", raw)
