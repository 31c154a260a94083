"""Rows of a SQL store as the nouns of the core, and nouns as rows: what every such store keeps alike.

A row is anything with the columns as attributes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle
from typing import Any, Protocol

import attrs
from attrs import Factory, define

from ownership_core.commands import Ids, Matching, One, Selection
from ownership_core.distribute import Marked, Placement
from ownership_core.errors import Problem, UncompilableScope
from ownership_core.events import Event, Subject, line, read_line
from ownership_core.keys import KeyType, id_order
from ownership_core.model import (
    Access,
    Actor,
    ActorKind,
    Assignment,
    Covered,
    CustomerId,
    DepartmentId,
    GroupRestriction,
    Json,
    Level,
    RestrictionMode,
    StaffId,
)
from ownership_core.ports import Draft, Query, Run, RunState, Tally
from ownership_core.rules import Rule
from ownership_core.ruling import (
    CHANGED_SINCE,
    NOT_FOUND,
    PLACED,
    STALE,
    VERSION_CONFLICT,
    Drop,
    Effect,
    Fate,
    PlanRow,
    Primary,
)
from ownership_core.scope import AllOf, Scope
from ownership_core.wire import rule_from_wire, rule_to_wire

FIRST_CODES = (NOT_FOUND, VERSION_CONFLICT, STALE, CHANGED_SINCE)
"""The codes of the first bits of ``plan_item.codes``; the requirements of a run take the next ones."""


def dumped(value: object) -> str:
    """``value`` as JSON with one spelling."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def restriction_of(mode: str | None, groups: Iterable[str]) -> GroupRestriction | None:
    """A restriction, or None where there is no row for one."""
    if mode is None:
        return None
    listed: frozenset[str] = frozenset(groups)
    return GroupRestriction(RestrictionMode(mode), listed)


def actor_columns(actor: Actor) -> dict[str, str | None]:
    """Who asked, as the columns of a run or an event."""
    return {"actor_kind": actor.kind.value, "actor": actor.id, "rule": actor.rule}


def run_columns(run: Run) -> dict[str, object]:
    """A run as its row, without the codes of its plan rows."""
    tally = run.tally
    counted = {
        "changed": tally.changed,
        "unchanged": tally.unchanged,
        "refused": tally.refused,
        "stale": tally.stale,
        "codes": dict(tally.codes),
        "still_selected": tally.still_selected,
    }
    return {
        "id": run.id,
        "state": run.state.value,
        "what": run.what,
        "command": dumped(run.command),
        **actor_columns(run.actor),
        "at": run.at,
        "reason": run.reason,
        "tally": dumped(counted),
        "expires": run.expires,
        "part_of": run.part_of,
        "reached": run.reached,
    }


def run_of(row: Any) -> Run:
    """A run of its row."""
    return Run(
        id=row.id,
        state=RunState(row.state),
        what=row.what,
        command=json.loads(row.command),
        actor=_actor_of(row),
        at=row.at,
        reason=row.reason,
        tally=Tally(**json.loads(row.tally)),
        expires=row.expires,
        part_of=row.part_of,
        reached=row.reached,
    )


def event_columns(event: Event) -> dict[str, object]:
    """An event as its row."""
    return {
        "subject_kind": event.subject_kind.value,
        "subject": event.subject,
        "version": event.version,
        "run": event.run,
        "at": event.at,
        **actor_columns(event.actor),
        "reason": event.reason,
        "body": dumped(event.body),
    }


def event_of(row: Any, read: Callable[[str], Json] = json.loads) -> Event:
    """An event of its row; the lines of a customer's event by staff, however the database gathered them.

    ``read`` is for stores that keep bodies in a form of their own.
    """
    kind = Subject(row.subject_kind)
    body: Json = read(row.body)
    if kind is Subject.CUSTOMER:
        for side in ("added", "removed"):
            body[side] = sorted(body.get(side, ()), key=lambda one: str(one["staff"]))
    return Event(kind, row.subject, row.version, row.run, row.at, _actor_of(row), row.reason, body)


def rule_of(row: Any) -> Rule:
    """A rule of its row."""
    return attrs.evolve(rule_from_wire(json.loads(row.body)), version=row.version)


