"""A small shop to write stories about: people and customers come and go in one line each.

What is *given* is done by the operator, through the same commands as everything else. The clock stands
still until a test lets it pass; run ids come from seeded randomness.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import attrs
import pytest

from ownership_core import (
    KEEP,
    Actor,
    Assign,
    ChangeCustomer,
    ChangeDepartment,
    ChangeStaff,
    CreateCustomer,
    Customer,
    GrantAccess,
    GroupRestriction,
    Level,
    Mode,
    NewCustomer,
    Ownership,
    OwnershipError,
    RestrictionMode,
    SetPrimary,
    Settings,
    Staff,
    host_for,
)
from ownership_core.events import Event, Subject
from ownership_core.fields import Fields
from ownership_core.plan import Receipt
from ownership_core.ports import Store, Task
from ownership_core.settings import Plugins
from ownership_core.testing.memory import MemoryStore

OPERATOR = Actor.operator("root")
EVERYTHING_BUT_ACCESS = {"view": "all", "edit": "all", "delete": "all", "assign": "all", "explain": "all"}


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def passes(self, **span: float) -> None:
        """Let time go by: ``passes(days=1)``."""
        self.at += timedelta(**span)


def allow(*groups: str) -> GroupRestriction:
    """Only these customer groups."""
    return GroupRestriction(RestrictionMode.ALLOW, frozenset(groups))


def deny(*groups: str) -> GroupRestriction:
    """All customer groups but these."""
    return GroupRestriction(RestrictionMode.DENY, frozenset(groups))


class Shop:
    """An :class:`Ownership` and short ways to say what is given, and to look at what became of it."""

    def __init__(self, store: Store, settings: Settings, plugins: Mapping[str, object] | None = None) -> None:
        self.store = store
        self.settings = settings
        self.plugins = dict(plugins or {})
        self.clock = Clock()
        self._random = random.Random(20260302)
        self._roles = count(1)
        self.ownership = self._opened(settings)
        self.founder = self._founded(settings)

    def _opened(self, settings: Settings, plugins: dict[str, object] | None = None) -> Ownership:
        host = host_for(settings, self.plugins if plugins is None else plugins, installed=False)
        return Ownership(self.store, settings, host, clock=self.clock, random=self._random.randbytes)

    def under(self, plugins: Mapping[str, object] | None = None, **changes: Any) -> Shop:
        """The same shop after its settings or plugins were changed; ``setting_plugins`` is ``settings.plugins``."""
        if "setting_plugins" in changes:
            changes["plugins"] = changes.pop("setting_plugins")
        other = Shop(self.store, attrs.evolve(self.settings, **changes), self.plugins if plugins is None else plugins)
        other.clock, other._random, other._roles = self.clock, self._random, self._roles
        other.ownership = other._opened(other.settings)
        other.founder = other._founded(other.settings)
        return other

    def without_fields(self) -> Shop:
        """A second service on the same rows, opened without the shop's own fields: what names one cannot be asked."""
        kept = self.store.capabilities
        keys = {"customer_key": kept.customer_key, "staff_key": kept.staff_key}
        cardinality, fields = self.settings.cardinality, Fields.declare()
        store: Any = self.store
        if isinstance(store, MemoryStore):
            again: Any = MemoryStore(fields, cardinality, **keys)
            again._state = attrs.evolve(store._state.copy(), options=again._options)
        else:
            again = type(store).open(store.engine, fields=fields, cardinality=cardinality, **keys)
        self.store = again
        try:
            return self.under(fields=())
        finally:
            self.store = store

    def _founded(self, settings: Settings) -> Ownership:
        """What the operator works with: the same settings, and none of the plugins under test."""
        return self._opened(attrs.evolve(settings, operator=True, plugins=Plugins()), plugins={})

    # Given

    def department(self, id: str, parent: str | None = None, restriction: GroupRestriction | None = None) -> str:
        """A department."""
        self.founder.execute(
            ChangeDepartment(id, create=True, label=id.title(), parent=parent, restriction=restriction), OPERATOR
        )
        return id

    def staff(
        self,
        id: str,
        role: str | None = None,
        *departments: str,
        websites: Iterable[str] | None = None,
        restriction: GroupRestriction | None = None,
        active: bool = True,
        **levels: str,
    ) -> Actor:
        """Somebody with a seeded role, or with a role of their own that holds just these ``levels``."""
        with self.founder.atomic() as given:
            given.execute(
                ChangeStaff(
                    id,
                    create=True,
                    label=id.title(),
                    active=active,
                    departments=departments,
                    websites=KEEP if websites is None else websites,
                    restriction=restriction,
                ),
                OPERATOR,
            )
            if role is not None:
                given.execute(GrantAccess(role, staff=id), OPERATOR)
            if levels:
                given.execute(GrantAccess(f"just {id}", staff=id, levels=as_levels(levels)), OPERATOR)
        return Actor.staff(id)

    def customer(
        self,
        id: str,
        owner: str | None = None,
        *others: str,
        groups: Iterable[str] = (),
        tags: Iterable[str] = (),
        **values: Any,
    ) -> str:
        """A customer with its primary staff and, in multi, others beside it."""
        sets = {"groups": list(groups), "tags": list(tags)}
        new = NewCustomer(id, values=values, sets=sets, staff=owner)
        with self.founder.atomic() as given:
            given.execute(CreateCustomer(new, channel="import"), OPERATOR)
            for other in others:
                given.execute(Assign(id, other, mode=Mode.ADD), OPERATOR)
        return id

    def change(self, *commands: Any) -> Receipt:
        """The operator does something; the last receipt comes back."""
        for command in commands:
            receipt = self.founder.execute(command, OPERATOR)
        return receipt

    def changed(self, customer: str, **values: Any) -> None:
        """Fields of a customer change, by the operator."""
        sets = {name: values.pop(name) for name in list(values) if name in {"groups", "tags"}}
        self.change(ChangeCustomer(customer, values=values, sets=sets))

    # When

    def does(self, actor: Actor, command: Any, **options: Any) -> Receipt:
        """Somebody carries out a command."""
        return self.ownership.execute(command, actor, **options)

    def refuses(self, actor: Actor, command: Any, *codes: str, **options: Any) -> OwnershipError:
        """A command ends with exactly these codes, and nothing at all was written."""
        return self.refuses_call(lambda: self.ownership.execute(command, actor, **options), *codes)

    def refuses_call(self, call: Callable[[], object], *codes: str) -> OwnershipError:
        """A call ends with exactly these codes, and nothing at all was written."""
        with self.unchanged(), pytest.raises(OwnershipError) as caught:
            call()
        assert caught.value.codes == codes, str(caught.value)
        return caught.value

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Every row of every table is the same at the end."""
        before = self.store.digest()
        yield
        assert self.store.digest() == before, "something was written"

    # Then

    def sees(self, actor: Actor, action: str = "view") -> list[str]:
        """What somebody sees: list, count and point check agree, or the test fails."""
        visible = self.ownership.visible(actor, action)
        listed = [customer.id for customer in visible.page(limit=1000).customers]
        assert visible.count() == len(listed)
        assert self.ownership.check(actor, action, [c.id for c in self.everyone()]) == frozenset(listed)
        return listed

    def everyone(self) -> list[Customer]:
        """All customers, as the store has them."""
        return list(self.founder.visible(OPERATOR).page(limit=1000).customers)

    def owner(self, customer: str) -> str | None:
        """The primary staff of a customer."""
        return self.found(customer).primary

    def holders(self, customer: str) -> list[str]:
        """All staff of a customer."""
        return [assignment.staff for assignment in self.found(customer).assignments]

    def found(self, customer: str) -> Customer:
        """A customer as the store has it."""
        with self.store.reader() as reader:
            return reader.customers([customer])[0]

    def member(self, staff: str) -> Staff:
        """A staff as the store has it."""
        with self.store.reader() as reader:
            return reader.staff([staff])[0]

    def events(self, subject: str | None = None, kind: Subject | None = Subject.CUSTOMER) -> list[Event]:
        """The events of a customer, or all of a kind."""
        with self.store.reader() as reader:
            return list(reader.events(kind, subject))

    def told(self) -> list[Task]:
        """The outbox."""
        with self.store.reader() as reader:
            return reader.outbox()

    def business(self) -> tuple[object, ...]:
        """Everything but runs and plan rows."""
        with self.store.reader() as reader:
            facts = (reader.staff(), reader.departments(), reader.roles(), reader.access(None), reader.outbox())
            return (*facts, list(reader.events()), self.everyone())


def as_levels(levels: Mapping[str, str]) -> dict[str, Level]:
    """Levels by their names."""
    return {action: Level[level.upper()] for action, level in levels.items()}


def primary(shop: Shop, customer: str, staff: str) -> None:
    """The operator makes somebody the primary."""
    shop.change(SetPrimary(customer, staff))


OpenShop = Callable[..., Shop]
"""The fixture ``open_shop``: a cardinality, plugins and settings give a shop."""
