"""A few dozen people made up, the same ones every time."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

from people.nouns import Buyer, People, Sale, Seller

_FIRST = ("Ada", "Ben", "Carla", "Deniz", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kim", "Lea", "Mats")
_LAST = ("Acar", "Berg", "Conti", "Dahl", "Engel", "Fuchs", "Gruber", "Haas", "Ivanova", "Jansen", "Keller", "Lang")
_PLACES = (("Hamburg", "Germany"), ("Bremen", "Germany"), ("Wien", "Austria"), ("Zürich", "Switzerland"))
_SITES = ("shop.example", "pro.example")
_SELLERS = (
    Seller("anna", "Anna", "Amsel", "sales", "admin"),
    Seller("mara", "Mara", "Meise", "north", "manager"),
    Seller("lena", "Lena", "Lerche", "north"),
    Seller("tom", "Tom", "Taube", "north"),
    Seller("sven", "Sven", "Specht", "south", "manager"),
    Seller("zoe", "Zoe", "Zeisig", "south"),
)
_FIRST_DAY = date(2026, 1, 2)


def made_up(many: int = 60) -> People:
    """``many`` customers of two websites, six staff in two departments, and a few orders each."""
    dice = random.Random(4)  # noqa: S311 - the same people every time
    people = People(sellers=list(_SELLERS), departments={"sales": None, "north": "sales", "south": "sales"})
    for number in range(1, many + 1):
        people.buyers.append(_buyer(number, dice))
        people.sales += _sales(number, dice)
        people.looks_after[str(number)] = _sellers(number, dice)
    return people


def _buyer(number: int, dice: random.Random) -> Buyer:
    first, last = dice.choice(_FIRST), dice.choice(_LAST)
    city, country = dice.choice(_PLACES)
    pro = dice.random() < 0.4  # noqa: PLR2004
    return Buyer(
        number=str(number),
        name=f"{first} {last}",
        site=_SITES[pro],
        email=f"{first}.{last}.{number}@mail.example".lower(),
        phone=f"+49 40 {number:06}",
        company=f"{last} & Co." if pro else "",
        city=city,
        country=country,
        groups=("wholesale",) if pro else ("retail", "newsletter") if dice.random() < 0.5 else ("retail",),  # noqa: PLR2004
    )


def _sales(number: int, dice: random.Random) -> list[Sale]:
    days = sorted(dice.sample(range(300), dice.randrange(4)))
    return [
        Sale(
            f"{number:04}-{place}",
            str(number),
            _FIRST_DAY + timedelta(days=day),
            Decimal(dice.randrange(900, 90_000)) / 100,
        )
        for place, day in enumerate(days, 1)
    ]


def _sellers(number: int, dice: random.Random) -> list[str]:
    """Nobody for every sixth, two for some."""
    if number % 6 == 0:
        return []
    return dice.sample(["lena", "tom", "zoe", "mara", "sven"], 2 if number % 5 == 0 else 1)
