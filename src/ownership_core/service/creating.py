"""Creating customers: read, propose, decide, look for duplicates, insert set-based (H01, H03, H04)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import attrs

from ownership_core.commands import CreateCustomer, Ids
from ownership_core.decide.customers import Creations, creation_refusals, decide_create
from ownership_core.errors import Problem, Refused
from ownership_core.model import Actor, Customer, CustomerId, StaffId
from ownership_core.plan import Receipt
from ownership_core.ports import NewRow, Run, RunState, Tally, Writer
from ownership_core.rules import Occasion
from ownership_core.ruling import NOT_FOUND
from ownership_core.scope import Everything
from ownership_core.service.counsel import people_of
from ownership_core.service.desk import Desk
from ownership_core.service.edge import creation_rows
from ownership_core.service.firing import Chosen, chosen_for, keep_errors
from ownership_core.service.refusals import problem, refuse
from ownership_core.service.unplaced import LeftOut
from ownership_core.settings import Creation
from ownership_core.wire import command_to_wire, recorded


def create(desk: Desk, writer: Writer, actor: Actor, command: CreateCustomer, strict: bool) -> Receipt:
    """Create what can be created. A single customer, or ``strict``, is refused with every problem."""
    customers, email_keys, problems = creation_rows(desk.edge, command)
    if not desk.edge.capabilities.writes_customers:
        customers, missing = _registered(writer, customers)
        problems += missing
    taken = _taken(writer, customers, email_keys)
    creations, chosen = _decided(desk, writer, actor, command, customers, {one.where for one in taken})
    if creations.refusals:
        raise refuse(creations.refusals, actor)
    problems += [*creations.refused, *taken]
    if problems and (strict or len(command.customers) == 1):
        raise Refused(*problems, who=actor.id)
    bad = {p.where for p in problems}
    rows = [
        NewRow(
            customer.id,
            {**customer.values, "created_at": desk.now()},
            customer.sets,
            email_keys.get(customer.id),
            creations.owners.get(customer.id),
            chosen.sources.get(customer.id, command.channel.value),
        )
        for customer in customers.values()
        if customer.id not in bad
    ]
    tally = Tally(changed=len(rows), refused=len(command.customers) - len(rows), codes=_counted(problems))
    left = [one for one in chosen.left if one.customer not in bad]
    warnings = (*chosen.warnings, *LeftOut(left).warnings(), *creations.warnings)
    if not rows:
        return Receipt(None, "create_customer", tally, problems=tuple(problems), warnings=warnings)
    run = Run(
        id=desk.new_run(),
        state=RunState.APPLIED,
        what="create_customer",
        command=command_to_wire(recorded(command)),
        actor=actor,
        at=desk.now(),
        reason=command.reason,
        tally=tally,
    )
    writer.create_customers(run, rows, desk.counsel.cardinality.name)
    writer.save_run(run)
    for name, staff in sorted(chosen.pointers.items()):
        writer.save_rotation(name, staff)
    keep_errors(desk, writer, left, warnings)
    return Receipt(run.id, run.what, tally, problems=tuple(problems), warnings=warnings)


def _registered(
    writer: Writer, asked: Mapping[CustomerId, Customer]
) -> tuple[dict[CustomerId, Customer], list[Problem]]:
    """The shop's own customers of these ids, held until the end, and those it does not have (design §8)."""
    writer.lock_customers(Ids(tuple(asked)), Everything())
    found = {
        customer.id: attrs.evolve(
            customer, values={**customer.values, "no_auto": asked[customer.id].values.get("no_auto", False)}
        )
        for customer in writer.customers(list(asked))
    }
    return found, [attrs.evolve(problem(NOT_FOUND, id), where=id) for id in asked if id not in found]


def _decided(
    desk: Desk,
    writer: Writer,
    actor: Actor,
    command: CreateCustomer,
    customers: Mapping[CustomerId, Customer],
    refused: Collection[str],
) -> tuple[Creations, Chosen]:
    """Who will own each; where the policy asks for proposals the rules come first, then plugins.

    Plugins are not asked about whom a rule held of and had nobody for, or could not be asked about: to take a
    proposal instead would be a guess (H07).
    """
    proposed: dict[CustomerId, StaffId] = {}
    chosen = Chosen()
    if desk.settings.creation_for(command.channel) is Creation.PROPOSED and customers:
        _require_creator(desk, writer, actor, command)
        chosen = chosen_for(desk, writer, [one for one in customers.values() if one.id not in refused])
        spoken_of = chosen.spoken_of
        rest = [one for one in customers.values() if one.id not in spoken_of]
        proposed = {**(desk.counsel.proposals(rest, Occasion.CREATED) if rest else {}), **chosen.staff}
    explicit = {new.staff for new in command.customers if new.staff is not None}
    people = people_of(command, actor) | explicit | set(proposed.values())
    writer.lock_staff(people)
    accesses = writer.access(people)
    asking = desk.counsel.asking(command, actor, accesses.get(StaffId(actor.id)), desk.now())
    targets = desk.counsel.targets(accesses)
    return decide_create(command, customers, proposed, asking, targets, desk.settings, desk.edge.fields), chosen


def _require_creator(desk: Desk, writer: Writer, actor: Actor, command: CreateCustomer) -> None:
    """Whoever may not create is told so before anybody's turn is looked up."""
    access = writer.access(people_of(command, actor)).get(StaffId(actor.id))
    problems = creation_refusals(desk.counsel.asking(command, actor, access, desk.now()))
    if problems:
        raise refuse(problems, actor)


def _taken(
    writer: Writer, customers: Mapping[CustomerId, Customer], email_keys: Mapping[CustomerId, str]
) -> list[Problem]:
    ids, keys = writer.taken(list(customers), list(email_keys.values()))
    hint = "Look for the customer before you create it; its owner stays."
    problems = [Problem("customer_exists", "There already is such a customer.", hint, one) for one in sorted(ids)]
    what = "Another customer has this e-mail address."
    return problems + [Problem("duplicate_email", what, hint, one) for one, key in email_keys.items() if key in keys]


def _counted(problems: Sequence[Problem]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for one in problems:
        counted[one.code] = counted.get(one.code, 0) + 1
    return counted
