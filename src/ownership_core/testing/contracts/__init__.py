"""The contracts a plugin must keep.

A plugin author writes two lines per contract::

    class TestOurStore(StoreContract):
        store = staticmethod(lambda folder, **options: OurStore.open(folder / "o.db", **options))

Options are ``fields`` (a :class:`~ownership_core.fields.Fields`) and ``cardinality``; the store starts empty.
Needs pytest; :class:`ScopeContract` needs hypothesis and runs as many examples as its active profile says.
"""

from __future__ import annotations

import pytest

_PARTS = (
    "base",
    "reads",
    "drafts",
    "writes",
    "records",
    "texts",
    "scopes",
    "switching",
    "covers",
    "shares",
    "dealing",
    "undoing",
)
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in _PARTS))

from ownership_core.testing.contracts.covers import CoverFacts  # noqa: E402 - asserts must be rewritten first
from ownership_core.testing.contracts.dealing import DealFacts, MarkFacts  # noqa: E402
from ownership_core.testing.contracts.drafts import DraftFacts, StaleFacts  # noqa: E402
from ownership_core.testing.contracts.reads import AccessFacts, OpeningFacts, PageFacts  # noqa: E402
from ownership_core.testing.contracts.records import CustomerFacts, RunFacts  # noqa: E402
from ownership_core.testing.contracts.scopes import ScopeContract  # noqa: E402
from ownership_core.testing.contracts.shares import ShareFacts  # noqa: E402
from ownership_core.testing.contracts.switching import SwitchFacts  # noqa: E402
from ownership_core.testing.contracts.texts import TextFacts  # noqa: E402
from ownership_core.testing.contracts.undoing import UndoFacts  # noqa: E402
from ownership_core.testing.contracts.writes import EffectFacts  # noqa: E402


class StoreContract(
    OpeningFacts,
    PageFacts,
    TextFacts,
    AccessFacts,
    DraftFacts,
    StaleFacts,
    EffectFacts,
    CustomerFacts,
    RunFacts,
    SwitchFacts,
    CoverFacts,
    ShareFacts,
    MarkFacts,
    DealFacts,
    UndoFacts,
):
    """Everything :mod:`ownership_core.ports` says of a store, one fact per test."""


__all__ = ["ScopeContract", "StoreContract"]
