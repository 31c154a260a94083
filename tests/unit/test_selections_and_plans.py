"""Block C and plans: many customers at once, what was planned, and what is left of it when it is applied."""

from __future__ import annotations

import io
import json
from typing import Any

from shop import OpenShop, Shop

from ownership_core import (
    Actor,
    Assign,
    ChangeCustomer,
    ChangeStaff,
    CreateCustomer,
    GrantAccess,
    Mode,
    NewCustomer,
    Plan,
    PlanFile,
    Unassign,
    read_plan,
    write_plan,
)
from ownership_core.scope import ANY, Everything, Has

ADA = Actor.staff("ada")
USA = Has("tags", {"USA"})
NO_RIGHT = ("not_permitted", "target_out_of_reach")


def given(shop: Shop, customers: int = 3, owner: str | None = "zhang", tag: str = "USA") -> list[str]:
    """Zhang with some tagged customers, and Li who may take them."""
    for name in ("zhang", "li"):
        shop.staff(name, "associate")
    return [shop.customer(f"c{number}", owner, tags=[tag]) for number in range(customers)]


def written(shop: Shop, plan: Plan, actor: Actor = ADA) -> str:
    """The plan as a file."""
    file = io.StringIO()
    write_plan(plan.run, shop.ownership.plan_rows(actor, plan.id), file)
    return file.getvalue()


def forged(text: str, *lines: dict[str, Any], **head: Any) -> PlanFile:
    """The file with another head, and these lines in place of its own where there are any."""
    first, *rest = text.splitlines()
    kept = [json.dumps(line) for line in lines] or rest
    return read_plan(io.StringIO("\n".join([json.dumps({**json.loads(first), **head}), *kept]) + "\n"))


def line(customer: str, version: int = 1, after: str | None = "li", removed: tuple[str, ...] = ()) -> dict[str, Any]:
    """One change of a plan file."""
    return {"customer": customer, "version": version, "primary": [None, after], "added": "li", "removed": [*removed]}


def test_c01_a_frozen_scope_takes_every_match_not_a_page_of_them(shop: Shop) -> None:
    """More customers than a page holds are all in the plan."""
    shop.staff("li", "associate")
    new = [NewCustomer(f"c{number:03}", sets={"tags": ["USA"]}) for number in range(120)]
    shop.change(CreateCustomer(new, channel="import"))
    assert shop.ownership.plan(Assign(USA, "li"), ADA).run.tally.changed == 120


def test_c02_customers_without_the_tag_are_untouched(shop: Shop) -> None:
    """Select-all under a filter moves the filtered ones only."""
    given(shop)
    shop.customer("other", "zhang", tags=["France"])
    shop.does(ADA, Assign(USA, "li"))
    assert (shop.owner("c0"), shop.owner("other")) == ("li", "zhang")


def test_c03_a_customer_that_lost_the_tag_is_stale_and_stays(shop: Shop) -> None:
    """Apply reports it and moves the others."""
    given(shop)
    plan = shop.ownership.plan(Assign(USA, "li"), ADA)
    shop.changed("c1", tags=[])
    receipt = shop.ownership.apply(plan.id, ADA)
    assert (receipt.changed, receipt.tally.stale, receipt.tally.codes) == (2, 1, {"stale": 1})
    assert [shop.owner(c) for c in ("c0", "c1", "c2")] == ["li", "zhang", "li"]


def test_c04_of_ten_customers_seven_change_and_three_are_refused_with_reasons(shop: Shop) -> None:
    """The plan says beforehand what the run then says."""
    maria = shop.staff("maria", view="all", assign="own")
    shop.staff("zhang", "associate")
    ids = [shop.customer(f"c{number}", "maria" if number < 7 else "zhang") for number in range(10)]
    plan = shop.ownership.plan(Unassign(ids, ANY), maria)
    rows = {row.customer: row.codes for row in shop.ownership.plan_rows(maria, plan.id)}
    receipt = shop.does(maria, Unassign(ids, ANY))
    assert [(t.changed, t.refused) for t in (plan.run.tally, receipt.tally)] == [(7, 3)] * 2
    assert receipt.tally.codes == plan.run.tally.codes == {"not_permitted": 3, "holder_out_of_reach": 3}
    assert rows["c9"] == ("not_permitted", "holder_out_of_reach")
    assert [shop.owner(c) for c in ids] == [None] * 7 + ["zhang"] * 3


