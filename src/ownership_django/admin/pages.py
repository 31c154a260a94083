"""The pages of one customer: a change to ask for, why, and history. A hidden customer has none, as a missing one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from ownership_core.commands import One
from ownership_core.errors import OwnershipError, Refused
from ownership_core.events import Event
from ownership_core.keys import from_micros
from ownership_core.model import Action, CustomerId
from ownership_core.ruling import NOT_FOUND
from ownership_django.admin.choosing import Chosen
from ownership_django.admin.forms import AskedForm, WhyForm, form_for
from ownership_django.admin.held import held_by, names_of
from ownership_django.admin.limits import LimitedAdmin
from ownership_django.admin.verbs import CLAIM, REMOVE, VERBS, Verb
from ownership_django.admin.words import all_of
from ownership_django.bound import BoundOwnership
from ownership_django.requests import get_ownership

if TYPE_CHECKING:
    _Base = LimitedAdmin
else:
    _Base = object

EVENTS = 50


class CustomerPages(_Base):
    """Adds them to an admin of customers."""

    def ownership_urls(self) -> list[URLPattern]:
        """Their addresses; before Django's own, which take whatever comes."""
        view = self.admin_site.admin_view
        one = "<path:object_id>/ownership/"
        return [
            path(f"{one}why/", view(self.ownership_why), name=self.ownership_name("why")),
            path(f"{one}history/", view(self.ownership_history), name=self.ownership_name("history")),
            path(f"{one}<slug:verb>/", view(self.ownership_change), name=self.ownership_name("change")),
        ]

    def ownership_name(self, page: str) -> str:
        """What an address is called in ``reverse``, without the name of the site."""
        return f"{self.opts.app_label}_{self.opts.model_name}_ownership_{page}"

    def ownership_url(self, page: str, *args: Any) -> str:
        """The address of one of our pages."""
        return reverse(f"{self.admin_site.name}:{self.ownership_name(page)}", args=args)

    # --- pages

    def ownership_change(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        """Ask whom a change is about, and make its plan; the plan's own page shows it."""
        asked = VERBS.get(verb)
        if asked is None:
            raise Http404
        customer = self.ownership_find(request, object_id, asked)
        if customer is None:
            return self.ownership_missing(request, object_id)
        initial = {name: request.GET.get("staff") for name in ("staff", "giver")}
        form = form_for(asked, request.POST if request.method == "POST" else None, initial=initial)
        if request.method == "POST" and form.is_valid():
            answer = self.ownership_planned(request, Chosen(One(CustomerId(str(customer.pk)))), form)
            if answer is not None:
                return answer
        context = {"form": form, "title": asked.heading, "held": held_by([customer.pk])[customer.pk]}
        return self.ownership_page(request, "change", customer, context)

    def ownership_why(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Why a staff may do something to a customer, or may not."""
        customer = self.ownership_find(request, object_id)
        if customer is None:
            return self.ownership_missing(request, object_id)
        bound = get_ownership(request)
        if not bound.allows(Action.EXPLAIN, customer):
            raise PermissionDenied
        asked = {"staff": bound.actor.id, "action": str(Action.VIEW)}
        form = WhyForm(request.GET if "action" in request.GET else None, initial=asked)
        context: dict[str, Any] = {"form": form, "title": _("Why?")}
        if form.is_valid():
            told = form.cleaned_data
            context["explanation"] = bound.why(str(told["staff"].key), told["action"], customer)
            context["may"] = self._who(bound, told["action"], customer)
        return self.ownership_page(request, "why", customer, context)

    def ownership_history(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What happened to a customer, the newest first."""
        customer = self.ownership_find(request, object_id)
        if customer is None:
            return self.ownership_missing(request, object_id)
        events = _events_of(get_ownership(request), customer)
        page = Paginator(events[::-1], EVENTS).get_page(request.GET.get("p"))
        names = names_of(staff for event in page for staff in _people(event))
        context = {"title": _("Ownership history"), "page": page, "rows": [_told(event, names) for event in page]}
        return self.ownership_page(request, "history", customer, context)

    # --- what they share

    def ownership_find(self, request: HttpRequest, object_id: str, verb: Verb | None = None) -> Any:
        """The customer, where the user may see it or may claim it; None for a hidden and for a missing one."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        customer = self.get_object(request, unquote(object_id))
        if customer is None and verb is CLAIM:
            request.ownership_action = str(Action.CLAIM)  # type: ignore[attr-defined]
            customer = self.get_object(request, unquote(object_id))
        return customer

    def ownership_missing(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What Django's own pages answer for a customer that is not there."""
        answer: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        return answer

    def ownership_planned(self, request: HttpRequest, chosen: Chosen, form: AskedForm) -> HttpResponse | None:
        """Plan a change and go to the plan's page; None, with the form saying why, where all of it is refused."""
        try:
            plan = chosen.planned(get_ownership(request), form.command)
        except OwnershipError as refused:
            form.refuse(refused)
            return None
        kept = "" if isinstance(chosen.customers, One) else request.GET.urlencode()
        return HttpResponseRedirect(self.ownership_url("plan", plan.id) + (f"?{kept}" if kept else ""))

    def ownership_page(self, request: HttpRequest, page: str, customer: Any, context: dict[str, Any]) -> HttpResponse:
        """A page of ours around what ``context`` says; ``customer`` is None where it is about several."""
        request.current_app = self.admin_site.name
        whole = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "customer": customer,
            "page_name": page,
            "tabs": [] if customer is None else self.ownership_tabs(request, customer, page),
            **context,
        }
        return TemplateResponse(request, f"ownership/admin/{page}.html", whole)

    def ownership_tabs(self, request: HttpRequest, customer: Any, page: str) -> list[dict[str, Any]]:
        """The pages about one customer that its user may open."""
        id, bound = quote(customer.pk), get_ownership(request)
        if not bound.allows(Action.VIEW, customer):
            return []
        opts = self.opts
        main = reverse(f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_change", args=[id])
        tabs = [("main", opts.verbose_name, main)]
        if bound.allows(Action.EXPLAIN, customer):
            tabs.append(("why", _("Why?"), self.ownership_url("why", id)))
        tabs.append(("history", _("Ownership history"), self.ownership_url("history", id)))
        return [{"title": title, "url": url, "here": name == page} for name, title, url in tabs]

    def _who(self, bound: BoundOwnership, action: str, customer: Any) -> list[str]:
        may = bound.who_can(action, customer)
        names = names_of(may)
        return sorted(names.get(one, one) for one in may)

    def ownership_address(self, customer: Any) -> str:
        """Where the pages of a customer begin."""
        opts = self.opts
        main = f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_change"
        return reverse(main, args=[quote(customer.pk)]).removesuffix("change/") + "ownership/"

    def ownership_links(self, request: HttpRequest, customer: Any) -> list[dict[str, Any]]:
        """The pages and changes that a customer's page leads to: those its user has the right to."""
        bound, address = get_ownership(request), self.ownership_address(customer)
        tabs = self.ownership_tabs(request, customer, "main")[1:]
        verbs = [
            {"title": verb.title, "url": f"{address}{verb.name}/"}
            for verb in VERBS.values()
            if verb is not REMOVE and bound.allows(verb.right, customer)
        ]
        return [*verbs, *tabs]

    def ownership_errors(self, request: HttpRequest, refused: OwnershipError) -> None:
        """Say everything that is wrong."""
        for one in all_of(refused):
            self.message_user(request, one, messages.ERROR)


def _events_of(bound: BoundOwnership, customer: Any) -> list[Event]:
    """Its events; none for one that nobody ever touched."""
    try:
        return bound.history(customer)
    except Refused as refused:
        if refused.codes != (NOT_FOUND,):
            raise
        return []


def _people(event: Event) -> Iterable[str]:
    yield from (staff for staff in event.body.get("primary", ()) if staff is not None)
    for key in ("added", "removed"):
        yield from (one["staff"] for one in event.body.get(key, ()))
    yield event.actor.id


def _told(event: Event, names: dict[str, str]) -> dict[str, Any]:
    def called(staff: str | None) -> str | None:
        return None if staff is None else names.get(staff, staff)

    before, after = event.body.get("primary", (None, None))
    return {
        "version": event.version,
        "at": from_micros(event.at),
        "who": called(event.actor.id) if event.actor.kind.value == "staff" else event.actor.id,
        "what": str(event.body.get("what", "")).replace("_", " "),
        "primary": (called(before), called(after)) if before != after else None,
        "added": [called(one["staff"]) for one in event.body.get("added", ())],
        "removed": [called(one["staff"]) for one in event.body.get("removed", ())],
        "reason": event.reason,
        "run": event.run,
    }
