"""Who is to get customers, as data: one person, a pool dealt to by some rule, or another of these case by case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias, cast, get_args

from attrs import field as attribute
from attrs import frozen

from ownership_core.distribute import strict
from ownership_core.errors import invalid
from ownership_core.model import CustomerId, DepartmentId, StaffId, Value
from ownership_core.scope import Scope


@frozen
class InDepartment:
    """Whoever works in ``department`` when it is dealt; ``below`` also in a department under it."""

    department: DepartmentId = attribute(converter=strict.department)
    below: bool = attribute(default=False, converter=strict.flag)


Members: TypeAlias = frozenset[StaffId] | InDepartment
"""A pool: staff by name, or whoever is in a department."""


def _members(raw: object) -> Members:
    return raw if isinstance(raw, InDepartment) else strict.staff_set(raw)


@frozen
class Capacity:
    """How much one member takes (row 97): a whole number of at least 1, never rounded.

    At most ``most`` assignments at a time, or with ``days`` at most ``most`` given within that many days.
    """

    most: int = attribute(converter=strict.whole)
    days: int | None = attribute(default=None, converter=strict.maybe_whole)


def _capacity(raw: object) -> Capacity | None:
    if raw is None or isinstance(raw, Capacity):
        return raw
    raise invalid("invalid_value", f"{ascii(raw)[:60]} is no capacity.", "Give Capacity(most) or Capacity(most, days).")


Days: TypeAlias = Mapping[StaffId, frozenset[int]]
"""On which days somebody works, 0 for Monday to 6 for Sunday (row 99); who is not listed works on every day."""


@frozen
class ToStaff:
    """All of them to one person, who is named and so need not be free today."""

    staff: StaffId = attribute(converter=strict.staff)


@frozen
class Rotation:
    """In turn, in the order of their ids, from the one after whoever was last (row 95; H09).

    The pointer is kept under ``name``; rotations of one name share it.
    """

    name: str = attribute(converter=strict.name)
    members: Members = attribute(converter=_members)
    capacity: Capacity | None = attribute(default=None, converter=_capacity)
    days: Days = attribute(factory=dict, converter=strict.days)


@frozen
class LeastBusy:
    """Each to whoever has the fewest assignments at that moment; of equals to the first id (row 96)."""

    members: Members = attribute(converter=_members)
    capacity: Capacity | None = attribute(default=None, converter=_capacity)
    days: Days = attribute(factory=dict, converter=strict.days)


@frozen
class Weighted:
    """In shares of these weights, exact by largest remainder and in an even order (row 98).

    >>> Weighted({"maria": 2, "jon": 1}).weights["maria"]
    2
    """

    weights: Mapping[StaffId, int] = attribute(converter=strict.weights)
    capacity: Capacity | None = attribute(default=None, converter=_capacity)
    days: Days = attribute(factory=dict, converter=strict.days)


@frozen
class FromField:
    """To the staff whose id the to-one field holds; must exist and be active, as for any assign (row 116)."""

    field: str = attribute(converter=strict.field_name)


def distribution(raw: object) -> Distribution:
    """A distribution, or ``invalid_value``."""
    if isinstance(raw, get_args(Distribution)):
        return cast("Distribution", raw)
    hint = "Use ToStaff, Rotation, LeastBusy, Weighted, ByScope or FromField."
    raise invalid("invalid_value", f"{type(raw).__name__} is no distribution.", hint)


def _maybe_distribution(raw: object) -> Distribution | None:
    return None if raw is None else distribution(raw)


@frozen
class Case:
    """Customers ``condition`` is TRUE of, and who gets them.

    ``source`` stands in the history of those it is asked for. A ``broken`` condition cannot be asked: who
    would have to be is given to nobody (H07). ``reassign`` False leaves whoever is assigned already as it
    is, and later cases are not asked (H08).
    """

    condition: Scope = attribute(converter=strict.scope)
    to: Distribution = attribute(converter=distribution)
    source: str = attribute(default="", converter=strict.source)
    broken: bool = attribute(default=False, converter=strict.flag)
    reassign: bool = attribute(default=True, converter=strict.flag)


def _cases(raw: Iterable[Case]) -> tuple[Case, ...]:
    found = tuple(raw)
    if not all(isinstance(one, Case) for one in found):
        raise invalid("invalid_value", "ByScope takes cases.", "Give Case(condition, to) for each.")
    return found


@frozen
class ByScope:
    """The first case that holds decides; where none does ``otherwise``, or nobody (row 94).

    >>> from ownership_core.scope import Equals
    >>> ByScope([Case(Equals("region", "north"), ToStaff("maria"))], otherwise=ToStaff("jon")).otherwise
    ToStaff(staff='jon')
    """

    cases: tuple[Case, ...] = attribute(converter=_cases)
    otherwise: Distribution | None = attribute(default=None, converter=_maybe_distribution)


Distribution: TypeAlias = ToStaff | Rotation | LeastBusy | Weighted | ByScope | FromField
"""Who gets which customers. Walkers are a ``match`` closed by ``assert_never``."""


@frozen
class Candidate:
    """What is known of one staff when customers are dealt.

    ``load``: assignments it has now. ``recent``: how many of them it was given within so many days before
    now, by number of days, for each of :attr:`Questions.windows`; none where nothing is said.
    ``available``: False where a hook or a running cover says that it is away.
    """

    staff: StaffId
    active: bool = True
    departments: frozenset[DepartmentId] = frozenset()
    load: int = 0
    recent: Mapping[int, int] = attribute(factory=dict)
    available: bool = True


@frozen
class Marked:
    """One customer: bit i of ``held`` is set where :attr:`Questions.scopes` [i] is TRUE; values of the fields asked.

    ``primary`` stands for it now.
    """

    customer: CustomerId
    held: int = 0
    values: Mapping[str, Value | None] = attribute(factory=dict)
    primary: StaffId | None = None


@frozen
class Placement:
    """Who gets a customer, or a code that says why nobody does; ``source`` of the outermost case that has one.

    Neither means that nobody is to have it any more.

    Codes: ``no_target`` (no case holds, or nobody of the pool is active and available), ``no_capacity``,
    ``rule_error`` (a broken case would have had to be asked), ``already_assigned`` (a case without
    ``reassign``), ``unknown_staff`` and ``staff_inactive`` (the one named, or named by a field).
    """

    customer: CustomerId
    staff: StaffId | None = None
    code: str | None = None
    source: str = ""


@frozen
class Questions:
    """What has to be known of each customer, in a fixed order, and of staff before dealing.

    ``scopes``: one bit each in :class:`Marked`. ``fields``: to-one fields whose value names somebody, so
    that all staff are candidates. ``windows``: the numbers of days capacities look back.
    """

    scopes: tuple[Scope, ...] = ()
    fields: tuple[str, ...] = ()
    windows: tuple[int, ...] = ()
