"""Who a user of the host is to us: the staff its row is linked to, or nobody."""

from __future__ import annotations

import uuid
from typing import Any

from attrs import frozen
from django.db import connections

from ownership_core.model import Access, Actor, StaffId
from ownership_core.ports import Reader
from ownership_django import conf, hosts
from ownership_django.store.access import linked_access
from ownership_django.store.errors import told

_REMEMBERED = "_ownership_asker"


@frozen
class Asker:
    """Who asks. A ``superuser`` is one who is no active staff: it may do everything. A ``stranger`` may do nothing.

    ``link`` is how a staff was found: the lookup from its row, and the key of the user it led to.
    """

    actor: Actor
    superuser: bool = False
    stranger: bool = False
    link: tuple[str, Any] | None = None

    def access(self, reader: Reader) -> Access | None:
        """What this staff may do now, as its row is linked now: a user may be unlinked while an object lives on."""
        if self.link is None:
            return reader.access([StaffId(self.actor.id)]).get(StaffId(self.actor.id))
        using = conf.configuration().database
        with told(connections[using]):
            linked = linked_access(using, *self.link)
        return linked[0] if linked is not None and linked[0].staff == self.actor.id else None


def asker_of(user: Any) -> Asker:
    """Who asks when ``user`` asks; an :class:`Actor` is itself.

    A user that is not active, or is linked to no staff, is nobody and sees nothing. An active superuser who is no
    active staff is the operator under its own name, and never owns anybody: Django itself says yes to whatever
    such a user is asked about, and a list shows what a check allows. Looked up once for each object: a request
    has its user anew.
    """
    return entering(user)[0]


def entering(user: Any) -> tuple[Asker, list[Access | None]]:
    """:func:`asker_of`, and in a list its access where finding out who asks has read that just now."""
    if isinstance(user, Actor):
        return Asker(user), []
    if not _may_enter(user):
        return _stranger(), []
    known: tuple[Any, Asker] | None = getattr(user, _REMEMBERED, None)
    if known is not None and known[0] == user.pk:
        return known[1], []
    asker, seen = _found(user)
    setattr(user, _REMEMBERED, (user.pk, asker))
    return asker, seen


def _stranger() -> Asker:
    """Somebody nobody knows: no staff has this id, and none ever will."""
    return Asker(Actor.staff(f"nobody-{uuid.uuid4()}"), stranger=True)


def _may_enter(user: Any) -> bool:
    return getattr(user, "pk", None) is not None and bool(getattr(user, "is_active", True))


def _found(user: Any) -> tuple[Asker, list[Access | None]]:
    path = hosts.path_of(user.__class__)  # of the user, where ``user`` is the lazy object of a request
    if path is None:
        return _stranger(), []
    access, employed = linked_access(conf.configuration().database, path, user.pk) or (None, False)
    if getattr(user, "is_superuser", False) and not employed:
        return Asker(Actor.operator(user.get_username()), superuser=True), []
    if access is None:
        return _stranger(), []
    return Asker(Actor.staff(str(access.staff)), link=(path, user.pk)), [access]
