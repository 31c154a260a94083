"""``user.has_perm("ownership.edit", customer)``: the same policy behind the question Django's own way asks it."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import PermissionDenied
from django.db.models import Model

from ownership_core.errors import InvalidInput
from ownership_django.actors import entering
from ownership_django.bound import BoundOwnership

APP = "ownership"
_KEPT = "_ownership_backend"


class OwnershipBackend(BaseBackend):
    """Add it behind ``ModelBackend`` in ``AUTHENTICATION_BACKENDS``, before guardian's. It logs nobody in.

    It answers for ``ownership.<action>`` and one row, and is silent (False) about everything else, so that it
    stands beside any other backend. What it denies nobody else may grant: Django asks no further, which would be
    a second door, and guardian's backend raises when it is asked for another app's permission. Django itself says
    yes for active superusers before it asks anybody; so does our policy, and a list holds what a check allows.
    """

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Whether the user may do the action to this customer; one statement, two the first time.

        False for what is not ours; :class:`PermissionDenied` for a no, which ``user.has_perm`` makes False. The
        answer is asked anew each time: ``get_ownership(request).allows`` remembers it for a request.
        """
        app, _, action = perm.partition(".")
        if app != APP or not isinstance(obj, Model) or obj._meta.app_label == APP:
            return False
        if not _allows(user_obj, action, obj):
            raise PermissionDenied
        return True

    async def ahas_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """:meth:`has_perm`, awaited."""
        return await sync_to_async(self.has_perm)(user_obj, perm, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether our own app is anything to the user: only if staff, and active."""
        return app_label == APP and _bound(user_obj).is_known()

    async def ahas_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """:meth:`has_module_perms`, awaited."""
        return await sync_to_async(self.has_module_perms)(user_obj, app_label)


def _allows(user: Any, action: str, row: Model) -> bool:
    try:
        return _bound(user).allows_now(action, row)
    except InvalidInput:  # another model, or a key that can be nobody's
        return False


def _bound(user: Any) -> BoundOwnership:
    asker, seen = entering(user)
    kept: BoundOwnership | None = getattr(user, _KEPT, None)
    if kept is None or kept.actor != asker.actor:
        kept = BoundOwnership(asker, seen)
        setattr(user, _KEPT, kept)
    return kept
