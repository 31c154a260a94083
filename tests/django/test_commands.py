"""``manage.py ownership_...``: the verbs, formats and exit codes of the command line, on the site's own tables.

Proven by breaking it: fails when the exit code is swallowed, when ``--db`` is silently ignored, and when a user who is
no superuser is let in as one.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bazaar.models import Customer
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command, get_commands
from office import OWNED, Office, id_of, name_of

from ownership_core.cli.app import COMMANDS
from ownership_core.commands import ChangeStaff, GrantAccess
from ownership_core.model import Actor, StaffId
from ownership_django.managers import visible_to
from ownership_django.service import ownership

pytestmark = pytest.mark.django_db
VERBS = (
    *("apply", "assign", "cover", "doctor", "grant", "history", "import", "init", "inventory", "plan", "plugins"),
    *("rules", "runs", "undo", "why"),
)


@pytest.fixture
def office() -> Office:
    """The back office."""
    return Office()


class Said:
    """What a command said, and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def rows(self) -> list[dict[str, str]]:
        """The rows of its CSV."""
        return list(csv.DictReader(io.StringIO(self.out)))


def say(verb: str, *arguments: str) -> Said:
    """Carry out a command of this site."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(f"ownership_{verb}", *arguments, stdout=out, stderr=err)
    except CommandError as failed:
        return Said(failed.returncode, out.getvalue(), err.getvalue())
    return Said(0, out.getvalue(), err.getvalue())


def write(folder: Path, name: str, *lines: str) -> str:
    """A file of lines."""
    file = folder / name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


def test_there_is_a_command_for_each_verb() -> None:
    """Each names one of the command line, or one of the site's own."""
    found = {name.removeprefix("ownership_") for name, app in get_commands().items() if app == "ownership_django"}
    assert found == set(VERBS)
    assert found - {"import", "init"} <= set(COMMANDS)


# --- beginning


def test_a_site_begins_with_an_admin(db: None) -> None:
    """Who is a user of the site; the roles of the settings are there, and there is no second beginning."""
    User.objects.create_user("boss", password="")
    assert say("init", "--admin", "ada").code == 2
    begun = say("init", "--admin", "ada", "--label", "Ada", "--user", "boss")
    assert (begun.code, "'boss'" in begun.err) == (0, True)
    with ownership().store.reader() as reader:
        (ada,) = reader.staff()
        assert set(reader.roles()) == {"associate", "manager", "admin"}
    assert (ada.label, ada.login, ada.roles) == ("Ada", "boss", {"admin"})
    again = say("init", "--admin", "eve", "--user", "boss")
    assert (again.code, "already_initialised" in again.err) == (1, True)


def test_the_rest_is_brought_in_by_files(db: None, tmp_path: Path) -> None:
    """Departments, staff who are users, and who owns whom; the same again changes nothing."""
    for name in ("ada", "max"):
        User.objects.create_user(name, password="")
    for name in ("adler", "birke"):
        Customer.objects.create(id=id_of(name), full_name=name_of(name))
    say("init", "--admin", "ada")
    departments = write(tmp_path, "departments.csv", "id,label", "north,North")
    staff = write(tmp_path, "staff.csv", "id,label,login,departments,role", "max,Max,max,north,associate")
    lines = (f"{id_of('adler')},max", f"{id_of('birke')},max")
    assignments = write(tmp_path, "assignments.csv", "customer,staff", *lines)
    for noun, file in (("departments", departments), ("staff", staff), ("assignments", assignments)):
        done = say("import", noun, file, "--as", "ada")
        assert done.code == 0, done.err
        again = say("import", noun, file, "--as", "ada", "--format", "json")
        report = json.loads(again.out)
        assert (report["created"], report["changed"]) == (0, 0), again.out
    assert User.objects.get(username="max").has_perm("ownership.view", Customer.objects.get(pk=id_of("adler"))) is False
    listed = ownership().visible(Actor.staff("max")).ids()
    assert set(listed) == {id_of("adler"), id_of("birke")}


def test_customers_are_the_host_s(office: Office, tmp_path: Path) -> None:
    """There is no import for them."""
    file = write(tmp_path, "customers.csv", "id", "new")
    refused = say("import", "customers", file, "--as", "anna")
    assert refused.code == 2
    assert "customers" in refused.err


