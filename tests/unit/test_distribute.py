"""Who gets it (D03, D05, H07-H09; rows 50, 94-99, 116): what a distribution says, knows, asks and gives.

Proven by breaking it: each test was seen to fail once, when the line it guards was taken out or turned round.
"""

from __future__ import annotations

from typing import Any

import pytest

from ownership_core.distribute import (
    NOBODY,
    ByScope,
    Candidate,
    Capacity,
    Case,
    Dealer,
    Distribution,
    FromField,
    InDepartment,
    LeastBusy,
    Marked,
    Questions,
    Rotation,
    ToStaff,
    Weighted,
    check_distribution,
    largest_remainder,
    named_departments,
    named_staff,
    questions,
    rebalance,
    replaced,
)
from ownership_core.errors import InvalidInput
from ownership_core.fields import Field, Fields, Kind
from ownership_core.keys import KeyType
from ownership_core.model import CustomerId, DepartmentId, StaffId
from ownership_core.scope import UNASSIGNED, Equals, Everything
from ownership_core.wire import distribution_from_wire, distribution_to_wire

MONDAY = 1_700_438_400_000_000  # 2023-11-20 00:00 UTC
HOUR = 3_600_000_000
NORTH, SOUTH = Equals("region", "north"), Equals("region", "south")


def staff(*ids: str, **known: Any) -> list[Candidate]:
    """Staff of whom the same is known."""
    return [Candidate(StaffId(one), **known) for one in ids]


def deal(
    distribution: Distribution, candidates: list[Candidate], count: int = 1, at: int = MONDAY, **more: Any
) -> list[str | None]:
    """Who gets each of so many customers, or the code why nobody does."""
    marked = [Marked(CustomerId(f"c{number}"), **more) for number in range(count)]
    dealer = Dealer(distribution, candidates, {}, at)
    dealer.count(marked)
    return [placement.staff or placement.code for placement in dealer.deal(marked)]


def placed(distribution: Distribution, held: int = 0) -> tuple[str | None, str]:
    """Who gets one customer of whom these scopes are true, or the code, and the source."""
    dealer = Dealer(distribution, staff("ada", "jon", "maria"), {}, MONDAY)
    [found] = dealer.deal([Marked(CustomerId("c1"), held)])
    return found.staff or found.code, found.source


# What it is made of


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: ToStaff(""), "invalid_id"),
        (lambda: ToStaff(7), "invalid_id"),
        (lambda: Rotation(" new", {"ada"}), "invalid_id"),
        (lambda: Rotation("new", "ada"), "invalid_value"),
        (lambda: Rotation("new", []), "invalid_value"),
        (lambda: Rotation("new", {"ada": 1}), "invalid_value"),
        (lambda: Rotation("new", ["ada", "jon "]), "invalid_id"),
        (lambda: LeastBusy(None), "invalid_value"),
        (lambda: LeastBusy(["ada"], capacity=3), "invalid_value"),
        (lambda: LeastBusy(["ada"], days=["ada"]), "invalid_value"),
        (lambda: LeastBusy(["ada"], days={"ada": "01"}), "invalid_value"),
        (lambda: LeastBusy(["ada"], days={"ada": [7]}), "invalid_value"),
        (lambda: LeastBusy(["ada"], days={"ada": [True]}), "invalid_value"),
        (lambda: LeastBusy(["ada"], days={"": [1]}), "invalid_id"),
        (lambda: Weighted({}), "invalid_value"),
        (lambda: Weighted({"ada": 0}), "invalid_value"),
        (lambda: Weighted({"ada": 1.5}), "invalid_value"),
        (lambda: Weighted({"ada": True}), "invalid_value"),
        (lambda: Weighted(["ada"]), "invalid_value"),
        (lambda: Capacity(0), "invalid_value"),
        (lambda: Capacity(0.5), "invalid_value"),
        (lambda: Capacity(5, 0), "invalid_value"),
        (lambda: FromField(""), "invalid_value"),
        (lambda: InDepartment("sales", below=1), "invalid_value"),
        (lambda: InDepartment(""), "invalid_id"),
        (lambda: Case("north", ToStaff("ada")), "invalid_scope"),
        (lambda: Case(NORTH, "ada"), "invalid_value"),
        (lambda: Case(NORTH, ToStaff("ada"), source="x" * 501), "text_too_long"),
        (lambda: Case(NORTH, ToStaff("ada"), source="\0"), "invalid_text"),
        (lambda: Case(NORTH, ToStaff("ada"), broken="no"), "invalid_value"),
        (lambda: ByScope([NORTH]), "invalid_value"),
        (lambda: ByScope([], otherwise="ada"), "invalid_value"),
    ],
)
def test_what_cannot_be_meant_is_refused(make: Any, code: str) -> None:
    """A distribution is read strictly where it is written down; nothing is rounded or guessed."""
    with pytest.raises(InvalidInput) as caught:
        make()
    assert caught.value.codes == (code,)


