"""Limiting a host's own querysets to what somebody may see. They only ever become narrower."""

from __future__ import annotations

from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db.models import Manager, Model, QuerySet

from ownership_core.model import Action
from ownership_django.bound import BoundOwnership, bound_to

_M = TypeVar("_M", bound=Model)


def visible_to(queryset: QuerySet[_M], actor_or_user: Any, action: str = Action.VIEW) -> QuerySet[_M]:
    """The customers of ``queryset`` that ``actor_or_user`` may do ``action`` to.

    The one policy that lists, checks and exports everywhere else (I14, B17), as a condition: ``count()``,
    ``aggregate()``, ``values()`` and slices obey it, no join repeats a row, and hidden rows are as missing ones
    (``DoesNotExist``). Give a user, an :class:`~ownership_core.model.Actor`, or what ``get_ownership`` gave.
    Anonymous, inactive and unknown people see nothing. Costs one statement, of a user as of an actor.

    Call it for each request, before slicing: the condition holds for the access as it is now, and shows nothing
    once that has changed. Raises :class:`InvalidInput` for a queryset of another model.
    """
    bound = actor_or_user if isinstance(actor_or_user, BoundOwnership) else bound_to(actor_or_user)
    return bound.visible_to(queryset, action)


async def avisible_to(queryset: QuerySet[_M], actor_or_user: Any, action: str = Action.VIEW) -> QuerySet[_M]:
    """:func:`visible_to` for asynchronous views."""
    return await sync_to_async(visible_to)(queryset, actor_or_user, action)


class OwnershipQuerySetMixin:
    """For a host's own queryset class: ``class CustomerQuerySet(OwnershipQuerySetMixin, QuerySet): ...``."""

    def visible_to(self, actor_or_user: Any, action: str = Action.VIEW) -> Any:
        """See :func:`visible_to`."""
        return visible_to(self, actor_or_user, action)  # type: ignore[arg-type]


class OwnershipQuerySet(OwnershipQuerySetMixin, QuerySet[_M]):
    """A queryset with :func:`visible_to`: ``objects = OwnershipQuerySet.as_manager()``."""


OwnershipManager = Manager.from_queryset(OwnershipQuerySet)
"""The same as a manager to inherit from."""
