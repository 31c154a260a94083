"""The command that moves the whole shop to another cardinality."""

from __future__ import annotations

import click

from ownership_core.cli.options import shop_command
from ownership_core.cli.plans import How, carry_out, plan_options
from ownership_core.cli.session import Session
from ownership_core.commands import KeepOne, SwitchCardinality


@shop_command("cardinality")
@click.argument("to", metavar="TO")
@click.option(
    "--keep",
    type=click.Choice([one.value for one in KeepOne]),
    help="Who stays where there is room for fewer; without it such customers refuse the switch.",
)
@click.option("--reason", help="Why; it stands in the history.")
@plan_options
def cardinality(session: Session, to: str, keep: str | None, reason: str | None, **how: object) -> int:
    """Switch all customers to the cardinality TO: single, multi, at_most ...

    All or nothing. The settings still name the cardinality of now when this runs; change them afterwards.
    """
    command = SwitchCardinality(to, None if keep is None else KeepOne(keep), reason)
    return carry_out(session, command, How(**how), f"All customers are kept as {to} from now on. ")  # type: ignore[arg-type]
