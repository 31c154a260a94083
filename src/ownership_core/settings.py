"""What a shop decides once, read from TOML or a dict; every error is told at once, with its path."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import Enum, StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import cattrs
import cattrs.v
from attrs import field as attribute
from attrs import frozen

from ownership_core.errors import InvalidInput, InvalidSettings, Problem
from ownership_core.fields import Field, Fields
from ownership_core.model import Action, GroupRestriction, Level, RestrictionMode
from ownership_core.policies import OnReplace, SortKey


class Sharing(StrEnum):
    """Whether staff of one website may see customers of another (row 14, B12)."""

    GLOBAL = "global"
    PER_WEBSITE = "per_website"


class UnassignedVisibility(StrEnum):
    """Who sees customers nobody is assigned to (row 89, B18)."""

    NONE = "none"
    DEPARTMENT = "department"
    ALL = "all"
    CLAIMABLE_ONLY = "claimable_only"


class PreviousStaff(StrEnum):
    """Whether whoever loses a customer to a command goes on seeing it for a time (row 41, design §11)."""

    DROP = "drop"
    KEEP_VIEW = "keep_view"


class Channel(StrEnum):
    """How a customer came in (row 64)."""

    SELF = "self"
    STAFF = "staff"
    POS = "pos"
    IMPORT = "import"
    API = "api"


class Creation(StrEnum):
    """Who becomes the owner of a new customer (H04)."""

    CREATOR = "creator"
    EXPLICIT = "explicit"
    PROPOSED = "proposed"
    UNASSIGNED = "unassigned"


def _creation_defaults() -> dict[Channel, Creation]:
    return {
        Channel.SELF: Creation.UNASSIGNED,
        Channel.STAFF: Creation.CREATOR,
        Channel.POS: Creation.UNASSIGNED,
        Channel.IMPORT: Creation.EXPLICIT,
        Channel.API: Creation.EXPLICIT,
    }


def seeded_roles() -> dict[str, dict[str, Level]]:
    """The roles ``db init`` seeds when the settings name none (design §11)."""
    associate = {Action.VIEW: Level.OWN, Action.CREATE: Level.OWN, Action.CLAIM: Level.OWN, Action.RELEASE: Level.OWN}
    reach = (Action.VIEW, Action.EDIT, Action.ASSIGN, Action.EXPLAIN, Action.CREATE, Action.CLAIM, Action.RELEASE)
    return {
        "associate": {str(action): level for action, level in associate.items()},
        "manager": {str(action): Level.DEPARTMENT for action in reach},
        "admin": {str(action): Level.ALL for action in Action},
    }


DAYS_LIMIT = 36_500


@frozen
class Limits:
    """The largest input of each kind; every one has a default (I48)."""

    ids: int = 10_000
    page: int = 1_000
    text: int = 500
    chunk: int = 1_000
    batch: int = 10_000
    tries: int = 5


@frozen
class Plugins:
    """Which plugins may load: ``allow`` None means every discovered one, ``block`` always wins.

    A plugin that cannot be loaded is reported and left out; name those in ``require`` without which the
    shop must not run, above all every plugin that restricts.
    """

    allow: tuple[str, ...] | None = None
    block: tuple[str, ...] = ()
    require: tuple[str, ...] = ()


@frozen
class Settings:
    """Everything configurable, with its default. ``docs/settings.md`` explains each.

    >>> load_settings({"cardinality": "multi", "sharing": "per_website"}).cardinality
    'multi'
    """

    cardinality: str = "single"
    at_most: int = 1
    primary: str = "standard"
    on_replace: OnReplace = OnReplace.KEEP
    promote_by: tuple[SortKey, ...] = ()
    previous_staff: PreviousStaff = PreviousStaff.DROP
    keep_view_days: int = 30
    sharing: Sharing = Sharing.GLOBAL
    unassigned_visibility: UnassignedVisibility = UnassignedVisibility.CLAIMABLE_ONLY
    group_restriction: GroupRestriction | None = None
    creation: Mapping[Channel, Creation] = attribute(factory=_creation_defaults)
    roles: Mapping[str, Mapping[str, Level]] = attribute(factory=seeded_roles)
    actions: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    min_tenure_days: int = 0
    operator: bool = False
    store: str = "sqlalchemy"
    database: str = "sqlite:///ownership.db"
    limits: Limits = Limits()
    plugins: Plugins = Plugins()

    def known_actions(self) -> frozenset[str]:
        """The built-in actions and those the host declares."""
        return frozenset(map(str, Action)) | frozenset(self.actions)

    def creation_for(self, channel: Channel) -> Creation:
        """The creation policy of a channel; channels the settings leave out keep their default."""
        return self.creation.get(channel) or _creation_defaults()[channel]


def load_settings(raw: Mapping[str, Any]) -> Settings:
    """Settings from a plain mapping, or :class:`InvalidSettings` with every error and its path.

    >>> load_settings({"cardinalty": "multi"})
    Traceback (most recent call last):
    ownership_core.errors.InvalidSettings: [invalid_settings] extra fields found (cardinalty) (settings)
    """
    try:
        settings = _converter().structure(dict(raw), Settings)
    except cattrs.BaseValidationError as broken:
        problems = [_as_problem(text) for text in cattrs.transform_error(broken, "settings", _said)]
        raise InvalidSettings(*problems) from None
    problems = _contradictions(settings)
    if problems:
        raise InvalidSettings(*problems)
    return settings


def read_settings(path: Path) -> Settings:
    """Settings from a TOML file; a file that is not TOML is ``invalid_settings`` too."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as broken:
        raise InvalidSettings(
            Problem("invalid_settings", f"{path} cannot be read: {broken}.", "Mend the file.", str(path))
        ) from None
    return load_settings(raw)


