"""What a process of a crew does for a while: read again and again, or change customers at random."""

from __future__ import annotations

import random
import time
from typing import Any

from attrs import frozen
from crew import Done, Order, Station

from ownership_core import (
    Actor,
    Assign,
    ChangeCustomer,
    Claim,
    ClearPrimary,
    Release,
    SetPrimary,
    Unassign,
)
from ownership_core.commands import Command
from ownership_core.ports import Query
from ownership_core.scope import ANY, AssignedTo, Everything
from ownership_core.service.reading import Sight


@frozen
class Read:
    """One question: when it began, by a clock all processes share, and whether anything was allowed."""

    began: float
    allowed: bool


def watch(station: Station, who: str, customers: list[str], how: str) -> list[Read]:
    """Ask until told to stop; ``how`` is one of ``HOW``."""
    ask = HOW[how](station, Actor.staff(who), customers)
    reads = []
    while not station.stop.is_set():
        began = time.monotonic()
        reads.append(Read(began, ask()))
    return reads


def _checks(station: Station, actor: Actor, customers: list[str]) -> Any:
    return lambda: bool(station.ownership.check(actor, "view", customers))


def _lists(station: Station, actor: Actor, customers: list[str]) -> Any:
    visible = station.ownership.visible(actor)
    return lambda: bool(visible.page().customers)


def _streams(station: Station, actor: Actor, customers: list[str]) -> Any:
    visible = station.ownership.visible(actor)
    return lambda: visible.count() > 0


class _Holder:
    """Keeps a question built when it was allowed, as a host's page may; builds a new one once it answers nothing."""

    def __init__(self, station: Station, actor: Actor, customers: list[str]) -> None:
        self._station, self._actor = station, actor
        self._query = self._built()

    def _built(self) -> Query:
        with self._station.store.reader() as reader:
            sight = Sight(reader, self._station.ownership.counsel, self._actor, self._station.ownership.now())
            return sight.query(sight.access(), ("view",), Everything())

    def __call__(self) -> bool:
        with self._station.store.reader() as reader:
            allowed = bool(reader.count(self._query))
        if not allowed:
            self._query = self._built()
        return allowed


HOW: dict[str, Any] = {"check": _checks, "list": _lists, "count": _streams, "held": _Holder}


@frozen
class Stirred:
    """One command of a random history, and what came of it."""

    command: str
    expected: int | None
    done: Done


def stir(station: Station, seed: str, hot: list[str], staff: list[str], seconds: float) -> list[Stirred]:
    """Random commands about the hot customers, one after the other, for so many seconds."""
    chance = random.Random(seed)
    history = []
    station.barrier.wait(30)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        command, actor = _command(chance, hot, staff, station)
        done = station.act(Order(command, actor))
        expected = getattr(command, "expected_version", None)
        history.append(Stirred(type(command).__name__, expected, done))
    return history


def _command(chance: random.Random, hot: list[str], staff: list[str], station: Station) -> tuple[Command, Actor]:
    ada, who, one = Actor.staff("ada"), chance.choice(staff), chance.choice(hot)
    some: Any = chance.sample(hot, chance.randint(2, 4))
    match chance.randrange(12):
        case 0 | 1:
            return Assign(some, who), ada
        case 2:
            return Assign(some, who, mode="add"), ada
        case 3 | 4:
            return SetPrimary(some, who, replace=chance.random() < 0.5), ada
        case 5:
            return Unassign(some, chance.choice([who, ANY])), ada
        case 6:
            return ClearPrimary(some), ada
        case 7:
            return Claim(some), Actor.staff(who)
        case 8:
            return Release(some), Actor.staff(who)
        case 9:
            return Assign(AssignedTo([who]), chance.choice(staff)), ada
        case 10:
            return ChangeCustomer(one, values={"name": f"name {chance.randrange(10**6)}"}), ada
        case _:
            with station.store.reader() as reader:
                version = reader.customers([one])[0].version
            return Assign(one, who, expected_version=version), ada
