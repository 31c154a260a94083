"""Facts about drafts: which rows a run gets, which fate each meets, and what makes a saved plan stale."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import evolve, frozen

from ownership_core.commands import Ids, Matching, One, Selection
from ownership_core.model import Assignment, StaffId
from ownership_core.ports import Draft, Expected, Query, Run, RunState, Store, Tally, Writer
from ownership_core.ruling import Drop, Effect, Fate, PlanRow, Primary, Requirement
from ownership_core.scope import ANY, AllOf, AssignedTo, Equals, Everything, Has, Missing, Not, OneOf, Scope
from ownership_core.testing.contracts.base import ANN, BOB, C1, C2, C3, C4, C5, C6, EVE, LOST, Contract, undone
from ownership_core.testing.worlds import LOADER, apply, new_run

TO_EVE = Effect(add=EVE, drop=Drop.EVERYONE_ELSE, primary=Primary.TAKE, source="test")
NOTHING_HAPPENS = Effect()
NEW = "new-run"


@frozen
class Drafted:
    """A draft's tally and rows."""

    tally: Tally
    rows: list[PlanRow]

    def fates(self) -> dict[str, Fate]:
        """The fate of each customer."""
        return {row.customer: row.fate for row in self.rows}

    def codes(self) -> dict[str, tuple[str, ...]]:
        """The codes of each customer."""
        return {row.customer: row.codes for row in self.rows}


def drafted(writer: Writer, draft: Draft) -> Drafted:
    """Lock and draft, as a service does."""
    writer.lock_customers(draft.selection, draft.visible)
    tally = writer.draft(draft)
    return Drafted(tally, list(writer.plan_rows(draft.run)))


def draft_of(
    selection: Selection,
    effect: Effect = TO_EVE,
    requirements: Iterable[Requirement] = (),
    visible: Scope | None = None,
    expected_version: int | None = None,
) -> Draft:
    """A draft of the new run."""
    seen = Everything() if visible is None else visible
    return Draft(NEW, selection, seen, tuple(requirements), effect, 5_000, expected_version)


def in_draft(store: Store, selection: Selection, effect: Effect = TO_EVE, **rest: Any) -> Drafted:
    """What a draft comes to; the store stays as it was."""
    with undone(store) as writer:
        return drafted(writer, evolve(draft_of(selection, effect), **rest))
    raise AssertionError


VIPS = Has("groups", {"vip"})


