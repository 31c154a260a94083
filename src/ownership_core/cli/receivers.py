"""The options that say who gets customers: one staff, several by some way of dealing, or a file that says it all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, assert_never

import attrs
import click
from attrs import frozen

from ownership_core.cli.session import Session
from ownership_core.cli.where import exactly
from ownership_core.cli.written import read_written
from ownership_core.distribute import (
    ByScope,
    Capacity,
    Case,
    Distribution,
    FromField,
    InDepartment,
    LeastBusy,
    Members,
    Rotation,
    ToStaff,
    Weighted,
)
from ownership_core.fields import Fields
from ownership_core.model import DepartmentId, StaffId
from ownership_core.wire.rules import distribution_from_wire

_Function = TypeVar("_Function", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, dir_okay=False)
_CAPACITY = re.compile(r"([0-9]{1,9})(?:/([0-9]{1,9}))?", re.ASCII)
_WEIGHT = re.compile(r"(.+)=([0-9]{1,9})", re.ASCII | re.DOTALL)
ROTATION, LEAST_BUSY = "rotation", "least-busy"


@frozen
class Said:
    """The options as they were given; each is named as its option."""

    to: Sequence[str]
    by: str | None
    weight: Sequence[str]
    rotation: str | None
    department: str | None
    below: bool
    capacity: str | None
    by_field: str | None
    case: Sequence[str]
    otherwise: str | None
    distribution: Path | None

    @classmethod
    def taken(cls, given: dict[str, Any]) -> Said:
        """Take what is ours out of the options of a command."""
        return cls(*(given.pop(slot.name) for slot in attrs.fields(cls)))


def receiver_options(function: _Function) -> _Function:
    """``--to``, how several are dealt to, and ``--distribution FILE``."""
    for option in (
        click.option("--distribution", type=_FILE, help="A JSON or TOML file that says who gets which, instead."),
        click.option("--otherwise", metavar="STAFF", help="Who gets those no --case speaks of."),
        click.option("--case", multiple=True, metavar="VALUE=STAFF", help="Who gets those of that value. Repeat it."),
        click.option("--by-field", metavar="FIELD", help="Deal by what this field holds: see --case."),
        click.option("--capacity", metavar="N[/DAYS]", help="How many each takes at most, or within so many days."),
        click.option("--below", is_flag=True, help="With --department: departments under it too."),
        click.option("--department", metavar="ID", help="Whoever works there, instead of --to."),
        click.option("--rotation", metavar="NAME", help="Which turn goes on, with --by rotation (manual)."),
        click.option("--weight", multiple=True, metavar="STAFF=N", help="In shares of these weights. Repeat it."),
        click.option("--by", type=click.Choice([ROTATION, LEAST_BUSY]), help="How several are dealt to."),
        click.option("--to", multiple=True, metavar="STAFF", help="Who gets them. Repeat it for several."),
    ):
        function = option(function)
    return function


def read_receivers(session: Session, said: Said) -> Distribution | None:
    """The distribution the options mean, None where they name nobody, or ``usage`` where they contradict."""
    if said.distribution is not None:
        if attrs.evolve(said, distribution=None) != _NOTHING:
            raise click.UsageError("--distribution says it all: leave the other options about receivers out.")
        fields = session.shop.store.fields
        return distribution_from_wire(read_written(said.distribution, "distribution", fields))
    pool = _pool(said)
    if said.by_field is None:
        if said.case or said.otherwise is not None:
            raise click.UsageError("--case and --otherwise need --by-field FIELD.")
        return pool
    if not said.case:
        raise click.UsageError("--by-field needs at least one --case VALUE=STAFF.")
    if said.otherwise is not None and pool is not None:
        raise click.UsageError("Say once who gets the rest: --otherwise STAFF, or --to and how.")
    rest = pool if said.otherwise is None else ToStaff(StaffId(said.otherwise))
    return ByScope(_cases(said.by_field, said.case, session.shop.store.fields), rest)


def weights_of(to: Iterable[str], weights: Iterable[str]) -> Mapping[StaffId, int]:
    """What each weighs: whoever is named by ``--to`` alone weighs 1."""
    found = dict.fromkeys(map(StaffId, to), 1)
    for text in weights:
        read = _WEIGHT.fullmatch(text)
        if read is None:
            raise click.UsageError(f"{text!r} is no STAFF=N, such as tom=2.")
        found[StaffId(read[1])] = int(read[2])
    return found


def described(to: Distribution) -> str:
    """A distribution in a few words.

    >>> described(Weighted({"tom": 2, "ann": 1}))
    'by weight: ann 1, tom 2'
    """
    match to:
        case ToStaff(staff):
            return staff
        case FromField(field):
            return f"whoever {field} names"
        case Rotation(name, members):
            return f"in turn ({name}): {_who(members)}"
        case LeastBusy(members):
            return f"the least busy: {_who(members)}"
        case Weighted(weights):
            return f"by weight: {', '.join(f'{staff} {weight}' for staff, weight in sorted(weights.items()))}"
        case ByScope(cases, otherwise):
            parts = [described(case.to) for case in cases] + ([] if otherwise is None else [described(otherwise)])
            return f"case by case: {'; '.join(parts)}" if parts else "nobody"
        case _:
            assert_never(to)


_NOTHING = Said((), None, (), None, None, False, None, None, (), None, None)


def _pool(said: Said) -> Distribution | None:
    """Those named by --to, --weight or --department, and how they are dealt to."""
    if said.department is not None and (said.to or said.weight):
        raise click.UsageError("Name staff or a department; one of the two.")
    if said.below and said.department is None:
        raise click.UsageError("--below needs --department ID.")
    if said.rotation is not None and said.by != ROTATION:
        raise click.UsageError("--rotation NAME needs --by rotation.")
    capacity = _capacity(said.capacity)
    if said.weight:
        if said.by is not None:
            raise click.UsageError("Weights are a way of dealing: leave --by out.")
        return Weighted(weights_of(said.to, said.weight), capacity)
    nobody = not said.to and said.department is None
    if said.by is not None and not nobody:
        return _dealt(said, capacity)
    if nobody and said.by is None and capacity is None:
        return None
    if len(said.to) == 1 and capacity is None:
        return ToStaff(StaffId(said.to[0]))
    if nobody:
        raise click.UsageError("Say who gets them: --to STAFF, --weight STAFF=N or --department ID.")
    raise click.UsageError("Say how they are dealt: --by rotation, --by least-busy, or --weight STAFF=N.")


def _dealt(said: Said, capacity: Capacity | None) -> Distribution:
    members: Members = frozenset(map(StaffId, said.to))
    if said.department is not None:
        members = InDepartment(DepartmentId(said.department), said.below)
    if said.by == ROTATION:
        return Rotation(said.rotation or "manual", members, capacity)
    return LeastBusy(members, capacity)


def _capacity(text: str | None) -> Capacity | None:
    if text is None:
        return None
    read = _CAPACITY.fullmatch(text)
    if read is None:
        raise click.UsageError(f"{text!r} is no N or N/DAYS, such as 20 or 5/7.")
    return Capacity(int(read[1]), None if read[2] is None else int(read[2]))


def _cases(field: str, texts: Iterable[str], fields: Fields) -> list[Case]:
    found = []
    for text in texts:
        value, sign, staff = text.rpartition("=")
        if not sign:
            raise click.UsageError(f"{text!r} is no VALUE=STAFF, such as north=tom.")
        found.append(Case(exactly(fields[field], value), ToStaff(StaffId(staff))))
    return found


def _who(members: Members) -> str:
    if isinstance(members, InDepartment):
        return f"department {members.department}{' and below' if members.below else ''}"
    return ", ".join(sorted(members))
