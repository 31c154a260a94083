"""What ``decide`` answers: requirements, warnings and an effect, all of them data, for any customer."""

from __future__ import annotations

from enum import StrEnum

from attrs import field as attribute
from attrs import frozen

from ownership_core.errors import Problem
from ownership_core.model import Assignment, CustomerId, StaffId
from ownership_core.policies import SortKey
from ownership_core.scope import AllOf, Scope
from ownership_core.simplify import simplify

NOT_FOUND = "not_found"
VERSION_CONFLICT = "version_conflict"
STALE = "stale"


@frozen
class Requirement:
    """A sentence that must be TRUE of a customer, and the code it fails with.

    False and *cannot tell* both fail. ``said_by`` names the policy or plugin that asks for it.
    """

    code: str
    scope: Scope
    said_by: str = ""


@frozen
class Grant:
    """Widens who may be reached. Grants are OR-ed (row 87); a grant can never lift a restriction."""

    code: str
    scope: Scope


@frozen
class Restriction:
    """Narrows who may be reached. Restrictions are AND-ed after all grants (I17, I20)."""

    code: str
    scope: Scope


@frozen
class Policy:
    """Everything that must hold of a customer for one actor and one action, part by part.

    The parts are kept apart so that ``why`` can name the one that failed; :attr:`scope` is all of them.
    """

    parts: tuple[Requirement, ...]

    @property
    def scope(self) -> Scope:
        """The one sentence behind list, count, export and check (B17)."""
        return simplify(AllOf(part.scope for part in self.parts))


class Drop(StrEnum):
    """Whose assignments an effect ends; the staff it adds is never among them."""

    NOBODY = "nobody"
    ONE = "one"
    FORMER_PRIMARY = "former_primary"
    EVERYONE_ELSE = "everyone_else"
    EVERYONE = "everyone"


class Primary(StrEnum):
    """Who stands for the customer afterwards.

    ``take``: the added staff. ``if_unassigned``: the added staff where nobody was assigned, else as
    ``stay``. ``stay``: whoever did, or where that assignment ends the first active one by ``promote_by``.
    ``nobody``: nobody.
    """

    TAKE = "take"
    IF_UNASSIGNED = "if_unassigned"
    STAY = "stay"
    NOBODY = "nobody"


@frozen
class Effect:
    """What a command does to the assignments of any one customer, as data.

    ``add`` is assigned unless it is already, ``drop`` ends assignments (``ONE`` names ``dropped``),
    then ``primary`` is settled. ``touch`` makes every customer count as changed (its own fields change,
    or it is deleted), even where no assignment does.
    """

    add: StaffId | None = None
    drop: Drop = Drop.NOBODY
    dropped: StaffId | None = None
    primary: Primary = Primary.STAY
    promote_by: tuple[SortKey, ...] = ()
    role: str = ""
    source: str = ""
    touch: bool = False


@frozen
class Outcome:
    """The assignments of one customer before and after an effect."""

    before: tuple[Assignment, ...]
    after: tuple[Assignment, ...]
    primary_before: StaffId | None
    primary_after: StaffId | None
    added: tuple[Assignment, ...]
    removed: tuple[Assignment, ...]

    @property
    def changed(self) -> bool:
        """Whether anything differs; the same assignment again is no change (A11)."""
        return bool(self.added or self.removed) or self.primary_before != self.primary_after


def carry_out(
    effect: Effect, before: tuple[Assignment, ...], at: int, inactive: frozenset[StaffId] = frozenset()
) -> Outcome:
    """The reference meaning of an effect on one customer's assignments; ``at`` is UTC microseconds.

    Nobody of ``inactive`` is promoted (A06). Stores do the same with set-based statements; the contract compares.

    >>> outcome = carry_out(Effect(add="li", drop=Drop.EVERYONE_ELSE, primary=Primary.TAKE),
    ...                     (Assignment("zhang", True, 1),), at=2)
    >>> outcome.primary_after, [gone.staff for gone in outcome.removed]
    ('li', ['zhang'])
    """
    primary_before = next((a.staff for a in before if a.primary), None)
    removed = tuple(a for a in before if a.staff != effect.add and _is_dropped(effect, a))
    kept = tuple(a for a in before if a not in removed)
    is_new = effect.add is not None and all(a.staff != effect.add for a in before)
    fit = tuple(a for a in kept if a.staff not in inactive)
    primary_after = _primary_after(effect, before, kept, fit, primary_before)
    added = (
        (Assignment(effect.add, effect.add == primary_after, at, effect.role, effect.source),)
        if effect.add is not None and is_new
        else ()
    )
    after = tuple(Assignment(a.staff, a.staff == primary_after, a.since, a.role, a.source) for a in (*kept, *added))
    return Outcome(before, after, primary_before, primary_after, added, removed)


def _is_dropped(effect: Effect, assignment: Assignment) -> bool:
    match effect.drop:
        case Drop.NOBODY:
            return False
        case Drop.ONE:
            return assignment.staff == effect.dropped
        case Drop.FORMER_PRIMARY:
            return assignment.primary
        case Drop.EVERYONE_ELSE | Drop.EVERYONE:
            return True


def _primary_after(
    effect: Effect,
    before: tuple[Assignment, ...],
    kept: tuple[Assignment, ...],
    fit: tuple[Assignment, ...],
    primary_before: StaffId | None,
) -> StaffId | None:
    match effect.primary:
        case Primary.TAKE:
            return effect.add
        case Primary.NOBODY:
            return None
        case Primary.IF_UNASSIGNED if not before:
            return effect.add
        case Primary.IF_UNASSIGNED | Primary.STAY:
            if primary_before is None or any(a.primary for a in kept):
                return primary_before
            return _promoted(effect, fit)


def _promoted(effect: Effect, fit: tuple[Assignment, ...]) -> StaffId | None:
    if not effect.promote_by or not fit:
        return None
    keys = {
        SortKey.SINCE: lambda a: a.since,
        SortKey.ROLE: lambda a: a.role,
        SortKey.STAFF: lambda a: a.staff,
    }
    order = (*effect.promote_by, SortKey.STAFF)
    return min(fit, key=lambda a: tuple(keys[key](a) for key in order)).staff


@frozen
class Ruling:
    """The decision on one command, for whichever customers it meets.

    ``refusals`` stop the whole command. Otherwise a customer must first be ``visible`` (else it answers
    ``not_found`` alone, exactly as a missing one), then every requirement must hold.
    """

    refusals: tuple[Problem, ...] = ()
    visible: Scope = attribute(factory=lambda: AllOf(()))
    requirements: tuple[Requirement, ...] = ()
    effect: Effect = Effect()
    warnings: tuple[Problem, ...] = ()


class Fate(StrEnum):
    """What becomes of one customer in a run (I39: disjoint, and together all of the input)."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    STALE = "stale"


@frozen
class PlanRow:
    """One customer of a plan: what would change, or every code it is refused with.

    ``version`` is the customer's version when the plan was made; 0 for one never touched or not found.
    ``removed`` lists the assignments that end, ``added`` the one that begins.
    """

    customer: CustomerId
    fate: Fate
    version: int = 0
    codes: tuple[str, ...] = ()
    primary_before: StaffId | None = None
    primary_after: StaffId | None = None
    added: StaffId | None = None
    removed: tuple[Assignment, ...] = ()
