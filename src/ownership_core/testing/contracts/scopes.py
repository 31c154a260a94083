"""Random worlds and scopes: every way of asking gives the same customers, on every store (I12, I14, B17)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ownership_core.commands import Selection
from ownership_core.evaluate import holds
from ownership_core.model import Customer, CustomerId
from ownership_core.policies import SINGLE
from ownership_core.ports import Draft, Order, Query, Reader, Store
from ownership_core.ruling import PLACED, Effect, Requirement
from ownership_core.scope import Everything, Scope
from ownership_core.simplify import simplify
from ownership_core.testing.contracts.base import Contract
from ownership_core.testing.contracts.reads import walked
from ownership_core.testing.memory import MemoryStore
from ownership_core.testing.oracle import plain, surely
from ownership_core.testing.strategies import CUSTOMER_IDS, effects, scopes, selections, worlds
from ownership_core.testing.worlds import WORLD_FIELDS, World, load, new_run
from ownership_core.wire import scope_from_wire, scope_to_wire

ALL_IDS = [CustomerId(id) for id in CUSTOMER_IDS]
TELLING = 0.15
"""At least this part of all questions must be answered neither with nobody nor with everybody."""

ENOUGH = 25
"""So many random runs meet each fate."""


def examples(test: Callable[..., None], *drawn: st.SearchStrategy[Any]) -> None:
    """Run ``test`` on as many examples as the active hypothesis profile asks for."""
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.nested_given]
    settings(suppress_health_check=quiet, deadline=None)(given(*drawn)(test))()


class ScopeContract(Contract):
    """A store answers every scope as Python does, however it is asked."""

    def test_every_way_of_asking_gives_the_same_customers(self) -> None:
        """Evaluation, simplified, wire, ids, count, check, pages and a third opinion agree; few cases are trivial."""
        seen: Counter[str] = Counter()

        def agree(world: World, asked: list[Scope]) -> None:
            facts = world.facts()
            with self.opened_anywhere("multi", world) as store, store.reader() as reader:
                for scope in asked:
                    yes = _agreed(reader, facts, scope)
                    seen["telling" if 0 < len(yes) < len(facts) else "trivial"] += len(facts) > 0

        examples(agree, worlds(), st.lists(scopes(), min_size=8, max_size=16))
        assert seen["telling"] >= TELLING * seen.total(), seen

    def test_random_worlds_come_back_as_loaded(self) -> None:
        """Hostile texts, missing values and all assignments survive the store unchanged."""

        def same(world: World) -> None:
            with self.opened_anywhere("multi", world) as store, store.reader() as reader:
                assert [evolve(c, version=0) for c in reader.customers(ALL_IDS)] == world.facts()

        examples(same, worlds())

    def test_access_snapshots_agree_with_the_reference(self) -> None:
        """Of every staff of random worlds, their departments, roles and restrictions."""

        def same(world: World) -> None:
            reference = _reference("multi", world)
            with self.opened_anywhere("multi", world) as store, store.reader() as reader, reference.reader() as other:
                assert reader.access(None) == other.access(None)
                assert reader.staff() == other.staff()
                assert reader.departments() == other.departments()
                assert reader.roles() == other.roles()

        examples(same, worlds())

    def test_pages_agree_with_the_reference(self) -> None:
        """In every order, of every size, from the first row to the last."""
        fields = st.sampled_from(["id", "kind", "name", "email", "score", "vip", "last_seen", "created_at", "no_auto"])

        def same(world: World, order: Order, size: int) -> None:
            reference = _reference("multi", world)
            with self.opened_anywhere("multi", world) as store, store.reader() as reader, reference.reader() as other:
                whole = [row.id for row in other.page(Query(Everything()), order, None, 100)]
                assert walked(reader, order, size) == whole

        examples(same, worlds(), st.builds(Order, fields, st.booleans()), st.sampled_from([3, 4, 1]))

    def test_random_runs_in_multi_agree_with_the_reference(self) -> None:
        """Tallies, rows, customers, events and receivers of random drafts are those of the memory store."""
        self._runs_agree("multi")

    def test_random_runs_in_single_agree_with_the_reference(self) -> None:
        """The same where a customer has one staff at most."""
        self._runs_agree(SINGLE)

    def _runs_agree(self, cardinality: str) -> None:
        seen: Counter[str] = Counter()

        def same(world: World, asked: list[Asked]) -> None:
            reference = _reference(cardinality, world)
            known = {staff.id for staff in world.staff}
            with self.opened_anywhere(cardinality, world) as store:
                for number, one in enumerate(asked):
                    effect = one.effect if one.effect.add in known else evolve(one.effect, add=None)
                    if effect.add is None and one.effect.add is not None:
                        continue
                    draft = one.draft(f"run-{number}", effect)
                    assert _run(store, draft, seen) == _run(reference, draft, Counter())

        examples(same, worlds(cardinality), st.lists(_asked(cardinality), min_size=3, max_size=6))
        if settings().max_examples >= ENOUGH:  # fewer may miss one by chance
            assert min(seen["changed"], seen["unchanged"], seen["refused"]) > 0, seen


class Asked:
    """What a random run asks for."""

    def __init__(
        self,
        selection: Selection,
        visible: Scope,
        required: Sequence[Scope],
        effect: Effect,
        version: int | None,
    ) -> None:
        self.selection = selection
        self.visible = visible
        self.requirements = tuple(Requirement(f"code_{n}", scope) for n, scope in enumerate(required))
        self.effect = effect
        self.version = version

    def draft(self, run: str, effect: Effect) -> Draft:
        """The draft that asks for it."""
        return Draft(run, self.selection, self.visible, self.requirements, effect, 5_000, self.version)

    def __repr__(self) -> str:
        return repr(self.draft("run", self.effect))


def _asked(cardinality: str) -> st.SearchStrategy[Asked]:
    visible = st.just(Everything()) | scopes(depth=3)
    nothing: st.SearchStrategy[list[Scope]] = st.just([])
    required = nothing | st.lists(scopes(depth=3), max_size=2)
    version = st.sampled_from([None, None, None, 1, 2])
    return st.builds(Asked, selections(), visible, required, effects(cardinality=cardinality), version)


def _reference(cardinality: str, world: World) -> MemoryStore:
    store = MemoryStore(WORLD_FIELDS, cardinality)
    load(store, world)
    return store


def _agreed(reader: Reader, facts: list[Customer], scope: Scope) -> list[CustomerId]:
    """The customers ``scope`` is TRUE of, asked in every way there is."""
    yes = [c.id for c in facts if holds(scope, c, WORLD_FIELDS)]
    small = simplify(scope)
    assert [c.id for c in facts if holds(small, c, WORLD_FIELDS)] == yes
    assert [c.id for c in facts if surely(scope, plain(c, WORLD_FIELDS), WORLD_FIELDS)] == yes
    assert scope_from_wire(scope_to_wire(scope)) == scope
    for said in (scope, small):
        query = Query(said)
        assert list(reader.ids(query)) == yes
        assert reader.count(query) == len(yes)
        assert reader.check(query, ALL_IDS) == set(yes)
    query = Query(scope)
    assert [c.id for c in facts if reader.check(query, [c.id])] == yes
    assert [row.id for row in reader.page(query, Order(), None, 100)] == yes
    return yes


def _run(store: Store, draft: Draft, seen: Counter[str]) -> tuple[object, ...]:
    """Everything that can be seen of a run after it was drafted, written and told."""
    with store.writer() as writer:
        writer.lock_customers(draft.selection, draft.visible)
        writer.lock_staff([] if draft.effect.add is None or draft.effect.add is PLACED else [draft.effect.add])
        tally = writer.draft(draft)
        run = new_run(draft.run, "Assign", draft.at, tally=tally)
        writer.write(run, draft)
        writer.save_run(run)
        writer.notify(draft.run)
    seen.update(changed=tally.changed, unchanged=tally.unchanged, refused=tally.refused)
    with store.reader() as reader:
        told = [task for task in reader.outbox() if task.run == draft.run]
        return (
            tally,
            list(reader.plan_rows(draft.run)),
            list(reader.events(run=draft.run)),
            told,
            reader.customers(ALL_IDS),
        )