def test_all_bad_ids_are_told_at_once() -> None:
    """Whoever writes five names wrongly hears of five."""
    with pytest.raises(InvalidInput) as caught:
        Rotation("new", ["", " a", "ada", "b\n"])
    assert len(caught.value.problems) == 3


def test_a_staff_without_days_works_on_every_day() -> None:
    """No days listed means all of them, as if the staff was not mentioned (row 99)."""
    assert LeastBusy(["ada"], days={"ada": []}) == LeastBusy(["ada"])


# What it asks, and whom it names


def test_questions_follow_the_cases() -> None:
    """Scopes in the order of the cases, inner ones after outer ones; fields and windows too."""
    inner = ByScope([Case(NORTH, FromField("keeper"))], otherwise=LeastBusy(["ada"], Capacity(3, days=7)))
    whole = ByScope([Case(SOUTH, inner), Case(NORTH, Rotation("new", ["ada"], Capacity(1, days=30)))])
    assert questions(whole) == Questions((SOUTH, NORTH), ("keeper",), (7, 30))


def test_a_broken_case_asks_nothing() -> None:
    """Neither its condition nor what only it leads to is asked, so that the store can answer the rest (H07)."""
    inner = ByScope([Case(SOUTH, FromField("keeper"))])
    assert questions(ByScope([Case(NORTH, inner, broken=True)])) == Questions()


def test_a_case_that_spares_the_assigned_asks_who_is() -> None:
    """Without ``reassign`` it has to know which customers nobody has (H08)."""
    assert questions(ByScope([Case(NORTH, ToStaff("ada"), reassign=False)])).scopes == (NORTH, UNASSIGNED)


def test_everybody_named_is_found() -> None:
    """In targets, pools and weights, in every case and in ``otherwise`` (D07)."""
    whole = ByScope(
        [Case(NORTH, ToStaff("ada")), Case(SOUTH, Weighted({"jon": 1}), broken=True)],
        otherwise=ByScope([Case(NORTH, Rotation("new", ["maria"]))], otherwise=LeastBusy(["zoe"])),
    )
    assert named_staff(whole) == {"ada", "jon", "maria", "zoe"}


def test_departments_are_found_with_their_reach() -> None:
    """Whoever loads candidates learns whether those below count."""
    pools = InDepartment("sales", below=True), InDepartment("care")
    whole = ByScope([Case(NORTH, LeastBusy(pools[0]))], otherwise=Rotation("new", pools[1]))
    assert named_departments(whole) == set(pools)
    assert named_staff(whole) == set()


# A leaver


@pytest.mark.parametrize(
    ("before", "alone", "with_jon"),
    [
        (ToStaff("maria"), None, ToStaff("jon")),
        (ToStaff("ada"), ToStaff("ada"), ToStaff("ada")),
        (Rotation("new", ["ada", "maria"]), Rotation("new", ["ada"]), Rotation("new", ["ada", "jon"])),
        (Rotation("new", ["maria"]), None, Rotation("new", ["jon"])),
        (LeastBusy(["jon", "maria"]), LeastBusy(["jon"]), LeastBusy(["jon"])),
        (LeastBusy(InDepartment("sales")), LeastBusy(InDepartment("sales")), LeastBusy(InDepartment("sales"))),
        (LeastBusy(["ada"]), LeastBusy(["ada"]), LeastBusy(["ada"])),
        (Weighted({"ada": 1, "maria": 2}), Weighted({"ada": 1}), Weighted({"ada": 1, "jon": 2})),
        (Weighted({"jon": 1, "maria": 2}), Weighted({"jon": 1}), Weighted({"jon": 3})),
        (Weighted({"ada": 1}), Weighted({"ada": 1}), Weighted({"ada": 1})),
        (FromField("keeper"), FromField("keeper"), FromField("keeper")),
        (ByScope([Case(NORTH, ToStaff("maria"))]), None, ByScope([Case(NORTH, ToStaff("jon"))])),
    ],
)
def test_a_leaver_is_taken_out(before: Distribution, alone: Distribution | None, with_jon: Distribution) -> None:
    """Of targets, pools and weights; a successor takes the place, and nobody left means no distribution (D07)."""
    assert replaced(before, StaffId("maria"), None) == alone
    assert replaced(before, StaffId("maria"), StaffId("jon")) == with_jon