def check_group_restriction(restriction: GroupRestriction | None, where: str) -> list[Problem]:
    """Refuse a restriction that lists nothing (B11): it would hide everybody without saying so."""
    if restriction is None or restriction.groups:
        return []
    hint = "List at least one group, or remove the restriction altogether."
    return [Problem("empty_restriction", "The group restriction lists no group.", hint, where)]


def _contradictions(settings: Settings) -> list[Problem]:
    problems = check_group_restriction(settings.group_restriction, "settings.group_restriction")
    known = settings.known_actions()
    for role, levels in settings.roles.items():
        for action in sorted(set(levels) - known):
            hint = f"Known are: {', '.join(sorted(known))}; declare more in settings.actions."
            where = f"settings.roles.{role}"
            problems.append(Problem("unknown_action", f"There is no action {action!r}.", hint, where))
    if settings.at_most < 1:
        problems.append(
            Problem("invalid_settings", "at_most must be at least 1.", "Use 1 or more.", "settings.at_most")
        )
    if settings.min_tenure_days < 0:
        where = "settings.min_tenure_days"
        problems.append(Problem("invalid_settings", "min_tenure_days must not be negative.", "Use 0 or more.", where))
    if not 1 <= settings.keep_view_days <= DAYS_LIMIT:
        where, hint = "settings.keep_view_days", f"Use 1 to {DAYS_LIMIT}."
        problems.append(Problem("invalid_settings", "keep_view_days must be a number of days to come.", hint, where))
    for name, limit in attrs.asdict(settings.limits).items():
        if limit < 1:
            where = f"settings.limits.{name}"
            problems.append(Problem("invalid_settings", f"{name} must be at least 1.", "Use 1 or more.", where))
    try:
        Fields.declare(settings.fields)
    except InvalidInput as duplicate:
        problems.extend(duplicate.problems)
    return problems


def _said(error: BaseException, kind: type | None) -> str:
    """Cattrs' own wording, except where our readers and the enums know better what was expected."""
    return str(error) if isinstance(error, ValueError) else cattrs.v.format_exception(error, kind)


def _as_problem(text: str) -> Problem:
    what, _, where = text.partition(" @ ")
    return Problem("invalid_settings", what, where=where)


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(Level, lambda raw, _: _level(raw))
    return converter


def _exactly(raw: Any, kind: type) -> Any:
    if issubclass(kind, Enum):
        return kind(raw)
    if type(raw) is not kind:
        raise ValueError(f"expected {kind.__name__}, got {raw!r}")
    return raw


def _level(raw: Any) -> Level:
    if isinstance(raw, Level):
        return raw
    try:
        return Level[str(raw).upper()]
    except KeyError:
        names = ", ".join(level.name.lower() for level in Level)
        raise ValueError(f"expected one of {names}, got {raw!r}") from None


__all__ = [
    "Channel",
    "Creation",
    "Limits",
    "Plugins",
    "PreviousStaff",
    "RestrictionMode",
    "Settings",
    "Sharing",
    "UnassignedVisibility",
    "check_group_restriction",
    "load_settings",
    "read_settings",
    "seeded_roles",
]
