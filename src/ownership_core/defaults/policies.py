"""The built-in cardinalities and the standard primary policy."""

from __future__ import annotations

from ownership_core.hookspecs import hookimpl
from ownership_core.policies import SINGLE, Cardinality, Limit, PrimaryPolicy
from ownership_core.settings import Settings


class Cardinalities:
    """``single``, ``multi`` and ``at_most`` (with ``settings.at_most``)."""

    def __init__(self, settings: Settings) -> None:
        self._at_most = settings.at_most

    @hookimpl
    def ownership_cardinality(self) -> list[Cardinality]:
        """The three to pick from (K1)."""
        return [
            Cardinality(SINGLE, (Limit(1),)),
            Cardinality("multi"),
            Cardinality("at_most", (Limit(self._at_most),)),
        ]


class Primaries:
    """``standard``: as ``settings.on_replace`` and ``settings.promote_by`` say."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @hookimpl
    def ownership_primary(self) -> list[PrimaryPolicy]:
        """The one to pick from (K5, A06)."""
        return [PrimaryPolicy("standard", self._settings.on_replace, self._settings.promote_by)]
