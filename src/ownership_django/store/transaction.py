"""Transactions: the outermost is ours and may be begun again; inside one of the site's we are a guest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import Error, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ownership_core.reasons import Reason
from ownership_django.store.errors import coded, refused, told, unfit

READ_COMMITTED = "READ COMMITTED"
_LEVELS = {"mysql": ("read committed", "serializable"), "postgresql": ("read committed", "serializable")}


def is_ours(using: str) -> bool:
    """Whether a transaction begun now would be our own: nobody has begun one, and Django ends what it begins."""
    connection = connections[using]
    return not connection.in_atomic_block and connection.get_autocommit()


@contextmanager
def writing(using: str) -> Iterator[None]:
    """A transaction of our own, or a savepoint in the site's; undone when the block raises.

    Codes: ``unsafe_isolation``; at its end those of a commit.
    """
    connection, ours = connections[using], is_ours(using)
    block = transaction.atomic(using=using)
    with told(connection):
        if ours:
            _begin(connection, block)
        else:
            _require_fit(connection)
            block.__enter__()
    try:
        yield
    except BaseException:
        block.__exit__(*sys.exc_info())
        raise
    else:
        _end(connection, block, ours=ours)


def _begin(connection: BaseDatabaseWrapper, block: Any) -> None:
    """What is decided on is what was committed last, and a writer waits for other writers now, not later."""
    if connection.vendor == "sqlite":
        usual = getattr(connection, "transaction_mode", None)
        connection.ensure_connection()
        connection.transaction_mode = "IMMEDIATE"  # type: ignore[attr-defined]
        try:
            block.__enter__()
        finally:
            connection.transaction_mode = usual  # type: ignore[attr-defined]
        return
    if connection.vendor == "mysql":  # said before it begins
        _isolate(connection)
        block.__enter__()
        return
    block.__enter__()
    try:
        _isolate(connection)
    except BaseException:
        block.__exit__(*sys.exc_info())
        raise


def _isolate(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {READ_COMMITTED}")


def _require_fit(connection: BaseDatabaseWrapper) -> None:
    """REPEATABLE READ would decide on what was, and nobody would say so."""
    level = _level(connection)
    if level not in _LEVELS.get(connection.vendor, (level,)):
        what = f"The site's transaction is {level.upper()}."
        hint = "Let it be READ COMMITTED, as Django does unless OPTIONS['isolation_level'] says otherwise."
        raise unfit("unsafe_isolation", what, hint)


def _level(connection: BaseDatabaseWrapper) -> str:
    asked = {"postgresql": "SHOW transaction_isolation", "mysql": "SELECT @@session.tx_isolation"}.get(
        connection.vendor
    )
    if asked is None:
        return ""
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return str(cursor.fetchone()[0]).replace("-", " ").lower()


def _end(connection: BaseDatabaseWrapper, block: Any, *, ours: bool) -> None:
    broken = connection.needs_rollback  # Django would undo everything, and say nothing
    try:
        block.__exit__(None, None, None)
    except Error as error:
        raise coded(error, connection.vendor, at_commit=ours) from None
    if broken:
        raise refused(Reason.COLLIDED)
