"""The plugins of one application, and who answered, who failed. An object you build; nothing is global."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

import attrs
import pluggy

from ownership_core import hookspecs
from ownership_core.discovery import Plugin, State
from ownership_core.errors import PluginError, Problem
from ownership_core.hookspecs import API_VERSION, COMBINED, PROJECT, Card

_PREFIX = "ownership_"


class Host:
    """Holds plugins by name and asks them one at a time, in name order, so every failure has a name.

    >>> host = Host({"mine": object()})
    >>> [(plugin.name, plugin.state.value) for plugin in host.plugins]
    [('mine', 'loaded')]
    """

    def __init__(
        self, plugins: Mapping[str, object] | None = None, discovered: Iterable[Plugin] = (), block: Iterable[str] = ()
    ) -> None:
        self._callers: dict[str, list[tuple[str, Callable[..., Any]]]] = {hook: [] for hook in COMBINED}
        blocked = frozenset(block)
        built_in = [Plugin(name, State.LOADED, implementation=one) for name, one in (plugins or {}).items()]
        taken = {plugin.name for plugin in built_in}
        everyone = [*built_in, *(_not_shadowing(plugin, taken) for plugin in discovered)]
        self.plugins: tuple[Plugin, ...] = tuple(
            self._register(plugin, blocked) for plugin in sorted(everyone, key=lambda p: p.name)
        )

    def pool(self, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
        """Every plugin's answer with its name; silence is left out. A raise is a :class:`PluginError`."""
        answers = ((name, self._ask(hook, name, caller, arguments)) for name, caller in self._callers[hook])
        return [(name, answer) for name, answer in answers if answer is not None]

    def pool_all(self, hook: str, kind: type, **arguments: Any) -> list[tuple[str, Any]]:
        """The members of every plugin's list, each with its plugin; anything but ``kind`` is refused."""
        return [one for name, answer in self.pool(hook, **arguments) for one in _members(hook, name, kind, answer)]

    def attempt(self, hook: str, kind: type) -> tuple[list[tuple[str, Any]], list[tuple[str, PluginError]]]:
        """As :meth:`pool_all`, whatever becomes of some: all members, and who failed with what."""
        members: list[tuple[str, Any]] = []
        failed: list[tuple[str, PluginError]] = []
        for name, caller in self._callers[hook]:
            try:
                answer = self._ask(hook, name, caller, {})
                members += [] if answer is None else _members(hook, name, kind, answer)
            except PluginError as error:
                failed.append((name, error))
        return members, failed

    def gather(self, hook: str, kind: type) -> list[tuple[str, Any]]:
        """As :meth:`pool_all` while an application is built: a plugin that fails is left out altogether,
        marked as failed and reported, and the shop goes on (I47)."""
        members, failed = self.attempt(hook, kind)
        for name, error in failed:
            self._leave_out(name, str(error))
        return members

    def require(self, names: Iterable[str]) -> None:
        """Refuse to go on when one of these plugins is not loaded (``plugin_missing``)."""
        loaded = {plugin.name for plugin in self.plugins if plugin.state is State.LOADED}
        missing = [name for name in names if name not in loaded]
        if missing:
            raise PluginError(*(self._missing(name) for name in missing))

    def pick(self, hook: str, plugin: str, **arguments: Any) -> Any:
        """The answer of the one plugin the settings name, or :class:`PluginError` (``plugin_missing``)."""
        for name, caller in self._callers[hook]:
            if name == plugin:
                answer = self._ask(hook, name, caller, arguments, guard=False)
                if answer is not None:
                    return answer
        raise PluginError(self._missing(plugin), who=plugin)

    def tell(self, hook: str, **arguments: Any) -> list[Problem]:
        """Call every plugin whatever the others do; what went wrong comes back as problems."""
        problems: list[Problem] = []
        for name, caller in self._callers[hook]:
            try:
                self._ask(hook, name, caller, arguments)
            except PluginError as failed:
                problems.extend(failed.problems)
        return problems

    def takers(self, hook: str, argument: str) -> frozenset[str]:
        """The plugins whose answer to a hook looks at one of its arguments."""
        return frozenset(
            name
            for name, caller in self._callers[hook]
            if any(argument in implementation.argnames for implementation in caller.get_hookimpls())  # type: ignore[attr-defined]
        )

    def _missing(self, name: str) -> Problem:
        state = next((f"{p.state.value}: {p.reason}" for p in self.plugins if p.name == name), "not installed")
        hint = "Install it by that name, or change the settings."
        return Problem("plugin_missing", f"The plugin {name!r} is needed and is {state}.", hint)

    def _leave_out(self, name: str, reason: str) -> None:
        for callers in self._callers.values():
            callers[:] = [(other, caller) for other, caller in callers if other != name]
        self.plugins = tuple(
            attrs.evolve(plugin, state=State.FAILED, reason=reason, hooks=()) if plugin.name == name else plugin
            for plugin in self.plugins
        )

    def _ask(
        self, hook: str, name: str, caller: Callable[..., Any], arguments: Mapping[str, Any], guard: bool = True
    ) -> Any:
        try:
            answers = caller(**arguments)
        except (Exception, SystemExit) as broken:
            if not guard:
                raise
            what = f"The plugin {name!r} raised {type(broken).__name__} in {hook}."
            hint = "Nothing was changed. Mend the plugin, or block it in settings.plugins."
            raise PluginError(Problem("plugin_failed", what, hint), who=name) from broken
        return answers[0] if answers else None

    def _register(self, plugin: Plugin, blocked: frozenset[str]) -> Plugin:
        if plugin.state is not State.LOADED:
            return plugin
        if plugin.name in blocked:
            return attrs.evolve(plugin, state=State.BLOCKED, reason="blocked by settings.plugins.block")
        callers, reason = _validated(plugin)
        reason = reason or self._card_refusal(plugin.name, callers.get("ownership_card"))
        if reason:
            return attrs.evolve(plugin, state=State.FAILED, reason=reason)
        for hook, caller in callers.items():
            self._callers[hook].append((plugin.name, caller))
        return attrs.evolve(plugin, hooks=tuple(callers))

    def _card_refusal(self, name: str, card: Callable[..., Any] | None) -> str:
        if card is None:
            return ""
        try:
            answer = self._ask("ownership_card", name, card, {})
        except PluginError as failed:
            return str(failed)
        if not isinstance(answer, Card):
            return "ownership_card did not answer with a Card"
        if answer.api != API_VERSION:
            return f"was written for API version {answer.api}, this is {API_VERSION}"
        return ""


