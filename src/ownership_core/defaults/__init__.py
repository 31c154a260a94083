"""The built-in policies, written as plugins and let in through the same door. Blockable by name."""

from __future__ import annotations

from ownership_core.defaults.access import CustomerGroups, Levels, Shares, Unassigned, Websites
from ownership_core.defaults.doctor import Doctor
from ownership_core.defaults.policies import Cardinalities, Primaries
from ownership_core.defaults.search import Search
from ownership_core.settings import Settings


def built_in(settings: Settings) -> dict[str, object]:
    """The built-in plugins by name, made for these settings.

    Blocking ``websites`` or ``customer_groups`` lifts those restrictions for everybody; blocking
    ``levels`` leaves nobody anything.
    """
    return {
        "levels": Levels(),
        "unassigned": Unassigned(settings),
        "shares": Shares(),
        "websites": Websites(settings),
        "customer_groups": CustomerGroups(settings),
        "cardinality": Cardinalities(settings),
        "primary": Primaries(settings),
        "search": Search(),
        "doctor": Doctor(),
    }
