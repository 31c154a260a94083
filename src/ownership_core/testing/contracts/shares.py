"""Facts about customers that are shared with staff who lost them: what a run makes of it, and when it ends."""

from __future__ import annotations

from attrs import evolve

from ownership_core.commands import Ids, Selection
from ownership_core.model import CustomerId, StaffId
from ownership_core.ports import Draft, Guard, Order, Query, Store
from ownership_core.ruling import Drop, Effect, Primary
from ownership_core.scope import AssignedTo, Everything, Not, Scope, SharedWith
from ownership_core.testing.contracts.base import ANN, BOB, C1, C2, C3, C4, CID, EVE, Contract, found
from ownership_core.testing.contracts.covers import access_of
from ownership_core.testing.contracts.drafts import TO_EVE
from ownership_core.testing.worlds import new_run

NOBODY = Effect(drop=Drop.EVERYONE, primary=Primary.NOBODY)
TO_ANN = Effect(ANN, Drop.EVERYONE_ELSE, None, Primary.TAKE)


def moved(shop: Store, run: str, customers: Selection, effect: Effect, until: int | None) -> None:
    """One run after which whoever lost a customer sees it until then."""
    draft = Draft(run, customers, Everything(), (), effect, 2_000, keep_view_until=until)
    with shop.writer() as writer:
        writer.lock_customers(customers, Everything())
        writer.lock_staff([ANN, BOB, EVE])
        done = new_run(run, "Assign", 2_000, tally=writer.draft(draft))
        writer.write(done, draft)
        writer.save_run(done)


def shares(shop: Store, *ids: CustomerId) -> list[dict[StaffId, int]]:
    """Who sees these customers without being assigned to them, and until when."""
    return [dict(customer.shares) for customer in found(shop, *ids)]


