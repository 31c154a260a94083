"""Moving many: a tag given to somebody, a leaver's book split over five, and both taken back (guide: bulk shapes)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from bench.byhand import ByHand
from bench.measure import Case
from bench.place import Place, vacuum
from bench.reads import settings
from bench.writes import AT, Undone
from ownership_core import Assign, Offboard, Revert, Rotation
from ownership_core.model import Actor
from ownership_core.scope import Has
from ownership_core.service.ownership import Ownership

TAG = "g5"  # of about a tenth of all customers
TAKERS = 5
TAGGED = "SELECT customer_id FROM ownership_customer_value WHERE field = 'groups' AND value = :tag "
GIVEN = (
    f"DELETE FROM ownership_assignment WHERE customer_id IN ({TAGGED})",
    (
        "INSERT INTO ownership_assignment (customer_id, staff_id, slot, cardinality, role, source, since)"
        f" SELECT customer_id, :staff , 0, 'single', '', 'manual', {AT} FROM ({TAGGED}) tagged"
    ),
)
SPLIT = (
    (
        "CREATE TEMPORARY TABLE book AS SELECT customer_id, number - number / 5 * 5 AS turn FROM (SELECT customer_id,"
        " row_number() OVER (ORDER BY customer_id) AS number FROM ownership_assignment"
        " WHERE staff_id = :staff ) numbered"
    ),
    "DELETE FROM ownership_assignment WHERE staff_id = :staff ",
    (
        "INSERT INTO ownership_assignment (customer_id, staff_id, slot, cardinality, role, source, since)"
        " SELECT customer_id, CASE turn WHEN 0 THEN :t0 WHEN 1 THEN :t1 WHEN 2 THEN :t2 WHEN 3 THEN :t3 ELSE :t4 END,"
        f" 0, 'single', '', 'offboard', {AT} FROM book"
    ),
)


@frozen
class Moves:
    """Each move by the door an application uses, and bare: assignments deleted and inserted, and nothing else."""

    place: Place
    hand: ByHand
    ownership: Ownership

    def command(self, name: str) -> Any:
        """The command of a case."""
        shop = self.place.shop
        if name == "tag":
            return Assign(Has("groups", {TAG}), shop.receiver, notify=False)  # type: ignore[arg-type]
        takers = frozenset(str(shop.staff(rank)) for rank in self._takers())
        return Offboard(shop.heavy, Rotation("bench", takers), notify=False)  # type: ignore[arg-type]

    def ours(self, name: str, *, back: bool = False) -> None:
        """Carried out, and taken back where asked; undone at the end."""
        admin = Actor.staff(self.place.shop.admin)
        with suppress(Undone), self.ownership.atomic() as transaction:
            run = transaction.execute(self.command(name), admin, strict=False).run
            if back:
                transaction.execute(Revert(str(run), notify=False), admin)
            raise Undone

    def bare(self, name: str) -> None:
        """The rows that move, and nothing else."""
        shop, hand = self.place.shop, self.hand
        values: dict[str, Any] = {"tag": TAG, "staff": hand.key(shop.receiver if name == "tag" else shop.heavy)}
        values |= {f"t{turn}": hand.key(str(shop.staff(rank))) for turn, rank in enumerate(self._takers())}
        if not self.place.postgresql:
            self.place.raw.execute("BEGIN IMMEDIATE")
        for step in GIVEN if name == "tag" else SPLIT:
            cursor = self.place.raw.cursor()
            cursor.execute(hand.text(step), values)
            cursor.close()
        self.place.raw.rollback()

    def rest(self) -> None:
        """No turn pays for the dead rows of the one before."""
        if self.place.postgresql:
            vacuum(self.place.store)

    def _takers(self) -> range:
        return range(1_000, 1_000 + TAKERS)


def cases(place: Place) -> Iterator[Case]:
    """Moves against the bare moves, and taking back against carrying out."""
    moment = datetime.fromtimestamp(AT / 1e6, UTC)
    moves = Moves(place, ByHand(place), Ownership(place.store, settings(single=True), clock=lambda: moment))
    limit = 3.0 if place.postgresql else 2.5
    for name, said in (("tag", "a tag given to somebody"), ("leaver", "a leaver split over five")):
        yield Case(
            f"{said}, bare moves",
            lambda name=name: moves.ours(name),  # type: ignore[misc]
            {"bare": lambda name=name: moves.bare(name)},  # type: ignore[misc]
            limit=limit,
            rest=moves.rest,
            note="the bare form decides and records nothing",
        )
        yield Case(
            f"{said} and taken back, against carrying it out",
            lambda name=name: moves.ours(name, back=True),  # type: ignore[misc]
            {"carried out": lambda name=name: moves.ours(name)},  # type: ignore[misc]
            limit=2.3,
            rest=moves.rest,
            note="both together, so 1.3 for taking back alone",
        )
