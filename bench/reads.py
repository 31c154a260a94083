"""The reading half: what is asked, of whom, and the hand-written statements it is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any

from bench import byhand
from bench.byhand import GROUPED, NAIVE, OURS, OURS_WALK, OWN, OWN_WALK, SITES, ByHand, quoted
from bench.measure import Case
from bench.place import Place
from ownership_core.model import Actor, Customer
from ownership_core.service.ownership import Ownership
from ownership_core.service.reading import Page, Visible
from ownership_core.settings import Limits, Settings, Sharing

POINTS, MANY = 1_000, 1_000
HIDDEN, TWICE_HIDDEN = quoted(["g8"]), quoted(["g7", "g8"])
CAP = 1_000


def settings(*, single: bool) -> Settings:
    """The measured shop: websites kept apart, and long lists of ids allowed."""
    name = "single" if single else "multi"
    return Settings(cardinality=name, sharing=Sharing.PER_WEBSITE, limits=Limits(ids=200_000))


def cases(place: Place) -> Iterator[Case]:
    """All reading operations on one shop."""
    shop, hand = place.shop, ByHand(place)
    ownership = Ownership(place.store, settings(single=False))
    yield from _points(ownership, hand)
    for who, name in ((shop.heavy, "heavy"), (shop.typical, "typical"), (shop.light, "light")):
        forms = {"gather": OWN, "walk": OWN_WALK}
        yield from _list(ownership, hand, name, who, forms, counted=name == "heavy")
    unit = shop.department(int(who[1:]) if (who := shop.manager)[0] == "s" else int(who))
    forms = {"gather": OURS.replace(":unit", f"'{unit}'"), "walk": OURS_WALK.replace(":unit", f"'{unit}'")}
    yield from _list(ownership, hand, "department", shop.manager, forms, counted=True)
    yield from _all_but(ownership, hand)


# Single customers


def _points(ownership: Ownership, hand: ByHand) -> Iterator[Case]:
    shop = hand.place.shop
    actor = Actor.staff(shop.heavy)
    numbers = _sample(hand, POINTS)
    ids = [str(id) for id in numbers]
    keys: list[Any] = [hand.key(id) for id in ids]
    one = hand.text(
        f"SELECT c.id FROM ownership_customer c WHERE c.id = :id AND {OWN_WALK}" + SITES + GROUPED.format(denied=HIDDEN)
    )
    me = hand.key(shop.heavy)

    def ours() -> list[str]:
        with ownership.snapshot(actor, "view") as snapshot:
            return [id for id in ids if snapshot.allows(id)]

    def driver() -> list[str]:
        hand.asked(shop.heavy, "SELECT 1")
        cursor, found = hand.place.raw.cursor(), []
        for id in keys:
            cursor.execute(one, {"id": id, "who": me})
            if cursor.fetchone() is not None:
                found.append(str(id))
        hand.place.raw.rollback()
        return found

    limit = 2.3 if hand.place.postgresql else 6.0
    yield Case("point check", ours, {"driver": driver}, limit=limit, each=POINTS)
    yield _again(ownership, actor, ids)
    yield _thousand(ownership, hand, actor)
    yield _first(ownership, hand, actor, ids, one)


def _again(ownership: Ownership, actor: Actor, ids: list[str]) -> Case:
    entered = ownership.snapshot(actor, "view")
    snapshot = entered.__enter__()
    allows = snapshot.allows
    snapshot.check(ids)

    def again() -> int:
        return sum(map(allows, ids))

    return Case("the same check again", again, {}, most=1e-6, each=POINTS, note="from memory", rest=lambda: entered)


def _thousand(ownership: Ownership, hand: ByHand, actor: Actor) -> Case:
    ids = [str(id) for id in _sample(hand, MANY)]
    listed = hand.listed([hand.key(id) for id in ids])
    start = f"SELECT c.id FROM ownership_customer c WHERE {hand.one_of()}"
    grouped = GROUPED.format(denied=HIDDEN)

    def asked(cut: str) -> Callable[[], list[str]]:
        statement = hand.text(f"{start} AND {cut}{SITES}{grouped}")
        return lambda: sorted(byhand.ids_of(hand.asked(actor.id, statement, ids=listed)))

    return Case(
        "1,000 ids at once",
        lambda: sorted(ownership.check(actor, "view", ids)),
        {"probe": asked(OWN_WALK), "gather": asked(OWN)},
        limit=1.3,
    )


def _first(ownership: Ownership, hand: ByHand, actor: Actor, ids: list[str], one: str) -> Case:
    turn = cycle(ids)

    def ours() -> int:
        return sum(len(ownership.check(actor, "view", [id])) for id in islice(turn, 10))

    def driver() -> int:
        return sum(len(hand.asked(actor.id, one, id=hand.key(id))) for id in islice(turn, 10))

    return Case(
        "first check of a request",
        ours,
        {"driver": driver},
        each=10,
        same=lambda _: None,
        note="a transaction and the actor's access included",
    )


def _sample(hand: ByHand, many: int) -> list[Any]:
    """Half of them the heaviest staff's, half of them anybody's, in no order that helps."""
    who = hand.key(hand.place.shop.heavy)
    mine = hand.say(
        hand.text("SELECT customer_id FROM ownership_assignment WHERE staff_id = :who ORDER BY customer_id"),
        {"who": who},
    )
    hand.place.raw.rollback()
    step = max(1, len(mine) // (many // 2))
    own = [row[0] for row in mine[::step]][: many // 2]
    customers = hand.place.shop.customers
    others = [hand.place.shop.customer(1 + number * 7919 % customers) for number in range(many)]
    return list(dict.fromkeys(id for pair in zip(own, others, strict=False) for id in pair)) + _rest(own, others, many)


def _rest(own: list[Any], others: list[Any], many: int) -> list[Any]:
    known = {*own, *others[: len(own)]}
    more = [id for id in dict.fromkeys(others[len(own) :]) if id not in known]
    return more[: max(0, many - len(known))]


# Lists


def _list(
    ownership: Ownership, hand: ByHand, name: str, who: str, forms: dict[str, str], *, counted: bool
) -> Iterator[Case]:
    visible = ownership.visible(Actor.staff(who))
    rest = SITES + GROUPED.format(denied=HIDDEN)
    operation = "department page" if name == "department" else f"own page, {name} staff"
    yield _page(hand, operation, visible, who, {form: cut + rest for form, cut in forms.items()}, 1.15, 2e-4)
    if counted:
        yield from _counts(hand, name, visible, who, {form: cut + rest for form, cut in forms.items()}, 1.1)


def _page(
    hand: ByHand, name: str, visible: Visible, who: str, cuts: dict[str, str], limit: float, slack: float
) -> Case:
    ordered = visible.order("name")

    def asked(cut: str) -> Callable[[], Any]:
        statement = hand.text(hand.page(cut))
        return lambda: byhand.read_page(hand.asked(who, statement))

    raw = {form: asked(cut) for form, cut in cuts.items()}
    return Case(name, lambda: ordered.page(50), raw, limit=limit, slack=slack, same=_shown)


def _counts(hand: ByHand, name: str, visible: Visible, who: str, cuts: dict[str, str], limit: float) -> Iterator[Case]:
    def asked(cut: str) -> Callable[[], int]:
        statement = hand.text(f"SELECT count(*) FROM ownership_customer c WHERE {cut}")
        return lambda: int(hand.asked(who, statement)[0][0])

    raw = {form: asked(cut) for form, cut in cuts.items()}
    yield Case(f"exact count, {name}", visible.count, raw, limit=limit)
    if True:
        yield Case(
            f"count to {CAP:,}, {name}",
            lambda: visible.count_up_to(CAP),
            raw,
            limit=0.25,
            same=lambda answer: (
                min(getattr(answer, "number", answer), CAP),
                getattr(answer, "more", answer > CAP if isinstance(answer, int) else None),
            ),
            note="held against the exact count",
        )


def _all_but(ownership: Ownership, hand: ByHand) -> Iterator[Case]:
    who = hand.place.shop.restricted
    visible = ownership.visible(Actor.staff(who))
    naive = "1 = 1" + NAIVE.format(denied=TWICE_HIDDEN)
    best = "1 = 1" + GROUPED.format(denied=TWICE_HIDDEN)
    yield _page(hand, "all but restricted groups, page", visible, who, {"naive": naive}, 0.7, 2e-4)
    yield _page(hand, "all but restricted groups, page (best form)", visible, who, {"walk": best}, 1.15, 2e-4)
    yield from _counts(hand, "all but restricted groups", visible, who, {"naive": naive, "probe": best}, 1.1)


def _shown(answer: Page | list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """What a page shows of its customers, from either side."""
    if isinstance(answer, Page):
        return [_of_customer(customer) for customer in answer.customers]
    return [_of_row(row) for row in answer]


def _of_customer(one: Customer) -> tuple[Any, ...]:
    assigned = sorted((str(a.staff), a.primary, a.since, a.role, a.source) for a in one.assignments)
    groups = sorted((name, value) for name, values in one.sets.items() for value in values)
    return (str(one.id), one.values.get("name"), one.values.get("website"), one.version, assigned, groups)


def _of_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    assigned = sorted((str(staff), slot == 0, since, role, source) for staff, slot, since, role, source, *_ in row[11])
    return (str(row[0]), row[2], row[5], row[9], assigned, sorted((field, value) for field, value, _ in row[12]))
