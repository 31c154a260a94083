"""How many staff a customer may have, and what becomes of its primary: two policies, kept as data.

Both stand behind hooks (``ownership_cardinality``, ``ownership_primary``); the settings pick one by name.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

from ownership_core.scope import Everything, Scope

SINGLE = "single"


@frozen
class Limit:
    """At most ``staff`` assignments for the customers ``scope`` is TRUE of."""

    staff: int
    scope: Scope = Everything()


@frozen
class Cardinality:
    """How many staff a customer may have (K1). No limits: as many as there are.

    Every limit binds the customers its scope is TRUE of, and those it cannot be told of. The name
    ``single`` is the one policy whose sole assignment is always primary (I3), kept by the schema.

    >>> Cardinality("three_per_key_account", (Limit(3),)).single
    False
    """

    name: str
    limits: tuple[Limit, ...] = ()

    @property
    def single(self) -> bool:
        """Whether setting somebody drops everybody else."""
        return self.name == SINGLE


class OnReplace(StrEnum):
    """What becomes of a former primary in multi: stays as a secondary, or goes (K5)."""

    KEEP = "keep"
    REPLACE = "replace"


class SortKey(StrEnum):
    """What candidates for promotion are sorted by, smallest first; ``staff`` always breaks ties."""

    SINCE = "since"
    ROLE = "role"
    STAFF = "staff"


@frozen
class PrimaryPolicy:
    """What happens to the primary. Empty ``promote_by`` promotes nobody (A06); data, never code."""

    name: str
    on_replace: OnReplace = OnReplace.KEEP
    promote_by: tuple[SortKey, ...] = ()
