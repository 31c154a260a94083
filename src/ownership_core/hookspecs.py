"""Every extension point. Plugins are asked, never overridden; registration order never decides.

Each hook names one combining word: *pool* (all answers count), *weigh* (declared weight, then name),
*pick* (the settings name one), *tell* (after commit; failures are gathered), *card* (who are you).
Implement with :data:`hookimpl`; take the arguments you need, without defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, TypeVar

import pluggy
from attrs import field as attribute
from attrs import frozen

from ownership_core.commands import Command
from ownership_core.errors import Problem
from ownership_core.events import Event
from ownership_core.fields import Field, Fields
from ownership_core.model import Access, Actor, Customer, CustomerId, StaffId
from ownership_core.policies import Cardinality, PrimaryPolicy
from ownership_core.ports import Reader, Run, Store
from ownership_core.rules import Occasion as Occasion  # noqa: PLC0414 - plugins find it here
from ownership_core.rules import Rule
from ownership_core.ruling import Grant, Requirement, Restriction
from ownership_core.scope import Scope
from ownership_core.settings import Settings

PROJECT: Final = "ownership_core"
API_VERSION: Final = 1

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

_Hook = TypeVar("_Hook", bound=Callable[..., Any])


class Combine(StrEnum):
    """How the answers to one hook become one."""

    POOL = "pool"
    WEIGH = "weigh"
    PICK = "pick"
    TELL = "tell"
    CARD = "card"


COMBINED: dict[str, Combine] = {}
"""The combining word of every hook."""


def _spec(word: Combine) -> Callable[[_Hook], _Hook]:
    def mark(hook: _Hook) -> _Hook:
        COMBINED[hook.__name__] = word
        return hookspec(hook)

    return mark


@frozen
class Card:
    """What a plugin says of itself. ``api`` is the :data:`API_VERSION` it was written for."""

    name: str
    version: str
    api: int
    what: str


@frozen
class SearchFilter:
    """One filter of the customer search: ``build`` turns what was typed into a scope (rows 15, 18)."""

    name: str
    build: Callable[[str], Scope]
    position: int = 100


@frozen
class Related:
    """Records that follow their customer (B21): ``customers_of`` maps record ids to customer ids.

    It is asked once for all ids; a record it leaves out is hidden.
    """

    kind: str
    customers_of: Callable[[Sequence[str]], Mapping[str, CustomerId]]


@frozen
class Proposals:
    """Who should own which of the customers asked about; the larger ``weight`` is preferred."""

    staff: Mapping[CustomerId, StaffId]
    weight: int = 0


@frozen
class Away:
    """Staff who take no customers at the moment asked about (row 99)."""

    staff: frozenset[StaffId] = attribute(converter=frozenset)


@frozen
class Held:
    """Something a leaver holds beside customers: how many, and what to do about it (rows 25, 106)."""

    kind: str
    count: int
    what: str = ""


@frozen
class DoctorCheck:
    """One question ``ownership doctor`` asks of the store; every problem found is reported."""

    name: str
    run: Callable[[Reader], Iterable[Problem]]


@frozen
class Committed:
    """A run that is now permanent. ``events`` reads its events when called, not before."""

    run: Run
    events: Callable[[], Iterator[Event]] = attribute(repr=False)


@_spec(Combine.POOL)
def ownership_grants(actor: Access, action: str, at: int) -> list[Grant] | None:
    """Widen what `actor` may `action` at the moment `at`, in UTC microseconds.

    Asked:    once per actor and action, before any customer is read.
    Combined: pool. One grant suffices; every restriction still holds (B20).
    Silence:  None grants nothing.
    Purity:   look at the arguments only; for the same ones your answer may be kept, not asked for with every list.
    Failure:  a raise ends the question with PluginError naming you; nobody is let in.
    """


@_spec(Combine.POOL)
def ownership_restrictions(actor: Access, action: str) -> list[Restriction] | None:
    """Narrow what `actor` may `action`, and say why.

    Asked:    once per actor and action, before any customer is read; for a target with action `view`.
    Combined: pool. Every restriction holds; what cannot be told is treated as excluded.
    Silence:  None narrows nothing.
    Purity:   look at the arguments only; for the same ones your answer may be kept, not asked for with every list.
    Failure:  a raise ends the question with PluginError naming you; nobody is skipped.
    """


@_spec(Combine.POOL)
def ownership_requirements(command: Command, actor: Actor) -> list[Requirement] | None:
    """Demand something more of the customers of a command, or refuse it with `Nothing()` (H16).

    Asked:    once per command, before any customer is read.
    Combined: pool. Every requirement must be TRUE of a customer.
    Silence:  None demands nothing.
    Purity:   look at the arguments only; there is one call however many customers there are.
    Failure:  a raise refuses the command with PluginError naming you.
    """


@_spec(Combine.POOL)
def ownership_customer_fields() -> list[Field] | None:
    """Declare customer fields a scope may speak of.

    Asked:    once, when the host is built.
    Combined: pool. A name declared twice is refused.
    Silence:  None declares nothing.
    Purity:   a constant answer; stores are opened with it.
    Failure:  a raise marks the plugin as failed.
    """


@_spec(Combine.POOL)
def ownership_search_filters() -> list[SearchFilter] | None:
    """Offer filters for the customer search.

    Asked:    once, when the host is built.
    Combined: pool, ordered by position and name. A name offered twice is refused.
    Silence:  None offers nothing.
    Purity:   `build` gets the text and returns a scope; it never reads anything.
    Failure:  a raise marks the plugin as failed; a raise in `build` is a PluginError.
    """


@_spec(Combine.POOL)
def ownership_related(kind: str) -> Related | None:
    """Say how records of `kind` (orders, quotes ...) follow their customer.

    Asked:    once per question about that kind.
    Combined: pool, and exactly one may answer for a kind.
    Silence:  None: not my kind. When nobody answers, the kind is unknown and hidden.
    Purity:   `customers_of` may read your own tables, set-based, in one call.
    Failure:  a raise ends the question with PluginError; nothing is shown.
    """


@_spec(Combine.POOL)
def ownership_commands(cli: Any) -> None:
    """Add commands to the `ownership` command line (`cli` is a click.Group).

    Asked:    once, when the command line starts.
    Combined: pool. A name that is taken is refused.
    Silence:  add nothing.
    Purity:   register only; import what is heavy inside your command.
    Failure:  a raise leaves your commands out and is reported on stderr.
    """


@_spec(Combine.POOL)
def ownership_doctor_checks() -> list[DoctorCheck] | None:
    """Offer checks for `ownership doctor`.

    Asked:    when the doctor runs.
    Combined: pool. All checks run.
    Silence:  None offers nothing.
    Purity:   a check reads and never writes.
    Failure:  a raise is reported as a problem of that check; the others run.
    """


@_spec(Combine.WEIGH)
def ownership_propose_staff(customers: Sequence[Customer], occasion: Occasion) -> Proposals | None:
    """Propose who should own these customers.

    Asked:    once per chunk of customers, only where the creation policy is `proposed`, about those no rule held of.
    Combined: weigh. Per customer the proposal with the largest weight, then the plugin's name.
    Silence:  None, or a customer left out: no proposal.
    Purity:   you may read your own tables; you write nothing.
    Failure:  a raise refuses the command with PluginError naming you.
    """


@_spec(Combine.POOL)
def ownership_availability(staff: Sequence[StaffId], at: int) -> Away | None:
    """Say which of these staff take no customers at this moment (`at`, UTC microseconds; row 99).

    Asked:    once per command that deals customers out, for everybody who could get one.
    Combined: pool. Whoever one answer names gets none; who is named alone in a command gets them all the same.
    Silence:  None: everybody is here.
    Purity:   you may read your own calendar; you write nothing.
    Failure:  a raise refuses the command with PluginError naming you.
    """


@_spec(Combine.POOL)
def ownership_inventory(staff: StaffId) -> list[Held] | None:
    """Say what a staff holds beside its customers, before it leaves (rows 25, 106).

    Asked:    once per inventory.
    Combined: pool. All answers are listed under your name.
    Silence:  None holds nothing.
    Purity:   you may read your own tables; you write nothing.
    Failure:  a raise ends the question with PluginError naming you.
    """


@_spec(Combine.POOL)
def ownership_rules() -> list[Rule] | None:
    """Bring assignment rules, asked together with those of the shop (row 94).

    Asked:    once per command that asks the rules, and of whom they name where somebody leaves.
    Combined: pool, ordered by priority, territory and id. Begin ids with your name and a colon.
    Silence:  None brings none.
    Purity:   a constant answer, data only.
    Failure:  a raise refuses the command with PluginError naming you.
    """


@_spec(Combine.PICK)
def ownership_cardinality() -> list[Cardinality] | None:
    """Offer policies for how many staff a customer may have; `settings.cardinality` names one.

    Asked:    once, when the host is built.
    Combined: pick. A name offered twice is refused, one nobody offers too.
    Silence:  None offers nothing.
    Purity:   a constant answer, data only.
    Failure:  a raise marks the plugin as failed.
    """


@_spec(Combine.PICK)
def ownership_primary() -> list[PrimaryPolicy] | None:
    """Offer policies for the primary; `settings.primary` names one.

    Asked:    once, when the host is built.
    Combined: pick. A name offered twice is refused, one nobody offers too.
    Silence:  None offers nothing.
    Purity:   a constant answer, data only.
    Failure:  a raise marks the plugin as failed.
    """


@_spec(Combine.PICK)
def ownership_store(settings: Settings, fields: Fields) -> Store | None:
    """Open the store; only the plugin that `settings.store` names is asked.

    Asked:    once, when the command line or an application opens by settings.
    Combined: pick.
    Silence:  None: the store cannot be opened, which is an error.
    Purity:   open, change nothing.
    Failure:  a raise stops the application: without its store nothing can be answered.
    """


@_spec(Combine.TELL)
def ownership_committed(run: Committed) -> None:
    """Hear that a run was committed.

    Asked:    after the commit, once per run.
    Combined: tell.
    Silence:  nothing is expected.
    Purity:   do what you like; it can no longer change the outcome.
    Failure:  gathered into the receipt's warnings; the others are told all the same.
    """


@_spec(Combine.CARD)
def ownership_card() -> Card | None:
    """Introduce yourself.

    Asked:    once, when you are loaded.
    Combined: card.
    Silence:  you are listed by your registered name.
    Purity:   a constant answer.
    Failure:  a raise, or another `api` than ours, leaves you out and is reported.
    """
