"""The assignment rules of a plain shop: who changes them, which one decides, and what becomes of a leaver's (H05, H06).

Rules are kept as they were asked for, each with its version: they are data already.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from ownership_core.distribute import NOBODY, Rotation, ToStaff, Weighted
from ownership_core.rules import Rule
from ownership_core.testing.oracle import surely
from ownership_core.testing.worlds import WORLD_FIELDS
from ownership_core.wire import rule_to_wire

from . import naive
from .model_people import Denied, over_everybody, record
from .naive import Plain


def change(shop: Plain, actor: Any, command: Any, by: Plain) -> tuple[bool, int]:
    """Rows 50, 94: a rule is written or forgotten by whoever may change all access; versions go on counting."""
    mine = over_everybody(shop, actor)
    if mine:
        raise Denied(mine, exact=False)
    id = command.forget or command.rule.id
    before, version = shop["rules"].get(id), shop["rule_versions"].get(id, 0)
    if command.expected_version not in {None, version}:
        raise Denied({"version_conflict"})
    if command.rule is None and before is None:
        raise Denied({"unknown_rule"})
    if command.rule is not None and before == attrs.evolve(command.rule, version=version):
        return False, version
    return True, write(shop, id, command.rule, by)


def write(shop: Plain, id: str, rule: Rule | None, by: Plain) -> int:
    """The next version of a rule, or its end, with the event."""
    what = "forgotten" if rule is None else "changed" if id in shop["rules"] else "written"
    version = shop["rule_versions"][id] = int(shop["rule_versions"].get(id, 0)) + 1
    said = None
    if rule is None:
        del shop["rules"][id]
    else:
        shop["rules"][id] = attrs.evolve(rule, version=version)
        said = rule_to_wire(attrs.evolve(rule, version=version, label=""))["rule"]
    record(shop, "rule", id, version, by, {"what": what, "rule": said})
    return version


def due(shop: Plain, occasion: str) -> list[Rule]:
    """The rules asked on an occasion now: larger priority, then longer territory, then lower id."""
    asked = [
        rule
        for rule in shop["rules"].values()
        if occasion in rule.occasions
        and (rule.active_from is None or rule.active_from <= shop["now"])
        and (rule.active_until is None or shop["now"] < rule.active_until)
    ]
    return sorted(asked, key=lambda rule: (-rule.priority, -len(getattr(rule.condition, "prefix", "")), rule.id))


def first(shop: Plain, rules: Iterable[Rule], id: str) -> Rule | None:
    """The first that holds decides, whether it moves the customer or not (H05, H08)."""
    record = naive.record_of(shop, id)
    return next((rule for rule in rules if surely(rule.condition, record, WORLD_FIELDS)), None)


def leave(shop: Plain, command: Any, by: Plain) -> bool:
    """D07: rules name a leaver no more, but the one who gets all; one nobody is left in gives to nobody."""
    leaver, successor = command.staff, getattr(command.to, "staff", None)
    changed = False
    for id, rule in sorted(shop["rules"].items()):
        to = without(rule.to, leaver, successor)
        if to != rule.to:
            write(shop, id, attrs.evolve(rule, to=to), by)
            changed = True
    return changed


def without(to: Any, leaver: str, successor: str | None) -> Any:
    """The same receivers, but for one who leaves."""
    if isinstance(to, ToStaff) and to.staff == leaver:
        return NOBODY if successor is None else ToStaff(successor)
    if isinstance(to, Weighted) and leaver in to.weights:
        weights = {staff: weight for staff, weight in to.weights.items() if staff != leaver}
        if successor is not None:
            weights[successor] = weights.get(successor, 0) + to.weights[leaver]
        return Weighted(weights) if weights else NOBODY
    members = set(getattr(to, "members", ()))
    if leaver not in members:
        return to
    members = members - {leaver} | ({successor} if successor is not None else set())
    if not members:
        return NOBODY
    return Rotation(to.name, members) if isinstance(to, Rotation) else type(to)(members)
