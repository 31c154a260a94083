"""Changing who owns whom by the command line: ids and searches, questions, plans, and what forged plans gain."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from calls import Calls, Terminal


def owners(shop: Calls) -> dict[str, str | None]:
    """Who is the primary of each customer."""
    rows = shop("list", "--format", "json", who="ada").data
    return {row["id"]: row["primary"] for row in rows}


def test_one_customer_several_and_a_search(opened: Calls) -> None:
    """Ids or --where; what was done is counted on stderr."""
    assert opened("assign", "c1", "--staff", "maria", who="ada").err == "1 changed.\n"
    assert opened("assign", "c1", "c2", "--staff", "maria", who="ada").err == "1 changed, 1 unchanged.\n"
    said = opened("assign", "--where", "unassigned", "--staff", "jon", "--yes", who="ada")
    assert said.err == "Found 1 customer you may assign.\n1 changed.\n"
    assert owners(opened) == {"c1": "maria", "c2": "maria", "c3": "jon"}


def test_every_verb(opened: Calls) -> None:
    """assign, primary, unassign, claim, release, each in its plainest form."""
    opened("claim", "c1", who="maria")
    assert owners(opened)["c1"] == "maria"
    opened("release", "c1", who="maria")
    assert owners(opened)["c1"] is None
    opened("primary", "c1", "--staff", "jon", who="ada")
    assert owners(opened)["c1"] == "jon"
    opened("unassign", "c1", "--staff", "jon", who="ada")
    opened("assign", "c2", "c3", "--staff", "jon", who="ada")
    opened("unassign", "c2", "--all", who="ada")
    opened("primary", "c3", "--clear", who="ada")
    assert owners(opened) == {"c1": None, "c2": None, "c3": None}


def test_a_refusal_has_its_code_and_writes_nothing(opened: Calls) -> None:
    """One customer: all codes on stderr, exit code 1; several: counted, and exit code 1 too."""
    opened("assign", "c1", "--staff", "maria", who="ada")
    before = opened.digest()
    for arguments, who, code in (
        (["claim", "c1"], "jon", "not_found"),
        (["claim", "c9"], "jon", "not_found"),
        (["assign", "c2", "--staff", "maria"], "jon", "not_permitted"),
        (["assign", "c2", "--staff", "nobody"], "ada", "unknown_staff"),
        (["assign", "c1", "--staff", "jon", "--mode", "add"], "ada", "single_owner"),
        (["assign", "c1", "--staff", "jon", "--expected-version", "9"], "ada", "version_conflict"),
        (["assign", "c9", "c8", "--staff", "jon", "--strict"], "ada", "strict_refused"),
    ):
        said = opened(*arguments, who=who)
        assert (said.code, said.out, said.codes[0]) == (1, "", code)
    assert (
        opened("assign", "c9", "c1", "--staff", "maria", who="ada").err
        == "0 changed, 1 unchanged, 1 refused (not_found: 1).\n"
    )
    assert opened.digest() == before


def test_hidden_and_missing_read_the_same(opened: Calls) -> None:
    """What jon may not see answers exactly like what is not there, down to the letter (I21)."""
    opened("assign", "c1", "--staff", "maria", who="ada")
    hidden, missing = opened("claim", "c1", who="jon"), opened("claim", "c9", who="jon")
    assert (hidden.code, hidden.out, hidden.err.replace("c1", "c9")) == (missing.code, missing.out, missing.err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["assign", "--staff", "jon"],
        ["assign", "c1", "--where", "unassigned", "--staff", "jon"],
        ["assign", "c1"],
        ["unassign", "c1"],
        ["unassign", "c1", "--all", "--staff", "jon"],
        ["primary", "c1"],
        ["assign", "c1", "--staff", "jon", "-o", "plan"],
        ["assign", "c1", "--staff", "jon", "--mode", "steal"],
        ["list", "--limit", "many"],
        ["nonsense"],
    ],
)
def test_wrong_usage_ends_with_2_and_changes_nothing(opened: Calls, arguments: list[str]) -> None:
    """Said on stderr in words, as JSON where JSON was asked for."""
    before = opened.digest()
    said = opened(*arguments, who="ada" if arguments != ["nonsense"] else None)
    assert (said.code, said.out) == (2, "")
    assert said.err
    if arguments != ["nonsense"]:
        as_json = opened(*arguments, "--format", "json", who="ada")
        assert json.loads(as_json.err)["errors"][0]["code"] == "usage"
    assert opened.digest() == before


BAD_WHERE = {
    "nothing said": ("name", "invalid_where"),
    "no such field": ("colour=red", "unknown_field"),
    "no truth": ("active=perhaps", "invalid_value"),
    "no time": ("created_at=yesterday", "invalid_value"),
    "a naive time": ("created_at=2026-01-01T00:00:00", "naive_time"),
    "nothing searched": ("name~", "invalid_scope"),
    "NUL": ("name=a\x00", "invalid_text"),
    "a lone surrogate": ("name=\ud800", "invalid_text"),
    "too long": (f"name={'x' * 501}", "text_too_long"),
    "no department": ("department=", "invalid_where"),
}


@pytest.mark.parametrize("name", BAD_WHERE)
def test_a_search_that_means_nothing_is_refused(opened: Calls, name: str) -> None:
    """Coded, for list and for changes alike, and nothing is written."""
    sentence, code = BAD_WHERE[name]
    before = opened.digest()
    for arguments in (["list"], ["assign", "--staff", "jon", "--yes"]):
        said = opened(*arguments, "--where", sentence, who="ada")
        assert (said.code, said.out, said.codes[0]) == (2, "", code)
    assert opened.digest() == before


def test_percent_and_underscore_are_letters_in_a_search(opened: Calls) -> None:
    """A wildcard of SQL finds itself only."""
    opened.load("customers", "id,name", "p,100% off", "u,a_b")
    assert opened.ids("ada", "--where", "name~%") == ["p"]
    assert opened.ids("ada", "--where", "name~_") == ["u"]
    assert opened.ids("ada", "--search", "name=%") == ["p"]


def test_sentences_about_people_and_missing_values(opened: Calls) -> None:
    """staff=, primary=, department=, unassigned, assigned, orphaned, and field= for missing."""
    opened.load("departments", "id,label", "north,North")
    opened.load("staff", "id,label,departments,role", "nora,Nora,north,associate")
    opened.load("assignments", "customer,staff", "c1,maria", "c2,nora")
    for sentence, ids in (
        ("staff=maria", ["c1"]),
        ("primary=nora", ["c2"]),
        ("department=north", ["c2"]),
        ("unassigned", ["c3"]),
        ("staff=", ["c3"]),
        ("primary=", ["c3"]),
        ("assigned", ["c1", "c2"]),
        ("orphaned", []),
        ("email=", ["c1", "c2", "c3"]),
        ("groups=", ["c1", "c2", "c3"]),
        ("active=no", []),
    ):
        assert opened.ids("ada", "--where", sentence) == ids, sentence
    assert opened.ids("ada", "--where", "assigned", "--where", "staff=maria") == ["c1"]


def test_a_search_changes_nothing_before_somebody_said_yes(opened: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts say --yes; on a terminal the count is stated and asked about."""
    before = opened.digest()
    said = opened("assign", "--where", "unassigned", "--staff", "jon", who="ada")
    assert opened.digest() == before
    assert (said.code, said.out, said.codes) == (2, "", ["confirmation_needed"])
    assert "3 customers" in said.err
    monkeypatch.setattr(sys, "stdin", Terminal("n", "y"))
    no = opened("assign", "--where", "unassigned", "--staff", "jon", who="ada")
    assert (no.code, no.out) == (0, "")
    assert no.err.startswith("Found 3 customers you may assign.\n")
    assert "This would be: 3 changed. Go on? [y/N]" in no.err
    assert no.err.endswith("Nothing was changed.\n")
    assert owners(opened) == {"c1": None, "c2": None, "c3": None}
    assert opened("assign", "--where", "unassigned", "--staff", "jon", who="ada").err.endswith("3 changed.\n")


