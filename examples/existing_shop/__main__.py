"""Run it: ``python examples/existing_shop`` (or with an address of PostgreSQL or MariaDB behind it)."""

from __future__ import annotations

import sys

from owned import my_clients, my_revenue, open_ownership, sell_to_new
from shop import Base, Client, Segment, engine_of
from sqlalchemy.orm import Session

from ownership_core import Actor, Assign, ChangeStaff, GrantAccess


def main(url: str = "sqlite://") -> None:
    """Two clients that were there, two staff, one sale."""
    engine = engine_of(url)
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        retail = Segment(id=1, code="retail")
        session.add_all([Client(number=1, company="Acme", segment=retail), Client(number=2, company="Brook & Sons")])

    ownership, ada = open_ownership(engine), Actor.staff("ada")
    ownership.bootstrap("ada", "Ada", "root")
    for who in ("maria", "jon"):
        ownership.execute(ChangeStaff(who, create=True, label=who.title()), ada)
        ownership.execute(GrantAccess("associate", staff=who), ada)
    ownership.execute(Assign("1", staff="maria"), ada)

    with Session(engine) as session, session.begin():
        sell_to_new(ownership, session, "jon", Client(number=3, company="Cedar"), total=120)
    with Session(engine) as session:
        for who in ("maria", "jon"):
            print(f"{who}: {my_clients(ownership, session, who)}, revenue {my_revenue(ownership, session, who)}")
    print(ownership.why(ada, "jon", "view", "1").text())


main(*sys.argv[1:])
