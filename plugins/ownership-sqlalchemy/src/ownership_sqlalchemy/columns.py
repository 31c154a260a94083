"""What columns are made of: how long texts may be, and ids as the database keeps them."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, String, TypeDecorator, Uuid
from sqlalchemy.types import TypeEngine

from ownership_core.errors import InvalidInput
from ownership_core.keys import KeyType, parse_id
from ownership_sqlalchemy.dialects import words

KEY = 191
NAME = 64
VALUE = 500


class Key(TypeDecorator[str]):
    """An id: opaque text outside, the chosen key type in the database.

    ``like`` is the type of a host's key column, which ours then take over, its collation included. ``packed``
    says that the host keeps UUIDs as 32 digits without hyphens.
    """

    impl = String
    cache_ok = True

    def __init__(
        self, key_type: KeyType = KeyType.TEXT, like: TypeEngine[Any] | None = None, packed: bool = False
    ) -> None:
        super().__init__(KEY)
        self.key_type = key_type
        self.like = like
        self.packed = packed

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column type."""
        chosen = column_type(self.key_type) if self.like is None else self.like
        found: TypeEngine[Any] = chosen.dialect_impl(dialect)
        return found

    @property
    def is_number(self) -> bool:
        """Whether the database keeps these ids as numbers."""
        return self.key_type is KeyType.INTEGER

    @property
    def is_loose(self) -> bool:
        """Whether the database may take two different ids for one, or sort them by no code point."""
        return self.key_type is KeyType.TEXT and self.like is not None

    @property
    def is_lent(self) -> bool:
        """Whether a text in the database has a host's collation."""
        return self.is_loose or self.packed

    @property
    def collation(self) -> str | None:
        """The collation that a host's key column names."""
        found: str | None = getattr(self.like, "collation", None)
        return found

    @property
    def casts(self) -> bool:
        """Whether the database compares these ids with no text."""
        return self.key_type is KeyType.UUID and self.like is not None and not self.packed

    def coerce_compared_value(self, op: object, value: object) -> TypeEngine[Any]:  # noqa: ARG002
        """Whatever is compared with an id is an id."""
        return self

    def process_bind_param(self, value: object, dialect: Dialect) -> Any:  # noqa: ARG002
        """The id as the driver takes it."""
        if value is None:
            return None
        if self.packed:
            return str(value).replace("-", "")
        if isinstance(self.like, Uuid) and self.like.as_uuid:
            return uuid.UUID(str(value))
        return int(str(value)) if self.is_number else str(value)

    def process_result_value(self, value: object, dialect: Dialect) -> str | None:  # noqa: ARG002
        """The id as text."""
        if value is None:
            return None
        return str(uuid.UUID(str(value))) if self.packed else str(value)

    def stored(self, text: str) -> str | int:
        """One id as the database keeps it; ``invalid_id`` for text that is no id of this type."""
        if self.packed:
            return text.replace("-", "")
        return int(parse_id(text, self.key_type)) if self.is_number else text

    def all_stored(self, ids: Collection[str]) -> list[str | int]:
        """These ids as the database keeps them, without those that are none of this type."""
        if self.key_type is KeyType.TEXT:
            return list(ids)
        if self.is_number:
            return [int(id) for id in ids if self.can_be(id)]
        return [self.stored(id) for id in ids if self.can_be(id)]

    def can_be(self, text: str) -> bool:
        """Whether ``text`` is an id of this type at all. A database would turn '007' into 7; we do not."""
        if self.key_type is KeyType.TEXT:
            return True
        try:
            parse_id(text, self.key_type)
        except InvalidInput:
            return False
        return True

    def for_anything(self) -> Key:
        """The type of a column that also holds ids nobody has, which may be longer than the host's."""
        if self.like is None or self.key_type is KeyType.UUID:
            return self
        return Key(self.key_type, None if self.is_number else String(KEY, collation=self.collation))


def column_type(key_type: KeyType) -> TypeEngine[Any]:
    """The type of a key column; text keys compare byte by byte."""
    match key_type:
        case KeyType.INTEGER:
            return BigInteger()
        case KeyType.UUID:
            return words(36)
        case KeyType.TEXT:
            return words(KEY)


def key_type_of(column: TypeEngine[Any]) -> KeyType | None:
    """The key type a host's column can be; None for a type no id has."""
    if isinstance(column, Integer):
        return KeyType.INTEGER
    if isinstance(column, Uuid):
        return KeyType.UUID
    return KeyType.TEXT if isinstance(column, String) else None