WINDOW = ("--from", "2020-01-01T00:00:00+00:00", "--until", "2100-01-01T00:00:00+00:00")
CHANGES = {
    "assign": (["assign", "c1", "--staff", "jon"], "ada", "This would be: 1 changed."),
    "assign several": (["assign", "c1", "c2", "--staff", "jon"], "ada", "This would be: 2 changed."),
    "unassign": (["unassign", "c3", "--all"], "ada", "This would be: 1 changed."),
    "primary": (["primary", "c1", "--staff", "jon"], "ada", "This would be: 1 changed."),
    "claim": (["claim", "c1", "--reason", "mine"], "maria", "This would be: 1 changed."),
    "release": (["release", "c3"], "maria", "This would be: 1 changed."),
    "cover": (
        ["cover", "add", "jon", "ada", *WINDOW],
        "ada",
        "ada stands in for jon from 2020-01-01 00:00:00 UTC until 2100-01-01 00:00:00 UTC. This would be: 1 changed.",
    ),
    "cover end": (["cover", "end", "COVER"], "ada", "The cover COVER ends. This would be: 1 changed."),
    "rule": (["rules", "write", "north.json"], "ada", "The rule north is written. This would be: 1 changed."),
    "no rule": (["rules", "forget", "south"], "ada", "The rule south is forgotten. This would be: 1 changed."),
    "grant": (["grant", "jon", "manager"], "ada", "The role manager is given to jon. This would be: 1 changed."),
    "role": (
        ["role", "viewer", "view=all"],
        "ada",
        "The role viewer has view=all from now on. This would be: 1 changed.",
    ),
    "cardinality": (
        ["cardinality", "multi"],
        "ada",
        "All customers are kept as multi from now on. This would be: 0 changed.",
    ),
}


