"""The words of the core as translators see them: each refusal by its code, and what a plan says of a customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ownership_core.errors import OwnershipError, Problem
from ownership_core.plan import Receipt
from ownership_core.ruling import Fate
from ownership_core.service.refusals import problem

REFUSALS: Mapping[str, Any] = {
    "not_found": gettext_lazy("There is no such customer."),
    "version_conflict": gettext_lazy("The customer was changed meanwhile."),
    "stale": gettext_lazy("The customer, or the rule that chose, changed since the plan was made."),
    "not_permitted": gettext_lazy("You may not do this to this customer."),
    "website_mismatch": gettext_lazy("The staff does not serve the customer's website."),
    "group_restricted": gettext_lazy("The customer's groups are restricted for the staff."),
    "holder_out_of_reach": gettext_lazy("Somebody beyond your reach would lose the customer."),
    "single_owner": gettext_lazy("The customer has an owner, and only one is allowed."),
    "too_many_staff": gettext_lazy("The customer has as many staff as are allowed."),
    "already_assigned": gettext_lazy("The customer is assigned already."),
    "not_assigned": gettext_lazy("You are not assigned to this customer."),
    "no_auto": gettext_lazy("The customer is marked against automatic assignment."),
    "min_tenure": gettext_lazy("The customer was assigned too lately to be moved by a rule."),
    "staff_inactive": gettext_lazy("The staff is not active."),
    "unknown_staff": gettext_lazy("The staff that is named does not exist."),
    "target_out_of_reach": gettext_lazy("Your right to assign does not extend to the staff."),
    "not_held": gettext_lazy("The customer is not assigned to whoever would hand it over."),
    "no_target": gettext_lazy("There is nobody to give the customer to."),
    "no_capacity": gettext_lazy("Nobody takes any more customers."),
    "rule_error": gettext_lazy("A rule that would have to be asked first cannot be asked."),
    "changed_since": gettext_lazy("The customer was changed since that run."),
    "kept": gettext_lazy("The customer is to stay where it is."),
}
"""What the core says, word for word, so that translators find it."""

WHATS: Mapping[str, Any] = {
    "assign": gettext_lazy("Assigned"),
    "unassign": gettext_lazy("Unassigned by hand"),
    "set_primary": gettext_lazy("Primary set"),
    "clear_primary": gettext_lazy("Primary cleared"),
    "claim": gettext_lazy("Claimed"),
    "release": gettext_lazy("Released"),
    "transfer": gettext_lazy("Handed over"),
    "offboard": gettext_lazy("Offboarded"),
    "rebalance": gettext_lazy("Levelled out"),
    "sweep": gettext_lazy("Given out"),
    "revert": gettext_lazy("Taken back"),
}
"""What a run did, for those that can be taken back."""

FATES: Mapping[Fate, Any] = {
    Fate.CHANGED: gettext_lazy("changes"),
    Fate.UNCHANGED: gettext_lazy("stays as it is"),
    Fate.REFUSED: gettext_lazy("refused"),
    Fate.STALE: gettext_lazy("changed meanwhile"),
}


def reason_of(code: str) -> str:
    """What a refusal of one customer says."""
    return str(REFUSALS.get(code) or problem(code, "").what)


def said_of(one: Problem) -> str:
    """A problem as a page shows it: its sentence, what to try, and its code for whoever has to look it up."""
    known = REFUSALS.get(one.code)
    what = str(known) if known is not None and one.what == problem(one.code, "").what else one.what
    return f"{what} {one.hint} [{one.code}]" if one.hint else f"{what} [{one.code}]"


def all_of(error: OwnershipError) -> Iterable[str]:
    """Every problem of an error."""
    return [said_of(one) for one in error.problems]


def told(receipt: Receipt) -> str:
    """What was done, counted."""
    tally = receipt.tally
    parts = [
        ngettext("%(count)d customer was changed.", "%(count)d customers were changed.", tally.changed)
        % {"count": tally.changed}
    ]
    if receipt.rules:
        said = ngettext("%(count)d rule was changed.", "%(count)d rules were changed.", len(receipt.rules))
        parts.append(said % {"count": len(receipt.rules)})
    if receipt.covers:
        said = ngettext("%(count)d cover was changed.", "%(count)d covers were changed.", len(receipt.covers))
        parts.append(said % {"count": len(receipt.covers)})
    left = tally.refused + tally.stale
    if left:
        said = ngettext("%(count)d was left as it is (%(why)s).", "%(count)d were left as they are (%(why)s).", left)
        why = " ".join(f"{reason_of(code)} {many}" for code, many in sorted(tally.codes.items()))
        parts.append(said % {"count": left, "why": why})
    if receipt.new_matches:
        said = ngettext(
            "%(count)d more matches now and was not in the plan.",
            "%(count)d more match now and were not in the plan.",
            receipt.new_matches,
        )
        parts.append(said % {"count": receipt.new_matches})
    return " ".join(parts)


def what_of(what: str) -> str:
    """What a run did, in a word or two."""
    return str(WHATS.get(what) or what.replace("_", " "))


def no_run() -> str:
    """What is said of a run that is not there, or is not for the user to see: one answer for both."""
    return _("There is no such run.")


def no_longer() -> str:
    """What is said of a plan that is not there, or is somebody else's: one answer for both."""
    return _("There is no such plan of yours.")