def test_a_case_without_anybody_left_gives_to_nobody() -> None:
    """It stays: no later case may get its customers by accident."""
    before = ByScope([Case(NORTH, ToStaff("maria"), "x"), Case(Everything(), ToStaff("jon"))], ToStaff("maria"))
    assert replaced(before, StaffId("maria"), None) == ByScope(
        [Case(NORTH, NOBODY, "x"), Case(Everything(), ToStaff("jon"))]
    )


def test_the_days_of_a_leaver_go_with_it() -> None:
    """A successor works on its own days."""
    before = LeastBusy(["maria"], days={"maria": [0]})
    assert replaced(before, StaffId("maria"), StaffId("jon")) == LeastBusy(["jon"])


# Cases


def test_the_first_case_that_holds_decides() -> None:
    """In their order, and with its source; where none holds it is ``otherwise`` (row 94)."""
    whole = ByScope([Case(NORTH, ToStaff("ada"), "first"), Case(SOUTH, ToStaff("jon"))], ToStaff("maria"))
    assert placed(whole, 0b11) == ("ada", "first")
    assert placed(whole, 0b10) == ("jon", "")
    assert placed(whole, 0b00) == ("maria", "")


def test_no_case_means_nobody() -> None:
    """Without ``otherwise`` nobody gets it, and says so; nor is another case tried after the first that holds."""
    inner = ByScope([Case(SOUTH, ToStaff("ada"))])
    whole = ByScope([Case(NORTH, inner, "first"), Case(Everything(), ToStaff("jon"))])
    assert placed(ByScope([Case(NORTH, ToStaff("ada"))])) == ("no_target", "")
    assert questions(whole).scopes == (NORTH, Everything(), SOUTH)
    assert placed(whole, 0b011) == ("no_target", "first")


def test_the_outermost_source_stands() -> None:
    """A rule is remembered by its own name, however its target is divided (H05)."""
    inner = ByScope([Case(Everything(), ToStaff("ada"), "inner")])
    assert placed(ByScope([Case(NORTH, inner, "rule:north@1")]), 0b11) == ("ada", "rule:north@1")
    assert placed(ByScope([Case(NORTH, inner)]), 0b11) == ("ada", "inner")


def test_a_broken_case_ends_the_search() -> None:
    """What comes before it fires; what comes after it does not run by accident (H07)."""
    first, broken, last = (
        Case(NORTH, ToStaff("ada")),
        Case(SOUTH, ToStaff("jon"), "second", broken=True),
        ToStaff("maria"),
    )
    whole = ByScope([first, broken], otherwise=last)
    assert placed(whole, 0b1) == ("ada", "")
    assert placed(whole, 0b0) == ("rule_error", "second")


def test_who_is_assigned_stays() -> None:
    """A case without ``reassign`` takes unassigned customers only, and no later case takes the others (H08)."""
    whole = ByScope([Case(NORTH, ToStaff("ada"), "first", reassign=False)], otherwise=ToStaff("jon"))
    assert placed(whole, 0b11) == ("ada", "first")
    assert placed(whole, 0b01) == ("already_assigned", "first")
    assert placed(whole, 0b10) == ("jon", "")


# One, named


def test_who_is_named_need_not_be_free_today() -> None:
    """Somebody named is assigned as anybody may be by hand: active is enough."""
    assert deal(ToStaff("ada"), staff("ada", available=False)) == ["ada"]


@pytest.mark.parametrize(
    ("value", "answer"),
    [("ada", "ada"), (7, "7"), (None, "no_target"), ("nobody", "unknown_staff"), ("gone", "staff_inactive")],
)
def test_a_field_names_somebody_who_is_there(value: Any, answer: str) -> None:
    """The value must be the id of somebody active; a missing one names nobody (row 116)."""
    known = [*staff("ada", "7"), *staff("gone", active=False)]
    assert deal(FromField("keeper"), known, values={"keeper": value}) == [answer]


