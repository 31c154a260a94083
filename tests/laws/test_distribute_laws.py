"""Dealing against sums done by hand: in turn, by weight, to the least busy; the fewest moves; the wire.

The oracles of this file share no code with :mod:`ownership_core.distribute`. Each law was seen to fail once, when
what it guards was broken.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import combinations, product

from hypothesis import given
from hypothesis import strategies as st

from ownership_core.distribute import (
    ByScope,
    Candidate,
    Capacity,
    Case,
    Dealer,
    Distribution,
    Flow,
    LeastBusy,
    Marked,
    Placement,
    Rotation,
    Weighted,
    largest_remainder,
    questions,
    rebalance,
)
from ownership_core.model import CustomerId, StaffId
from ownership_core.rules import Rule
from ownership_core.scope import Equals
from ownership_core.testing.strategies import distributions, rules
from ownership_core.wire import distribution_from_wire, distribution_to_wire, rule_from_wire, rule_to_wire

CREW = ("a", "b", "c", "d")
crew = st.sampled_from(CREW).map(StaffId)
Counts = dict[StaffId, int]


def customers(count: int, held: int = 0) -> list[Marked]:
    """So many customers of whom the same is true."""
    return [Marked(CustomerId(f"c{number}"), held) for number in range(count)]


@st.composite
def crews(draw: st.DrawFn) -> list[Candidate]:
    """The crew with loads; some are inactive or away."""
    small = st.integers(0, 4)
    return [
        Candidate(
            StaffId(one),
            active=draw(st.integers(0, 7)) > 0,
            load=draw(small),
            recent={1: draw(small), 2: draw(small), 3: draw(small)},
            available=draw(st.integers(0, 7)) > 0,
        )
        for one in CREW
    ]


capacities = st.sampled_from([None, *map(Capacity, range(3, 9))]) | st.builds(
    Capacity, st.integers(1, 6), st.none() | st.integers(1, 3)
)


pools = st.frozensets(crew, min_size=2)


def takes(known: Candidate, capacity: Capacity | None) -> int:
    """How many more somebody takes; a million where there is no bound."""
    if capacity is None:
        return 1_000_000
    return max(0, capacity.most - (known.load if capacity.days is None else known.recent[capacity.days]))


def receivers(dealt: list[Placement]) -> list[StaffId | None]:
    """Who got one, in order."""
    return [placement.staff for placement in dealt]


# In turn


def by_turns(
    pool: list[StaffId], crew: list[Candidate], capacity: Capacity | None, last: StaffId | None, count: int
) -> Iterator[StaffId | None]:
    """Round a table of the whole crew, step by step, past everybody who gets none."""
    left = {one.staff: takes(one, capacity) if one.active and one.available else 0 for one in crew}
    place = -1 if last is None else CREW.index(last)
    for _ in range(count):
        for step in range(1, len(CREW) + 1):
            staff = StaffId(CREW[(place + step) % len(CREW)])
            if staff in pool and left[staff]:
                left[staff] -= 1
                place = CREW.index(staff)
                yield staff
                break
        else:
            yield None


@given(pools, crews(), capacities, st.none() | crew, st.lists(st.integers(0, 9), max_size=3))
def test_a_rotation_is_exact_however_it_is_cut_into_batches(
    pool: frozenset[StaffId], crew: list[Candidate], capacity: Capacity | None, last: StaffId | None, batches: list[int]
) -> None:
    """One dealer for each batch, with the pointer of the one before and the new loads, gives what one round gives."""
    rotation = Rotation("new", pool, capacity)
    pointers: Mapping[str, StaffId | None] = {"new": last}
    given_so_far: Counter[StaffId] = Counter()
    dealt: list[StaffId | None] = []
    for count in batches:
        known = [aged(one, given_so_far[one.staff]) for one in crew]
        dealer = Dealer(rotation, known, pointers, at=0)
        got = receivers(list(dealer.deal(customers(count))))
        given_so_far.update(staff for staff in got if staff is not None)
        dealt += got
        pointers = dealer.pointers
    assert dealt == list(by_turns(sorted(pool), crew, capacity, last, sum(batches)))


def aged(one: Candidate, given: int) -> Candidate:
    """The same staff after it was given so many."""
    recent = {days: before + given for days, before in one.recent.items()}
    return Candidate(one.staff, one.active, one.departments, one.load + given, recent, one.available)


# To the least busy


@given(st.frozensets(crew, min_size=1), crews(), capacities, st.integers(0, 20))
def test_each_goes_to_the_least_busy_of_that_moment(
    pool: frozenset[StaffId], crew: list[Candidate], capacity: Capacity | None, count: int
) -> None:
    """Looking at all loads anew before each customer gives the same, ties by id."""
    dealt = receivers(list(Dealer(LeastBusy(pool, capacity), crew, {}, at=0).deal(customers(count))))
    loads = {one.staff: one.load for one in crew}
    left = {one.staff: takes(one, capacity) for one in crew if one.staff in pool and one.active and one.available}
    for got in dealt:
        free = [staff for staff in left if left[staff]]
        assert got == min(free, key=lambda staff: (loads[staff], staff), default=None)
        if got is not None:
            loads[got] += 1
            left[got] -= 1


@given(st.frozensets(crew, min_size=1), crews(), st.integers(0, 40))
def test_dealing_to_the_least_busy_levels_loads(pool: frozenset[StaffId], crew: list[Candidate], count: int) -> None:
    """Nobody who got one has more than one more than anybody else who could have."""
    dealt = Counter(receivers(list(Dealer(LeastBusy(pool), crew, {}, at=0).deal(customers(count)))))
    after = {
        one.staff: one.load + dealt[one.staff] for one in crew if one.staff in pool and one.active and one.available
    }
    for staff in dealt:
        if staff is not None:
            assert after[staff] <= min(after.values()) + 1


# By weight


def shares_of(total: int, weights: Mapping[StaffId, int]) -> list[Counts]:
    """All ways to share by largest remainder, whoever of equal remainders gets one more."""
    exact = {staff: Fraction(total * weight, sum(weights.values())) for staff, weight in weights.items()}
    floors = {staff: int(share) for staff, share in exact.items()}
    rest = total - sum(floors.values())
    ranked = sorted(weights, key=lambda staff: floors[staff] - exact[staff])
    if not rest:
        return [floors]
    edge = exact[ranked[rest - 1]] - floors[ranked[rest - 1]]
    sure = [staff for staff in ranked if exact[staff] - floors[staff] > edge]
    tied = [staff for staff in ranked if exact[staff] - floors[staff] == edge]
    return [
        {staff: floors[staff] + (staff in sure or staff in lucky) for staff in weights}
        for lucky in combinations(sorted(tied), rest - len(sure))
    ]


@given(st.integers(0, 60), st.dictionaries(crew, st.integers(1, 12), min_size=1))
def test_shares_are_the_largest_remainders(total: int, weights: Counts) -> None:
    """They add up, are whole, and of equal remainders the first ids get one more."""
    assert largest_remainder(total, weights) == shares_of(total, weights)[0]


@given(st.dictionaries(crew, st.integers(1, 12), min_size=1), crews(), st.integers(0, 60))
def test_dealing_by_weight_gives_exactly_the_shares(weights: Counts, crew: list[Candidate], count: int) -> None:
    """Of those who are there; nobody gets anything where nobody is."""
    dealer = Dealer(Weighted(weights), crew, {}, at=0)
    dealer.count(customers(count))
    dealt = Counter(receivers(list(dealer.deal(customers(count)))))
    there = {one.staff: weights[one.staff] for one in crew if one.staff in weights and one.active and one.available}
    expected = shares_of(count, there)[0] if there else {None: count}
    assert dealt == Counter(expected)


@given(st.dictionaries(crew, st.integers(1, 12), min_size=1), st.integers(1, 60))
def test_dealing_by_weight_is_even_on_the_way(weights: Counts, count: int) -> None:
    """Everybody is near its share after each customer: no more than one beyond it rounded up, nor two below."""
    dealer = Dealer(Weighted(weights), [Candidate(staff) for staff in weights], {}, at=0)
    dealer.count(customers(count))
    share = shares_of(count, weights)[0]
    got: Counter[StaffId | None] = Counter()
    for number, placement in enumerate(dealer.deal(customers(count)), 1):
        got[placement.staff] += 1
        for staff in weights:
            assert abs(got[staff] - Fraction(number * share[staff], count)) < 2


@given(st.dictionaries(crew, st.integers(1, 12), min_size=1), crews(), capacities, st.integers(0, 40))
def test_no_capacity_is_said_only_when_everybody_is_full(
    weights: Counts, crew: list[Candidate], capacity: Capacity | None, count: int
) -> None:
    """By weight nobody gets more than it takes, and as many are given as all take."""
    dealer = Dealer(Weighted(weights, capacity), crew, {}, at=0)
    dealer.count(customers(count))
    dealt = list(dealer.deal(customers(count)))
    most = {one.staff: takes(one, capacity) for one in crew if one.staff in weights and one.active and one.available}
    got = Counter(receivers(dealt))
    assert all(got[staff] <= most[staff] for staff in got if staff is not None)
    assert count - got[None] == min(count, sum(most.values()))
    assert {p.code for p in dealt if p.staff is None} <= {"no_capacity" if most else "no_target"}


@given(
    st.dictionaries(crew, st.integers(1, 12), min_size=1),
    st.dictionaries(crew, st.integers(1, 12), min_size=1),
    st.lists(st.sampled_from([0, 1, 2, 3]), max_size=30),
)
def test_each_branch_is_shared_by_its_own_total(one: Counts, other: Counts, held: list[int]) -> None:
    """The first case that holds counts and deals; customers of another case change nothing."""
    north, south = Equals("region", "north"), Equals("region", "south")
    split = ByScope([Case(north, Weighted(one)), Case(south, Weighted(other))])
    marked = [Marked(CustomerId(str(number)), bits) for number, bits in enumerate(held)]
    dealer = Dealer(split, [Candidate(StaffId(staff)) for staff in CREW], {}, at=0)
    dealer.count(marked)
    dealt = receivers(list(dealer.deal(marked)))
    firsts = Counter(got for got, bits in zip(dealt, held, strict=True) if bits & 1)
    seconds = Counter(got for got, bits in zip(dealt, held, strict=True) if bits == 2)
    assert firsts == Counter(shares_of(firsts.total(), one)[0])
    assert seconds == Counter(shares_of(seconds.total(), other)[0])


# Anything


@given(
    st.one_of(st.builds(Rotation, st.just("new"), pools, capacities), st.builds(LeastBusy, pools, capacities))
    | distributions(crew, depth=2),
    crews(),
    st.lists(st.integers(0, 255), min_size=4, max_size=16),
    st.integers(1, 8),
)
def test_a_deal_in_batches_is_the_deal_in_one(
    distribution: Distribution, crew: list[Candidate], held: list[int], cut: int
) -> None:
    """One dealer gives the same in two calls as in one; each customer has somebody or a code, never both."""
    marked = [Marked(CustomerId(str(number)), bits, {"region": "a"}) for number, bits in enumerate(held)]
    dealt = []
    for batches in ([marked], [marked[:cut], marked[cut:]]):
        dealer = Dealer(distribution, crew, {}, at=0)
        for batch in batches:
            dealer.count(batch)
        dealt.append([placement for batch in batches for placement in dealer.deal(batch)])
    assert dealt[0] == dealt[1]
    assert [placement.customer for placement in dealt[0]] == [one.customer for one in marked]
    assert all((placement.staff is None) != (placement.code is None) for placement in dealt[0])


@given(distributions(depth=2))
def test_questions_are_asked_once(distribution: Distribution) -> None:
    """No scope, field or window stands twice among the questions, and they come in the same order again."""
    asked = questions(distribution)
    for several in (asked.scopes, asked.fields, asked.windows):
        assert len(set(several)) == len(several)
    assert questions(distribution) == asked


# Balance


@st.composite
def books(draw: st.DrawFn) -> tuple[Counts, Counts, Counts]:
    """What three staff hold, how much of it may move, and their weights."""
    staff = [StaffId(one) for one in CREW[:3]]
    held = {one: draw(st.integers(0, 4)) for one in staff}
    movable = {one: draw(st.integers(0, held[one])) for one in staff}
    weights = {one: draw(st.integers(0, 3)) for one in staff}
    weights[draw(st.sampled_from(staff))] += 1
    return held, movable, weights


def moved(held: Counts, flows: tuple[Flow, ...]) -> Counts:
    """What everybody holds afterwards."""
    after = dict(held)
    for flow in flows:
        after[flow.giver] -= flow.count
        after[flow.taker] += flow.count
    return after


def reachable(held: Counts, movable: Counts, most: int) -> dict[tuple[int, ...], int]:
    """Everything that can be held after at most so many moves, each with the fewest it takes: all are tried."""
    found = {}
    changes = [range(-movable[staff], sum(held.values()) - held[staff] + 1) for staff in held]
    for change in product(*changes):
        moves = sum(more for more in change if more > 0)
        if sum(change) == 0 and moves <= most:
            found[tuple(have + more for have, more in zip(held.values(), change, strict=True))] = moves
    return found


def imbalance(after: tuple[int, ...], target: Counts) -> int:
    """How far this is from the target, in squares."""
    return sum((have - wanted) ** 2 for have, wanted in zip(after, target.values(), strict=True))


@given(books())
def test_a_rebalance_reaches_the_balance_with_the_fewest_moves(book: tuple[Counts, Counts, Counts]) -> None:
    """Of all that can be reached, no share by largest remainder takes fewer moves."""
    held, movable, weights = book
    flows = rebalance(held, movable, weights)
    after, ways = moved(held, flows), reachable(held, movable, 100)
    fewest = [
        ways[found] for target in shares_of(sum(held.values()), weights) if (found := tuple(target.values())) in ways
    ]
    if fewest:
        assert after in shares_of(sum(held.values()), weights)
        assert sum(flow.count for flow in flows) == min(fewest)
    assert sum(flow.count for flow in flows) == ways[tuple(after.values())]


@given(books())
def test_a_rebalance_takes_nothing_that_may_not_move(book: tuple[Counts, Counts, Counts]) -> None:
    """Nobody gives more than may go, or gives and takes; whoever cannot give enough keeps all it must."""
    held, movable, weights = book
    flows = rebalance(held, movable, weights)
    given_away = Counter(dict.fromkeys(held, 0))
    for flow in flows:
        given_away[flow.giver] += flow.count
    assert all(given_away[staff] <= movable[staff] for staff in held)
    assert {flow.giver for flow in flows}.isdisjoint(flow.taker for flow in flows)
    assert all(flow.count > 0 for flow in flows)


@given(books(), st.integers(0, 6))
def test_a_rebalance_of_few_moves_lessens_the_imbalance_most(book: tuple[Counts, Counts, Counts], most: int) -> None:
    """Nothing else that can be reached with so many moves is nearer to where all moves would lead."""
    held, movable, weights = book
    target = moved(held, rebalance(held, movable, weights))
    flows = rebalance(held, movable, weights, most)
    after = moved(held, flows)
    best = min(imbalance(found, target) for found in reachable(held, movable, most))
    assert sum(flow.count for flow in flows) <= most
    assert imbalance(tuple(after.values()), target) == best


@given(books())
def test_a_balance_stays_balanced(book: tuple[Counts, Counts, Counts]) -> None:
    """Asked again after its moves, a rebalance moves nobody."""
    held, movable, weights = book
    flows = rebalance(held, movable, weights)
    after = moved(held, flows)
    stuck = {staff: held[staff] - movable[staff] for staff in held}
    assert rebalance(after, {staff: after[staff] - stuck[staff] for staff in held}, weights) == ()


# On the wire


@given(distributions())
def test_a_distribution_survives_the_wire(distribution: Distribution) -> None:
    """Through JSON text and back it is equal, and so is its wire form."""
    wire = json.loads(json.dumps(distribution_to_wire(distribution)))
    again = distribution_from_wire(wire)
    assert again == distribution
    assert type(again) is type(distribution)
    assert distribution_to_wire(again) == wire


@given(rules())
def test_a_rule_survives_the_wire(rule: Rule) -> None:
    """Through JSON text and back it is equal, and so is its wire form."""
    wire = json.loads(json.dumps(rule_to_wire(rule)))
    again = rule_from_wire(wire)
    assert again == rule
    assert rule_to_wire(again) == wire
