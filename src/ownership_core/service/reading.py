"""The one door for reading: what an actor sees is one scope, whether listed, counted, exported or checked."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Self, TypeVar

import attrs
from attrs import frozen

from ownership_core.errors import Conflict, Problem, invalid
from ownership_core.fields import Fields, Kind
from ownership_core.model import Access, Action, Actor, ActorKind, Customer, CustomerId, StaffId, Value
from ownership_core.ports import Guard, Order, Position, Query, Reader, Store
from ownership_core.scope import AllOf, AnyOf, Everything, Scope
from ownership_core.service.counsel import Counsel
from ownership_core.service.edge import Edge
from ownership_core.simplify import simplify
from ownership_core.wellformed import check_scope

_Answer = TypeVar("_Answer")
_TRIES = 3


@frozen
class Page:
    """Some customers, and the cursor of the next page; None where this page is the last."""

    customers: tuple[Customer, ...]
    next: str | None


@frozen
class UpTo:
    """How many customers were counted, and whether there are more than that.

    >>> str(UpTo(12, more=False)), str(UpTo(1000, more=True))
    ('12', '1000+')
    """

    number: int
    more: bool

    def __str__(self) -> str:
        return f"{self.number}+" if self.more else str(self.number)


@frozen
class Sight:
    """One reader's view through one actor's eyes: loads the access snapshot, asks the policy, guards.

    ``at`` is the one moment everything it is asked is judged by, in UTC microseconds.
    """

    reader: Reader
    counsel: Counsel
    actor: Actor
    at: int

    def access(self) -> Access | None:
        """The actor's access snapshot; None for whoever is no known staff."""
        if self.actor.kind is not ActorKind.STAFF:
            return None
        return self.reader.access([StaffId(self.actor.id)]).get(StaffId(self.actor.id))

    def query(self, access: Access | None, actions: Iterable[str], scope: Scope) -> Query:
        """The customers ``scope`` is TRUE of that the actor may do all ``actions`` to."""
        policies = [self.counsel.policy(self.actor, access, action, self.at).scope for action in actions]
        guard = None if access is None else Guard(access.staff, access.version)
        return Query(simplify(AllOf((*policies, scope))), guard)

    def either(self, access: Access | None, actions: Iterable[str], scope: Scope) -> Query:
        """The customers ``scope`` is TRUE of that the actor may do one of ``actions`` to."""
        each = [self.query(access, (action,), scope) for action in actions]
        return attrs.evolve(each[0], scope=simplify(AnyOf(query.scope for query in each)))

    def guarded(self, actions: Iterable[str], scope: Scope, ask: Callable[[Query], _Answer], empty: _Answer) -> _Answer:
        """As :meth:`guarded_by`, about customers the actor may do all ``actions`` to."""
        actions = tuple(actions)
        return self.guarded_by(lambda access: self.query(access, actions, scope), ask, empty)

    def guarded_by(
        self, query_of: Callable[[Access | None], Query], ask: Callable[[Query], _Answer], empty: _Answer
    ) -> _Answer:
        """Ask, and where the answer is empty make sure that the access it rests on still held (I23).

        Hidden and missing customers cost the same statements.
        """
        access = self.access()
        for _ in range(_TRIES):
            answer = ask(query_of(access))
            if answer != empty or access is None:
                return answer
            fresh = self.access()
            if fresh == access:
                return answer
            access = fresh
        raise access_changed(self.actor)


def access_changed(actor: Actor) -> Conflict:
    """``access_changed``: the actor's access changed again and again while it was being read."""
    what = f"The access of {actor.id!r} changed while this was read."
    return Conflict(Problem("access_changed", what, "Read again from the start."))