def test_a_target_that_is_gone_is_told() -> None:
    """Who is named and unknown or inactive gets nothing, with the code any assign has (D05)."""
    assert deal(ToStaff("ada"), []) == ["unknown_staff"]
    assert deal(ToStaff("ada"), staff("ada", active=False)) == ["staff_inactive"]


# Pools


def test_an_inactive_member_is_skipped_and_the_turn_goes_on() -> None:
    """A, B, C and C becomes inactive: A, B, A (H09)."""
    crew = [*staff("a", "b"), *staff("c", active=False)]
    assert deal(Rotation("new", ["a", "b", "c"]), crew, 3) == ["a", "b", "a"]


def test_a_full_member_is_skipped_and_the_turn_goes_on() -> None:
    """Whoever takes no more leaves the ring; the others keep their order (row 97)."""
    crew = [*staff("a", load=2), *staff("b", "c", "d")]
    assert deal(Rotation("new", ["a", "b", "c", "d"], Capacity(2)), crew, 5) == ["b", "c", "d", "b", "c"]


@pytest.mark.parametrize(("last", "then"), [("b", "c"), ("bb", "c"), ("c", "a"), ("z", "a"), (None, "a")])
def test_a_pointer_may_be_nobody_any_more(last: str | None, then: str) -> None:
    """The one after it in the order of ids is next, whether it is still a member or not (H09)."""
    pointer = None if last is None else StaffId(last)
    dealer = Dealer(Rotation("new", ["a", "b", "c"]), staff("a", "b", "c"), {"new": pointer}, MONDAY)
    assert [placement.staff for placement in dealer.deal([Marked(CustomerId("c1"))])] == [then]
    assert dealer.pointers == {"new": then}


@pytest.mark.parametrize("last", ["b", "bb", "c", "z", None])
@pytest.mark.parametrize("many", [0, 1, 3, 7])
def test_a_plain_rotation_tells_its_turns(last: str | None, many: int) -> None:
    """What is placed at once is what would be dealt one by one, and the pointer stands where it would."""
    crew = [*staff("a", "b", "c"), *staff("d", active=False)]
    pointers = {"new": None if last is None else StaffId(last)}
    at_once, one_by_one = (Dealer(Rotation("new", ["a", "b", "c", "d"]), crew, pointers, MONDAY) for _ in range(2))
    dealt = one_by_one.deal(Marked(CustomerId(str(number))) for number in range(many))
    assert [one.staff for one in dealt] == (list(at_once.turns) * many)[:many]
    at_once.went_on(many)
    assert at_once.pointers == one_by_one.pointers


@pytest.mark.parametrize(
    "other",
    [
        Rotation("new", ["a"], Capacity(5)),
        Rotation("new", ["nobody"]),
        LeastBusy(["a"]),
        ByScope([], otherwise=Rotation("new", ["a"])),
    ],
)
def test_whatever_else_counts_has_no_turns(other: Distribution) -> None:
    """A capacity, how busy somebody is, a case: each customer has to be looked at."""
    dealer = Dealer(other, staff("a"), {}, MONDAY)
    assert not dealer.turns
    dealer.went_on(0)
    assert dealer.pointers.get("new") is None


def test_a_rotation_goes_by_the_value_of_numbers() -> None:
    """Ids that are numbers are in the order of numbers, as in every store."""
    dealer = Dealer(Rotation("new", ["10", "9", "2"]), staff("2", "9", "10"), {"new": StaffId("9")}, 0, KeyType.INTEGER)
    marked = [Marked(CustomerId(str(number))) for number in range(3)]
    assert [placement.staff for placement in dealer.deal(marked)] == ["10", "2", "9"]


def test_rotations_of_one_name_share_their_turn() -> None:
    """Two cases that lead to one rotation count on; another rotation keeps its own pointer."""
    turns = Rotation("new", ["a", "b"])
    whole = ByScope([Case(NORTH, turns), Case(SOUTH, Rotation("other", ["a", "b"]))], otherwise=turns)
    dealer = Dealer(whole, staff("a", "b"), {}, MONDAY)
    dealt = dealer.deal(Marked(CustomerId(str(number)), held) for number, held in enumerate([1, 0, 2, 1]))
    assert [placement.staff for placement in dealt] == ["a", "b", "a", "a"]
    assert dealer.pointers == {"new": "a", "other": "a"}


