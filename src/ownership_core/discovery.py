"""Finding plugins that are installed: one at a time, sorted, duplicates refused, failures reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points

from attrs import frozen

from ownership_core.hookspecs import PROJECT
from ownership_core.settings import Plugins


class State(StrEnum):
    """What became of a plugin."""

    LOADED = "loaded"
    BLOCKED = "blocked"
    FAILED = "failed"


@frozen
class Plugin:
    """One plugin: where it comes from, and where it is not loaded, why."""

    name: str
    state: State
    reason: str = ""
    distribution: str = ""
    version: str = ""
    hooks: tuple[str, ...] = ()
    implementation: object = None


def discover(plugins: Plugins, found: Iterable[EntryPoint] | None = None) -> list[Plugin]:
    """Load the entry points of group ``ownership_core``, sorted by name.

    A blocked or not allowed one is not even imported; of duplicates none is loaded; one that cannot be
    imported is listed as failed with the reason. ``found`` stands in for the installed entry points.
    """
    points = sorted(entry_points(group=PROJECT) if found is None else found, key=lambda p: (p.name, p.value))
    times = Counter(point.name for point in points)
    return [_load(point, plugins, times[point.name]) for point in points]


def _load(point: EntryPoint, plugins: Plugins, times: int) -> Plugin:
    dist = point.dist
    origin = (dist.name, dist.version) if dist is not None else ("", "")
    if point.name in plugins.block:
        return Plugin(point.name, State.BLOCKED, "blocked by settings.plugins.block", *origin)
    if plugins.allow is not None and point.name not in plugins.allow:
        return Plugin(point.name, State.BLOCKED, "not listed in settings.plugins.allow", *origin)
    if times > 1:
        return Plugin(point.name, State.FAILED, f"{times} distributions use this name", *origin)
    try:
        implementation = point.load()
    except (Exception, SystemExit) as broken:  # noqa: BLE001 - a plugin may raise anything
        return Plugin(point.name, State.FAILED, f"cannot be imported: {broken!r}", *origin)
    return Plugin(point.name, State.LOADED, "", *origin, implementation=implementation)
