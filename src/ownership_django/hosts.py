"""The host's customers: its model, the type of its key, and where each declared field stands in its tables.

Rows are always read through a plain ``QuerySet``, never through a manager of the host. A manager may hide rows
(soft deletion), or refuse to answer at all outside a tenant; a row hidden from us would be listed and not
checked, or keep an assignment nobody can end. What a host's manager hides stays hidden where it should: in the
host's own querysets, which ``visible_to`` only ever narrows.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from attrs import field as attribute
from attrs import frozen
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import (
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    Field,
    ForeignKey,
    GeneratedField,
    IntegerField,
    ManyToManyField,
    ManyToManyRel,
    ManyToOneRel,
    Model,
    QuerySet,
    TextField,
    UUIDField,
)
from django.db.models.constants import LOOKUP_SEP

from ownership_core.errors import InvalidInput, InvalidSettings, Problem
from ownership_core.fields import Field as Declared
from ownership_core.fields import Fields, Kind
from ownership_core.keys import KeyType, parse_id
from ownership_django import conf

OURS = frozenset({"id", "no_auto"})
"""Fields a host cannot map: the key is its model's, and ``no_auto`` stands in our heads."""


class Kept(StrEnum):
    """How a host's column keeps its values."""

    TEXT = "text"
    INTEGER = "integer"
    UUID = "uuid"
    BOOLEAN = "boolean"
    TIME = "time"
    DATE = "date"


_KEPT: tuple[tuple[type[Field[Any, Any]], Kept], ...] = (
    (UUIDField, Kept.UUID),
    (BooleanField, Kept.BOOLEAN),
    (DateTimeField, Kept.TIME),  # before DateField, of which it is one
    (DateField, Kept.DATE),
    (IntegerField, Kept.INTEGER),
    (CharField, Kept.TEXT),
    (TextField, Kept.TEXT),
)
_HOLDS: Mapping[Kind, frozenset[Kept]] = {
    Kind.TEXT: frozenset({Kept.TEXT, Kept.INTEGER, Kept.UUID}),
    Kind.BOOLEAN: frozenset({Kept.BOOLEAN}),
    Kind.INTEGER: frozenset({Kept.INTEGER}),
    Kind.TIME: frozenset({Kept.TIME, Kept.DATE, Kept.INTEGER}),
}
_KEYS = {Kept.TEXT: KeyType.TEXT, Kept.INTEGER: KeyType.INTEGER, Kept.UUID: KeyType.UUID}


@frozen(eq=False)
class Start:
    """Where a subquery for a set field begins: rows whose ``link`` is the customer's ``outer``, and on by ``rest``."""

    model: type[Model]
    link: str
    outer: str
    rest: str


@frozen(eq=False)
class Place:
    """Where a declared field stands: a path from the customer to ``column``, which keeps its values as ``kept``.

    ``many`` says that the path leads to any number of rows. ``blank`` says that the column cannot be NULL and
    keeps what is missing as the empty text, as Django's own models do; such a text then counts as missing.
    ``sure`` says that whoever has a row at the end of the path has a value: nobody need look into that row.
    """

    declared: Declared
    path: str
    column: Field[Any, Any]
    kept: Kept
    start: Start
    many: bool = False
    blank: bool = False
    sure: bool = False

    @property
    def there(self) -> str:
        """The path whose end is NULL just where there is no value."""
        return (self.path.rpartition(LOOKUP_SEP)[0] or self.path) if self.sure else self.path


@frozen(eq=False)
class Customers:
    """The host's customer model as scopes see it."""

    model: type[Model]
    pk: Field[Any, Any]
    column: Field[Any, Any]
    key: KeyType
    fields: Fields
    places: Mapping[str, Place] = attribute(factory=dict)

    def rows(self) -> QuerySet[Any]:
        """All of them, whatever the host's managers hide, and in no order: the one its model asks for is for pages."""
        return rows_in(self.model).order_by()

    def value(self, id: object) -> Any | None:
        """An id as the key's column takes it; None for what can be no id here ('007' is not 7).

        Every text can be one of a text key: a host may have ids that we would not have made.
        """
        if self.key is KeyType.TEXT:
            return id if isinstance(id, str) else None
        try:
            text = parse_id(id, self.key)
        except InvalidInput:
            return None
        return int(text) if self.key is KeyType.INTEGER else uuid.UUID(text)


