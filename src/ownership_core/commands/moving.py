"""What moves many: another cardinality, handing over, leaving, levelling, giving out, taking back; and rules."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from attrs import field as attribute
from attrs import frozen

from ownership_core.commands.arguments import (
    EVERYBODY,
    Selection,
    chosen,
    moment,
    selection,
)
from ownership_core.distribute import Distribution, ToStaff, Weighted
from ownership_core.distribute.data import distribution
from ownership_core.model import StaffId
from ownership_core.rules import Occasion, Rule
from ownership_core.scope import Nothing, Scope


class KeepOne(StrEnum):
    """Who stays where a switch leaves room for fewer (A10).

    ``primary``: the primary; a customer that has none is refused. ``longest_serving``: the primary, else
    the active staff who has been there longest.
    """

    PRIMARY = "primary"
    LONGEST_SERVING = "longest_serving"


def _keep(raw: str | None) -> KeepOne | None:
    return None if raw is None else chosen(KeepOne, raw)


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
    return chosen(Unplaced, raw)


def _receivers(raw: object) -> Distribution:
    """One staff by id, or a distribution over several."""
    return ToStaff(StaffId(raw)) if isinstance(raw, str) else distribution(raw)


def _maybe_receivers(raw: object) -> Distribution | None:
    return None if raw is None else _receivers(raw)


def _weights(raw: Mapping[StaffId, int]) -> Mapping[StaffId, int]:
    return Weighted(raw).weights


def _occasion(raw: str) -> Occasion:
    return chosen(Occasion, raw)


@frozen
class Transfer:
    """Hand customers of ``giver`` over, to one staff or to several by a distribution (D03, D04; rows 4, 41, 44).

    Of ``customers`` those it is assigned to. Whoever takes its place has its role, and stands for the customer
    where it did. ``giver`` may view them until ``keep_view_until``, as whoever loses one by any command of this
    module that has it; left out, the settings decide (rows 41, 105).
    """

    giver: StaffId
    to: Distribution = attribute(converter=_receivers)
    customers: Selection = attribute(default=EVERYBODY, converter=selection)
    unplaced: Unplaced = attribute(default=Unplaced.REFUSE, converter=_unplaced)
    reason: str | None = None
    notify: bool = True
    keep_view_until: int | None = attribute(default=None, converter=moment)


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
    keep_view_until: int | None = attribute(default=None, converter=moment)


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
    keep_view_until: int | None = attribute(default=None, converter=moment)


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
    keep_view_until: int | None = attribute(default=None, converter=moment)


@frozen
class Revert:
    """Restore what a run changed, rules and covers too, except what was changed since (C08, C09)."""

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
