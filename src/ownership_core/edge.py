"""Where commands enter: ids, texts and scopes are read strictly, and every problem is told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import attrs
from attrs import frozen

from ownership_core.commands import (
    KEEP,
    ChangeCustomer,
    Command,
    CreateCustomer,
    Ids,
    Matching,
    NewCustomer,
    One,
    Selection,
    require_command,
)
from ownership_core.errors import InvalidInput, Problem, invalid, raise_all
from ownership_core.fields import Field, Fields
from ownership_core.keys import fold_identity, parse_id, parse_text
from ownership_core.model import Actor, Customer, CustomerId, Value
from ownership_core.ports import Capabilities, Order
from ownership_core.scope import Wildcard
from ownership_core.settings import Limits
from ownership_core.wellformed import check_scope

_T = TypeVar("_T")
_NAMES = ("department", "parent", "role")
_TEXTS = ("reason", "source", "label", "login")


@frozen
class Edge:
    """Reads what comes in from outside, for one store and its declared fields."""

    capabilities: Capabilities
    fields: Fields
    limits: Limits

    def customer_id(self, raw: object) -> CustomerId:
        """One customer id, or ``invalid_id``."""
        return CustomerId(parse_id(raw, self.capabilities.customer_key, "customer id"))

    def customer_ids(self, raw: Iterable[object]) -> tuple[CustomerId, ...]:
        """Customer ids without repeats, or ``invalid_id`` for each bad one, or ``too_many_ids``."""
        if isinstance(raw, str):
            raise invalid("invalid_id", "Several ids were expected and one text was given.", f"Give [{raw!r}].")
        problems: list[Problem] = []
        parsed: dict[CustomerId, None] = {}
        for one in raw:
            if len(parsed) >= self.limits.ids:
                hint = "Use a scope, or raise settings.limits.ids."
                raise invalid("too_many_ids", f"More than {self.limits.ids} ids were given.", hint)
            customer = _collect(problems, self.customer_id, one)
            if customer is not None:
                parsed[customer] = None
        raise_all(problems)
        return tuple(parsed)

    def order(self, name: str) -> Order:
        """``name`` or ``-name``: a to-one field to sort by, or ``unknown_sort``."""
        descending = name.startswith("-")
        field = name[1:] if descending else name
        if field not in self.fields or self.fields[field].many:
            sortable = ", ".join(f.name for f in self.fields.to_one())
            raise invalid("unknown_sort", f"Customers cannot be sorted by {field!r}.", f"Sort by one of {sortable}.")
        return Order(field, descending)

    def actor(self, raw: object) -> Actor:
        """The actor with its id read strictly; anything else is ``invalid_actor``."""
        if not isinstance(raw, Actor):
            raise invalid("invalid_actor", f"{type(raw).__name__} is not an Actor.", "Use Actor.staff(id).")
        return attrs.evolve(raw, id=parse_id(raw.id, what="actor"))

    def command(self, raw: object) -> Command:
        """The command with all its ids, texts and scopes read strictly."""
        command = require_command(raw)
        problems: list[Problem] = []
        clean: dict[str, Any] = {}
        for attribute in attrs.fields(type(command)):
            value = getattr(command, attribute.name)
            done = _collect(problems, self._part, attribute.name, value)
            clean[attribute.name] = value if done is None else done
        raise_all(problems)
        return type(command)(**clean)

    def new_customer(self, new: NewCustomer) -> tuple[Customer, str | None]:
        """The customer as scopes will see it and its e-mail key, or every problem of its fields."""
        problems: list[Problem] = []
        identity = _collect(problems, self.customer_id, new.id)
        values, sets = self._values(new.values, new.sets, problems)
        if new.staff is not None:
            _collect(problems, parse_id, new.staff, self.capabilities.staff_key, "staff id")
        raise_all([attrs.evolve(p, where=f"{new.id}: {p.where}" if p.where else str(new.id)) for p in problems])
        assert identity is not None  # noqa: S101 - raise_all would have raised
        present = {"kind": "customer", "active": True, "no_auto": False, **values}
        present = {name: value for name, value in present.items() if value is not None}
        email = present.get("email")
        return Customer(identity, present, sets), fold_identity(str(email)) if email else None

    def changes(self, command: ChangeCustomer) -> tuple[dict[str, Value | None], dict[str, frozenset[str]]]:
        """The parsed fields of a change, or every problem: ``unknown_field``, ``computed_field`` ..."""
        problems: list[Problem] = []
        parsed = self._values(command.values, command.sets, problems)
        raise_all(problems)
        return parsed

    def _values(
        self, values: Mapping[str, Any], sets: Mapping[str, Iterable[str]], problems: list[Problem]
    ) -> tuple[dict[str, Value | None], dict[str, frozenset[str]]]:
        clean_values: dict[str, Value | None] = {}
        clean_sets: dict[str, frozenset[str]] = {}
        for name, raw in values.items():
            field = _collect(problems, self._writable, name, False)
            if field is None:
                continue
            if raw is None and not field.optional:
                problems.append(Problem("invalid_value", f"The field {name!r} cannot be empty.", where=name))
            parsed = None if raw is None else _collect(problems, field.parse, raw)
            clean_values[name] = parsed
        for name, texts in sets.items():
            field = _collect(problems, self._writable, name, True)
            if field is None:
                continue
            found = _collect(problems, self._set, field, texts)
            clean_sets[name] = found or frozenset()
        return clean_values, clean_sets

    def _set(self, field: Field, texts: object) -> frozenset[str]:
        if isinstance(texts, str) or not isinstance(texts, Iterable):
            raise invalid("invalid_value", f"The field {field.name!r} takes several texts.", "Give a list.", field.name)
        parsed = frozenset(str(field.parse(text)) for text in texts)
        if "" in parsed:
            raise invalid("invalid_value", "An empty text is no value.", "Leave it out.", field.name)
        return parsed

    def _writable(self, name: str, many: bool) -> Field:
        field = self.fields[name]
        if field.computed:
            raise invalid("computed_field", f"The field {name!r} is kept by us.", "Leave it out.", name)
        if field.many is not many:
            hint = "Give it under sets." if field.many else "Give it under values."
            raise invalid(
                "invalid_value", f"The field {name!r} holds {'several' if field.many else 'one'}.", hint, name
            )
        return field

    def _part(self, name: str, value: Any) -> Any:
        if value is None or value is KEEP:
            return None
        if isinstance(value, One | Ids | Matching):
            return self._selection(value)
        if name == "customer":
            return self.customer_id(value)
        if name == "staff" and not isinstance(value, Wildcard):
            return parse_id(value, self.capabilities.staff_key, "staff id")
        if name in _NAMES and value != "":
            return parse_id(value, what=name)
        if name == "departments":
            return frozenset(parse_id(one, what="department id") for one in value)
        if name == "websites":
            return frozenset(parse_id(one, what="website") for one in value)
        if name in _TEXTS:
            return parse_text(value, self.limits.text, name)
        if name == "expected_version" and (type(value) is not int or value < 0):
            raise invalid("invalid_value", "expected_version is a whole number from 0.", where=name)
        return None

    def _selection(self, selection: Selection) -> Selection:
        match selection:
            case One(customer):
                return One(self.customer_id(customer))
            case Ids(ids):
                return Ids(self.customer_ids(ids))
            case Matching(scope):
                return Matching(check_scope(scope, self.fields))


def creation_rows(
    edge: Edge, command: CreateCustomer
) -> tuple[dict[CustomerId, Customer], dict[CustomerId, str], list[Problem]]:
    """The new customers by id, their e-mail keys, and what is wrong with the others."""
    customers: dict[CustomerId, Customer] = {}
    email_keys: dict[CustomerId, str] = {}
    problems: list[Problem] = []
    for new in command.customers:
        made = _collect(problems, edge.new_customer, new)
        if made is None:
            continue
        customer, email_key = made
        if customer.id in customers:
            what = f"The customer {customer.id!r} stands twice in this command."
            problems.append(Problem("customer_exists", what, "Remove one.", customer.id))
        elif email_key is not None and email_key in email_keys.values():
            what = "Two customers of this command have the same e-mail address."
            problems.append(Problem("duplicate_email", what, "Correct one of them.", customer.id))
        else:
            customers[customer.id] = customer
            if email_key is not None:
                email_keys[customer.id] = email_key
    return customers, email_keys, problems


def _collect(problems: list[Problem], read: Callable[..., _T], *arguments: Any) -> _T | None:
    """What ``read`` gives, or None with its problems added to the others."""
    try:
        return read(*arguments)
    except InvalidInput as bad:
        problems.extend(bad.problems)
        return None
