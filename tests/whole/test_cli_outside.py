"""The command line seen from outside: who asks, where data goes, how it ends, what plugins may add."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import types
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import click
import pytest
from calls import Calls

from ownership_core import discovery, hookimpl
from ownership_core.cli.app import COMMANDS, run
from ownership_core.hookspecs import Card


def process(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "ownership_core.cli", *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        check=False,
        timeout=60,
    )


# --- who asks -------------------------------------------------------------------------------------------

SHOP_VERBS = {
    "list": ["list"],
    "assign": ["assign", "c1", "--staff", "jon"],
    "claim": ["claim", "c1"],
    "why": ["why", "c1"],
    "who-can": ["who-can", "view", "c1"],
    "history": ["history", "c1"],
    "grant": ["grant", "jon", "manager"],
    "cover": ["cover", "list"],
    "apply": ["apply", "x"],
}


@pytest.mark.parametrize("verb", SHOP_VERBS)
def test_every_shop_verb_needs_somebody_who_asks(opened: Calls, verb: str) -> None:
    """Without --as it is actor_missing; nothing is done by nobody."""
    before = opened.digest()
    said = opened(*SHOP_VERBS[verb])
    assert (said.code, said.out, said.codes) == (2, "", ["actor_missing"])
    assert opened.digest() == before


def test_the_operator_needs_the_settings(opened: Calls) -> None:
    """--as operator works only where the settings say so, stands in the history, and owns nobody."""
    said = opened("list", who="operator")
    assert (said.code, said.codes) == (1, ["operator_disabled"])
    opened.settings("operator = true")
    assert opened("assign", "c1", "--staff", "maria", who="operator").code == 0
    assert opened("claim", "c2", who="operator").codes == ["not_permitted"]
    event = opened("history", "c1", "--format", "json", who="operator").data[-1]
    assert event["by"].endswith(" (operator)")


def test_the_first_admin_is_named_once(shop: Calls) -> None:
    """Db init makes tables and admin; again it refuses a second admin, and the tables stay as they are."""
    assert shop("list", who="ada").codes == ["schema_missing"]
    assert shop("db", "check").code == 3
    assert shop("db", "current").err == "There are no tables yet.\n"
    assert "CREATE TABLE ownership_customer (" in shop("db", "sql").out
    assert shop("db", "current").err == "There are no tables yet.\n"
    assert shop("db", "init", "--admin", "ada", "--label", "Ada Lind").code == 0
    before = shop.digest()
    said = shop("db", "init", "--admin", "eve")
    assert (said.code, said.codes) == (1, ["already_initialised"])
    assert shop("db", "upgrade").code == 0
    assert shop("db", "check").err == "The tables fit.\n"
    assert shop("db", "current").err == "The tables are at revision 0005.\n"
    assert "CREATE TABLE" not in shop("db", "sql").out
    assert shop.digest() == before


def test_options_may_stand_before_or_behind_the_command(opened: Calls) -> None:
    """--as, --db and --config mean the same in both places."""
    other = f"sqlite:///{opened.folder / 'other.db'}"
    assert opened("--as", "ada", "list", "--count").out == "3\n"
    assert opened("--db", other, "db", "init", "--admin", "eve").code == 0
    assert opened("list", "--count", "--db", other, who="eve").out == "0\n"
    opened.file("mine.toml", f'database = "{other}"')
    assert opened("--config", "mine.toml", "list", "--count", who="eve").out == "0\n"


def test_nothing_is_read_from_the_environment(opened: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable changes neither database nor actor."""
    for name in ("OWNERSHIP_DB", "OWNERSHIP_AS", "OWNERSHIP_CONFIG", "DATABASE_URL"):
        monkeypatch.setenv(name, "sqlite:///nowhere.db")
    assert opened("list").codes == ["actor_missing"]
    assert opened("list", "--count", who="ada").out == "3\n"


# --- how it ends ----------------------------------------------------------------------------------------


