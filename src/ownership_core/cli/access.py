"""The commands about rights: ``grant`` gives a role to a staff, ``role`` says how far a role reaches."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ownership_core.cli.options import shop_command
from ownership_core.cli.plans import How, carry_out, plan_options
from ownership_core.cli.session import Session
from ownership_core.commands import GrantAccess
from ownership_core.errors import Problem, raise_all
from ownership_core.model import Level, StaffId


@shop_command("grant")
@click.argument("staff")
@click.argument("role")
@click.option("--revoke", is_flag=True, help="Take the role back.")
@click.option("--reason", help="Why; it stands in the history.")
@plan_options
def grant(session: Session, staff: str, role: str, revoke: bool, reason: str | None, **how: object) -> int:
    """Give ROLE to STAFF, or take it back."""
    command = GrantAccess(role, StaffId(staff), revoke=revoke, reason=reason)
    about = f"The role {role} is {'taken from' if revoke else 'given to'} {staff}. "
    return carry_out(session, command, How(**how), about)  # type: ignore[arg-type]


@shop_command("role")
@click.argument("name")
@click.argument("levels", nargs=-1, required=True, metavar="ACTION=LEVEL...")
@click.option("--reason", help="Why; it stands in the history.")
@plan_options
def role(session: Session, name: str, levels: Sequence[str], reason: str | None, **how: object) -> int:
    """Say how far the role NAME reaches.

    Where there is no such role, it is made. LEVEL is none, own, department, department_tree or all:
    view=department lets it see its department's.
    """
    command = GrantAccess(name, levels=_levels(levels), reason=reason)
    return carry_out(session, command, How(**how), f"The role {name} has {', '.join(levels)} from now on. ")  # type: ignore[arg-type]


def _levels(texts: Sequence[str]) -> dict[str, Level]:
    found: dict[str, Level] = {}
    problems: list[Problem] = []
    names = ", ".join(level.name.lower() for level in Level)
    for text in texts:
        action, sign, level = text.partition("=")
        if not sign or level.upper() not in Level.__members__:
            problems.append(Problem("invalid_value", f"{text!r} is no ACTION=LEVEL.", f"Levels are {names}."))
        elif action in found:
            problems.append(Problem("invalid_value", f"The action {action!r} is named twice.", "Name it once."))
        else:
            found[action] = Level[level.upper()]
    raise_all(problems)
    return found
