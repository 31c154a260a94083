"""Questions about single customers: check, why, why not, who can, history. Hidden and missing answer alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
from attrs import frozen

from ownership_core.access import STAFF_INACTIVE, reaches_staff, standing_in
from ownership_core.commands import Command, CustomerCommand, Offboard, One, Revert, selection_of
from ownership_core.decide import Targets, decide
from ownership_core.decide.asking import holder_problems, not_permitted, unknown_staff
from ownership_core.distribute import questions
from ownership_core.errors import Refused, invalid
from ownership_core.evaluate import Answer, holds
from ownership_core.events import Event, Subject
from ownership_core.explain import Check, Explanation, Speaker, problem_check
from ownership_core.model import Access, Action, Actor, CoverRow, Customer, CustomerId, StaffId
from ownership_core.ports import Query, Reader, Run, Store
from ownership_core.rules import Occasion, Rule, Standing, as_distribution, due, in_order, unaskable, which
from ownership_core.ruling import NOT_FOUND, Policy
from ownership_core.scope import Everything, Nothing, OneOf, Wildcard
from ownership_core.service.beside import Beside, beside_of
from ownership_core.service.counsel import Counsel, people_of
from ownership_core.service.inventory import Inventory, inventory_of
from ownership_core.service.reading import Sight
from ownership_core.service.refusals import problem, unknown_run
from ownership_core.settings import Settings


@frozen
class Inquiry:
    """What one actor asks at one moment (UTC microseconds)."""

    store: Store
    counsel: Counsel
    actor: Actor
    settings: Settings
    now: int

    def check(self, action: str, ids: Sequence[CustomerId]) -> frozenset[CustomerId]:
        """Those of ``ids`` the actor may do ``action`` to: one statement, one more for the snapshot."""
        with self.store.reader() as reader:
            return self._checked(reader, action, ids)

    def check_related(self, kind: str, action: str, records: Sequence[str]) -> frozenset[str]:
        """Those of ``records`` whose customer may be reached; records without one are hidden."""
        owner = self.counsel.customers_of(self.counsel.related(kind), records)
        allowed = self.check(action, tuple(dict.fromkeys(owner.values())))
        return frozenset(record for record in records if owner.get(record) in allowed)

    def why(self, customer: CustomerId, staff: StaffId, action: str) -> Explanation:
        """Every part of the policy of ``staff`` for ``action``, decided for one customer."""
        with self.store.reader() as reader:
            found = self._explained(reader, customer)
            access = reader.access([staff]).get(staff)
            covered = {} if access is None else standing_in(access, action, self.now)
            speaker = attrs.evolve(self._speaker(reader, found, [staff, *covered], staff), covered=covered)
        policy = self.counsel.policy(Actor.staff(staff), access, action, self.now)
        question = f"May {speaker.name(staff)} {action} {found.name}?"
        return _explanation(question, speaker, policy, access)

    def why_cannot(self, command: Command) -> Explanation:
        """Every condition of ``command``, decided for its one customer by the code that executes it."""
        if not isinstance(command, CustomerCommand) or not isinstance(selection := selection_of(command), One):
            raise invalid("invalid_command", "Why is asked about one customer.", "Name a single id.")
        with self.store.reader() as reader:
            found = self._explained(reader, selection.id)
            accesses = reader.access(people_of(command, self.actor))
            speaker = self._speaker(reader, found, accesses, _named(command, self.actor))
        asking = self.counsel.asking(command, self.actor, accesses.get(StaffId(self.actor.id)), self.now)
        ruling = decide(command, asking, self.counsel.targets(accesses))
        exists = Check("customer_exists", Answer.YES, f"{found.name} exists.")
        active = [
            Check(STAFF_INACTIVE, Answer.YES, f"{speaker.name(staff)} is active.")
            for staff, access in sorted(accesses.items())
            if access.active and staff != self.actor.id
        ]
        checks = (exists, *active, *map(problem_check, ruling.refusals), *map(speaker.check, ruling.requirements))
        verb = type(command).__name__
        allowed = all(check.answer is Answer.YES for check in checks)
        return Explanation(f"Can {found.name} be changed by {verb}?", allowed, checks)

    def who_can(self, customer: CustomerId, action: str) -> list[StaffId]:
        """All staff whose policy for ``action`` holds of the customer."""
        with self.store.reader() as reader:
            found = self._explained(reader, customer)
            everybody = reader.access(None)
        return sorted(
            staff
            for staff, access in everybody.items()
            if holds(self.counsel.policy(Actor.staff(staff), access, action, self.now).scope, found, self.store.fields)
        )

    def covers(self) -> list[CoverRow]:
        """The covers of whoever the right to ``assign`` reaches on both sides, and the asker's own."""
        me = StaffId(self.actor.id)
        with self.store.reader() as reader:
            access = Sight(reader, self.counsel, self.actor, self.now).access()
            found, works = reader.covers(), {one.id: one.departments for one in reader.staff()}
        if self.counsel.policy(self.actor, access, Action.ASSIGN, self.now).scope == Everything():
            return found
        if access is None or not access.active:
            return []
        level = access.level(Action.ASSIGN)

        def reached(staff: StaffId) -> bool:
            return reaches_staff(access, level, staff, works.get(staff, frozenset()))

        return [one for one in found if me in (one.staff, one.by) or (reached(one.staff) and reached(one.by))]

    def history(self, customer: CustomerId) -> list[Event]:
        """The events of a customer; of one that is gone only for whoever may view everything."""
        with self.store.reader() as reader:
            if not self._checked(reader, Action.VIEW, [customer]) and not self._may_read_gone(reader, customer):
                raise _not_found(customer, self.actor)
            events = list(reader.events(Subject.CUSTOMER, customer))
        if not events:
            raise _not_found(customer, self.actor)
        return events

    def runs(self, limit: int) -> list[Run]:
        """The newest runs: all of them for whoever may explain every customer, else one's own."""
        with self.store.reader() as reader:
            if self._explains_everything(reader):
                return reader.runs(limit)
            return reader.runs(limit, self.actor)

    def run(self, run: str) -> Run:
        """One of those; ``unknown_run`` for one that is not there and for somebody else's."""
        with self.store.reader() as reader:
            everybodys = self._explains_everything(
                reader
            )  # asked in any case: a missing run costs what a hidden one does
            found = reader.run(run)
            if found is None or not (everybodys or found.actor == self.actor):
                raise Refused(unknown_run(run), who=self.actor.id)
            return found

    def rules(self) -> list[Rule]:
        """All rules in order, those of plugins too; ``not_permitted`` without any right to explain."""
        with self.store.reader() as reader:
            self._require_explain(reader)
            return list(in_order([*reader.rules(), *self.counsel.rules()]))

    def why_rule(self, customer: CustomerId, occasion: Occasion) -> list[tuple[Rule, Standing]]:
        """What becomes of each rule that is due for one customer the asker may explain."""
        with self.store.reader() as reader:
            self._explained(reader, customer)
            rules = due([*reader.rules(), *self.counsel.rules()], occasion, self.now)
            broken = unaskable(rules, self.store.fields, self.store.capabilities.staff_key)
            asked = questions(as_distribution(rules, broken))
            [marked] = reader.marks(Query(OneOf("id", [customer])), asked.scopes, asked.fields, None, 1)
        return which(rules, marked, broken)

    def inventory(self, staff: StaffId) -> Inventory:
        """What a staff holds; ``unknown_staff``, and ``target_out_of_reach`` where the right to assign ends."""
        with self.store.reader() as reader:
            targets = self._required(reader, Offboard(staff))
            if staff not in targets and not reader.staff([staff]):
                raise Refused(unknown_staff(staff), who=self.actor.id)
            return inventory_of(reader, self.counsel, staff, self.now)

    def beside(self, command: Command) -> Beside:
        """What a command would do beside customers, for whoever may carry it out."""
        if not isinstance(command, Offboard | Revert):
            return Beside()
        with self.store.reader() as reader:
            self._required(reader, command)
            return beside_of(reader, self.counsel, self.actor, command, self.now)

    def _required(self, reader: Reader, command: Offboard | Revert) -> Targets:
        """Those it names, where the asker may do this, and reaches whom it would send away."""
        accesses = reader.access(people_of(command, self.actor))
        asking = self.counsel.asking(command, self.actor, accesses.get(StaffId(self.actor.id)), self.now)
        targets = self.counsel.targets(accesses)
        problems = asking.common_refusals()
        if not problems and isinstance(command, Offboard):
            problems = holder_problems(command.staff, asking, targets)
        if problems:
            raise Refused(*problems, who=self.actor.id)
        return targets

    def _explains_everything(self, reader: Reader) -> bool:
        sight = Sight(reader, self.counsel, self.actor, self.now)
        return sight.query(sight.access(), (Action.EXPLAIN,), Everything()).scope == Everything()

    def _require_explain(self, reader: Reader) -> None:
        sight = Sight(reader, self.counsel, self.actor, self.now)
        if sight.query(sight.access(), (Action.EXPLAIN,), Everything()).scope == Nothing():
            raise Refused(not_permitted(self.actor, Action.EXPLAIN), who=self.actor.id)

    def _may_read_gone(self, reader: Reader, customer: CustomerId) -> bool:
        sight = Sight(reader, self.counsel, self.actor, self.now)
        unbounded = sight.query(sight.access(), (Action.VIEW,), Everything()).scope == Everything()
        return unbounded and not reader.customers([customer])

    def _checked(self, reader: Reader, action: str, ids: Sequence[CustomerId]) -> frozenset[CustomerId]:
        def ask(query: Query) -> frozenset[CustomerId]:
            return reader.check(query, ids)

        nobody: frozenset[CustomerId] = frozenset()
        return Sight(reader, self.counsel, self.actor, self.now).guarded((action,), Everything(), ask, nobody)

    def _explained(self, reader: Reader, customer: CustomerId) -> Customer:
        """The customer, where the asker's right to explain reaches it; else as if there were none."""
        if self._checked(reader, Action.EXPLAIN, [customer]):
            found = reader.customers([customer])
            if found:
                return found[0]
        raise _not_found(customer, self.actor)

    def _speaker(self, reader: Reader, customer: Customer, staff: Iterable[StaffId], subject: StaffId) -> Speaker:
        named = {*staff, *(assignment.staff for assignment in customer.assignments), *customer.shares}
        labels = {one.id: one.label for one in reader.staff(named)}
        return Speaker(customer, self.store.fields, labels, subject)


def _explanation(question: str, speaker: Speaker, policy: Policy, access: Access | None) -> Explanation:
    if access is None:
        check = Check(policy.parts[0].code, Answer.NO, "There is no such staff.")
        return Explanation(question, False, (check,))
    checks = tuple(speaker.check(part) for part in policy.parts)
    return Explanation(question, all(check.answer is Answer.YES for check in checks), checks)


def _not_found(customer: CustomerId, actor: Actor) -> Refused:
    return Refused(problem(NOT_FOUND, customer), who=actor.id)


def _named(command: CustomerCommand, actor: Actor) -> StaffId:
    """The staff whose fitness a command is about: the one it names, else the asker."""
    staff = getattr(command, "staff", None)
    return StaffId(actor.id) if staff is None or isinstance(staff, Wildcard) else StaffId(staff)