def test_c05_a_plan_writes_nothing_but_its_own_run_and_rows(multi: Shop) -> None:
    """No assignment, event, access or notification."""
    ids = given(multi)
    before = multi.business()
    multi.clock.passes(hours=1)
    plan = multi.ownership.plan(Assign(ids, "li"), ADA)
    assert multi.business() == before
    with multi.store.reader() as reader:
        assert [(run.id, run.state.value) for run in reader.runs(1)] == [(plan.id, "planned")]
        assert [row.customer for row in reader.plan_rows(plan.id)] == ids


def test_c05_a_plan_about_people_or_new_customers_writes_nothing_but_its_run(shop: Shop) -> None:
    """They are rehearsed in a transaction that is undone."""
    shop.staff("li", "associate")
    before = shop.business()
    commands = (
        ChangeStaff("li", active=False),
        GrantAccess("manager", staff="li"),
        CreateCustomer(NewCustomer("new", {"name": "Ann"})),
    )
    assert [shop.ownership.plan(command, ADA).run.tally.changed for command in commands] == [1, 1, 1]
    assert shop.business() == before


def test_c06_without_changes_between_the_applied_diff_is_the_planned_one(multi: Shop) -> None:
    """Row by row: who was added, who was removed, who stands for the customer."""
    given(multi)
    multi.customer("already", "li", tags=["USA"])
    multi.customer("mixed", "li", "zhang", tags=["USA"])
    plan = multi.ownership.plan(Assign(USA, "li"), ADA)
    planned = [row for row in multi.ownership.plan_rows(ADA, plan.id) if row.fate.value == "changed"]
    receipt = multi.ownership.apply(plan.id, ADA)
    assert receipt.changed == len(planned) == 4
    assert list(multi.ownership.plan_rows(ADA, receipt.run or "")) == planned


def test_c06_applying_a_plan_file_does_what_applying_the_stored_plan_does(shop: Shop) -> None:
    """The file carries the command, ids, versions and changes."""
    given(shop)
    plan = shop.ownership.plan(Assign(USA, "li"), ADA)
    receipt = shop.ownership.apply(read_plan(io.StringIO(written(shop, plan))), ADA)
    assert (receipt.changed, receipt.tally.stale, receipt.new_matches) == (3, 0, 0)
    assert [shop.owner(c) for c in ("c0", "c1", "c2")] == ["li"] * 3


def test_c11_a_missing_customer_among_several_is_refused_and_the_others_move(shop: Shop) -> None:
    """``not_found`` for that row alone."""
    given(shop)
    receipt = shop.does(ADA, Assign(["c0", "nobody"], "li"))
    assert (receipt.changed, receipt.tally.codes) == (1, {"not_found": 1})


def test_c11_in_strict_a_missing_customer_refuses_them_all(shop: Shop) -> None:
    """``strict_refused``, and nothing is applied."""
    given(shop)
    shop.refuses(ADA, Assign(["c0", "nobody"], "li"), "strict_refused", strict=True)


def test_c11_an_unknown_staff_refuses_the_whole_selection(shop: Shop) -> None:
    """``unknown_staff`` is a reason against the command."""
    given(shop)
    shop.refuses(ADA, Assign(["c0", "c1"], "nobody"), "unknown_staff")


def test_c16_an_inactive_target_refuses_the_whole_selection(shop: Shop) -> None:
    """``staff_inactive`` before anything moves."""
    given(shop)
    shop.change(ChangeStaff("li", active=False))
    shop.refuses(ADA, Assign(USA, "li"), "staff_inactive")