@pytest.fixture
def at_work(opened: Calls) -> tuple[Calls, str]:
    """A shop where c3 is maria's, ada stands in for maria, and there is a rule; and the cover."""
    opened("assign", "c3", "--staff", "maria", who="ada")
    opened("cover", "add", "maria", "ada", *WINDOW, who="ada")
    for rule in ("north", "south"):
        text = {"v": 1, "rule": {"id": rule, "where": ["unassigned"], "to": {"node": "ToStaff", "staff": "jon"}}}
        file = opened.file(f"{rule}.json", json.dumps(text))
    assert opened("rules", "write", file, who="ada").err == "1 changed.\n"
    return opened, opened("cover", "list", "--format", "json", who="ada").data[0]["id"]


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_stated_and_asked_about_on_a_terminal(
    at_work: tuple[Calls, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One question; no leaves everything as it was, yes does it. Seen to fail while only a search was asked about."""
    shop, cover = at_work
    arguments, who, stated = CHANGES[name]
    arguments = [one.replace("COVER", cover) for one in arguments]
    before = done(shop)
    monkeypatch.setattr(sys, "stdin", Terminal("n", "y"))
    no = shop(*arguments, who=who)
    assert (no.code, no.out) == (0, "")
    assert f"{stated.replace('COVER', cover)} Go on? [y/N]" in no.err
    assert no.err.endswith("Nothing was changed.\n")
    assert done(shop) == before
    yes = shop(*arguments, who=who)
    assert (yes.code, yes.err.count("Go on?")) == (0, 1)
    if name == "cardinality":
        shop.settings('cardinality = "multi"')
    assert len(done(shop)) == len(before) + 1


@pytest.mark.parametrize("name", CHANGES)
def test_nobody_is_asked_who_said_yes_or_cannot_answer(
    at_work: tuple[Calls, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--yes` at a terminal, and whoever names what it means in a script; nor where nothing would change."""
    shop, cover = at_work
    arguments, who, _ = CHANGES[name]
    arguments = [one.replace("COVER", cover) for one in arguments]
    monkeypatch.setattr(sys, "stdin", Terminal())
    said = shop(*arguments, "--yes", who=who)
    assert (said.code, "Go on?" in said.err) == (0, False)
    monkeypatch.undo()
    monkeypatch.chdir(shop.folder)
    said = shop(*arguments, who=who)
    assert "confirmation_needed" not in said.codes


def test_what_is_refused_is_told_and_not_asked_about(opened: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal hears the code a script hears; a key still acts once."""
    monkeypatch.setattr(sys, "stdin", Terminal("y"))
    said = opened("assign", "c9", "--staff", "jon", who="ada")
    assert (said.code, said.codes[-1], "Go on?" in said.err) == (1, "not_found", False)
    assert opened("grant", "jon", "nobody", who="ada").codes == ["unknown_role"]
    first = opened("assign", "c1", "--staff", "jon", "--key", "k", "--format", "json", who="ada")
    assert opened("assign", "c1", "--staff", "jon", "--key", "k", "--format", "json", who="ada").data == first.data


def done(shop: Calls) -> list[str]:
    """The runs that changed something; a plan that nobody wanted is none."""
    rows = shop("runs", "--format", "json", who="ada").data
    return [row["run"] for row in rows if row["state"] == "applied"]


def test_the_same_key_acts_once(opened: Calls) -> None:
    """I40: the repetition gets the first answer; another command under the key is a conflict."""
    first = opened("assign", "c1", "--staff", "maria", "--key", "k", "--format", "json", who="ada")
    again = opened("assign", "c1", "--staff", "maria", "--key", "k", "--format", "json", who="ada")
    assert first.data == again.data
    other = opened("assign", "c1", "--staff", "jon", "--key", "k", who="ada")
    assert (other.code, other.codes) == (1, ["idempotency_conflict"])


# --- plans ----------------------------------------------------------------------------------------------


def plan_of(shop: Calls, *arguments: str) -> Path:
    """A plan file."""
    path = shop.folder / "moves.plan"
    said = shop(*arguments, "--plan", "-o", path, who="ada")
    assert said.code == 0, said.err
    return path


def test_a_plan_shows_what_would_happen_and_changes_nothing(opened: Calls) -> None:
    """Each customer with its fate, before and after; who gains and loses; on stderr how to do it."""
    opened("assign", "c1", "--staff", "maria", who="ada")
    said = opened("assign", "c1", "c2", "c9", "--staff", "jon", "--plan", who="ada")
    assert said.code == 0
    assert said.out.splitlines() == [
        "customer  fate     before  after  reasons",
        "c1        changed  maria   jon    -",
        "c2        changed  -       jon    -",
        "c9        refused  -       -      not_found: There is no such customer.",
        "",
        "staff  before  gains  loses  after",
        "jon    0       2      0      2",
        "maria  1       0      1      0",
        "-      2       0      1      1",
        "",
        "code       customers  reason",
        "not_found  1          There is no such customer.",
    ]
    assert said.err.startswith("Planned: 2 changed, 1 refused (not_found: 1). Nothing was changed.\n")
    assert owners(opened) == {"c1": "maria", "c2": None, "c3": None}


def test_a_plan_as_data_can_be_applied_by_its_id(opened: Calls) -> None:
    """JSON carries the id, the rows and the staff; apply takes the id, once."""
    planned = opened("assign", "c1", "c2", "--staff", "jon", "--plan", "--format", "json", who="ada").data
    assert [row["customer"] for row in planned["rows"]] == ["c1", "c2"]
    assert planned["staff"] == [
        {"staff": "jon", "before": 0, "gains": 2, "loses": 0, "after": 2},
        {"staff": None, "before": 3, "gains": 0, "loses": 2, "after": 1},
    ]
    assert opened("apply", planned["plan"], who="ada").err == "2 changed.\n"
    assert owners(opened) == {"c1": "jon", "c2": "jon", "c3": None}


def test_a_plan_file_is_applied_where_it_still_holds(opened: Calls) -> None:
    """C03: what changed meanwhile is stale and listed; the rest moves; new matches are told and left alone."""
    path = plan_of(opened, "assign", "--where", "unassigned", "--staff", "jon")
    opened("claim", "c1", who="maria")
    opened.load("customers", "id", "c4")
    said = opened("apply", path, who="ada")
    assert said.code == 1
    assert said.err.splitlines()[0] == "2 changed, 1 stale (stale: 1)."
    assert "1 more fit the search" in said.err
    assert owners(opened) == {"c1": "maria", "c2": "jon", "c3": "jon", "c4": None}
    twice = opened("apply", path, who="ada")
    assert twice.err.startswith("0 changed, 3 stale")


def test_strict_applies_all_or_nothing(opened: Calls) -> None:
    """--strict refuses the whole plan when one customer is stale."""
    path = plan_of(opened, "assign", "c1", "c2", "--staff", "jon")
    opened("claim", "c1", who="maria")
    before = opened.digest()
    said = opened("apply", path, "--strict", who="ada")
    assert (said.code, said.codes) == (1, ["strict_refused"])
    assert opened.digest() == before


def test_a_plan_gives_nobody_a_right(opened: Calls) -> None:
    """C06: applied as somebody who may not, it is refused; nothing is written."""
    path = plan_of(opened, "assign", "c1", "--staff", "maria")
    before = opened.digest()
    said = opened("apply", path, who="maria")
    assert (said.code, said.codes[0]) == (1, "not_permitted")
    assert opened.digest() == before


def forged(path: Path, change: Any) -> None:
    """Change the lines of a plan file."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    change(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _another_receiver(lines: list[dict[str, Any]]) -> None:
    lines[1]["primary"][1] = lines[1]["added"] = "jon"


def _another_customer(lines: list[dict[str, Any]]) -> None:
    lines[1]["customer"] = "c3"


def _another_version(lines: list[dict[str, Any]]) -> None:
    lines[1]["version"] += 5


@pytest.mark.parametrize("change", [_another_receiver, _another_customer, _another_version])
def test_a_forged_plan_gains_nothing(opened: Calls, change: Any) -> None:
    """Rows that were not planned so are stale: the command decides, not the file."""
    path = plan_of(opened, "assign", "c1", "--staff", "maria")
    forged(path, change)
    before = opened.digest()
    said = opened("apply", path, who="ada")
    assert said.code == 1
    assert said.err.startswith("0 changed, 1 stale") or said.err.startswith("0 changed, 1 refused")
    assert opened.digest() == before


BROKEN_PLANS = {
    "empty": b"",
    "no JSON": b"hello\n",
    "another format": b'{"format": "other", "version": 1}\n',
    "no command": b'{"format": "ownership-plan", "version": 1}\n',
    "unknown command": b'{"format": "ownership-plan", "version": 1, "command": {"v": 1, "command": {"Steal": {}}}}\n',
    "no text": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("name", BROKEN_PLANS)
def test_a_broken_plan_file_is_bad_input(opened: Calls, name: str) -> None:
    """invalid_plan, exit code 2, nothing written."""
    path = opened.folder / "broken.plan"
    path.write_bytes(BROKEN_PLANS[name])
    before = opened.digest()
    said = opened("apply", path, who="ada")
    assert (said.code, said.codes[0]) == (2, "invalid_plan")
    assert opened.digest() == before


def test_a_broken_row_of_a_plan_file_undoes_the_rest(opened: Calls) -> None:
    """The line is named; nothing of the lines before it stays."""
    path = plan_of(opened, "assign", "c1", "c2", "--staff", "maria")
    with path.open("a", encoding="utf-8") as file:
        file.write('{"customer": 7}\n')
    before = opened.digest()
    said = opened("apply", path, who="ada")
    assert (said.code, said.codes) == (2, ["invalid_plan"])
    assert "line 4" in said.err
    assert opened.digest() == before


def test_plans_that_are_not_there(opened: Calls) -> None:
    """An unknown id is refused, a missing file is bad input."""
    assert opened("apply", "nonsense", who="ada").codes == ["unknown_plan"]
    assert opened("apply", "nonsense.plan", who="ada").codes == ["unreadable_file"]
    stolen = opened("assign", "c1", "--staff", "jon", "--plan", "--format", "json", who="ada").data["plan"]
    assert opened("apply", stolen, who="nobody").code == 1


def test_access_can_be_planned_too(opened: Calls) -> None:
    """Grant and role show what they would do, and change nothing."""
    said = opened("grant", "maria", "manager", "--plan", who="ada")
    assert said.err.startswith("Planned: 1 changed. Nothing was changed.")
    assert opened("assign", "c1", "--staff", "maria", who="maria").codes[0] == "not_permitted"
    opened("grant", "maria", "manager", who="ada")
    assert opened("grant", "maria", "manager", who="ada").err == "0 changed, 1 unchanged.\n"
    assert opened("grant", "maria", "manager", "--revoke", who="ada").err == "1 changed.\n"


def test_a_role_says_how_far_it_reaches(opened: Calls) -> None:
    """Role makes or changes a role; what is no level or no action is told, all at once."""
    assert opened("role", "viewer", "view=all", who="ada").code == 0
    opened("grant", "maria", "viewer", who="ada")
    assert opened.ids("maria") == ["c1", "c2", "c3"]
    bad = opened("role", "viewer", "view=everything", "edit", "edit=own", "edit=all", who="ada")
    assert (bad.code, bad.codes) == (2, ["invalid_value"] * 3)
    assert opened("role", "viewer", "fly=all", who="ada").codes == ["unknown_action"]
    assert opened("role", "viewer", "view=all", who="maria").codes == ["not_permitted"]


def test_a_cover_is_arranged_listed_and_ended(opened: Calls) -> None:
    """Who stands in sees what is assigned to the other, and no longer once it is ended."""
    opened("assign", "c1", "--staff", "jon", who="ada")
    before = opened.ids("maria")
    assert opened("cover", "add", "jon", "maria", *WINDOW, who="ada").err == "1 changed.\n"
    assert opened.ids("maria") == sorted({*before, "c1"})
    [row] = opened("cover", "list", "--format", "json", who="maria").data
    assert (row["staff"], row["by"], row["since"], row["state"]) == (
        "jon",
        "maria",
        "2020-01-01 00:00:00 UTC",
        "stands",
    )
    assert opened("cover", "end", row["id"], "--reason", "back", who="ada").code == 0
    assert opened.ids("maria") == before
    assert opened("cover", "list", "--format", "json", who="ada").data[0]["state"] == "over"


def test_a_cover_can_be_planned_and_is_read_strictly(opened: Calls) -> None:
    """A plan changes nothing; what is no time, has no zone or names nobody is told."""
    assert opened("cover", "add", "jon", "maria", *WINDOW, "--plan", who="ada").err.startswith("Planned: 1 changed.")
    assert opened("cover", "list", "--format", "json", who="ada").data == []
    for since, code in (("tomorrow", "invalid_value"), ("2020-01-01T00:00:00", "naive_time")):
        said = opened("cover", "add", "jon", "maria", "--from", since, *WINDOW[2:], who="ada")
        assert (said.code, said.codes) == (2, [code])
    assert opened("cover", "add", "jon", "jon", *WINDOW, who="ada").codes == ["cover_self"]
    assert opened("cover", "end", "nothing", who="ada").codes == ["unknown_cover"]


def test_who_loses_a_customer_may_go_on_viewing_it(opened: Calls) -> None:
    """Until a moment that is to come; one that is over is refused, one without a zone is bad input."""
    opened("assign", "c1", "--staff", "jon", who="ada")
    assert "c1" not in opened.ids("maria")
    opened("assign", "c1", "--staff", "maria", "--keep-view", "2100-01-01T00:00:00+00:00", who="ada")
    assert "c1" in opened.ids("jon")
    opened("unassign", "c1", "--staff", "maria", "--keep-view", "2100-01-01T00:00:00+00:00", who="ada")
    assert "c1" in opened.ids("maria")
    opened("claim", "c2", who="maria")
    opened("primary", "c2", "--staff", "jon", "--keep-view", "2100-01-01T00:00:00+00:00", who="ada")
    assert "c2" in opened.ids("maria")
    opened("primary", "c2", "--clear", "--keep-view", "2100-01-01T00:00:00+00:00", who="ada")
    assert "c2" in opened.ids("jon")
    for moment, codes in (("2020-01-01T00:00:00+00:00", ["empty_window"]), ("2100-01-01T00:00:00", ["naive_time"])):
        assert opened("assign", "c1", "--staff", "jon", "--keep-view", moment, who="ada").codes == codes
