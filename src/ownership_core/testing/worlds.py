"""A small shop as one value, and how to bring it into any store through its writer port."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from attrs import evolve, frozen

from ownership_core.commands import Ids, Selection
from ownership_core.events import Event, Subject
from ownership_core.fields import Field, Fields, Fold, Kind
from ownership_core.model import (
    Actor,
    AssignedStaff,
    Assignment,
    CoverRow,
    Customer,
    CustomerId,
    Department,
    Level,
    Staff,
    StaffId,
)
from ownership_core.ports import Draft, NewRow, Run, RunState, Store, Tally, Writer
from ownership_core.ruling import PLACED, Drop, Effect, Primary, Requirement
from ownership_core.scope import Everything, Scope

WORLD_FIELDS = Fields.declare(
    [
        Field("region", separator="/"),
        Field("score", Kind.INTEGER),
        Field("vip", Kind.BOOLEAN),
        Field("last_seen", Kind.TIME),
        Field("aliases", many=True, fold=Fold.ASCII, separator="/"),
    ]
)
"""The built-in fields and one of every other sort; open a store with these to load a world."""

LOADER = Actor.operator("loader")
LOADED_AT = 1_000


@frozen
class World:
    """Everything a shop holds. Customers carry their assignments and shares; parents stand before their departments."""

    departments: tuple[Department, ...] = ()
    roles: tuple[tuple[str, dict[str, Level]], ...] = ()
    staff: tuple[Staff, ...] = ()
    customers: tuple[Customer, ...] = ()
    covers: tuple[CoverRow, ...] = ()

    def facts(self) -> list[Customer]:
        """The customers as a store should give them back, except for their versions; by id."""
        described = {s.id: AssignedStaff(s.active and not s.deleted, s.departments) for s in self.staff}
        return [
            evolve(
                customer,
                values={name: value for name, value in customer.values.items() if value is not None},
                sets={name: texts for name, texts in customer.sets.items() if texts},
                assignments=tuple(sorted(customer.assignments, key=lambda a: a.staff)),
                staff={a.staff: described[a.staff] for a in customer.assignments},
            )
            for customer in sorted(self.customers, key=lambda c: c.id)
        ]


def load(store: Store, world: World) -> None:
    """Bring ``world`` into an empty ``store`` in one transaction, as a service would."""
    with store.writer() as writer:
        for department in world.departments:
            writer.save_department(evolve(department, version=1), _noted(Subject.DEPARTMENT, department.id))
        for role, levels in world.roles:
            writer.save_role(role, levels, _noted(Subject.ROLE, role))
        for staff in world.staff:
            writer.save_staff(evolve(staff, version=1), _noted(Subject.STAFF, staff.id))
        for cover in world.covers:
            writer.save_cover(evolve(cover, version=1), _noted(Subject.COVER, cover.id))
        if world.customers:
            _create(writer, world.customers)
        _share(writer, world.customers)
        _assign(writer, world.customers)


def new_run(id: str, what: str = "Load", at: int = LOADED_AT, actor: Actor = LOADER, tally: Tally | None = None) -> Run:
    """An applied run with nothing special about it."""
    return Run(id, RunState.APPLIED, what, {"v": 1, "command": what}, actor, at, None, tally or Tally())


def apply(  # noqa: PLR0913, PLR0917 - what a run may be told
    writer: Writer,
    run: str,
    selection: Selection,
    effect: Effect,
    at: int = LOADED_AT,
    requirements: Iterable[Requirement] = (),
    visible: Scope | None = None,
    keep_view_until: int | None = None,
) -> Tally:
    """Lock, draft and write one run, as a service executes a command."""
    seen = Everything() if visible is None else visible
    draft = Draft(run, selection, seen, tuple(requirements), effect, at, keep_view_until=keep_view_until)
    writer.lock_customers(selection, seen)
    writer.lock_staff([] if effect.add is None or effect.add is PLACED else [effect.add])
    tally = writer.draft(draft)
    done = new_run(run, "Assign", at, tally=tally)
    writer.write(done, draft)
    writer.save_run(done)
    return tally


def new_row(customer: Customer, owner: StaffId | None = None, email_key: str | None = None) -> NewRow:
    """``customer`` ready to be stored, owned by ``owner`` from the start."""
    return NewRow(customer.id, dict(customer.values), dict(customer.sets), email_key, owner, "test")


def _noted(kind: Subject, subject: str) -> Event:
    return Event(kind, subject, 1, "load", LOADED_AT, LOADER, None, {"v": 1, "what": "Load"})


def _create(writer: Writer, customers: Iterable[Customer]) -> None:
    run = new_run("load-customers")
    writer.create_customers(run, [new_row(customer) for customer in customers])
    writer.save_run(run)


def _share(writer: Writer, customers: Iterable[Customer]) -> None:
    """One is shared with whoever had it and lost it."""
    alike: dict[tuple[StaffId, int], list[CustomerId]] = {}
    for customer in customers:
        for pair in customer.shares.items():
            alike.setdefault(pair, []).append(customer.id)
    for number, ((staff, until), ids) in enumerate(sorted(alike.items()), 1):
        apply(writer, f"share-{number}", Ids(ids), Effect(staff, primary=Primary.TAKE))
        lost = Effect(drop=Drop.ONE, dropped=staff)
        apply(writer, f"unshare-{number}", Ids(ids), lost, keep_view_until=until)


def _assign(writer: Writer, customers: Iterable[Customer]) -> None:
    """One run for all assignments that are alike; primaries are set last and stay what they are."""
    alike: dict[tuple[bool, Assignment], list[CustomerId]] = {}
    for customer in customers:
        for assignment in customer.assignments:
            alike.setdefault((assignment.primary, assignment), []).append(customer.id)
    numbers = count(1)
    for (primary, one), ids in sorted(alike.items(), key=lambda item: (item[0][0], item[0][1].staff)):
        standing = Primary.TAKE if primary else Primary.STAY
        effect = Effect(one.staff, Drop.NOBODY, None, standing, (), one.role, one.source)
        apply(writer, f"load-{next(numbers)}", Ids(ids), effect, one.since)
