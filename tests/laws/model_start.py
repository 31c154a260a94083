"""The shop every random life begins with: made once by commands, then copied; on both stores and in dicts."""

from __future__ import annotations

import tempfile
from copy import deepcopy
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest

from ownership_core import Actor, Level, Ownership, Settings, load_settings
from ownership_core.commands import (
    Assign,
    ChangeDepartment,
    ChangeRules,
    ChangeStaff,
    CreateCustomer,
    GrantAccess,
    Mode,
    NewCustomer,
)
from ownership_core.distribute import Rotation
from ownership_core.errors import StoreError
from ownership_core.rules import Rule
from ownership_core.scope import UNASSIGNED
from ownership_core.service.writing import Writing
from ownership_core.testing import MemoryStore
from ownership_core.testing.worlds import WORLD_FIELDS, World
from ownership_sqlalchemy import SqlAlchemyStore

from . import naive
from .both import Clock
from .model_shop import ModelShop

OPERATOR = Actor.operator("root")
LEAD = dict.fromkeys(("view", "edit", "assign", "claim", "release", "create", "delete", "manage_staff"), 3)

BASE: tuple[Any, ...] = (
    *(GrantAccess(role, levels=levels) for role, levels in Settings().roles.items()),
    GrantAccess("lead", levels={action: Level(level) for action, level in LEAD.items()}),
    ChangeDepartment("north", create=True, label="North"),
    ChangeDepartment("city", create=True, label="City", parent="north"),
    ChangeDepartment("south", create=True, label="South"),
    ChangeStaff("ada", create=True, label="Ada"),
    ChangeStaff("mia", create=True, label="Mia", departments=["north", "city"]),
    ChangeStaff("lea", create=True, label="Lea", departments=["north"]),
    ChangeStaff("noa", create=True, label="Noa", departments=["city"]),
    ChangeStaff("sam", create=True, label="Sam", departments=["south"], websites=["eu"]),
    ChangeStaff("ida", create=True, label="Ida", departments=["city"]),
    GrantAccess("admin", staff="ada"),
    GrantAccess("manager", staff="mia"),
    GrantAccess("lead", staff="lea"),
    *(GrantAccess("associate", staff=who) for who in ("noa", "sam", "ida")),
    CreateCustomer(
        [
            NewCustomer("c1", {"name": "b", "website": "eu"}, {"groups": ["retail"]}, staff="noa"),
            NewCustomer("c2", {"name": "A", "website": "eu"}, {"groups": ["retail"], "tags": ["x"]}, staff="sam"),
            NewCustomer("c3", {"email": "a@x", "website": "us"}, {"groups": ["trade"]}, staff="ida"),
            NewCustomer("c4", {"name": "a", "no_auto": True}),
            NewCustomer("c5", {"website": "us"}, {"groups": ["trade"]}),
        ],
        channel="import",
    ),
    ChangeRules(Rule("r1", UNASSIGNED, Rotation("turn", ["noa", "lea"]), occasions=["sweep", "changed"])),
)
"""How it begins: an admin, a manager, a lead over a tree and three associates, and one rule; c6 is yet to come."""
TWO = (Assign("c2", "mia", Mode.ADD, notify=False), Assign("c3", "noa", Mode.ADD, notify=False))
THREE = (
    Assign("c1", "ida", Mode.ADD, notify=False),
    Assign("c1", "sam", Mode.ADD, role="lead", notify=False),
)
SEVERAL = {"single": (), "at_most": TWO, "multi": TWO + THREE}
"""Where a customer may have several staff, some have."""
LEAVER = ChangeStaff("ida", active=False)
NOTHING_YET: Any = {"heads": {}, "role_versions": {}, "events": [], "runs": {}, "rotations": {}}
NOTHING_YET |= {"rules": {}, "rule_versions": {}, "rehearse": None}
"""What a plain shop keeps beside a world; copied for each."""


# The shop at its beginning, made once for each cardinality


