"""Hypothesis strategies: shops with hostile texts and every combination of missing values, and what is asked of them.

Values come from small pools, so that random scopes meet random customers often enough.
"""

from ownership_core.testing.strategies.commands import commands, distributions, effects, rules, selections
from ownership_core.testing.strategies.scopes import leaves, scopes, staff_sets
from ownership_core.testing.strategies.worlds import (
    COMMON,
    CUSTOMER_IDS,
    DEPARTMENT_IDS,
    MOMENTS,
    STAFF_IDS,
    TEXTS,
    customer_ids,
    department_ids,
    maybe_texts,
    moments,
    restrictions,
    staff_ids,
    texts,
    values,
    worlds,
)

__all__ = [
    "COMMON",
    "CUSTOMER_IDS",
    "DEPARTMENT_IDS",
    "MOMENTS",
    "STAFF_IDS",
    "TEXTS",
    "commands",
    "customer_ids",
    "department_ids",
    "distributions",
    "effects",
    "leaves",
    "maybe_texts",
    "moments",
    "restrictions",
    "rules",
    "scopes",
    "selections",
    "staff_ids",
    "staff_sets",
    "texts",
    "values",
    "worlds",
]
