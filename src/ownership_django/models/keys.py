"""Fields for keys and texts that compare by code points on every database, and for a host's customer ids."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from ownership_core.keys import ID_LIMIT, KeyType
from ownership_django import conf

BYTEWISE = {"postgresql": "C", "mysql": "utf8mb4_nopad_bin"}
"""The collation that neither folds letters nor ignores blanks at the end; SQLite needs to be told nothing."""

NAME = 64
SHORT = 16


def _with_collation(parameters: Any, connection: BaseDatabaseWrapper) -> Any:
    return {**parameters, "collation": BYTEWISE.get(connection.vendor)}


class ExactField(models.CharField):  # type: ignore[type-arg]
    """A text of limited length that compares and sorts by code points."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max_length": ID_LIMIT, **options})

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """On PostgreSQL by its long name: Django adds an index for LIKE to a ``varchar``, and ``C`` needs none."""
        if connection.vendor == "postgresql":
            return f"character varying({self.max_length})"
        return super().db_type(connection)

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """The type and collation of the column."""
        return _with_collation(super().db_parameters(connection), connection)


class ProseField(models.TextField):  # type: ignore[type-arg]
    """A text of any length that compares by code points."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """The type and collation of the column."""
        return _with_collation(super().db_parameters(connection), connection)


def host_key() -> models.Field[Any, Any]:
    """The field that holds the ids of the host's customers: its primary key, or the one that key refers to."""
    return plain_key(apps.get_model(conf.customer_label()))


def plain_key(model: type[models.Model]) -> models.Field[Any, Any]:
    """The field that holds the keys of a model: its primary key, or the one that key refers to."""
    key: Any = model._meta.pk
    while key.remote_field is not None:
        key = key.target_field
    return key  # type: ignore[no-any-return]


def key_type_of(key: models.Field[Any, Any]) -> KeyType | None:
    """The key type of a host's field; None for one that holds no id we can keep."""
    if isinstance(key, models.UUIDField):
        return KeyType.UUID
    if isinstance(key, models.IntegerField):  # the automatic ones are among them
        return KeyType.INTEGER
    return KeyType.TEXT if isinstance(key, models.CharField | models.TextField) else None


class CustomerKey(models.Field):  # type: ignore[type-arg]
    """A customer's id that refers to nothing: as the host keeps it, and wide enough for ids nobody has."""

    @property
    def _twin(self) -> models.Field[Any, Any]:
        found = self.__dict__.get("_found_twin")
        if found is None:
            found = self._found_twin = _twin_of(host_key())
        return found

    def get_internal_type(self) -> str:
        """What the backend reads and writes it as."""
        return self._twin.get_internal_type()

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """The column type."""
        return self._twin.db_type(connection)

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """The type, and the collation of the host's key, with which it is compared."""
        lent = host_key().db_parameters(connection).get("collation")
        return {"type": self.db_type(connection), "check": None, "collation": lent}

    def to_python(self, value: Any) -> Any:
        """As the host's key reads it."""
        return self._twin.to_python(value)

    def get_prep_value(self, value: Any) -> Any:
        """As the host's key writes it."""
        return self._twin.get_prep_value(value)

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """As the host's key writes it."""
        return self._twin.get_db_prep_value(value, connection, prepared)


def _twin_of(key: models.Field[Any, Any]) -> models.Field[Any, Any]:
    match key_type_of(key):
        case KeyType.INTEGER:
            return models.BigIntegerField()
        case KeyType.UUID:
            return models.UUIDField()
        case _:
            return models.CharField(max_length=ID_LIMIT)
