"""What a driver's error means to a caller: its own code, and whether trying again may help (I44, I45)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ownership_core import reasons
from ownership_core.errors import OwnershipError, Problem, StoreError
from ownership_core.reasons import Reason, overtaken

WHO = "ownership-sqlalchemy"

__all__ = ["WHO", "Reason", "overtaken", "problem_of", "reason_of", "unfit"]


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
    return reasons.problem_of(reason, WHO)


def unfit(code: str, what: str, hint: str) -> StoreError:
    """Why a database may not serve."""
    return StoreError(Problem(code, what, hint), who=WHO)
