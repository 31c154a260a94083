"""What a command did or would do: receipts, and plans as files.

A plan file is JSON Lines: the first line holds the command and who planned it, every further line one
customer that would change, with its version and the change. It carries no authority: applying it decides
again, as whoever applies it, so forging it gains nothing (design §3).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TextIO

from attrs import field as attribute
from attrs import frozen

from ownership_core.commands import Command
from ownership_core.errors import InvalidInput, Problem, invalid
from ownership_core.model import CustomerId, Json, StaffId
from ownership_core.ports import Expected, Run, Tally
from ownership_core.ruling import Fate, PlanRow
from ownership_core.wire import command_from_wire

FORMAT = "ownership-plan"
FORMAT_VERSION = 1
LINE_LIMIT = 1_000_000


@frozen
class Receipt:
    """The answer to an executed or applied command. ``run`` is None when nothing changed.

    ``problems`` tells why rows of a creation were refused; ``codes`` counts refused and stale customers
    by code. ``version`` is the new version of a single customer. ``new_matches`` counts customers a
    search finds now and its plan did not hold; they are never added. ``rules`` and ``covers`` are the ids of those
    that were changed beside customers.
    """

    run: str | None
    what: str
    tally: Tally = Tally()
    version: int | None = None
    warnings: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()
    new_matches: int = 0
    rules: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()

    @property
    def changed(self) -> int:
        """How many were changed."""
        return self.tally.changed

    def to_json(self) -> Json:
        """As stored beside an idempotency key."""
        return {
            "run": self.run,
            "what": self.what,
            "tally": tally_to_json(self.tally),
            "version": self.version,
            "warnings": [_problem_to_json(p) for p in self.warnings],
            "problems": [_problem_to_json(p) for p in self.problems],
            "new_matches": self.new_matches,
            "rules": list(self.rules),
            "covers": list(self.covers),
        }

    @classmethod
    def from_json(cls, raw: Json) -> Receipt:
        """The receipt of :meth:`to_json`."""
        return cls(
            raw["run"],
            raw["what"],
            tally_from_json(raw["tally"]),
            raw["version"],
            tuple(Problem(**p) for p in raw["warnings"]),
            tuple(Problem(**p) for p in raw["problems"]),
            raw["new_matches"],
            tuple(raw.get("rules", ())),
            tuple(raw.get("covers", ())),
        )


def tally_to_json(tally: Tally) -> Json:
    """A tally as a plain dict."""
    return {
        "changed": tally.changed,
        "unchanged": tally.unchanged,
        "refused": tally.refused,
        "stale": tally.stale,
        "codes": dict(tally.codes),
        "still_selected": tally.still_selected,
    }


def tally_from_json(raw: Mapping[str, object]) -> Tally:
    """The tally of :func:`tally_to_json`."""
    return Tally(**raw)  # type: ignore[arg-type]


def _problem_to_json(problem: Problem) -> Json:
    return {"code": problem.code, "what": problem.what, "hint": problem.hint, "where": problem.where}


@frozen
class PlanFile:
    """A plan read from a file: its command, and the changes it expects, read while applying.

    A transaction that is begun again reads them again; what came through a pipe cannot be (``unreadable_file``).

    ``others`` counts the customers that were selected too, and would not have changed; ``refused`` those of them it
    could not have changed. ``run`` is the id the plan is stored under where it was made, and only there it stands
    which rules chose.
    """

    command: Command
    others: int
    rows: Iterable[Expected] = attribute(eq=False, repr=False)
    run: str = ""
    refused: int = 0


def write_plan(run: Run, rows: Iterable[PlanRow], file: TextIO) -> int:
    """Write the changes of a plan, one line each, and return how many."""
    head: Json = {"format": FORMAT, "version": FORMAT_VERSION, "run": run.id, "command": run.command, "at": run.at}
    head["others"] = run.tally.total - run.tally.changed
    head["refused"] = run.tally.refused
    file.write(json.dumps(head, ensure_ascii=False) + "\n")
    written = 0
    for row in rows:
        if row.fate is not Fate.CHANGED:
            continue
        line = {
            "customer": row.customer,
            "version": row.version,
            "primary": [row.primary_before, row.primary_after],
            "added": row.added,
            "removed": [assignment.staff for assignment in row.removed],
        }
        if row.receiver is not None:
            line["receiver"] = row.receiver
        if row.restored:
            line["restored"] = [assignment.staff for assignment in row.restored]
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
        written += 1
    return written


def read_plan(file: TextIO) -> PlanFile:
    """Read a plan file; its rows are read while they are applied. Raises ``invalid_plan``."""
    head = _object(file.readline(LINE_LIMIT), 1)
    if head.get("format") != FORMAT or head.get("version") != FORMAT_VERSION:
        raise invalid("invalid_plan", "This is not a plan file of this version.", "Make the plan again.", "line 1")
    try:
        command = command_from_wire(head.get("command"))
    except InvalidInput as broken:
        raise InvalidInput(
            *(Problem("invalid_plan", p.what, "Make the plan again.", f"line 1, {p.where}") for p in broken.problems)
        ) from None
    run = head.get("run")
    return PlanFile(
        command, _count(head, "others"), _Lines(file), run if isinstance(run, str) else "", _count(head, "refused")
    )


def _count(head: Json, key: str) -> int:
    found = head.get(key)
    return found if type(found) is int else 0


class _Lines:
    """The lines behind the first one, from there on each time they are asked for."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._start = file.tell() if file.seekable() else None
        self._read = False

    def __iter__(self) -> Iterator[Expected]:
        if self._read:
            if self._start is None:
                what = "The plan came through a pipe, and its transaction has to begin again."
                raise invalid("unreadable_file", what, "Nothing was written. Save the plan to a file and apply that.")
            self._file.seek(self._start)
        self._read = True
        number = 1
        while text := self._file.readline(LINE_LIMIT):
            number += 1
            yield _expected(_object(text, number), number)


def _expected(raw: Json, number: int) -> Expected:
    match raw:
        case {
            "customer": str(customer),
            "version": int(version),
            "primary": [_, str() | None as after],
            "added": str() | None as added,
            "removed": list(removed),
        } if not isinstance(version, bool):
            receiver, restored = raw.get("receiver"), raw.get("restored", [])
            if not isinstance(receiver, str | None) or not isinstance(restored, list):
                raise _no_change(number)
            return Expected(
                CustomerId(customer),
                version,
                None if after is None else StaffId(after),
                None if added is None else StaffId(added),
                len(removed),
                None if receiver is None else StaffId(receiver),
                "",  # which rule chose is not taken from a file, but from the stored plan
                len(restored),
            )
        case _:
            raise _no_change(number)


def _no_change(number: int) -> InvalidInput:
    return invalid("invalid_plan", "This line is no change of a plan.", "Make the plan again.", f"line {number}")


def _object(text: str, number: int) -> Json:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        raise invalid("invalid_plan", "This line is not a JSON object.", "Make the plan again.", f"line {number}")
    return raw
