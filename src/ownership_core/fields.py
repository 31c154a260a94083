"""The declared customer fields: the only things a scope, a search or a sort may speak of.

Built-in fields are below; a host declares more in its settings or through ``ownership_customer_fields``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from attrs import field as attribute
from attrs import frozen

from ownership_core.errors import Problem, invalid, raise_all
from ownership_core.keys import fold_ascii, parse_text, to_micros
from ownership_core.model import Value


class Kind(StrEnum):
    """What a field holds. Times are kept as whole UTC microseconds."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TIME = "time"


class Fold(StrEnum):
    """How text compares. ``exact`` and ``ascii`` are equal on all stores; ``database`` only in SQL."""

    EXACT = "exact"
    ASCII = "ascii"
    DATABASE = "database"


@frozen
class Field:
    """One declared field.

    ``many`` marks a set field (empty, never missing). ``separator`` makes ``Under`` mean "in the tree
    below" instead of "starts with". ``searchable`` lets staff use it in a search, ``computed`` fields
    are kept by this package and cannot be written by ``ChangeCustomer``.
    """

    name: str
    kind: Kind = Kind.TEXT
    many: bool = False
    optional: bool = True
    fold: Fold = Fold.EXACT
    searchable: bool = True
    separator: str | None = None
    limit: int = 500
    computed: bool = False

    def folded(self, text: str) -> str:
        """``text`` as this field compares it."""
        return fold_ascii(text) if self.fold is Fold.ASCII else text

    def parse(self, raw: object) -> Value:
        """The stored form of a value for this field, or :class:`InvalidInput`.

        >>> Field("vip", Kind.BOOLEAN).parse("yes")
        Traceback (most recent call last):
        ownership_core.errors.InvalidInput: [invalid_value] 'yes' is not a value for a boolean field. (vip)
        """
        match self.kind:
            case Kind.TEXT:
                return parse_text(raw, self.limit, self.name)
            case Kind.BOOLEAN if isinstance(raw, bool):
                return raw
            case Kind.INTEGER if type(raw) is int and -(2**63) <= raw < 2**63:
                return raw
            case Kind.TIME:
                return to_micros(raw, self.name)
            case _:
                shown = ascii(raw)[:60]
                raise invalid(
                    "invalid_value", f"{shown} is not a value for a {self.kind.value} field.", where=self.name
                )


def _address(prefix: str) -> tuple[Field, ...]:
    return (
        Field(f"{prefix}cities", many=True, fold=Fold.ASCII),
        Field(f"{prefix}states", many=True, fold=Fold.ASCII),
        Field(f"{prefix}zips", many=True),
        Field(f"{prefix}countries", many=True, fold=Fold.ASCII),
    )


BUILT_IN: tuple[Field, ...] = (
    Field("id", optional=False, computed=True),
    Field("kind", optional=False),
    Field("name", fold=Fold.ASCII),
    Field("email", fold=Fold.ASCII),
    Field("phone"),
    Field("groups", many=True),
    Field("website"),
    Field("tags", many=True),
    *_address(""),
    *_address("billing_"),
    *_address("shipping_"),
    Field("external_ids", many=True),
    Field("parent"),
    Field("active", Kind.BOOLEAN, optional=False),
    Field("created_at", Kind.TIME, optional=False, computed=True),
    Field("no_auto", Kind.BOOLEAN, optional=False),
)


@frozen
class Fields:
    """All declared fields by name. Iterates in declaration order.

    >>> fields = Fields.declare([Field("region", separator="/")])
    >>> fields["region"].separator, "groups" in fields
    ('/', True)
    """

    by_name: Mapping[str, Field] = attribute(factory=dict)

    @classmethod
    def declare(cls, extra: Iterable[Field] = ()) -> Fields:
        """The built-in fields and ``extra``; a name declared twice is refused (``duplicate_field``)."""
        by_name: dict[str, Field] = {}
        problems = []
        for declared in (*BUILT_IN, *extra):
            if declared.name in by_name:
                problems.append(
                    Problem("duplicate_field", f"The field {declared.name!r} is declared twice.", "Rename one.")
                )
            by_name[declared.name] = declared
        raise_all(problems)
        return cls(by_name)

    def __getitem__(self, name: str) -> Field:
        try:
            return self.by_name[name]
        except (KeyError, TypeError):
            raise invalid(
                "unknown_field",
                f"There is no customer field {name!r}.",
                f"Declared are: {', '.join(self.by_name)}.",
            ) from None

    def __contains__(self, name: str) -> bool:
        return name in self.by_name

    def __iter__(self) -> Iterator[Field]:
        return iter(self.by_name.values())

    def to_one(self) -> Iterator[Field]:
        """The fields with at most one value."""
        return (f for f in self if not f.many)

    def sets(self) -> Iterator[Field]:
        """The set fields."""
        return (f for f in self if f.many)
