"""Begin a transaction again when the database ended it for another's sake (I44)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ownership_core.errors import OwnershipError, Problem, StoreError

_T = TypeVar("_T")

FIRST_PAUSE = 0.01
"""Seconds before the second try; each further pause is twice as long, give or take half of it."""


def retried(act: Callable[[], _T], tries: int, pause: Callable[[float], None], chance: Callable[[], float]) -> _T:
    """What ``act`` gives, begun again from its first decision while a store says that nothing was written.

    ``pause`` sleeps so many seconds; ``chance`` is a number from 0 to 1, so that two that met part.
    Raises ``retries_exhausted`` after ``tries`` (at least 1).

    >>> retried(lambda: "done", 3, print, lambda: 0.5)
    'done'
    """
    attempt = 1
    while True:
        try:
            return act()
        except OwnershipError as ended:
            if not ended.transient:
                raise
            if attempt >= tries:
                raise _exhausted(tries, ended) from ended
        pause(FIRST_PAUSE * 2 ** (attempt - 1) * (0.5 + chance()))
        attempt += 1


def _exhausted(tries: int, last: OwnershipError) -> StoreError:
    what = f"The database ended this transaction {tries} times: {last.problems[0].what}"
    hint = "Nothing was written. Try again later, or raise settings.limits.tries."
    return StoreError(Problem("retries_exhausted", what, hint), who=last.who)