def test_the_configuration_and_the_store_end_with_3(opened: Calls) -> None:
    """Settings that are none, an unknown store, a database that is none, the wrong cardinality."""
    for lines, code in (
        (['cardinalty = "multi"', "operator = 1"], "invalid_settings"),
        (["= ="], "invalid_settings"),
        (['store = "nowhere"'], "plugin_missing"),
        (['cardinality = "multi"'], "cardinality_mismatch"),
    ):
        opened.settings(*lines)
        said = opened("list", who="ada")
        assert (said.code, said.out, said.codes[0]) == (3, "", code)
    opened.settings("")
    opened.file("broken.db", "this is no database")
    assert opened("list", "--db", "sqlite:///broken.db", who="ada").code == 3
    assert opened("list", "--config", "nowhere.toml", who="ada").code == 3


def test_a_bare_call_shows_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    """And ends as wrong usage does, with nothing on stdout."""
    assert run([]) == 2
    told = capsys.readouterr()
    assert "Commands:" in told.err
    assert told.out == ""


def test_errors_are_json_where_data_is(opened: Calls) -> None:
    """The same problems as objects, on stderr; stdout stays empty."""
    said = opened("claim", "c9", "--format", "json", who="jon")
    assert (said.code, said.out) == (1, "")
    assert json.loads(said.err) == {
        "errors": [
            {
                "code": "not_found",
                "what": "There is no such customer.",
                "hint": "Check the id.",
                "where": "customer c9",
            }
        ]
    }


