"""Facts about giving each customer to a staff of its own: marks, loads, rotations, placements and demands."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from ownership_core.commands import Ids, Matching, Selection
from ownership_core.distribute import Marked, Placement, Rotation
from ownership_core.events import Subject, customer_body
from ownership_core.model import Actor, Customer, CustomerId, Json
from ownership_core.policies import SortKey
from ownership_core.ports import Draft, Expected, Given, Guard, Load, Query, Store, Writer
from ownership_core.rules import Rule
from ownership_core.ruling import (
    PLACED,
    Demand,
    Drop,
    Effect,
    Fate,
    PlanRow,
    Primary,
    Requirement,
    Share,
    Side,
    carry_out,
)
from ownership_core.scope import ANY, AssignedTo, Equals, Everything, Has, Not, Nothing
from ownership_core.testing.contracts.base import (
    ANN,
    BOB,
    C1,
    C2,
    C3,
    C4,
    C5,
    C6,
    CID,
    EVE,
    LOST,
    Contract,
    found,
    undone,
)
from ownership_core.testing.contracts.drafts import NEW, Drafted, draft_of, drafted
from ownership_core.testing.contracts.reads import noted
from ownership_core.testing.worlds import apply, new_run

EVERYBODY = Matching(Everything())
SHARES = {
    C1: Share(EVE, None, "rule:west@2"),
    C2: Share(ANN),
    C3: Share(None, "no_capacity"),
    C4: Share(BOB, None, "rule:rest@1"),
    C5: Share(),
}
ASSIGNED = Effect(add=EVE, drop=Drop.EVERYONE_ELSE, primary=Primary.TAKE, source="test")


def dealt_effects() -> Iterator[Effect]:
    """Every effect that deals, for a customer of Ann's and Bob's."""
    for promote in ((), (SortKey.SINCE,)):
        for leaver in (ANN, BOB, CID):
            for primary in (Primary.INHERIT, Primary.STAY):
                yield Effect(PLACED, Drop.ONE, leaver, primary, promote, "", "test", passes_role=True)
        yield Effect(PLACED, Drop.FORMER_PRIMARY, None, Primary.TAKE, promote, "", "test", passes_role=True)
        for drop in (Drop.NOBODY, Drop.EVERYONE_ELSE):
            yield Effect(PLACED, drop, None, Primary.TAKE, promote, "lead", "test")
    yield Effect(PLACED, Drop.NOBODY, None, Primary.IF_UNASSIGNED, (), "lead", "test")


def placed(writer: Writer, draft: Draft, shares: dict[CustomerId, Share] | None = None) -> Drafted:
    """Deal, lock and draft, as a service does."""
    dealt = SHARES if shares is None else shares
    writer.place(draft.run, (Placement(id, s.staff, s.code, s.source) for id, s in dealt.items()))
    return drafted(writer, draft)


def deal(effect: Effect, selection: Selection = EVERYBODY) -> Draft:
    """A draft that deals."""
    return evolve(draft_of(selection, effect), unplaced=("no_target", "no_capacity"))


class MarkFacts(Contract):
    """What a distribution asks of a store before it deals."""

    def test_marks_say_which_scopes_are_true(self, shop: Store) -> None:
        """One bit per scope, in id order; what cannot be told is not TRUE, nor is its opposite."""
        scopes = (Equals("website", "de"), Not(Equals("website", "de")), AssignedTo([BOB]), Everything(), Nothing())
        with shop.reader() as reader:
            marks = reader.marks(Query(Everything()), scopes, ("name", "score"), None, 10)
        assert [(one.customer, one.held) for one in marks] == [
            *((C1, 0b1101), (C2, 0b1100), (C3, 0b1000)),
            *((C4, 0b1000), (C5, 0b1000), (C6, 0b1000)),
        ]
        assert marks[0] == Marked(C1, 0b1101, {"name": "alpha", "score": 3}, ANN)
        assert [one.primary for one in marks] == [ANN, None, None, CID, None, None]

    def test_marks_come_page_by_page(self, shop: Store) -> None:
        """After an id, no more than asked for, inside the query alone; scopes may be more than a number has bits."""
        many = [Equals("score", number) for number in range(70)]
        with shop.reader() as reader:
            query = Query(Not(Equals("score", 9)))
            pages = [reader.marks(query, many, (), after, 2) for after in (None, C3, C4)]
        assert [[(one.customer, one.held) for one in page] for page in pages] == [
            [(C1, 1 << 3), (C3, 1 << 1)],
            [(C4, 1 << 1)],
            [],
        ]

    def test_marks_end_with_the_access(self, shop: Store) -> None:
        """A guard that no longer holds lets nothing through."""
        with shop.reader() as reader:
            assert reader.marks(Query(Everything(), Guard(ANN, 99)), (), (), None, 10) == []

    def test_loads_count_what_each_holds(self, shop: Store) -> None:
        """As primary, beside one, and since a moment; whoever holds nothing is told with nothing."""
        with shop.reader() as reader:
            assert reader.loads([ANN, BOB, EVE], 20) == {ANN: Load(1, 0, 0), BOB: Load(0, 2, 2), EVE: Load()}
            assert reader.loads([ANN], 10) == {ANN: Load(1, 0, 1)}
            assert reader.loads([], 0) == {}

    def test_a_rotation_knows_who_was_last(self, empty: Store) -> None:
        """A new one knows nobody; others are not disturbed."""
        with empty.writer() as writer:
            assert writer.lock_rotations(["west", "east"]) == {"east": None, "west": None}
            writer.save_rotation("west", EVE)
        with empty.writer() as writer:
            assert writer.lock_rotations(["east", "west"]) == {"east": None, "west": EVE}

    def test_to_hold_a_rotation_writes_nothing(self, empty: Store) -> None:
        """One nobody was dealt to yet says nothing an absent one does not (I25)."""
        before = empty.digest()
        with empty.writer() as writer:
            writer.lock_rotations(["west"])
        assert empty.digest() == before


class DealFacts(Contract):
    """Each customer gets the staff it was dealt to."""

    def test_rows_assignments_and_events_are_those_of_the_reference(self, shop: Store) -> None:
        """As :func:`~ownership_core.ruling.carry_out` says, customer by customer."""
        ids = tuple(SHARES)
        before = {customer.id: customer for customer in found(shop, *ids)}
        for effect in dealt_effects():
            draft = deal(effect, Ids(ids))
            with undone(shop) as writer:
                result = placed(writer, draft)
                run = new_run(NEW, "Transfer", draft.at, tally=result.tally)
                writer.write(run, draft)
                after = {customer.id: customer for customer in writer.customers(ids)}
                bodies = {event.subject: event.body for event in writer.events(run=NEW)}
            for row in result.rows:
                self._is_as_the_reference_says(draft, row, before[row.customer], after[row.customer], bodies)

    def _is_as_the_reference_says(
        self, draft: Draft, row: PlanRow, before: Customer, after: Customer, bodies: dict[str, Json]
    ) -> None:
        share = SHARES[row.customer]
        if share.code is not None:
            assert (row.fate, row.codes, after) == (Fate.REFUSED, ("no_capacity",), before)
            return
        outcome = carry_out(draft.effect, before.assignments, draft.at, before.inactive, share)
        assert row.fate is (Fate.CHANGED if outcome.changed else Fate.UNCHANGED), draft.effect
        assert (row.primary_after, row.removed) == (outcome.primary_after, outcome.removed), draft.effect
        assert (row.receiver, row.source) == (share.staff, share.source), draft.effect
        assert set(after.assignments) == set(outcome.after), draft.effect
        if outcome.changed:
            assert bodies[row.customer] == customer_body("Transfer", row, outcome.added), draft.effect

    def test_a_saved_plan_deals_as_it_said(self, shop: Store) -> None:
        """Also where the receiver was there before, and no row says that anybody is added."""
        effect = Effect(PLACED, Drop.ONE, ANN, Primary.INHERIT, source="test", passes_role=True)
        dealt = {C1: Share(BOB, None, "rule:x@1")}
        with undone(shop) as writer:
            first = placed(writer, evolve(deal(effect, Ids((C1,))), run="plan"), dealt)
            writer.save_run(new_run("plan"))
            writer.expect_plan(NEW, "plan")
            assert writer.parties(evolve(deal(effect), from_plan=True)) == (frozenset({BOB}), frozenset())
            again = drafted(writer, evolve(deal(effect, Ids((C1,))), from_plan=True))
        assert again.rows == first.rows
        assert again.rows[0].added is None
        assert (again.rows[0].receiver, again.rows[0].primary_after, again.rows[0].source) == (BOB, BOB, "rule:x@1")

    def test_the_rows_of_a_file_have_the_sources_of_the_stored_plan(self, shop: Store) -> None:
        """Those of the same customer, version and receiver, whatever they say themselves; others have none."""
        effect = Effect(PLACED, Drop.NOBODY, None, Primary.TAKE, source="test")
        dealt = {C1: Share(EVE, None, "rule:x@1"), C2: Share(EVE, None, "rule:x@1"), C3: Share(EVE, None, "rule:y@1")}
        with undone(shop) as writer:
            first = placed(writer, evolve(deal(effect, Ids(tuple(dealt))), run="plan"), dealt)
            rows = [Expected(r.customer, r.version, EVE, EVE, 0, EVE, "rule:z@1") for r in first.rows]
            rows[1] = evolve(rows[1], version=rows[1].version + 1)
            rows[2] = evolve(rows[2], primary_after=BOB, added=BOB, receiver=BOB)
            for run, plan in (("with", "plan"), ("without", "no plan"), ("said", "")):
                writer.expect(run, iter(rows), plan)
            again = [evolve(deal(effect, Ids(tuple(dealt))), run=run, from_plan=True) for run in ("with", "without")]
            sources = [[(row.fate, row.source) for row in drafted(writer, one).rows] for one in again]
            said = drafted(writer, evolve(again[0], run="said")).rows[0].source
        assert sources == [
            [(Fate.CHANGED, "rule:x@1"), (Fate.STALE, ""), (Fate.CHANGED, "")],
            [(Fate.CHANGED, ""), (Fate.STALE, ""), (Fate.CHANGED, "")],
        ]
        assert said == "rule:z@1"

    def test_a_row_of_a_rule_that_does_not_stand_is_stale(self, shop: Store) -> None:
        """By its whole source; None asks for none, and of no sources at all none stands."""
        effect = Effect(PLACED, Drop.NOBODY, None, Primary.TAKE, source="test")
        dealt = {C1: Share(EVE, None, "rule:x@1"), C2: Share(EVE, None, "rule:y@2"), C3: Share(EVE)}
        fates = []
        for sources in (None, ("rule:x@1", "rule:y@1"), ()):
            with undone(shop) as writer:
                placed(writer, evolve(deal(effect, Ids(tuple(dealt))), run="plan"), dealt)
                writer.expect_plan(NEW, "plan")
                again = evolve(deal(effect, Ids(tuple(dealt))), from_plan=True, sources=sources)
                fates.append(list(drafted(writer, again).fates().values()))
        changed, stale = Fate.CHANGED, Fate.STALE
        assert fates == [[changed] * 3, [changed, stale, stale], [stale] * 3]

    def test_a_plan_is_applied_a_piece_at_a_time(self, shop: Store) -> None:
        """In id order, from where the last piece ended."""
        with undone(shop) as writer:
            drafted(writer, evolve(draft_of(EVERYBODY), run="plan"))
            writer.save_run(new_run("plan"))
            ends, pieces = [], []
            for number, after in enumerate((None, C4, C6)):
                ends.append(writer.expect_plan(f"part{number}", "plan", after, 4))
                pieces.append(drafted(writer, evolve(draft_of(EVERYBODY), run=f"part{number}", from_plan=True)))
        assert ends == [C4, C6, None]
        assert [[row.customer for row in piece.rows] for piece in pieces] == [[C1, C2, C3, C4], [C5, C6], []]

    def test_parts_are_told_of_together(self, shop: Store) -> None:
        """The runs of a plan's pieces name it, and one row for each staff tells of all of them."""
        with shop.writer() as writer:
            for number, id in enumerate((C1, C2)):
                draft = evolve(draft_of(Ids((id,))), run=f"part{number}")
                tally = drafted(writer, draft).tally
                run = evolve(new_run(draft.run, "Assign", 5_000, tally=tally), part_of="plan")
                writer.write(run, draft)
                writer.save_run(run)
            writer.notify("plan", ("part0", "part1"))
        with shop.reader() as reader:
            assert [run.id for run in reader.parts("plan")] == ["part0", "part1"]
            assert [(task.run, task.receiver) for task in reader.outbox()] == [
                ("plan", ANN),
                ("plan", BOB),
                ("plan", EVE),
            ]

    def test_a_demand_is_made_of_those_it_names(self, shop: Store) -> None:
        """Whoever is not among them needs not meet it, and what cannot be told is not met."""
        demands = (
            Demand(Side.GAINS, frozenset({EVE}), Requirement("website_mismatch", Equals("website", "fr"))),
            Demand(Side.GAINS, frozenset({ANN, EVE}), Requirement("group_restricted", Has("groups", ANY))),
        )
        effect = Effect(PLACED, Drop.NOBODY, None, Primary.TAKE, source="test")
        shares = {C1: Share(EVE), C2: Share(ANN), C4: Share(BOB), C6: Share(EVE)}
        with undone(shop) as writer:
            result = placed(writer, evolve(deal(effect, Ids(tuple(shares))), demands=demands), shares)
        assert result.codes() == {
            C1: ("website_mismatch",),
            C2: ("group_restricted",),
            C4: (),
            C6: ("website_mismatch", "group_restricted"),
        }

    def test_parties_are_those_dealt_to(self, shop: Store) -> None:
        """Each once, whoever else is selected."""
        with undone(shop) as writer:
            draft = deal(Effect(PLACED, Drop.NOBODY, None, Primary.TAKE))
            writer.place(NEW, (Placement(id, s.staff, s.code, s.source) for id, s in SHARES.items()))
            assert writer.parties(draft) == (frozenset({ANN, BOB, EVE}), frozenset())

    def test_customers_are_placed_in_turn(self, shop: Store) -> None:
        """In id order, each with the next of a ring, be it short or long; whoever is not asked about gets nobody."""
        draft, asked = deal(Effect(PLACED, Drop.NOBODY, None, Primary.TAKE)), Query(Not(Equals("score", 9)))
        for ring in ([EVE, ANN], 30 * [EVE, ANN]):
            with undone(shop) as writer:
                assert writer.place_in_turn(NEW, asked, ring) == 3
                result = drafted(writer, draft)
            assert [row.receiver for row in result.rows] == [EVE, None, ANN, EVE, None, None]

    def test_nobody_is_placed_where_nobody_is_found(self, shop: Store) -> None:
        """And the store says so."""
        with undone(shop) as writer:
            assert writer.place_in_turn(NEW, Query(Nothing()), [EVE]) == 0

    def test_what_is_given_is_counted_by_source_and_receiver(self, shop: Store) -> None:
        """With the last customer of each in id order; whoever is refused, or gets nobody, is not among them."""
        effect = Effect(PLACED, Drop.NOBODY, None, Primary.TAKE, source="test")
        shares = {C1: Share(EVE, None, "rule:x@1"), C2: Share(EVE), C3: Share(None, "no_capacity"), C4: Share(BOB)}
        shares |= {C5: Share(EVE, None, "rule:x@1"), C6: Share(EVE)}
        with undone(shop) as writer:
            placed(writer, deal(effect), shares)
            found = sorted(writer.given(NEW), key=lambda one: (one.source, one.receiver))
            assert writer.given("other") == []
        rest = [Given("", one, many, last) for one, many, last in ((BOB, 1, C4), (EVE, 2, C6))]
        assert found == [*sorted(rest, key=lambda one: one.receiver), Given("rule:x@1", EVE, 2, C5)]

    def test_rows_are_refused_after_all(self, shop: Store) -> None:
        """Those that change and no others, as if they had been from the start; the tally is that of the run."""
        effect = Effect(PLACED, Drop.EVERYONE_ELSE, None, Primary.TAKE, source="test", passes_role=True)
        ids = (C1, C2, C4, C6, LOST)
        shares = {C1: Share(EVE, None, "rule:x@1"), C2: Share(EVE), C4: Share(CID), C6: Share(EVE)}
        run = new_run(NEW, "Transfer", 5_000)
        with undone(shop) as writer:
            draft = evolve(deal(effect, Ids(ids)), at=5_000)
            first = placed(writer, draft, shares)
            assert first.fates() == dict(
                zip(ids, ["changed", "changed", "unchanged", "changed", "refused"], strict=True)
            )
            tally = writer.refuse(draft, [C1, C4, C6], "no_capacity")
            rows = list(writer.plan_rows(NEW))
            writer.write(run, draft)
            after = {customer.id: customer.version for customer in writer.customers(ids)}
            events = [event.subject for event in writer.events(run=NEW)]
        assert [row for row in rows if row.customer in (C1, C6)] == [
            PlanRow(row.customer, Fate.REFUSED, row.version, ("no_capacity",))
            for row in first.rows
            if row.customer in (C1, C6)
        ]
        assert [row for row in rows if row.customer not in (C1, C6)] == [
            row for row in first.rows if row.customer not in (C1, C6)
        ]
        assert (tally.changed, tally.unchanged, tally.refused) == (1, 1, 3)
        assert tally.codes == {"no_capacity": 2, "not_found": 1}
        versions = {row.customer: row.version for row in first.rows if row.customer != LOST}
        assert (after, events) == (versions | {C2: versions[C2] + 1}, [C2])

    def test_who_was_left_out_gets_nobody(self, shop: Store) -> None:
        """A customer no placement names keeps whom it has, and is unchanged."""
        effect = Effect(PLACED, Drop.NOBODY, None, Primary.TAKE)
        with undone(shop) as writer:
            result = placed(writer, deal(effect, Ids((C1, C3))), {C3: Share(EVE)})
        assert result.rows[0] == PlanRow(C1, Fate.UNCHANGED, 3, (), ANN, ANN)
        assert result.rows[1].receiver == EVE

    def test_only_those_placed_are_drafted(self, shop: Store) -> None:
        """Where a draft says so; hidden ones among them are left out."""
        effect = Effect(PLACED, Drop.FORMER_PRIMARY, None, Primary.TAKE)
        draft = evolve(deal(effect), only_placed=True, visible=Not(AssignedTo([ANN])))
        with undone(shop) as writer:
            result = placed(writer, draft, {C1: Share(EVE), C3: Share(EVE)})
        assert [(row.customer, row.receiver) for row in result.rows] == [(C3, EVE)]

    def test_listed_customers_are_held_and_have_a_head(self, shop: Store) -> None:
        """Those a run expects, and those that others changed; nobody minds one that is missing."""
        with shop.writer() as writer:
            apply(writer, "first", Ids((C1,)), ASSIGNED)
            writer.expect(NEW, [Expected(C5, 1, EVE, EVE, 0), Expected(LOST, 0, EVE, EVE, 0)])
            writer.lock_listed(NEW, ("first",))
            result = drafted(writer, evolve(draft_of(EVERYBODY), from_plan=True))
        assert result.fates() == {C5: Fate.CHANGED, LOST: Fate.REFUSED}

    def test_runs_of_one_actor_and_no_parts(self, empty: Store) -> None:
        """The newest first; a part is told of by its plan."""
        ann, bob = Actor.staff(ANN), Actor.system("till", "r1")
        runs = [evolve(new_run(f"r{at}", "Assign", at), actor=actor) for at, actor in ((1, ann), (2, bob), (3, ann))]
        part = evolve(new_run("p1", "Assign", 4), actor=ann, part_of="r3", reached=C3)
        with empty.writer() as writer:
            for run in (*runs, part):
                writer.save_run(run)
        with empty.reader() as reader:
            assert [run.id for run in reader.runs()] == ["r3", "r2", "r1"]
            assert [run.id for run in reader.runs(10, ann)] == ["r3", "r1"]
            assert [run.id for run in reader.runs(10, bob)] == ["r2"]
            assert reader.runs(10, evolve(bob, rule="r2")) == []
            assert [(run.id, run.reached) for run in reader.parts("r3")] == [("p1", C3)]

    def test_rules_are_kept(self, empty: Store) -> None:
        """With the version of their last event, by id, until they are forgotten."""
        west = Rule("west", Equals("website", "de"), Rotation("west", {ANN, EVE}), priority=3, label="West ä")
        with empty.writer() as writer:
            writer.save_rule(west, noted(Subject.RULE, "west", 1))
            writer.save_rule(evolve(west, priority=4), noted(Subject.RULE, "west", 2))
            writer.save_rule(evolve(west, id="east"), noted(Subject.RULE, "east", 1))
        with empty.reader() as reader:
            assert reader.rules() == [evolve(west, id="east", version=1), evolve(west, priority=4, version=2)]
        with empty.writer() as writer:
            writer.delete_rule("west", noted(Subject.RULE, "west", 3))
        with empty.reader() as reader:
            assert [rule.id for rule in reader.rules()] == ["east"]
            assert [event.version for event in reader.events(Subject.RULE, "west")] == [1, 2, 3]

    def test_placements_are_forgotten(self, shop: Store) -> None:
        """Once drafted, and the digest knows nothing of them."""
        before = shop.digest()
        with shop.writer() as writer:
            placed(writer, deal(Effect(PLACED, Drop.NOBODY, None, Primary.TAKE)))
            writer.discard(NEW)
        assert shop.digest() == before

    def test_a_later_run_does_not_see_them(self, shop: Store) -> None:
        """Placements belong to their run."""
        effect = Effect(PLACED, Drop.NOBODY, None, Primary.TAKE)
        with undone(shop) as writer:
            writer.place("other", [Placement(C3, ANN)])
            result = placed(writer, deal(effect, Ids((C3,))), {C3: Share(EVE)})
            apply(writer, "between", Ids((C5,)), ASSIGNED)
        assert result.rows[0].receiver == EVE
