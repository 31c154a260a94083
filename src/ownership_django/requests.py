"""The service for whoever sent a request: one access snapshot a request, and a new one in the next."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.http import HttpRequest

from ownership_django.bound import BoundOwnership, bound_to

_KEPT = "_ownership"


def get_ownership(request: HttpRequest) -> BoundOwnership:
    """What the user of ``request`` may do, and how to do it: ``get_ownership(request).allows("edit", customer)``.

    The access is read once and kept on the request itself, nowhere else: nothing is shared between requests,
    threads or tasks, and whoever was revoked is out with the next one. Somebody who logs in or out meanwhile is
    somebody else. Anonymous and inactive users, and those linked to no staff, may do nothing.
    """
    user = getattr(request, "user", None)
    kept: tuple[object, BoundOwnership] | None = getattr(request, _KEPT, None)
    if kept is None or kept[0] != getattr(user, "pk", None):
        kept = (getattr(user, "pk", None), bound_to(user))
        setattr(request, _KEPT, kept)
    return kept[1]


async def aget_ownership(request: HttpRequest) -> BoundOwnership:
    """:func:`get_ownership` for asynchronous views; its methods that begin with ``a`` are awaited."""
    return await sync_to_async(get_ownership)(request)
