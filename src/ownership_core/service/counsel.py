"""Asks the hooks, once per question, and turns their answers into policies. Decides nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ownership_core import access as rules
from ownership_core.access import DENIED, UNBOUNDED, UNKNOWN_ACTION, policy_for
from ownership_core.commands import Assign, Command, SetPrimary, Unassign
from ownership_core.decide import ACTION_OF, Asking, Targets
from ownership_core.decide.asking import Target
from ownership_core.errors import InvalidInput, InvalidSettings, PluginError, Problem, invalid
from ownership_core.fields import Fields
from ownership_core.hookspecs import Occasion, Proposals, Related, SearchFilter
from ownership_core.host import Host
from ownership_core.model import Access, Action, Actor, ActorKind, Customer, CustomerId, StaffId
from ownership_core.policies import Cardinality, PrimaryPolicy
from ownership_core.ruling import Grant, Policy, Requirement, Restriction
from ownership_core.scope import Nothing, Scope, Wildcard
from ownership_core.settings import Settings
from ownership_core.wellformed import check_scope

REQUIREMENTS_LIMIT = 50
_OPERATOR_DISABLED = Policy((Requirement("operator_disabled", Nothing(), "settings"),))
_NOT_FOR_SYSTEM = Policy((Requirement(rules.OUT_OF_REACH, Nothing(), "authority"),))
_SYSTEM_MAY = frozenset({Action.VIEW, Action.ASSIGN, Action.CREATE})
_Named = TypeVar("_Named", Cardinality, PrimaryPolicy)


class Counsel:
    """What the plugins of one host say under one set of settings."""

    def __init__(self, host: Host, settings: Settings, fields: Fields) -> None:
        self._host = host
        self._settings = settings
        self._fields = fields
        self.cardinality = _picked(host, "ownership_cardinality", Cardinality, settings.cardinality)
        self.primary = _picked(host, "ownership_primary", PrimaryPolicy, settings.primary)
        self.filters: Mapping[str, SearchFilter] = _filters(host)

    def policy(self, actor: Actor, access: Access | None, action: str) -> Policy:
        """The one policy of an actor for an action (B17); unknown actions and actors reach nobody (B19)."""
        if action not in self._settings.known_actions():
            return Policy((Requirement(UNKNOWN_ACTION, Nothing(), "settings"),))
        match actor.kind:
            case ActorKind.OPERATOR:
                return UNBOUNDED if self._settings.operator else _OPERATOR_DISABLED
            case ActorKind.SYSTEM:
                return UNBOUNDED if action in _SYSTEM_MAY else _NOT_FOR_SYSTEM
            case ActorKind.STAFF:
                return DENIED if access is None else self.staff_policy(access, action)

    def staff_policy(self, access: Access, action: str) -> Policy:
        """The policy of a staff, from everybody's grants and restrictions."""
        grants = self._host.pool_all("ownership_grants", Grant, actor=access, action=str(action))
        restrictions = self._restrictions(access, action)
        for name, answer in (*grants, *restrictions):
            self._check(answer.scope, name)
        return policy_for(access, grants, restrictions)

    def asking(self, command: Command, actor: Actor, access: Access | None) -> Asking:
        """Everything ``decide`` has to know about the asker of ``command``."""
        if actor.kind is not ActorKind.STAFF:
            access = None  # an operator or a till may be called like a staff, and is somebody else
        right = ACTION_OF[type(command)]
        demands = self._host.pool_all("ownership_requirements", Requirement, command=command, actor=actor)
        for name, demand in demands:
            self._check(demand.scope, name)
        return Asking(
            actor=actor,
            access=access,
            view=self.policy(actor, access, Action.VIEW),
            action=self.policy(actor, access, right),
            right=right,
            cardinality=self.cardinality,
            primary=self.primary,
            extra=_limited([Requirement(demand.code, demand.scope, name) for name, demand in demands]),
        )

    def targets(self, accesses: Mapping[StaffId, Access]) -> Targets:
        """The named staff with what their own restrictions demand of customers (I8)."""
        return {staff: Target(access, self._fitting(access)) for staff, access in accesses.items()}

    def proposals(self, customers: Sequence[Customer], occasion: Occasion) -> dict[CustomerId, StaffId]:
        """Who is proposed for each customer: the largest weight, then the plugin's name."""
        answers = self._host.pool("ownership_propose_staff", customers=customers, occasion=occasion)
        for name, answer in answers:
            if not isinstance(answer, Proposals):
                raise _plugin_failed(name, "answered ownership_propose_staff with something else than Proposals")
        best: dict[CustomerId, StaffId] = {}
        for _, answer in sorted(answers, key=lambda named: (-named[1].weight, named[0])):
            for customer, staff in answer.staff.items():
                best.setdefault(customer, staff)
        return best

    def related(self, kind: str) -> Related:
        """How records of ``kind`` follow their customer; ``unknown_related`` when nobody says."""
        answers = self._host.pool("ownership_related", kind=kind)
        if len(answers) > 1:
            names = ", ".join(name for name, _ in answers)
            raise _plugin_failed(names, f"both answered for records of kind {kind!r}")
        if not answers or not isinstance(answers[0][1], Related):
            hint = "Install or write a plugin with ownership_related."
            raise invalid("unknown_related", f"Nobody knows how {kind!r} follow their customer.", hint)
        return answers[0][1]

    def customers_of(self, related: Related, ids: Sequence[str]) -> Mapping[str, CustomerId]:
        """The customer of each record; a failing plugin ends the question (I47)."""
        try:
            return dict(related.customers_of(ids))
        except (Exception, SystemExit) as broken:
            raise _plugin_failed(related.kind, f"raised {type(broken).__name__} in customers_of") from broken

    def search(self, filters: Mapping[str, str]) -> list[Scope]:
        """One scope per search filter; all unknown ones are told at once (``unknown_filter``)."""
        known = ", ".join(sorted(self.filters))
        unknown = [
            Problem("unknown_filter", f"There is no search filter {name!r}.", f"Known are: {known}.")
            for name in filters
            if name not in self.filters
        ]
        if unknown:
            raise InvalidInput(*unknown)
        return [self._built(self.filters[name], text) for name, text in filters.items()]

    def _built(self, search_filter: SearchFilter, text: str) -> Scope:
        try:
            scope = search_filter.build(text)
        except InvalidInput:
            raise
        except Exception as broken:
            raise _plugin_failed(search_filter.name, f"raised {type(broken).__name__} in its filter") from broken
        return check_scope(scope, self._fields, searchable_only=True)

    def _restrictions(self, access: Access, action: str) -> list[tuple[str, Restriction]]:
        return self._host.pool_all("ownership_restrictions", Restriction, actor=access, action=str(action))

    def _fitting(self, access: Access) -> tuple[Requirement, ...]:
        answers = self._restrictions(access, Action.VIEW)
        for name, answer in answers:
            self._check(answer.scope, name)
        return _limited([Requirement(answer.code, answer.scope, name) for name, answer in answers])

    def _check(self, scope: Scope, plugin: str) -> None:
        try:
            check_scope(scope, self._fields)
        except InvalidInput as bad:
            raise _plugin_failed(plugin, f"answered with a scope that means nothing: {bad}") from bad