def rule_columns(rule: Rule, version: int) -> dict[str, object]:
    """A rule as its row."""
    return {"id": rule.id, "version": version, "body": dumped(rule_to_wire(rule))}


def _actor_of(row: Any) -> Actor:
    return Actor(ActorKind(row.actor_kind), row.actor, row.rule)


def plan_row_of(row: Any, names: tuple[str, ...], staff_key: KeyType) -> PlanRow:
    """A plan row; ``names`` says which code each bit stands for.

    A store may keep the assignment of the primary in columns of its own: ``ended_since`` and the like say what ended of
    ``primary_before``, ``back_since`` what came back of ``primary_after``.
    """
    ended = _lines_of(row, "ended", row.primary_before, row.removed, staff_key)
    restored = _lines_of(row, "back", row.primary_after, row.restored, staff_key)
    return PlanRow(
        customer=CustomerId(row.customer_id),
        fate=Fate(row.fate),
        version=row.version,
        codes=codes_of(row.codes, names),
        primary_before=row.primary_before,
        primary_after=row.primary_after,
        added=row.added,
        removed=ended,
        receiver=row.receiver,
        source=row.source,
        role=row.role,
        restored=restored,
    )


def _lines_of(row: Any, side: str, primary: StaffId | None, text: str, key: KeyType) -> tuple[Assignment, ...]:
    lines = [read_line(one) for one in json.loads(text)]
    since = getattr(row, f"{side}_since", None)
    if since is not None and primary is not None:
        lines.append(Assignment(primary, True, since, getattr(row, f"{side}_role"), getattr(row, f"{side}_source")))
    return tuple(sorted(lines, key=lambda a: id_order(a.staff, key)))


def codes_of(bits: int, names: tuple[str, ...]) -> tuple[str, ...]:
    """The codes whose bits are set, in order."""
    return tuple(name for place, name in enumerate(names) if bits >> place & 1)


def removed_text(assignments: Iterable[Assignment]) -> str:
    """Assignments as ``plan_item.removed`` keeps them."""
    return dumped([line(a) for a in assignments])


CODES_LIMIT = 60  # as many bits a signed 64-bit number has to spare


def requirement_codes(draft: Draft) -> dict[str, Scope]:
    """The distinct codes of the requirements in order, each with everything it stands for."""
    together: dict[str, tuple[Scope, ...]] = {}
    for requirement in draft.requirements:
        together[requirement.code] = (*together.get(requirement.code, ()), requirement.scope)
    return {code: AllOf(scopes) for code, scopes in together.items()}


def draft_codes(draft: Draft, who: str) -> tuple[str, ...]:
    """Which code each bit of the plan rows of ``draft`` stands for.

    :class:`UncompilableScope`, said by ``who``, where there are more than a number has bits.
    """
    demanded = (demand.requirement.code for demand in draft.demands)
    limited = (draft.limit_code,) if draft.limits else ()
    names = code_names((*requirement_codes(draft), *demanded, *limited, *draft.unplaced))
    if len(names) > CODES_LIMIT:
        what = f"{len(names)} different codes are too many for one run."
        raise UncompilableScope(Problem("uncompilable_scope", what, "Mend the scope."), who=who)
    return names


def code_names(codes: Iterable[str]) -> tuple[str, ...]:
    """Which code each bit of a run's plan rows stands for, given those of its requirements."""
    return tuple(dict.fromkeys((*FIRST_CODES, *codes)))


def named(selection: Selection) -> tuple[CustomerId, ...] | None:
    """The ids a selection names; None for a scope."""
    match selection:
        case One(id):
            return (id,)
        case Ids(ids):
            return ids
        case Matching():
            return None


def ends_former(effect: Effect) -> bool:
    """Whether a former primary that does not stay one is gone when the others are set: there is no slot to vacate."""
    if effect.primary is Primary.INHERIT:
        return effect.drop is Drop.ONE  # nobody else than the one who goes is followed
    if effect.add is PLACED:
        return False  # who is dealt to nobody keeps its primary
    return effect.primary is Primary.TAKE and effect.drop in (Drop.FORMER_PRIMARY, Drop.EVERYONE_ELSE, Drop.EVERYONE)