def test_bad_rows_are_told_and_nothing_is_written(office: Office, tmp_path: Path) -> None:
    """With line and column, as on the command line; the exit code is 1."""
    before = office.digest()
    file = write(tmp_path, "a.csv", "customer,staff", f"{id_of('eiche')},lena", f"{id_of('adler')},nobody")
    bad = say("import", "assignments", file, "--as", "anna", "--format", "json")
    assert bad.code == 1
    assert [(one["line"], one["column"]) for one in json.loads(bad.out)["problems"]] == [(3, "staff")]
    assert office.digest() == before


# --- changing


def test_assign_gives_a_customer_away(office: Office) -> None:
    """As whoever ``--as`` names: a staff by id."""
    done = say("assign", id_of("adler"), "--staff", "tom", "--as", "mara", "--reason", "holiday")
    assert (done.code, done.err.strip()) == (0, "1 changed.")
    assert office.owners()["adler"] == ["tom"]


def test_assign_is_refused_as_it_is_elsewhere(office: Office) -> None:
    """An associate may not give away, a stranger does not exist, and what is hidden is not found."""
    before = office.digest()
    for who, customer, code in (("lena", "adler", "out_of_reach"), ("mara", "dohle", "not_found"), ("x", "adler", "")):
        refused = say("assign", id_of(customer), "--staff", "tom", "--as", who)
        assert refused.code == 1
        assert code in refused.err
    assert say("assign", id_of("adler"), "--staff", "tom").code == 2
    assert office.digest() == before


def test_a_plan_is_saved_and_applied(office: Office, tmp_path: Path) -> None:
    """The file is that of the command line."""
    plan = tmp_path / "plan.jsonl"
    planned = say("assign", "--where", "staff=lena", "--staff", "tom", "--plan", "-o", str(plan), "--as", "mara")
    assert planned.code == 0, planned.err
    assert office.owners()["adler"] == ["lena"]
    applied = say("apply", str(plan), "--as", "mara")
    assert (applied.code, applied.err.strip().splitlines()[-1]) == (0, "2 changed.")
    assert office.owners()["birke"] == ["tom"]


def test_a_cover_lets_somebody_stand_in(office: Office) -> None:
    """Arranged, listed and ended as on the command line."""
    window = ("--from", "2020-01-01T00:00:00+00:00", "--until", "2100-01-01T00:00:00+00:00")
    assert say("cover", "add", "lena", "tom", *window, "--as", "anna").code == 0
    [row] = say("cover", "list", "--format", "csv", "--as", "anna").rows
    assert (row["staff"], row["by"], row["state"]) == ("lena", "tom", "stands")
    assert ownership().check(Actor.staff("tom"), "view", [id_of("adler")])
    assert say("cover", "end", row["id"], "--as", "anna").code == 0
    assert not ownership().check(Actor.staff("tom"), "view", [id_of("adler")])


def test_grant_gives_a_role(office: Office) -> None:
    """And takes it back."""
    assert say("grant", "lena", "manager", "--as", "anna").code == 0
    assert ownership().check(Actor.staff("lena"), "view", [id_of("clara")])
    assert say("grant", "lena", "manager", "--revoke", "--as", "anna").code == 0
    assert not ownership().check(Actor.staff("lena"), "view", [id_of("clara")])
    assert say("grant", "lena", "admin", "--as", "lena").code == 1


# --- asking


def test_why_is_told_to_whoever_may_explain(office: Office) -> None:
    """In words, or as JSON."""
    told = say("why", id_of("adler"), "--staff", "tom", "--as", "mara")
    assert (told.code, "No." in told.out) == (0, True)
    as_json = json.loads(say("why", id_of("adler"), "--staff", "lena", "--as", "mara", "--format", "json").out)
    assert as_json["allowed"] is True
    hidden = say("why", id_of("dohle"), "--as", "mara")
    assert (hidden.code, "not_found" in hidden.err) == (1, True)


def test_history_is_told(office: Office) -> None:
    """As CSV."""
    say("assign", id_of("adler"), "--staff", "tom", "--as", "mara")
    rows = say("history", id_of("adler"), "--as", "anna", "--format", "csv").rows
    assert [(row["by"], row["after"]) for row in rows] == [("installer (operator)", "lena"), ("mara", "tom")]


def test_doctor_looks_for_what_needs_a_hand(office: Office) -> None:
    """Nobody has to say who asks."""
    found = json.loads(say("doctor", "--format", "json").out)
    assert "staff_without_access" not in {finding["code"] for finding in found}
    office.do(ChangeStaff(StaffId("idle"), create=True, label="Idle"))
    found = json.loads(say("doctor", "--format", "json").out)
    assert "staff_without_access" in {finding["code"] for finding in found}


