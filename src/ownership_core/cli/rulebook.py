"""The commands about assignment rules: list, write, forget, check, why."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from ownership_core.cli.options import shop_command
from ownership_core.cli.plans import How, carry_out, plan_options
from ownership_core.cli.receivers import described
from ownership_core.cli.session import Session
from ownership_core.cli.voice import DONE, REFUSED, counted
from ownership_core.cli.written import read_written
from ownership_core.commands import ChangeRules
from ownership_core.explain import Speaker
from ownership_core.keys import from_micros
from ownership_core.model import Customer, CustomerId, Json
from ownership_core.rules import Occasion, Rule, Standing, unaskable
from ownership_core.wire import rule_from_wire, rule_to_wire

rules = click.Group("rules", help="List, write or forget assignment rules, and ask which would fire.")
_COLUMNS = ("rule", "version", "priority", "customers", "to", "from", "until", "reassign")


@shop_command("list")
def listed(session: Session) -> None:
    """Show all rules in the order they are asked; as JSON each is what `rules write` takes."""
    from ownership_core.cli.output import emit

    found = session.shop.rules(session.actor)
    rows = map(rule_to_wire, found) if session.format == "json" else (_row(session, rule) for rule in found)
    emit(session.format, _COLUMNS, rows)
    session.say(f"{counted(len(found), 'rule')}.")


@shop_command("write")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--expected-version", type=int, help="Refuse unless the rule is at this version.")
@click.option("--reason", help="Why; it stands in the history of the rule.")
@plan_options
def write(session: Session, file: Path, expected_version: int | None, reason: str | None, **how: object) -> int:
    """Write the rule in FILE, new or in place of the one with its id."""
    rule = rule_from_wire(read_written(file, "rule", session.shop.store.fields))
    command = ChangeRules(rule=rule, reason=reason, expected_version=expected_version)
    return carry_out(session, command, How(**how), f"The rule {rule.id} is written. ")  # type: ignore[arg-type]


@shop_command("forget")
@click.argument("rule")
@click.option("--expected-version", type=int, help="Refuse unless the rule is at this version.")
@click.option("--reason", help="Why; it stands in the history of the rule.")
@plan_options
def forget(session: Session, rule: str, expected_version: int | None, reason: str | None, **how: object) -> int:
    """Forget RULE; customers it has given out stay where they are."""
    command = ChangeRules(forget=rule, reason=reason, expected_version=expected_version)
    return carry_out(session, command, How(**how), f"The rule {rule} is forgotten. ")  # type: ignore[arg-type]


@shop_command("check")
def check(session: Session) -> int:
    """Look for rules that cannot be asked, and say why. Exit code 1 where there are any."""
    from ownership_core.cli.output import emit

    store = session.shop.store
    broken = unaskable(session.shop.rules(session.actor), store.fields, store.capabilities.staff_key)
    rows = [
        {"rule": rule, "code": problem.code, "what": problem.what, "hint": problem.hint, "where": problem.where}
        for rule, problems in broken.items()
        for problem in problems
    ]
    if rows or session.format != "table":
        emit(session.format, ("rule", "code", "what", "hint", "where"), rows)
    session.say(f"{counted(len(broken), 'rule')} cannot be asked." if broken else "All rules can be asked.")
    return REFUSED if broken else DONE


@shop_command("why")
@click.argument("customer")
@click.option("--occasion", type=click.Choice([one.value for one in Occasion]), default=Occasion.SWEEP.value)
def why(session: Session, customer: str, occasion: str) -> None:
    """Say which rule would fire for CUSTOMER, and why no other does. Nothing is given out."""
    from ownership_core.cli.output import emit

    found = session.shop.why_rule(session.actor, customer, Occasion(occasion))
    rows = [{**_row(session, rule), "standing": one.name.lower(), "said": one.value} for rule, one in found]
    emit(session.format, ("rule", "version", "said", "customers", "to"), rows)
    fires = next((rule for rule, standing in found if standing is Standing.FIRES), None)
    session.say("No rule fires." if fires is None else f"{fires.id} fires: {described(fires.to)}.")


for _command in (listed, write, forget, check, why):
    rules.add_command(_command)


def _row(session: Session, rule: Rule) -> Json:
    speaker = Speaker(Customer(CustomerId("")), session.shop.store.fields, {})
    return {
        "rule": rule.id,
        "version": rule.version,
        "priority": rule.priority,
        "customers": speaker.phrase(rule.condition),
        "to": described(rule.to),
        "occasions": _names(rule.occasions),
        "from": _time(rule.active_from),
        "until": _time(rule.active_until),
        "reassign": rule.reassign,
    }


def _names(occasions: Iterable[Occasion]) -> list[str]:
    return [one.value for one in Occasion if one in set(occasions)]


def _time(micros: int | None) -> str | None:
    return None if micros is None else from_micros(micros).strftime("%Y-%m-%d %H:%M UTC")