@conf.until_changed
def customers() -> Customers:
    """The model the dict names, resolved; :class:`InvalidSettings` with every unknown model and path at once."""
    conf.configuration()
    found, problems = resolving()
    if found is None or problems:
        raise InvalidSettings(*problems, who=conf.WHO)
    return found


@conf.until_changed
def resolving() -> tuple[Customers | None, tuple[Problem, ...]]:
    """The same as far as it goes, with every problem. Raises only where plugins do."""
    chosen = conf.reading()[0]
    if not chosen.customer_model:
        return None, ()  # which was said where the dict was read
    try:
        model = find_model(chosen.customer_model, "CUSTOMER_MODEL")
    except InvalidSettings as wrong:
        return None, wrong.problems
    return _resolved(model, chosen.paths)


def _resolved(model: type[Model], paths: Mapping[str, str]) -> tuple[Customers | None, tuple[Problem, ...]]:
    pk: Any = model._meta.pk
    column, kept = _end(pk)
    problems: list[Problem] = []
    if kept not in _KEYS:
        what = f"The key of {model._meta.label} is a {type(column).__name__}."
        problems.append(_wrong(what, "Name a model whose key is a number, a text or a UUID.", "CUSTOMER_MODEL"))
    declared, places = conf.fields(), {}
    for name, path in paths.items():
        try:
            places[name] = _place(model, declared, name, path)
        except InvalidSettings as wrong:
            problems += wrong.problems
    if kept not in _KEYS:
        return None, tuple(problems)
    return Customers(model, pk, column, _KEYS[kept], declared, places), tuple(problems)


@conf.until_changed
def staff_model() -> type[Model]:
    """The model our staff rows are linked to."""
    return find_model(conf.reading()[0].staff_model, "STAFF_MODEL")


@conf.until_changed
def login_path() -> str | None:
    """The way from our staff rows to the users that log in; None where the model of staff is linked to none."""
    staff, users = staff_model(), get_user_model()
    if issubclass(users, staff._meta.concrete_model or staff):
        return "user"
    links = [
        field.name
        for field in staff._meta.get_fields()
        if (field.one_to_one or field.many_to_one) and field.related_model is users
    ]
    return LOOKUP_SEP.join(["user", links[0]]) if len(links) == 1 else None


def path_of(kind: type[Any]) -> str | None:
    """The way from our staff rows to objects of ``kind``: users that log in, or rows of the model of staff."""
    staff = staff_model()
    if issubclass(kind, staff._meta.concrete_model or staff):
        return "user"
    return login_path() if issubclass(kind, get_user_model()) else None


def rows_in(model: type[Model]) -> QuerySet[Any]:
    """All rows of a model, whatever its managers hide, for whichever database the statement around it is."""
    return QuerySet(model)


