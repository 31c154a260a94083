"""Distributions and assignment rules as plain dicts, and back; all problems of one are told at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, assert_never, cast

import attrs

from ownership_core.distribute import (
    ByScope,
    Capacity,
    Case,
    Distribution,
    FromField,
    InDepartment,
    LeastBusy,
    Members,
    Rotation,
    ToStaff,
    Weighted,
)
from ownership_core.distribute.strict import every, gathering
from ownership_core.errors import InvalidInput, Problem, raise_all
from ownership_core.model import Json
from ownership_core.rules import Rule
from ownership_core.wire import plain, scopes


def distribution_to_wire(distribution: Distribution) -> Json:
    """``distribution`` as a plain dict; sets become sorted lists, so equal ones give equal dicts.

    >>> distribution_to_wire(Rotation("new", {"jon", "ada"}))["distribution"]["members"]
    {'ids': ['ada', 'jon']}
    """
    return {"v": plain.WIRE_VERSION, "distribution": written(distribution, "distribution")}


def distribution_from_wire(raw: object) -> Distribution:
    """The distribution of :func:`distribution_to_wire`, or :class:`InvalidInput` with every problem.

    Codes: ``invalid_wire``, and for what has the right shape and cannot be meant those of the classes:
    ``invalid_id``, ``invalid_value``, ``invalid_text``, ``text_too_long``.
    """
    return cast("Distribution", _opened(raw, "distribution", read))


def rule_to_wire(rule: Rule) -> Json:
    """``rule`` as a plain dict.

    >>> from ownership_core.scope import Everything
    >>> rule_to_wire(Rule("all", Everything(), ToStaff("ada")))["rule"]["to"]
    {'node': 'ToStaff', 'staff': 'ada'}
    """
    return {"v": plain.WIRE_VERSION, "rule": rule_written(rule, "rule")}


def rule_from_wire(raw: object) -> Rule:
    """The rule of :func:`rule_to_wire`, or :class:`InvalidInput` as :func:`distribution_from_wire`."""
    return cast("Rule", _opened(raw, "rule", rule_read))


def _opened(raw: object, key: str, reader: Callable[[object, str], object]) -> object:
    whole = plain.versioned(raw, key)
    plain.only(whole, {"v", key}, "")
    return reader(plain.take(whole, key, ""), key)


# How they are written.


def written(distribution: Distribution, where: str, depth: int = 0) -> Json:
    """One distribution and what is in it, without an envelope."""
    plain.check_depth(depth, where)
    head: Json = {"node": type(distribution).__name__}
    match distribution:
        case ToStaff(staff):
            return {**head, "staff": staff}
        case FromField(field):
            return {**head, "field": field}
        case Rotation(name, members):
            return {**head, "name": name, "members": _written_members(members), **_bounds(distribution)}
        case LeastBusy(members):
            return {**head, "members": _written_members(members), **_bounds(distribution)}
        case Weighted(weights):
            return {**head, "weights": dict(sorted(weights.items())), **_bounds(distribution)}
        case ByScope(cases, otherwise):
            return {
                **head,
                "cases": [_written_case(case, f"{where}.cases[{i}]", depth + 1) for i, case in enumerate(cases)],
                "otherwise": None if otherwise is None else written(otherwise, f"{where}.otherwise", depth + 1),
            }
        case _:
            assert_never(distribution)


def _written_members(members: Members) -> Json:
    if isinstance(members, InDepartment):
        return {"department": members.department, "below": members.below}
    return {"ids": sorted(members)}


def _bounds(pool: Rotation | LeastBusy | Weighted) -> Json:
    capacity = pool.capacity
    return {
        "capacity": None if capacity is None else {"most": capacity.most, "days": capacity.days},
        "days": {staff: sorted(numbers) for staff, numbers in sorted(pool.days.items())},
    }


def _written_case(case: Case, where: str, depth: int) -> Json:
    return {
        "condition": scopes.written(case.condition, f"{where}.condition", 0),
        "to": written(case.to, f"{where}.to", depth),
        "source": case.source,
        "broken": case.broken,
        "reassign": case.reassign,
    }


def rule_written(rule: Rule, where: str) -> Json:
    """A rule inside something else that is written."""
    return {
        "id": rule.id,
        "condition": scopes.written(rule.condition, f"{where}.condition", 0),
        "to": written(rule.to, f"{where}.to"),
        "priority": rule.priority,
        "occasions": sorted(rule.occasions),
        "active_from": rule.active_from,
        "active_until": rule.active_until,
        "label": rule.label,
        "reassign": rule.reassign,
        "version": rule.version,
    }


# How they are read, strictly.


def read(raw: object, where: str, depth: int = 0) -> Distribution:
    """The distribution of :func:`written`."""
    plain.check_depth(depth, where)
    node = plain.mapping(raw, where)
    name = plain.text(plain.take(node, "node", where), f"{where}.node")
    kind = _KINDS.get(name)
    if kind is None:
        raise plain.wrong(f"There is no distribution {name[:60]!r}.", f"{where}.node")
    rest = {key: value for key, value in node.items() if key != "node"}
    return cast("Distribution", _made(kind, rest, where, depth))


_KINDS: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in (ToStaff, Rotation, LeastBusy, Weighted, ByScope, FromField)
}


def rule_read(raw: object, where: str) -> Rule:
    """The rule of :func:`rule_written`."""
    return cast("Rule", _made(Rule, plain.mapping(raw, where), where, 0))


def _made(kind: type[Any], raw: Json, where: str, depth: int) -> object:
    """One of these classes from its keys: all of them are read before anything is refused."""
    problems: list[Problem] = []
    arguments: dict[str, object] = {}
    slots = attrs.fields(kind)
    with gathering(problems):
        plain.only(raw, [slot.name for slot in slots], where)
    for slot in slots:
        place = f"{where}.{slot.name}"
        with gathering(problems, place):
            found = _argument(slot.name, plain.take(raw, slot.name, where), place, depth)
            arguments[slot.name] = slot.converter(found) if slot.converter else found
    raise_all(problems)
    with gathering(problems, where):
        return kind(**arguments)
    raise InvalidInput(*problems)


def _argument(key: str, raw: object, where: str, depth: int) -> object:
    match key:
        case "staff" | "field" | "name" | "source" | "id" | "label" | "department":
            return plain.text(raw, where)
        case "broken" | "reassign" | "below":
            return plain.truth(raw, where)
        case "priority" | "version" | "most":
            return plain.integer(raw, where)
        case "active_from" | "active_until":
            return None if raw is None else plain.integer(raw, where)
        case "condition":
            return scopes.read(raw, where, 0)
        case "to":
            return read(raw, where, depth)
        case "otherwise":
            return None if raw is None else read(raw, where, depth + 1)
        case "cases":
            return every(lambda one: _made(Case, plain.mapping(*one), one[1], depth + 1), plain.items(raw, where))
        case "members":
            return _read_members(plain.mapping(raw, where), where)
        case "capacity":
            return None if raw is None else _read_capacity(plain.mapping(raw, where), where)
        case "weights":
            return _by_staff(raw, where, plain.integer)
        case "days":
            return _by_staff(raw, where, _integers)
        case "occasions":
            return every(lambda one: plain.text(*one), plain.items(raw, where))
        case _:
            raise AssertionError(f"{key} has no wire form")


def _read_members(raw: Json, where: str) -> object:
    if "department" in raw:
        return _made(InDepartment, raw, where, 0)
    plain.only(raw, {"ids"}, where)
    return every(lambda one: plain.text(*one), plain.items(plain.take(raw, "ids", where), f"{where}.ids"))


def _read_capacity(raw: Json, where: str) -> Capacity:
    plain.only(raw, {"most", "days"}, where)
    most = plain.integer(plain.take(raw, "most", where), f"{where}.most")
    days = plain.take(raw, "days", where)
    return Capacity(most, None if days is None else plain.integer(days, f"{where}.days"))


def _by_staff(raw: object, where: str, reader: Callable[[object, str], object]) -> dict[str, object]:
    found = plain.mapping(raw, where)
    return dict(zip(found, every(lambda key: reader(found[key], f"{where}.{key}"), found), strict=True))


def _integers(raw: object, where: str) -> list[int]:
    return every(lambda one: plain.integer(*one), plain.items(raw, where))