def people_of(command: Command, actor: Actor) -> frozenset[StaffId]:
    """The staff a command about customers names, and the asker."""
    named: set[StaffId] = {StaffId(actor.id)} if actor.kind is ActorKind.STAFF else set()
    if isinstance(command, Assign | SetPrimary | Unassign) and not isinstance(command.staff, Wildcard):
        named.add(command.staff)
    return frozenset(named)


def _picked(host: Host, hook: str, kind: type[_Named], wanted: str) -> _Named:
    offered: list[tuple[str, Any]] = host.gather(hook, kind)
    named = [one for _, one in offered if one.name == wanted]
    if len(named) == 1:
        return named[0]  # type: ignore[no-any-return]
    names = sorted({one.name for _, one in offered})
    what = f"{'Nobody offers' if not named else 'Several plugins offer'} the policy {wanted!r}."
    raise InvalidSettings(Problem("invalid_settings", what, f"Offered by {hook}: {', '.join(names)}."))


def _filters(host: Host) -> dict[str, SearchFilter]:
    offered = host.gather("ownership_search_filters", SearchFilter)
    found: dict[str, SearchFilter] = {}
    for name, one in sorted(offered, key=lambda named: (named[1].position, named[1].name)):
        if one.name in found:
            raise _plugin_failed(name, f"offers the search filter {one.name!r} a second time")
        found[one.name] = one
    return found


def _limited(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    found = tuple(requirements)
    if len(found) > REQUIREMENTS_LIMIT:
        raise _plugin_failed(found[-1].said_by, f"brings more than {REQUIREMENTS_LIMIT} requirements")
    return found


def _plugin_failed(plugin: str, what: str) -> PluginError:
    hint = "Nothing was changed. Mend the plugin, or block it in settings.plugins."
    return PluginError(Problem("plugin_failed", f"The plugin {plugin!r} {what}.", hint), who=plugin)