def test_c16_a_foreign_site_target_is_refused_customer_by_customer(open_shop: OpenShop) -> None:
    """``website_mismatch`` for those of the other website; the others move (D05)."""
    shop = open_shop(sharing="per_website")
    shop.staff("li", "associate", websites=["de"])
    shop.customer("a", website="de")
    shop.customer("b", website="fr")
    receipt = shop.does(ADA, Assign(["a", "b"], "li"))
    assert (receipt.changed, receipt.tally.codes) == (1, {"website_mismatch": 1})


def test_c17_no_change_and_clear_are_two_verbs(shop: Shop) -> None:
    """A selection whose owner is not mentioned keeps it; unassigning clears it."""
    given(shop)
    shop.does(ADA, ChangeCustomer("c0", values={"name": "Ann"}))
    shop.does(ADA, Unassign(["c1"], ANY))
    assert [shop.owner(c) for c in ("c0", "c1")] == ["zhang", None]


def test_all_failing_codes_of_a_customer_are_told_at_once(open_shop: OpenShop) -> None:
    """Website, group and owner: three reasons, one answer."""
    from shop import allow  # noqa: PLC0415

    shop = open_shop(sharing="per_website")
    shop.staff("zhang", "associate")
    shop.staff("li", "associate", websites=["de"], restriction=allow("vip"))
    shop.customer("a", "zhang", website="fr", groups=["retail"])
    codes = ("group_restricted", "website_mismatch", "single_owner")
    shop.refuses(ADA, Assign("a", "li", mode=Mode.ADD), *codes)


def test_new_matches_are_counted_and_never_added(shop: Shop) -> None:
    """A customer that got the tag after the plan was made stays, and the receipt says there is one."""
    given(shop)
    plan = shop.ownership.plan(Assign(USA, "li"), ADA)
    shop.customer("late", "zhang", tags=["USA"])
    receipt = shop.ownership.apply(plan.id, ADA)
    assert (receipt.changed, receipt.new_matches, shop.owner("late")) == (3, 1, "zhang")


def test_a_customer_changed_since_the_plan_is_stale(shop: Shop) -> None:
    """Its version is not the plan's."""
    given(shop)
    plan = shop.ownership.plan(Assign(["c0", "c1"], "li"), ADA)
    shop.changed("c0", name="Ann")
    receipt = shop.ownership.apply(plan.id, ADA)
    assert (receipt.changed, receipt.tally.codes, shop.owner("c0")) == (1, {"stale": 1}, "zhang")


def test_a_plan_applied_twice_moves_everybody_once(shop: Shop) -> None:
    """The second time every row is stale, and nothing is written."""
    given(shop)
    plan = shop.ownership.plan(Assign(USA, "li"), ADA)
    shop.ownership.apply(plan.id, ADA)
    with shop.unchanged():
        again = shop.ownership.apply(plan.id, ADA)
    assert (again.run, again.tally.stale) == (None, 3)


def test_strict_applies_all_of_a_plan_or_nothing(shop: Shop) -> None:
    """One stale row refuses the whole run."""
    given(shop)
    plan = shop.ownership.plan(Assign(USA, "li"), ADA)
    shop.changed("c1", tags=[])
    shop.refuses_call(lambda: shop.ownership.apply(plan.id, ADA, strict=True), "strict_refused")


def test_applying_decides_again_as_whoever_applies(shop: Shop) -> None:
    """A plan of the admin is not permitted to an associate (I28)."""
    given(shop)
    plan = shop.ownership.plan(Assign(USA, "li"), ADA)
    shop.refuses_call(lambda: shop.ownership.apply(plan.id, Actor.staff("zhang")), *NO_RIGHT)


