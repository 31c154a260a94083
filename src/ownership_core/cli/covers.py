"""The commands about covers: who stands in for whom, from when until when."""

from __future__ import annotations

import click

from ownership_core.cli.options import shop_command
from ownership_core.cli.plans import How, carry_out, plan_options
from ownership_core.cli.session import Session
from ownership_core.cli.where import read_time
from ownership_core.commands import Cover, EndCover
from ownership_core.keys import from_micros, to_micros
from ownership_core.model import CoverRow, Json, StaffId

_COLUMNS = ("id", "staff", "by", "since", "until", "state")
_SPELLING = "%Y-%m-%d %H:%M:%S UTC"

cover = click.Group("cover", help="Let a staff stand in for another one for a time, and end it.")


@shop_command("add")
@click.argument("staff")
@click.argument("by")
@click.option("--from", "since", required=True, metavar="TIME", help="The first moment: 2026-07-01T00:00:00+00:00.")
@click.option("--until", required=True, metavar="TIME", help="The first moment when it is over.")
@click.option("--reason", help="Why; it stands in the history.")
@plan_options
def add(session: Session, staff: str, by: str, since: str, until: str, reason: str | None, **how: object) -> int:
    """Let BY stand in for STAFF.

    BY sees the customers of STAFF, and may do to them what both may do. They stay with STAFF, and so do the
    counts. When the time is over, so is the cover: nothing has to run.
    """
    first, last = (to_micros(read_time(text, name), name) for text, name in ((since, "--from"), (until, "--until")))
    command = Cover(StaffId(staff), StaffId(by), first, last, reason)
    about = f"{by} stands in for {staff} from {_spelt(first)} until {_spelt(last)}. "
    return carry_out(session, command, How(**how), about)  # type: ignore[arg-type]


@shop_command("end")
@click.argument("cover_id", metavar="COVER")
@click.option("--reason", help="Why; it stands in the history.")
@plan_options
def end(session: Session, cover_id: str, reason: str | None, **how: object) -> int:
    """End COVER now, or before it begins."""
    return carry_out(session, EndCover(cover_id, reason), How(**how), f"The cover {cover_id} ends. ")  # type: ignore[arg-type]


@shop_command("list")
def listing(session: Session) -> None:
    """Show the covers of whoever you may assign customers to, and your own."""
    from ownership_core.cli.output import emit

    now = session.shop.now()
    emit(session.format, _COLUMNS, [_row(one, now) for one in session.shop.covers(session.actor)])


def _row(cover: CoverRow, now: int) -> Json:
    state = "over" if cover.until <= max(now, cover.since) else "stands" if cover.since <= now else "to come"
    times = {"since": _spelt(cover.since), "until": _spelt(cover.until)}
    return {"id": cover.id, "staff": cover.staff, "by": cover.by, **times, "state": state}


def _spelt(micros: int) -> str:
    return from_micros(micros).strftime(_SPELLING)


for _command in (add, end, listing):
    cover.add_command(_command)