def find_model(label: str, key: str) -> type[Model]:
    """The installed model ``label`` names; :class:`InvalidSettings` for one that is not there or cannot have rows."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        hint = "Name an installed model as 'app_label.ModelName'."
        raise InvalidSettings(_wrong(f"There is no model {label!r}.", hint, key), who=conf.WHO) from None
    swapped = model._meta.swapped
    if swapped:
        what = f"{label!r} was swapped for {swapped!r} and has no table."
        raise InvalidSettings(_wrong(what, f"Name {swapped!r}.", key), who=conf.WHO)
    return model


def _place(model: type[Model], fields: Fields, name: str, path: str) -> Place:
    if name not in fields:
        what = f"There is no customer field {name!r}."
        hint = f"Declare it in SETTINGS['fields']. Declared are: {', '.join(fields.by_name)}."
        raise InvalidSettings(_wrong(what, hint, "FIELDS", name), who=conf.WHO)
    declared = fields[name]
    if name in OURS:
        raise InvalidSettings(_wrong(f"The field {name!r} is kept by us.", "Leave it out.", "FIELDS", name))
    way, many = _walked(model, name, path)
    column, kept = _end(way[-1])
    if kept is None or kept not in _HOLDS[declared.kind]:
        what = f"A {type(column).__name__} holds no {declared.kind.value} ({path})."
        hint = "Map a field of that kind, or declare the field as another kind."
        raise InvalidSettings(_wrong(what, hint, "FIELDS", name), who=conf.WHO)
    if many and not declared.many:
        what = f"The field {name!r} has one value, and {path!r} leads to many."
        raise InvalidSettings(_wrong(what, "Map a path over single relations.", "FIELDS", name), who=conf.WHO)
    blank = kept is Kept.TEXT and not column.null and column.blank and declared.optional
    sure = not blank and _is_never_missing(way[-1]) and _is_kept(way)
    return Place(declared, path, column, kept, _start(model, path), many, blank, sure)


def _walked(model: type[Model], name: str, path: str) -> tuple[list[Any], bool]:
    """The fields of a path, and whether the way leads to many rows."""
    here, found, many = model, None, False
    way: list[Any] = []
    for step in path.split(LOOKUP_SEP):
        if found is not None and not hasattr(found, "path_infos"):
            what = f"{here._meta.label}.{found.name} leads nowhere, so there is no {step!r} behind it ({path})."
            raise InvalidSettings(_wrong(what, "End the path there.", "FIELDS", name), who=conf.WHO)
        try:
            found = here._meta.pk if step == "pk" else here._meta.get_field(step)
        except FieldDoesNotExist:
            known = ", ".join(sorted(one.name for one in here._meta.get_fields() if not one.name.endswith("+")))
            what = f"{here._meta.label} has no field {step!r} ({path})."
            raise InvalidSettings(_wrong(what, f"It has: {known}.", "FIELDS", name), who=conf.WHO) from None
        if hasattr(found, "path_infos"):
            many = many or any(hop.m2m for hop in found.path_infos)
            here = found.path_infos[-1].to_opts.model
        way.append(found)
    return way, many


def _is_never_missing(last: Any) -> bool:
    """Whether whoever has the row has a value: of a relation its own column counts."""
    return not getattr(last, "is_relation", False) and last.null is False


def _is_kept(way: Sequence[Any]) -> bool:
    """Whether the database keeps the row that the last relation of a path refers to, as long as it is referred to."""
    relation: Any = way[-2] if len(way) > 1 else None
    if isinstance(relation, ManyToManyField):
        through: Any = relation.remote_field.through
        relation = through._meta.get_field(relation.m2m_reverse_field_name())
    return isinstance(relation, ForeignKey) and bool(getattr(relation, "db_constraint", False))


def _start(model: type[Model], path: str) -> Start:
    """The rows nearest to the customer along ``path``, so that a subquery need not begin with customers again."""
    step, _, rest = path.partition(LOOKUP_SEP)
    first: Any = model._meta.get_field(step) if step != "pk" else model._meta.pk
    match first:
        case ManyToManyField():
            through = first.remote_field.through
            return _linked(through, first.m2m_field_name(), first.m2m_reverse_field_name(), rest)
        case ManyToManyRel():
            return _linked(first.through, first.field.m2m_reverse_field_name(), first.field.m2m_field_name(), rest)
        case ManyToOneRel():
            key = first.field
            return Start(first.related_model, key.attname, key.target_field.attname, rest or "pk")
        case _:
            return Start(model, model._meta.pk.attname, model._meta.pk.attname, path)


def _linked(through: Any, ours: str, theirs: str, rest: str) -> Start:
    key = through._meta.get_field(ours)
    return Start(through, key.attname, key.target_field.attname, LOOKUP_SEP.join([theirs, rest]) if rest else theirs)


def _end(last: Any) -> tuple[Field[Any, Any], Kept | None]:
    """The column that keeps the value of a path's last field: of a relation, the key it refers to."""
    column = last
    while getattr(column, "is_relation", False) and hasattr(column, "path_infos"):
        column = getattr(column, "target_field", None) or column.path_infos[-1].to_opts.pk
    if isinstance(column, GeneratedField):
        column = column.output_field
    return column, next((kept for kind, kept in _KEPT if isinstance(column, kind)), None)


def _wrong(what: str, hint: str, *where: str) -> Problem:
    return Problem("invalid_mapping", what, hint, conf.NAME + "".join(f"[{part!r}]" for part in where))
