"""What ``decide`` answers: requirements, warnings and an effect, all of them data, for any customer."""

from __future__ import annotations

from enum import Enum, StrEnum

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
CHANGED_SINCE = "changed_since"


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
    """Whose assignments an effect ends; the staff it adds is never among them.

    ``beyond_room``: everybody but the first ``room``: the primary, then active staff, then the others, each
    by ``promote_by``. ``undone``: those an earlier run brought.
    """

    NOBODY = "nobody"
    ONE = "one"
    FORMER_PRIMARY = "former_primary"
    EVERYONE_ELSE = "everyone_else"
    EVERYONE = "everyone"
    BEYOND_ROOM = "beyond_room"
    UNDONE = "undone"


class Primary(StrEnum):
    """Who stands for the customer afterwards.

    ``take``: the added staff. ``if_unassigned``: the added staff where nobody was assigned, else as
    ``stay``. ``stay``: whoever did, or where that assignment ends the first active one by ``promote_by``.
    ``fill``: whoever did, and where nobody does the first of those that stay, active staff before the
    others. ``inherit``: the added staff where the one dropped did, else as ``stay``. ``undone``: whoever did
    before an earlier run. ``nobody``: nobody.
    """

    TAKE = "take"
    IF_UNASSIGNED = "if_unassigned"
    STAY = "stay"
    FILL = "fill"
    INHERIT = "inherit"
    UNDONE = "undone"
    NOBODY = "nobody"


class Placed(Enum):
    """Stands for "each customer the staff it was dealt to"."""

    PLACED = "placed"


PLACED = Placed.PLACED


@frozen
class Effect:
    """What a command does to the assignments of any one customer, as data.

    ``add`` is assigned unless it is already (``PLACED``: whom the customer was dealt to, which may be nobody),
    ``drop`` ends assignments (``ONE`` names ``dropped``, ``BEYOND_ROOM`` leaves ``room``), then ``primary`` is
    settled. With ``passes_role`` the added staff has the role of the one dropped. ``touch`` makes every
    customer count as changed (its own fields change, or it is deleted), even where no assignment does.
    """

    add: StaffId | Placed | None = None
    drop: Drop = Drop.NOBODY
    dropped: StaffId | None = None
    primary: Primary = Primary.STAY
    promote_by: tuple[SortKey, ...] = ()
    role: str = ""
    source: str = ""
    touch: bool = False
    room: int = 0
    passes_role: bool = False

    @property
    def undoes(self) -> bool:
        """Whether it takes back what an earlier run did."""
        return self.drop is Drop.UNDONE


@frozen
class Undo:
    """What an earlier run did to one customer, to be taken back.

    ``brought`` came by it and goes again, ``removed`` ended by it and comes back as it was, ``primary`` stood
    for the customer before. ``version`` is the customer's right after it.
    """

    version: int
    primary: StaffId | None
    brought: frozenset[StaffId]
    removed: tuple[Assignment, ...]


@frozen
class Share:
    """Whom one customer was dealt to, and by which rule; or the code why nobody gets it."""

    staff: StaffId | None = None
    code: str | None = None
    source: str = ""