def test_help_documents_the_exit_codes(shop: Calls) -> None:
    """All five stand in --help, and all commands do."""
    said = shop("--help")
    assert said.code == 0
    for number, meaning in enumerate(("done", "refused", "wrong usage", "the store", "a plugin failed")):
        assert f"{number}  {meaning}" in said.out
    assert all(f"\n  {name} " in said.out for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself(shop: Calls, name: str) -> None:
    """--help of each command works without a shop."""
    said = shop(name, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"Usage: ownership {name}")


def test_help_loads_neither_rich_nor_sqlalchemy(tmp_path: Path) -> None:
    """With the SQL plugin installed, help and version stay fast."""
    code = (
        "import sys; from ownership_core.cli.app import run; run(sys.argv[1:]); "
        "heavy = {'rich', 'sqlalchemy', 'alembic'} & set(sys.modules); sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    for argument in ("--help", "--version"):
        ended = subprocess.run(
            [sys.executable, "-c", code, argument],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ended.returncode == 0, ended.stderr


def test_without_click_one_line_says_what_to_install(tmp_path: Path) -> None:
    """No traceback, exit code 2."""
    code = (
        "import sys\n"
        "import importlib.util as util; find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'click' else find(name, *rest)\n"
        "from ownership_core.cli import main; sys.exit(main())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines() == ['The command line needs more: pip install "ownership-core[cli]"']


# --- data -----------------------------------------------------------------------------------------------


def test_data_goes_to_stdout_and_all_else_to_stderr(opened: Calls) -> None:
    """A table, JSON and CSV hold rows and nothing else; counts and hints are beside them."""
    opened.load("customers", "id,name,groups", 'n1,"A, B",x;y')
    table = opened("list", "--limit", "1", "--sort", "-id", who="ada")
    assert table.out == "id  name  email  website  groups  staff\nn1  A, B  -      -        x, y    -\n"
    assert table.err.startswith("1 customer.\nThere are more: --after ")
    rows = list(csv.DictReader(opened("list", "--format", "csv", who="ada").out.splitlines()))
    assert [row["id"] for row in rows] == ["c1", "c2", "c3", "n1"]
    assert rows[3]["groups"] == "x;y"
    assert [row["id"] for row in opened("list", "--format", "json", who="ada").data] == ["c1", "c2", "c3", "n1"]
    assert opened("list", "--where", "name~zzz", "--format", "json", who="ada").data == []


def test_pages_go_on_after_a_cursor(opened: Calls) -> None:
    """The hint of one page is the next page; a cursor of another list is refused."""
    said = opened("list", "--limit", "2", who="ada")
    cursor = said.err.split("--after ")[1].strip()
    assert opened.ids("ada", "--after", cursor) == ["c3"]
    assert opened("list", "--sort", "name", "--after", cursor, who="ada").codes == ["invalid_cursor"]


def test_wrong_questions_are_bad_input(opened: Calls) -> None:
    """Unknown actions, sorts, filters, columns, page sizes and times."""
    for arguments, code in (
        (["list", "--action", "fly"], "unknown_action"),
        (["list", "--sort", "colour"], "unknown_sort"),
        (["list", "--search", "colour=red"], "unknown_filter"),
        (["list", "--search", "name"], "invalid_search"),
        (["list", "--columns", "id,colour"], "unknown_column"),
        (["list", "--limit", "0"], "invalid_value"),
        (["list", "--limit", "99999"], "invalid_value"),
        (["why", " c1"], "invalid_id"),
        (["history", "c1", "--as-of", "2026-01-01T00:00:00"], "naive_time"),
        (["history", "c1", "--as-of", "today"], "invalid_value"),
    ):
        said = opened(*arguments, who="ada")
        assert (said.code, said.out, said.codes) == (2, "", [code]), arguments


def test_what_a_terminal_would_obey_is_not_printed(opened: Calls) -> None:
    """A name that holds a C1 control or turns the reading direction is shown, not carried out."""
    opened.load("customers", "id,name", "n1,Ann\x9b2J\u202egpj")
    assert "Ann\ufffd2J\ufffdgpj" in opened("list", "--where", "id=n1", who="ada").out
    assert "[b]" in opened.load("customers", "id,name", "n2,[b]x[/b]")("list", "--where", "id=n2", who="ada").out


def test_why_and_who_can(opened: Calls) -> None:
    """As text to be read aloud, as data, and one condition per row."""
    opened("assign", "c1", "--staff", "maria", who="ada")
    said = opened("why", "c1", "--staff", "jon", who="ada")
    assert said.out.startswith("May Jon view Customer c1? No.\n")
    assert opened("why", "c1", "--staff", "jon", "--format", "json", who="ada").data["allowed"] is False
    rows = list(csv.DictReader(opened("why", "c1", "--format", "csv", who="ada").out.splitlines()))
    assert {row["answer"] for row in rows} == {"yes"}
    assert [row["staff"] for row in opened("who-can", "view", "c1", "--format", "json", who="ada").data] == [
        "ada",
        "maria",
    ]
    cannot = opened("why-not", "add", "c1", "--staff", "jon", "--format", "json", who="ada").data
    assert (cannot["allowed"], cannot["codes"]) == (False, ["single_owner"])
    assert opened("why-not", "claim", "c2", "--format", "json", who="ada").data["allowed"] is True
    assert opened("why-not", "assign", "c1", who="ada").code == 2
    assert opened("why", "c1", who="maria").codes == ["not_found"]


def test_the_doctor_and_the_list_of_plugins(opened: Calls) -> None:
    """Findings and plugins are data; both need nobody to ask."""
    findings = opened("doctor", "--format", "json").data
    assert [finding["code"] for finding in findings] == ["unassigned_customers"]
    plugins = {row["name"]: row for row in opened("plugins", "--format", "json").data}
    assert plugins["sqlalchemy"]["state"] == "loaded"
    assert "grants" in plugins["levels"]["hooks"]


def test_a_reader_who_has_seen_enough_is_no_error(opened: Calls) -> None:
    """`ownership list | head` ends quietly."""
    opened.load("customers", "id,name", *(f"x{n},{'y' * 400}" for n in range(300)))
    run = subprocess.Popen(
        [sys.executable, "-m", "ownership_core.cli", "list", "--all", "--format", "csv", "--as", "ada"],
        cwd=opened.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert run.stdout is not None
    assert run.stderr is not None
    run.stdout.readline()
    run.stdout.close()
    told = run.stderr.read()
    run.stderr.close()
    assert (run.wait(timeout=60), told) == (0, b"")


# --- plugins --------------------------------------------------------------------------------------------


def installed(monkeypatch: pytest.MonkeyPatch, **plugins: Any) -> None:
    """Pretend that distributions with these plugins are installed too."""
    real = discovery.entry_points(group="ownership_core")
    points = list(real)
    for name, plugin in plugins.items():
        module = types.ModuleType(f"plugin_{name}")
        module.plugin = plugin  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        points.append(EntryPoint(name, f"{module.__name__}:plugin", "ownership_core"))
    monkeypatch.setattr(discovery, "entry_points", lambda group: points)


class Greeter:
    """Adds a command of its own, and tries to take one."""

    @hookimpl
    def ownership_commands(self, cli: click.Group) -> None:
        @cli.command("greet")
        def greet() -> None:
            """Greet."""
            click.echo("hello")

        @cli.command("list")
        def taken() -> None:
            click.echo("mine now")


class Broken:
    """Fails while adding its commands."""

    @hookimpl
    def ownership_commands(self, cli: click.Group) -> None:
        cli.add_command(click.Command("half"))
        raise RuntimeError("no")


class Stranger:
    """Was written for another version."""

    @hookimpl
    def ownership_card(self) -> Card:
        return Card("stranger", "1", 99, "")


def test_plugins_add_commands_and_cannot_take_ours(opened: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new name works, a taken one is left out and named on stderr."""
    installed(monkeypatch, greeter=Greeter())
    said = opened("greet")
    assert (said.code, said.out) == (0, "hello\n")
    assert "offers the command 'list', and that name is taken" in said.err
    assert opened("list", "--count", who="ada").out == "3\n"
    assert "\n  greet " in opened("--help").out


def test_a_plugin_that_fails_is_named_and_left_out(opened: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others go on; half of its commands is none of them."""
    installed(monkeypatch, broken=Broken(), greeter=Greeter(), stranger=Stranger())
    said = opened("--help")
    assert said.code == 0
    assert "greet" in said.out
    assert "half" not in said.out
    assert "'broken' raised RuntimeError in ownership_commands" in said.err
    listed = opened("list", "--count", who="ada")
    assert listed.out == "3\n"
    assert "the plugin 'stranger' was left out: was written for API version 99" in listed.err
    states = {row["name"]: row["state"] for row in opened("plugins", "--format", "json").data}
    assert (states["stranger"], states["sqlalchemy"]) == ("failed", "loaded")


class Loud:
    """Fails whenever something is decided."""

    @hookimpl
    def ownership_requirements(self) -> None:
        raise RuntimeError("no")


def test_a_plugin_that_fails_in_a_decision_ends_with_4(opened: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """I47: decisions fail closed, the plugin is named, nothing is written."""
    installed(monkeypatch, loud=Loud())
    before = opened.digest()
    said = opened("assign", "c1", "--staff", "jon", who="ada")
    assert (said.code, said.codes) == (4, ["plugin_failed"])
    assert "'loud'" in said.err
    assert opened.digest() == before


def test_it_is_a_process_too(opened: Calls) -> None:
    """Started as a program: data, exit code and stderr as everywhere; NO_COLOR or not, a pipe gets no colour."""
    said = process("list", "--as", "ada", "--columns", "id", folder=opened.folder)
    assert (said.returncode, said.stdout, said.stderr) == (0, "id\nc1\nc2\nc3\n", "3 customers.\n")
    refused = process("claim", "c9", "--as", "jon", folder=opened.folder)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "not_found: There is no such customer. Check the id. (customer c9)\n"
    assert process("--version", folder=opened.folder).stdout.startswith("ownership-core ")
