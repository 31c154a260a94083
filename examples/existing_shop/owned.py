"""What the shop adds: one mapping, and the few lines that use it."""

from __future__ import annotations

from shop import Client, Order, Segment
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from ownership_core import Actor, Claim, Ownership
from ownership_sqlalchemy import HostTables, SqlAlchemyStore

CLIENTS = HostTables(
    Client,
    {
        "name": Client.company,
        "groups": select(Client.number, Segment.code).join(Segment),
    },
)
"""Where the declared fields stand. What is not mapped is missing; nothing is added to the shop's tables."""


def open_ownership(engine: Engine) -> Ownership:
    """Once, when the shop starts. ``upgrade`` makes our tables beside the shop's; deploys may run it instead."""
    store = SqlAlchemyStore.open(engine, host=CLIENTS)
    store.upgrade()
    return Ownership(store)


def my_clients(ownership: Ownership, session: Session, staff: str) -> list[str]:
    """A list page of the shop's own: its select, one condition more."""
    mine = ownership.within(session).visible_clause(Actor.staff(staff), "view", Client.number)
    return list(session.scalars(select(Client.company).where(mine).order_by(Client.company)))


def my_revenue(ownership: Ownership, session: Session, staff: str) -> int:
    """A report: the same condition on another table's column, and no order is counted twice."""
    mine = ownership.within(session).visible_clause(Actor.staff(staff), "view", Order.client_number)
    return session.scalar(select(func.coalesce(func.sum(Order.total), 0)).where(mine)) or 0


def sell_to_new(ownership: Ownership, session: Session, staff: str, client: Client, total: int) -> None:
    """A new client, its first order and its owner, in one transaction of the shop's: all of it, or nothing."""
    session.add(client)
    session.flush()
    session.add(Order(client_number=client.number, total=total))
    ownership.within(session).execute(Claim(str(client.number)), Actor.staff(staff))
