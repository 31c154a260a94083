"""The command ``inventory``: what a staff holds, to be read before it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs
import click

from ownership_core.cli.options import shop_command
from ownership_core.cli.session import Session
from ownership_core.model import Json
from ownership_core.service.inventory import Inventory

_NAMED: Mapping[str, tuple[str, str]] = {
    "rules": ("rule", "Gives customers to it."),
    "covers": ("cover", "It stands in, or somebody stands in for it."),
}
"""What each list of ids in an inventory is called here, and what it says of each."""


@shop_command("inventory")
@click.argument("staff")
def inventory(session: Session, staff: str) -> None:
    """Tell what STAFF holds and would leave behind; next comes: ownership offboard STAFF."""
    from ownership_core.cli.output import emit

    found = session.shop.inventory(session.actor, staff)
    rows = [
        {"holds": "primary", "count": found.primary, "from": "customers", "what": "Customers it stands for."},
        {"holds": "secondary", "count": found.secondary, "from": "customers", "what": "Customers it stands beside."},
        *_lists(found),
        *(
            {"holds": held.kind, "count": held.count, "from": plugin, "what": held.what}
            for plugin, held in found.others
        ),
    ]
    emit(session.format, ("holds", "count", "from", "what"), rows)
    hint = f"Hand it over: ownership offboard {found.staff}"
    session.say(f"{found.staff} leaves nothing behind." if found.empty else hint)


def _lists(found: Inventory) -> Iterator[Json]:
    """A row for each id in each list of ids, also one of a kind that has no words here yet."""
    for slot in attrs.fields(Inventory):
        ids = getattr(found, slot.name)
        if slot.name == "others" or not isinstance(ids, tuple):
            continue
        holds, what = _NAMED.get(slot.name, (slot.name.removesuffix("s"), ""))
        yield from ({"holds": holds, "count": 1, "from": id, "what": what} for id in ids)