def test_applying_with_fewer_rights_moves_only_what_they_reach(shop: Shop) -> None:
    """Customers beyond the applying actor's sight answer ``not_found``."""
    shop.department("north"), shop.department("south")
    shop.staff("boss", "manager", "north")
    for name, department in {"ann": "north", "li": "north", "eve": "south"}.items():
        shop.staff(name, "associate", department)
    shop.customer("a", "ann"), shop.customer("b", "eve")
    plan = shop.ownership.plan(Assign(["a", "b"], "li"), ADA)
    receipt = shop.ownership.apply(plan.id, Actor.staff("boss"))
    assert (receipt.changed, receipt.tally.codes) == (1, {"not_found": 1})
    assert (shop.owner("a"), shop.owner("b")) == ("li", "eve")


def test_a_right_revoked_after_the_plan_is_missed_when_it_is_applied(shop: Shop) -> None:
    """The planner's former rights count for nothing."""
    given(shop)
    plan = shop.ownership.plan(Assign(USA, "li"), ADA)
    shop.change(GrantAccess("admin", staff="ada", revoke=True))
    shop.refuses_call(lambda: shop.ownership.apply(plan.id, ADA), *NO_RIGHT)


def test_a_target_that_became_inactive_refuses_the_plan(shop: Shop) -> None:
    """``staff_inactive`` when it is applied, though the plan was fine."""
    given(shop)
    plan = shop.ownership.plan(Assign(USA, "li"), ADA)
    shop.change(ChangeStaff("li", active=False))
    shop.refuses_call(lambda: shop.ownership.apply(plan.id, ADA), "staff_inactive")


def test_rows_forged_into_a_plan_file_gain_nothing(shop: Shop) -> None:
    """Outside the selection is stale, hidden and missing are ``not_found``; nobody moves."""
    shop.department("north"), shop.department("south")
    boss = shop.staff("boss", "manager", "north")
    for name, department in {"ann": "north", "li": "north", "eve": "south"}.items():
        shop.staff(name, "associate", department)
    shop.customer("a", "ann"), shop.customer("b", "ann"), shop.customer("hidden", "eve")
    text = written(shop, shop.ownership.plan(Assign(["a"], "li"), boss), boss)
    rows = [line("b", removed=("ann",)), line("hidden", removed=("eve",)), line("nobody")]
    receipt = shop.ownership.apply(forged(text, *rows), boss)
    assert (receipt.run, receipt.tally.codes) == (None, {"not_found": 2, "stale": 1})
    assert [shop.owner(c) for c in ("a", "b", "hidden")] == ["ann", "ann", "eve"]


def test_a_forged_version_or_outcome_is_stale(shop: Shop) -> None:
    """A row moves only where version and change come out as the line says."""
    given(shop)
    text = written(shop, shop.ownership.plan(Assign(["c0", "c1", "c2"], "li"), ADA))
    rows = [line("c0", 7, removed=("zhang",)), line("c1", 1, "zhang", ("zhang",)), line("c2", 1, "li", ())]
    assert shop.ownership.apply(forged(text, *rows), ADA).tally.codes == {"stale": 3}


def test_a_forged_command_is_decided_with_the_rights_of_whoever_applies_it(shop: Shop) -> None:
    """An associate who rewrites the command of a file may do what an associate may do."""
    given(shop)
    text = written(shop, shop.ownership.plan(Assign(["c0"], "li"), ADA))
    command = {**json.loads(text.splitlines()[0])["command"], "staff": "zhang"}
    file = forged(text, line("c0"), command=command)
    shop.refuses_call(lambda: shop.ownership.apply(file, Actor.staff("zhang")), *NO_RIGHT)


def test_a_broken_plan_file_is_refused_with_its_line(shop: Shop) -> None:
    """``invalid_plan`` at the head at once, at a row before anything is written."""
    given(shop)
    text = written(shop, shop.ownership.plan(Assign(["c0"], "li"), ADA))
    for broken in ("", "[]\n", "{}\n", text.replace('"version": 1, "run"', '"version": 99, "run"')):
        shop.refuses_call(lambda broken=broken: read_plan(io.StringIO(broken)), "invalid_plan")
    for row in ("nonsense", '{"customer": 1}', '{"customer": "c0", "version": true}'):
        file = read_plan(io.StringIO(text + row + "\n"))
        error = shop.refuses_call(lambda file=file: shop.ownership.apply(file, ADA), "invalid_plan")
        assert error.problems[0].where == "line 3"


