"""People before they are rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal


@dataclass(frozen=True)
class Buyer:
    """A customer to be. ``number`` is what the files call it."""

    number: str
    name: str
    site: str
    email: str = ""
    phone: str = ""
    company: str = ""
    city: str = ""
    country: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seller:
    """Somebody who works here, in a department, with the role they have there."""

    login: str
    first: str
    last: str
    department: str
    role: str = "associate"


@dataclass(frozen=True)
class Sale:
    """An order of a buyer."""

    number: str
    buyer: str
    day: date
    total: Decimal

    @property
    def moment(self) -> datetime:
        """Noon of its day."""
        return datetime(self.day.year, self.day.month, self.day.day, 12, tzinfo=UTC)


@dataclass
class People:
    """Everybody, what they bought, and who looks after whom: the first of a buyer's sellers stands for it."""

    buyers: list[Buyer] = field(default_factory=list)
    sellers: list[Seller] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    looks_after: dict[str, list[str]] = field(default_factory=dict)
    departments: dict[str, str | None] = field(default_factory=dict)

    def add(self, more: People) -> None:
        """Take in others as well."""
        self.buyers += more.buyers
        self.sellers += more.sellers
        self.sales += more.sales
        self.looks_after |= more.looks_after
        self.departments |= more.departments