@cache
def _founded(cardinality: str) -> tuple[bytes, MemoryStore, ModelShop]:
    settings, clock = Settings(cardinality=cardinality, operator=True, at_most=2), Clock()
    model = ModelShop({**naive.shop_of(World(), settings), **deepcopy(NOTHING_YET)})
    memory = MemoryStore(WORLD_FIELDS, cardinality)
    with tempfile.TemporaryDirectory() as folder:
        sqlite = SqlAlchemyStore.open(f"sqlite:///{folder}/o.db", fields=WORLD_FIELDS, cardinality=cardinality)
        sqlite.upgrade()
        shops = [opened(store, settings, clock, 1) for store in (memory, sqlite)]
        for command in _first_commands(cardinality):
            clock.passes()
            answer = model.execute(command, OPERATOR, shops[0].now())
            for shop in shops:
                run = shop.execute(command, OPERATOR).run
            model.ran(run, answer)
        sqlite.close()
        return Path(folder, "o.db").read_bytes(), memory, model


def _first_commands(cardinality: str) -> tuple[Any, ...]:
    return *BASE, *SEVERAL[cardinality], LEAVER


def founded(store: Any, settings: Settings, clock: Clock) -> Ownership:
    """The shop every life begins with on an empty store: the same commands at the same times, under the same ids."""
    then = Clock()
    shop = opened(store, Settings(cardinality=settings.cardinality, operator=True, at_most=2), then, 1)
    for command in _first_commands(settings.cardinality):
        then.passes()
        shop.execute(command, OPERATOR)
    return opened(store, settings, clock, 1000)


def beginning(settings: Settings, file: Path) -> tuple[Clock, list[Ownership], ModelShop]:
    """The shop in memory, on SQLite in ``file``, and in plain dicts, under these settings."""
    written, memory, plain = _founded(settings.cardinality)
    file.write_bytes(written)
    clock = Clock()
    clock.passes(3600)
    ours = MemoryStore(WORLD_FIELDS, settings.cardinality)
    ours._state = memory._state.copy()
    sqlite = SqlAlchemyStore.open(f"sqlite:///{file}", fields=WORLD_FIELDS, cardinality=settings.cardinality)
    model = plain.copied()
    kept = {"departments", "roles", "staff", "customers"}
    model.shop.update({k: v for k, v in naive.shop_of(World(), settings).items() if k not in kept})
    return clock, [opened(store, settings, clock, 1000) for store in (ours, sqlite)], model


def opened(store: Any, settings: Settings, clock: Clock, first: int) -> Ownership:
    """A shop whose run ids count from ``first``, so that both stores use the same."""
    numbers = count(first)
    return Ownership(store, settings, clock=clock, random=lambda size: next(numbers).to_bytes(size, "big"))


def rehearsed(shop: Ownership, command: Any, actor: Actor) -> dict[str, str]:
    """Whom each customer would be dealt to, tried out on a copy of a shop in memory."""
    dealt: list[Any] = []
    store = MemoryStore(WORLD_FIELDS, shop.settings.cardinality)
    store._state = shop.store._state.copy()  # type: ignore[attr-defined]
    with store.writer() as writer:
        place = writer.place
        writer.place = lambda run, rows: place(run, [dealt.append(one) or one for one in rows])  # type: ignore[method-assign]
        desk = Ownership(store, shop.settings, clock=shop._clock).desk()
        Writing(desk, writer, actor).plan(command)
    return {one.customer: one.staff for one in dealt}


def reopened(shop: Ownership, cardinality: str) -> Ownership:
    """The same shop under the cardinality it was switched to; whoever does not follow is refused (A10)."""
    with pytest.raises(StoreError, match="cardinality_mismatch"):
        Ownership(shop.store, shop.settings)
    settings = attrs.evolve(shop.settings, cardinality=cardinality)
    return Ownership(shop.store, settings, clock=shop._clock, random=shop._random)


def settings(dice: Random, cardinality: str) -> Settings:
    """Everything policies depend on."""
    barred = {"mode": "deny", "groups": ["barred"]}
    policies = {
        "operator": dice.random() < 0.8,
        "sharing": dice.choice(["global", "per_website"]),
        "unassigned_visibility": dice.choice(["none", "department", "all", "claimable_only"]),
        "group_restriction": dice.choice([None, None, barred]),
        "on_replace": dice.choice(["keep", "replace"]),
        "promote_by": dice.choice([["since"], ["since"], ["role", "since"], []]),
        "previous_staff": dice.choice(["drop", "keep_view"]),
        "keep_view_days": dice.choice([3, 36_000]),  # it ends, or it is longer than any life
    }
    return load_settings({"cardinality": cardinality, "at_most": 2, **policies})
