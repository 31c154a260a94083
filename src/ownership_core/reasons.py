"""What a database's refusal means to a caller: its own code, and whether trying again may help (I44, I45).

Every SQL store reads the reason from its driver's exception here, so that all of them answer with the same codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

from ownership_core.errors import Conflict, OwnershipError, Problem, StoreError


class Reason(Enum):
    """Why a statement failed."""

    BUSY = Problem("storage_busy", "Another writer holds the database.", "Try again in a moment.")
    COLLIDED = Problem(
        "retry_transaction",
        "Two transactions stood in each other's way, and the database ended this one.",
        "Nothing was written. Repeat the whole command.",
    )
    LOCK_TIMEOUT = Problem(
        "lock_timeout",
        "Another transaction held what this one needed for too long.",
        "Try again, or look for a transaction that is left open.",
    )
    STATEMENT_TIMEOUT = Problem(
        "statement_timeout",
        "The database ended a statement that took too long.",
        "Ask for less, or raise the limit of the database.",
    )
    READ_ONLY = Problem(
        "storage_read_only",
        "This database takes no changes: it is a standby, or set to read only.",
        "Send changes to the database that takes them.",
    )
    FULL = Problem("disk_full", "The database has no room left.", "Make room; nothing was written.")
    NO_CONNECTION = Problem(
        "pool_exhausted",
        "No connection to the database was free.",
        "Try again, keep transactions short, or allow more connections.",
    )
    GRANT = Problem(
        "missing_grant",
        "The database does not let this user do that.",
        "Grant SELECT, INSERT, UPDATE and DELETE on our tables; upgrading must be allowed to make them.",
    )
    REFUSED = Problem(
        "conflict",
        "The database refused a row that contradicts what it holds.",
        "Read again and repeat the command.",
    )
    GONE = Problem(
        "storage_unavailable",
        "The database did not answer.",
        "Look whether it is there and writable; `ownership doctor` tells more.",
    )
    UNKNOWN = Problem(
        "outcome_unknown",
        "The connection was lost during the commit: the change may stand or not.",
        "Repeat the command with the same idempotency key; without a key, read before you repeat.",
    )


TRANSIENT = frozenset({Reason.BUSY, Reason.COLLIDED, Reason.LOCK_TIMEOUT, Reason.NO_CONNECTION})
"""Nothing was written, and beginning again may well succeed."""


def problem_of(reason: Reason, who: str) -> OwnershipError:
    """The error a caller sees; the driver's text and the SQL stay behind."""
    kind = Conflict if reason is Reason.REFUSED else StoreError
    return kind(reason.value, who=who, transient=reason in TRANSIENT)


@contextmanager
def overtaken() -> Iterator[None]:
    """Around rows that were looked for and not there: one that is refused now was written by somebody meanwhile.

    That one was waited for, and is done: whoever begins again finds it, and decides by it.
    """
    try:
        yield
    except Conflict as meanwhile:
        raise Conflict(*meanwhile.problems, who=meanwhile.who, transient=True) from None


_SQLITE = {
    "SQLITE_BUSY": Reason.BUSY,
    "SQLITE_LOCKED": Reason.BUSY,
    "SQLITE_READONLY": Reason.READ_ONLY,
    "SQLITE_FULL": Reason.FULL,
    "SQLITE_INTERRUPT": Reason.STATEMENT_TIMEOUT,
    "SQLITE_CONSTRAINT": Reason.REFUSED,
}

_POSTGRESQL = {
    "40001": Reason.COLLIDED,
    "40P01": Reason.COLLIDED,
    "55P03": Reason.LOCK_TIMEOUT,
    "57014": Reason.STATEMENT_TIMEOUT,
    "25006": Reason.READ_ONLY,
    "53100": Reason.FULL,
    "53400": Reason.FULL,  # temp_file_limit
    "53300": Reason.NO_CONNECTION,
    "42501": Reason.GRANT,
    "22001": Reason.REFUSED,
    "22003": Reason.REFUSED,
    "22021": Reason.REFUSED,
}

# A connection that fails has no SQLSTATE. Servers that speak another language are `storage_unavailable` here.
_TURNED_AWAY = ("too many connections for", "too many clients already", "remaining connection slots are reserved")

_MARIADB = {
    1213: Reason.COLLIDED,
    1020: Reason.COLLIDED,
    1205: Reason.LOCK_TIMEOUT,
    1969: Reason.STATEMENT_TIMEOUT,
    1317: Reason.STATEMENT_TIMEOUT,
    1290: Reason.READ_ONLY,
    1792: Reason.READ_ONLY,
    1021: Reason.FULL,
    1114: Reason.FULL,
    1040: Reason.NO_CONNECTION,
    1203: Reason.NO_CONNECTION,
    1226: Reason.NO_CONNECTION,
    **dict.fromkeys((1044, 1142, 1143, 1227, 1370), Reason.GRANT),
    **dict.fromkeys((1264, 1366, 1406, 4025), Reason.REFUSED),
}


def sqlite_reason(orig: Any) -> Reason | None:
    """Of the standard library's driver, by the name of the error; extended names begin with it."""
    name = getattr(orig, "sqlite_errorname", None) or ""
    return next((reason for start, reason in _SQLITE.items() if name.startswith(start)), None)


def postgresql_reason(orig: Any) -> Reason | None:
    """Of psycopg, by its SQLSTATE; whoever is turned away at the door is told in words alone."""
    if not type(orig).__module__.startswith("psycopg"):
        return None  # PyMySQL tells an SQLSTATE as well, and MariaDB means its own by some
    state: str | None = getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None)  # psycopg 3, and 2
    if state is None and any(words in str(orig) for words in _TURNED_AWAY):
        return Reason.NO_CONNECTION
    return None if state is None else _POSTGRESQL.get(state)


def mariadb_reason(orig: Any) -> Reason | None:
    """Of its drivers, by the number."""
    number = orig.args[0] if getattr(orig, "args", None) else None
    return _MARIADB.get(number) if isinstance(number, int) else None
