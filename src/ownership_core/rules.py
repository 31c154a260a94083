"""Assignment rules as data: ordered, first match wins; which one would decide for a customer, and why not another."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from attrs import field as attribute
from attrs import frozen

from ownership_core.distribute import ByScope, Case, Distribution, Marked, check_distribution, questions, strict
from ownership_core.distribute.data import distribution
from ownership_core.errors import Problem, invalid
from ownership_core.fields import Fields
from ownership_core.keys import KeyType, parse_id, parse_text, to_micros
from ownership_core.scope import UNASSIGNED, AllOf, Scope, Under
from ownership_core.wellformed import check_scope

LABEL_LIMIT = 500


class Occasion(StrEnum):
    """Why staff is looked for: a customer was created or changed, something was sold, or a sweep gives out."""

    CREATED = "created"
    CHANGED = "changed"
    SALE = "sale"
    SWEEP = "sweep"


def _id(raw: object) -> str:
    return parse_id(raw, what="rule id")


def _whole(raw: object) -> int:
    if type(raw) is int and -(2**31) <= raw < 2**31:
        return raw
    raise invalid("invalid_value", f"{ascii(raw)[:60]} is not a whole number of 32 bits.", "Give a number such as 10.")


def _occasions(raw: object) -> frozenset[Occasion]:
    if isinstance(raw, str) or not isinstance(raw, Iterable):
        raise invalid("invalid_value", f"{ascii(raw)[:60]} is no list of occasions.", "Give a list.")
    found = list(raw)
    known = [occasion.value for occasion in Occasion]
    for one in found:
        if one not in known:
            raise invalid("invalid_value", f"{ascii(one)[:60]} is no occasion.", f"Use some of {', '.join(known)}.")
    return frozenset(map(Occasion, found))


def _moment(raw: object) -> int | None:
    if raw is None or (type(raw) is int and -(2**63) <= raw < 2**63):
        return raw
    return to_micros(raw)


def _label(raw: object) -> str:
    return parse_text(raw, LABEL_LIMIT, "label")


@frozen
class Rule:
    """Customers ``condition`` is TRUE of go ``to`` somebody (rows 26, 94; H05-H08).

    Asked on its ``occasions``, from ``active_from`` until just before ``active_until`` (UTC microseconds or
    aware times; None: no bound). A customer that is assigned stays where it is unless the rule says
    ``reassign``. ``version`` counts its changes; who was moved by it remembers id and version (row 50).

    Errors: ``invalid_id``, ``invalid_value``, ``invalid_scope``, ``invalid_text``, ``text_too_long``,
    ``naive_time``.
    """

    id: str = attribute(converter=_id)
    condition: Scope = attribute(converter=strict.scope)
    to: Distribution = attribute(converter=distribution)
    priority: int = attribute(default=0, converter=_whole)
    occasions: frozenset[Occasion] = attribute(default=frozenset(Occasion), converter=_occasions)
    active_from: int | None = attribute(default=None, converter=_moment)
    active_until: int | None = attribute(default=None, converter=_moment)
    label: str = attribute(default="", converter=_label)
    reassign: bool = attribute(default=False, converter=strict.flag)
    version: int = attribute(default=0, converter=_whole)

    def __attrs_post_init__(self) -> None:
        if self.active_from is not None and self.active_until is not None and self.active_from >= self.active_until:
            raise invalid("invalid_value", "The rule ends before it begins.", "Let active_until be later.")

    @property
    def source(self) -> str:
        """What assignments made by this rule have as their source.

        >>> from ownership_core.distribute import ToStaff
        >>> from ownership_core.scope import Everything
        >>> Rule("north", Everything(), ToStaff("maria"), version=3).source
        'rule:north@3'
        """
        return f"rule:{self.id}@{self.version}"


def rule_of(source: str) -> str:
    """The id of the rule an assignment has as its source.

    >>> rule_of("rule:north@3")
    'north'
    """
    return source.removeprefix("rule:").rpartition("@")[0]


def in_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules as they are asked: larger priority, then longer territory prefix, then lower id (H05, H06).

    >>> from ownership_core.distribute import ToStaff
    >>> wide, narrow = (Rule(zip, Under("zip", zip), ToStaff("maria")) for zip in ("12", "123"))
    >>> [rule.id for rule in in_order([wide, narrow])]
    ['123', '12']
    """
    return tuple(sorted(rules, key=lambda rule: (-rule.priority, -_territory(rule.condition), rule.id)))


