"""What the events tell: who was assigned when, who stood for the customer on a date, and the whole state.

Spans are half-open: a change at t2 counts from t2 on (H12). Two changes at one instant keep their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import field as attribute
from attrs import frozen

from ownership_core.events import Event, Subject, read_line
from ownership_core.model import Assignment, CustomerId, Json, StaffId


@frozen
class Span:
    """``staff`` was assigned from ``since`` until before ``until`` (None: still is), in UTC microseconds."""

    staff: StaffId
    since: int
    until: int | None
    primary: bool


@frozen
class State:
    """What replaying events gives (I34): assignments by customer, and access by staff, department and role."""

    assignments: dict[CustomerId, tuple[Assignment, ...]] = attribute(factory=dict)
    access: dict[tuple[str, str], Json] = attribute(factory=dict)
    versions: dict[tuple[str, str], int] = attribute(factory=dict)


def replay(events: Iterable[Event]) -> State:
    """The state after these events, which come by subject and version."""
    state = State()
    for event in events:
        key = (event.subject_kind.value, event.subject)
        state.versions[key] = event.version
        if event.subject_kind is Subject.CUSTOMER:
            customer = CustomerId(event.subject)
            state.assignments[customer] = assignments_after(state.assignments.get(customer, ()), event)
        else:
            state.access[key] = event.body
    return state


def assignments_after(before: tuple[Assignment, ...], event: Event) -> tuple[Assignment, ...]:
    """The assignments of a customer after one more of its events, by staff id."""
    held = {assignment.staff: assignment for assignment in before}
    for raw in event.body["removed"]:
        held.pop(StaffId(raw["staff"]), None)
    for raw in event.body["added"]:
        line = read_line(raw)
        held[line.staff] = line
    primary = event.body["primary"][1]
    return tuple(
        Assignment(a.staff, a.staff == primary, a.since, a.role, a.source)
        for a in sorted(held.values(), key=lambda a: a.staff)
    )


def as_of(events: Iterable[Event], at: int) -> tuple[Assignment, ...]:
    """The assignments of one customer at ``at`` (UTC microseconds): every event up to and including ``at``."""
    held: tuple[Assignment, ...] = ()
    for event in events:
        if event.at <= at:
            held = assignments_after(held, event)
    return held


def spans(events: Iterable[Event]) -> list[Span]:
    """Who was assigned when, for the events of one customer in version order.

    A staff whose primacy changes gets a new span at that moment.
    """
    finished: list[Span] = []
    running: dict[StaffId, Span] = {}
    held: tuple[Assignment, ...] = ()
    for event in events:
        held = assignments_after(held, event)
        now: Mapping[StaffId, bool] = {a.staff: a.primary for a in held}
        for staff, span in list(running.items()):
            if now.get(staff) != span.primary:
                finished.append(Span(staff, span.since, event.at, span.primary))
                del running[staff]
        for staff, primary in now.items():
            running.setdefault(staff, Span(staff, event.at, None, primary))
    return [*finished, *running.values()]
