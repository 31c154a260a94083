"""Asks the hooks, once per question, and turns their answers into policies. Decides nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ownership_core import access as rules
from ownership_core.access import DENIED, UNBOUNDED, UNKNOWN_ACTION, policy_for
from ownership_core.commands import (
    Assign,
    Command,
    Offboard,
    Rebalance,
    SetPrimary,
    Sweep,
    SwitchCardinality,
    Transfer,
    Unassign,
)
from ownership_core.decide import ACTION_OF, Asking, Targets
from ownership_core.decide.asking import Target
from ownership_core.distribute import named_staff
from ownership_core.errors import InvalidInput, InvalidSettings, PluginError, Problem, invalid
from ownership_core.fields import Fields
from ownership_core.hookspecs import Away, Held, Occasion, Proposals, Related, SearchFilter
from ownership_core.host import Host
from ownership_core.model import Access, Action, Actor, ActorKind, Customer, CustomerId, StaffId
from ownership_core.policies import Cardinality, PrimaryPolicy
from ownership_core.rules import Rule
from ownership_core.ruling import Grant, Policy, Requirement, Restriction
from ownership_core.scope import Nothing, Scope, Wildcard
from ownership_core.settings import Settings
from ownership_core.wellformed import check_scope

REQUIREMENTS_LIMIT = 50
_OWN_CLOCKS = frozenset({"levels", "shares"})
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
        self.cardinalities = {one.name: one for _, one in host.gather("ownership_cardinality", Cardinality)}
        self.primary = _picked(host, "ownership_primary", PrimaryPolicy, settings.primary)
        self.filters: Mapping[str, SearchFilter] = _filters(host)

    @property
    def is_timeless(self) -> bool:
        """Whether no plugin's grants follow the clock; of our own, the access itself says whether it turns."""
        return self._host.takers("ownership_grants", "at") <= _OWN_CLOCKS

    def policy(self, actor: Actor, access: Access | None, action: str, at: int) -> Policy:
        """The one policy of an actor for an action at a moment (B17); unknown actions and actors reach nobody (B19)."""
        if action not in self._settings.known_actions():
            return Policy((Requirement(UNKNOWN_ACTION, Nothing(), "settings"),))
        match actor.kind:
            case ActorKind.OPERATOR:
                return UNBOUNDED if self._settings.operator else _OPERATOR_DISABLED
            case ActorKind.SYSTEM:
                return UNBOUNDED if action in _SYSTEM_MAY else _NOT_FOR_SYSTEM
            case ActorKind.STAFF:
                return DENIED if access is None else self.staff_policy(access, action, at)

    def staff_policy(self, access: Access, action: str, at: int) -> Policy:
        """The policy of a staff at a moment, from everybody's grants and restrictions."""
        if access.unbounded:
            return policy_for(access, (), ())
        grants = self._host.pool_all("ownership_grants", Grant, actor=access, action=str(action), at=at)
        restrictions = self._restrictions(access, action)
        for name, answer in (*grants, *restrictions):
            self._check(answer.scope, name)
        return policy_for(access, grants, restrictions)

    def asking(self, command: Command, actor: Actor, access: Access | None, at: int) -> Asking:
        """Everything ``decide`` has to know about the asker of ``command`` at a moment."""
        if actor.kind is not ActorKind.STAFF:
            access = None  # an operator or a till may be called like a staff, and is somebody else
        right = ACTION_OF[type(command)]
        demands = self._host.pool_all("ownership_requirements", Requirement, command=command, actor=actor)
        for name, demand in demands:
            self._check(demand.scope, name)
        beside = (Action.ASSIGN,) if isinstance(command, SwitchCardinality) else ()
        return Asking(
            actor=actor,
            access=access,
            view=self.policy(actor, access, Action.VIEW, at),
            action=self.policy(actor, access, right, at),
            right=right,
            cardinality=self.cardinality,
            primary=self.primary,
            extra=_limited([Requirement(demand.code, demand.scope, name) for name, demand in demands]),
            beside=tuple(self.policy(actor, access, other, at) for other in beside),
            offered=self.cardinalities,
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

    def rules(self) -> list[Rule]:
        """The rules plugins bring; a rule id is theirs by beginning with their name and a colon."""
        return [rule for _, rule in self._host.pool_all("ownership_rules", Rule)]

    def unavailable(self, staff: Sequence[StaffId], at: int) -> frozenset[StaffId]:
        """Those of ``staff`` somebody says are away at this moment; one word suffices."""
        answers = self._host.pool("ownership_availability", staff=staff, at=at)
        away: set[StaffId] = set()
        for name, answer in answers:
            if not isinstance(answer, Away):
                raise _plugin_failed(name, "answered ownership_availability with something else than Away")
            away |= answer.staff
        return frozenset(away)

    def inventory(self, staff: StaffId) -> list[tuple[str, Held]]:
        """What else a leaver holds, by plugin."""
        return self._host.pool_all("ownership_inventory", Held, staff=staff)

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
        if access.unbounded:
            return ()
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
    match command:
        case Transfer(giver=giver, to=to):
            named |= {giver} | named_staff(to)
        case Offboard(staff=staff, to=to):
            named |= {staff} | (frozenset() if to is None else named_staff(to))
        case Rebalance(weights=weights):
            named |= set(weights)
        case Sweep(to=to) if to is not None:
            named |= named_staff(to)
        case _:
            pass
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
