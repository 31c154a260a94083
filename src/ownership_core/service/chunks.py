"""A plan applied a chunk at a time: each in a transaction of its own, and none twice (C15)."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from ownership_core.errors import Problem
from ownership_core.model import Actor
from ownership_core.plan import Receipt
from ownership_core.ports import Store
from ownership_core.service.transaction import Transaction


@frozen
class Chunked:
    """Goes through a stored plan in id order, ``size`` customers at a time; where it stands the last chunk says."""

    store: Store
    committed: Callable[[Callable[[Transaction], Receipt]], Receipt]
    size: int

    def apply(self, plan: str, actor: Actor, tell: Callable[[int], None]) -> Receipt:
        """The receipt of all chunks together, those of earlier calls among them; what this one is warned of, once."""
        done = self._next(plan, actor)
        warnings: dict[Problem, None] = dict.fromkeys(done.warnings)
        while done.tally.total:
            tell(done.tally.total)
            done = self._next(plan, actor)
            warnings |= dict.fromkeys(done.warnings)
        with self.store.reader() as reader:
            whole = reader.run(plan)
        return Receipt(None, "") if whole is None else Receipt(whole.id, whole.what, whole.tally, None, tuple(warnings))

    def _next(self, plan: str, actor: Actor) -> Receipt:
        return self.committed(lambda transaction: transaction.apply_piece(plan, actor, self.size))