def test_a_pointer_stays_where_nobody_gets_anything() -> None:
    """A full pool moves nothing, and says that it is full, not that nobody is there (row 97)."""
    dealer = Dealer(Rotation("new", ["a"], Capacity(1)), staff("a", load=1), {"new": StaffId("b")}, MONDAY)
    assert [placement.code for placement in dealer.deal([Marked(CustomerId("c1"))])] == ["no_capacity"]
    assert dealer.pointers == {"new": "b"}


def test_loads_are_shared_by_the_whole_deal() -> None:
    """What one case gave counts for the least busy of another."""
    whole = ByScope([Case(NORTH, ToStaff("a"))], otherwise=LeastBusy(["a", "b"]))
    dealer = Dealer(whole, staff("a", "b"), {}, MONDAY)
    dealt = dealer.deal(Marked(CustomerId(str(number)), held) for number, held in enumerate([1, 1, 0, 0, 0]))
    assert [placement.staff for placement in dealt] == ["a", "a", "b", "b", "a"]


@pytest.mark.parametrize("kind", [Rotation, LeastBusy, Weighted])
@pytest.mark.parametrize("capacity", [Capacity(2), Capacity(2, days=30)])
def test_nobody_gets_more_than_the_capacity(kind: Any, capacity: Capacity) -> None:
    """At a time, or within so many days; the rest is told, not forced on anybody (row 97)."""
    pools = {Rotation: ("new", ["a", "b"]), LeastBusy: (["a", "b"],), Weighted: ({"a": 1, "b": 9},)}
    crew = [Candidate(StaffId("a"), load=1, recent={7: 0, 30: 1}), *staff("b")]
    dealt = deal(kind(*pools[kind], capacity), crew, 5)
    assert sorted(filter(None, dealt)) == ["a", "b", "b", "no_capacity", "no_capacity"]


def test_a_window_counts_what_was_given_in_it() -> None:
    """With days the load does not matter, and the numbers of another window do not either."""
    known = [Candidate(StaffId("a"), load=50, recent={7: 1, 30: 9})]
    assert deal(LeastBusy(["a"], Capacity(2, days=7)), known, 2) == ["a", "no_capacity"]


@pytest.mark.parametrize("kind", [Rotation, LeastBusy, Weighted])
@pytest.mark.parametrize("known", [{"active": False}, {"available": False}])
def test_a_pool_without_anybody_there_is_no_target(kind: Any, known: dict[str, bool]) -> None:
    """Inactive or away, by a hook or a cover (row 99)."""
    pools = {Rotation: ("new", ["a", "b"]), LeastBusy: (["a", "b"],), Weighted: ({"a": 1, "b": 9},)}
    assert deal(kind(*pools[kind]), staff("a", **known), 1) == ["no_target"]


@pytest.mark.parametrize("kind", [Rotation, LeastBusy, Weighted])
def test_somebody_works_on_some_days_only(kind: Any) -> None:
    """By the weekday in UTC at the moment of dealing: Monday until midnight, Tuesday from then on (row 99)."""
    pools = {Rotation: ("new", ["a"]), LeastBusy: (["a"],), Weighted: ({"a": 1},)}
    mondays = kind(*pools[kind], days={"a": [0]})
    assert deal(mondays, staff("a"), at=MONDAY) == ["a"]
    assert deal(mondays, staff("a"), at=MONDAY + 24 * HOUR - 1) == ["a"]
    assert deal(mondays, staff("a"), at=MONDAY + 24 * HOUR) == ["no_target"]


def test_a_department_is_whoever_works_there() -> None:
    """Without those below it, unless they are asked for; a circle of departments ends (B15)."""
    crew = [
        Candidate(StaffId("a"), departments=frozenset({DepartmentId("sales")})),
        Candidate(StaffId("b"), departments=frozenset({DepartmentId("north")})),
        Candidate(StaffId("c"), departments=frozenset({DepartmentId("care"), DepartmentId("town")})),
        Candidate(StaffId("d"), departments=frozenset({DepartmentId("care")})),
    ]
    parents = {"sales": "town", "north": "sales", "town": "north", "care": None}

    def dealt(pool: InDepartment) -> list[str | None]:
        dealer = Dealer(Rotation("new", pool), crew, {}, MONDAY, parents=parents)  # type: ignore[arg-type]
        return [p.staff for p in dealer.deal(Marked(CustomerId(str(number))) for number in range(4))]

    assert dealt(InDepartment("sales")) == ["a", "a", "a", "a"]
    assert dealt(InDepartment("sales", below=True)) == ["a", "b", "c", "a"]
    assert dealt(InDepartment("care")) == ["c", "d", "c", "d"]
    assert dealt(InDepartment("elsewhere")) == [None, None, None, None]


