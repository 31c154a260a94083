"""Input that cannot mean anything: a coded error, and nothing is written."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from shop import OpenShop, Shop

from ownership_core import (
    Actor,
    Assign,
    ChangeCustomer,
    ChangeDepartment,
    ChangeStaff,
    Claim,
    CreateCustomer,
    GrantAccess,
    GroupRestriction,
    InvalidInput,
    Level,
    NewCustomer,
    OwnershipError,
    RestrictionMode,
    SetPrimary,
    Unassign,
    load_settings,
)
from ownership_core.keys import KeyType, parse_id
from ownership_core.scope import AllOf, AssignedTo, Before, Equals, Everything, Has, Matches, Missing, OneOf, Under

ADA = Actor.staff("ada")

BAD_IDS = {
    KeyType.TEXT: [True, 1, 1.9, None, b"a", "", " 1 ", "a\n", "a\x00b", "\ud800", "x" * 192, 2**70],
    KeyType.INTEGER: [True, 1.9, None, "", " 1 ", "1.9", "١", "1abc", "+1", "01", "-0", "1_0", "１", 2**70, str(2**63)],
    KeyType.UUID: [
        True,
        1,
        None,
        "",
        "١",
        "{018bcfe5-6800-7000-8000-000000000001}",
        "018BCFE5-6800-7000-8000-000000000001",
        "018bcfe5680070008000000000000001",
        " 018bcfe5-6800-7000-8000-000000000001",
    ],
}
GOOD_IDS = {
    KeyType.TEXT: [("C-7", "C-7"), ("١", "١"), ("Zoë 7", "Zoë 7")],
    KeyType.INTEGER: [(42, "42"), ("43", "43"), (-1, "-1"), (2**63 - 1, str(2**63 - 1))],
    KeyType.UUID: [(uuid.UUID(int=7), str(uuid.UUID(int=7)))],
}
ADMINS = {KeyType.TEXT: "ada", KeyType.INTEGER: "1", KeyType.UUID: "018bcfe5-6800-7000-8000-000000000001"}


@pytest.mark.parametrize(("kind", "raw"), [(kind, raw) for kind, raws in BAD_IDS.items() for raw in raws], ids=ascii)
def test_an_id_of_the_wrong_type_or_spelling_is_invalid(kind: KeyType, raw: object) -> None:
    """What a database would quietly turn into another id is ``invalid_id``."""
    with pytest.raises(InvalidInput) as caught:
        parse_id(raw, kind)
    assert caught.value.codes == ("invalid_id",)


@pytest.mark.parametrize(("kind", "raw", "text"), [(k, *pair) for k, pairs in GOOD_IDS.items() for pair in pairs])
def test_a_good_id_has_one_spelling(kind: KeyType, raw: object, text: str) -> None:
    """Its canonical text."""
    assert parse_id(raw, kind) == text


def doors(shop: Shop, admin: Actor) -> dict[str, Callable[[Any], object]]:
    """Every way a customer id comes in."""
    own = shop.ownership
    return {
        "check": lambda id: own.check(admin, "view", [id]),
        "why": lambda id: own.why(admin, admin.id, "view", id),
        "why_cannot": lambda id: own.why_cannot(admin, Claim(id)),
        "who_can": lambda id: own.who_can(admin, "view", id),
        "history": lambda id: own.history(admin, id),
        "one": lambda id: own.execute(Assign(id, admin.id), admin),
        "several": lambda id: own.execute(Assign([id], admin.id), admin),
        "plan": lambda id: own.plan(Assign([id], admin.id), admin),
        "change": lambda id: own.execute(ChangeCustomer(id, values={"name": "x"}), admin),
        "create": lambda id: own.execute(CreateCustomer(NewCustomer(id)), admin),
    }


@pytest.mark.parametrize("kind", KeyType)
def test_a_bad_customer_id_comes_through_no_door(open_shop: OpenShop, kind: KeyType) -> None:
    """``invalid_id`` everywhere, and the digest stays."""
    shop = open_shop(customer_key=kind)
    with shop.unchanged():
        for raw in BAD_IDS[kind]:
            for name, door in doors(shop, ADA).items():
                with pytest.raises(OwnershipError) as caught:
                    door(raw)
                assert caught.value.codes == ("invalid_id",), (name, raw)


@pytest.mark.parametrize("kind", KeyType)
def test_a_bad_staff_id_comes_through_no_door(open_shop: OpenShop, kind: KeyType) -> None:
    """Neither as a target, nor as somebody to change, to explain, or to ask as."""
    shop = open_shop(staff_key=kind)
    admin = Actor.staff(ADMINS[kind])
    shop.customer("a")
    own = shop.ownership
    doors: dict[str, Callable[[Any], object]] = {
        "assign": lambda id: own.execute(Assign("a", id), admin),
        "primary": lambda id: own.execute(SetPrimary(["a"], id), admin),
        "unassign": lambda id: own.execute(Unassign("a", id), admin),
        "staff": lambda id: own.execute(ChangeStaff(id, create=True, label="x"), admin),
        "why": lambda id: own.why(admin, id, "view", "a"),
        "actor lists": lambda id: own.visible(Actor.staff(id)).count(),
        "actor checks": lambda id: own.check(Actor.staff(id), "view", ["a"]),
        "actor does": lambda id: own.execute(Claim("a"), Actor.staff(id)),
    }
    with shop.unchanged():
        for raw in BAD_IDS[kind]:
            for name, door in doors.items():
                with pytest.raises(InvalidInput) as caught:
                    door(raw)
                assert caught.value.codes == ("invalid_id",), (name, raw)


@pytest.mark.parametrize("kind", KeyType)
def test_good_ids_of_every_key_type_work_end_to_end(open_shop: OpenShop, kind: KeyType) -> None:
    """Created, assigned, seen and explained by the id's canonical text."""
    shop = open_shop(customer_key=kind, staff_key=kind)
    admin = Actor.staff(ADMINS[kind])
    for raw, text in GOOD_IDS[kind]:
        shop.does(admin, CreateCustomer(NewCustomer(raw)))
        assert shop.owner(text) == admin.id
        assert shop.ownership.why(admin, admin.id, "view", raw).allowed
    assert set(shop.sees(admin)) == {text for _, text in GOOD_IDS[kind]}


