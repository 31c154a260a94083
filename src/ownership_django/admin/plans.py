"""The page between asking for a change and making it: who gains, who loses, and what is refused and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from ownership_core.commands import Offboard, Revert
from ownership_core.errors import OwnershipError, Refused
from ownership_core.model import Action
from ownership_core.ports import Tally
from ownership_core.ruling import NOT_FOUND, Fate, PlanRow
from ownership_django import hosts
from ownership_django.admin.applying import (
    PAGE,
    Moved,
    Shown,
    applied,
    found,
    is_applied,
    one_customer,
    shown,
)
from ownership_django.admin.leavers import rows_of
from ownership_django.admin.pages import CustomerPages
from ownership_django.admin.verbs import right_of
from ownership_django.admin.words import FATES, no_longer, reason_of, said_of, told
from ownership_django.bound import BoundOwnership
from ownership_django.requests import get_ownership

if TYPE_CHECKING:
    _Base = CustomerPages
else:
    _Base = object


class PlanPage(_Base):
    """Adds it to an admin of customers."""

    def plan_urls(self) -> list[URLPattern]:
        """Its address."""
        view = self.admin_site.admin_view(self.ownership_plan)
        return [path("ownership/plan/<str:plan>/", view, name=self.ownership_name("plan"))]

    def ownership_plan(self, request: HttpRequest, plan: str) -> HttpResponse:
        """Show a plan, or apply it. Somebody else's is as unknown as one that is not there."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        bound = get_ownership(request)
        fate, page = _asked(request)
        try:
            if request.method == "POST":
                return self._apply(request, bound, plan)
            said = shown(bound, plan, fate, page)
        except Refused as refused:
            if "unknown_plan" not in refused.codes:
                raise
            self.message_user(request, no_longer(), messages.WARNING)
            return HttpResponseRedirect(self.ownership_back(request, None))
        return self.ownership_page(request, "plan", None, self._context(request, bound, said, fate, page))

    def _apply(self, request: HttpRequest, bound: BoundOwnership, plan: str) -> HttpResponse:
        _run, command = found(bound, plan)
        try:
            receipt = applied(bound, plan, request.user, self.model)
        except OwnershipError as refused:
            self.ownership_errors(request, refused)
            return HttpResponseRedirect(request.get_full_path())
        done = receipt.changed or receipt.rules or receipt.covers
        self.message_user(request, told(receipt), messages.SUCCESS if done else messages.WARNING)
        for warning in receipt.warnings:
            self.message_user(request, said_of(warning), messages.WARNING)
        return HttpResponseRedirect(self.ownership_origin(request, command))

    def ownership_origin(self, request: HttpRequest, command: Moved) -> str:
        """Where a plan came from: a run, the page of whoever leaves, a customer, or the list."""
        if isinstance(command, Revert):
            return self.ownership_url("run", command.run)
        if isinstance(command, Offboard):
            return self._staff_page(request, command.staff) or self.ownership_back(request, None)
        return self.ownership_back(request, one_customer(command))

    def _staff_page(self, request: HttpRequest, staff: str) -> str | None:
        """The page of whoever leaves, where the user may open it."""
        for admin in self.admin_site._registry.values():  # noqa: SLF001 - asked, not changed
            address = getattr(admin, "ownership_staff_address", None)
            if address is not None and admin.has_view_or_change_permission(request):
                key = rows_of(admin.model, [staff]).get(staff)
                return None if key is None else str(address(key))
        return None

    def ownership_back(self, request: HttpRequest, customer: str | None) -> str:
        """Where somebody came from: the page of the one customer, if it can still be seen, or the list as it was."""
        at = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}"
        if customer is not None and get_ownership(request).allows(Action.VIEW, customer):
            return reverse(f"{at}_change", args=[quote(customer)])
        kept = request.GET.copy()
        for name in ("fate", "page"):
            kept.pop(name, None)
        return reverse(f"{at}_changelist") + (f"?{kept.urlencode()}" if kept else "")

    def _context(
        self, request: HttpRequest, bound: BoundOwnership, said: Shown, fate: Fate | None, page: int
    ) -> dict[str, Any]:
        tally = said.run.tally
        names = self._names(bound, said)
        many = tally.total if fate is None else getattr(tally, fate.value)
        applied = is_applied(bound, said.run)
        return {
            "title": said.sentence,
            "reason": said.run.reason,
            "tally": tally,
            "reasons": [(reason_of(code), code, count) for code, count in sorted(tally.codes.items())],
            "changes": said.changes,
            "rows": [_row(row, names, said) for row in said.rows],
            "fates": _fates(tally, fate, request),
            "pages": _pages(many, page, request),
            "applied": applied,
            "warnings": () if applied else tuple(map(said_of, said.warnings)),
            "beside": said.beside,
            "left": [said_of(one) for one in said.beside.left],
            "back": self.ownership_origin(request, said.command),
        }

    def _names(self, bound: BoundOwnership, said: Shown) -> dict[str, str]:
        """What the customers of these rows are called, where the user may see them now, or may do this to them."""
        customers = hosts.customers()
        ids = [row.customer for row in said.rows if row.codes != (NOT_FOUND,)]
        names: dict[str, str] = {}
        for action in (Action.VIEW, right_of(said.command)):
            keys = [customers.value(id) for id in ids if id not in names]
            if keys:
                seen = bound.visible_to(customers.rows().filter(pk__in=keys), action)
                names |= {str(row.pk): str(row) for row in seen}
        return names


def _asked(request: HttpRequest) -> tuple[Fate | None, int]:
    fate = request.GET.get("fate")
    page = request.GET.get("page", "")
    small = page.isascii() and page.isdigit() and len(page) < 7  # noqa: PLR2004 - no more pages than that
    return Fate(fate) if fate in {one.value for one in Fate} else None, max(1, int(page)) if small else 1


def _row(row: PlanRow, names: dict[str, str], plan: Shown) -> dict[str, Any]:
    def called(staff: str | None) -> str | None:
        return None if staff is None else plan.names.get(staff, staff)

    return {
        "id": row.customer,
        "name": names.get(row.customer),
        "fate": row.fate.value,
        "said": FATES[row.fate],
        "reasons": [(code, reason_of(code)) for code in row.codes],
        "before": called(row.primary_before),
        "after": called(row.primary_after),
        "added": [called(row.added)] * (row.added is not None) + [called(back.staff) for back in row.restored],
        "removed": [called(gone.staff) for gone in row.removed],
    }


def _with(request: HttpRequest, **changes: str | None) -> str:
    query = request.GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = value
    return f"?{query.urlencode()}"


def _fates(tally: Tally, chosen: Fate | None, request: HttpRequest) -> list[dict[str, Any]]:
    """Links to the rows of each fate."""
    counts: list[tuple[Fate | None, int]] = [(None, tally.total)]
    counts += [(fate, getattr(tally, fate.value)) for fate in Fate]
    return [
        {
            "title": None if fate is None else FATES[fate],
            "count": count,
            "url": _with(request, fate=None if fate is None else fate.value, page=None),
            "here": fate is chosen,
        }
        for fate, count in counts
        if count or fate is None
    ]


def _pages(many: int, page: int, request: HttpRequest) -> dict[str, Any]:
    last = max(1, -(-many // PAGE))
    return {
        "page": page,
        "last": last,
        "before": _with(request, page=str(page - 1)) if page > 1 else None,
        "after": _with(request, page=str(page + 1)) if page < last else None,
    }
