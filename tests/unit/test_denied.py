"""Whoever may not is told so, whatever is asked, and nothing at all is written (I25, I39)."""

from __future__ import annotations

from typing import Any

import pytest
from shop import OPERATOR, Shop, allow

from ownership_core import (
    Actor,
    Assign,
    ChangeCustomer,
    ChangeDepartment,
    ChangeRules,
    ChangeStaff,
    Claim,
    ClearPrimary,
    Cover,
    CreateCustomer,
    DeleteCustomer,
    EndCover,
    GrantAccess,
    Level,
    NewCustomer,
    Offboard,
    OwnershipError,
    Rebalance,
    Release,
    Revert,
    Rotation,
    Rule,
    SetPrimary,
    Sweep,
    SwitchCardinality,
    ToStaff,
    Transfer,
    Unassign,
)
from ownership_core.commands import COMMANDS
from ownership_core.scope import ANY, Everything

ASKED: list[Any] = [
    Assign("a", "li"),
    Assign(["a", "free"], "li", mode="add"),
    Assign(Everything(), "li"),
    Unassign("a", "li"),
    Unassign(["a"], ANY),
    SetPrimary("a", "li"),
    SetPrimary(["a", "free"], "li", replace=True),
    ClearPrimary("a"),
    ClearPrimary(["a"]),
    Claim("free"),
    Claim(["free", "a"]),
    Release("a"),
    Release(Everything()),
    CreateCustomer(NewCustomer("new")),
    CreateCustomer([NewCustomer("new"), NewCustomer("newer")], channel="import"),
    ChangeCustomer("a", values={"name": "Eve"}),
    DeleteCustomer("a"),
    DeleteCustomer(Everything()),
    ChangeStaff("li", label="Eve"),
    ChangeStaff("new", create=True, label="New"),
    ChangeStaff("li", delete=True),
    ChangeDepartment("north", label="Elsewhere"),
    ChangeDepartment("new", create=True, label="New"),
    GrantAccess("associate", staff="li"),
    GrantAccess("associate", levels={"view": Level.ALL}),
    GrantAccess("admin", staff="ada", revoke=True),
    SwitchCardinality("multi"),
    Cover("li", "viewer", since=1, until=2),
    EndCover("no such cover"),
    Transfer("li", "viewer"),
    Transfer("li", Rotation("r", {"viewer", "ada"}), ["a"]),
    Offboard("li"),
    Offboard("li", "viewer"),
    Rebalance({"li": 1, "viewer": 1}),
    Sweep(to="viewer"),
    Sweep(),
    Revert("no such run"),
    ChangeRules(Rule("all", Everything(), ToStaff("li"))),
]

DENIED = {
    "unknown": Actor.staff("nobody"),
    "without a role": Actor.staff("new-here"),
    "viewer": Actor.staff("viewer"),
    "inactive admin": Actor.staff("left"),
    "deleted admin": Actor.staff("gone"),
    "operator": OPERATOR,
}


def test_every_command_is_asked() -> None:
    """A new command takes its place in the table."""
    assert {type(command).__name__ for command in ASKED} == set(COMMANDS)


@pytest.fixture
def shop_of_the_denied(shop: Shop) -> Shop:
    """People who may not, and something they might want."""
    shop.department("north")
    shop.staff("li", "associate")
    shop.staff("new-here"), shop.staff("viewer", view="all", export="all", explain="all")
    shop.staff("left", "admin", active=False), shop.staff("gone", "admin")
    shop.change(ChangeStaff("gone", delete=True))
    shop.customer("a", "li", name="Ann"), shop.customer("free")
    return shop


@pytest.mark.parametrize("who", DENIED)
def test_a_denied_command_writes_nothing(shop_of_the_denied: Shop, who: str) -> None:
    """Executed, planned and applied from an admin's plan: a coded refusal and the same digest."""
    shop, actor = shop_of_the_denied, DENIED[who]
    for command in ASKED:
        plan = shop.ownership.plan(command, Actor.staff("ada")) if plannable(command) else None
        with shop.unchanged():
            for call in calls(shop, command, actor, plan):
                with pytest.raises(OwnershipError) as caught:
                    call()
                assert caught.value.codes, (who, command)


def plannable(command: Any) -> bool:
    """Not what the admin would be refused itself."""
    return not isinstance(command, Claim | Release | GrantAccess | EndCover | Revert)


def calls(shop: Shop, command: Any, actor: Actor, plan: Any) -> list[Any]:
    """The doors a command has."""
    own = shop.ownership
    found = [
        lambda: own.execute(command, actor),
        lambda: own.execute(command, actor, key="k"),
        lambda: own.execute(command, actor, strict=True),
        lambda: own.plan(command, actor),
    ]
    return (
        found
        if plan is None
        else [*found, lambda: own.apply(plan.id, actor), lambda: own.apply(plan.id, actor, key="k")]
    )


REFUSED_FOR_ADMINS: list[tuple[Any, str]] = [
    (Assign("missing", "li"), "not_found"),
    (Assign("a", "missing"), "unknown_staff"),
    (Assign("a", "left"), "staff_inactive"),
    (Assign("fr", "de"), "website_mismatch"),
    (Assign("vip", "picky"), "group_restricted"),
    (Assign("a", "picky", mode="add"), "single_owner"),
    (Claim("a"), "already_assigned"),
    (Release("a"), "not_assigned"),
    (CreateCustomer(NewCustomer("a")), "customer_exists"),
]


@pytest.mark.parametrize(
    ("command", "code"), REFUSED_FOR_ADMINS, ids=lambda part: part if isinstance(part, str) else ""
)
def test_what_even_an_admin_is_refused_writes_nothing(open_shop: Any, command: Any, code: str) -> None:
    """Whatever the right: these are refused, and the key of the call stays unused."""
    shop = open_shop(sharing="per_website")
    shop.staff("li", "associate"), shop.staff("left", "associate", active=False)
    shop.staff("de", "associate", websites=["de"])
    shop.staff("picky", "associate", restriction=allow("retail"))
    shop.customer("a", "li", groups=["retail"]), shop.customer("fr", website="fr"), shop.customer("vip", groups=["vip"])
    shop.refuses(Actor.staff("ada"), command, code)
    shop.refuses(Actor.staff("ada"), command, code, key="k")


def test_an_operator_called_like_an_admin_is_no_admin(shop: Shop) -> None:
    """The name of a staff lends an operator or a till none of its rights."""
    shop.staff("li", "associate")
    shop.customer("a", "li")
    for actor in (Actor.operator("ada"), Actor.system("ada", "rule")):
        shop.refuses(actor, GrantAccess("admin", staff="li"), "not_permitted")
        shop.refuses(actor, DeleteCustomer("a"), "not_permitted")


def test_an_operator_called_like_an_associate_is_not_bound_by_its_rights(open_shop: Any) -> None:
    """Nor does the name take anything away."""
    shop = open_shop(operator=True)
    shop.staff("li", "associate")
    shop.customer("a", "li")
    assert shop.does(Actor.operator("li"), Unassign("a", "li")).changed == 1
