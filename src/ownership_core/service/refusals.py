"""What a refusal says for each code: one sentence, and what to try. Knows nothing of the customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ownership_core.errors import Problem, Refused
from ownership_core.model import Actor
from ownership_core.ruling import PlanRow

SENTENCES: Mapping[str, tuple[str, str]] = {
    "not_found": ("There is no such customer.", "Check the id."),
    "version_conflict": ("The customer was changed meanwhile.", "Read it again, then decide again."),
    "stale": ("The customer, or the rule that chose, changed since the plan was made.", "Make the plan again."),
    "not_permitted": ("You may not do this to this customer.", "Ask for the right, or somebody who has it."),
    "website_mismatch": ("The staff does not serve the customer's website.", "Choose staff of that website."),
    "group_restricted": ("The customer's groups are restricted for the staff.", "Choose other staff."),
    "holder_out_of_reach": ("Somebody beyond your reach would lose the customer.", "Ask somebody above you both."),
    "single_owner": ("The customer has an owner, and only one is allowed.", "Replace the owner instead of adding."),
    "too_many_staff": ("The customer has as many staff as are allowed.", "Take somebody off first."),
    "already_assigned": ("The customer is assigned already.", "Choose an unassigned one."),
    "not_assigned": ("You are not assigned to this customer.", "Release your own customers only."),
    "no_auto": ("The customer is marked against automatic assignment.", "Assign it by hand."),
    "min_tenure": ("The customer was assigned too lately to be moved by a rule.", "Move it by hand, or wait."),
    "staff_inactive": ("The staff is not active.", "Choose somebody active."),
    "unknown_staff": ("The staff that is named does not exist.", "Check the id."),
    "target_out_of_reach": ("Your right to assign does not extend to the staff.", "Ask somebody above you both."),
    "not_held": ("The customer is not assigned to whoever would hand it over.", "Choose one of its customers."),
    "no_target": ("There is nobody to give the customer to.", "Say who gets the rest, or release it."),
    "no_capacity": ("Nobody takes any more customers.", "Wait, raise the capacity, or name more staff."),
    "rule_error": ("A rule that would have to be asked first cannot be asked.", "Look at the rules, and mend it."),
    "changed_since": ("The customer was changed since that run.", "Change it by hand, if it must go back."),
    "kept": ("The customer is to stay where it is.", "Move it by hand."),
}


def refuse(problems: Iterable[Problem], actor: Actor) -> Refused:
    """A refusal of the whole command."""
    return Refused(*problems, who=actor.id)


def refuse_row(row: PlanRow, actor: Actor, warnings: Iterable[Problem] = ()) -> Refused:
    """A refusal of one customer, with all its failing codes at once, and the warnings that explain them."""
    more = (one for one in warnings if one.code in row.codes)
    return Refused(*(problem(code, row.customer) for code in row.codes), *more, who=actor.id)


def problem(code: str, customer: str) -> Problem:
    """The problem of a code for a customer; a plugin's code is told as it is."""
    what, hint = sentence(code)
    return Problem(code, what, hint, f"customer {customer}")


def sentence(code: str) -> tuple[str, str]:
    """What a code says of any customer, and what to try."""
    return SENTENCES.get(code, (f"The requirement {code!r} is not met.", "Ask why."))


def unknown_run(run: object) -> Problem:
    """The problem of a run that is not there, or not the asker's to see: one answer for both."""
    return Problem("unknown_run", f"There is no applied run {ascii(run)[:60]}.", "Look it up in the list of runs.")
