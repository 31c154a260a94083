"""Standing in for a colleague for a time: who may arrange it, and why never by a detour (H14, H15)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from ownership_core.access import reaches_staff
from ownership_core.commands import Cover
from ownership_core.decide.asking import Asking, inactive_staff, not_permitted, out_of_reach, unknown_staff
from ownership_core.errors import Problem
from ownership_core.model import ActorKind, CoverRow, Staff, StaffId

COVER_SELF = "cover_self"
COVER_CHAIN = "cover_chain"
EMPTY_WINDOW = "empty_window"
UNKNOWN_COVER = "unknown_cover"

Colleagues = Mapping[StaffId, Staff]
"""The staff of a cover that there are, tombstones included."""


def decide_cover(
    command: Cover, asking: Asking, colleagues: Colleagues, covers: Iterable[CoverRow], id: str
) -> tuple[list[Problem], CoverRow]:
    """The cover as it would be, called ``id`` if it is new, and every reason against it.

    ``covers`` are those that name one of the two. The same cover again is the one there is already.
    Codes: staff_inactive, unknown_staff, not_permitted, target_out_of_reach, cover_self, empty_window,
    cover_chain.
    """
    wanted = CoverRow(id, command.staff, command.by, command.since, command.until)
    problems = asking.common_refusals()
    if problems:
        return problems, wanted
    for one in dict.fromkeys((command.staff, command.by)):
        known = colleagues.get(one)
        if known is None or known.deleted:
            problems.append(unknown_staff(one))
        else:
            problems += _reach_problems(asking, one, known)
    stands_in = colleagues.get(command.by)
    if stands_in is not None and not stands_in.active and not stands_in.deleted:
        problems.append(inactive_staff(command.by))
    if command.staff == command.by:
        problems.append(Problem(COVER_SELF, "Nobody stands in for oneself.", "Name a colleague."))
    if command.since >= command.until:
        problems.append(empty_window("The cover would end before it begins."))
    there = list(covers)
    for other in there:
        if _window(other) == _window(wanted) and (other.staff, other.by) == (wanted.staff, wanted.by):
            return problems, other
    if any(_is_linked(wanted, other) for other in there):
        problems.append(_chain(wanted))
    return problems, wanted


def decide_end_cover(
    cover: CoverRow | None, id: str, asking: Asking, colleagues: Colleagues, at: int
) -> tuple[list[Problem], CoverRow | None]:
    """The cover as it would be when it ends at ``at``, or never begins, and every reason against that.

    One that is over stays as it is. Codes: staff_inactive, unknown_staff (the asker), not_permitted,
    unknown_cover, target_out_of_reach.
    """
    problems = asking.common_refusals()
    if problems:
        return problems, None
    if cover is None:
        return [Problem(UNKNOWN_COVER, f"There is no cover {id!r}.", "Look at the list of covers.", "cover")], None
    for one in (cover.staff, cover.by):
        known = colleagues.get(one)
        if known is not None:
            problems += _reach_problems(asking, one, known)
    return problems, ended(cover, at)


def decide_cover_again(
    cover: CoverRow, asking: Asking, colleagues: Colleagues, covers: Iterable[CoverRow]
) -> tuple[list[Problem], bool]:
    """Why a cover that a run ended may not stand again, and whether the same one was arranged anew (C08).

    ``covers`` are the others that name one of the two. Codes as for :func:`decide_cover`.
    """
    if asking.actor.kind is ActorKind.SYSTEM:
        return [not_permitted(asking.actor, "arrange covers")], False
    wanted = Cover(cover.staff, cover.by, cover.since, cover.until)
    problems, found = decide_cover(wanted, asking, colleagues, covers, cover.id)
    return problems, found.id != cover.id


def ended(cover: CoverRow, at: int) -> CoverRow:
    """The cover as it is when it ends at ``at``, or never begins; one that is over stays as it is."""
    until = max(cover.since, at)
    return attrs.evolve(cover, until=until) if until < cover.until else cover


def empty_window(what: str) -> Problem:
    """``empty_window``."""
    return Problem(EMPTY_WINDOW, what, "Give an end that lies after the beginning.", "until")


def _reach_problems(asking: Asking, staff: StaffId, known: Staff) -> list[Problem]:
    if asking.access is None or reaches_staff(asking.access, asking.level, staff, known.departments):
        return []
    return [out_of_reach(staff)]


def _window(cover: CoverRow) -> tuple[int, int]:
    return cover.since, cover.until


def _is_linked(wanted: CoverRow, other: CoverRow) -> bool:
    """Whether somebody would stand in for a colleague who stands in himself at the time (H15)."""
    together = max(wanted.since, other.since) < min(wanted.until, other.until)
    return together and (wanted.by == other.staff or wanted.staff == other.by)


def _chain(wanted: CoverRow) -> Problem:
    what = f"{wanted.by!r} is stood in for, or {wanted.staff!r} stands in for somebody, at that time."
    return Problem(COVER_CHAIN, what, "Name somebody who is there, or another time.")
