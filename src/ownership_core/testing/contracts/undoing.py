"""Facts about taking a run back: everything is as it was, but for what was changed since."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from attrs import evolve

from ownership_core.commands import Ids, Matching
from ownership_core.history import replay
from ownership_core.model import Assignment, CustomerId
from ownership_core.policies import Limit
from ownership_core.ports import Draft, Store, Writer
from ownership_core.ruling import Demand, Drop, Effect, Fate, PlanRow, Primary, Requirement, Side
from ownership_core.scope import Equals, Everything, Nothing
from ownership_core.testing.contracts.base import ANN, BOB, C1, C2, C3, C4, C5, C6, EVE, Contract, found, undone
from ownership_core.testing.contracts.drafts import TO_EVE, Drafted, draft_of, drafted
from ownership_core.testing.contracts.writes import all_effects
from ownership_core.testing.worlds import apply, new_run

EVERYBODY = Matching(Everything())
BACK = Effect(drop=Drop.UNDONE, primary=Primary.UNDONE)
ALL = (C1, C2, C3, C4, C5, C6)

Held = dict[CustomerId, frozenset[Assignment]]


def held(store: Store) -> Held:
    """The assignments of everybody."""
    return {customer.id: frozenset(customer.assignments) for customer in found(store, *ALL)}


def held_in(writer: Writer) -> Held:
    """The same inside a transaction."""
    return {customer.id: frozenset(customer.assignments) for customer in writer.customers(ALL)}


def undoing(*runs: str, run: str = "undo", **rest: object) -> Draft:
    """A draft that takes ``runs`` back."""
    return evolve(draft_of(EVERYBODY, BACK), run=run, undoes=runs, **rest)  # type: ignore[arg-type]


def take_back(store: Store, draft: Draft) -> Drafted:
    """Draft, write and save it."""
    with store.writer() as writer:
        return taken(writer, draft)


def taken(writer: Writer, draft: Draft) -> Drafted:
    """The same inside a transaction."""
    result = drafted(writer, draft)
    done = new_run(draft.run, "Revert", draft.at, tally=result.tally)
    writer.write(done, draft)
    writer.save_run(done)
    return result


def first(store: Store, effect: Effect = TO_EVE, *ids: CustomerId) -> None:
    """The run that is taken back."""
    with store.writer() as writer:
        apply(writer, "first", Ids(ids) if ids else EVERYBODY, effect, 4_000)


def _different_effects() -> Iterable[Effect]:
    """One of each kind: how somebody is promoted and with which role is the same to take back."""
    return {(one.add, one.drop, one.primary, one.room): one for one in all_effects("multi")}.values()


class UndoFacts(Contract):
    """A run that is taken back, and taken back again."""

    def test_taking_back_is_the_opposite(self, shop: Store) -> None:
        """Every assignment is as it was, with its date, role and source; done twice, it is as the run left it."""
        before = held(shop)
        for effect in _different_effects():
            with undone(shop) as writer:
                apply(writer, "first", EVERYBODY, evolve(effect, touch=False), 4_000)
                after = held_in(writer)
                taken(writer, undoing("first"))
                assert held_in(writer) == before, effect
                taken(writer, undoing("undo", run="again"))
                assert held_in(writer) == after, effect
                state = replay(writer.events())
                assert {id: frozenset(state.assignments.get(id, ())) for id in ALL} == after, effect

    def test_single_is_taken_back_too(self, single_shop: Store) -> None:
        """Whoever was the only one is that again."""
        before = held(single_shop)
        first(single_shop)
        take_back(single_shop, undoing("first"))
        assert held(single_shop) == before

    def test_rows_tell_what_comes_back(self, shop: Store) -> None:
        """The plan of taking back is the plan, turned around."""
        first(shop, TO_EVE, C1)
        eve = Assignment(EVE, True, 4_000, "", "test")
        back = (Assignment(ANN, True, 10, "lead", "test"), Assignment(BOB, False, 20, "", "test"))
        with undone(shop) as writer:
            rows = drafted(writer, undoing("first")).rows
        assert rows == [PlanRow(C1, Fate.CHANGED, 4, (), EVE, ANN, None, (eve,), restored=back)]

    def test_twice_changes_nothing(self, shop: Store) -> None:
        """What is as it was needs no taking back (C09)."""
        first(shop)
        take_back(shop, undoing("first"))
        before = held(shop)
        again = take_back(shop, undoing("first", run="again"))
        assert {row.fate for row in again.rows} == {Fate.UNCHANGED}
        assert held(shop) == before

    def test_what_was_changed_since_stays(self, shop: Store) -> None:
        """And is named (C08)."""
        first(shop, TO_EVE, C1, C3)
        with shop.writer() as writer:
            apply(writer, "since", Ids((C1,)), Effect(add=BOB, source="test"), 4_500)
        result = take_back(shop, undoing("first"))
        assert result.codes() == {C1: ("changed_since",), C3: ()}
        assert result.tally.codes == {"changed_since": 1}
        assert {a.staff for a in held(shop)[C1]} == {EVE, BOB}

    def test_who_is_back_already_takes_no_room(self, shop: Store) -> None:
        """Of those who would come back only the missing are counted."""
        first(shop, TO_EVE, C1)
        with shop.writer() as writer:
            apply(writer, "since", Ids((C1,)), Effect(add=BOB, drop=Drop.EVERYONE_ELSE, primary=Primary.TAKE), 4_500)
        result = take_back(shop, undoing("first", limits=(Limit(2),), limit_code="too_many_staff"))
        assert result.codes() == {C1: ("changed_since",)}

    def test_hidden_customers_are_left_out(self, shop: Store) -> None:
        """Nobody hears of them, and they stay."""
        first(shop, TO_EVE, C1, C3)
        result = take_back(shop, undoing("first", visible=Equals("score", 1)))
        assert [row.customer for row in result.rows] == [C3]
        assert {a.staff for a in held(shop)[C1]} == {EVE}

    def test_a_customer_that_has_gone_is_left_out(self, shop: Store) -> None:
        """There is nobody to give back."""
        first(shop, TO_EVE, C1, C3)
        with shop.writer() as writer:
            apply(writer, "gone", Ids((C1,)), Effect(drop=Drop.EVERYONE, primary=Primary.NOBODY, touch=True), 4_500)
            writer.delete_customers("gone")
        assert [row.customer for row in take_back(shop, undoing("first")).rows] == [C3]

    def test_only_what_was_changed_is_taken_back(self, shop: Store) -> None:
        """Refused and unchanged rows of the run are no part of it."""
        with shop.writer() as writer:
            vip = (Requirement("scored", Equals("score", 1)),)
            apply(writer, "first", EVERYBODY, TO_EVE, 4_000, vip)
        assert [row.customer for row in take_back(shop, undoing("first")).rows] == [C3, C4]

    def test_several_runs_are_taken_back_as_one(self, shop: Store) -> None:
        """The pieces of a plan."""
        before = held(shop)
        with shop.writer() as writer:
            apply(writer, "one", Ids((C1, C2)), TO_EVE, 4_000)
            apply(writer, "two", Ids((C3, C4)), TO_EVE, 4_000)
        result = take_back(shop, undoing("one", "two"))
        assert result.tally.changed == 4
        assert held(shop) == before

    def test_parties_are_who_comes_back_and_who_goes(self, shop: Store) -> None:
        """Also of a run that was itself a taking back."""
        first(shop, TO_EVE, C1, C2)
        with undone(shop) as writer:
            assert writer.parties(undoing("first")) == (frozenset({ANN, BOB}), frozenset({EVE}))
        take_back(shop, undoing("first"))
        with undone(shop) as writer:
            assert writer.parties(undoing("undo", run="again")) == (frozenset({EVE}), frozenset({ANN, BOB}))

    def test_a_demand_on_who_comes_back_refuses(self, shop: Store) -> None:
        """The whole row, whoever else would come back with them."""
        first(shop, TO_EVE, C1, C2, C4)
        left = Demand(Side.GAINS, frozenset({ANN}), Requirement("staff_inactive", Nothing()))
        result = take_back(shop, undoing("first", demands=(left,)))
        assert result.codes() == {C1: ("staff_inactive",), C2: (), C4: ()}

    def test_a_demand_on_who_goes_refuses(self, shop: Store) -> None:
        """Of a run and of its taking back."""
        first(shop, TO_EVE, C1, C4)
        held_fast = Demand(Side.LOSES, frozenset({EVE}), Requirement("holder_out_of_reach", Nothing()))
        with undone(shop) as writer:
            assert set(drafted(writer, undoing("first", demands=(held_fast,))).codes().values()) == {
                ("holder_out_of_reach",)
            }
        take_back(shop, undoing("first"))
        anns = evolve(held_fast, staff=frozenset({ANN}))
        with undone(shop) as writer:
            codes = drafted(writer, undoing("undo", run="again", demands=(anns,))).codes()
        assert codes == {C1: ("holder_out_of_reach",), C4: ()}

    @pytest.mark.parametrize(
        ("limit", "refused"),
        [
            (Limit(1), {C1}),
            (Limit(2), set()),
            (Limit(1, Equals("website", "de")), {C1}),
            (Limit(1, Equals("website", "fr")), set()),
            (Limit(1, Equals("last_seen", 1)), {C1}),
        ],
    )
    def test_no_more_come_back_than_there_is_room(self, shop: Store, limit: Limit, refused: set[CustomerId]) -> None:
        """A limit binds whom it is TRUE of, and whom it cannot be told of."""
        first(shop, TO_EVE, C1, C2)
        result = take_back(shop, undoing("first", limits=(limit,), limit_code="too_many_staff"))
        assert {row.customer for row in result.rows if row.codes == ("too_many_staff",)} == refused

    @pytest.mark.parametrize(("cardinality", "codes"), [("single", ("single_owner",)), ("multi", ())])
    def test_nobody_comes_back_to_stand_beside_nobody_where_one_is_all(
        self, shop: Store, cardinality: str, codes: tuple[str, ...]
    ) -> None:
        """A run from before a switch: in single who is assigned stands for the customer (I3)."""
        with shop.writer() as writer:
            beside = Effect(add=EVE, drop=Drop.EVERYONE_ELSE, primary=Primary.NOBODY, source="test")
            apply(writer, "before", Ids((C1,)), beside, 3_500)
        first(shop, Effect(add=EVE, primary=Primary.TAKE), C1)
        with undone(shop) as writer:
            draft = undoing("first", limits=(Limit(1),), limit_code="single_owner", cardinality=cardinality)
            assert drafted(writer, draft).codes() == {C1: codes}

    def test_a_plan_of_taking_back_is_decided_again(self, shop: Store) -> None:
        """What moved between is stale, the rest comes back."""
        first(shop, TO_EVE, C1, C3)
        with undone(shop) as writer:
            planned = drafted(writer, undoing("first", run="plan"))
            writer.save_run(new_run("plan"))
            apply(writer, "between", Ids((C3,)), Effect(add=BOB, source="test"), 4_500)
            writer.expect_plan("undo", "plan")
            result = drafted(writer, undoing("first", from_plan=True))
        assert result.rows[0] == planned.rows[0]
        assert (result.rows[1].fate, result.rows[1].codes) == (Fate.STALE, ("stale", "changed_since"))

    def test_everybody_who_comes_or_goes_is_told(self, shop: Store) -> None:
        """One row for each staff."""
        first(shop, TO_EVE, C1)
        with shop.writer() as writer:
            taken(writer, undoing("first"))
            writer.notify("undo")
        with shop.reader() as reader:
            assert [task.receiver for task in reader.outbox() if task.run == "undo"] == [ANN, BOB, EVE]