SCOPES = {
    "unknown field": (Equals("colour", "red"), "unknown_field"),
    "unknown set": (Has("colours", {"red"}), "unknown_field"),
    "set field as one": (Equals("groups", "vip"), "invalid_scope"),
    "one as set field": (Has("name", {"Zoe"}), "invalid_scope"),
    "missing set field": (Missing("tags"), "invalid_scope"),
    "bool for text": (Equals("name", True), "invalid_value"),
    "text for bool": (Equals("active", "yes"), "invalid_value"),
    "text for time": (Equals("created_at", "today"), "invalid_value"),
    "before of text": (Before("name", datetime(2026, 1, 1, tzinfo=UTC)), "invalid_scope"),
    "empty search": (Matches("name", ""), "invalid_scope"),
    "nul": (Equals("name", "a\x00b"), "invalid_text"),
    "surrogate": (OneOf("name", ["\ud800"]), "invalid_text"),
    "set surrogate": (Has("tags", ["\udfff"]), "invalid_text"),
    "search surrogate": (Matches("name", "\ud800"), "invalid_text"),
    "prefix nul": (Under("zips", "1\x00"), "invalid_text"),
    "too long": (Equals("name", "x" * 501), "text_too_long"),
    "too many values": (OneOf("name", map(str, range(10_001))), "invalid_scope"),
    "too deep": (AllOf([Everything()]), "invalid_scope"),
    "staff surrogate": (AssignedTo(["\ud800"]), "invalid_id"),
    "staff nul": (AssignedTo(["a\x00b"]), "invalid_id"),
}


@pytest.mark.parametrize("name", SCOPES)
def test_a_scope_that_means_nothing_is_refused_in_lists_and_commands(shop: Shop, name: str) -> None:
    """The same code from both doors, before anything is read or written."""
    scope, code = SCOPES[name]
    if name == "too deep":
        for _ in range(50):
            scope = ~scope
    shop.refuses_call(lambda: shop.ownership.visible(ADA).where(scope).count(), code)
    shop.refuses(ADA, Assign(scope, "ada"), code)