def test_doctor_names_staff_whose_login_is_nobody_s(office: Office) -> None:
    """A user made later is not let in by its name; the login is given again."""

    def unlinked() -> list[str]:
        found = json.loads(say("doctor", "--format", "json").out)
        return [finding["what"] for finding in found if finding["code"] == "unlinked_staff"]

    assert unlinked() == []
    office.do(ChangeStaff(StaffId("nina"), create=True, label="Nina", login="nina"))
    office.do(GrantAccess("admin", staff=StaffId("nina")))
    nina = User.objects.create_user("nina", password="")
    assert visible_to(Customer.objects.all(), nina).count() == 0
    assert len(unlinked()) == 1
    assert "'nina'" in unlinked()[0]
    for login in (None, "nina"):
        office.do(ChangeStaff(StaffId("nina"), login=login))
    assert unlinked() == []
    assert visible_to(Customer.objects.all(), User.objects.get(username="nina")).count() == len(OWNED)


def test_plugins_are_listed(office: Office) -> None:
    """Those of the site."""
    rows = json.loads(say("plugins", "--format", "json").out)
    assert {"levels", "websites"} <= {row["name"] for row in rows}


# --- who asks, and where


@pytest.mark.parametrize(
    ("who", "code"), [("root", 0), ("anna", 0), ("lena", 1), ("nobody", 1), ("ghost", 1), ("ghostly", 1)]
)
def test_a_user_of_the_site_may_ask(office: Office, who: str, code: int) -> None:
    """A superuser by its name, though it is no staff; others only as the staff they are."""
    User.objects.create_user("ghostly", password="", is_staff=True)
    assert say("assign", id_of("eiche"), "--staff", "zoe", "--as", who).code == code


def test_a_superuser_that_is_not_active_may_not(office: Office) -> None:
    """Like anybody."""
    User.objects.filter(username="root").update(is_active=False)
    assert say("assign", id_of("eiche"), "--staff", "zoe", "--as", "root").code == 1


def test_an_operator_needs_the_settings(office: Office, settings: Any) -> None:
    """As on the command line; a superuser of the site does not."""
    settings.OWNERSHIP = {**settings.OWNERSHIP, "SETTINGS": {**settings.OWNERSHIP["SETTINGS"], "operator": False}}
    assert "operator_disabled" in say("assign", id_of("eiche"), "--staff", "zoe", "--as", "operator").err
    assert say("assign", id_of("eiche"), "--staff", "zoe", "--as", "root").code == 0


@pytest.mark.parametrize("option", ["--db=sqlite:///other.db", "--config=other.toml"])
def test_database_and_settings_are_django_s(office: Office, option: str) -> None:
    """Said otherwise, they would be quietly ignored."""
    refused = say("assign", id_of("eiche"), "--staff", "zoe", "--as", "anna", option)
    assert (refused.code, "invalid_value" in refused.err) == (2, True)
    assert office.owners()["eiche"] == []


def test_help_is_the_verb_s(db: None) -> None:
    """With its options, and the name one calls it by."""
    told = say("assign", "--help")
    assert told.code == 0
    assert "--strict" in told.out
    assert "ownership_assign" in told.out


def test_errors_are_json_where_data_would_be(office: Office) -> None:
    """On stderr, with their codes."""
    refused = say("history", id_of("dohle"), "--as", "mara", "--format", "json")
    assert (refused.code, refused.out) == (1, "")
    assert json.loads(refused.err)["errors"][0]["code"] == "not_found"


def test_manage_py_ends_with_the_verb_s_exit_code(tmp_path: Path) -> None:
    """In a process of its own, with Django's own options beside the verb's."""
    environment = {
        **os.environ,
        "BAZAAR_DB": "sqlite",
        "BAZAAR_FILE": str(tmp_path / "bazaar.db"),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DJANGO_SETTINGS_MODULE": "bazaar.settings",
    }

    def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-m", "django", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    unready = manage("ownership_doctor", "--skip-checks")
    assert (unready.returncode, "schema_missing" in unready.stderr) == (3, True), unready.stderr
    assert manage("migrate", "--verbosity", "0").returncode == 0
    assert manage("ownership_doctor", "--settings", "bazaar.settings", "--no-color").returncode == 0
    assert manage("ownership_assign", "x", "--staff", "y").returncode == 2
    assert manage("ownership_assign", "x", "--staff", "y", "--as", "z", "--traceback").returncode == 1
    assert manage("ownership_plugins", "--format", "csv").stdout.startswith("name,distribution,")
    assert "Usage: " in manage("ownership_why", "--help").stdout
