"""Who gets which customers by what a field holds: ``north=tom``, a line for each value."""

from __future__ import annotations

from collections.abc import Iterator

from ownership_core.cli.where import exactly
from ownership_core.distribute import Case, ToStaff
from ownership_core.fields import Field, Kind
from ownership_core.model import StaffId
from ownership_django import conf
from ownership_django.service import ownership


def split_fields() -> Iterator[Field]:
    """The fields of the site's customers that one can look for a value of; ids and times are each its own."""
    mapped = conf.configuration().paths
    for field in ownership().store.fields:
        if field.name in mapped and field.searchable and field.kind is not Kind.TIME:
            yield field


def read_cases(text: str, name: str) -> list[Case]:
    """A case for each line; ValueError for a text that has none, or a line that is no ``value=key``.

    An empty value is a missing one. ``invalid_value`` where the field cannot hold it.
    """
    field = ownership().store.fields[name]
    cases = []
    for line in filter(None, map(str.strip, text.splitlines())):
        value, equals, staff = (piece.strip() for piece in line.rpartition("="))
        if not equals or not staff:
            raise ValueError(line)
        cases.append(Case(exactly(field, value), ToStaff(StaffId(staff))))
    if not cases:
        raise ValueError(text)
    return cases
