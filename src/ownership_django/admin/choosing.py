"""Which customers an action of the list is about: the ids of a page, of a filter, or a sentence that is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen
from django.contrib.admin.options import IS_FACETS_VAR
from django.contrib.admin.views.main import ALL_VAR, ORDER_VAR, PAGE_VAR
from django.db.models import QuerySet
from django.http import HttpRequest

from ownership_core.commands import Command, Ids, Matching, Selection, Transfer
from ownership_core.errors import InvalidInput, invalid
from ownership_core.model import CustomerId
from ownership_core.scope import AllOf, AnyOf, AssignedTo, Everything, OneOf
from ownership_core.service import Plan
from ownership_django.admin.filters import CLAIMABLE, FILTERS, STATE
from ownership_django.bound import BoundOwnership
from ownership_django.query import condition

_NO_FILTERS = frozenset({PAGE_VAR, ORDER_VAR, ALL_VAR, IS_FACETS_VAR})
"""What a list is asked for that leaves no row out."""


FROZEN = 30_000
"""How many customers are kept as a sentence that names each of them: SQLite takes some 32,000 values in a statement."""

_PART = 10_000
"""How many values one part of a sentence lists."""


@frozen
class Chosen:
    """What a command is about: customers, and what to plan for instead where the plan of these is not the list's.

    ``many`` is how many customers the plan must hold: a sentence finds all of the list, and may find more.
    """

    customers: Selection
    many: Callable[[Command], int] | None = None
    instead: Callable[[], Selection] | None = None

    def planned(self, bound: BoundOwnership, build: Callable[[Selection], Command]) -> Plan:
        """The plan of the command for exactly these; ``too_many_ids`` where they are too many to be named."""
        command = build(self.customers)
        plan = bound.plan(command)
        if self.many is None or self.instead is None or self.many(command) == plan.run.tally.total:
            return plan
        # By the right to assign, say, which reaches farther than the right to view.
        return bound.plan(build(self.instead()))


EVERYTHING = Matching(Everything())
"""For commands that say themselves whom they are about."""


def chosen(rows: QuerySet[Any], request: HttpRequest, bound: BoundOwnership) -> Chosen:
    """The customers of ``rows``, the list as it was filtered when somebody chose all of it, or some of its page.

    They are looked up here and frozen: as ids, up to as many as a command takes (``limits.ids``). More of them are
    chosen by the sentence behind the filters, where all of them are ours and it finds the list and no more; else by
    a sentence that names them, up to :data:`FROZEN` (``too_many_ids``).
    """
    limit = bound.service.settings.limits.ids
    ids = _ids(rows, limit)
    if len(ids) <= limit:
        return Chosen(Ids(ids))

    def named() -> Selection:
        return _named(_ids(rows, FROZEN))

    sentence = _sentence(request)
    return Chosen(named()) if sentence is None else Chosen(sentence, lambda command: _concerned(rows, command), named)


def _ids(rows: QuerySet[Any], limit: int) -> list[CustomerId]:
    """The ids in order, up to one more than ``limit``."""
    keys = rows.order_by("pk").values_list("pk", flat=True).distinct()
    return [CustomerId(str(key)) for key in keys[: limit + 1]]


def _named(ids: list[CustomerId]) -> Matching:
    if len(ids) > FROZEN:
        raise _too_many()
    return Matching(AnyOf(OneOf("id", ids[start : start + _PART]) for start in range(0, len(ids), _PART)))


def _concerned(rows: QuerySet[Any], command: Command) -> int:
    """How many of ``rows`` a command is about: of those that are handed over, what the giver has."""
    return count(rows.filter(condition(AssignedTo([command.giver]))) if isinstance(command, Transfer) else rows)


def count(rows: QuerySet[Any]) -> int:
    """How many customers; a filter through another table may repeat some."""
    return rows.order_by().values("pk").distinct().count()


def _too_many() -> InvalidInput:
    what = "More customers are selected than a command takes."
    return invalid("too_many_ids", what, "Narrow the list, or choose by our filters alone.")


def _sentence(request: HttpRequest) -> Matching | None:
    """What the filters of the list say, where they are all ours."""
    said = {name: str(value) for name, value in request.GET.items() if value and name not in _NO_FILTERS}
    offered = {one.parameter_name: one for one in FILTERS}
    if not set(said) <= set(offered) or said.get(STATE) == CLAIMABLE:
        return None
    parts = [offered[name].scope(request, value) for name, value in said.items()]
    return Matching(AllOf(parts) if parts else Everything())
