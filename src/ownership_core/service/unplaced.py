"""Customers a rule held of and had nobody for: told by rule and reason, counted, and a few of them named (H07)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from ownership_core.distribute import Placement
from ownership_core.errors import Problem
from ownership_core.model import CustomerId
from ownership_core.rules import rule_of
from ownership_core.service.refusals import sentence

RULE_ERROR = "rule_error"
_NAMED = 3


def is_left_out(one: Placement) -> bool:
    """Whether a rule held, or could not be asked, and nobody gets the customer; who is assigned stays so (H08)."""
    return one.code is not None and bool(one.source) and one.code != "already_assigned"


class LeftOut:
    """Counts customers as they are dealt; remembers a few of each kind only."""

    def __init__(self, placements: Iterable[Placement] = ()) -> None:
        self._many: Counter[tuple[str, str]] = Counter()
        self._some: defaultdict[tuple[str, str], list[CustomerId]] = defaultdict(list)
        for one in placements:
            self.note(one)

    def note(self, one: Placement) -> None:
        """Count a customer that is left out; any other is let go by."""
        if not is_left_out(one):
            return
        kind = one.source, str(one.code)
        self._many[kind] += 1
        if len(self._some[kind]) < _NAMED:
            self._some[kind].append(one.customer)

    def warnings(self) -> tuple[Problem, ...]:
        """One for each rule and code."""
        return tuple(self._told(*kind) for kind in self._many)

    def _told(self, source: str, code: str) -> Problem:
        rule, many, some = rule_of(source), self._many[source, code], self._some[source, code]
        more = f" and {many - len(some)} more" if many > len(some) else ""
        who = f"{many} customer{'s' if many > 1 else ''} ({', '.join(some)}{more})"
        why, hint = sentence(code)
        return Problem(code, f"By the rule {rule!r} nobody gets {who}. {why}", hint, f"rule {rule}")


def unasked(warnings: Iterable[Problem]) -> str | None:
    """Which rules could not be asked, as the reason a run keeps; their conditions are not repeated there."""
    rules = dict.fromkeys(one.where for one in warnings if one.code == RULE_ERROR)
    return f"Could not be asked: {', '.join(rules)}." if rules else None