def test_a_naive_time_is_refused_where_it_is_given(shop: Shop) -> None:
    """``naive_time``: in a scope as in a field."""
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - this is the point
    shop.refuses_call(lambda: Before("created_at", naive), "naive_time")
    timed = [{"name": "last_seen", "kind": "time"}]
    assert load_settings({"fields": timed}).fields[0].kind.value == "time"


def test_a_naive_time_in_a_declared_field_is_refused(open_shop: OpenShop) -> None:
    """And an aware one of any zone is kept as UTC."""
    shop = open_shop(fields=[{"name": "last_seen", "kind": "time"}])
    shop.customer("a")
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - this is the point
    shop.refuses(ADA, ChangeCustomer("a", values={"last_seen": naive}), "naive_time")


@pytest.mark.parametrize("text", ["%", "_", "50%", "a_b", "\\", "[a]", "*", "'", '"'])
def test_search_takes_every_character_literally(shop: Shop, text: str) -> None:
    """``%`` finds a percent sign and nothing else."""
    shop.customer("with", name=f"x{text}y")
    shop.customer("without", name="xzzy 50 ab a")
    found = shop.ownership.visible(ADA).search(name=text).page().customers
    assert [customer.id for customer in found] == ["with"]


@pytest.mark.parametrize("text", ["%", "_", "1_", "1%"])
def test_a_zip_prefix_takes_every_character_literally(shop: Shop, text: str) -> None:
    """No wildcard in a prefix either."""
    shop.change(CreateCustomer(NewCustomer("a", sets={"zips": ["12345"]}), channel="self"))
    assert shop.ownership.visible(ADA).search(zip=text).count() == 0
    assert shop.ownership.visible(ADA).search(zip="12").count() == 1


def test_an_unknown_search_filter_is_refused(shop: Shop) -> None:
    """``unknown_filter``, all of them at once, and what there is."""
    error = shop.refuses_call(lambda: shop.ownership.visible(ADA).search(shoe="9", hat="7"), "unknown_filter")
    assert len(error.problems) == 2
    assert "external_id" in str(error)


@pytest.mark.parametrize("text", [None, 7, "", "\ud800", "a\x00", "x" * 501])
def test_a_search_for_what_is_no_text_is_refused(shop: Shop, text: Any) -> None:
    """A coded error for whatever was typed."""
    with shop.unchanged(), pytest.raises(InvalidInput):
        shop.ownership.visible(ADA).search(name=text).count()


@pytest.mark.parametrize("order", ["colour", "-colour", "groups", "", "-", "name desc", "--name", "id; DROP TABLE x"])
def test_an_unknown_sort_is_refused(shop: Shop, order: str) -> None:
    """``unknown_sort``, with what can be sorted by."""
    error = shop.refuses_call(lambda: shop.ownership.visible(ADA).order(order), "unknown_sort")
    assert "created_at" in str(error)


@pytest.mark.parametrize("order", [None, 7, ["name"], b"name"])
def test_a_sort_that_is_no_text_is_refused(shop: Shop, order: Any) -> None:
    """The same code for what is not even a name."""
    shop.refuses_call(lambda: shop.ownership.visible(ADA).order(order), "unknown_sort")


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, "5", None, 1001, 2**70])
def test_a_page_of_no_size_is_refused(shop: Shop, limit: Any) -> None:
    """``invalid_value`` beyond 1 to 1000."""
    shop.refuses_call(lambda: shop.ownership.visible(ADA).page(limit=limit), "invalid_value")


BAD_CURSORS = ["", "x", "!!!!", "bnVsbA==", "W10=", "WyJpZCIsIGZhbHNlXQ==", 7, b"x", "é", "[" * 10]


@pytest.mark.parametrize("cursor", BAD_CURSORS, ids=ascii)
def test_a_bad_cursor_is_refused(shop: Shop, cursor: Any) -> None:
    """``invalid_cursor``."""
    shop.refuses_call(lambda: shop.ownership.visible(ADA).page(after=cursor), "invalid_cursor")


def test_a_cursor_of_another_order_is_refused(shop: Shop) -> None:
    """It belongs to the list it came from."""
    shop.customer("a"), shop.customer("b")
    cursor = shop.ownership.visible(ADA).page(limit=1).next
    shop.refuses_call(lambda: shop.ownership.visible(ADA).order("name").page(after=cursor), "invalid_cursor")


