"""Snapshots of one request, and counts that end early: on every store."""

from __future__ import annotations

from typing import Any

import pytest
from shop import OpenShop, Shop

from ownership_core import Actor, Assign, ChangeStaff, InvalidInput

MARIA = Actor.staff("maria")


@pytest.fixture
def small(open_shop: OpenShop) -> Shop:
    """Two customers of Maria's, one of Li's."""
    shop = open_shop("single")
    shop.staff("maria", view="own")
    shop.staff("li", view="own")
    for customer, owner in {"a": "maria", "b": "maria", "c": "li"}.items():
        shop.customer(customer, owner)
    return shop


class Asked:
    """A store whose readers note which ids they are asked about."""

    def __init__(self, store: Any) -> None:
        self.store, self.ids = store, []

    def watch(self, snapshot: Any) -> None:
        """Note what this snapshot asks."""
        reader = snapshot._reader
        check = reader.check
        reader.check = lambda query, ids: self.ids.append(tuple(ids)) or check(query, ids)


def test_a_snapshot_answers_as_a_check_does(small: Shop) -> None:
    """One by one and together, for own, foreign and missing customers. Watches ``Snapshot.check`` and ``allows``."""
    with small.ownership.snapshot(MARIA) as may:
        assert [may.allows(id) for id in ("a", "c", "gone")] == [True, False, False]
        assert may.check(["a", "b", "c", "gone"]) == small.ownership.check(MARIA, "view", ["a", "b", "c", "gone"])


def test_what_was_asked_is_answered_from_memory(small: Shop) -> None:
    """No customer is asked about twice, hidden ones included. Watches ``Snapshot._known``."""
    asked = Asked(small.store)
    with small.ownership.snapshot(MARIA) as may:
        asked.watch(may)
        for _ in range(2):
            may.allows("a")
            may.check(["a", "c"])
            may.allows("c")
    assert asked.ids == [("a",), ("c",)]


@pytest.mark.meanwhile
def test_a_snapshot_is_of_one_moment(small: Shop) -> None:
    """What others change meanwhile is seen by the next one. Watches the reader that stays open."""
    with small.ownership.snapshot(MARIA) as may:
        assert may.allows("a")
        small.change(Assign("b", "li"))
        small.change(ChangeStaff("maria", active=False))
        assert may.allows("b")
    with small.ownership.snapshot(MARIA) as later:
        assert not later.allows("a")


def test_a_snapshot_is_over_with_its_block(small: Shop) -> None:
    """Kept for longer, it would go on allowing what was revoked. Watches ``Snapshot._end``."""
    with small.ownership.snapshot(MARIA) as may:
        assert may.allows("a")
    for ask in (lambda: may.allows("a"), lambda: may.check(["a"])):
        with pytest.raises(InvalidInput) as caught:
            ask()
        assert caught.value.codes == ("snapshot_over",)


def test_ids_are_read_as_strictly_as_everywhere(small: Shop) -> None:
    """What is no id is an error, and no lookup. Watches the type test in ``Snapshot.allows``."""
    with small.ownership.snapshot(MARIA) as may, pytest.raises(InvalidInput) as caught:
        may.allows(" a")
    assert caught.value.codes == ("invalid_id",)


@pytest.mark.parametrize(("most", "said"), [(1, "1+"), (2, "2"), (3, "2")])
def test_a_count_may_end_early_and_says_so(small: Shop, most: int, said: str) -> None:
    """A number that is all there is, or one with more behind it. Watches the one customer counted beyond ``most``."""
    assert str(small.ownership.visible(MARIA).count_up_to(most)) == said


@pytest.mark.parametrize("most", [0, -1, True, "7"])
def test_counting_up_to_nothing_is_refused(small: Shop, most: Any) -> None:
    """A count ends at 1 or more. Watches the first lines of ``Visible.count_up_to``."""
    with pytest.raises(InvalidInput) as caught:
        small.ownership.visible(MARIA).count_up_to(most)
    assert caught.value.codes == ("invalid_value",)
