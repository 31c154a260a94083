"""The command ``history``: what happened to a customer, and who had it on a date."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ownership_core.cli.options import shop_command
from ownership_core.cli.session import Session
from ownership_core.cli.voice import who_of
from ownership_core.cli.where import read_time
from ownership_core.events import Event
from ownership_core.history import as_of
from ownership_core.keys import from_micros, to_micros
from ownership_core.model import Assignment, Json

_EVENTS = ("version", "at", "by", "what", "before", "after", "added", "removed", "reason")
_SPELLING = "%Y-%m-%d %H:%M:%S UTC"


@shop_command("history")
@click.argument("customer")
@click.option("--as-of", "at", metavar="TIME", help="Who had it then: 2026-01-31T12:00:00+00:00.")
def history(session: Session, customer: str, at: str | None) -> None:
    """Tell what happened to CUSTOMER, or who had it when."""
    from ownership_core.cli.output import emit

    moment = None if at is None else to_micros(read_time(at, "--as-of"), "--as-of")
    events = session.shop.history(session.actor, customer)
    if moment is None:
        emit(session.format, _EVENTS, [_event(event) for event in events])
        return
    held = as_of(events, moment)
    emit(session.format, ["staff", "primary", "since", "role", "source"], _assignments(held))
    if not held:
        session.say(f"Nobody was assigned to {customer} then.")


def _event(event: Event) -> Json:
    body = event.body
    return {
        "version": event.version,
        "at": _spelt(event.at),
        "by": who_of(event.actor),
        "what": body["what"],
        "before": body["primary"][0],
        "after": body["primary"][1],
        "added": [line["staff"] for line in body["added"]],
        "removed": [line["staff"] for line in body["removed"]],
        "fields": list(body["fields"]),
        "reason": event.reason,
        "run": event.run,
    }


def _assignments(held: Sequence[Assignment]) -> list[Json]:
    return [
        {"staff": a.staff, "primary": a.primary, "since": _spelt(a.since), "role": a.role, "source": a.source}
        for a in held
    ]


def _spelt(micros: int) -> str:
    return from_micros(micros).strftime(_SPELLING)