class ShareFacts(Contract):
    """Shares."""

    def test_who_loses_a_customer_sees_it_until_then(self, shop: Store) -> None:
        """Everybody who loses it, and nobody else; a customer nobody lost is shared with nobody."""
        moved(shop, "r", Ids((C1, C2, C3)), TO_EVE, 5_000)
        assert shares(shop, C1, C2, C3, C4) == [{ANN: 5_000, BOB: 5_000}, {BOB: 5_000}, {}, {}]

    def test_nobody_sees_it_unless_it_is_said(self, shop: Store) -> None:
        """Who loses a customer has lost it."""
        moved(shop, "r", Ids((C1, C2)), TO_EVE, None)
        assert shares(shop, C1, C2) == [{}, {}]

    def test_only_the_one_who_leaves_is_kept(self, shop: Store) -> None:
        """The other staff of the customer has no share beside its assignment."""
        moved(shop, "r", Ids((C1,)), Effect(drop=Drop.ONE, dropped=BOB), 5_000)
        assert shares(shop, C1) == [{BOB: 5_000}]

    def test_those_beyond_the_room_are_kept(self, shop: Store) -> None:
        """Whoever a switch leaves no room for."""
        moved(shop, "r", Ids((C1,)), Effect(drop=Drop.BEYOND_ROOM, primary=Primary.FILL, room=1), 5_000)
        assert shares(shop, C1) == [{BOB: 5_000}]

    def test_who_gets_it_back_has_no_share(self, shop: Store) -> None:
        """Neither then nor when it is lost again without one."""
        moved(shop, "r1", Ids((C1,)), TO_EVE, 5_000)
        moved(shop, "r2", Ids((C1,)), TO_ANN, None)
        assert shares(shop, C1) == [{BOB: 5_000}]
        moved(shop, "r3", Ids((C1,)), NOBODY, None)
        assert shares(shop, C1) == [{BOB: 5_000}]

    def test_the_later_end_counts(self, shop: Store) -> None:
        """Of two runs, whichever comes first."""
        moved(shop, "r1", Ids((C1, C2)), TO_EVE, 5_000)
        both = Effect(BOB, Drop.NOBODY, None, Primary.STAY)
        for number, until, expected in ((2, 4_000, 4_000), (3, 9_000, 9_000)):
            moved(shop, f"b{number}", Ids((C2,)), both, None)
            moved(shop, f"e{number}", Ids((C2,)), Effect(drop=Drop.ONE, dropped=BOB), until)
            assert shares(shop, C2)[0][BOB] == expected
        moved(shop, "r4", Ids((C1,)), NOBODY, 6_000)
        assert shares(shop, C1) == [{ANN: 5_000, BOB: 5_000, EVE: 6_000}]

    def test_a_longer_share_is_not_shortened(self, shop: Store) -> None:
        """Where a row is there already, it ends with the later of both."""
        moved(shop, "r1", Ids((C1,)), TO_EVE, 5_000)
        moved(shop, "r2", Ids((C1,)), NOBODY, 3_000)
        moved(shop, "r3", Ids((C1,)), TO_EVE, None)
        moved(shop, "r4", Ids((C1,)), NOBODY, 7_000)
        assert shares(shop, C1) == [{ANN: 5_000, BOB: 5_000, EVE: 7_000}]

    def test_a_share_counts_until_it_ends(self, shop: Store) -> None:
        """After its last moment it is none; for nobody else it ever was one; it is never in doubt."""
        moved(shop, "r", Ids((C1, C2)), TO_EVE, 5_000)
        asked: dict[Scope, list[CustomerId]] = {
            SharedWith([BOB], 4_999): [C1, C2],
            SharedWith([BOB], 5_000): [],
            SharedWith([ANN], 0): [C1],
            SharedWith([ANN, BOB, CID], 0): [C1, C2],
            SharedWith([EVE], 0): [],
            SharedWith([], 0): [],
            Not(SharedWith([BOB], 0)) & AssignedTo([EVE]): [],
            SharedWith([ANN], 0) | AssignedTo([CID]): [C1, C4],
        }
        with shop.reader() as reader:
            for scope, expected in asked.items():
                assert list(reader.ids(Query(scope))) == expected, scope
                assert reader.check(Query(scope), [C1, C2, C4]) == set(expected), scope
                assert reader.count(Query(scope)) == len(expected), scope
                assert [reader.check(Query(scope), [one]) for one in (C1, C2)] == [
                    {one} & set(expected) for one in (C1, C2)
                ]

    def test_the_snapshot_says_when_the_last_share_ends(self, shop: Store) -> None:
        """0 for whoever has none."""
        moved(shop, "r1", Ids((C1,)), TO_EVE, 5_000)
        moved(shop, "r2", Ids((C2,)), TO_EVE, 6_000)
        ends = [access_of(shop, staff).shared_until for staff in (ANN, BOB, EVE)]
        assert ends == [5_000, 6_000, 0]

    def test_a_share_ends_with_the_customer(self, shop: Store) -> None:
        """A new customer with its id begins with none."""
        moved(shop, "r1", Ids((C1,)), TO_EVE, 5_000)
        moved(shop, "r2", Ids((C1,)), evolve(NOBODY, touch=True), None)
        with shop.writer() as writer:
            writer.delete_customers("r2")
        assert access_of(shop, ANN).shared_until == 0
        with shop.reader() as reader:
            assert list(reader.ids(Query(SharedWith([ANN, BOB], 0)))) == []

    def test_a_page_says_nothing_of_shares(self, shop: Store) -> None:
        """Whoever lists customers has no use for them."""
        moved(shop, "r", Ids((C1,)), TO_EVE, 5_000)
        with shop.reader() as reader:
            rows = reader.page(Query(Everything()), Order(), None, 10)
        assert [dict(row.shares) for row in rows] == [{}] * len(rows)

    def test_a_planned_run_shares_nothing(self, shop: Store) -> None:
        """Only what is written does."""
        before = shop.digest()
        with shop.writer() as writer:
            writer.draft(Draft("r", Ids((C1,)), Everything(), (), TO_EVE, 2_000, keep_view_until=5_000))
            writer.discard("r")
        assert shop.digest() == before

    def test_a_share_is_seen_under_a_guard(self, shop: Store) -> None:
        """By statements that are kept for all who ask with the same rights, at any moment and by anybody."""
        moved(shop, "r", Ids((C1, C2)), TO_EVE, 5_000)
        with shop.reader() as reader:
            for staff, at, expected in ((ANN, 0, [C1]), (BOB, 0, [C1, C2]), (BOB, 5_000, []), (ANN, 4_999, [C1])):
                guard = Guard(staff, access_of(shop, staff).version)
                query = Query(SharedWith([staff], at) | AssignedTo([staff]), guard)
                assert [row.id for row in reader.page(query, Order(), None, 10)] == expected
                assert reader.count(query) == len(expected)
                assert [one for one in (C1, C2, C3) if reader.check(query, [one])] == expected
