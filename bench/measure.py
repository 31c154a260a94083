"""Rounds, medians and pairs: every candidate has its turn in every round, and the answers must agree."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from gc import collect, disable, enable
from statistics import median
from time import perf_counter
from typing import Any

from attrs import Factory, define, frozen
from attrs import field as attribute
from sqlalchemy import event

Act = Callable[[], Any]
Listen = Callable[[], AbstractContextManager[list[str]]]
ROUNDS = 7
ENOUGH = 0.02  # seconds a turn lasts at least, so that a clock and a neighbour do not decide it


def _nothing() -> None:
    """Where nothing has to be done."""


@frozen
class Case:
    """One operation: ours, the hand-written ones it is held against, and what is asked of it.

    ``limit`` is the largest ratio to the best of ``raw``, ``slack`` seconds are free on top; with ``most``
    seconds the operation itself is limited. A ``steady`` one sends as many statements whatever the size of the shop.
    ``each`` says how many operations one turn of an act makes.
    ``ready`` runs before every turn of ours, and ``rest`` after every turn, unmeasured.
    """

    name: str
    ours: Act
    raw: Mapping[str, Act]
    limit: float | None = None
    slack: float = 0.0
    most: float | None = None
    steady: bool = False
    each: int = 1
    ready: Act = _nothing
    rest: Act = _nothing
    same: Callable[[Any], Any] = lambda answer: answer
    note: str = ""
    proofs: Mapping[str, Act] = attribute(factory=dict)
    """What is compared in place of an act's answer, where that takes longer than the act."""


@define
class Figure:
    """What was measured of one case; times are seconds of one operation."""

    case: Case
    ours: float
    best: float
    by: str
    ratio: float
    statements: int
    memory: int
    excess: float
    more: dict[str, float] = Factory(dict)
    first: int | None = None
    """How many statements it takes in the smallest shop."""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.case.steady:
            return self.statements == self.first
        if self.case.most is not None:
            return self.ours <= self.case.most
        if self.case.limit is None:
            return None
        return self.excess <= self.case.slack


class Differs(Exception):
    """Two candidates answered differently: their times mean nothing."""


def measure(case: Case, listen: Listen, rounds: int = ROUNDS, *, quick: bool = False) -> Figure:
    """Compare the answers, then let everybody have ``rounds`` turns, in another order each time.

    ``listen`` gathers the statements that are sent meanwhile.
    """
    acts = {"ours": case.ours, **case.raw}
    case.ready()
    wanted = case.same(case.proofs.get("ours", case.ours)())
    case.rest()
    for name, act in case.raw.items():
        found = case.same(case.proofs.get(name, act)())
        case.rest()
        if found != wanted:
            raise Differs(f"{case.name}: {name} answers {_short(found)}, ours {_short(wanted)}")
    case.ready()
    with listen() as said:
        case.ours()
    case.rest()
    memory = _memory(case)
    # Where only statements are counted, one turn shows what they take.
    times = _turns(case, acts, 1 if case.steady else rounds, 1 if quick or case.steady else None)
    medians = {name: median(taken) for name, taken in times.items()}
    by = min(case.raw, key=lambda name: medians[name], default="")
    best = medians.get(by, 0.0)
    ratio = median(mine / theirs for mine, theirs in zip(times["ours"], times[by], strict=True)) if by else 0.0
    limit = case.limit or 0.0
    excess = median(mine - limit * theirs for mine, theirs in zip(times["ours"], times[by], strict=True)) if by else 0.0
    return Figure(case, medians["ours"], best, by, ratio, _count(said, case), memory, excess, medians)


def _turns(case: Case, acts: Mapping[str, Act], rounds: int, fixed: int | None) -> dict[str, list[float]]:
    often = {name: fixed or _often(act, case) for name, act in acts.items()}
    times: dict[str, list[float]] = {name: [] for name in acts}
    for number in range(rounds):
        order = list(acts) if number % 2 else list(acts)[::-1]
        for name in order:
            times[name].append(_turn(acts[name], often[name], case))
    return times


def _turn(act: Act, often: int, case: Case) -> float:
    taken = 0.0
    ready = case.ready if act is case.ours else _nothing
    collect()
    disable()
    try:
        for _ in range(often):
            ready()
            began = perf_counter()
            act()
            taken += perf_counter() - began
            case.rest()
    finally:
        enable()
    return taken / often / case.each


def _often(act: Act, case: Case) -> int:
    once = _turn(act, 1, case) * case.each
    return max(1, min(200, round(ENOUGH / max(once, 1e-6))))


def _count(said: list[str], case: Case) -> int:
    return round(len([text for text in said if not text.startswith("BEGIN")]) / case.each)


@contextmanager
def statements(engine: Any) -> Iterator[list[str]]:
    """What SQLAlchemy sends through an engine."""
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _memory(case: Case) -> int:
    """The most Python keeps at once beyond what it kept before."""
    case.ready()
    collect()
    tracemalloc.start()
    try:
        case.ours()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        case.rest()


def _short(answer: Any) -> str:
    return repr(answer)[:300]
