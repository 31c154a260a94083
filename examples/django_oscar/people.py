"""Who buys here and who works here."""

from __future__ import annotations

from attrs import frozen

PASSWORD = "shop"  # noqa: S105 - of an example


@frozen
class Seller:
    """A user of the dashboard, who is staff to us."""

    login: str
    label: str
    department: str
    role: str


@frozen
class Buyer:
    """A user of the shop; one without orders is no customer yet."""

    name: str
    city: str
    seller: str | None
    orders: bool = True

    @property
    def email(self) -> str:
        """Where they are written to."""
        return f"{self.name.lower()}@mail.example"


SELLERS = (
    Seller("anna", "Anna", "office", "admin"),
    Seller("mara", "Mara", "north", "manager"),
    Seller("lena", "Lena", "north", "associate"),
    Seller("zoe", "Zoe", "south", "associate"),
)
BUYERS = (
    Buyer("Adler", "Hamburg", "lena"),
    Buyer("Birke", "Hamburg", "lena"),
    Buyer("Clara", "Kiel", "mara"),
    Buyer("Dohle", "Ulm", "zoe"),
    Buyer("Eiche", "Ulm", "zoe"),
    Buyer("Falke", "Bonn", None),
    Buyer("Ginster", "Kiel", "lena", orders=False),
)
