"""Every error of the package: a stable code, what happened, who did it, what to try.

Codes are part of the public interface; each has a section in ``docs/errors.md``. No message carries
SQL, a driver's text, or anything about a customer the asker may not see (I21, I45).
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen


@frozen
class Problem:
    """One thing that is wrong.

    ``code`` is stable and meant for programs, ``what`` is one sentence for people, ``hint`` says what
    to try, ``where`` is a path into the input (``restrictions.groups``, ``line 7, column email``).
    """

    code: str
    what: str
    hint: str = ""
    where: str = ""

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        hint = f" {self.hint}" if self.hint else ""
        return f"[{self.code}] {self.what}{place}{hint}"


class OwnershipError(Exception):
    """Anything this package raises on purpose. All problems are told at once, not only the first.

    ``transient`` says that nothing was written and that the same call, begun again, may well succeed (I44).

    >>> error = OwnershipError(Problem("unknown_field", "There is no field 'colour'."))
    >>> error.codes
    ('unknown_field',)
    """

    def __init__(self, *problems: Problem, who: str = "ownership_core", transient: bool = False) -> None:
        self.problems: tuple[Problem, ...] = problems
        self.who = who
        self.transient = transient
        super().__init__("\n".join(str(problem) for problem in problems))

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of all problems, in order and without repeats."""
        return tuple(dict.fromkeys(problem.code for problem in self.problems))


class InvalidInput(OwnershipError, ValueError):
    """What was handed in cannot mean anything: a bad id, an unknown field, a naive time."""


class InvalidSettings(InvalidInput):
    """The settings contradict themselves or hold keys nobody reads; lists every one of them."""


class Refused(OwnershipError):
    """A command was understood and not carried out; nothing was written (I39)."""


class Conflict(OwnershipError):
    """Somebody else was faster, or the same idempotency key came with another payload (I40)."""


class PluginError(OwnershipError):
    """A plugin raised or answered with the wrong thing; names the plugin and the hook (I47)."""


class StoreError(OwnershipError):
    """The store cannot serve: not migrated, not reachable, or not fit for the settings."""


class UncompilableScope(StoreError):
    """The store cannot express a scope; it refuses instead of widening or filtering afterwards."""


def invalid(code: str, what: str, hint: str = "", where: str = "") -> InvalidInput:
    """An :class:`InvalidInput` with one problem."""
    return InvalidInput(Problem(code, what, hint, where))


def cardinality_mismatch(kept: str, wanted: str, who: str) -> StoreError:
    """Customers are kept under another cardinality than the settings say, maybe since a moment ago."""
    what = f"The store keeps customers under {kept!r}, the settings say {wanted!r}."
    hint = f"Set cardinality = {kept!r} and open it again, or switch it with SwitchCardinality."
    return StoreError(Problem("cardinality_mismatch", what, hint), who=who)


def raise_all(problems: Sequence[Problem]) -> None:
    """Raise one :class:`InvalidInput` for all ``problems``; do nothing when there are none."""
    if problems:
        raise InvalidInput(*problems)
