"""Facts about values that look alike: databases like to take them for one another, and sort them by language (I12)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path

import pytest

from ownership_core.evaluate import holds
from ownership_core.model import Customer, CustomerId, Value
from ownership_core.ports import Order, Query, Reader, Store
from ownership_core.scope import After, Before, Equals, Has, Matches, Not, OneOf, Scope, Under
from ownership_core.testing.contracts.base import Contract
from ownership_core.testing.contracts.reads import EVERYBODY, walked
from ownership_core.testing.worlds import WORLD_FIELDS, World

LOOKALIKES = (
    *("a", "A", "a ", " a", "a  ", "aa", "ab", "", "\t"),
    *("\u00e4", "a\u0308", "\u00c4", "ae", "e", "\u00e9", "\u0131", "i", "I", "\u0130", "\u00df", "ss", "\u1e9e"),
    *("1", "1abc", "01", "1.0", "1e0", "+1", "\uff11", "\u0661", "0", "-0", "nan", "NaN", "inf"),
    *("true", "True", "null", "NULL"),
    *("%", "_", "a%", "a_", "\\", "\\%", "\\\\", "'", '"', "?", ":a", "%s", "[a]", "*"),
    *("\ue000", "\uff21", "\uffee", "\U0001f600", "\U0001f601", "\U00010000", "\U0010ffff"),
)
"""No two are equal to us: blanks, case, accents, numbers, wildcards. The last line sorts otherwise in UTF-16."""

NUMBERS: tuple[int | None, ...] = (None, -(2**63), -1, 0, 1, 2, 999_999, 1_000_000, 1_000_001, 2**53 + 1, 2**63 - 1)
"""Whole numbers, as times a microsecond apart; floating point would merge the last but one with its neighbour."""


def _customers(texts: Sequence[str], ids: Sequence[str]) -> tuple[Customer, ...]:
    always: dict[str, Value | None] = {"kind": "person", "active": True, "created_at": 100, "no_auto": False}
    return tuple(
        Customer(
            CustomerId(id),
            {**always, "name": text, "phone": text, "region": text},
            {"tags": frozenset({text} if text else ()), "aliases": frozenset({text} if text else ())},
        )
        for text, id in zip(texts, ids, strict=True)
    )


def _numbered() -> tuple[Customer, ...]:
    always: dict[str, Value | None] = {"kind": "person", "active": True, "created_at": 100, "no_auto": False}
    flags = itertools.cycle([None, False, True])
    return tuple(
        Customer(CustomerId(f"n{place:02}"), {**always, "score": number, "last_seen": number, "vip": next(flags)}, {})
        for place, number in enumerate(NUMBERS)
    )


def _agrees(reader: Reader, world: World, scope: Scope) -> None:
    """The store finds whom Python finds, whichever way it is asked."""
    expected = [customer.id for customer in world.facts() if holds(scope, customer, WORLD_FIELDS)]
    query = Query(scope)
    assert list(reader.ids(query)) == expected, scope
    assert reader.count(query) == len(expected), scope


class TextFacts(Contract):
    """Values that look alike."""

    @pytest.fixture
    def lookalikes(self, tmp_path: Path) -> Iterator[tuple[Store, World]]:
        """One customer for each of :data:`LOOKALIKES`, whose ids are in no order of theirs."""
        world = World(customers=_customers(LOOKALIKES, [f"c{7 * n % 100:02}" for n in range(len(LOOKALIKES))]))
        with self.opened(tmp_path, world=world) as store:
            yield store, world

    @pytest.fixture
    def numbers(self, tmp_path: Path) -> Iterator[tuple[Store, World]]:
        """One customer for each of :data:`NUMBERS`, a third of them with each of the flags no, yes and missing."""
        world = World(customers=_numbered())
        with self.opened(tmp_path, world=world) as store:
            yield store, world

    def test_texts_that_look_alike_are_told_apart(self, lookalikes: tuple[Store, World]) -> None:
        """Equal is equal code point by code point, in a field and in a set; only ASCII folds, where a field says so."""
        store, world = lookalikes
        with store.reader() as reader:
            for text in LOOKALIKES:
                for field in ("phone", "name"):
                    _agrees(reader, world, Equals(field, text))
                _agrees(reader, world, Not(OneOf("phone", [text, "nothing else"])))
                if text:
                    _agrees(reader, world, Has("tags", [text]))
                    _agrees(reader, world, Has("aliases", [text]))

    def test_parts_of_texts_are_taken_literally(self, lookalikes: tuple[Store, World]) -> None:
        """No wildcard, no escape, no language: a part is found where its code points stand one after the other."""
        store, world = lookalikes
        with store.reader() as reader:
            for text in filter(None, LOOKALIKES):
                _agrees(reader, world, Matches("phone", text))
                _agrees(reader, world, Matches("name", text))
                _agrees(reader, world, Under("phone", text))
                _agrees(reader, world, Under("tags", text))

    @pytest.mark.parametrize("descending", [False, True])
    def test_texts_sort_by_code_points(self, lookalikes: tuple[Store, World], descending: bool) -> None:
        """Neither by language nor by UTF-16 units, on one page as on many."""
        store, world = lookalikes
        by_id = sorted((customer.id, str(customer.values["phone"])) for customer in world.customers)
        with store.reader() as reader:
            for field in map(WORLD_FIELDS.__getitem__, ("phone", "name")):
                placed = [(field.folded(text), id) for id, text in by_id]
                placed.sort(key=itemgetter(0), reverse=descending)  # equal ones stay by id
                assert walked(reader, Order(field.name, descending), 7) == [id for _, id in placed]

    def test_ids_that_look_alike_are_different_customers(self, tmp_path: Path) -> None:
        """Each is found by itself alone, and they come in the order of code points."""
        ids = [text for text in LOOKALIKES if text]
        with self.opened(tmp_path, world=World(customers=_customers(ids, ids))) as store, store.reader() as reader:
            assert list(reader.ids(EVERYBODY)) == sorted(ids)
            assert walked(reader, Order("id", descending=True), 7) == sorted(ids, reverse=True)
            for id in map(CustomerId, ids):
                assert [customer.id for customer in reader.customers([id])] == [id]
                assert list(reader.ids(Query(Equals("id", id)))) == [id]
                assert reader.check(EVERYBODY, [id, CustomerId(f"{id} "), CustomerId(f"{id}x")]) <= set(ids)
            absent = [CustomerId(f"{id} ") for id in ids if f"{id} " not in ids]
            assert reader.check(EVERYBODY, absent) == frozenset()

    def test_numbers_are_whole_to_the_last_digit(self, numbers: tuple[Store, World]) -> None:
        """64 bits, and times to the microsecond: equal, before, after, and in order."""
        store, world = numbers
        with store.reader() as reader:
            for number in filter(None, NUMBERS):
                _agrees(reader, world, Equals("score", number))
                for field in ("score", "last_seen"):
                    _agrees(reader, world, Before(field, number))
                    _agrees(reader, world, After(field, number))
            for field in ("score", "last_seen"):
                missing, *up = (customer.id for customer in world.customers)  # as NUMBERS has them
                assert walked(reader, Order(field), 3) == [*up, missing]
                assert walked(reader, Order(field, descending=True), 3) == [*reversed(up), missing]

    def test_no_is_neither_nought_nor_missing(self, numbers: tuple[Store, World]) -> None:
        """A flag that is no, a number that is 0, and one that is not there are three things."""
        store, world = numbers
        with store.reader() as reader:
            for scope in (Equals("vip", False), Equals("vip", True), Equals("score", 0), Equals("score", 1)):
                _agrees(reader, world, scope)
                _agrees(reader, world, Not(scope))
            rows = {row.id: row for row in reader.page(EVERYBODY, Order(), None, 100)}
            for customer in world.facts():
                assert dict(rows[customer.id].values) == dict(customer.values)
                assert all(type(rows[customer.id].values[name]) is type(one) for name, one in customer.values.items())
