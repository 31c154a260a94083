"""A plan applied a chunk at a time: each in a transaction of its own, and none twice (C15)."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from attrs import frozen

from ownership_core.errors import Problem
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
        """The receipt of all chunks together, those of earlier calls too; at the end it counts who came since."""
        warnings: dict[Problem, None] = {}
        while True:
            receipt = self.committed(lambda transaction: transaction.apply_piece(plan, actor, self.size))
            warnings.update(dict.fromkeys(receipt.warnings))
            if not receipt.tally.total:
                break
            tell(receipt.tally.total)
        with self.store.reader() as reader:
            whole = reader.run(plan)
            if whole is None:
                return Receipt(None, "", warnings=tuple(warnings))
            rules, covers = changed_beside(reader, whole.what, [part.id for part in reader.parts(plan)])
        done = Receipt(whole.id, whole.what, whole.tally, rules=rules, covers=covers)
        return attrs.evolve(done, warnings=tuple(warnings), new_matches=receipt.new_matches)
