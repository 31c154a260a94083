"""Creating customers: read, propose, decide, look for duplicates, insert set-based (H01, H03, H04)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ownership_core.commands import CreateCustomer
from ownership_core.decide.customers import Creations, decide_create
from ownership_core.errors import Problem, Refused
from ownership_core.hookspecs import Occasion
from ownership_core.model import Actor, Customer, CustomerId, StaffId
from ownership_core.plan import Receipt
from ownership_core.ports import NewRow, Run, RunState, Tally, Writer
from ownership_core.service.counsel import people_of
from ownership_core.service.desk import Desk
from ownership_core.service.edge import creation_rows
from ownership_core.service.refusals import refuse
from ownership_core.settings import Creation
from ownership_core.wire import command_to_wire, recorded


def create(desk: Desk, writer: Writer, actor: Actor, command: CreateCustomer, strict: bool) -> Receipt:
    """Create what can be created. A single customer, or ``strict``, is refused with every problem."""
    customers, email_keys, problems = creation_rows(desk.edge, command)
    creations = _decided(desk, writer, actor, command, customers)
    if creations.refusals:
        raise refuse(creations.refusals, actor)
    problems += [*creations.refused, *_taken(writer, customers, email_keys)]
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
            command.channel.value,
        )
        for customer in customers.values()
        if customer.id not in bad
    ]
    tally = Tally(changed=len(rows), refused=len(command.customers) - len(rows), codes=_counted(problems))
    if not rows:
        return Receipt(None, "create_customer", tally, problems=tuple(problems), warnings=creations.warnings)
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
    writer.create_customers(run, rows)
    writer.save_run(run)
    return Receipt(run.id, run.what, tally, problems=tuple(problems), warnings=creations.warnings)


def _decided(
    desk: Desk, writer: Writer, actor: Actor, command: CreateCustomer, customers: Mapping[CustomerId, Customer]
) -> Creations:
    proposed: dict[CustomerId, StaffId] = {}
    if desk.settings.creation_for(command.channel) is Creation.PROPOSED and customers:
        proposed = desk.counsel.proposals(list(customers.values()), Occasion.CREATED)
    explicit = {new.staff for new in command.customers if new.staff is not None}
    people = people_of(command, actor) | explicit | set(proposed.values())
    writer.lock_staff(people)
    accesses = writer.access(people)
    asking = desk.counsel.asking(command, actor, accesses.get(StaffId(actor.id)))
    return decide_create(
        command, customers, proposed, asking, desk.counsel.targets(accesses), desk.settings, desk.edge.fields
    )


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
    for problem in problems:
        counted[problem.code] = counted.get(problem.code, 0) + 1
    return counted
