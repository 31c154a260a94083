"""Levels and unassigned visibility grant; websites and customer groups restrict (block B)."""

from __future__ import annotations

from ownership_core.access import (
    GROUP_RESTRICTED,
    WEBSITE_MISMATCH,
    groups_scope,
    level_scope,
    unassigned_scope,
    website_scope,
)
from ownership_core.hookspecs import hookimpl
from ownership_core.model import Access, Level
from ownership_core.ruling import Grant, Restriction
from ownership_core.settings import Settings


class Levels:
    """The best level among the actor's roles (B16)."""

    @hookimpl
    def ownership_grants(self, actor: Access, action: str) -> list[Grant]:
        """What the actor's level for this action reaches."""
        level = actor.levels.get(action, Level.NONE)
        return [Grant(f"level_{level.name.lower()}", level_scope(actor, level))]


class Unassigned:
    """Who sees customers nobody is assigned to (B18)."""

    def __init__(self, settings: Settings) -> None:
        self._visibility = settings.unassigned_visibility

    @hookimpl
    def ownership_grants(self, actor: Access, action: str) -> list[Grant]:
        """The unassigned customers, where the setting lets this level see them."""
        level = actor.levels.get(action, Level.NONE)
        return [Grant("unassigned", unassigned_scope(level, action, self._visibility))]


class Websites:
    """Keeps websites apart under ``sharing = "per_website"`` (B12)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @hookimpl
    def ownership_restrictions(self, actor: Access) -> list[Restriction]:
        """The customers of the actor's websites."""
        return [Restriction(WEBSITE_MISMATCH, website_scope(actor, self._settings))]


class CustomerGroups:
    """Keeps restricted customer groups out of sight (B08, B09, B10)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @hookimpl
    def ownership_restrictions(self, actor: Access) -> list[Restriction]:
        """The customers whose groups all restrictions leave."""
        return [Restriction(GROUP_RESTRICTED, groups_scope(actor, self._settings))]
