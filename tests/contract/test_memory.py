from __future__ import annotations

from ownership_core.testing.contracts import ScopeContract, StoreContract
from ownership_core.testing.memory import MemoryStore


class TestMemoryStore(StoreContract):
    """The reference keeps its own contract."""

    store = staticmethod(lambda _folder, **options: MemoryStore(**options))


class TestMemoryScopes(ScopeContract):
    """The reference answers every scope alike."""

    store = staticmethod(lambda _folder, **options: MemoryStore(**options))
