"""The shop that is measured: who works where, and who owns whom. Everything follows from a size and a seed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from random import Random

from attrs import frozen

from ownership_core.keys import KeyType

STAFF = 2_000
DEPARTMENTS = 100
WEBSITES = ("de", "at", "ch")
GROUPS = {"g1": 30, "g2": 20, "g3": 15, "g4": 10, "g5": 10, "g6": 6, "g7": 5, "g8": 4}
"""Customer groups and how many of a hundred customers are in each; `g8` is what restrictions hide."""

NO_GROUP, TWO_GROUPS = 0.01, 0.08
UNASSIGNED, SECOND, THIRD = 0.02, 0.29, 0.04  # together about 1.3 assignments for each customer
STEEPNESS = 0.6  # the load of the staff of rank r is as r ** -0.6: the heaviest owns 2 %, the median 0.03 %
BULK = 100_000
ALREADY = 0.10
MOMENT = 1_735_689_600_000_000

CustomerRow = tuple[str | int, str, str]
ValueRow = tuple[str | int, str]
AssignmentRow = tuple[str | int, str | int, int | None]


@frozen
class Shop:
    """A shop of ``customers``; ``single`` gives each of them one staff at most."""

    customers: int
    seed: int = 1
    single: bool = False
    keys: KeyType = KeyType.TEXT

    def customer(self, number: int) -> str | int:
        """The id of a customer as the tables keep it."""
        return number if self.keys is KeyType.INTEGER else f"c{number:07}"

    def staff(self, rank: int) -> str | int:
        """The id of the staff with the ``rank``-th largest load."""
        return rank if self.keys is KeyType.INTEGER else f"s{rank:05}"

    # Whom the questions are asked for

    @property
    def heavy(self) -> str:
        """The staff who owns most."""
        return str(self.staff(1))

    @property
    def typical(self) -> str:
        """The one in the middle."""
        return str(self.staff(STAFF // 2))

    @property
    def light(self) -> str:
        """The one who owns least."""
        return str(self.staff(STAFF))

    @property
    def manager(self) -> str:
        """Reaches a department."""
        return str(self.staff(STAFF + 1))

    @property
    def restricted(self) -> str:
        """Reaches everybody but the customers of some groups."""
        return str(self.staff(STAFF + 2))

    @property
    def receiver(self) -> str:
        """Is given many customers at once."""
        return str(self.staff(STAFF + 3))

    @property
    def admin(self) -> str:
        """Gives them."""
        return str(self.staff(STAFF + 4))

    def department(self, rank: int) -> str:
        """Where the staff of this rank works."""
        return f"d{rank % DEPARTMENTS:03}"

    def chosen(self) -> list[str | int]:
        """The customers that change hands: 100,000 spread over all, or all there are."""
        step = max(1, self.customers // BULK)
        return [self.customer(number) for number in range(1, self.customers + 1, step)][:BULK]

    # Rows

    def customer_rows(self) -> Iterator[CustomerRow]:
        """Id, name and website."""
        draw = Random(f"customers {self.seed}")
        letters = "abcdefghijklmnopqrstuvwxyz"
        for number in range(1, self.customers + 1):
            first, last = (int(draw.random() * 26**4) for _ in "12")
            name = f"{_word(first, letters)} {_word(last, letters)} {number % 97}"
            yield self.customer(number), name, "de" if draw.random() < 0.6 else "at" if draw.random() < 0.75 else "ch"

    def group_rows(self) -> Iterator[ValueRow]:
        """Id and customer group."""
        draw = Random(f"groups {self.seed}")
        names, weights = list(GROUPS), list(accumulate(GROUPS.values()))
        for number in range(1, self.customers + 1):
            luck = draw.random()
            if luck < NO_GROUP:
                continue
            found = draw.choices(names, cum_weights=weights, k=2 if luck < NO_GROUP + TWO_GROUPS else 1)
            for name in dict.fromkeys(found):
                yield self.customer(number), name

    def assignment_rows(self) -> Iterator[AssignmentRow]:
        """Customer, staff and slot; every tenth of the chosen customers is the receiver's already, in single."""
        draw = Random(f"assignments {self.seed}")
        ranks = range(1, STAFF + 1)
        weights = list(accumulate(rank**-STEEPNESS for rank in ranks))
        chosen = set(self.chosen()) if self.single else set()
        for number in range(1, self.customers + 1):
            customer, luck = self.customer(number), draw.random()
            staff = draw.choices(ranks, cum_weights=weights, k=3)
            if luck < UNASSIGNED:
                continue
            if self.single:
                given = customer in chosen and draw.random() < ALREADY / (1 - UNASSIGNED)
                yield customer, self.staff(STAFF + 3 if given else staff[0]), 0
                continue
            many = 1 + (luck > 1 - SECOND) + (luck > 1 - THIRD)
            for place, rank in enumerate(dict.fromkeys(staff[:many])):
                yield customer, self.staff(rank), None if place else 0


def _word(number: int, letters: str) -> str:
    drawn = []
    for _ in range(4):
        number, place = divmod(number, 26)
        drawn.append(letters[place])
    return "".join(drawn).title()
