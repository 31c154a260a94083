"""What a deletion would take with it, for the page that asks whether one is sure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.utils import NestedObjects, quote
from django.db import router
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from ownership_core.model import Action
from ownership_django.admin.paths import customer_of, path_to_customer
from ownership_django.requests import get_ownership


def deleted_objects(rows: list[Any], request: HttpRequest, site: Any) -> tuple[Any, Any, set[Any], list[Any]]:
    """As Django's ``get_deleted_objects``: the nested names, counts by model, permissions lacking, what protects.

    A row that follows a customer whom the user may not see has no name, no link, and cannot be deleted.
    """
    if not rows:
        return [], {}, set(), []
    collector = NestedObjects(using=router.db_for_write(type(rows[0])), origin=rows)
    collector.collect(rows)
    found = [*(row for some in collector.model_objs.values() for row in some), *collector.protected]
    said = _Said(request, site, hidden(found, request))
    nested = collector.nested(said.name)
    protected = [said.name(row) for row in collector.protected]
    by_model: Any = collector.model_objs  # the stubs take its keys for names
    counts = {model._meta.verbose_name_plural: len(some) for model, some in by_model.items()}
    return nested, counts, said.lacking, protected


def hidden(rows: Iterable[Model], request: HttpRequest) -> set[Model]:
    """Those of ``rows`` that follow a customer hidden from the user; asked by one statement for each action."""
    owner: dict[Model, str] = {}
    for row in rows:
        path = path_to_customer(type(row))
        customer = None if path is None else customer_of(row, path)
        if customer is not None:
            owner[row] = str(customer)
    bound, asked = get_ownership(request), list(dict.fromkeys(owner.values()))
    seen: frozenset[str] = frozenset(bound.check(Action.VIEW, asked)) if asked else frozenset()
    if asked:
        bound.check(Action.DELETE, asked)  # remembered: each row is asked about below
    return {row for row, customer in owner.items() if customer not in seen}


class _Said:
    """Names rows, and gathers what may not be deleted."""

    def __init__(self, request: HttpRequest, site: Any, unseen: set[Model]) -> None:
        self._request = request
        self._site = site
        self._unseen = unseen
        self.lacking: set[Any] = set()

    def name(self, row: Model) -> Any:
        """The row with a link to its page."""
        opts = row._meta
        kind = capfirst(opts.verbose_name)
        if row in self._unseen:
            self.lacking.add(opts.verbose_name)
            return _("%(kind)s: (hidden)") % {"kind": kind}
        if not self._site.is_registered(type(row)):
            return f"{kind}: {row}"
        if not self._site.get_model_admin(type(row)).has_delete_permission(self._request, row):
            self.lacking.add(opts.verbose_name)
        try:
            url = reverse(f"{self._site.name}:{opts.app_label}_{opts.model_name}_change", None, (quote(row.pk),))
        except NoReverseMatch:
            return f"{kind}: {row}"
        return format_html('{}: <a href="{}">{}</a>', kind, url, row)