@frozen
class Outcome:
    """The assignments of one customer before and after an effect."""

    before: tuple[Assignment, ...]
    after: tuple[Assignment, ...]
    primary_before: StaffId | None
    primary_after: StaffId | None
    added: tuple[Assignment, ...]
    removed: tuple[Assignment, ...]
    receiver: StaffId | None = None
    restored: tuple[Assignment, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything differs; the same assignment again is no change (A11)."""
        return bool(self.added or self.removed or self.restored) or self.primary_before != self.primary_after


def carry_out(
    effect: Effect,
    before: tuple[Assignment, ...],
    at: int,
    inactive: frozenset[StaffId] = frozenset(),
    share: Share | None = None,
    undo: Undo | None = None,
) -> Outcome:
    """The reference meaning of an effect on one customer's assignments; ``at`` is UTC microseconds.

    Nobody of ``inactive`` is promoted (A06). ``share`` says whom the customer was dealt to, ``undo`` what is
    taken back. Stores do the same with set-based statements; the contract compares.

    >>> outcome = carry_out(Effect(add="li", drop=Drop.EVERYONE_ELSE, primary=Primary.TAKE),
    ...                     (Assignment("zhang", True, 1),), at=2)
    >>> outcome.primary_after, [gone.staff for gone in outcome.removed]
    ('li', ['zhang'])
    """
    if effect.undoes:
        return _taken_back(before, undo)
    share = share or Share()
    receiver = share.staff if effect.add is PLACED else effect.add
    primary_before = next((a.staff for a in before if a.primary), None)
    places = {a.staff: place for place, a in enumerate(_in_order(effect, before, inactive))}
    removed = tuple(a for a in before if a.staff != receiver and _is_dropped(effect, a, places[a.staff]))
    kept = tuple(a for a in before if a not in removed)
    is_new = receiver is not None and all(a.staff != receiver for a in before)
    primary_after = _primary_after(effect, receiver, before, kept, inactive)
    role = next((a.role for a in removed), "") if effect.passes_role else effect.role
    added = (
        (Assignment(receiver, receiver == primary_after, at, role, share.source or effect.source),)
        if receiver is not None and is_new
        else ()
    )
    after = tuple(Assignment(a.staff, a.staff == primary_after, a.since, a.role, a.source) for a in (*kept, *added))
    return Outcome(before, after, primary_before, primary_after, added, removed, receiver)


def _taken_back(before: tuple[Assignment, ...], undo: Undo | None) -> Outcome:
    """What was brought goes, what was ended comes back with its own date, role and source."""
    primary_before = next((a.staff for a in before if a.primary), None)
    if undo is None:
        return Outcome(before, before, primary_before, primary_before, (), ())
    removed = tuple(a for a in before if a.staff in undo.brought)
    kept = tuple(a for a in before if a not in removed)
    held = {a.staff for a in kept}
    restored = tuple(a for a in undo.removed if a.staff not in held)
    after = tuple(Assignment(a.staff, a.staff == undo.primary, a.since, a.role, a.source) for a in (*kept, *restored))
    return Outcome(before, after, primary_before, undo.primary, (), removed, None, restored)


def _is_dropped(effect: Effect, assignment: Assignment, place: int) -> bool:
    match effect.drop:
        case Drop.NOBODY:
            return False
        case Drop.ONE:
            return assignment.staff == effect.dropped
        case Drop.FORMER_PRIMARY:
            return assignment.primary
        case Drop.EVERYONE_ELSE | Drop.EVERYONE:
            return True
        case Drop.BEYOND_ROOM:
            return place >= effect.room
        case Drop.UNDONE:
            raise AssertionError("what is taken back is not dropped")


def _primary_after(
    effect: Effect,
    receiver: StaffId | None,
    before: tuple[Assignment, ...],
    kept: tuple[Assignment, ...],
    inactive: frozenset[StaffId],
) -> StaffId | None:
    primary_before = next((a.staff for a in before if a.primary), None)
    match effect.primary:
        case Primary.TAKE if receiver is not None or effect.add is not PLACED:
            return receiver
        case Primary.NOBODY:
            return None
        case Primary.FILL:
            return next((a.staff for a in _in_order(effect, kept, inactive)), None)
        case Primary.IF_UNASSIGNED if not before:
            return receiver
        case Primary.INHERIT if receiver is not None and primary_before == effect.dropped is not None:
            return receiver
        case Primary.UNDONE:
            raise AssertionError("what is taken back is settled elsewhere")
        case Primary.TAKE | Primary.IF_UNASSIGNED | Primary.INHERIT | Primary.STAY:
            if primary_before is None or any(a.primary for a in kept):
                return primary_before
            fit = [a for a in _in_order(effect, kept, inactive) if a.staff not in inactive]
            return fit[0].staff if fit and effect.promote_by else None


def _in_order(effect: Effect, some: tuple[Assignment, ...], inactive: frozenset[StaffId]) -> list[Assignment]:
    """The primary first, then active staff, then the others; each by ``promote_by`` and staff id."""
    keys = {
        SortKey.SINCE: lambda a: a.since,
        SortKey.ROLE: lambda a: a.role,
        SortKey.STAFF: lambda a: a.staff,
    }
    order = (*effect.promote_by, SortKey.STAFF)
    return sorted(some, key=lambda a: (not a.primary, a.staff in inactive, *(keys[key](a) for key in order)))


class Side(StrEnum):
    """Which side of a move a demand is about."""

    GAINS = "gains"
    LOSES = "loses"


@frozen
class Demand:
    """A requirement for the customers one of ``staff`` would gain or lose, and for no others (D05, I8).

    Who loses is asked where a run is taken back; elsewhere requirements say it.
    """

    side: Side
    staff: frozenset[StaffId]
    requirement: Requirement


@frozen
class Ruling:
    """The decision on one command, for whichever customers it meets.

    ``refusals`` stop the whole command. Otherwise a customer must first be ``visible`` (else it answers
    ``not_found`` alone, exactly as a missing one), then every requirement must hold, and every demand on
    whoever gains or loses it.
    """

    refusals: tuple[Problem, ...] = ()
    visible: Scope = attribute(factory=lambda: AllOf(()))
    requirements: tuple[Requirement, ...] = ()
    effect: Effect = Effect()
    warnings: tuple[Problem, ...] = ()
    demands: tuple[Demand, ...] = ()


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
    ``removed`` lists the assignments that end, ``added`` the one that begins, ``restored`` those that come
    back as they were. ``receiver`` is whom the customer is given to, also where that staff was there before;
    ``source`` and ``role`` are those of ``added``.
    """

    customer: CustomerId
    fate: Fate
    version: int = 0
    codes: tuple[str, ...] = ()
    primary_before: StaffId | None = None
    primary_after: StaffId | None = None
    added: StaffId | None = None
    removed: tuple[Assignment, ...] = ()
    receiver: StaffId | None = None
    source: str = ""
    role: str = ""
    restored: tuple[Assignment, ...] = ()
