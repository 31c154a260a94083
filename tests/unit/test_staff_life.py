"""Block D, as far as the commands go: leaving, coming back, a new name."""

from __future__ import annotations

from shop import Shop

from ownership_core import Actor, Assign, ChangeStaff, GrantAccess
from ownership_core.scope import ANY_ACTIVE, ORPHANED, UNASSIGNED, AssignedTo

ADA = Actor.staff("ada")


def found(shop: Shop, scope: object) -> list[str]:
    """What the admin finds under a scope."""
    return [customer.id for customer in shop.ownership.visible(ADA).where(scope).page().customers]


def test_d01_the_customers_of_a_deleted_staff_are_still_found_by_him(shop: Shop) -> None:
    """A tombstone stays filterable, and its assignments stay (I6)."""
    shop.staff("sam", "associate")
    shop.customer("a", "sam")
    shop.does(ADA, ChangeStaff("sam", delete=True))
    assert found(shop, AssignedTo(["sam"])) == ["a"]
    assert (shop.member("sam").deleted, shop.member("sam").active) == (True, False)


def test_d01_a_deleted_staff_can_be_moved_from_and_not_to(shop: Shop) -> None:
    """The tombstone gives its customers away and receives none."""
    shop.staff("sam", "associate"), shop.staff("li", "associate")
    shop.customer("a", "sam"), shop.customer("b", "li")
    shop.does(ADA, ChangeStaff("sam", delete=True))
    shop.does(ADA, Assign("a", "li"))
    assert shop.owner("a") == "li"
    shop.refuses(ADA, Assign("b", "sam"), "unknown_staff")
    shop.refuses(ADA, ChangeStaff("sam", active=True), "unknown_staff")


def test_d09_customers_of_inactive_staff_are_orphaned_not_unassigned(shop: Shop) -> None:
    """A bucket of their own, and nobody active's in the counts."""
    shop.staff("sam", "associate"), shop.staff("li", "associate")
    shop.customer("a", "sam"), shop.customer("b", "li"), shop.customer("c")
    shop.does(ADA, ChangeStaff("sam", active=False))
    assert (found(shop, ORPHANED), found(shop, UNASSIGNED)) == (["a"], ["c"])
    assert found(shop, AssignedTo(ANY_ACTIVE)) == ["b"]


def test_d09_the_doctor_names_how_many_are_orphaned(shop: Shop) -> None:
    """Deactivation drops nothing silently (I9)."""
    shop.staff("sam", "associate")
    shop.customer("a", "sam")
    shop.does(ADA, ChangeStaff("sam", active=False))
    assert [p.code for name, problems in shop.ownership.doctor() if name == "orphaned" for p in problems] == [
        "orphaned_customers"
    ]


def test_d10_what_was_moved_does_not_come_back_with_the_staff(shop: Shop) -> None:
    """Reactivated, he owns what nobody moved meanwhile, and nothing else."""
    sam = shop.staff("sam", "associate")
    shop.staff("li", "associate")
    shop.customer("moved", "sam"), shop.customer("left", "sam")
    shop.does(ADA, ChangeStaff("sam", active=False))
    shop.does(ADA, Assign("moved", "li"))
    shop.does(ADA, ChangeStaff("sam", active=True))
    assert (shop.owner("moved"), shop.sees(sam)) == ("li", ["left"])


def test_d12_a_new_name_or_login_leaves_ownership_as_it_was(shop: Shop) -> None:
    """Same assignments, same customers in sight, no event of any customer."""
    sam = shop.staff("sam", "associate")
    shop.customer("a", "sam")
    before = (shop.found("a"), shop.events())
    shop.does(ADA, ChangeStaff("sam", label="Samuel", login="samuel@shop"))
    assert ((shop.found("a"), shop.events()), shop.sees(sam)) == (before, ["a"])
    assert (shop.member("sam").label, shop.member("sam").login) == ("Samuel", "samuel@shop")


def test_d12_a_login_leads_to_one_staff(shop: Shop) -> None:
    """Nobody takes over the login of somebody else; keeping one's own is no conflict."""
    shop.staff("sam", "associate"), shop.staff("li", "associate")
    shop.does(ADA, ChangeStaff("sam", login="sam@shop"))
    shop.refuses(ADA, ChangeStaff("li", login="sam@shop"), "duplicate_login")
    shop.refuses(ADA, ChangeStaff("new", create=True, label="New", login="sam@shop"), "duplicate_login")
    assert shop.does(ADA, ChangeStaff("sam", login="sam@shop")).run is None


def test_d01_the_login_of_a_deleted_staff_is_free_again(shop: Shop) -> None:
    """Whoever has left logs in no more, and somebody else may get the name."""
    shop.staff("sam", "associate"), shop.staff("li", "associate")
    shop.does(ADA, ChangeStaff("sam", login="sam@shop"))
    shop.does(ADA, ChangeStaff("sam", delete=True))
    shop.does(ADA, ChangeStaff("li", login="sam@shop"))
    assert (shop.member("sam").login, shop.member("li").login) == (None, "sam@shop")


def test_d12_names_and_logins_stand_in_no_event(shop: Shop) -> None:
    """Events and runs are for ever: they say that the label changed, not to what."""
    shop.staff("sam", "associate")
    shop.does(ADA, ChangeStaff("sam", label="Samuel Secret", login="secret@shop"))
    with shop.store.reader() as reader:
        kept = repr(list(reader.events())) + repr(reader.runs(1000))
    assert "ecret" not in kept


def test_a_revoked_role_counts_in_the_next_query(shop: Shop) -> None:
    """Whatever changes access raises its version; no answer rests on an older one (I23)."""
    sam = shop.staff("sam", "associate")
    shop.customer("a", "sam")
    assert shop.sees(sam) == ["a"]
    shop.does(ADA, GrantAccess("associate", staff="sam", revoke=True))
    assert shop.sees(sam) == []
