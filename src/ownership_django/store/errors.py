"""What Django's database errors mean to a caller; the driver's text and the SQL stay here (I44, I45)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from django.db import Error, IntegrityError
from django.db.backends.base.base import BaseDatabaseWrapper

from ownership_core.errors import OwnershipError, Problem, StoreError
from ownership_core.reasons import Reason, mariadb_reason, postgresql_reason, problem_of, sqlite_reason

WHO = "ownership-django"
_T = TypeVar("_T")
_STREAMS = frozenset({"ids", "events", "plan_rows"})
_READERS = {"sqlite": sqlite_reason, "postgresql": postgresql_reason, "mysql": mariadb_reason}


def unfit(code: str, what: str, hint: str) -> StoreError:
    """Why a database, or its transaction, may not serve."""
    return StoreError(Problem(code, what, hint), who=WHO)


def refused(reason: Reason) -> OwnershipError:
    """The error for a reason that no driver told us."""
    return problem_of(reason, WHO)


def coded(error: Error, vendor: str, *, at_commit: bool = False) -> OwnershipError:
    """The error a caller sees. At a commit that was not answered nobody knows whether it happened."""
    orig = error.__cause__ if error.__cause__ is not None else error
    reason = _READERS[vendor](orig) if vendor in _READERS else None
    if reason is None:
        reason = Reason.REFUSED if isinstance(error, IntegrityError) else Reason.GONE
    return problem_of(Reason.UNKNOWN if at_commit and reason is Reason.GONE else reason, WHO)


@contextmanager
def told(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Errors of what is asked inside as ours."""
    try:
        yield
    except Error as error:
        raise coded(error, connection.vendor) from error


def answering(kind: type[_T]) -> type[_T]:
    """Let every public method of a reader or writer tell errors as ours, also while its answer is streamed.

    Around each method and not around a block: what the site asks in between keeps Django's own errors.
    """
    for name, method in list(vars(kind).items()):
        if callable(method) and not name.startswith("_"):
            setattr(kind, name, _streaming(method) if name in _STREAMS else _telling(method))
    return kind


def _telling(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def answer(self: Any, *args: Any, **options: Any) -> Any:
        with told(self._connection):
            return method(self, *args, **options)

    return answer


def _streaming(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def answer(self: Any, *args: Any, **options: Any) -> Any:
        with told(self._connection):
            yield from method(self, *args, **options)

    return answer