def _validated(plugin: Plugin) -> tuple[dict[str, Callable[..., Any]], str]:
    """The hooks of a plugin, each ready to be called alone, or what does not fit.

    A pluggy manager of its own for every plugin: no answer can be taken for another's, and no raise can
    keep another from being asked.
    """
    misspelt = _misspelt(plugin.implementation)
    if misspelt:
        return {}, misspelt
    manager = pluggy.PluginManager(PROJECT)
    # Only the specifications this plugin speaks of: pluggy looks at every name of a module, for every manager.
    spoken_of = ModuleType(hookspecs.__name__)
    spoken_of.__dict__.update({n: getattr(hookspecs, n) for n in COMBINED if hasattr(plugin.implementation, n)})
    if any(name in COMBINED for name in vars(spoken_of)):
        manager.add_hookspecs(spoken_of)
    try:
        manager.register(plugin.implementation, plugin.name)
    except pluggy.PluginValidationError as wrong:
        return {}, f"does not fit the hooks: {wrong}"
    implemented = sorted(caller.name for caller in manager.get_hookcallers(plugin.implementation) or [])
    unknown = [name for name in implemented if name not in COMBINED]
    if unknown:
        return {}, f"there is no hook called {', '.join(unknown)}"
    return {name: getattr(manager.hook, name) for name in implemented}, ""


def _misspelt(implementation: object) -> str:
    """Names that look like hooks and are none of ours would register happily and never fire."""
    for name in dir(implementation):
        member = getattr(implementation, name, None)
        if not name.startswith(_PREFIX) or not inspect.isroutine(member):
            continue
        if name not in COMBINED:
            return f"there is no hook called {name}"
        if not hasattr(member, f"{PROJECT}_impl"):
            return f"{name} is not marked with @hookimpl"
        if any(p.default is not p.empty for p in inspect.signature(member).parameters.values()):
            return f"{name} gives an argument a default"
    return ""


def _not_shadowing(plugin: Plugin, taken: set[str]) -> Plugin:
    if plugin.state is State.LOADED and plugin.name in taken:
        return attrs.evolve(plugin, state=State.FAILED, reason="a plugin of this name is already there")
    return plugin


def _members(hook: str, name: str, kind: type, answer: object) -> list[tuple[str, Any]]:
    if isinstance(answer, list) and all(isinstance(one, kind) for one in answer):
        return [(name, one) for one in answer]
    what = f"The plugin {name!r} answered {hook} with {type(answer).__name__} instead of a list of {kind.__name__}."
    raise PluginError(Problem("plugin_failed", what, "Mend the plugin, or block it in settings.plugins."), who=name)
