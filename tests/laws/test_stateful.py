"""Random lives of a small shop: after every step both stores are what a model in plain dicts says, and nothing is lost.

Each step asks the memory store, SQLite and the model the same. They must agree on the answer (I12), and then on the
whole shop (:mod:`.model_checks`). Proven by breaking it: fails when a store does not promote, demote or count versions,
when hidden customers can be changed, keys are forgotten, a stale plan is applied, or nobody is told; when leaving
forgets who is beside a primary, a transfer leaves no view or loses the role, a rotation forgets its turn, also that of
a rule whose plan is applied, or takes one for nothing, an undo restores what was changed since, a cover holds at its
end, and when a switch fills no primary.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from hypothesis import note
from hypothesis import settings as profile
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ownership_core import Actor, Ownership, OwnershipError, Receipt
from ownership_core.commands import Sweep, Unassign
from ownership_core.events import Subject
from ownership_core.scope import ANY

from . import model_checks as checks
from . import model_moves as moves
from . import model_start as start
from .model_covers import turns
from .model_customers import what_of
from .model_makers import CUSTOMERS, change_rules
from .model_people import Denied
from .model_shop import ModelShop, is_switch
from .naive import Plain
from .people import SEEDS

STEPS = 30
RELATION_ONLY = {"assign", "unassign", "set_primary", "clear_primary", "claim", "release"}
RELATION_ONLY |= {"transfer", "offboard", "rebalance", "sweep", "revert"}


class Life(RuleBasedStateMachine):
    """One shop on both stores and in plain dicts, and whatever may happen to it."""

    cardinality = "single"
    met: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.shops: list[Ownership] = []
        self.sent: list[tuple[Any, ...]] = []
        self.plans: list[tuple[str, Actor]] = []
        self.answered: dict[tuple[Actor, str], Any] = {}
        self.told: set[tuple[str, str]] = set()
        self.turn = 0
        self.stirred = True
        self.looked = 0

    @initialize(seed=SEEDS)
    def opens(self, seed: int) -> None:
        """A shop with a few people and customers, under any policies."""
        chosen = start.settings(Random(seed), self.cardinality)
        note(f"{chosen}")
        self.clock, self.shops, self.model = start.beginning(chosen, Path(self.folder.name, "o.db"))
        self.rehearses()

    def rehearses(self) -> None:
        """Let the model know whom a rebalance would move to whom."""
        self.model.shop["rehearse"] = lambda command, actor: start.rehearsed(self.shops[0], command, actor)

    def teardown(self) -> None:
        """Leave no file behind."""
        for shop in self.shops[1:]:
            shop.store.close()  # type: ignore[attr-defined]
        self.folder.cleanup()

    # What may happen

    @rule(seed=SEEDS)
    def happens(self, seed: int) -> None:
        """Anything, told by a seed and the turn: few lives differ as much as they can, and 0 is the simplest."""
        self.turn += 1
        self.clock.passes()
        dice = Random(f"{seed} {self.turn}")
        what = self.time_passes if seed == 0 else dice.choice(self.steps)
        what(dice)

    def executes(self, dice: Random) -> None:
        """Any command by anybody, maybe under a key."""
        command, actor = moves.asked(dice, self.model, self.now)
        key, strict = moves.key(dice), moves.strictness(dice)
        if key is not None:
            self.sent.append((command, actor, key, strict))
        self.carries_out(command, actor, key, strict)

    def repeats(self, dice: Random) -> None:
        """The same command comes a second time under its key (I40)."""
        if self.sent:
            self.carries_out(*dice.choice(self.sent))
        else:
            self.executes(dice)

    def carries_out(self, command: Any, actor: Actor, key: str | None, strict: bool | None) -> None:
        """Execute on all three."""
        note(f"{actor} {command} {key=} {strict=}")
        self.step(
            what_of(command),
            lambda model: [model.execute(command, actor, self.now, key, strict)],
            lambda shop: [shop.execute(command, actor, key=key, strict=strict)],
            actor,
            key,
        )

    def plans_ahead(self, dice: Random) -> None:
        """A command is planned; nothing else happens (I25)."""
        self.plans_this(*moves.asked(dice, self.model, self.now))

    def plans_this(self, command: Any, actor: Actor) -> None:
        """Plan on all three."""
        name = f"plan {len(self.plans)}"
        note(f"{name}: {actor} {command}")

        def planned(shop: Ownership) -> Plain:
            made = shop.plan(command, actor)
            rows = [checks.plain_row(row) for row in shop.plan_rows(actor, made.id)]
            return {"id": made.id, "tally": checks.tally_of(made.run.tally), "rows": rows}

        plan = self.step("plan", lambda model: model.plan(command, actor, self.now, name), planned, actor)
        if plan is not None:
            self.plans.append((plan["id"], actor))

    def applies(self, dice: Random) -> None:
        """A plan is applied, at once or late, by whoever made it or by somebody else (C03, C06)."""
        if not self.plans:
            self.plans_ahead(dice)
            return
        which = len(self.plans) - 1 - dice.randrange(min(3, len(self.plans)))
        _, planner = self.plans[which]
        self.applies_this(which, dice.choice([planner, planner, dice.choice(moves.ACTORS)]), dice)

    def sweeps_by_plan(self, dice: Random) -> None:
        """The rules are asked in a plan that is applied at once, as on the command line."""
        before, actor = len(self.plans), dice.choice(moves.BOSSES)
        self.plans_this(Sweep(), actor)
        if len(self.plans) > before:
            self.applies_this(before, actor, dice)

    def applies_this(self, which: int, actor: Actor, dice: Random) -> None:
        """Apply on all three."""
        id, _ = self.plans[which]
        key, strict = moves.key(dice), moves.strictness(dice)
        note(f"apply plan {which}: {actor} {key=} {strict=}")
        self.step(
            "apply",
            lambda model: [model.apply(f"plan {which}", actor, self.now, key, strict)],
            lambda shop: [shop.apply(id, actor, key=key, strict=strict)],
            actor,
            key,
        )

    def together(self, dice: Random) -> None:
        """Two commands in one transaction, both or none (I39)."""
        asked = [moves.asked(dice, self.model, self.now) for _ in range(2)]
        if is_switch(asked[0][0]):
            asked = asked[1:]  # a service goes on under the former cardinality, and so is refused
        if what_of(asked[-1][0]) == "rebalance":
            asked = asked[-1:]  # what it rehearses has not seen the other
        note(f"together: {asked}")

        def both_or_none(model: ModelShop) -> list[Plain]:
            trial = model.copied()
            answers = [trial.execute(command, actor, self.now) for command, actor in asked]
            vars(model).update(vars(trial))
            return answers

        def atomically(shop: Ownership) -> list[Receipt]:
            with shop.atomic() as transaction:
                return [transaction.execute(command, actor) for command, actor in asked]

        self.step("together", both_or_none, atomically, asked[0][1])

    def time_passes(self, dice: Random) -> None:
        """Plans wait a week at most; covers and shares end at their very moment."""
        soon = [moment for moment in turns(self.model.shop, self.now)[:1] if moment < self.now + 9 * moves.DAY]
        days = [days * moves.DAY for days in (1, 2, 8)]
        passed = soon[0] - self.now if soon and dice.random() < 0.7 else dice.choice(days)
        self.clock.passes(passed // moves.SECOND)

    @property
    def steps(self) -> list[Callable[[Random], None]]:
        """What happens, as often as it stands here."""
        often = [self.executes] * 15 + [self.plans_ahead, self.applies] * 4
        return [*often, self.repeats, self.repeats, self.together, self.together, self.time_passes, self.time_passes]

    @property
    def now(self) -> int:
        """The present of all three."""
        return self.shops[0].now()

    # One step on all three

    def step(
        self,
        name: str,
        predict: Callable[[ModelShop], Any],
        ask: Callable[[Ownership], Any],
        actor: Actor,
        key: str | None = None,
    ) -> Any:
        """Ask the model, then both stores; the answers are equal, and what is denied or void writes nothing."""
        try:
            expected = predict(self.model)
        except Denied as denied:
            expected = denied
        note(f"expected: {expected!r}")
        before = [self.remembered(shop, expected, key) for shop in self.shops]
        answers = [outcome(ask, shop) for shop in self.shops]
        assert answers[0] == answers[1], "I12"
        assert [self.remembered(shop, expected, key) for shop in self.shops] == before, "I11, I25, I39"
        if isinstance(expected, Denied):
            self.assert_denied(answers[0], expected)
            self.met[f"{name} refused"] += 1
            return None
        self.stirred = True
        assert not isinstance(answers[0], tuple), answers[0]
        if isinstance(expected, dict):
            assert answers[0]["tally"] == expected["tally"]
            assert answers[0]["rows"] == [checks.without_held(row) for row in expected["rows"]]
            self.met[f"{name} made"] += 1
            return answers[0]
        for receipt, answer in zip(answers[0], expected, strict=True):
            self.follow(name, receipt, answer, actor, key)
        if len(expected) == 1 and not expected[0]["replayed"]:
            checks.assert_rightly_given(self.model.shop, expected[0]["events"])
        if self.model.shop["cardinality"] != self.cardinality:
            self.cardinality = self.model.shop["cardinality"]
            self.shops = [start.reopened(shop, self.cardinality) for shop in self.shops]
        return answers[0]

    def remembered(self, shop: Ownership, expected: Any, key: str | None) -> object:
        """What this step must leave as it is: everything, or the customers' own rows, or nothing in particular."""
        if isinstance(expected, Denied):
            return shop.store.digest()
        if isinstance(expected, dict):
            return None
        if expected[0]["replayed"] or (key is None and not any(answer["wrote"] for answer in expected)):
            return shop.store.digest()
        return checks.customer_rows(shop.store) if {a["what"] for a in expected} <= RELATION_ONLY else None

    def assert_denied(self, answer: Any, expected: Denied) -> None:
        """The codes the model says, or, for those who may not ask at all, at least these."""
        assert isinstance(answer, tuple), answer
        codes = set(answer[1])
        assert codes == expected.codes if expected.exact else codes >= expected.codes
        self.met.update(codes)

    def follow(self, name: str, receipt: Receipt, answer: Plain, actor: Actor, key: str | None) -> None:
        """Compare a receipt, and remember what its run has to do with events and the outbox."""
        checks.assert_answered(receipt, answer)
        if answer["replayed"]:
            assert receipt == self.answered[actor, str(key)]
            self.met["replayed"] += 1
            return
        if key is not None:
            self.answered[actor, key] = receipt
        self.model.ran(receipt.run, answer)
        self.told |= {(str(receipt.run), staff) for staff in answer["told"]}
        if answer.get("fired", {}).get("wrote"):
            self.follow_fired(answer["fired"])
        if receipt.run is not None and answer["rows"]:
            for shop in self.shops:
                checks.assert_rows(shop, answer["actor"], receipt.run, answer)
        fate = "changed" if answer["wrote"] else "unchanged"
        self.met.update({f"{answer['what']} {fate}", f"{name} {fate}"})
        self.met.update(f"{answer['what']} {row['fate']}" for row in answer["rows"] if row["fate"] != "changed")
        self.met.update(answer["tally"]["codes"])
        moved = [row for row in answer["rows"] if row["fate"] == "changed"]
        self.met["merged"] += sum(row.get("merged", False) for row in moved)
        self.met["by a rule"] += sum(row.get("source", "").startswith("rule:") for row in moved)
        self.met["in turn"] += sum(bool(row.get("turn")) for row in moved)
        self.met["planned in turn"] += sum(
            bool(row.get("turn")) for row in moved if name == "apply" and row.get("source")
        )
        if answer["what"] in {"unassign", "release"}:
            self.met["promoted"] += sum(checks.is_promotion(row) for row in answer["rows"])

    def follow_fired(self, answer: Plain) -> None:
        """A run of its own that followed from a change; no receipt names it, but its event does."""
        with self.shops[0].store.reader() as reader:
            event = list(reader.events(Subject.CUSTOMER, answer["rows"][0]["customer"]))[-1]
        self.model.ran(event.run, answer)
        self.told |= {(event.run, staff) for staff in answer["told"]}
        for shop in self.shops:
            checks.assert_rows(shop, answer["actor"], event.run, answer)
        checks.assert_rightly_given(self.model.shop, answer["events"])
        self.met["fired"] += 1

    # What holds after every step

    @invariant()
    def everything_holds(self) -> None:
        """I1-I6, I9, I12, I33, I34; and I13 and I14, after which nothing has been written either (I25)."""
        self.model.shop["now"] = self.now
        turned = [moment for moment in turns(self.model.shop, self.looked) if moment <= self.now]
        if self.stirred or turned:  # else the digest says that all is as it was when we looked last
            for shop in self.shops:
                checks.assert_everybody_sees(shop, self.model.shop, moves.READERS)
                checks.assert_lists_are_checks(shop, self.model.shop, moves.READERS, self.turn)
        self.met["stood in"] += checks.is_stood_in(self.model.shop, moves.READERS)
        self.stirred, self.looked = False, self.now
        memory, sqlite = (checks.facts(shop.store) for shop in self.shops)
        assert memory == sqlite, "I12"
        checks.assert_as_modelled(sqlite, self.model.shop)
        checks.assert_turns(self.shops, self.model.shop)
        checks.assert_sound(sqlite, self.cardinality, at_most=2)
        self.looks_behind(self.shops[1].store)
        checks.assert_orphans_listed(sqlite, self.model.shop)
        checks.assert_recorded(sqlite, self.model.shop["events"], self.told)
        checks.assert_replays(sqlite)

    def looks_behind(self, store: Any) -> None:
        """What the database itself says."""
        checks.assert_no_loose_ends(store)


