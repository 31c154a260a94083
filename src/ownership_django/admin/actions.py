"""The actions of the list: choose customers, say whom it is about, see the plan, apply it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest

from ownership_core.errors import OwnershipError
from ownership_django import hosts
from ownership_django.admin.choosing import chosen, count
from ownership_django.admin.filters import StaffFilter
from ownership_django.admin.forms import form_for
from ownership_django.admin.plans import PlanPage
from ownership_django.admin.verbs import ADD, CLAIM, CLEAR, HAND_OVER, RELEASE, REMOVE, SET, SET_PRIMARY, VERBS, Verb
from ownership_django.bound import BoundOwnership
from ownership_django.requests import get_ownership

if TYPE_CHECKING:
    _Base = PlanPage
else:
    _Base = object

STEP = "ownership_step"
"""Posted by the page that asks whom it is about."""


def _action(verb: Verb) -> Callable[..., Any]:
    """An action as Django lists it; whether it is granted is said by its plan."""

    @admin.action(description=verb.title, permissions=("view",))
    def run(modeladmin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        return modeladmin.ownership_selected(request, queryset, verb)

    return run


class SelectedPage(_Base):
    """Adds them to an admin of customers."""

    ownership_set_primary = _action(SET_PRIMARY)
    ownership_set = _action(SET)
    ownership_add = _action(ADD)
    ownership_remove = _action(REMOVE)
    ownership_clear = _action(CLEAR)
    ownership_hand_over = _action(HAND_OVER)
    ownership_claim = _action(CLAIM)
    ownership_release = _action(RELEASE)

    def ownership_selected(self, request: HttpRequest, queryset: QuerySet[Any], verb: Verb) -> Any:
        """Ask whom a change of several customers is about, and make its plan.

        The ids of a page go along as Django's own actions send them. All that match a filter are not sent: they are
        looked up here, by the filter in the address.
        """
        bound = get_ownership(request)
        initial = {"giver": request.GET.get(StaffFilter.parameter_name)}
        form = form_for(verb, request.POST if STEP in request.POST else None, initial=initial)
        if form.is_valid():
            try:
                customers = chosen(queryset, request, bound)
            except OwnershipError as refused:
                form.refuse(refused)
            else:
                answer = self.ownership_planned(request, customers, form)
                if answer is not None:
                    return answer
        across = request.POST.get("select_across") == "1"
        context = {
            "form": form,
            "title": verb.heading,
            "count": count(queryset),
            "hidden": _kept(request, verb, across),
            "back": request.get_full_path(),
        }
        return self.ownership_page(request, "change", None, context)


def _kept(request: HttpRequest, verb: Verb, across: bool) -> list[tuple[str, str]]:
    """What the next step has to post again: the action, and the page's ids or that all are meant."""
    ids = ["0"] if across else request.POST.getlist(ACTION_CHECKBOX_NAME)
    fixed = [("action", name_of(verb)), ("select_across", "1" if across else "0"), (STEP, "plan")]
    return fixed + [(ACTION_CHECKBOX_NAME, one) for one in ids]


def name_of(verb: Verb) -> str:
    """What Django calls the action of a verb."""
    return f"ownership_{verb.name.replace('-', '_')}"


def names_for(bound: BoundOwnership) -> list[str]:
    """The actions whose right reaches anybody at all; known from the access, without a statement of its own."""
    rows = hosts.customers().rows()
    return [name_of(verb) for verb in VERBS.values() if not bound.visible_to(rows, verb.right).query.is_empty()]
