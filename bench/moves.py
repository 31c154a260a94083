"""Moving many: a tag given to somebody, a leaver's book split over five, and both taken back (guide: bulk shapes).

A run is taken back in a transaction of its own, as people do: of rows that the same transaction has written, PostgreSQL
asks all references again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from attrs import define

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
CHANGED = "SELECT customer_id FROM ownership_plan_item WHERE run = :run AND fate = 'changed'"
SETTLED = (
    f"DELETE FROM ownership_assignment WHERE customer_id IN ({CHANGED})",
    (
        "INSERT INTO ownership_assignment (customer_id, staff_id, slot, cardinality, role, source, since)"
        " SELECT customer_id, primary_before, 0, 'single', ended_role, ended_source, ended_since"
        " FROM ownership_plan_item WHERE run = :run AND fate = 'changed' AND ended_since IS NOT NULL"
    ),
    (
        "UPDATE ownership_head SET version = (SELECT p.version FROM ownership_plan_item p WHERE p.run = :run"
        f" AND p.customer_id = ownership_head.customer_id) WHERE customer_id IN ({CHANGED})"
    ),
    "DELETE FROM ownership_event WHERE run IN (SELECT id FROM ownership_run)",  # the shop's own history has no runs
    "DELETE FROM ownership_plan_item",
    "DELETE FROM ownership_run",
    "DELETE FROM ownership_rotation",
)
"""The shop as it was before a run, and all that was written meanwhile forgotten."""


@define
class Moves:
    """Each move by the door an application uses, and bare: assignments deleted and inserted, and nothing else."""

    place: Place
    hand: ByHand
    ownership: Ownership
    run: str | None = None
    """What is carried out and not yet settled."""

    def command(self, name: str) -> Any:
        """The command of a case."""
        shop = self.place.shop
        if name == "tag":
            return Assign(Has("groups", {TAG}), shop.receiver, notify=False)  # type: ignore[arg-type]
        takers = frozenset(str(shop.staff(rank)) for rank in self._takers())
        return Offboard(shop.heavy, Rotation("bench", takers), notify=False)  # type: ignore[arg-type]

    def ours(self, name: str) -> None:
        """Carried out; undone at the end."""
        with suppress(Undone), self.ownership.atomic() as transaction:
            transaction.execute(self.command(name), self._admin, strict=False)
            raise Undone

    def carry_out(self, name: str) -> None:
        """Carried out and committed."""
        self.run = self.ownership.execute(self.command(name), self._admin, strict=False).run

    def carried_out(self, name: str) -> None:
        """The same some time ago: the dead rows are gone, and the rest is counted."""
        self.carry_out(name)
        self.rest()

    def take_back(self) -> None:
        """What is carried out is taken back, and that is committed."""
        self.ownership.execute(Revert(str(self.run), notify=False), self._admin)

    def settle(self) -> None:
        """Make the shop what it was before."""
        if self.run is not None:
            self._by_hand(SETTLED, {"run": self.run})
            self.place.raw.commit()
            self.run = None
        self.rest()

    def bare(self, name: str) -> None:
        """The rows that move, and nothing else."""
        shop, hand = self.place.shop, self.hand
        values: dict[str, Any] = {"tag": TAG, "staff": hand.key(shop.receiver if name == "tag" else shop.heavy)}
        values |= {f"t{turn}": hand.key(str(shop.staff(rank))) for turn, rank in enumerate(self._takers())}
        self._by_hand(GIVEN if name == "tag" else SPLIT, values)
        self.place.raw.rollback()

    def _by_hand(self, steps: Iterable[str], values: dict[str, Any]) -> None:
        if not self.place.postgresql:
            self.place.raw.execute("BEGIN IMMEDIATE")
        for step in steps:
            cursor = self.place.raw.cursor()
            cursor.execute(self.hand.text(step), values)
            cursor.close()

    def rest(self) -> None:
        """No turn pays for the dead rows of the one before."""
        if self.place.postgresql:
            vacuum(self.place.store)

    @property
    def _admin(self) -> Actor:
        return Actor.staff(self.place.shop.admin)

    def _takers(self) -> range:
        return range(1_000, 1_000 + TAKERS)


def moves_in(place: Place) -> Moves:
    """The moves of a shop."""
    moment = datetime.fromtimestamp(AT / 1e6, UTC)
    return Moves(place, ByHand(place), Ownership(place.store, settings(single=True), clock=lambda: moment))


def cases(place: Place) -> Iterator[Case]:
    """Moves against the bare moves, and taking back against carrying out."""
    moves = moves_in(place)
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
            f"{said}, taken back, against carrying it out",
            moves.take_back,
            {"carried out": lambda name=name: moves.carry_out(name)},  # type: ignore[misc]
            limit=1.3,
            ready=lambda name=name: moves.carried_out(name),  # type: ignore[misc]
            rest=moves.settle,
            note="both committed; the run stood when the tables were last analyzed",
        )
