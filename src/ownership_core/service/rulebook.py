"""Writing, changing and forgetting assignment rules; each change is an event of the rule (rows 50, 94; D07)."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from ownership_core.commands import ChangeRules, Offboard
from ownership_core.decide.rulebook import decide_change_rules
from ownership_core.distribute import NOBODY, ToStaff, replaced
from ownership_core.errors import invalid
from ownership_core.events import BODY_VERSION, Event, Subject
from ownership_core.model import Actor, Json
from ownership_core.plan import Receipt
from ownership_core.ports import Reader, Run, Writer
from ownership_core.rules import Rule
from ownership_core.service.desk import Desk
from ownership_core.service.people import NO_CHANGE, applied, asked_under_lock, event_of
from ownership_core.service.refusals import refuse
from ownership_core.wire import WIRE_VERSION, rule_from_wire, rule_to_wire

WHAT = "change_rules"


def change_rules(desk: Desk, writer: Writer, actor: Actor, command: ChangeRules) -> Receipt:
    """Write one rule or forget one. Codes: those of whoever may not, ``unknown_rule``, ``version_conflict``."""
    id = _named(command)
    asking = asked_under_lock(desk, writer, actor, command, (), changing=False)
    before = next((rule for rule in writer.rules() if rule.id == id), None)
    version = last_version(writer, id)
    problems = decide_change_rules(command, asking, before, version)
    if problems:
        raise refuse(problems, actor)
    after = command.rule
    if after is not None and before is not None and attrs.evolve(after, version=before.version) == before:
        return Receipt(None, WHAT, NO_CHANGE, version)
    run = applied(desk, asking, command, WHAT)
    event = rule_event(run, id, version + 1, before, after)
    if after is None:
        writer.delete_rule(id, event)
    else:
        writer.save_rule(after, event)
    writer.save_run(run)
    return Receipt(run.id, WHAT, run.tally, event.version)


def left_rules(reader: Reader, command: Offboard) -> tuple[Rule, ...]:
    """Every rule that names a leaver without it, for the one who gets all of its customers where there is one (D07).

    A rule nobody is left in gives to nobody, so that no later one is asked in its place.
    """
    successor = command.to.staff if isinstance(command.to, ToStaff) else None
    over = [(rule, replaced(rule.to, command.staff, successor) or NOBODY) for rule in reader.rules()]
    return tuple(attrs.evolve(rule, to=to) for rule, to in over if to != rule.to)  # one may give to nobody already


def save_rules(writer: Writer, run: Run, rules: Iterable[Rule]) -> None:
    """Change rules that there are, each by an event of ``run``."""
    for rule in rules:
        writer.save_rule(rule, rule_event(run, rule.id, last_version(writer, rule.id) + 1, rule, rule))


def last_version(reader: Reader, rule: str) -> int:
    """How many changes of a rule there were; one that is forgotten and written again goes on counting."""
    return max((event.version for event in reader.events(Subject.RULE, rule)), default=0)


def rule_event(run: Run, id: str, version: int, before: Rule | None, after: Rule | None) -> Event:
    """The event of a rule: what it says afterwards, without its label."""
    what = "forgotten" if after is None else "written" if before is None else "changed"
    said: Json | None = None
    if after is not None:
        said = rule_to_wire(attrs.evolve(after, label="", version=version))["rule"]
    return event_of(run, Subject.RULE, id, version, {"v": BODY_VERSION, "what": what, "rule": said})


def rule_told(event: Event) -> Rule:
    """The rule as it was by one of its events, without its label."""
    return rule_from_wire({"v": WIRE_VERSION, "rule": event.body["rule"]})


def _named(command: ChangeRules) -> str:
    if (command.rule is None) is (command.forget is None):
        raise invalid("invalid_value", "Either a rule is written or one is forgotten.", "Give rule or forget.")
    return command.rule.id if command.rule is not None else str(command.forget)