# Weights


def test_weights_are_dealt_evenly_and_always_alike() -> None:
    """No long run for one, and the same order each time (row 98)."""
    dealt = deal(Weighted({"a": 2, "b": 1}), staff("b", "a"), 6)
    assert dealt == ["a", "b", "a", "a", "b", "a"]
    assert dealt == deal(Weighted({"b": 1, "a": 2}), staff("a", "b"), 6)
    assert deal(Weighted({"b": 1, "a": 1}), staff("b", "a"), 3) == ["a", "b", "a"]


def test_what_one_cannot_take_goes_to_the_others_by_weight() -> None:
    """Capacity bounds a share; the rest is shared again."""
    crew = [*staff("a"), *staff("b", load=8), *staff("c")]
    dealt = deal(Weighted({"a": 2, "b": 2, "c": 1}, Capacity(10)), crew, 11)
    assert {one: dealt.count(one) for one in ("a", "b", "c")} == {"a": 6, "b": 2, "c": 3}
    dealt = deal(Weighted({"a": 1, "b": 2, "c": 2}, Capacity(20)), [*staff("a", "c"), *staff("b", load=19)], 4)
    assert sorted(filter(None, dealt)) == ["a", "b", "c", "c"]


def test_shares_bend_when_somebody_fills_up_elsewhere() -> None:
    """Another case may have filled somebody up; whoever takes more gets it."""
    whole = ByScope([Case(NORTH, ToStaff("a"))], otherwise=Weighted({"a": 1, "b": 1}, Capacity(2)))
    dealer = Dealer(whole, staff("a", "b"), {}, MONDAY)
    marked = [Marked(CustomerId(str(number)), held) for number, held in enumerate([0, 1, 1, 0, 0, 0])]
    dealer.count(marked)
    assert [p.staff or p.code for p in dealer.deal(marked)] == ["a", "a", "a", "b", "b", "no_capacity"]


def test_more_than_were_counted_are_shared_on() -> None:
    """Customers that came after the count go on by weight."""
    dealer = Dealer(Weighted({"a": 2, "b": 1}), staff("a", "b"), {}, MONDAY)
    dealer.count([])
    dealt = dealer.deal(Marked(CustomerId(str(number))) for number in range(6))
    assert sorted(filter(None, (placement.staff for placement in dealt))) == ["a", "a", "a", "a", "b", "b"]


def test_weights_have_to_be_counted_first() -> None:
    """Dealing without a count would not be by weight."""
    dealer = Dealer(ByScope([Case(NORTH, Weighted({"a": 1}))]), staff("a"), {}, MONDAY)
    assert dealer.needs_totals
    with pytest.raises(AssertionError):
        next(dealer.deal([]))
    assert not Dealer(ToStaff("a"), staff("a"), {}, MONDAY).needs_totals


def test_a_deal_is_streamed() -> None:
    """The first customer is placed before the second is read."""
    read = []

    def marked() -> Any:
        for number in range(3):
            read.append(number)
            yield Marked(CustomerId(str(number)))

    next(Dealer(Rotation("new", ["a"]), staff("a"), {}, MONDAY).deal(marked()))
    assert read == [0]


# Shares and balance


def test_the_largest_remainder_gets_one_more() -> None:
    """Whoever is first: 4 by 1 and 2 are 1⅓ and 2⅔."""
    assert largest_remainder(4, {StaffId("a"): 1, StaffId("b"): 2}) == {"a": 1, "b": 3}


def test_equal_remainders_go_to_the_first_ids() -> None:
    """In the order of the store's ids."""
    even = {StaffId("10"): 1, StaffId("9"): 1, StaffId("100"): 1}
    assert largest_remainder(4, even, KeyType.INTEGER) == {"9": 2, "10": 1, "100": 1}
    assert largest_remainder(4, even) == {"9": 1, "10": 2, "100": 1}
    assert largest_remainder(3, {StaffId("a"): 0}) == {"a": 0}


