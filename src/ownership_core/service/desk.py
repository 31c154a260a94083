"""What every write needs beside its transaction."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from ownership_core.service.counsel import Counsel
from ownership_core.service.edge import Edge
from ownership_core.settings import Settings


@frozen
class Desk:
    """Policies, the edge, the settings, the present in UTC microseconds, and new run ids."""

    counsel: Counsel
    edge: Edge
    settings: Settings
    now: Callable[[], int]
    new_run: Callable[[], str]
