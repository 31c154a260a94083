"""The one door for changing: load, decide, lock, decide again, draft, write, all in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import attrs
from attrs import frozen

from ownership_core.commands import (
    ChangeCustomer,
    ChangeDepartment,
    ChangeRules,
    ChangeStaff,
    Command,
    Cover,
    CreateCustomer,
    CustomerCommand,
    DeleteCustomer,
    DraftedCommand,
    EndCover,
    GrantAccess,
    Matching,
    MovingCommand,
    Offboard,
    One,
    Rebalance,
    Revert,
    Selection,
    Sweep,
    SwitchCardinality,
    Transfer,
    selection_of,
)
from ownership_core.decide import decide
from ownership_core.decide.assign import room_code
from ownership_core.decide.moving import demands_on
from ownership_core.decide.switch import concerned
from ownership_core.distribute.hands import NO_CAPACITY
from ownership_core.errors import Conflict, Problem, Refused
from ownership_core.keys import fold_identity
from ownership_core.model import Actor, CoverRow, Customer, CustomerId, StaffId, Value
from ownership_core.plan import PlanFile, Receipt
from ownership_core.ports import Draft, Query, Run, RunState, Tally, Writer
from ownership_core.rules import Occasion, Rule
from ownership_core.ruling import NOT_FOUND, PLACED, PlanRow, Ruling
from ownership_core.scope import AllOf, Nothing, Scope
from ownership_core.service import covers, people
from ownership_core.service.beside import Beside, beside_of, named_beside, write_beside
from ownership_core.service.counsel import people_of
from ownership_core.service.creating import create
from ownership_core.service.dealing import Dealing, Dealt, Pool
from ownership_core.service.desk import Desk
from ownership_core.service.firing import has_rules
from ownership_core.service.inventory import still_receives
from ownership_core.service.keeping import kept_until
from ownership_core.service.refusals import refuse, refuse_row, sentence
from ownership_core.service.rulebook import change_rules
from ownership_core.service.switching import conflicts, moved_on
from ownership_core.service.tenure import moved_early, settled_before
from ownership_core.service.undoing import undone_runs
from ownership_core.service.unplaced import RULE_ERROR, unasked
from ownership_core.simplify import simplify
from ownership_core.wire import command_to_wire, recorded

_TRIES = 3


@frozen
class Piece:
    """A part of a stored plan: so many customers in id order, those after ``after``."""

    after: CustomerId | None
    limit: int


@frozen
class Source:
    """Where the expectations of an applied plan come from: a stored plan or a file.

    ``others`` counts the customers the plan selected and would not have changed, ``refused`` those of them it
    could not have.
    """

    others: int
    refused: int = 0
    plan: str | None = None
    file: PlanFile | None = None
    piece: Piece | None = None


@frozen
class Planned:
    """A run that waits, and what whoever applies it should know before."""

    run: Run
    warnings: tuple[Problem, ...] = ()


@frozen
class Writing:
    """One command on its way through one transaction, for one actor.

    ``heard`` is told of runs that follow from it and are not its own.
    """

    desk: Desk
    writer: Writer
    actor: Actor
    heard: Callable[[str], None] = lambda _: None
    at: int = attrs.field(init=False)
    """The moment that what the asker may do is judged by, however often it is decided again."""

    @at.default
    def _now(self) -> int:
        return self.desk.now()

    def execute(self, command: Command, strict: bool = False) -> Receipt:
        """Decide and write. ``strict`` refuses all when any customer is refused."""
        match command:
            case CreateCustomer():
                return create(self.desk, self.writer, self.actor, command, strict)
            case Cover() | EndCover():
                return covers.change(self.desk, self.writer, self.actor, command)
            case ChangeStaff() | ChangeDepartment() | GrantAccess():
                return people.change(self.desk, self.writer, self.actor, command)
            case ChangeRules():
                return change_rules(self.desk, self.writer, self.actor, command)
            case SwitchCardinality():
                return self._switch(command, None)
            case _:
                return self._on_customers(command, strict, None)

    def apply(self, command: DraftedCommand, source: Source, strict: bool) -> Receipt:
        """Write what both a plan and a new decision contain."""
        if isinstance(command, SwitchCardinality):
            return self._switch(command, source)
        return self._on_customers(command, strict, source)

    def plan(self, command: DraftedCommand) -> Planned:
        """Decide and draft, and write nothing but the plan."""
        if isinstance(command, SwitchCardinality):
            self._ruling(command)  # to what nobody offers nobody can be drafted
        drafted = self._drafted(command, None)
        return Planned(self._run(command, drafted.draft, drafted.tally, RunState.PLANNED), drafted.warnings)

    def _on_customers(self, command: CustomerCommand | MovingCommand, strict: bool, source: Source | None) -> Receipt:
        return self._carried_out(command, self._drafted(command, source), strict, source)

    def _carried_out(
        self, command: CustomerCommand | MovingCommand, done: _Drafted, strict: bool, source: Source | None
    ) -> Receipt:
        draft, tally, what = done.draft, done.tally, what_of(command)
        row = self._single_row(command, draft.run)
        if source is None and row is not None and tally.refused:
            raise refuse_row(row, self.actor, done.warnings)
        whole = not tally.total or not _is_piece(source)  # who is left behind is counted after the last part
        new_matches = 0 if isinstance(command, Rebalance) else self._new_matches(draft, tally, source)
        beside = self._beside(command, draft, whole)
        if strict:
            self._require_all(command, tally, new_matches, 0 if source is None else source.refused, beside)
        run = _as_piece(self._run(command, draft, tally, RunState.APPLIED), source, done.reached)
        said = Receipt(None, what, tally, warnings=(*done.warnings, *beside.left), new_matches=new_matches)
        said = attrs.evolve(said, rules=_ids(beside.rules), covers=_ids(beside.covers))
        if not tally.changed and not beside.changes and whole:
            self._forget(run, done.warnings)
            return attrs.evolve(said, version=row.version if row is not None and tally.unchanged else None)
        self.writer.write(run, draft, done.changes.names)
        self._write_customers(command, run, done.changes)
        write_beside(self.writer, run, beside)
        self.writer.save_run(_saying(run, done.warnings))
        if tally.changed:  # rotations go on from whoever was last
            for name, staff in sorted(done.pointers.items()):
                self.writer.save_rotation(name, staff)
        if getattr(command, "notify", False) and not _is_piece(source):
            self.writer.notify(run.id)
        fired = self._fire(command) if isinstance(command, ChangeCustomer) else ()
        version = None if row is None else row.version + 1
        return attrs.evolve(said, run=run.id, version=version, warnings=(*said.warnings, *fired))

    def _fire(self, command: ChangeCustomer) -> tuple[Problem, ...]:
        """Rules that are asked about changes are, by themselves and not by whoever changed (F13).

        Whoever changed is told what is wrong with a rule, and why nobody gets a customer that one held of (H07).
        """
        if not has_rules(self.desk, self.writer, Occasion.CHANGED):
            return ()
        rules = attrs.evolve(self, actor=Actor.system("rules", Occasion.CHANGED))
        fired = rules.asked(Sweep([command.customer], occasion=Occasion.CHANGED))
        if fired.run is not None:
            self.heard(fired.run)
        return tuple(attrs.evolve(one, where=one.where or f"customer {command.customer}") for one in fired.warnings)

    def asked(self, command: Sweep) -> Receipt:
        """As :meth:`execute`, by the rules; it warns of those too who were dealt a customer and may not have it."""
        drafted = self._drafted(command, None)
        receipt = self._carried_out(command, drafted, strict=False, source=None)
        unfit = (Problem(code, *sentence(code)) for code in drafted.unfit)
        return attrs.evolve(receipt, warnings=(*receipt.warnings, *unfit))

    def _forget(self, run: Run, warnings: tuple[Problem, ...]) -> None:
        """A run that changed nothing is forgotten, but for one that met a rule it could not ask (H07)."""
        if RULE_ERROR in run.tally.codes:
            self.writer.save_run(_saying(run, warnings))
        else:
            self.writer.discard(run.id)

    def _require_all(self, command: Command, tally: Tally, new_matches: int, left: int, beside: Beside) -> None:
        """Nothing is refused or stale, was not in the plan either, and whoever leaves keeps nobody (D02, D08)."""
        problems = [_strict(tally)] if tally.refused or tally.stale else []
        if left:
            what = f"The plan leaves {left} customers out, as refused."
            problems.append(Problem("strict_refused", what, "Say who gets them, or apply it without strict."))
        if new_matches and isinstance(command, Offboard):
            what = f"{new_matches} customers came to {command.staff!r} since the plan was made."
            problems.append(Problem("strict_refused", what, "Make the plan again."))
        problems += [attrs.evolve(one, code="strict_refused") for one in beside.left]
        if problems:
            raise refuse(problems, self.actor)

    def beside(self, command: DraftedCommand, at: int, *, counted: bool = True) -> Beside:
        """What a command that may be carried out changes beside customers at a moment, and whom it leaves."""
        return beside_of(self.writer, self.desk.counsel, self.actor, command, at, counted=counted)

    def _beside(self, command: CustomerCommand | MovingCommand, draft: Draft, counted: bool) -> Beside:
        """The same, to be carried out: whoever comes back to a rule or a cover stays as it is until then."""
        found = self.beside(command, draft.at, counted=counted)
        if isinstance(command, Revert) and found.changes:
            self.writer.lock_staff(named_beside(found), changing=True)
            found = self.beside(command, draft.at, counted=counted)
        return found

    def _switch(self, command: SwitchCardinality, source: Source | None) -> Receipt:
        """All or nothing. Whoever may not is told so before everything is held."""
        self._ruling(command)
        now = self.desk.counsel.cardinality.name
        self.writer.lock_cardinality(now)
        if command.to == now:
            return Receipt(None, what_of(command))
        drafted = self._drafted(command, None)
        draft, tally = drafted.draft, drafted.tally
        if tally.refused:
            raise Refused(*conflicts(command, tally, self.writer.plan_rows(draft.run)), who=self.actor.id)
        if source is not None:
            self._require_as_planned(command, source, tally)
        run = self._run(command, draft, tally, RunState.APPLIED)
        self.writer.write(run, draft)
        self.writer.switch_cardinality(command.to)
        self.writer.save_run(run)
        if command.notify:
            self.writer.notify(run.id)
        return Receipt(run.id, run.what, tally)

    def _require_as_planned(self, command: SwitchCardinality, source: Source, tally: Tally) -> None:
        """The plan holds every customer that would change now, and each would change as it says."""
        drafted = self._drafted(command, source)
        again, planned = drafted.tally, drafted.draft.run
        if again.refused or again.stale or again.changed != tally.changed:
            raise Refused(*moved_on(tally, again, self.writer.plan_rows(planned)), who=self.actor.id)
        self.writer.discard(planned)

    def _drafted(self, command: DraftedCommand, source: Source | None) -> _Drafted:
        run, undoes = self.desk.new_run(), self._undoes(command)
        dealing = self._dealing(command)
        selection = self._selection(command, dealing)
        reached = None if source is None else self._expect(run, source, deals=dealing is not None)
        listed = source is not None or bool(undoes)
        hold = (
            (lambda _: self.writer.lock_listed(run, undoes))
            if listed
            else (lambda visible: self.writer.lock_customers(selection, visible))
        )
        ruling = self._settled(command, hold, dealing)
        changes = self._changes(command)
        if isinstance(command, ChangeCustomer):
            ruling = attrs.evolve(ruling, effect=attrs.evolve(ruling.effect, touch=bool(changes.names)))
        draft = Draft(
            run=run,
            selection=selection,
            visible=ruling.visible,
            requirements=ruling.requirements,
            effect=ruling.effect,
            at=self.desk.now(),
            expected_version=getattr(command, "expected_version", None),
            from_plan=source is not None,
            cardinality=self.desk.counsel.cardinality.name,
            keep_view_until=kept_until(command, self.desk.settings, self.at, self.actor),
            undoes=undoes,
            sources=None if source is None or dealing is None else dealing.sources(),
        )
        dealt = Dealt({}, ())
        if ruling.effect.add is PLACED or ruling.effect.undoes:
            draft, dealt = self._dealt(command, draft, ruling, dealing)
        tally = self.writer.draft(draft)
        pointers = dealt.pointers
        if draft.from_plan and dealing is not None and tally.changed:
            tally, pointers = dealing.replayed(draft, tally)
        warnings = (*dealt.warnings, *self._moved_early(command, run, source), *self._staying(command))
        return _Drafted(draft, tally, changes, pointers, warnings, reached)

    def _dealt(
        self, command: DraftedCommand, draft: Draft, ruling: Ruling, dealing: Dealing | None
    ) -> tuple[Draft, Dealt]:
        """Whom each customer goes to, and what is demanded of those who gain and lose."""
        dealt = Dealt({}, ())
        if dealing is not None and ruling.effect.add is PLACED and not draft.from_plan:
            dealt = dealing.deal(draft, ruling)
            draft = attrs.evolve(draft, unplaced=dealt.codes, only_placed=isinstance(command, Rebalance))
        elif dealing is not None and dealing.bounded():
            draft = attrs.evolve(draft, unplaced=(NO_CAPACITY,))
        gains, loses = self.writer.parties(draft)
        me = people_of(command, self.actor)
        self.writer.lock_staff(gains | loses)
        accesses = self.writer.access(gains | loses | me)
        asking = self.desk.counsel.asking(command, self.actor, accesses.get(StaffId(self.actor.id)), self.at)
        demands = demands_on(sorted(gains), sorted(loses), asking, self.desk.counsel.targets(accesses))
        limits = asking.cardinality.limits if ruling.effect.undoes else ()
        return attrs.evolve(draft, demands=demands, limits=limits, limit_code=room_code(asking)), dealt

    def _undoes(self, command: DraftedCommand) -> tuple[str, ...]:
        if not isinstance(command, Revert):
            return ()
        self._ruling(command)  # whoever may not is told so before any run is looked up
        return undone_runs(self.writer, self.actor, command)

    def _selection(self, command: DraftedCommand, dealing: Dealing | None) -> Selection:
        if isinstance(command, SwitchCardinality):
            counsel = self.desk.counsel
            same = command.to == counsel.cardinality.name
            return Matching(Nothing() if same else simplify(concerned(counsel.cardinalities[command.to])))
        return selection_of(command) if dealing is None else dealing.selection()

    def _settled(self, command: DraftedCommand, hold: Callable[[Scope], None], dealing: Dealing | None) -> Ruling:
        """The ruling under lock: customers first, staff second, then everything is decided again (I7, I26)."""
        ruling = self._ruling(command)
        if self.writer.alone:
            hold(ruling.visible)
            return ruling
        for _ in range(_TRIES):
            hold(ruling.visible)
            pool = Pool() if dealing is None else dealing.pool()
            self.writer.lock_staff(people_of(command, self.actor) | pool.staff, changing=pool.alone)
            again = self._ruling(command)
            if again == ruling:
                return ruling
            ruling = again
        hint = "Try again."
        raise Conflict(Problem("access_changed", "Access changed while this was decided.", hint), who=self.actor.id)

    def _dealing(self, command: DraftedCommand) -> Dealing | None:
        if isinstance(command, Transfer | Offboard | Rebalance | Sweep):
            return Dealing(self.desk, self.writer, command)
        return None

    def _ruling(self, command: DraftedCommand) -> Ruling:
        accesses = self.writer.access(people_of(command, self.actor))
        access = accesses.get(self.actor.id)  # type: ignore[call-overload]
        asking = self.desk.counsel.asking(command, self.actor, access, self.at)
        asking = attrs.evolve(asking, settled_before=settled_before(self.desk.settings, self.desk.now()))
        ruling = decide(command, asking, self.desk.counsel.targets(accesses))
        if ruling.refusals:
            raise refuse(ruling.refusals, self.actor)
        return attrs.evolve(
            ruling,
            visible=simplify(ruling.visible),
            requirements=tuple(attrs.evolve(r, scope=simplify(r.scope)) for r in ruling.requirements),
        )

    def _moved_early(self, command: DraftedCommand, run: str, source: Source | None) -> tuple[Problem, ...]:
        """Told of a plan in parts once, of all of it and by its first: whom a part moved has a new assignment."""
        if source is not None and source.piece is not None:
            if source.piece.after is not None:
                return ()
            run = str(source.plan)
        return moved_early(self.writer, run, command, self.desk.settings, self.desk.now())

    def _staying(self, command: DraftedCommand) -> tuple[Problem, ...]:
        """Where whoever hands everything over goes on getting new customers."""
        if not isinstance(command, Offboard):
            return ()
        return still_receives(self.writer, self.desk.counsel, command.staff, self.desk.now())

    def _expect(self, run: str, source: Source, *, deals: bool) -> CustomerId | None:
        """Load what the plan expects; of a part of it, the last customer. Which rule chose no file is believed."""
        if source.piece is not None:
            return self.writer.expect_plan(run, str(source.plan), source.piece.after, source.piece.limit)
        if source.plan is not None:
            self.writer.expect_plan(run, source.plan)
        elif source.file is not None:
            self.writer.expect(run, source.file.rows, source.file.run if deals else "")
        return None

    def _new_matches(self, draft: Draft, tally: Tally, source: Source | None) -> int:
        """Whoever is selected now and was not in the plan; of one in parts when nobody is left (C03)."""
        if source is None or draft.undoes or not isinstance(draft.selection, Matching):
            return 0
        if source.piece is not None and tally.total:
            return 0
        now = Query(simplify(AllOf((draft.selection.scope, draft.visible))))
        still = tally.still_selected
        if source.piece is not None:  # some are selected no more, since they were moved
            still = self.writer.count_changed(str(source.plan), now)
        return max(0, self.writer.count(now) - still - source.others)

    def _single_row(self, command: CustomerCommand | MovingCommand, run: str) -> PlanRow | None:
        if not isinstance(selection_of(command), One):
            return None
        return next(iter(self.writer.plan_rows(run)), None)

    def _changes(self, command: DraftedCommand) -> _Changes:
        if not isinstance(command, ChangeCustomer):
            return _Changes()
        values, sets = self.desk.edge.changes(command)
        found = self.writer.customers([command.customer])
        if not found:
            return _Changes()
        return _changes(found[0], values, sets)

    def _write_customers(self, command: CustomerCommand | MovingCommand, run: Run, changes: _Changes) -> None:
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


def _saying(run: Run, warnings: tuple[Problem, ...]) -> Run:
    """The run with the rules it could not ask as its reason, where those were in its way and it has none."""
    if run.reason is not None or RULE_ERROR not in run.tally.codes:
        return run
    return attrs.evolve(run, reason=unasked(warnings))


def _ids(found: Iterable[Rule] | Iterable[CoverRow]) -> tuple[str, ...]:
    return tuple(one.id for one in found)


def _is_piece(source: Source | None) -> bool:
    return source is not None and source.piece is not None


def _as_piece(run: Run, source: Source | None, reached: CustomerId | None) -> Run:
    """A run that says of which plan it applied a part, and how far."""
    if source is None or source.piece is None:
        return run
    return attrs.evolve(run, part_of=source.plan, reached=reached)


@frozen
class _Drafted:
    """A draft and what it came to; ``reached`` is the last customer of a part of a plan."""

    draft: Draft
    tally: Tally
    changes: _Changes
    pointers: Mapping[str, StaffId]
    warnings: tuple[Problem, ...] = ()
    reached: CustomerId | None = None

    @property
    def unfit(self) -> list[str]:
        """The codes of those who were dealt a customer and may not have it; not what is demanded before dealing."""
        before = {NOT_FOUND, *(one.code for one in self.draft.requirements), *self.draft.unplaced}
        return [code for code in self.tally.codes if code not in before]


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


def _strict(tally: Tally) -> Problem:
    codes = ", ".join(f"{code}: {count}" for code, count in sorted(tally.codes.items()))
    what = f"{tally.refused + tally.stale} of {tally.total} customers were refused or stale ({codes})."
    return Problem("strict_refused", what, "Look at the plan, or apply without strict.")
