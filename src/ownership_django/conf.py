"""The one dict a site writes, ``OWNERSHIP``: read when it is first needed, forgotten when a setting changes.

Nothing is read on import, and nothing wrong in it stops a site from starting far enough to say so: the system
checks (:mod:`ownership_django.checks`) list every mistake at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from attrs import field as attribute
from attrs import frozen
from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.db import DEFAULT_DB_ALIAS, connections
from django.dispatch import receiver

from ownership_core.errors import InvalidSettings, Problem
from ownership_core.fields import Fields
from ownership_core.host import Host
from ownership_core.service.wiring import fields_for, host_for
from ownership_core.settings import Settings, load_settings

WHO = "ownership_django"
NAME = "OWNERSHIP"
KEYS = ("CUSTOMER_MODEL", "STAFF_MODEL", "FIELDS", "MIGRATION_DEPENDENCY", "DATABASE", "ROLES", "SETTINGS")
FIRST = "__first__"
"""What Django calls the first migration of an app."""

_Answer = TypeVar("_Answer")
_ELSEWHERE = {
    "store": "the site's own tables are the store",
    "database": f"name one of DATABASES in {NAME}['DATABASE']",
}
_forgetting: list[Callable[[], None]] = []


@frozen
class Configuration:
    """What the dict says, with its defaults. Models are labels here; :mod:`.hosts` finds them."""

    customer_model: str
    staff_model: str
    migration_dependency: tuple[str, str]
    paths: Mapping[str, str] = attribute(factory=dict)
    database: str = DEFAULT_DB_ALIAS
    settings: Settings = attribute(factory=Settings)


def until_changed(ask: Callable[[], _Answer]) -> Callable[[], _Answer]:
    """Ask once, and again after a setting has changed."""
    remembered = cache(ask)
    _forgetting.append(remembered.cache_clear)
    return remembered


def forget() -> None:
    """Read everything anew when it is next asked for."""
    for one in _forgetting:
        one()


@receiver(setting_changed, dispatch_uid="ownership_django.conf")
def _changed(*, setting: str, **_: object) -> None:
    if setting in (NAME, "AUTH_USER_MODEL", "DATABASES", "INSTALLED_APPS"):
        forget()


@until_changed
def reading() -> tuple[Configuration, tuple[Problem, ...]]:
    """The dict as far as it can be read, and everything that is wrong with it. Never raises."""
    raw = getattr(django_settings, NAME, None)
    if not isinstance(raw, Mapping):
        what = f"settings.{NAME} is missing." if raw is None else f"settings.{NAME} is no dict."
        return Configuration("", "", ("", FIRST)), (Problem("invalid_settings", what, _EXAMPLE, NAME),)
    found = _Reading(raw)
    return found.everything(), tuple(found.problems)


def configuration() -> Configuration:
    """The dict as it stands; :class:`InvalidSettings` lists everything that is wrong with it."""
    found, problems = reading()
    if problems:
        raise InvalidSettings(*problems, who=WHO)
    return found


def customer_label() -> str:
    """The label our foreign key points to. Never raises: where the dict is wrong, the checks say so.

    A model must point somewhere for Django to start and run those checks; the staff's model exists anyway.
    """
    return _label("CUSTOMER_MODEL")


def staff_label() -> str:
    """The label of the model our staff rows are linked to, ``AUTH_USER_MODEL`` by default. Never raises."""
    return _label("STAFF_MODEL")


def migration_dependency() -> tuple[str, str]:
    """The migration after which the customer's table exists. Never raises."""
    raw = getattr(django_settings, NAME, None)
    given = raw.get("MIGRATION_DEPENDENCY") if isinstance(raw, Mapping) else None
    return tuple(given) if _is_migration(given) else (customer_label().partition(".")[0], FIRST)  # type: ignore[arg-type]


@until_changed
def plugins() -> Host:
    """The plugins of this site: the built-in ones, its own doctor, and whatever is installed and not blocked."""
    from ownership_django.doctor import SiteDoctor  # noqa: PLC0415 - models are ready now

    return host_for(reading()[0].settings, {"site": SiteDoctor()})


@until_changed
def fields() -> Fields:
    """The declared customer fields: built in, from ``SETTINGS``, and from plugins."""
    return fields_for(reading()[0].settings, plugins())