@pytest.mark.parametrize(("total", "weight"), [(-1, 1), (1, -1)])
def test_shares_of_less_than_nothing_are_refused(total: int, weight: int) -> None:
    """There is no share of fewer than no customers, and no negative weight."""
    with pytest.raises(InvalidInput) as caught:
        largest_remainder(total, {StaffId("a"): weight})
    assert caught.value.codes == ("invalid_value",)


def balance(
    held: dict[str, int], weights: dict[str, int], most: int | None = None, **movable: int
) -> dict[tuple[str, str], int]:
    """The flows of a rebalance; everything may move unless it is said how much."""
    flows = rebalance(held, held | movable, weights, most)  # type: ignore[arg-type]
    return {(flow.giver, flow.taker): flow.count for flow in flows}


def test_a_remainder_stays_where_it_is() -> None:
    """Seven of two equals: whoever has four keeps them, whatever the order of ids."""
    assert balance({"a": 3, "b": 4}, {"a": 1, "b": 1}) == {}
    assert balance({"a": 4, "b": 3}, {"a": 1, "b": 1}) == {}


def test_a_remainder_stays_with_whoever_must_keep_it() -> None:
    """Of equal remainders first where it may not move: else the shares asked for would be out of reach."""
    moves = balance({"a": 2, "b": 3, "c": 6}, {"a": 1, "b": 1, "c": 5}, b=1, c=0)
    assert moves == {("a", "c"): 1, ("b", "c"): 1}


def test_who_is_not_weighed_takes_no_part() -> None:
    """Neither gives nor takes; a weight of 0 gives all."""
    assert balance({"a": 4, "b": 0, "c": 9}, {"a": 1, "b": 1}) == {("a", "b"): 2}
    assert balance({"a": 4, "b": 0}, {"a": 0, "b": 1}) == {("a", "b"): 4}


def test_what_may_not_move_stays_and_the_others_share_the_rest() -> None:
    """A balance out of reach is still a balance among those who can move."""
    assert balance({"a": 9, "b": 3, "c": 0}, {"a": 1, "b": 1, "c": 1}, a=0) == {("b", "c"): 1}


def test_few_moves_go_from_the_fullest_to_the_emptiest() -> None:
    """With ``max_moves`` the largest distances shrink first."""
    held = {"a": 9, "b": 6, "c": 2, "d": 3}
    weights = dict.fromkeys(held, 1)
    assert balance(held, weights, 2) == {("a", "c"): 2}
    assert balance(held, weights, 0) == {}
    assert sum(balance(held, weights).values()) == 5
    held = {"a": 6, "b": 9, "c": 9, "d": 0, "e": 1}
    assert balance(held, dict.fromkeys(held, 1), 3) == {("b", "d"): 2, ("c", "e"): 1}


@pytest.mark.parametrize(("weights", "most"), [({"a": 0}, None), ({}, None), ({"a": 1}, -1)])
def test_a_balance_of_nothing_is_refused(weights: dict[str, int], most: int | None) -> None:
    """Somebody must have a weight, and nobody can make less than no moves."""
    with pytest.raises(InvalidInput) as caught:
        balance({"a": 1}, weights, most)
    assert caught.value.codes == ("invalid_value",)


# Well formed


FIELDS = Fields.declare([Field("keeper"), Field("region"), Field("vip", Kind.BOOLEAN)])


@pytest.mark.parametrize(
    ("distribution", "codes"),
    [
        (FromField("colour"), ("unknown_field",)),
        (FromField("vip"), ("invalid_value",)),
        (FromField("groups"), ("invalid_value",)),
        (ByScope([Case(Equals("colour", "red"), FromField("vip"))]), ("unknown_field", "invalid_value")),
    ],
)
def test_a_distribution_speaks_of_declared_fields(distribution: Distribution, codes: tuple[str, ...]) -> None:
    """Fields that name staff hold one text or number; conditions are checked; all is told at once."""
    with pytest.raises(InvalidInput) as caught:
        check_distribution(distribution, FIELDS)
    assert caught.value.codes == codes


def test_what_is_well_formed_comes_back() -> None:
    """A broken condition does not have to be, nor what it leads to."""
    whole = ByScope([Case(Equals("colour", "red"), FromField("vip"), broken=True)], otherwise=FromField("keeper"))
    assert check_distribution(whole, FIELDS) is whole


