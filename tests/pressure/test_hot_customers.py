"""A minute of random commands on five customers by four processes, judged by the events alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ledger import Entry, contradictions, cycle, replayed
from watching import Stirred, stir

from ownership_core import ChangeStaff, CreateCustomer, GrantAccess, NewCustomer

NOBODY: dict[str, Any] = {}
HOT = [f"h{number}" for number in range(5)]
STAFF = [f"s{number}" for number in range(4)]
EXPECTED = {"not_found", "already_assigned", "not_assigned", "not_permitted", "version_conflict"}


def test_a_random_history_could_have_been_a_queue(
    place: Any, server: str, crews: Any, seed: str, share: float, tell: Any
) -> None:
    """No update is lost (I43), replay gives the rows (I34), and the runs stand in an order without a cycle.

    Guard: the lock on heads (`lock_customers`); without it the version match sends commands back until they give up.
    """
    one = place(server, cardinality="multi")
    one.does(*(ChangeStaff(who, create=True, label=who) for who in STAFF))
    one.does(*(GrantAccess("associate", staff=who) for who in STAFF))
    one.does(CreateCustomer([NewCustomer(hot) for hot in HOT]))
    crew = crews(4)
    crew.open(one.url, cardinality="multi")
    told: list[list[Stirred]] = crew.all(stir, *((f"{seed} {number}", HOT, STAFF, 60 * share) for number in range(4)))
    stirred = [command for history in told for command in history]

    assert [command for command in stirred if command.done.raw or not command.done.told <= EXPECTED] == []
    assert contradictions(one.ledger) == []
    entries = one.ledger.entries()
    assert cycle(entries) == []
    events = one.ledger.events_of_runs()
    by_run = {command.done.receipt.run: command for command in stirred if command.done.changed}
    assert {run: command.done.changed for run, command in by_run.items()} == {run: events[run] for run in by_run}
    assert sum(command.done.changed for command in stirred) == len(entries) - len(HOT)
    followed = [entry.version - by_run[entry.run].expected for entry in entries if _expected(by_run, entry.run)]
    assert set(followed) == {1}
    ended = Counter(code for command in stirred for code in command.done.ended)
    codes = Counter(code for command in stirred for code in command.done.told)
    several = sum(count > 1 for count in events.values())
    tell(
        commands=len(stirred),
        events=len(entries),
        runs_on_several=several,
        refused=dict(codes),
        begun_again=dict(ended),
    )


def _expected(by_run: dict[str | None, Stirred], run: str) -> bool:
    return run in by_run and by_run[run].expected is not None


def _taken(customer: str, version: int, run: str, before: str | None, after: str) -> Entry:
    line = {"staff": after, "primary": True, "since": version, "role": "", "source": "manual"}
    return Entry(customer, version, run, "set_primary", (before, after), {after: line}, NOBODY, ())


def test_a_lost_update_would_be_seen() -> None:
    """Two changes that both began where nobody was assigned contradict each other, whatever the rows say."""
    kept, lost = _taken("h0", 1, "a", None, "s0"), _taken("h0", 2, "b", None, "s1")
    assert replayed([kept])[1] == []
    assert replayed([kept, lost])[1] == ["h0 at 2: the primary was s0, not None"]


def test_a_cycle_would_be_seen() -> None:
    """Two runs that each came first at one customer stand in no order."""
    queue = [_taken(one, version, run, None, "s0") for one in ("h0", "h1") for version, run in ((1, "a"), (2, "b"))]
    assert cycle(queue) == []
    crossed = [*queue[:2], _taken("h1", 1, "b", None, "s0"), _taken("h1", 2, "a", None, "s0")]
    assert set(cycle(crossed)) == {"a", "b"}
