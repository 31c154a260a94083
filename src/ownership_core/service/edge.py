"""Where commands enter: ids, texts and scopes are read strictly, and every problem is told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeVar, get_args

import attrs
from attrs import frozen

from ownership_core.commands import (
    KEEP,
    ChangeCustomer,
    Command,
    CreateCustomer,
    Ids,
    KeepOne,
    Matching,
    NewCustomer,
    One,
    Selection,
    require_command,
)
from ownership_core.distribute import Distribution, check_distribution
from ownership_core.errors import InvalidInput, Problem, invalid, raise_all
from ownership_core.fields import Field, Fields
from ownership_core.keys import KeyType, are_plain, fold_identity, is_moment, parse_id, parse_text
from ownership_core.model import (
    Actor,
    ActorKind,
    Customer,
    CustomerId,
    GroupRestriction,
    Level,
    RestrictionMode,
    StaffId,
    Value,
)
from ownership_core.ports import Capabilities, Order
from ownership_core.rules import Rule, unaskable
from ownership_core.scope import Scope, Wildcard
from ownership_core.settings import Limits
from ownership_core.wellformed import check_scope

_T = TypeVar("_T")
_NAMES = ("department", "parent", "role", "to", "cover", "run", "forget")
_TEXTS = ("reason", "source", "label", "login")
_EMPTIED = ("login", "parent", "restriction", "websites")  # where None says that there is none
OURS = ("no_auto",)
"""The fields that are written here even over a shop's own tables."""
_MOMENTS = ("since", "until", "keep_view_until")
_FLAGS = ("active", "create", "delete", "notify", "replace", "revoke")


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
        if isinstance(raw, list | tuple) and len(raw) <= self.limits.ids:
            if self.capabilities.customer_key is KeyType.TEXT and are_plain(raw):
                return tuple(dict.fromkeys(map(CustomerId, raw)))
            with suppress(InvalidInput):  # told below, each with its place among the others
                return tuple(dict.fromkeys([self.customer_id(one) for one in raw]))
        problems: list[Problem] = []
        parsed: dict[CustomerId, None] = {}
        for one in raw:
            customer = _collect(problems, self.customer_id, one)
            if customer is not None:
                parsed[customer] = None
            if len(parsed) + len(problems) > self.limits.ids:
                hint = "Use a scope, or raise settings.limits.ids."
                raise invalid("too_many_ids", f"More than {self.limits.ids} ids were given.", hint)
        raise_all(problems)
        return tuple(parsed)

    def staff_id(self, raw: object) -> StaffId:
        """One staff id, or ``invalid_id``."""
        return StaffId(parse_id(raw, self.capabilities.staff_key, "staff id"))

    def order(self, name: object) -> Order:
        """``name`` or ``-name``: a to-one field to sort by, or ``unknown_sort``."""
        text = name if isinstance(name, str) else ascii(name)
        descending = text.startswith("-")
        field = text[1:] if descending else text
        if field not in self.fields or self.fields[field].many:
            sortable = ", ".join(f.name for f in self.fields.to_one())
            raise invalid("unknown_sort", f"Customers cannot be sorted by {field!r}.", f"Sort by one of {sortable}.")
        return Order(field, descending)

    def actor(self, raw: object) -> Actor:
        """The actor with its id read strictly; anything else is ``invalid_actor``."""
        if not isinstance(raw, Actor):
            raise invalid("invalid_actor", f"{type(raw).__name__} is not an Actor.", "Use Actor.staff(id).")
        key = self.capabilities.staff_key if raw.kind is ActorKind.STAFF else KeyType.TEXT
        return attrs.evolve(raw, id=parse_id(raw.id, key, "actor"))

    def command(self, raw: object) -> Command:
        """The command with all its ids, texts and scopes read strictly."""
        command = require_command(raw)
        problems: list[Problem] = []
        clean: dict[str, Any] = {}
        for attribute in attrs.fields(type(command)):
            value = getattr(command, attribute.name)
            if value is KEEP or (value is None and (attribute.default is None or attribute.name in _EMPTIED)):
                clean[attribute.name] = value
                continue
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
        if not self.capabilities.writes_customers and name not in OURS:
            hint = "Change it where the shop keeps it."
            raise invalid("host_owned", f"The field {name!r} belongs to the shop's own tables.", hint, name)
        if field.computed:
            raise invalid("computed_field", f"The field {name!r} is kept by us.", "Leave it out.", name)
        if field.many is not many:
            hint = "Give it under sets." if field.many else "Give it under values."
            raise invalid(
                "invalid_value", f"The field {name!r} holds {'several' if field.many else 'one'}.", hint, name
            )
        return field

    def _part(self, name: str, value: Any) -> Any:
        if isinstance(value, One | Ids | Matching):
            return self._selection(value)
        if name == "customer":
            return self.customer_id(value)
        if isinstance(value, get_args(Distribution)):
            return check_distribution(value, self.fields, self.capabilities.staff_key)
        if name == "rule" and isinstance(value, Rule):
            return self._rule(value)
        if name == "weights":
            return {self.staff_id(staff): weight for staff, weight in value.items()}
        if name == "keep" and isinstance(value, get_args(Scope)):
            return check_scope(value, self.fields)
        if name == "giver":
            return self.staff_id(value)
        if name in ("staff", "by") and not isinstance(value, Wildcard):
            return self.staff_id(value)
        if name in _NAMES and value != "":
            return parse_id(value, what=name)
        if name in ("departments", "websites") and value is not None:
            return frozenset(parse_id(one, what=f"{name[:-1]} id") for one in value)
        if name in _TEXTS:
            return parse_text(value, self.limits.text, name)
        if name == "restriction":
            return self._restriction(value)
        _require_kind(name, value)
        return tuple(map(self._canonical, value)) if name == "customers" else None

    def _canonical(self, new: NewCustomer) -> NewCustomer:
        """Its ids in the one spelling everything else compares with; what cannot be read is told by its row."""
        unread: list[Problem] = []
        customer = _collect(unread, self.customer_id, new.id)
        staff = None if new.staff is None else _collect(unread, self.staff_id, new.staff)
        return new if customer is None or unread else attrs.evolve(new, id=customer, staff=staff)

    def _rule(self, rule: Rule) -> Rule:
        problems = unaskable([rule], self.fields, self.capabilities.staff_key)
        raise_all(problems.get(rule.id, ()))
        return rule

    def _restriction(self, raw: object) -> GroupRestriction:
        if not isinstance(raw, GroupRestriction) or not isinstance(raw.mode, RestrictionMode):
            raise invalid("invalid_value", "The restriction is none.", "Give a GroupRestriction.", "restriction")
        groups = self.fields["groups"]
        return GroupRestriction(raw.mode, frozenset(str(groups.parse(group)) for group in raw.groups))

    def _selection(self, selection: Selection) -> Selection:
        match selection:
            case One(customer):
                return One(self.customer_id(customer))
            case Ids(ids):
                return Ids(self.customer_ids(ids))
            case Matching(scope):
                return Matching(check_scope(scope, self.fields))


