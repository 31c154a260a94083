"""The command ``inventory``: what a staff holds, to be read before it leaves."""

from __future__ import annotations

import click

from ownership_core.cli.options import shop_command
from ownership_core.cli.session import Session

_COVER = "It stands in, or somebody stands in for it."


@shop_command("inventory")
@click.argument("staff")
def inventory(session: Session, staff: str) -> None:
    """Tell what STAFF holds and would leave behind; next comes: ownership offboard STAFF."""
    from ownership_core.cli.output import emit

    found = session.shop.inventory(session.actor, staff)
    rows = [
        {"holds": "primary", "count": found.primary, "from": "customers", "what": "Customers it stands for."},
        {"holds": "secondary", "count": found.secondary, "from": "customers", "what": "Customers it stands beside."},
        *({"holds": "rule", "count": 1, "from": rule, "what": "Gives customers to it."} for rule in found.rules),
        *({"holds": "pool", "count": 1, "from": rule, "what": "Gives to its department."} for rule in found.pools),
        *(
            {"holds": "rotation", "count": 1, "from": name, "what": f"It takes turns, by the rule {rule}."}
            for name, rule in found.rotations
        ),
        *(
            {"holds": held.kind, "count": held.count, "from": plugin, "what": held.what}
            for plugin, held in found.others
        ),
        *({"holds": "cover", "count": 1, "from": cover, "what": _COVER} for cover in found.covers),
    ]
    emit(session.format, ("holds", "count", "from", "what"), rows)
    hint = f"Hand it over: ownership offboard {found.staff}"
    session.say(f"{found.staff} leaves nothing behind." if found.empty else hint)
