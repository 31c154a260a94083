"""Which customer a row of the host's stands for or belongs to."""

from __future__ import annotations

from typing import Any

from django.db.models import ForeignKey, Model
from django.db.models.constants import LOOKUP_SEP

from ownership_django import hosts

ITSELF = "pk"
"""The path from a customer to itself."""


def is_customer_model(model: Any) -> bool:
    """Whether rows of ``model`` are customers."""
    customers = hosts.customers().model
    return isinstance(model, type) and issubclass(model, customers._meta.concrete_model or customers)


def path_to_customer(model: type[Model], said: str | None = None) -> str | None:
    """The lookup from ``model`` to the customer its rows follow; None where they follow nobody.

    ``said`` is what the host says. Without it, it is the one foreign key to customers that the model has.
    """
    if is_customer_model(model):
        return ITSELF
    if said is not None:
        return said
    found = [
        field.name
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey) and is_customer_model(field.remote_field.model)
    ]
    return found[0] if len(found) == 1 else None


def is_new(row: Model) -> bool:
    """Whether a row is not in its table yet, such as the empty one of a form; its key may be set already."""
    return row._state.adding  # noqa: SLF001 - documented


def customer_of(row: Model, path: str) -> Any | None:
    """The key of the customer that ``row`` follows; None where there is none."""
    if path == ITSELF:
        return row.pk
    here: Any = row
    *steps, last = path.split(LOOKUP_SEP)
    for step in steps:
        here = getattr(here, step, None)
        if here is None:
            return None
    attname = here._meta.get_field(last).attname
    return getattr(here, attname)
