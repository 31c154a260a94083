"""Who may still ask: what every statement of an actor carries, so that a revoke is seen by the statement itself.

A staff row may be linked to a user of the host. Then the user has a say too: one that is not active lets nobody in,
and an active superuser has every right and no restriction (:class:`~ownership_core.model.Access` ``unbounded``).
Both are flags the host changes without telling us, so the guard asks for them anew.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from django.contrib.auth import get_user_model
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q, Value
from django.db.models.lookups import Lookup
from django.db.models.sql.compiler import SQLCompiler

from ownership_core.ports import Guard
from ownership_django import conf, hosts
from ownership_django.models import Staff
from ownership_django.values import as_q

_Said: TypeAlias = "tuple[str, tuple[Any, ...]]"
_STAFF, _VERSION = "a staff", -(2**62)
"""What stands in a statement in place of whoever asks, until somebody does."""


def guarded(guard: Guard | None) -> Q:
    """TRUE while the staff is active and its access is still what the snapshot says; asked once, not per row."""
    return as_q(True) if guard is None else Q(Held(guard))


class Held(Lookup):
    """The guard as a condition that looks at nothing of the row at hand.

    It stands in every statement, so its text is made once and kept; making it anew cost more than a page.
    """

    lookup_name = "held"
    prepare_rhs = False

    def __init__(self, guard: Guard) -> None:
        super().__init__(Value(1), (guard.staff, guard.version))

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:  # noqa: ARG002
        """``EXISTS (the staff as it was)``."""
        staff, version = self.rhs
        superuser = version < 0
        kept = _kept()
        if (connection.alias, superuser) not in kept:
            kept[connection.alias, superuser] = _said(connection, superuser=superuser)
        text, params = kept[connection.alias, superuser]
        asked = {_STAFF: staff, _VERSION: seen_version(version, superuser=superuser)}
        return text, tuple(asked.get(param, param) for param in params)


def seen_version(access_version: int, *, superuser: bool) -> int:
    """The version of an access snapshot, below zero for a superuser's: that is part of what must not change.

    It is its own inverse.
    """
    return -1 - access_version if superuser else access_version


def user_is(*, superuser: bool) -> Q:
    """Of a staff row: its user is an active superuser; or else there is no user, or an active ordinary one.

    A model of users without these flags has no superusers, and all its users are active.
    """
    path, flags = hosts.login_path(), {field.name for field in get_user_model()._meta.get_fields()}
    asked = {"is_active": True, "is_superuser": superuser}
    asked = {f"{path}__{flag}": wanted for flag, wanted in asked.items() if path is not None and flag in flags}
    if superuser:
        return Q(**asked) if "is_superuser" in flags and asked else as_q(False)
    return Q(**{f"{path}__isnull": True}) | Q(**asked) if asked else as_q(True)


@conf.until_changed
def _kept() -> dict[tuple[str, bool], _Said]:
    return {}


def _said(connection: BaseDatabaseWrapper, *, superuser: bool) -> _Said:
    mine = hosts.rows_in(Staff).filter(key=_STAFF, active=True, deleted=False, access_version=_VERSION)
    query = mine.filter(user_is(superuser=superuser)).query.exists()
    text, params = query.get_compiler(connection=connection).as_sql()
    return f"EXISTS({text})", tuple(params)