def _territory(condition: Scope) -> int:
    """How long the longest prefix is that a customer must lie under for the condition to hold; 0 without one."""
    match condition:
        case Under(_, prefix):
            return len(prefix)
        case AllOf(parts):
            return max(map(_territory, parts), default=0)
        case _:
            return 0


def due(rules: Iterable[Rule], occasion: Occasion, at: int) -> tuple[Rule, ...]:
    """The rules to be asked on this occasion at this moment (UTC microseconds), in order."""
    return in_order(rule for rule in rules if occasion in rule.occasions and _is_active(rule, at))


def _is_active(rule: Rule, at: int) -> bool:
    begun = rule.active_from is None or rule.active_from <= at
    return begun and (rule.active_until is None or at < rule.active_until)


def unaskable(
    rules: Iterable[Rule], fields: Fields, staff_key: KeyType = KeyType.TEXT
) -> dict[str, tuple[Problem, ...]]:
    """The ids of the rules that cannot be asked, with everything that is wrong with each (H07).

    A field may be gone, or an id may not fit, since the rule was written.
    """
    found: dict[str, tuple[Problem, ...]] = {}
    for rule in rules:
        problems: list[Problem] = []
        with strict.gathering(problems):
            check_scope(rule.condition, fields)
        with strict.gathering(problems):
            check_distribution(rule.to, fields, staff_key)
        if problems:
            found[rule.id] = tuple(problems)
    return found


def as_distribution(rules: Iterable[Rule], broken: Collection[str] = ()) -> ByScope:
    """All of the rules as one distribution, in order; those whose id is in ``broken`` cannot be asked (H07)."""
    return ByScope(
        Case(rule.condition, rule.to, rule.source, rule.id in broken, rule.reassign) for rule in in_order(rules)
    )


class Standing(StrEnum):
    """What becomes of one rule for one customer."""

    FIRES = "fires"
    LATER = "holds, but an earlier one fires"
    ASSIGNED = "holds, but the customer is assigned"
    BLOCKED = "holds, but an earlier one is in its way"
    FAILS = "does not hold"
    BROKEN = "cannot be asked"


def which(rules: Iterable[Rule], marked: Marked, broken: Collection[str] = ()) -> list[tuple[Rule, Standing]]:
    """What becomes of each rule for one customer, in order, without dealing anything (row 94).

    ``marked`` answers ``questions(as_distribution(rules, broken))``. At most one rule fires. None does
    where a broken one would have had to be asked before, or one held that leaves assigned customers alone.
    """
    ordered = in_order(rules)
    asked = questions(as_distribution(ordered, broken)).scopes
    true = {scope for place, scope in enumerate(asked) if marked.held >> place & 1}
    found: list[tuple[Rule, Standing]] = []
    later: Standing | None = None
    for rule in ordered:
        standing = _standing(rule, true, broken)
        if standing is Standing.FAILS:
            pass
        elif later is not None:
            standing = standing if standing is Standing.BROKEN else later
        else:
            later = Standing.LATER if standing is Standing.FIRES else Standing.BLOCKED
        found.append((rule, standing))
    return found


def _standing(rule: Rule, true: set[Scope], broken: Collection[str]) -> Standing:
    """What would become of the rule if it were the first."""
    if rule.id in broken:
        return Standing.BROKEN
    if rule.condition not in true:
        return Standing.FAILS
    return Standing.FIRES if rule.reassign or UNASSIGNED in true else Standing.ASSIGNED