def test_too_many_ids_are_refused(open_shop: OpenShop) -> None:
    """``too_many_ids`` in a check and in a command; repeats do not count."""
    shop = open_shop(limits={"ids": 3})
    shop.refuses_call(lambda: shop.ownership.check(ADA, "view", ["a", "b", "c", "d"]), "too_many_ids")
    shop.refuses(ADA, Assign(["a", "b", "c", "d"], "ada"), "too_many_ids")
    assert shop.ownership.check(ADA, "view", ["a", "b", "c", "a"]) == frozenset()


def test_several_ids_given_as_one_text_are_refused(shop: Shop) -> None:
    """``check("abc")`` is not a check of a, b and c."""
    shop.refuses_call(lambda: shop.ownership.check(ADA, "view", "abc"), "invalid_id")


TEXTS = [("a\x00b", "invalid_text"), ("\ud800", "invalid_text"), ("x" * 501, "text_too_long"), (7, "invalid_value")]


@pytest.mark.parametrize(("text", "code"), TEXTS, ids=["nul", "surrogate", "too long", "no text"])
def test_text_a_store_cannot_keep_is_refused_at_every_door(shop: Shop, text: Any, code: str) -> None:
    """Fields, sets, reasons, labels, logins, sources and roles."""
    shop.customer("a"), shop.department("north")
    for command in (
        CreateCustomer(NewCustomer("b", {"name": text})),
        CreateCustomer(NewCustomer("b", sets={"tags": [text]})),
        ChangeCustomer("a", values={"name": text}),
        ChangeCustomer("a", sets={"tags": [text]}),
        Assign("a", "ada", reason=text),
        Assign("a", "ada", source=text),
        SetPrimary("a", "ada", source=text),
        ChangeStaff("li", create=True, label=text),
        ChangeStaff("ada", login=text),
        ChangeDepartment("north", label=text),
        GrantAccess("new", levels={"view": Level.OWN}, reason=text),
        ChangeDepartment("north", restriction=GroupRestriction(RestrictionMode.ALLOW, [text])),
        ChangeStaff("li", create=True, label="Li", restriction=GroupRestriction(RestrictionMode.DENY, [text])),
    ):
        shop.refuses(ADA, command, code)


def test_unknown_and_computed_fields_are_refused_all_at_once(shop: Shop) -> None:
    """Every problem of a change, each with its field."""
    shop.customer("a")
    values = {"colour": "red", "created_at": 7, "groups": "vip", "active": None, "name": 3}
    codes = ("unknown_field", "computed_field", "invalid_value")
    error = shop.refuses(ADA, ChangeCustomer("a", values=values), *codes)
    assert len(error.problems) == 5