class _Reading:
    """One pass over the dict that gathers every problem."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.problems: list[Problem] = []

    def everything(self) -> Configuration:
        for key in self.raw:
            if key not in KEYS:
                self._wrong(f"There is no setting {key!r}.", f"Known are: {', '.join(KEYS)}.", key)
        return Configuration(
            self._model("CUSTOMER_MODEL", None),
            self._model("STAFF_MODEL", django_settings.AUTH_USER_MODEL),
            self._dependency(),
            self._paths(),
            self._database(),
            self._settings(),
        )

    def _wrong(self, what: str, hint: str, *where: str) -> None:
        place = NAME + "".join(f"[{part!r}]" for part in where)
        self.problems.append(Problem("invalid_settings", what, hint, place))

    def _model(self, key: str, default: str | None) -> str:
        label = self.raw.get(key, default)
        if label is None:
            self._wrong("The model of the customers is not named.", _EXAMPLE, key)
        elif not _is_label(label):
            self._wrong(f"{label!r} names no model.", "Give 'app_label.ModelName'.", key)
        else:
            return str(label)
        return ""

    def _dependency(self) -> tuple[str, str]:
        given = self.raw.get("MIGRATION_DEPENDENCY")
        if given is not None and not _is_migration(given):
            hint = "Give ('app_label', 'name of the migration that makes the customer table')."
            self._wrong(f"{given!r} names no migration.", hint, "MIGRATION_DEPENDENCY")
        return migration_dependency()

    def _paths(self) -> dict[str, str]:
        given = self.raw.get("FIELDS", {})
        if not isinstance(given, Mapping):
            self._wrong("FIELDS is no dict.", "Give {'name': 'full_name', ...}.", "FIELDS")
            return {}
        for name, path in given.items():
            if not isinstance(name, str) or not isinstance(path, str) or not path:
                hint = "Give a path over the model's fields, such as 'profile__groups__code'."
                self._wrong(f"{path!r} is no path.", hint, "FIELDS", str(name))
        return {name: path for name, path in given.items() if isinstance(name, str) and isinstance(path, str) and path}

    def _database(self) -> str:
        alias = self.raw.get("DATABASE", DEFAULT_DB_ALIAS)
        if alias not in connections:
            self._wrong(f"There is no database {alias!r}.", f"DATABASES has: {', '.join(connections)}.", "DATABASE")
        return str(alias)

    def _settings(self) -> Settings:
        given = self.raw.get("SETTINGS", {})
        if not isinstance(given, Mapping):
            self._wrong("SETTINGS is no dict.", "Give {'cardinality': 'multi', ...}.", "SETTINGS")
            return Settings()
        for key, hint in _ELSEWHERE.items():
            if key in given:
                self._wrong(f"{key!r} is not chosen here.", f"Leave it out: {hint}.", "SETTINGS", key)
        chosen = {key: value for key, value in given.items() if key not in _ELSEWHERE}
        if "ROLES" in self.raw:
            if "roles" in chosen:
                self._wrong("The roles are given twice.", "Keep one of them.", "SETTINGS", "roles")
            chosen["roles"] = self.raw["ROLES"]
        try:
            return load_settings(chosen)
        except InvalidSettings as wrong:
            self.problems += [self._placed(one) for one in wrong.problems]
            return Settings()

    def _placed(self, problem: Problem) -> Problem:
        """The core's own words, with the path a Django developer looks for."""
        where = problem.where.removeprefix("settings").removeprefix(".")
        inside = "ROLES" if "ROLES" in self.raw and where.startswith("roles") else "SETTINGS"
        rest = where.removeprefix("roles").removeprefix(".") if inside == "ROLES" else where
        place = f"{NAME}['{inside}']{'.' if rest and not rest.startswith('[') else ''}{rest}"
        return Problem(problem.code, problem.what, problem.hint or "docs/settings.md says what it may be.", place)


_EXAMPLE = f"Write {NAME} = {{'CUSTOMER_MODEL': 'shop.Customer', 'FIELDS': {{'name': 'full_name'}}}}."


def _label(key: str) -> str:
    raw = getattr(django_settings, NAME, None)
    label = raw.get(key) if isinstance(raw, Mapping) else None
    return str(label) if _is_label(label) else str(django_settings.AUTH_USER_MODEL)


def _is_label(label: object) -> bool:
    return isinstance(label, str) and label.count(".") == 1 and all(part.isidentifier() for part in label.split("."))


def _is_migration(given: object) -> bool:
    return (
        isinstance(given, tuple | list)
        and len(given) == 2  # noqa: PLR2004 - an app and a migration
        and all(isinstance(part, str) and part for part in given)
    )
