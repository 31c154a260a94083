"""Facts about who stands in for whom: what is kept of it, and that the snapshot of who covers carries it."""

from __future__ import annotations

import pytest
from attrs import evolve

from ownership_core.errors import Conflict
from ownership_core.events import Event, Subject
from ownership_core.model import Access, Covered, CoverRow, Level, StaffId
from ownership_core.ports import Store
from ownership_core.testing.contracts.base import ANN, BOB, CID, EVE, Contract, undone
from ownership_core.testing.contracts.reads import noted

SUMMER = CoverRow("summer", ANN, BOB, 100, 200)
WINTER = CoverRow("winter", ANN, EVE, 300, 400)


def saved(shop: Store, *covers: CoverRow) -> None:
    """These covers, as the first thing that ever happened to them."""
    with shop.writer() as writer:
        for cover in covers:
            writer.save_cover(cover, told(cover.id))


def told(cover: str, version: int = 1) -> Event:
    """An event of a cover."""
    return noted(Subject.COVER, cover, version)


def access_of(shop: Store, staff: StaffId) -> Access:
    """The access snapshot of one staff."""
    with shop.reader() as reader:
        return reader.access([staff])[staff]


class CoverFacts(Contract):
    """Covers."""

    def test_a_cover_comes_back_as_saved(self, shop: Store) -> None:
        """With the version of its event, by id; all of them, or those that name one of some staff."""
        saved(shop, WINTER, SUMMER)
        with shop.reader() as reader:
            summer, winter = evolve(SUMMER, version=1), evolve(WINTER, version=1)
            assert reader.covers() == reader.covers([ANN]) == reader.covers([BOB, EVE]) == [summer, winter]
            assert reader.covers([EVE, CID]) == [winter]
            assert reader.covers([CID]) == reader.covers([]) == []

    def test_a_cover_is_told_by_its_event(self, shop: Store) -> None:
        """One of its own kind for each version."""
        saved(shop, SUMMER)
        with shop.writer() as writer:
            writer.save_cover(evolve(SUMMER, until=150), told("summer", 2))
        with shop.reader() as reader:
            assert [event.version for event in reader.events(Subject.COVER, "summer")] == [1, 2]
            assert reader.covers() == [evolve(SUMMER, until=150, version=2)]

    def test_who_covers_has_it_in_the_snapshot(self, shop: Store) -> None:
        """With the window and what the colleague may do to own customers; the colleague has nothing of it."""
        saved(shop, SUMMER, WINTER)
        actions = frozenset({"view", "claim", "assign"})
        assert access_of(shop, BOB).covers == (Covered(ANN, 100, 200, actions),)
        assert access_of(shop, EVE).covers == (Covered(ANN, 300, 400, actions),)
        assert access_of(shop, ANN).covers == ()

    def test_the_snapshot_has_all_covers_of_a_staff(self, shop: Store) -> None:
        """Two times for one colleague, and another colleague who may do nothing."""
        again, third = evolve(SUMMER, id="a", since=500, until=600), CoverRow("z", CID, BOB, 0, 50)
        saved(shop, SUMMER, again, third)
        found = [(one.staff, one.since, one.until, bool(one.actions)) for one in access_of(shop, BOB).covers]
        assert found == [(ANN, 500, 600, True), (ANN, 100, 200, True), (CID, 0, 50, False)]

    def test_a_level_of_none_is_not_held(self, shop: Store) -> None:
        """What the colleague may do to nobody is not among the actions."""
        saved(shop, SUMMER)
        with shop.writer() as writer:
            levels = {"view": Level.NONE, "claim": Level.OWN}
            writer.save_role("clerk", levels, noted(Subject.ROLE, "clerk", 2))
            writer.save_role("boss", {}, noted(Subject.ROLE, "boss", 2))
        assert access_of(shop, BOB).covers == (Covered(ANN, 100, 200, frozenset({"claim"})),)

    def test_a_cover_makes_the_snapshot_stale(self, shop: Store) -> None:
        """When it is arranged and when it is ended, of who covers and of nobody else."""
        before = {staff: access_of(shop, staff).version for staff in (ANN, BOB, EVE)}
        saved(shop, SUMMER)
        with shop.writer() as writer:
            writer.save_cover(evolve(SUMMER, until=100), told("summer", 2))
        after = {staff: access_of(shop, staff).version for staff in (ANN, BOB, EVE)}
        assert after[BOB] > before[BOB] + 1
        assert (after[ANN], after[EVE]) == (before[ANN], before[EVE])

    def test_what_changes_a_colleague_makes_the_snapshot_stale(self, shop: Store) -> None:
        """Its row, and a role it holds: of who covers too, of nobody else."""
        saved(shop, WINTER)
        first = access_of(shop, EVE).version
        with shop.writer() as writer:
            writer.save_staff(evolve(writer.staff([ANN])[0], active=False), noted(Subject.STAFF, ANN, 2))
        second = access_of(shop, EVE).version
        with shop.writer() as writer:
            writer.save_role("boss", {"view": Level.OWN}, noted(Subject.ROLE, "boss", 2))
        third, bystander = access_of(shop, EVE).version, access_of(shop, BOB).version
        assert first < second < third
        with shop.writer() as writer:
            writer.save_role("other", {"view": Level.OWN}, noted(Subject.ROLE, "other", 1))
        assert (access_of(shop, EVE).version, access_of(shop, BOB).version) == (third, bystander)

    def test_a_cover_outlives_a_colleague(self, shop: Store) -> None:
        """Whether it is inactive or a tombstone: its customers are still to be looked after."""
        saved(shop, WINTER)
        with shop.writer() as writer:
            gone = evolve(writer.staff([ANN])[0], active=False, deleted=True, login=None)
            writer.save_staff(gone, noted(Subject.STAFF, ANN, 2))
        assert access_of(shop, EVE).covers == (Covered(ANN, 300, 400, frozenset({"view", "claim", "assign"})),)

    def test_a_cover_names_staff_that_there_are(self, shop: Store) -> None:
        """Else it is a conflict, and nothing is kept."""
        for cover in (evolve(SUMMER, staff=StaffId("nobody")), evolve(SUMMER, by=StaffId("nobody"))):
            with pytest.raises(Conflict) as caught, shop.writer() as writer:
                writer.save_cover(cover, told("summer"))
            assert caught.value.codes == ("conflict",)
        with shop.reader() as reader:
            assert reader.covers() == []

    def test_a_cover_that_is_undone_was_never_there(self, shop: Store) -> None:
        """Neither it, nor its event, nor the new version of the snapshot."""
        before = shop.digest()
        with undone(shop) as writer:
            writer.save_cover(SUMMER, told("summer"))
        assert shop.digest() == before
