"""Oscar's own pages about customers, each narrowed to those that whoever looks may see.

Nothing of Oscar is forked: the classes are Oscar's, and the answer to a hidden customer is the one Oscar gives where
there is none.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils.translation import gettext
from oscar.core.loading import get_class, get_model

from ownership_core import Action
from ownership_django.managers import visible_to
from ownership_django.requests import get_ownership

Order = get_model("order", "Order")

_VIEWS = "dashboard.users.views"
IndexView = get_class(_VIEWS, "IndexView")
UserDetailView = get_class(_VIEWS, "UserDetailView")
PasswordResetView = get_class(_VIEWS, "PasswordResetView")
ProductAlertListView = get_class(_VIEWS, "ProductAlertListView")
ProductAlertUpdateView = get_class(_VIEWS, "ProductAlertUpdateView")
ProductAlertDeleteView = get_class(_VIEWS, "ProductAlertDeleteView")


def customers(users: QuerySet[User]) -> QuerySet[User]:
    """Those of ``users`` who are customers: they have ordered something."""
    return users.filter(pk__in=Order.objects.filter(user__isnull=False).values("user"))


class CustomerListView(IndexView):
    """The list, its search and its buttons, which change no more than their page shows."""

    def get_queryset(self) -> QuerySet[User]:
        """What the page shows, and what its buttons reach: select_across and forged numbers come through here too."""
        action = Action.VIEW if self.request.method in ("GET", "HEAD") else Action.EDIT
        return visible_to(customers(super().get_queryset()), get_ownership(self.request), action)


class _OneCustomer:
    """A page about one customer, if the user has the right to it."""

    request: HttpRequest
    right = "ownership.view"

    def get_queryset(self) -> QuerySet[User]:
        """Customers only: users of the back office have no page here."""
        return customers(super().get_queryset())  # type: ignore[misc]

    def get_object(self, queryset: QuerySet[User] | None = None) -> User:
        """The customer; one that is hidden is answered by the very words for one that is not there."""
        found: User = super().get_object(queryset)  # type: ignore[misc]
        if not self.request.user.has_perm(self.right, found):
            said = gettext("No %(verbose_name)s found matching the query")
            raise Http404(said % {"verbose_name": User._meta.verbose_name})
        return found


class CustomerDetailView(_OneCustomer, UserDetailView):
    """The page of one customer."""


class CustomerPasswordResetView(_OneCustomer, PasswordResetView):
    """The button there that sends a new password."""

    right = "ownership.edit"


class _Alerts:
    """Customers' wishes to be told of a product: they carry names and addresses, so they follow their customers."""

    request: HttpRequest
    action: str = Action.EDIT

    def get_queryset(self) -> Any:
        """Alerts of visible customers; those of strangers, known by an address alone, belong to nobody here."""
        mine = visible_to(User.objects.all(), get_ownership(self.request), self.action)
        return super().get_queryset().filter(user__in=mine)  # type: ignore[misc]


class AlertListView(_Alerts, ProductAlertListView):
    """The alerts."""

    action = Action.VIEW


class AlertUpdateView(_Alerts, ProductAlertUpdateView):
    """Changing one."""


class AlertDeleteView(_Alerts, ProductAlertDeleteView):
    """Deleting one."""