class DraftFacts(Contract):
    """Rows and fates of a draft."""

    def test_one_gives_one_row(self, shop: Store) -> None:
        """The row says what would change: primary before and after, who comes, who goes."""
        result = in_draft(shop, One(C1))
        gone = (Assignment(ANN, True, 10, "lead", "test"), Assignment(BOB, False, 20, "", "test"))
        version = result.rows[0].version
        assert result.rows == [PlanRow(C1, Fate.CHANGED, version, (), ANN, EVE, EVE, gone)]
        assert version == 3
        assert result.tally == Tally(changed=1)

    def test_ids_give_one_row_each(self, shop: Store) -> None:
        """In id order, the missing among them."""
        result = in_draft(shop, Ids((C3, LOST, C1)))
        assert result.fates() == {C1: Fate.CHANGED, C3: Fate.CHANGED, LOST: Fate.REFUSED}
        assert [row.customer for row in result.rows] == [C1, C3, LOST]
        assert result.tally == Tally(changed=2, refused=1, codes={"not_found": 1})

    def test_no_ids_give_no_rows(self, shop: Store) -> None:
        """An empty list is nothing, not everything."""
        assert in_draft(shop, Ids(())) == Drafted(Tally(), [])

    def test_hidden_and_missing_answer_alike(self, shop: Store) -> None:
        """Both are refused with ``not_found`` alone and version 0, whatever else fails."""
        refuse = (Requirement("never", Missing("kind")),)
        result = in_draft(shop, Ids((C2, LOST)), visible=VIPS, requirements=refuse, expected_version=77)
        assert result.rows == [PlanRow(id, Fate.REFUSED, codes=("not_found",)) for id in (C2, LOST)]

    def test_matching_gives_rows_for_the_selected_and_visible(self, shop: Store) -> None:
        """No others are mentioned."""
        result = in_draft(shop, Matching(Equals("score", 1)), visible=VIPS)
        assert result.fates() == {C3: Fate.CHANGED}
        assert result.tally == Tally(changed=1)

    def test_matching_leaves_out_what_cannot_be_told(self, shop: Store) -> None:
        """A missing value is neither the value nor another."""
        assert in_draft(shop, Matching(Not(Equals("score", 3)))).fates() == {C3: Fate.CHANGED, C4: Fate.CHANGED}

    def test_all_failing_codes_are_told_at_once(self, shop: Store) -> None:
        """The version conflict first, then every failing requirement in order; those that hold are silent."""
        requirements = (
            Requirement("vip_only", VIPS),
            Requirement("named", Not(Missing("name"))),
            Requirement("on_site", Equals("website", "de")),
        )
        result = in_draft(shop, Ids((C1, C2)), requirements=requirements, expected_version=3)
        assert result.codes() == {C1: (), C2: ("version_conflict", "vip_only", "on_site")}
        assert result.tally.codes == {"version_conflict": 1, "vip_only": 1, "on_site": 1}

    def test_what_cannot_be_told_refuses(self, shop: Store) -> None:
        """A requirement that is neither TRUE nor FALSE of a customer is not met, and nor is its opposite."""
        here = Equals("website", "de")
        requirements = (Requirement("on_site", here), Requirement("off_site", Not(here)))
        assert in_draft(shop, One(C6), requirements=requirements).codes() == {C6: ("on_site", "off_site")}

    def test_a_refused_row_describes_no_change(self, shop: Store) -> None:
        """It holds the version and the codes."""
        result = in_draft(shop, One(C1), requirements=(Requirement("never", Missing("kind")),))
        assert result.rows == [PlanRow(C1, Fate.REFUSED, 3, ("never",))]

    def test_a_code_of_two_requirements_is_told_once(self, shop: Store) -> None:
        """Codes of a row are distinct."""
        twice = (Requirement("no", Missing("kind")), Requirement("no", Missing("active")))
        result = in_draft(shop, One(C1), requirements=twice)
        assert result.codes() == {C1: ("no",)}
        assert result.tally.codes == {"no": 1}

    def test_the_same_again_is_unchanged(self, shop: Store) -> None:
        """The primary stays, nobody comes or goes."""
        same = Effect(add=ANN, primary=Primary.TAKE)
        result = in_draft(shop, One(C1), same)
        assert result.rows == [PlanRow(C1, Fate.UNCHANGED, 3, (), ANN, ANN)]
        assert result.tally == Tally(unchanged=1)

    def test_an_effect_that_touches_changes_everybody(self, shop: Store) -> None:
        """Even where no assignment differs."""
        assert in_draft(shop, Ids((C1, C5)), Effect(touch=True)).tally == Tally(changed=2)

    def test_an_expected_version_that_fits_is_silent(self, shop: Store) -> None:
        """Only a different version conflicts."""
        assert in_draft(shop, One(C1), expected_version=3).tally == Tally(changed=1)

    def test_a_draft_changes_no_customer(self, shop: Store) -> None:
        """Rows are written, customers and events are not."""
        with undone(shop) as writer:
            before = writer.customers([C1, C2, C3]), list(writer.events())
            drafted(writer, draft_of(Matching(Everything())))
            assert (writer.customers([C1, C2, C3]), list(writer.events())) == before

    def test_a_discarded_draft_leaves_nothing(self, shop: Store) -> None:
        """A run that changes nothing is not stored."""
        before = shop.digest()
        with shop.writer() as writer:
            drafted(writer, draft_of(Ids((C1, LOST))))
            writer.discard(NEW)
        assert shop.digest() == before

    def test_whom_a_draft_changes_is_counted_by_what_holds_now(self, shop: Store) -> None:
        """Neither whom it refuses nor anybody else; once it is written, by what it has made of them."""
        only = [Requirement("chosen", OneOf("id", (C1, C2)))]
        draft = draft_of(Ids((C1, C2, C3, LOST)), requirements=only)
        with undone(shop) as writer:
            drafted(writer, draft)
            sentences = (Everything(), Equals("id", C1), Equals("id", C4), AssignedTo([EVE]))
            assert [writer.count_changed(NEW, Query(one)) for one in sentences] == [2, 1, 0, 0]
            assert writer.count_changed("other", Query(Everything())) == 0
            writer.write(Run(NEW, RunState.APPLIED, "assign", {}, LOADER, 5_000), draft)
            assert writer.count_changed(NEW, Query(AssignedTo([EVE]))) == 2

    def test_drafts_of_other_runs_stay(self, shop: Store) -> None:
        """Rows belong to their run."""
        with undone(shop) as writer:
            drafted(writer, draft_of(One(C1)))
            drafted(writer, evolve(draft_of(One(C2)), run="other"))
            writer.discard("other")
            assert [row.customer for row in writer.plan_rows(NEW)] == [C1]