HOSTILE: dict[str, Any] = {
    "mode": lambda: Assign("a", "ada", mode="swap"),
    "channel": lambda: CreateCustomer(NewCustomer("b"), channel="fax"),
    "no customers": lambda: CreateCustomer([1]),
    "replace": lambda: SetPrimary("a", "ada", replace="yes"),
    "notify": lambda: Assign("a", "ada", notify="no"),
    "active": lambda: ChangeStaff("li", active="no"),
    "create": lambda: ChangeStaff("zoe", create="yes", label="Zoe"),
    "delete": lambda: ChangeStaff("li", delete=1),
    "revoke": lambda: GrantAccess("associate", staff="li", revoke="no"),
    "level": lambda: GrantAccess("associate", levels={"view": 4}),
    "levels": lambda: GrantAccess("associate", levels=["view"]),
    "restriction": lambda: ChangeStaff("li", restriction={"mode": "allow", "groups": ["vip"]}),
    "departments": lambda: ChangeStaff("li", departments="north"),
    "websites": lambda: ChangeStaff("li", websites=[1]),
    "expected version": lambda: Assign("a", "ada", expected_version=True),
    "expected text": lambda: Assign("a", "ada", expected_version="1"),
    "values": lambda: ChangeCustomer("a", values=["name"]),
    "sets": lambda: ChangeCustomer("a", sets={"groups": "vip"}),
    "field name": lambda: ChangeCustomer("a", values={7: "x"}),
    "staff list": lambda: Assign("a", ["ada"]),
    "none": lambda: Assign(None, "ada"),
    "no label": lambda: ChangeStaff("li", label=None),
    "no activity": lambda: ChangeStaff("li", active=None),
    "no departments": lambda: ChangeStaff("li", departments=None),
    "no staff": lambda: Assign("a", None),
    "no source": lambda: Assign("a", "ada", source=None),
    "no command": lambda: "assign",
    "class": lambda: Assign,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_command_with_a_part_of_the_wrong_type_is_refused(shop: Shop, name: str) -> None:
    """A coded error, never a traceback of ours, and nothing is written."""
    shop.staff("li", "associate")
    shop.customer("a")
    with shop.unchanged(), pytest.raises(InvalidInput) as caught:
        shop.does(ADA, HOSTILE[name]())
    assert caught.value.codes


@pytest.mark.parametrize("key", ["\ud800", "a\x00", "x" * 10_000, 7, True], ids=ascii)
def test_an_idempotency_key_a_store_cannot_keep_is_refused(shop: Shop, key: Any) -> None:
    """A coded error, and nothing is written."""
    shop.customer("a")
    with shop.unchanged(), pytest.raises(InvalidInput):
        shop.does(ADA, Assign("a", "ada"), key=key)


@pytest.mark.parametrize("plan", ["", "\ud800", "x" * 10_000, 7, None, True, b"x"], ids=ascii)
def test_a_plan_that_cannot_be_is_unknown(shop: Shop, plan: Any) -> None:
    """``unknown_plan`` for whatever stands in its place."""
    shop.refuses_call(lambda: shop.ownership.apply(plan, ADA), "unknown_plan")
    shop.refuses_call(lambda: list(shop.ownership.plan_rows(ADA, plan)), "unknown_plan")


@pytest.mark.parametrize("actor", [None, "ada", 7], ids=repr)
def test_an_actor_that_is_none_is_refused(shop: Shop, actor: Any) -> None:
    """``invalid_actor`` in lists, checks and commands."""
    shop.refuses_call(lambda: shop.ownership.visible(actor).count(), "invalid_actor")
    shop.refuses_call(lambda: shop.ownership.check(actor, "view", ["a"]), "invalid_actor")
    shop.refuses(actor, Assign("a", "ada"), "invalid_actor")


NAMES = [
    (ChangeStaff("li", departments=["nowhere"]), "unknown_department"),
    (ChangeDepartment("nowhere", label="x"), "unknown_department"),
    (ChangeDepartment("n", create=True, label="N", parent="nowhere"), "unknown_department"),
    (ChangeDepartment("north", create=True, label="N"), "already_exists"),
    (ChangeStaff("li", create=True, label="Li"), "already_exists"),
    (ChangeStaff("nobody", label="x"), "unknown_staff"),
    (ChangeStaff("zoe", create=True), "invalid_value"),
    (ChangeDepartment("south", create=True, label=""), "invalid_value"),
    (GrantAccess("nothing", staff="li"), "unknown_role"),
    (GrantAccess("associate", staff="nobody"), "unknown_staff"),
    (GrantAccess("associate", levels={"fly": Level.ALL}), "unknown_action"),
    (Assign("a", "nobody"), "unknown_staff"),
    (Assign("nobody", "li"), "not_found"),
    (ChangeCustomer("nobody", values={"name": "x"}), "not_found"),
]


@pytest.mark.parametrize(("command", "code"), NAMES, ids=lambda part: part if isinstance(part, str) else "")
def test_unknown_names_are_told_by_what_they_are(shop: Shop, command: object, code: str) -> None:
    """Staff, department, role, action and customer, and what exists already."""
    shop.department("north"), shop.staff("li", "associate"), shop.customer("a")
    shop.refuses(ADA, command, code)


OWN = [
    GrantAccess("admin", staff="mgr"),
    GrantAccess("keeper", levels={"view": Level.ALL}),
    ChangeStaff("mgr", restriction=None),
    ChangeStaff("mgr", websites=None),
    ChangeStaff("mgr", departments=["north", "south"]),
    ChangeDepartment("north", restriction=None),
    ChangeDepartment("top", restriction=None),
    ChangeDepartment("north", parent=None),
    GrantAccess("brand new", staff="mgr", levels={"view": Level.ALL}),
]


@pytest.mark.parametrize("command", OWN, ids=lambda command: str(command)[:60])
def test_nobody_widens_the_access_of_oneself(shop: Shop, command: object) -> None:
    """Roles, levels, restrictions, websites, departments and what binds them: ``own_access`` (I27)."""
    keeper_of_access(shop)
    shop.refuses(Actor.staff("mgr"), command, "own_access")


def test_whoever_manages_access_may_change_that_of_others(shop: Shop) -> None:
    """The same commands about somebody else go through."""
    keeper_of_access(shop)
    mgr = Actor.staff("mgr")
    assert shop.does(mgr, GrantAccess("associate", staff="li")).changed == 1
    assert shop.does(mgr, ChangeStaff("li", websites=["fr"])).changed == 1


def test_whoever_manages_staff_alone_changes_nobodys_access(shop: Shop) -> None:
    """Departments, websites and restrictions take ``manage_access``; a name does not."""
    from shop import allow  # noqa: PLC0415

    shop.department("north")
    shop.staff("li", "associate")
    hr = shop.staff("hr", manage_staff="all")
    for command in (
        ChangeStaff("li", departments=["north"]),
        ChangeStaff("li", websites=["de"]),
        ChangeStaff("li", restriction=allow("vip")),
        GrantAccess("associate", staff="li"),
    ):
        shop.refuses(hr, command, "not_permitted")
    assert shop.does(hr, ChangeStaff("li", label="Li B.")).changed == 1


def test_raising_access_by_a_plan_is_refused_as_well(shop: Shop) -> None:
    """Neither planned nor applied."""
    keeper_of_access(shop)
    shop.refuses_call(lambda: shop.ownership.plan(OWN[0], Actor.staff("mgr")), "own_access")
    plan = shop.ownership.plan(OWN[0], ADA)
    shop.refuses_call(lambda: shop.ownership.apply(plan.id, Actor.staff("mgr")), "own_access")


def keeper_of_access(shop: Shop) -> None:
    """``mgr`` manages access and staff, and is itself restricted in every way."""
    from shop import allow  # noqa: PLC0415

    shop.department("top", restriction=allow("vip", "retail"))
    shop.department("north", parent="top", restriction=allow("vip"))
    shop.department("south"), shop.staff("li")
    levels = {"manage_access": Level.ALL, "manage_staff": Level.ALL, "view": Level.OWN}
    shop.change(GrantAccess("keeper", levels=levels))
    shop.staff("mgr", "keeper", "north", websites=["de"], restriction=allow("vip"))


def test_all_mistakes_in_settings_are_told_at_once_with_their_path() -> None:
    """Unknown keys, wrong types and unknown names in one error."""
    raw = {
        "cardinalty": "multi",
        "at_most": "three",
        "sharing": "everybody",
        "limits": {"ids": True, "pages": 3},
        "creation": {"fax": "creator"},
        "roles": {"associate": {"view": "everything"}},
        "fields": [{"name": "x", "kind": "colour"}],
        "plugins": {"blok": ["x"]},
    }
    with pytest.raises(InvalidInput) as caught:
        load_settings(raw)
    assert caught.value.codes == ("invalid_settings",)
    places = " ".join(problem.where for problem in caught.value.problems)
    for path in ("settings", "at_most", "sharing", "limits", "creation", "roles", "fields", "plugins"):
        assert path in places, path
    assert "cardinalty" in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ({"at_most": 0}, "invalid_settings"),
        ({"roles": {"x": {"fly": "all"}}}, "unknown_action"),
        ({"fields": [{"name": "groups"}]}, "duplicate_field"),
        ({"limits": {"ids": 0}}, "invalid_settings"),
        ({"limits": {"chunk": 0}}, "invalid_settings"),
        ({"limits": {"page": -5}}, "invalid_settings"),
    ],
    ids=str,
)
def test_settings_that_contradict_themselves_are_refused(raw: dict[str, Any], code: str) -> None:
    """Right types and no sense."""
    with pytest.raises(OwnershipError) as caught:
        load_settings(raw)
    assert caught.value.codes == (code,)


def test_a_policy_nobody_offers_is_refused(shop: Shop) -> None:
    """``invalid_settings``, with what is offered."""
    error = shop.refuses_call(lambda: shop.under(primary="fancy"), "invalid_settings")
    assert "standard" in str(error)
