"""What a driver's error means to a caller: its own code, and whether trying again may help (I44, I45)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeAlias

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ownership_core.errors import Conflict, OwnershipError, Problem, StoreError

WHO = "ownership-sqlalchemy"


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

Reader: TypeAlias = Callable[[Any], Reason | None]
"""Reads the reason from a driver's exception; None for one it does not know."""


def reason_of(error: SQLAlchemyError, readers: tuple[Reader, ...]) -> Reason:
    """Why it failed, as far as the driver tells."""
    if isinstance(error, PoolTimeout):
        return Reason.NO_CONNECTION
    if not isinstance(error, DBAPIError) or error.connection_invalidated:
        return Reason.GONE
    known = (reader(error.orig) for reader in readers)
    reason = next((reason for reason in known if reason is not None), None)
    if reason is None:
        return Reason.REFUSED if isinstance(error, IntegrityError) else Reason.GONE
    return reason


def problem_of(reason: Reason) -> OwnershipError:
    """The error a caller sees; the driver's text and the SQL stay here."""
    kind = Conflict if reason is Reason.REFUSED else StoreError
    return kind(reason.value, who=WHO, transient=reason in TRANSIENT)


def unfit(code: str, what: str, hint: str) -> StoreError:
    """Why a database may not serve."""
    return StoreError(Problem(code, what, hint), who=WHO)
