"""The use cases of one asker, for one request: its access is read once, and what was answered is remembered.

Every statement still carries the guard of the access it rests on. Where the access has changed meanwhile the answer
is empty, never a yes, and the access is read anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from attrs import field as attribute
from attrs import frozen
from django.db.models import Model, QuerySet

from ownership_core.commands import Command, CustomerCommand
from ownership_core.errors import invalid
from ownership_core.events import Event
from ownership_core.explain import Explanation
from ownership_core.keys import KeyType
from ownership_core.model import Access, Action, Actor, ActorKind, CustomerId, StaffId
from ownership_core.plan import PlanFile, Receipt
from ownership_core.ports import Query
from ownership_core.scope import Everything, Nothing
from ownership_core.service import Ownership, Plan
from ownership_core.service.reading import Sight, Visible, access_changed
from ownership_django import conf, hosts
from ownership_django.actors import Asker, entering
from ownership_django.guard import guarded
from ownership_django.probe import Probe, kept_probe, probe
from ownership_django.query import condition
from ownership_django.sentence import sentence
from ownership_django.service import ownership, superusers
from ownership_django.values import LARGEST

_M = TypeVar("_M", bound=Model)
_TRIES = 3
_AT_MOST = 2_000
"""Of how many askers and actions it is kept what the plugins said of them."""

_NOBODY: frozenset[CustomerId] = frozenset()


@frozen
class _RememberingSight(Sight):
    """A sight whose access was read before; it is read again only where an answer came out empty."""

    asker: Asker
    seen: list[Access | None] = attribute(factory=list)
    asked: list[bool] = attribute(factory=list)

    def access(self) -> Access | None:
        """What is remembered the first time, the present after that."""
        if self.seen and not self.asked:
            self.asked.append(True)
        else:
            self.seen[:] = [self.asker.access(self.reader) if self.actor.kind is ActorKind.STAFF else None]
        return self.seen[0]


class BoundOwnership:
    """What one asker may do. Made by :func:`~ownership_django.requests.get_ownership`; lasts as long as a request."""

    def __init__(self, asker: Asker, seen: Sequence[Access | None] = ()) -> None:
        self.actor: Actor = asker.actor
        self._asker = asker
        self.service: Ownership = superusers() if asker.superuser else ownership()
        self._stranger, self._superuser = asker.stranger, asker.superuser
        self._seen: list[Access | None] = []
        self._probes: dict[str, Probe] = {}
        self._answers: dict[tuple[str, str], bool] = {}
        self.forget()
        self._seen += seen

    # --- reading

    def visible_to(self, queryset: QuerySet[_M], action: str = Action.VIEW) -> QuerySet[_M]:
        """``queryset`` without the customers the asker may not do ``action`` to. See :func:`.managers.visible_to`."""
        check_model(queryset.model)
        query, lasts = self._query(str(action))
        return queryset.none() if query.scope == Nothing() else narrowed(queryset, query, lasts=lasts)

    def visible(self, action: str = Action.VIEW) -> Visible:
        """The customers as the core lists them: filter, sort, page, count, export."""
        return self.service.visible(self.actor, action)

    def allows(self, action: str, customer: object) -> bool:
        """Whether the asker may do ``action`` to a customer, given as a row or by its id."""
        return bool(self.check(action, [customer]))

    def check(self, action: str, customers: Iterable[object]) -> frozenset[CustomerId]:
        """The ids of those the asker may do ``action`` to; those not asked about before cost one statement."""
        ids = self.service.edge.customer_ids([id_of(customer) for customer in customers])
        unknown = [id for id in ids if (str(action), id) not in self._answers]
        if unknown:
            allowed = self._asked(str(action), unknown)
            self._answers.update(((str(action), id), id in allowed) for id in unknown)
        return frozenset(id for id in ids if self._answers[str(action), id])

    def allows_now(self, action: str, customer: object) -> bool:
        """The same for one, asked anew whatever was answered before."""
        return self._probed(str(action), self._key_of(customer))

    def is_known(self) -> bool:
        """Whether the asker is somebody: active staff, or a superuser."""
        if self._superuser:
            return True
        access = self._access()
        return access is not None and access.active

    def why(self, staff: str, action: str, customer: object) -> Explanation:
        """Why ``staff`` may or may not do ``action`` to a customer; needs the right ``explain``."""
        return self.service.why(self.actor, staff, action, id_of(customer))

    def why_cannot(self, command: CustomerCommand) -> Explanation:
        """Every condition of a command about one customer, met or not."""
        return self.service.why_cannot(self.actor, command)

    def who_can(self, action: str, customer: object) -> list[StaffId]:
        """All staff who may do ``action`` to a customer; needs the right ``explain``."""
        return self.service.who_can(self.actor, action, id_of(customer))

    def history(self, customer: object) -> list[Event]:
        """The events of a customer the asker may view."""
        return self.service.history(self.actor, id_of(customer))

    # --- changing: what was remembered may be true no longer

    def execute(self, command: Command, *, key: str | None = None, strict: bool = False) -> Receipt:
        """Decide and write one command; see :meth:`Ownership.execute`."""
        self.forget()
        return self.service.execute(command, self.actor, key=key, strict=strict)

    def plan(self, command: Command) -> Plan:
        """What a command would do now."""
        return self.service.plan(command, self.actor)

    def apply(self, plan: str | PlanFile, *, key: str | None = None, strict: bool = False) -> Receipt:
        """Apply a plan; see :meth:`Ownership.apply`."""
        self.forget()
        return self.service.apply(plan, self.actor, key=key, strict=strict)

    def forget(self) -> None:
        """Ask everything anew."""
        self.forget_access()
        self._answers.clear()

    def forget_access(self) -> None:
        """Read the access anew. Of a stranger there is none, and no statement is needed to find that out."""
        self._seen[:] = [None] if self._stranger else []
        self._probes.clear()

    # --- the same in asynchronous views

    async def avisible_to(self, queryset: QuerySet[_M], action: str = Action.VIEW) -> QuerySet[_M]:
        """:meth:`visible_to`, awaited; the queryset it gives is read with ``async for`` as usual."""
        return await sync_to_async(self.visible_to)(queryset, action)

    async def aallows(self, action: str, customer: object) -> bool:
        """:meth:`allows`, awaited."""
        return await sync_to_async(self.allows)(action, customer)

    async def acheck(self, action: str, customers: Iterable[object]) -> frozenset[CustomerId]:
        """:meth:`check`, awaited."""
        return await sync_to_async(self.check)(action, customers)

    async def aexecute(self, command: Command, *, key: str | None = None, strict: bool = False) -> Receipt:
        """:meth:`execute`, awaited."""
        return await sync_to_async(self.execute)(command, key=key, strict=strict)

    def _asked(self, action: str, ids: Sequence[CustomerId]) -> frozenset[CustomerId]:
        if len(ids) == 1:
            return frozenset(ids) if self._probed(action, hosts.customers().value(ids[0])) else _NOBODY
        with self.service.store.reader() as reader:
            return self._sight(reader).guarded((action,), Everything(), lambda query: reader.check(query, ids), _NOBODY)

    def _key_of(self, customer: object) -> Any:
        """The key of a customer as its column takes it; of a row it is that already, where it is a number."""
        customers = hosts.customers()
        if isinstance(customer, Model) and customers.key is KeyType.INTEGER:
            check_model(type(customer))
            key = getattr(customer, customers.pk.attname)
            if type(key) is int and 0 < key <= LARGEST:
                return key
        return customers.value(self.service.edge.customer_id(id_of(customer)))

    def _probed(self, action: str, key: Any) -> bool:
        """One customer; where the access does not hold it is read anew, and where it has changed asked anew."""
        if self._stranger:
            return False
        for _ in range(_TRIES):
            asked = self._probes.get(action) or self._probe(action)
            answer = asked.ask(key)
            if answer is not None:
                return answer
            before = self._seen[:]
            self.forget_access()
            if [self._access()] == before:
                return False  # of whoever is not active it never holds
        raise access_changed(self.actor)

    def _access(self) -> Access | None:
        with self.service.store.reader() as reader:
            return self._sight(reader).access()

    def _probe(self, action: str) -> Probe:
        """The statement that asks about one customer; kept unless time alone will change what it has to ask."""
        query, lasts = self._query(action)
        if not lasts:
            return probe(hosts.customers(), conf.configuration().database, query)
        self._probes[action] = kept_probe(hosts.customers(), conf.configuration().database, query)
        return self._probes[action]

    def _query(self, action: str) -> tuple[Query, bool]:
        """Whom the asker may do ``action`` to, by its access as it is now, and whether that holds until it changes.

        Plugins that grant and restrict look at that access and the action alone, so what they said of both is kept,
        unless time changes it: somebody stands in for a while, or a plugin looks at the clock.
        """
        with self.service.store.reader() as reader:
            sight = self._sight(reader)
            access, kept, place = sight.access(), _queries(), (self._superuser, self.actor, action)
            if not self.service.counsel.is_timeless or (access is not None and access.turns(sight.at)):
                return sight.query(access, (action,), Everything()), False
            if place not in kept or kept[place][0] != access:
                if len(kept) >= _AT_MOST:
                    kept.clear()
                kept[place] = access, sight.query(access, (action,), Everything())
            return kept[place][1], True

    def _sight(self, reader: Any) -> _RememberingSight:
        counsel, now = self.service.counsel, self.service.now()
        return _RememberingSight(reader, counsel, self.actor, now, self._asker, self._seen)


@conf.until_changed
def _queries() -> dict[tuple[bool, Actor, str], tuple[Access | None, Query]]:
    return {}


def bound_to(actor_or_user: Any) -> BoundOwnership:
    """The use cases of an actor or a user of the host, whoever that may be."""
    return BoundOwnership(*entering(actor_or_user))


def narrowed(queryset: QuerySet[_M], query: Query, *, lasts: bool = True) -> QuerySet[_M]:
    """``queryset`` with the query's scope and guard as a condition; whatever it holds already stays as it is.

    ``lasts`` keeps the text of the condition for the next queryset; time makes another one of some.
    """
    customers = hosts.customers()
    if {place.path for place in customers.places.values()} & set(queryset.query.annotations):
        # An annotation that is called like one of our paths would be asked in place of it.
        mine = customers.rows().filter(condition(query.scope)).values(customers.pk.attname)
        return queryset.filter(guarded(query.guard), **{f"{customers.pk.attname}__in": mine})
    said = sentence(query.scope) if lasts else condition(query.scope)
    return queryset.filter(said, guarded(query.guard))


def check_model(model: type[Model]) -> None:
    """Refuse querysets of anything but customers (``invalid_value``)."""
    expected = hosts.customers().model
    if not issubclass(model, expected._meta.concrete_model or expected):
        what = f"{model._meta.label} is not {expected._meta.label}, the model of the customers."
        hint = "Narrow the customers, and ask your model by them: Order.objects.filter(customer__in=...)."
        raise invalid("invalid_value", what, hint)


def id_of(customer: object) -> object:
    """The id of a row of the host's, or what was given as an id.

    A row of another model has none (``invalid_value``), nor has one that was never saved (``invalid_id``).
    """
    if not isinstance(customer, Model):
        return customer
    check_model(type(customer))
    key = getattr(customer, hosts.customers().pk.attname)
    return key if key is None else str(key)