def test_a_plan_that_was_not_applied_expires_after_a_week(shop: Shop) -> None:
    """``plan_expired``; a day before it could be applied."""
    given(shop)
    early, late = (shop.ownership.plan(Assign([c], "li"), ADA) for c in ("c0", "c1"))
    shop.clock.passes(days=6)
    assert shop.ownership.apply(early.id, ADA).changed == 1
    shop.clock.passes(days=1)
    shop.refuses_call(lambda: shop.ownership.apply(late.id, ADA), "plan_expired")


def test_an_unknown_plan_is_refused(shop: Shop) -> None:
    """No such id, or a run that was applied already."""
    given(shop)
    applied = shop.does(ADA, Assign("c0", "li")).run
    for plan in ("nothing", applied):
        shop.refuses_call(lambda plan=plan: shop.ownership.apply(plan, ADA), "unknown_plan")


def test_nobody_reads_the_rows_of_somebody_elses_plan(shop: Shop) -> None:
    """``unknown_plan``, exactly as for a plan that is not there."""
    given(shop)
    plan = shop.ownership.plan(Assign(USA, "li"), ADA)
    asked = [
        shop.refuses_call(lambda id=id: list(shop.ownership.plan_rows(Actor.staff("li"), id)), "unknown_plan")
        for id in (plan.id, "nothing")
    ]
    assert str(asked[0]).replace(plan.id, "ID") == str(asked[1]).replace("nothing", "ID")


def test_applying_a_plan_about_a_staff_needs_it_as_it_was(shop: Shop) -> None:
    """A staff changed in between is a ``version_conflict``."""
    shop.staff("li", "associate")
    plan = shop.ownership.plan(ChangeStaff("li", label="Li B."), ADA)
    shop.change(ChangeStaff("li", login="li@shop"))
    shop.refuses_call(lambda: shop.ownership.apply(plan.id, ADA), "version_conflict")


def test_a_plan_about_a_staff_keeps_the_version_it_was_made_for(shop: Shop) -> None:
    """Planning asks no less than executing does."""
    shop.staff("li", "associate")
    late = ChangeStaff("li", label="Li B.", expected_version=7)
    shop.refuses_call(lambda: shop.ownership.plan(late, ADA), "version_conflict")


def test_a_run_that_changes_nothing_is_not_stored(shop: Shop) -> None:
    """Neither the same again, nor a selection that is refused altogether, nor an empty one."""
    given(shop, owner="li")
    with shop.unchanged():
        receipts = [
            shop.does(ADA, Assign(["c0", "c1"], "li")),
            shop.does(ADA, Assign(["nobody", "else"], "li")),
            shop.does(ADA, Assign(Has("tags", {"none"}), "li")),
            shop.does(ADA, ChangeCustomer("c0", sets={"tags": ["USA"]})),
            shop.does(ADA, ChangeStaff("li", label="Li")),
        ]
    assert [receipt.run for receipt in receipts] == [None] * 5


def test_a_plan_of_somebody_without_the_right_is_refused_and_not_stored(shop: Shop) -> None:
    """A refusal of the command ends the plan as well."""
    given(shop)
    call = lambda: shop.ownership.plan(Assign(Everything(), "zhang"), Actor.staff("zhang"))  # noqa: E731
    shop.refuses_call(call, *NO_RIGHT)


def test_several_commands_are_all_or_nothing(shop: Shop) -> None:
    """A refusal in the second undoes the first (I39)."""
    given(shop)

    def both() -> None:
        with shop.ownership.atomic() as transaction:
            transaction.execute(Assign("c0", "li"), ADA)
            transaction.execute(Assign("nobody", "li"), ADA)

    shop.refuses_call(both, "not_found")
