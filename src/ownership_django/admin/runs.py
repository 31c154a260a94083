"""What was done, by whom and to how many, and the way to take it back: through a plan, as every change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import select_template
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from ownership_core.commands import AssignmentCommand, MovingCommand, Revert
from ownership_core.errors import OwnershipError, Refused
from ownership_core.keys import from_micros
from ownership_core.model import Action, ActorKind
from ownership_core.ports import Run, RunState
from ownership_core.service.undoing import CHANGES_BESIDE, REVERTIBLE
from ownership_core.wire import command_from_wire
from ownership_django import hosts
from ownership_django.admin.held import names_of
from ownership_django.admin.pages import CustomerPages
from ownership_django.admin.verbs import said, staff_of
from ownership_django.admin.words import no_run, reason_of, what_of
from ownership_django.bound import BoundOwnership
from ownership_django.requests import get_ownership

if TYPE_CHECKING:
    _Base = CustomerPages
else:
    _Base = object

NEWEST = 200
"""How many runs and plans are looked at for the list."""


class RunPages(_Base):
    """Adds them to an admin of customers."""

    change_list_template = "ownership/admin/change_list.html"

    def run_urls(self) -> list[URLPattern]:
        """Their addresses."""
        view = self.admin_site.admin_view
        return [
            path("ownership/runs/", view(self.ownership_runs), name=self.ownership_name("runs")),
            path("ownership/runs/<str:run>/", view(self.ownership_run), name=self.ownership_name("run")),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list as the host has it, with a link to the runs above it."""
        more = {"ownership_base": self._list_base(), **(extra_context or {})}
        if self.ownership_is_of_customers():  # type: ignore[attr-defined]
            more["ownership_runs"] = self.ownership_url("runs")
        return super().changelist_view(request, more)

    def ownership_runs(self, request: HttpRequest) -> HttpResponse:
        """The newest runs: one's own, and everybody's for whoever may explain every customer."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        bound = get_ownership(request)
        runs = [run for run in bound.service.runs(bound.actor, NEWEST) if run.state is RunState.APPLIED]
        names = names_of(run.actor.id for run in runs)
        rows = [{**_row(run, names), "url": self.ownership_url("run", run.id)} for run in runs]
        return self.ownership_page(request, "runs", None, {"title": _("Runs"), "rows": rows})

    def ownership_run(self, request: HttpRequest, run: str) -> HttpResponse:
        """One run, and the button that plans to take it back. Somebody else's is as unknown as a missing one."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        bound = get_ownership(request)
        found = _found(bound, run)
        if found is None:
            self.message_user(request, no_run(), messages.WARNING)
            return HttpResponseRedirect(self.ownership_url("runs"))
        if request.method == "POST":
            return self._take_back(request, bound, found)
        context = {
            "title": _said(found),
            "run": _row(found, names_of([found.actor.id])),
            "reasons": [(reason_of(code), code, count) for code, count in sorted(found.tally.codes.items())],
            "may_take_back": found.what in REVERTIBLE and _changed(found) and _may_assign(bound),
            "crumbs": [(_("Runs"), self.ownership_url("runs"))],
        }
        return self.ownership_page(request, "run", None, context)

    def _take_back(self, request: HttpRequest, bound: BoundOwnership, run: Run) -> HttpResponse:
        try:
            plan = bound.plan(Revert(run.id))
        except OwnershipError as refused:
            self.ownership_errors(request, refused)
            return HttpResponseRedirect(self.ownership_url("run", run.id))
        return HttpResponseRedirect(self.ownership_url("plan", plan.id))

    def _list_base(self) -> Any:
        """The template of the list that the host, or Django, would have taken."""
        opts, theirs = self.opts, super().change_list_template
        several = [f"admin/{opts.app_label}/{opts.model_name}/", f"admin/{opts.app_label}/", "admin/"]
        names = [f"{folder}change_list.html" for folder in several] if theirs is None else [str(theirs)]
        chosen: Any = select_template(names)
        return chosen.template


def _found(bound: BoundOwnership, run: str) -> Run | None:
    """The run, where it was applied and the asker may see it."""
    try:
        found = bound.service.run(bound.actor, run)
    except Refused as refused:
        if refused.codes != ("unknown_run",):
            raise
        return None
    return found if found.state is RunState.APPLIED else None


def _changed(run: Run) -> bool:
    """Whether there is anything to take back: customers, or rules and covers."""
    return bool(run.tally.changed) or run.what in CHANGES_BESIDE


def _may_assign(bound: BoundOwnership) -> bool:
    return not bound.visible_to(hosts.customers().rows(), Action.ASSIGN).query.is_empty()


def _said(run: Run) -> str:
    """What was done, in a sentence."""
    command = command_from_wire(run.command)
    if isinstance(command, AssignmentCommand | MovingCommand):
        return said(command, names_of(staff_of(command)))
    return what_of(run.what)


def _row(run: Run, names: dict[str, str]) -> dict[str, Any]:
    is_staff = run.actor.kind is ActorKind.STAFF
    return {
        "id": run.id,
        "at": from_micros(run.at),
        "who": names.get(run.actor.id, run.actor.id) if is_staff else run.actor.id,
        "what": what_of(run.what),
        "reason": run.reason,
        "tally": run.tally,
        "left": run.tally.total - run.tally.changed,
    }