def drops_as_planned(effect: Effect) -> bool:
    """Whether who goes differs from customer to customer in ways that only the plan rows can tell."""
    if effect.drop in (Drop.BEYOND_ROOM, Drop.UNDONE):
        return True
    return effect.add is PLACED and effect.drop not in (Drop.NOBODY, Drop.ONE)


class Placing(Protocol):
    """The two methods of a :class:`~ownership_core.ports.Writer` that deal customers out through Python."""

    def marks(
        self, query: Query, scopes: Sequence[Scope], fields: Sequence[str], after: CustomerId | None, limit: int
    ) -> list[Marked]:
        """The next customers in id order."""
        ...

    def place(self, run: str, rows: Iterable[Placement]) -> None:
        """Say whom ``run`` gives its customers to."""
        ...


def placed_in_turn(writer: Placing, run: str, query: Query, staff: Sequence[StaffId], chunk: int) -> int:
    """What :meth:`Writer.place_in_turn` says, by rows that pass through Python, ``chunk`` of them at a time."""
    ring, many = cycle(staff), 0
    after: CustomerId | None = None
    while found := writer.marks(query, (), (), after, chunk):
        writer.place(run, [Placement(one.customer, next(ring)) for one in found])
        many, after = many + len(found), found[-1].customer
    return many


def moves_primary(effect: Effect) -> bool:
    """Whether somebody else may stand for a customer afterwards."""
    return effect.primary is not Primary.STAY or effect.drop is not Drop.NOBODY


@define
class _Gathered:
    """The rows of one staff."""

    active: bool = False
    version: int = 0
    restricted: bool = False
    lists: dict[str, set[str]] = Factory(lambda: defaultdict(set))
    levels: dict[str, Level] = Factory(dict)
    rules: dict[tuple[bool, str, str], set[str]] = Factory(dict)
    covers: dict[str, tuple[str, int, int]] = Factory(dict)
    covered: dict[str, set[str]] = Factory(lambda: defaultdict(set))
    shared_until: int = 0


def snapshots(found: Iterable[Any], key: KeyType) -> dict[StaffId, Access]:
    """The snapshots that rows of :func:`statement` describe, by staff id."""
    gathered: dict[str, _Gathered] = {}
    for row in found:
        _gather(gathered.setdefault(str(row.staff), _Gathered()), row)
    return {
        StaffId(id): _snapshot(StaffId(id), gathered[id]) for id in sorted(gathered, key=lambda id: id_order(id, key))
    }


def _gather(one: _Gathered, row: Any) -> None:
    match row.what:
        case "staff":
            one.version, one.active, one.restricted = row.number, bool(row.flag & 1), bool(row.flag & 2)
        case "level":
            one.levels[row.text] = Level(row.number)
        case "cover":
            one.covers[row.text] = row.more, row.number, row.flag
        case "shared":
            one.shared_until = row.number or 0
        case "covered":
            if row.more is not None:
                one.covered[row.text].add(row.more)
        case "department rule" | "own rule" as what:
            groups = one.rules.setdefault((what == "own rule", row.text, row.more), set())
            if row.customer_group is not None:
                groups.add(row.customer_group)
        case _:
            one.lists[row.what].add(row.text)


def _snapshot(staff: StaffId, one: _Gathered) -> Access:
    # The departments' rules by department, then the staff's own: the order every store answers in.
    rules = (restriction_of(mode, one.rules[own, holder, mode]) for own, holder, mode in sorted(one.rules))
    restrictions: tuple[GroupRestriction, ...] = tuple(rule for rule in rules if rule is not None)
    return Access(
        staff=staff,
        active=one.active,
        version=one.version,
        roles=frozenset(one.lists["role"]),
        levels=one.levels,
        departments=frozenset(map(DepartmentId, one.lists["department"])),
        tree=frozenset(map(DepartmentId, one.lists["below"])),
        websites=frozenset(one.lists["website"]) if one.restricted else None,
        restrictions=restrictions,
        covers=tuple(
            Covered(StaffId(staff), since, until, frozenset(one.covered[staff]))
            for _, (staff, since, until) in sorted(one.covers.items())
        ),
        shared_until=one.shared_until,
    )
