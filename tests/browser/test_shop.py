"""Staff at work in the example shop's admin, in a real browser under a strict Content-Security-Policy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Enter = Callable[..., Any]
Picture = Callable[[Any, str], Path]


def rows(page: Any) -> list[str]:
    """The names in the list."""
    return [str(one) for one in page.locator("#result_list tbody .field-full_name").all_inner_texts()]


def owners(page: Any) -> dict[str, str]:
    """Who stands for each customer in the list."""
    primary = page.locator("#result_list tbody td.field-ownership_primary").all_inner_texts()
    return dict(zip(rows(page), primary, strict=True))


def follow(page: Any, selector: str) -> None:
    """Click what leads to another page, and wait for all of it: a click alone ends while the page still comes."""
    with page.expect_navigation():
        page.click(selector)


def act(page: Any, action: str) -> None:
    """Choose an action for what is ticked."""
    page.select_option("select[name=action]", f"ownership_{action}")
    follow(page, "button[name=index]")


def fits(page: Any) -> bool:
    """Whether nothing sticks out at the side."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_manager_hands_customers_over(enter: Enter, picture: Picture) -> None:
    """Filter, tick, choose, look at the plan, apply it, ask why, and read it in the history."""
    page = enter("mara")
    picture(page, "1-list")
    follow(page, "#changelist-filter a:text-is('Lena Lerche')")
    assert set(owners(page).values()) <= {"Lena Lerche", "Mara Meise", "Tom Taube", "Sven Specht", "Zoe Zeisig"}
    chosen = [name for name, owner in owners(page).items() if owner == "Lena Lerche"][:2]
    for name in chosen:
        page.locator("#result_list tbody tr", has_text=name).first.locator("input.action-select").check()
    act(page, "set_primary")
    page.select_option("#id_staff", "zoe")
    follow(page, "text=Show the plan")
    assert "[target_out_of_reach]" in page.locator(".errorlist").inner_text()
    picture(page, "2-refused")
    page.select_option("#id_staff", "tom")
    page.fill("#id_reason", "holiday")
    follow(page, "text=Show the plan")
    assert page.locator("h1", has_text="Make Tom Taube the primary").count() == 1
    assert page.locator("text=This is a plan. Nothing has changed yet.").count() == 1
    gains = page.locator("table", has_text="Who gains, who loses")
    assert gains.locator("tr", has_text="Lena Lerche").inner_text().endswith("−2")  # noqa: RUF001 - as it is shown
    picture(page, "3-plan")
    follow(page, "input[value='Apply to 2 customers']")
    assert page.locator(".messagelist .success").inner_text() == "2 customers were changed."
    picture(page, "4-applied")

    page.goto("/admin/shop/customer/")
    page.fill("#searchbar", chosen[0])
    with page.expect_navigation():
        page.press("#searchbar", "Enter")
    follow(page, f"#result_list tbody th a:text-is('{chosen[0]}')")
    picture(page, "5-customer")
    assert page.locator("#ownership-assignments tr", has_text="Tom Taube").locator("td").first.inner_text() == "yes"
    follow(page, "#ownership-assignments >> text=Why?")
    page.select_option("#id_staff", "zoe")
    follow(page, "input[value=Ask]")
    assert page.locator("#ownership-answer strong").inner_text() == "No."
    picture(page, "6-why")
    page.select_option("#id_staff", "tom")
    follow(page, "input[value=Ask]")
    assert page.locator("#ownership-answer strong").inner_text() == "Yes."
    follow(page, "nav.ownership-tabs >> text=Ownership history")
    assert "holiday" in page.locator("#content table tbody tr").first.inner_text()
    picture(page, "7-history")


def test_manager_hands_all_of_a_filter_over_and_takes_it_back(enter: Enter, picture: Picture) -> None:
    """Filter, select all, hand over, look at the plan, apply it; then find the run, look, and take it back."""
    page = enter("mara")
    follow(page, "#changelist-filter a:text-is('Tom Taube')")
    before = owners(page)
    page.locator("#action-toggle").check()
    many = page.locator("#result_list tbody tr").count()
    act(page, "hand_over")
    assert page.locator("#id_giver option:checked").inner_text() == "Tom Taube (tom)"
    page.select_option("#id_receivers", "lena")
    page.fill("#id_reason", "parental leave")
    picture(page, "12-hand-over")
    follow(page, "text=Show the plan")
    assert page.locator("h1", has_text="Hand over from Tom Taube to Lena Lerche").count() == 1
    loses = page.locator("table", has_text="Who gains, who loses").locator("tr", has_text="Tom Taube")
    assert f"{many} → becomes 0" in " ".join(loses.inner_text().split())
    picture(page, "13-hand-over-plan")
    follow(page, f"input[value='Apply to {many} customers']")
    assert page.locator(".messagelist .success").inner_text() == f"{many} customers were changed."
    page.goto("/admin/shop/customer/")
    follow(page, ".object-tools >> text=Runs")
    picture(page, "14-runs")
    assert "parental leave" in page.locator("#content table tbody tr").first.inner_text()
    follow(page, "#content table tbody tr:first-child th a")
    picture(page, "15-run")
    follow(page, "input[value='Take back']")
    assert page.locator("text=This is a plan. Nothing has changed yet.").count() == 1
    picture(page, "16-take-back-plan")
    follow(page, f"input[value='Apply to {many} customers']")
    page.goto("/admin/shop/customer/")
    follow(page, "#changelist-filter a:text-is('Tom Taube')")
    assert owners(page) == before


