"""One script of questions and commands, hostile ones first, has the same answers, codes and order everywhere (I12).

The memory store is the reference; every word of every answer is compared, and the codes besides with what is written
here. Proven by breaking it: fails when ``Key.can_be`` lets '1abc' and '007' through to a database that keeps numbers,
when a column of ours has a collation that knows languages, and when the edge lets NaN or a truth in for a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from ownership_core import Actor, Ownership, OwnershipError, Settings
from ownership_core.commands import Assign, ChangeCustomer, CreateCustomer, NewCustomer, Unassign
from ownership_core.keys import KeyType
from ownership_core.ports import Store
from ownership_core.scope import (
    ANY,
    After,
    AssignedTo,
    Before,
    Equals,
    Has,
    Matches,
    Missing,
    Not,
    OneOf,
    PrimaryOf,
    Scope,
    Under,
)
from ownership_core.testing.memory import MemoryStore
from ownership_core.testing.worlds import WORLD_FIELDS

Step = tuple[Callable[[Ownership, Actor], Any], str | None]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
TEXTS = (
    "a",
    "A",
    "a ",
    "\u00e4",
    "a\u0308",
    "%",
    "_",
    "\\",
    "\U0001f600",
    "\uff21",
    "\ue000",
    "1",
    "1abc",
    "01",
    "nan",
)
TIMES = (NOON - MICRO, NOON, NOON + MICRO)


def finds(scope: Scope, code: str | None = None) -> Step:
    """Whom a filter finds, in order."""
    return lambda shop, admin: list(shop.visible(admin).where(scope).ids()), code


def sets(code: str | None, **values: Any) -> Step:
    """A change of the first customer."""
    return lambda shop, admin: shop.execute(ChangeCustomer("1", values=values), admin).to_json()["tally"], code


def checks(raw: Any, code: str | None = None) -> Step:
    """Whom an id that was typed in means."""
    return lambda shop, admin: sorted(shop.check(admin, "view", [raw])), code


def sorts(name: str) -> Step:
    """All ids in an order, two a page."""

    def walk(shop: Ownership, admin: Actor) -> list[str]:
        found, after = [], None
        while True:
            page = shop.visible(admin).order(name).page(2, after)
            found += [customer.id for customer in page.customers]
            if (after := page.next) is None:
                return found

    return walk, None


def searches(text: Any, code: str | None = None) -> Step:
    """Whom a search for a name finds."""
    return lambda shop, admin: [one.id for one in shop.visible(admin).search(name=text).page().customers], code


NUMBER, TEXT = KeyType.INTEGER, KeyType.TEXT
WRONG_NUMBERS = (True, False, 1.0, math.nan, math.inf, -math.inf, "1", 2**63, -(2**63) - 1)
VALUES: list[Step] = [
    *(sets("invalid_value", score=raw) for raw in WRONG_NUMBERS),
    *(sets("invalid_value", vip=raw) for raw in (0, 1, "true", 1.0, math.nan)),
    *(sets("invalid_value", last_seen=raw) for raw in (0, True, math.nan, "2026-03-01")),
    *(sets("invalid_text", name=raw) for raw in ("a\x00", "\ud800", "\udfff\ud800")),
    *(sets("invalid_value", name=raw) for raw in (1, True, math.nan)),
    *(finds(Equals("score", raw), "invalid_value") for raw in WRONG_NUMBERS if type(raw) is not int),
    *(finds(OneOf("name", [raw]), "invalid_text") for raw in ("\x00", "\udc00")),
    *(finds(Equals("vip", raw), "invalid_value") for raw in (0, 1)),
    *(step for raw in TEXTS for step in (finds(Equals("phone", raw)), finds(Not(Equals("name", raw))))),
    *(step for raw in TEXTS for step in (finds(Matches("phone", raw)), finds(Under("name", raw)), searches(raw))),
    *(finds(Has("tags", [raw])) for raw in TEXTS),
    *(searches(raw, "invalid_text") for raw in ("\x00", "a\ud83d")),
    *(step for at in TIMES for step in (finds(Before("last_seen", at)), finds(After("last_seen", at)))),
    *(finds(scope) for scope in (Equals("vip", False), Equals("vip", True), Missing("vip"), Not(Equals("vip", True)))),
    *(finds(Equals("score", number)) for number in (0, 1, 2**63 - 1, -(2**63))),
    *(sorts(f"{sign}{name}") for name in ("id", "name", "phone", "score", "vip", "last_seen") for sign in ("", "-")),
]
NUMBER_KEYS: list[Step] = [
    *(checks(raw) for raw in (1, "1", 2, "10", -1, 2**63 - 1)),
    *(checks(raw, "invalid_id") for raw in ("1abc", "01", " 1", "1 ", "1.0", "1e0", "+1", "\uff11", "\u0661", "")),
    *(checks(raw, "invalid_id") for raw in (True, 1.0, math.nan, math.inf, None, 2**63, "1\x00", "\ud800")),
    *(finds(Equals("id", raw)) for raw in ("1", "10", "7")),
    *(finds(scope) for raw in ("1abc", "01", "nan") for scope in (Matches("id", raw), Under("id", raw))),
    *(finds(scope) for scope in (Matches("id", "1"), Under("id", "1"), Matches("id", "%"))),
    *(finds(scope(["1"])) for scope in (AssignedTo, PrimaryOf)),
    *(finds(scope([raw])) for raw in ("1abc", "01", "nan") for scope in (AssignedTo, PrimaryOf)),
    (lambda shop, admin: shop.execute(Assign("1", "1abc"), admin), "invalid_id"),
    (lambda shop, admin: shop.execute(Unassign(["1", "2"], ANY), admin).to_json()["tally"], None),
    sorts("id"),
    sorts("-id"),
]
TEXT_KEYS: list[Step] = [
    *(checks(raw) for raw in TEXTS if raw == raw.strip()),
    *(checks(raw, "invalid_id") for raw in ("a ", 1, True, math.nan, "a\x00", "\udfff")),
    *(finds(scope) for raw in TEXTS for scope in (Equals("id", raw), OneOf("id", [raw, "a"]), Matches("id", raw))),
    sorts("id"),
    sorts("-id"),
]


def filled(store: Store, ids: list[str]) -> tuple[Ownership, Actor]:
    """A shop whose customers have the hostile texts and times, each of them once."""
    runs = count(1)
    shop = Ownership(
        store,
        Settings(cardinality="multi"),
        clock=lambda: NOON,
        random=lambda size: next(runs).to_bytes(size, "big"),
    )
    admin = "1" if store.capabilities.staff_key is NUMBER else "ada"
    shop.bootstrap(admin=admin, label="Ada", system_user="root")
    scores, flags = (0, None, 1, 2**63 - 1, -(2**63)), (None, False, True)
    new = [
        NewCustomer(
            id,
            {
                "name": text,
                "phone": text,
                "score": scores[place % 5],
                "vip": flags[place % 3],
                "last_seen": TIMES[place % 3] if place % 4 else None,
            },
            {"tags": [text]},
        )
        for place, (id, text) in enumerate(zip(ids, TEXTS, strict=False))
    ]
    shop.execute(CreateCustomer(new, channel="import"), Actor.staff(admin))
    shop.execute(Assign(ids[:3], admin), Actor.staff(admin))
    return shop, Actor.staff(admin)


def answers(shop: Ownership, admin: Actor, script: list[Step]) -> list[Any]:
    """What each step is answered with: what was found, or the kind of error, its codes and every word of it."""
    found: list[Any] = []
    for step, code in script:
        answer, codes = answered(step, shop, admin)
        assert codes == (None if code is None else (code,)), (len(found), answer)
        found.append(answer)
    return found


def answered(step: Callable[[Ownership, Actor], Any], shop: Ownership, admin: Actor) -> tuple[Any, Any]:
    """The answer to one step, and the codes of a refusal."""
    try:
        return step(shop, admin), None
    except OwnershipError as error:
        return (type(error), str(error)), error.codes


IDS = {
    NUMBER: ["10", "1", "2", "-1", "100", "9", "20", "3", "11", str(2**63 - 1), "4", "5", "6", "8", "12"],
    TEXT: [text for text in TEXTS if text == text.strip()],
}


@pytest.mark.parametrize(
    ("key", "script"),
    [
        pytest.param(NUMBER, VALUES, id="values"),
        pytest.param(NUMBER, NUMBER_KEYS, id="number keys"),
        pytest.param(TEXT, TEXT_KEYS, id="text keys"),
    ],
)
def test_a_script_has_the_same_answers_as_in_memory(
    anywhere: Callable[..., Store], key: KeyType, script: list[Step]
) -> None:
    """Blanks, case, accents, emoji, '1abc', NaN, truths for numbers, microseconds, wildcards, NUL and surrogates."""
    keys = {"customer_key": key, "staff_key": key}
    reference, store = MemoryStore(WORLD_FIELDS, "multi", **keys), anywhere(cardinality="multi", **keys)
    expected, got = (answers(*filled(one, IDS[key]), script) for one in (reference, store))
    for place, (mine, theirs) in enumerate(zip(expected, got, strict=True)):
        assert theirs == mine, place
