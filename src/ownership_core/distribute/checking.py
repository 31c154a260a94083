"""Whether a distribution speaks only of declared fields and of ids the store can hold. All problems at once."""

from __future__ import annotations

from ownership_core.distribute.data import ByScope, Distribution, FromField
from ownership_core.distribute.parts import inside, named_staff, parts
from ownership_core.distribute.strict import gathering
from ownership_core.errors import Problem, invalid, raise_all
from ownership_core.fields import Fields, Kind
from ownership_core.keys import KeyType, parse_id
from ownership_core.wellformed import DEPTH_LIMIT, check_scope


def check_distribution(distribution: Distribution, fields: Fields, staff_key: KeyType = KeyType.TEXT) -> Distribution:
    """``distribution`` itself when it is well formed, else :class:`InvalidInput` with every problem.

    Codes: ``invalid_id`` for staff the store cannot hold, ``unknown_field`` and ``invalid_value`` for fields
    that cannot name staff, ``invalid_value`` for one that is nested too deep, and those of
    :func:`~ownership_core.wellformed.check_scope` for conditions that are not broken.
    """
    if _is_too_deep(distribution):
        raise invalid("invalid_value", f"It is nested more than {DEPTH_LIMIT} deep.", "Flatten it.")
    raise_all(_problems(distribution, fields, staff_key))
    return distribution


def _is_too_deep(distribution: Distribution) -> bool:
    level = [distribution]
    for _ in range(DEPTH_LIMIT + 1):
        level = [part for outer in level for part in inside(outer)]
    return bool(level)


def _problems(distribution: Distribution, fields: Fields, staff_key: KeyType) -> list[Problem]:
    problems: list[Problem] = []
    for staff in sorted(named_staff(distribution)):
        with gathering(problems):
            parse_id(staff, staff_key, "staff id")
    for part in parts(distribution, broken=False):
        if isinstance(part, FromField):
            with gathering(problems):
                _check_field(part.field, fields)
        for case in [case for case in part.cases if not case.broken] if isinstance(part, ByScope) else ():
            with gathering(problems):
                check_scope(case.condition, fields)
    return problems


def _check_field(name: str, fields: Fields) -> None:
    declared = fields[name]
    if declared.many or declared.kind not in (Kind.TEXT, Kind.INTEGER):
        what = f"The field {name!r} cannot hold the id of a staff."
        raise invalid("invalid_value", what, "Name a to-one field of texts or whole numbers.", name)