def test_ids_must_fit_the_store() -> None:
    """Every one that does not is told."""
    with pytest.raises(InvalidInput) as caught:
        check_distribution(Rotation("new", ["7", "07", "x"]), FIELDS, KeyType.INTEGER)
    assert caught.value.codes == ("invalid_id",)
    assert len(caught.value.problems) == 2


def test_a_distribution_may_not_be_nested_without_end() -> None:
    """Forty deep is enough for anybody; deeper ones are refused before anything walks them."""
    deep: Distribution = ToStaff("ada")
    for _ in range(40):
        deep = ByScope([Case(NORTH, deep)])
    assert check_distribution(deep, FIELDS) is deep
    for _ in range(2000):
        deep = ByScope([], otherwise=deep)
    with pytest.raises(InvalidInput) as caught:
        check_distribution(deep, FIELDS)
    assert caught.value.codes == ("invalid_value",)


# On the wire


def wire(node: Any) -> dict[str, Any]:
    """``node`` in its envelope."""
    return {"v": 1, "distribution": node}


def pool(**changes: Any) -> dict[str, Any]:
    """A rotation as it is written, changed."""
    node: dict[str, Any] = distribution_to_wire(Rotation("new", ["ada"], Capacity(1)))["distribution"]
    return wire({**node, **changes})


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (None, ["distribution"]),
        ({"v": 2, "distribution": {}}, ["v"]),
        ({"v": 1}, [""]),
        ({**pool(), "more": 1}, [""]),
        (wire({}), ["distribution"]),
        (wire({"node": "Lottery"}), ["distribution.node"]),
        (wire({"node": "ToStaff", "staff": 7}), ["distribution.staff"]),
        (wire({"node": "ToStaff", "staff": " a"}), ["distribution.staff"]),
        (wire({"node": "ToStaff", "to": "a"}), ["distribution", "distribution"]),
        (pool(members={"ids": []}), ["distribution.members"]),
        (pool(members={"ids": ["a", 1, None]}), ["distribution.members.ids[1]", "distribution.members.ids[2]"]),
        (pool(members={"department": "x"}), ["distribution.members"]),
        (pool(members={"ids": ["a"], "below": True}), ["distribution.members"]),
        (pool(capacity={"most": True, "days": None}), ["distribution.capacity.most"]),
        (pool(capacity={"most": 0, "days": None}), ["distribution.capacity"]),
        (pool(capacity={"most": 1}), ["distribution.capacity"]),
        (pool(capacity={"most": 1, "days": None, "per": 1}), ["distribution.capacity"]),
        (pool(days={"a": [1], "b": ["x"]}), ["distribution.days.b[0]"]),
        (pool(days={"a": [9]}), ["distribution.days"]),
        (pool(name=1, members=2, days=3), ["distribution.name", "distribution.members", "distribution.days"]),
        (
            wire({"node": "ByScope", "cases": [{}, 1], "otherwise": 2}),
            [*["distribution.cases[0]"] * 5, "distribution.cases[1]", "distribution.otherwise"],
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_every_place(raw: object, where: list[str]) -> None:
    """Unknown, missing and extra keys, wrong types and values: all at once, each with the path to it."""
    with pytest.raises(InvalidInput) as caught:
        distribution_from_wire(raw)
    assert [problem.where for problem in caught.value.problems] == where


def test_a_distribution_nested_without_end_is_not_read() -> None:
    """Reading stops at the depth writing has."""
    node: Any = {"node": "ToStaff", "staff": "ada"}
    for _ in range(200):
        node = {"node": "ByScope", "cases": [], "otherwise": node}
    with pytest.raises(InvalidInput) as caught:
        distribution_from_wire(wire(node))
    assert caught.value.codes == ("invalid_wire",)


def test_equal_distributions_are_written_alike() -> None:
    """Sets, weights and days are sorted, whatever order they were given in."""
    one = Weighted({"a": 1, "b": 2}, days={"a": [2, 1], "b": [0]})
    other = Weighted({"b": 2, "a": 1}, days={"b": [0], "a": [1, 2]})
    assert str(distribution_to_wire(one)) == str(distribution_to_wire(other))


def test_reading_back_asks_the_same_questions() -> None:
    """The bits of a mark keep their meaning over the wire."""
    whole = ByScope([Case(SOUTH, ToStaff("ada")), Case(NORTH, ToStaff("jon"), reassign=False)])
    assert questions(distribution_from_wire(distribution_to_wire(whole))).scopes == (SOUTH, NORTH, UNASSIGNED)