def _require_kind(name: str, value: object) -> None:
    """Refuse a part that is not of its kind; what the wire form can carry is decided here, not while it is written."""
    if name in _FLAGS and type(value) is not bool:
        raise invalid("invalid_value", f"{name} is true or false.", where=name)
    if name in _MOMENTS and not is_moment(value):
        raise invalid("invalid_value", f"{name} is no time.", "Give an aware datetime or UTC microseconds.", name)
    if name == "expected_version" and (type(value) is not int or value < 0):
        raise invalid("invalid_value", "expected_version is a whole number from 0.", where=name)
    if name == "max_moves" and (type(value) is not int or value < 0):
        raise invalid("invalid_value", "max_moves is a whole number from 0.", where=name)
    if name == "rule" or (name == "keep" and not isinstance(value, KeepOne)):
        raise invalid("invalid_value", f"This is no {name}.", "Give a Rule, or a scope to keep.", name)
    if name == "departments":
        raise invalid("invalid_value", "departments lists departments.", "Give [] for none.", name)
    if name in ("values", "sets", "levels") and not isinstance(value, Mapping):
        raise invalid("invalid_value", f"{name} maps names to what they are.", where=name)
    if name == "levels" and isinstance(value, Mapping) and not all(_is_level(*pair) for pair in value.items()):
        raise invalid("invalid_value", "levels maps actions to levels.", "Give Level.OWN, Level.ALL ...", name)
    if name == "customers" and not (isinstance(value, tuple) and all(isinstance(new, NewCustomer) for new in value)):
        raise invalid("invalid_value", "customers holds new customers.", "Give NewCustomer(...).", name)


def _is_level(action: object, level: object) -> bool:
    return isinstance(action, str) and isinstance(level, Level)


def creation_rows(
    edge: Edge, command: CreateCustomer
) -> tuple[dict[CustomerId, Customer], dict[CustomerId, str], list[Problem]]:
    """The new customers by id, their e-mail keys, and what is wrong with the others."""
    customers: dict[CustomerId, Customer] = {}
    email_keys: dict[CustomerId, str] = {}
    emails: set[str] = set()
    twice: set[CustomerId] = set()
    problems: list[Problem] = []
    for new in command.customers:
        made = _collect(problems, edge.new_customer, new)
        if made is None:
            continue
        customer, email_key = made
        if customer.id in customers:
            what = f"The customer {customer.id!r} stands twice in this command."
            said = Problem("customer_exists", what, "Remove one.", customer.id)
            problems += [said] if customer.id in twice else [said, said]  # the first row is refused too (C12)
            twice.add(customer.id)
        elif email_key is not None and email_key in emails:
            what = "Two customers of this command have the same e-mail address."
            problems.append(Problem("duplicate_email", what, "Correct one of them.", customer.id))
        else:
            customers[customer.id] = customer
            if email_key is not None:
                email_keys[customer.id] = email_key
                emails.add(email_key)
    return customers, email_keys, problems


def _collect(problems: list[Problem], read: Callable[..., _T], *arguments: Any) -> _T | None:
    """What ``read`` gives, or None with its problems added to the others."""
    try:
        return read(*arguments)
    except InvalidInput as bad:
        problems.extend(bad.problems)
        return None
