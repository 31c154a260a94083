"""The one door for changing: load, decide, lock, decide again, draft, write, all in one transaction."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from attrs import frozen

from ownership_core.commands import (
    ChangeCustomer,
    ChangeDepartment,
    ChangeStaff,
    Command,
    CreateCustomer,
    CustomerCommand,
    DeleteCustomer,
    GrantAccess,
    Matching,
    One,
    selection_of,
)
from ownership_core.decide import decide
from ownership_core.errors import Conflict, Problem, Refused
from ownership_core.keys import fold_identity
from ownership_core.model import Actor, Customer, Value
from ownership_core.plan import PlanFile, Receipt
from ownership_core.ports import Draft, Query, Run, RunState, Tally, Writer
from ownership_core.ruling import PlanRow, Ruling
from ownership_core.scope import AllOf
from ownership_core.service import people
from ownership_core.service.counsel import people_of
from ownership_core.service.creating import create
from ownership_core.service.desk import Desk
from ownership_core.service.refusals import refuse, refuse_row
from ownership_core.simplify import simplify
from ownership_core.wire import command_to_wire, recorded

_TRIES = 3


@frozen
class Source:
    """Where the expectations of an applied plan come from: a stored plan or a file.

    ``others`` counts the customers the plan selected and would not have changed.
    """

    others: int
    plan: str | None = None
    file: PlanFile | None = None


@frozen
class Writing:
    """One command on its way through one transaction, for one actor."""

    desk: Desk
    writer: Writer
    actor: Actor

    def execute(self, command: Command, strict: bool = False) -> Receipt:
        """Decide and write. ``strict`` refuses all when any customer is refused."""
        match command:
            case CreateCustomer():
                return create(self.desk, self.writer, self.actor, command, strict)
            case ChangeStaff() | ChangeDepartment() | GrantAccess():
                return people.change(self.desk, self.writer, self.actor, command)
            case _:
                return self._on_customers(command, strict, None)

    def apply(self, command: CustomerCommand, source: Source, strict: bool) -> Receipt:
        """Write what both a plan and a new decision contain."""
        return self._on_customers(command, strict, source)

    def plan(self, command: CustomerCommand) -> Run:
        """Decide and draft, and write nothing but the plan."""
        draft, tally, _ = self._drafted(command, None)
        return self._run(command, draft, tally, RunState.PLANNED)

    def _on_customers(self, command: CustomerCommand, strict: bool, source: Source | None) -> Receipt:
        draft, tally, changes = self._drafted(command, source)
        what = what_of(command)
        row = self._single_row(command, draft.run)
        if source is None and row is not None and tally.refused:
            raise refuse_row(row, self.actor)
        if strict and (tally.refused or tally.stale):
            raise _strict(tally, self.actor)
        new_matches = self._new_matches(draft, tally, source)
        if not tally.changed:
            self.writer.discard(draft.run)
            version = row.version if row is not None and tally.unchanged else None
            return Receipt(None, what, tally, version, new_matches=new_matches)
        run = self._run(command, draft, tally, RunState.APPLIED)
        self.writer.write(run, draft, changes.names)
        self._write_customers(command, run, changes)
        self.writer.save_run(run)
        if getattr(command, "notify", False):
            self.writer.notify(run.id)
        return Receipt(run.id, what, tally, None if row is None else row.version + 1, new_matches=new_matches)

    def _drafted(self, command: CustomerCommand, source: Source | None) -> tuple[Draft, Tally, _Changes]:
        selection = selection_of(command)
        ruling = self._settled(command)
        changes = self._changes(command)
        if isinstance(command, ChangeCustomer):
            ruling = attrs.evolve(ruling, effect=attrs.evolve(ruling.effect, touch=bool(changes.names)))
        draft = Draft(
            run=self.desk.new_run(),
            selection=selection,
            visible=ruling.visible,
            requirements=ruling.requirements,
            effect=ruling.effect,
            at=self.desk.now(),
            expected_version=command.expected_version,
            from_plan=source is not None,
        )
        if source is not None:
            self._expect(draft.run, source)
        return draft, self.writer.draft(draft), changes

    def _settled(self, command: CustomerCommand) -> Ruling:
        """The ruling under lock: customers first, staff second, then everything is decided again (I7, I26)."""
        ruling = self._ruling(command)
        for _ in range(_TRIES):
            self.writer.lock_customers(selection_of(command), ruling.visible)
            self.writer.lock_staff(people_of(command, self.actor))
            again = self._ruling(command)
            if again == ruling:
                return ruling
            ruling = again
        hint = "Try again."
        raise Conflict(Problem("access_changed", "Access changed while this was decided.", hint), who=self.actor.id)

    def _ruling(self, command: CustomerCommand) -> Ruling:
        accesses = self.writer.access(people_of(command, self.actor))
        asking = self.desk.counsel.asking(command, self.actor, accesses.get(self.actor.id))  # type: ignore[call-overload]
        ruling = decide(command, asking, self.desk.counsel.targets(accesses))
        if ruling.refusals:
            raise refuse(ruling.refusals, self.actor)
        return attrs.evolve(
            ruling,
            visible=simplify(ruling.visible),
            requirements=tuple(attrs.evolve(r, scope=simplify(r.scope)) for r in ruling.requirements),
        )

    def _expect(self, run: str, source: Source) -> None:
        if source.plan is not None:
            self.writer.expect_plan(run, source.plan)
        elif source.file is not None:
            self.writer.expect(run, source.file.rows)

    def _new_matches(self, draft: Draft, tally: Tally, source: Source | None) -> int:
        if source is None or not isinstance(draft.selection, Matching):
            return 0
        now = self.writer.count(Query(simplify(AllOf((draft.selection.scope, draft.visible)))))
        return max(0, now - tally.still_selected - source.others)

    def _single_row(self, command: CustomerCommand, run: str) -> PlanRow | None:
        if not isinstance(selection_of(command), One):
            return None
        return next(iter(self.writer.plan_rows(run)), None)

    def _changes(self, command: CustomerCommand) -> _Changes:
        if not isinstance(command, ChangeCustomer):
            return _Changes()
        values, sets = self.desk.edge.changes(command)
        found = self.writer.customers([command.customer])
        if not found:
            return _Changes()
        return _changes(found[0], values, sets)

    def _write_customers(self, command: CustomerCommand, run: Run, changes: _Changes) -> None:
        if isinstance(command, DeleteCustomer):
            self.writer.delete_customers(run.id)
        if isinstance(command, ChangeCustomer):
            self._refuse_taken_email(command, changes)
            self.writer.change_customer(command.customer, changes.values, changes.sets, changes.email_key)

    def _refuse_taken_email(self, command: ChangeCustomer, changes: _Changes) -> None:
        if changes.email_key is None:
            return
        _, taken = self.writer.taken([], [changes.email_key])
        if taken and not changes.same_email:
            raise refuse([duplicate_email(command.customer)], self.actor)

    def _run(self, command: Command, draft: Draft, tally: Tally, state: RunState) -> Run:
        return Run(
            id=draft.run,
            state=state,
            what=what_of(command),
            command=command_to_wire(recorded(command) if state is RunState.APPLIED else command),
            actor=self.actor,
            at=draft.at,
            reason=command.reason,
            tally=tally,
        )


@frozen
class _Changes:
    """The fields a change really changes."""

    values: Mapping[str, Value | None] = attrs.field(factory=dict)
    sets: Mapping[str, frozenset[str]] = attrs.field(factory=dict)
    email_key: str | None = None
    same_email: bool = False

    @property
    def names(self) -> list[str]:
        return sorted({*self.values, *self.sets})


def _changes(customer: Customer, values: Mapping[str, Value | None], sets: Mapping[str, frozenset[str]]) -> _Changes:
    changed = {name: value for name, value in values.items() if value != customer.values.get(name)}
    changed_sets = {name: texts for name, texts in sets.items() if texts != customer.sets.get(name, frozenset())}
    email, before = changed.get("email"), customer.values.get("email")
    key = fold_identity(str(email)) if email else None
    return _Changes(changed, changed_sets, key, before is not None and key == fold_identity(str(before)))


def duplicate_email(customer: str) -> Problem:
    """``duplicate_email``: names nobody, since the other customer may be hidden (row 114)."""
    what = "Another customer has this e-mail address."
    return Problem("duplicate_email", what, "Look for the customer before you create it.", customer)


def what_of(command: Command) -> str:
    """What a run and its events are called: ``assign``, ``set_primary``, ``change_customer`` ...

    >>> from ownership_core.commands import SetPrimary
    >>> what_of(SetPrimary("c1", "s1"))
    'set_primary'
    """
    name = type(command).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _strict(tally: Tally, actor: Actor) -> Refused:
    codes = ", ".join(f"{code}: {count}" for code, count in sorted(tally.codes.items()))
    what = f"{tally.refused + tally.stale} of {tally.total} customers were refused or stale ({codes})."
    return Refused(Problem("strict_refused", what, "Look at the plan, or apply without strict."), who=actor.id)
