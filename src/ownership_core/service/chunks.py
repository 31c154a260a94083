"""A plan applied a chunk at a time: each in a transaction of its own, and none twice (C15)."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from ownership_core.model import Actor
from ownership_core.plan import Receipt
from ownership_core.ports import Store
from ownership_core.service.beside import changed_beside
from ownership_core.service.transaction import Transaction


@frozen
class Chunked:
    """Goes through a stored plan in id order, ``size`` customers at a time; where it stands the last chunk says."""

    store: Store
    committed: Callable[[Callable[[Transaction], Receipt]], Receipt]
    size: int

    def apply(self, plan: str, actor: Actor, tell: Callable[[int], None]) -> Receipt:
        """The receipt of all chunks together, those of earlier calls among them."""
        while (chunk := self._next(plan, actor)).tally.total:
            tell(chunk.tally.total)
        with self.store.reader() as reader:
            whole = reader.run(plan)
            if whole is None:
                return Receipt(None, "")
            rules, covers = changed_beside(reader, whole.what, [part.id for part in reader.parts(plan)])
        return Receipt(whole.id, whole.what, whole.tally, warnings=chunk.warnings, rules=rules, covers=covers)

    def _next(self, plan: str, actor: Actor) -> Receipt:
        """One more chunk; the last holds nobody, and says what is left."""
        return self.committed(lambda transaction: transaction.apply_piece(plan, actor, self.size))