def outcome(ask: Callable[[Ownership], Any], shop: Ownership) -> Any:
    """The answer, or the kind of refusal with its codes and every word of it."""
    try:
        return ask(shop)
    except OwnershipError as refused:
        return type(refused), refused.codes, str(refused)


class InMulti(Life):
    """Any number of staff."""

    cardinality = "multi"


class InAtMost(Life):
    """Two staff at most."""

    cardinality = "at_most"


class ByPlan(InMulti):
    """Rules that change, and what they choose is planned before."""

    @property
    def steps(self) -> list[Callable[[Random], None]]:
        """As often as it stands here."""
        swept = [self.sweeps_by_plan, self.sweeps_by_plan, self.outlives_rules]
        return [self.changes_rules, self.executes, self.applies, *swept]

    def outlives_rules(self, dice: Random) -> None:
        """Rules change between a plan and its end."""
        before = len(self.plans)
        self.plans_this(Sweep(), moves.ADA)
        self.changes_rules(dice)
        if len(self.plans) > before:
            self.applies_this(before, moves.ADA, dice)

    def changes_rules(self, dice: Random) -> None:
        """A rule is written or forgotten, and somebody has no staff any more."""
        asked = change_rules(dice, self.model, self.now), Unassign(dice.choice(CUSTOMERS), ANY)
        for command in asked:
            self.carries_out(command, moves.ADA, None, None)


def test_random_lives_go_as_the_model_says_on_both_stores() -> None:
    """I1-I9, I11-I14, I25, I33, I34, I39, I40: whatever happens, in any order, under each cardinality."""
    chosen = profile(max_examples=max(8, profile.default.max_examples // 6), stateful_step_count=STEPS)
    Life.met.clear()
    for life in (Life, InMulti, InAtMost):
        run_state_machine_as_test(life, settings=chosen)
    # A life in which little happens, or in which everything is allowed, says little.
    assert [told for told in moves.MUST_HAPPEN if not Life.met[told]] == [], Life.met


def test_what_rules_choose_in_a_plan_goes_as_the_model_says() -> None:
    """Rows 50, 95: turns pass when it is applied, and it is stale once the rule is another."""
    Life.met.clear()
    run_state_machine_as_test(ByPlan, settings=profile(max_examples=4, stateful_step_count=STEPS))
    assert Life.met["planned in turn"], Life.met
    assert Life.met["sweep stale"], Life.met