def test_nobody_leaves_with_customers_by_accident(enter: Enter, picture: Picture) -> None:
    """Deactivating is stopped by the form, deleting by a page of its own; the page of the user plans the way out."""
    page = enter("root")
    page.goto("/admin/auth/user/")
    follow(page, "#result_list a:text-is('zoe')")
    page.locator("#id_is_active").uncheck()
    follow(page, "input[name=_save]")
    assert "Still holds customers" in page.locator(".errorlist").first.inner_text()
    picture(page, "17-guard")
    follow(page, "a.deletelink")
    follow(page, "input[type=submit]")
    picture(page, "18-leaving")
    assert page.locator("#id_ownership_confirm").count() == 1
    follow(page, "text=Offboard…")
    page.locator("#id_release").check()
    picture(page, "19-staff")
    follow(page, "text=Show the plan")
    picture(page, "20-offboard-plan")
    assert page.locator("h1", has_text="Release everything of Zoe Zeisig").count() == 1
    follow(page, "text=Do not apply")
    assert page.locator("h3", has_text="Offboard").count() == 1
    assert fits(page)


def test_associate_claims(enter: Enter, picture: Picture) -> None:
    """She claims one that is open, and is not offered what she may not do."""
    page = enter("lena")
    mine = set(rows(page))
    follow(page, "#changelist-filter a:text-is('Open to claim')")
    picture(page, "8-claimable")
    wanted = rows(page)[0]
    assert page.locator("#result_list tbody th a").count() == 0
    page.locator("#result_list tbody input.action-select").first.check()
    act(page, "claim")
    follow(page, "text=Show the plan")
    follow(page, "input[value='Apply to 1 customer']")
    page.goto("/admin/shop/customer/?all=")
    assert set(rows(page)) == mine | {wanted}
    assert page.locator("select[name=action] option[value=ownership_set_primary]").count() == 0


def test_hidden_customer_by_its_address(enter: Enter, picture: Picture) -> None:
    """What two staff see of each other's customers: what they see of a customer that is not there."""
    lena, tom = enter("lena"), enter("zoe")
    address = lena.locator("#result_list tbody th a").first.get_attribute("href").partition("?")[0]
    shown = lena.goto(address)
    assert shown.status == 200
    for page in ("", "../delete/", "../history/", "../ownership/why/", "../ownership/history/", "../ownership/add/"):
        answers = []
        for where in (address, "/admin/shop/customer/987654/change/"):
            tom.goto(f"{where}{page}")
            said = tom.locator(".messagelist li").inner_text()
            answers.append((tom.url, said.replace(where.split("/")[4], "?")))
        assert answers[0] == answers[1]
        assert "doesn’t exist" in answers[0][1]  # noqa: RUF001 - as Django says it
    picture(tom, "10-hidden")


def test_change_by_keyboard(enter: Enter) -> None:
    """Nobody needs a mouse to read a plan and apply it: the order of the page is the order of the keys."""
    page = enter("anna")
    page.locator("#result_list tbody th a").first.click()
    page.locator("#ownership-assignments a", has_text="Add staff").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#id_staff")
    page.locator("#id_staff").focus()
    page.keyboard.type("Anna")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value") == "Show the plan"
    page.keyboard.press("Enter")
    page.wait_for_selector("text=This is a plan.")
    page.locator("main").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "Apply to 1 customer":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    page.wait_for_selector(".messagelist .success")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_telephone(enter: Enter, picture: Picture, scheme: str) -> None:
    """Nothing sticks out at 390 pixels, by day and by night, and in German."""
    page = enter("mara", viewport={"width": 390, "height": 844}, color_scheme=scheme, locale="de-DE")
    href = page.locator("#result_list tbody th a").first.get_attribute("href").partition("?")[0]
    base = href.removesuffix("change/") + "ownership/"
    for name in ("set-primary", "hand-over", "why", "history"):
        page.goto(f"{base}{name}/")
        assert fits(page), name
        picture(page, f"11-{scheme}-{name}")
    page.goto(f"{base}set-primary/")
    page.select_option("#id_staff", "tom")
    follow(page, "input[value='Plan anzeigen']")
    assert page.locator("text=Dies ist ein Plan. Noch hat sich nichts geändert.").count() == 1
    assert fits(page)
    picture(page, f"11-{scheme}-plan")
    page.goto("/admin/shop/customer/ownership/runs/")
    assert page.locator("h1", has_text="Läufe").count() == 1
    assert fits(page)
    picture(page, f"11-{scheme}-runs")