@frozen
class Visible:
    """The customers an actor may do ``action`` to, narrowed step by step; nothing is read before the last.

    Each last step is judged by the moment it is taken at; an export all along by the one it began at.

    >>> # ownership.visible(Actor.staff("maria")).search(city="Berlin").order("name").page(limit=20)
    """

    store: Store
    counsel: Counsel
    edge: Edge
    actor: Actor
    action: str
    now: Callable[[], int]
    scope: Scope = Everything()
    sort: Order = Order()

    def where(self, scope: Scope) -> Self:
        """Only customers ``scope`` is TRUE of as well; adding a scope never adds a row (I20)."""
        return attrs.evolve(self, scope=AllOf((self.scope, check_scope(scope, self.edge.fields))))

    def search(self, **filters: str) -> Self:
        """Only matches of these named filters, AND-ed (row 15); ``unknown_filter`` for names nobody offers."""
        return attrs.evolve(self, scope=AllOf((self.scope, *self.counsel.search(filters))))

    def order(self, name: str) -> Self:
        """Sorted by a to-one field, ``-`` in front for descending; missing values last, then by id."""
        return attrs.evolve(self, sort=self.edge.order(name))

    def page(self, limit: int = 50, after: str | None = None) -> Page:
        """The next customers: one statement, plus one for the access snapshot.

        ``after`` is the cursor of the page before (``invalid_cursor`` otherwise).
        """
        if type(limit) is not int or not 1 <= limit <= self.edge.limits.page:
            raise invalid("invalid_value", f"A page holds 1 to {self.edge.limits.page} customers.", where="limit")
        position = None if after is None else _position(after, self.sort, self.edge)
        nothing: list[Customer] = []
        with self.store.reader() as reader:
            found = self._sight(reader).guarded(
                (self.action,), self.scope, lambda query: reader.page(query, self.sort, position, limit + 1), nothing
            )
        rows = tuple(found[:limit])
        return Page(rows, _cursor(rows[-1], self.sort, self.edge.fields) if len(found) > limit else None)

    def count(self) -> int:
        """How many there are."""
        with self.store.reader() as reader:
            return self._sight(reader).guarded((self.action,), self.scope, reader.count, 0)

    def count_up_to(self, most: int) -> UpTo:
        """How many there are, counted up to ``most``: where a page says "1000+", nobody has to count a million."""
        if type(most) is not int or most < 1:
            raise invalid("invalid_value", "Count up to 1 or more customers.", where="most")
        with self.store.reader() as reader:
            found = self._sight(reader).guarded(
                (self.action,), self.scope, lambda query: reader.count(query, most + 1), 0
            )
        return UpTo(min(found, most), found > most)

    def ids(self) -> Iterator[CustomerId]:
        """All ids in id order, streamed."""
        with self.store.reader() as reader:
            sight = self._sight(reader)
            access = sight.access()
            found = False
            for customer in reader.ids(sight.query(access, (self.action,), self.scope)):
                found = True
                yield customer
            if not found and sight.access() != access:
                raise access_changed(self.actor)

    def export(self) -> Iterator[Customer]:
        """All customers in order, a chunk at a time; needs the right ``export`` as well (B06).

        Complete, or ends with ``access_changed``: never silently short (I22).
        """
        position: Position | None = None
        pinned: Access | None = None
        at = self.now()
        while True:
            with self.store.reader() as reader:
                sight = Sight(reader, self.counsel, self.actor, at)
                access = sight.access()
                rests_on = _without_shares(access)
                query = sight.query(access, (self.action, Action.EXPORT), self.scope)
                rows = reader.page(query, self.sort, position, self.edge.limits.chunk)
                last = len(rows) < self.edge.limits.chunk
                if (position is not None and rests_on != pinned) or (
                    last and _without_shares(sight.access()) != rests_on
                ):
                    raise access_changed(self.actor)
            yield from rows
            if last:
                return
            pinned, position = rests_on, _place(rows[-1], self.sort, self.edge.fields)

    def _sight(self, reader: Reader) -> Sight:
        return Sight(reader, self.counsel, self.actor, self.now())


def _without_shares(access: Access | None) -> Access | None:
    """What an export rests on: one share more or less, as it goes on, does not end it."""
    return None if access is None else attrs.evolve(access, shared_until=0)


def _place(customer: Customer, order: Order, fields: Fields) -> Position:
    field = fields[order.field]
    value: Value | None = customer.id if order.field == "id" else customer.values.get(order.field)
    return Position(field.folded(value) if isinstance(value, str) else value, customer.id)


def _cursor(customer: Customer, order: Order, fields: Fields) -> str:
    place = _place(customer, order, fields)
    packed = json.dumps([order.field, order.descending, place.value, place.id], separators=(",", ":"))
    return base64.urlsafe_b64encode(packed.encode()).decode()


def _position(cursor: object, order: Order, edge: Edge) -> Position:
    try:
        if not isinstance(cursor, str):
            raise ValueError(cursor)
        name, descending, value, customer = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        if (name, descending) != (order.field, order.descending) or not _fits(value, edge.fields[name].kind):
            raise ValueError(cursor)
        return Position(value, edge.customer_id(customer))
    except (ValueError, TypeError, RecursionError):
        hint = "Start at the first page."
        raise invalid("invalid_cursor", "This cursor belongs to no page of this list.", hint) from None


def _fits(value: object, kind: Kind) -> bool:
    expected = {Kind.TEXT: str, Kind.BOOLEAN: bool, Kind.INTEGER: int, Kind.TIME: int}[kind]
    return value is None or type(value) is expected
