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
from ownership_core.model import Access, Action, Level
from ownership_core.ruling import Grant, Restriction
from ownership_core.scope import Nothing, SharedWith
from ownership_core.settings import Settings


class Levels:
    """The best level among the actor's roles (B16), with those the actor stands in for (H14)."""

    @hookimpl
    def ownership_grants(self, actor: Access, action: str, at: int) -> list[Grant]:
        """What the actor's level for this action reaches at this moment."""
        level = actor.level(action)
        covered = [one.staff for one in actor.covering(at, action)]
        return [Grant(f"level_{level.name.lower()}", level_scope(actor, level, covered))]


class Unassigned:
    """Who sees customers nobody is assigned to (B18)."""

    def __init__(self, settings: Settings) -> None:
        self._visibility = settings.unassigned_visibility

    @hookimpl
    def ownership_grants(self, actor: Access, action: str) -> list[Grant]:
        """The unassigned customers, where the setting lets this level see them."""
        level = actor.level(action)
        return [Grant("unassigned", unassigned_scope(level, action, self._visibility))]


class Shares:
    """Customers that former staff, if they view any at all, may go on viewing for a time (rows 41, 91, 105)."""

    @hookimpl
    def ownership_grants(self, actor: Access, action: str, at: int) -> list[Grant]:
        """Those shared with the actor at this moment; nothing is asked of customers where there is none."""
        shared = action == Action.VIEW and actor.level(action) >= Level.OWN and at < actor.shared_until
        return [Grant("shared", SharedWith([actor.staff], at) if shared else Nothing())]


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
