"""A shop as it was before: its models, its engine, its sessions. It knows nothing of ownership."""

from __future__ import annotations

from sqlalchemy import Engine, ForeignKey, String, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """The shop's models."""


class Segment(Base):
    """What prices a client pays."""

    __tablename__ = "segments"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)


class Client(Base):
    """Whoever buys. Other shops call it a customer."""

    __tablename__ = "clients"
    number: Mapped[int] = mapped_column(primary_key=True)
    company: Mapped[str] = mapped_column(String(80))
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("segments.id"))
    segment: Mapped[Segment | None] = relationship()


class Order(Base):
    """What was bought."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    client_number: Mapped[int] = mapped_column(ForeignKey("clients.number"))
    total: Mapped[int]


def engine_of(url: str) -> Engine:
    """The shop's engine; on SQLite with foreign keys enforced, as a careful shop has it."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys = ON"))
    return engine
