"""What a refusal says for each code: one sentence, and what to try. Knows nothing of the customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ownership_core.errors import Problem, Refused
from ownership_core.model import Actor
from ownership_core.ruling import PlanRow

SENTENCES: Mapping[str, tuple[str, str]] = {
    "not_found": ("There is no such customer.", "Check the id."),
    "version_conflict": ("The customer was changed meanwhile.", "Read it again, then decide again."),
    "stale": ("The customer changed since the plan was made.", "Make the plan again."),
    "not_permitted": ("You may not do this to this customer.", "Ask for the right, or somebody who has it."),
    "website_mismatch": ("The staff does not serve the customer's website.", "Choose staff of that website."),
    "group_restricted": ("The customer's groups are restricted for the staff.", "Choose other staff."),
    "holder_out_of_reach": ("Somebody beyond your reach would lose the customer.", "Ask somebody above you both."),
    "single_owner": ("The customer has an owner, and only one is allowed.", "Replace the owner instead of adding."),
    "too_many_staff": ("The customer has as many staff as are allowed.", "Take somebody off first."),
    "already_assigned": ("The customer is assigned already.", "Choose an unassigned one."),
    "not_assigned": ("You are not assigned to this customer.", "Release your own customers only."),
    "no_auto": ("The customer is marked against automatic assignment.", "Assign it by hand."),
    "staff_inactive": ("The staff is not active.", "Choose somebody active."),
}


def refuse(problems: Iterable[Problem], actor: Actor) -> Refused:
    """A refusal of the whole command."""
    return Refused(*problems, who=actor.id)


def refuse_row(row: PlanRow, actor: Actor) -> Refused:
    """A refusal of one customer, with all its failing codes at once."""
    return Refused(*(problem(code, row.customer) for code in row.codes), who=actor.id)


def problem(code: str, customer: str) -> Problem:
    """The problem of a code for a customer; a plugin's code is told as it is."""
    what, hint = SENTENCES.get(code, (f"The requirement {code!r} is not met.", "Ask why."))
    return Problem(code, what, hint, f"customer {customer}")