class StaleFacts(Contract):
    """A saved plan is decided again; what differs is stale."""

    def test_a_plan_that_still_fits_is_changed(self, shop: Store) -> None:
        """Version, selection and change come out the same."""
        result = self._replayed(shop, Ids((C1, C2)))
        assert result.tally == Tally(changed=2, still_selected=2)

    def test_a_plan_that_still_fits_describes_its_change(self, shop: Store) -> None:
        """Rows of a plan say the same as rows of a draft."""
        assert self._replayed(shop, Ids((C1, C3))).rows == in_draft(shop, Ids((C1, C3))).rows

    def test_a_customer_that_has_changed_since_is_stale(self, shop: Store) -> None:
        """Another version is another customer; the row holds the present one."""
        rows = [Expected(C1, 2, EVE, EVE, 2), Expected(C2, 2, EVE, EVE, 1)]
        result = self._expecting(shop, Ids((C1, C2)), rows)
        assert result.rows[0] == PlanRow(C1, Fate.STALE, 3, ("stale",))
        assert result.tally == Tally(changed=1, stale=1, codes={"stale": 1}, still_selected=2)

    def test_a_customer_no_longer_selected_is_stale(self, shop: Store) -> None:
        """By scope, by ids or by one id; it is not counted as selected."""
        rows = [Expected(C1, 3, EVE, EVE, 2)]
        for selection in (Matching(Equals("score", 1)), Ids((C2,)), One(C2), Matching(Equals("region", "x"))):
            result = self._expecting(shop, selection, rows)
            assert result.codes() == {C1: ("stale",)}, selection
            assert result.tally == Tally(stale=1, codes={"stale": 1}, still_selected=0), selection

    def test_a_change_that_would_come_out_differently_is_stale(self, shop: Store) -> None:
        """Another primary, another newcomer, another number of leavers."""
        for row in (
            Expected(C1, 3, ANN, EVE, 2),
            Expected(C1, 3, EVE, BOB, 2),
            Expected(C1, 3, EVE, None, 2),
            Expected(C1, 3, None, EVE, 2),
            Expected(C1, 3, EVE, EVE, 1),
        ):
            assert self._expecting(shop, One(C1), [row]).codes() == {C1: ("stale",)}, row

    def test_nothing_left_to_change_is_stale(self, shop: Store) -> None:
        """A plan to change what is so already comes out differently."""
        plan = [Expected(C1, 3, EVE, EVE, 2)]
        assert self._expecting(shop, One(C1), plan, Effect(add=ANN, primary=Primary.TAKE)).codes() == {C1: ("stale",)}

    def test_a_customer_out_of_sight_is_not_found(self, shop: Store) -> None:
        """Hidden and missing alike, and neither is stale or selected."""
        rows = [Expected(C1, 3, EVE, EVE, 2), Expected(LOST, 0, EVE, EVE, 0)]
        result = self._expecting(shop, Matching(Everything()), rows, visible=Equals("score", 1))
        assert result.rows == [PlanRow(id, Fate.REFUSED, codes=("not_found",)) for id in (C1, LOST)]
        assert result.tally == Tally(refused=2, codes={"not_found": 2}, still_selected=0)

    def test_a_requirement_that_fails_now_refuses(self, shop: Store) -> None:
        """The plan fits, the ruling does not."""
        rows = [Expected(C2, 2, EVE, EVE, 1)]
        result = self._expecting(shop, One(C2), rows, requirements=(Requirement("vip_only", VIPS),))
        assert result.rows == [PlanRow(C2, Fate.REFUSED, 2, ("vip_only",))]
        assert result.tally == Tally(refused=1, codes={"vip_only": 1}, still_selected=1)

    def test_a_stale_row_tells_everything_that_fails(self, shop: Store) -> None:
        """Version conflict, stale, requirements, in this order; its fate is stale."""
        rows = [Expected(C2, 1, EVE, EVE, 1)]
        vip = (Requirement("vip_only", VIPS),)
        result = self._expecting(shop, One(C2), rows, requirements=vip, expected_version=9)
        assert result.rows == [PlanRow(C2, Fate.STALE, 2, ("version_conflict", "stale", "vip_only"))]
        assert result.tally.codes == {"version_conflict": 1, "stale": 1, "vip_only": 1}

    def test_new_matches_are_not_added(self, shop: Store) -> None:
        """Only what the plan names gets a row."""
        result = self._expecting(shop, Matching(Everything()), [Expected(C1, 3, EVE, EVE, 2)])
        assert result.fates() == {C1: Fate.CHANGED}

    def test_an_empty_plan_has_no_rows(self, shop: Store) -> None:
        """Nothing expected, nothing done."""
        assert self._expecting(shop, Matching(Everything()), []) == Drafted(Tally(), [])

    def test_a_stored_plan_expects_its_changed_rows(self, shop: Store) -> None:
        """Refused and unchanged rows of the plan are no part of it."""
        requirement = (Requirement("vip_only", AllOf((VIPS,))),)
        with undone(shop) as writer:
            drafted(writer, evolve(draft_of(Ids((C1, C2, C3, LOST)), requirements=requirement), run="plan"))
            writer.save_run(new_run("plan"))
            writer.expect_plan(NEW, "plan")
            result = drafted(writer, evolve(draft_of(Ids((C1, C2, C3, LOST))), from_plan=True))
        assert result.fates() == {C1: Fate.CHANGED, C3: Fate.CHANGED}

    def test_a_stored_plan_notices_what_changed_since(self, shop: Store) -> None:
        """One customer moved between the plan and its application."""
        everyone = Matching(AssignedTo(ANY))
        with undone(shop) as writer:
            drafted(writer, evolve(draft_of(everyone), run="plan"))
            apply(writer, "between", One(C2), Effect(drop=Drop.ONE, dropped=StaffId(BOB)))
            writer.expect_plan(NEW, "plan")
            result = drafted(writer, evolve(draft_of(everyone), from_plan=True))
        assert result.fates() == {C1: Fate.CHANGED, C2: Fate.STALE, C4: Fate.CHANGED}
        assert result.tally.still_selected == 2

    def test_expected_rows_may_come_in_several_loads(self, shop: Store) -> None:
        """A plan file is read in chunks."""
        with undone(shop) as writer:
            writer.expect(NEW, iter([Expected(C1, 3, EVE, EVE, 2)]))
            writer.expect(NEW, iter([Expected(C5, 1, EVE, EVE, 0)]))
            result = drafted(writer, evolve(draft_of(Ids((C1, C5))), from_plan=True))
        assert result.tally == Tally(changed=2, still_selected=2)

    def _replayed(self, shop: Store, selection: Selection) -> Drafted:
        with undone(shop) as writer:
            drafted(writer, evolve(draft_of(selection), run="plan"))
            writer.expect_plan(NEW, "plan")
            return drafted(writer, evolve(draft_of(selection), from_plan=True))
        raise AssertionError

    def _expecting(
        self, shop: Store, selection: Selection, rows: list[Expected], effect: Effect = TO_EVE, **rest: Any
    ) -> Drafted:
        with undone(shop) as writer:
            writer.expect(NEW, rows)
            return drafted(writer, evolve(draft_of(selection, effect), from_plan=True, **rest))
        raise AssertionError
