"""Creating, changing and deleting customers (H01, H03, H04, H16, H17)."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from attrs import frozen

from ownership_core.commands import ChangeCustomer, CreateCustomer, DeleteCustomer, NewCustomer
from ownership_core.decide.asking import Asking, Targets, not_permitted, receiver_problems
from ownership_core.errors import Problem
from ownership_core.evaluate import evaluate
from ownership_core.fields import Fields
from ownership_core.model import Action, ActorKind, Customer, CustomerId, StaffId
from ownership_core.ruling import Drop, Effect, Primary, Ruling
from ownership_core.settings import Creation, Settings

STAFF_NOT_EXPECTED = "staff_not_expected"


def decide_change_customer(command: ChangeCustomer, asking: Asking) -> Ruling:
    """Change fields of a customer; assignments stay.

    Whole command: staff_inactive, unknown_staff, not_permitted.
    Per customer: not_found, version_conflict, not_permitted, and what plugins demand (H16).
    """
    requirements = tuple(asking.common_requirements())
    return Ruling(tuple(asking.common_refusals()), asking.visible, requirements, Effect(touch=True))


def decide_delete_customer(command: DeleteCustomer, asking: Asking) -> Ruling:
    """Delete customers and end their assignments; history and orders stay (H17).

    Whole command: staff_inactive, unknown_staff, not_permitted.
    Per customer: not_found, version_conflict, not_permitted, and what plugins demand.
    """
    effect = Effect(drop=Drop.EVERYONE, primary=Primary.NOBODY, touch=True)
    return Ruling(tuple(asking.common_refusals()), asking.visible, tuple(asking.common_requirements()), effect)


@frozen
class Creations:
    """Who will own each new customer, which cannot be created, and who was passed over and why."""

    refusals: tuple[Problem, ...]
    owners: Mapping[CustomerId, StaffId]
    refused: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def decide_create(
    command: CreateCustomer,
    customers: Mapping[CustomerId, Customer],
    proposed: Mapping[CustomerId, StaffId],
    asking: Asking,
    targets: Targets,
    settings: Settings,
    fields: Fields,
) -> Creations:
    """Settle the owner of every new customer by the creation policy of its channel (H01, H04).

    Whole command: staff_inactive, unknown_staff, not_permitted. Per customer: staff_not_expected (the
    channel takes no explicit staff), unknown_staff, staff_inactive, target_out_of_reach,
    website_mismatch, group_restricted, and what plugins demand. A creator or proposed staff that is not
    fit leaves the customer unassigned with the reason as a warning; an explicit one refuses it.
    """
    policy = settings.creation_for(command.channel)
    owners: dict[CustomerId, StaffId] = {}
    refused: list[Problem] = []
    warnings: list[Problem] = []
    for new in command.customers:
        customer = customers.get(new.id)
        if customer is None:
            continue
        refused += _unmet_demands(customer, asking, fields)
        if new.staff is not None and policy is not Creation.EXPLICIT:
            refused.append(_not_expected(new, command))
            continue
        staff = _intended(new, policy, proposed, asking)
        if staff is None:
            continue
        unfit = _unfit(staff, customer, policy, asking, targets, fields)
        if not unfit:
            owners[new.id] = staff
        elif policy is Creation.EXPLICIT:
            refused += unfit
        else:
            warnings += unfit
    return Creations(tuple(creation_refusals(asking)), owners, tuple(refused), tuple(warnings))


def creation_refusals(asking: Asking) -> list[Problem]:
    """Creating is a right of its own; tills and rules create by being allowed to run at all."""
    return asking.common_refusals() or (
        [not_permitted(asking.actor, Action.CREATE)] if asking.access is not None and not asking.level else []
    )


def _intended(
    new: NewCustomer, policy: Creation, proposed: Mapping[CustomerId, StaffId], asking: Asking
) -> StaffId | None:
    match policy:
        case Creation.UNASSIGNED:
            return None
        case Creation.EXPLICIT:
            return new.staff
        case Creation.PROPOSED:
            return proposed.get(new.id)
        case Creation.CREATOR:
            # operators, tills and importers never become owners (E14)
            return StaffId(asking.actor.id) if asking.actor.kind is ActorKind.STAFF else None


def _unfit(
    staff: StaffId, customer: Customer, policy: Creation, asking: Asking, targets: Targets, fields: Fields
) -> list[Problem]:
    """Why ``staff`` may not own ``customer``; giving it to somebody else takes the right to assign."""
    giving = attrs.evolve(asking, right=Action.ASSIGN)
    to_another = policy is Creation.EXPLICIT and staff != asking.actor.id
    if staff not in targets or not targets[staff].access.active or to_another:
        problems = receiver_problems(staff, giving, targets)
    else:
        problems = []
    if staff not in targets:
        return _at(customer.id, problems)
    for requirement in targets[staff].restrictions:
        if not evaluate(requirement.scope, customer, fields).granted:
            what = f"The staff {staff!r} may not own this customer: {requirement.code}."
            problems.append(Problem(requirement.code, what, "Choose other staff, or change the customer."))
    return _at(customer.id, problems)


def _unmet_demands(customer: Customer, asking: Asking, fields: Fields) -> list[Problem]:
    unmet = [r for r in asking.extra if not evaluate(r.scope, customer, fields).granted]
    what = "The plugin {} does not allow this customer."
    return _at(customer.id, [Problem(r.code, what.format(r.said_by), "See the plugin's documentation.") for r in unmet])


def _not_expected(new: NewCustomer, command: CreateCustomer) -> Problem:
    what = f"Customers that come in by {command.channel.value!r} get their owner by policy."
    hint = "Leave the staff out, or set creation to 'explicit' for this channel."
    return Problem(STAFF_NOT_EXPECTED, what, hint, new.id)


def _at(customer: CustomerId, problems: list[Problem]) -> list[Problem]:
    return [Problem(p.code, p.what, p.hint, customer) for p in problems]
