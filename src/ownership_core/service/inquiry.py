"""Questions about single customers: check, why, why not, who can, history. Hidden and missing answer alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen

from ownership_core.access import STAFF_INACTIVE
from ownership_core.commands import CustomerCommand, One, selection_of
from ownership_core.decide import decide
from ownership_core.errors import Refused, invalid
from ownership_core.evaluate import Answer, holds
from ownership_core.events import Event, Subject
from ownership_core.explain import Check, Explanation, Speaker, problem_check
from ownership_core.model import Access, Action, Actor, Customer, CustomerId, StaffId
from ownership_core.ports import Query, Reader, Store
from ownership_core.ruling import NOT_FOUND, Policy
from ownership_core.scope import Everything, Wildcard
from ownership_core.service.counsel import Counsel, people_of
from ownership_core.service.reading import Sight
from ownership_core.service.refusals import problem
from ownership_core.settings import Settings


@frozen
class Inquiry:
    """What one actor asks."""

    store: Store
    counsel: Counsel
    actor: Actor
    settings: Settings

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
            speaker = self._speaker(reader, found, [staff], staff)
            access = reader.access([staff]).get(staff)
        policy = self.counsel.policy(Actor.staff(staff), access, action)
        question = f"May {speaker.name(staff)} {action} {found.name}?"
        return _explanation(question, speaker, policy, access)

    def why_cannot(self, command: CustomerCommand) -> Explanation:
        """Every condition of ``command``, decided for its one customer by the code that executes it."""
        selection = selection_of(command)
        if not isinstance(selection, One):
            raise invalid("invalid_command", "Why is asked about one customer.", "Name a single id.")
        with self.store.reader() as reader:
            found = self._explained(reader, selection.id)
            accesses = reader.access(people_of(command, self.actor))
            speaker = self._speaker(reader, found, accesses, _named(command, self.actor))
        asking = self.counsel.asking(command, self.actor, accesses.get(StaffId(self.actor.id)))
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
            if holds(self.counsel.policy(Actor.staff(staff), access, action).scope, found, self.store.fields)
        )

    def history(self, customer: CustomerId) -> list[Event]:
        """The events of a customer; of one that is gone only for whoever may view everything."""
        with self.store.reader() as reader:
            if not self._checked(reader, Action.VIEW, [customer]) and not self._may_read_gone(reader, customer):
                raise _not_found(customer, self.actor)
            events = list(reader.events(Subject.CUSTOMER, customer))
        if not events:
            raise _not_found(customer, self.actor)
        return events

    def _may_read_gone(self, reader: Reader, customer: CustomerId) -> bool:
        sight = Sight(reader, self.counsel, self.actor)
        unbounded = sight.query(sight.access(), (Action.VIEW,), Everything()).scope == Everything()
        return unbounded and not reader.customers([customer])

    def _checked(self, reader: Reader, action: str, ids: Sequence[CustomerId]) -> frozenset[CustomerId]:
        def ask(query: Query) -> frozenset[CustomerId]:
            return reader.check(query, ids)

        nobody: frozenset[CustomerId] = frozenset()
        return Sight(reader, self.counsel, self.actor).guarded((action,), Everything(), ask, nobody)

    def _explained(self, reader: Reader, customer: CustomerId) -> Customer:
        """The customer, where the asker's right to explain reaches it; else as if there were none."""
        if self._checked(reader, Action.EXPLAIN, [customer]):
            found = reader.customers([customer])
            if found:
                return found[0]
        raise _not_found(customer, self.actor)

    def _speaker(self, reader: Reader, customer: Customer, staff: Iterable[StaffId], subject: StaffId) -> Speaker:
        named = {*staff, *(assignment.staff for assignment in customer.assignments)}
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
