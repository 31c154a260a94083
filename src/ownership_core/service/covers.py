"""Arranging and ending covers: load under lock, decide, save with one event each (H14, H15)."""

from __future__ import annotations

from collections.abc import Iterable

from ownership_core.commands import Cover, CoverCommand, EndCover
from ownership_core.decide.covers import decide_cover, decide_end_cover, ended
from ownership_core.events import BODY_VERSION, Subject
from ownership_core.model import Actor, CoverRow, Json, Staff, StaffId
from ownership_core.plan import Receipt
from ownership_core.ports import Reader, Run, Writer
from ownership_core.service.desk import Desk
from ownership_core.service.people import NO_CHANGE, applied, asked_under_lock, event_of
from ownership_core.service.refusals import refuse


def change(desk: Desk, writer: Writer, actor: Actor, command: CoverCommand) -> Receipt:
    """Carry out a change of covers; the same again is unchanged."""
    if isinstance(command, Cover):
        return _cover(desk, writer, actor, command)
    return _end(desk, writer, actor, command)


def _cover(desk: Desk, writer: Writer, actor: Actor, command: Cover) -> Receipt:
    # Two covers of a chain or a cycle have somebody in common: who comes second waits here, and sees the first.
    both = (command.staff, command.by)
    asking = asked_under_lock(desk, writer, actor, command, both)
    run = applied(desk, asking, command, "cover")
    problems, after = decide_cover(command, asking, colleagues(writer, both), writer.covers(both), run.id)
    if problems:
        raise refuse(problems, actor)
    if after.version:
        return Receipt(None, "cover", NO_CHANGE, after.version)
    writer.save_cover(after, event_of(run, Subject.COVER, after.id, 1, cover_body("created", after)))
    writer.save_run(run)
    return Receipt(run.id, run.what, run.tally, 1)


def _end(desk: Desk, writer: Writer, actor: Actor, command: EndCover) -> Receipt:
    named = _named(writer, command.cover)
    asking = asked_under_lock(desk, writer, actor, command, () if named is None else (named.staff, named.by))
    before = _named(writer, command.cover)
    both = () if before is None else (before.staff, before.by)
    run = applied(desk, asking, command, "end_cover")
    problems, after = decide_end_cover(before, command.cover, asking, colleagues(writer, both), run.at)
    if problems or before is None or after is None:
        raise refuse(problems, actor)
    if after == before:
        return Receipt(None, "end_cover", NO_CHANGE, after.version)
    version = before.version + 1
    writer.save_cover(after, event_of(run, Subject.COVER, after.id, version, cover_body("ended", after)))
    writer.save_run(run)
    return Receipt(run.id, run.what, run.tally, version)


def left_covers(reader: Reader, staff: StaffId, at: int) -> tuple[CoverRow, ...]:
    """Every cover of a leaver that is not over, on whichever side of it, as it is when it ends at ``at`` (D07)."""
    over = [(one, ended(one, at)) for one in reader.covers([staff])]
    return tuple(after for before, after in over if after != before)


def save_covers(writer: Writer, run: Run, covers: Iterable[CoverRow], what: str) -> None:
    """Change covers that there are, each by an event of ``run``."""
    for one in covers:
        writer.save_cover(one, event_of(run, Subject.COVER, one.id, one.version + 1, cover_body(what, one)))


def cover_body(what: str, cover: CoverRow) -> Json:
    """The event of a cover: who, for whom, and the window it has afterwards, in UTC microseconds."""
    window = {"since": cover.since, "until": cover.until}
    return {"v": BODY_VERSION, "what": what, "staff": cover.staff, "by": cover.by, **window}


def _named(writer: Writer, id: str) -> CoverRow | None:
    return next((cover for cover in writer.covers() if cover.id == id), None)


def colleagues(reader: Reader, staff: Iterable[StaffId]) -> dict[StaffId, Staff]:
    """These staff by their ids, tombstones too."""
    return {one.id: one for one in reader.staff(frozenset(staff))}
