"""Files that are imported: what is created, what stays, and every bad input with its code and nothing written."""

from __future__ import annotations

import csv
import json
import sys

import pytest
from calls import Calls, Terminal

ID_AND_NAME = "id,name"


def test_customers_are_created_with_their_fields_sets_and_owner(opened: Calls) -> None:
    """Columns are fields; a set field holds its values with ; between; staff is the owner (H04)."""
    file = opened.file(
        "new.csv",
        "id,name,email,groups,active,staff",
        "n1,Ann,ann@mail.example,Retail; VIP,yes,maria",
        "n2,Bo,,,no,",
    )
    said = opened("customers", "import", file, who="ada")
    assert (said.code, said.out) == (0, "")
    assert said.err == "customers: 2 created, 0 changed, 0 unchanged.\n"
    first, second = _rows(opened)
    assert (first["groups"], first["primary"], first["active"]) == (["Retail", "VIP"], "maria", True)
    assert (second["email"], second["staff"], second["active"]) == (None, [], False)


def test_an_import_is_stated_and_asked_about_on_a_terminal(opened: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, with what it would come to; not where nothing would change, nor with `--yes`.

    Seen to fail while a file was written as soon as it was read.
    """
    file = opened.file("new.csv", "id,staff", "n1,maria", "c1,", "c2,nobody")
    before = opened.digest()
    monkeypatch.setattr(sys, "stdin", Terminal("n", "y"))
    bad = opened("customers", "import", file, who="ada")
    assert (bad.code, "Go on?" in bad.err) == (1, False)
    no = opened("customers", "import", file, "--partial", "--format", "json", who="ada")
    assert (no.code, no.out) == (0, "")
    assert "customers: this would be 1 created, 0 changed, 1 unchanged, 1 bad. Go on? [y/N]" in no.err
    assert no.err.endswith("Nothing was changed.\n")
    assert opened.digest() == before
    yes = opened("customers", "import", file, "--partial", "--format", "json", who="ada")
    assert (yes.data["created"], yes.err.count("Go on?")) == (1, 1)
    assert "Go on?" not in opened("customers", "import", file, "--partial", who="ada").err
    more = opened.file("more.csv", "id", "n2")
    assert opened("customers", "import", more, "--yes", who="ada").err.startswith("customers: 1 created")
    assert opened("customers", "import", "nothing.csv", who="ada").codes == ["unreadable_file"]


def _rows(shop: Calls) -> list[dict[str, object]]:
    said = shop("list", "--format", "json", "--limit", "100", who="ada")
    return [row for row in said.data if row["id"].startswith("n")]


def test_what_rules_could_not_do_for_rows_is_told(opened: Calls) -> None:
    """Of many rows a few, and how many more: new ones in chunks, changed ones one by one. Seen to fail when an import
    drops the warnings of its receipts."""
    opened.settings("[creation]", 'import = "proposed"')
    to = 'to = {node = "LeastBusy", members = {ids = ["maria"]}, capacity = {most = 1}}'
    rule = opened.file("full.toml", "v = 1", "[rule]", 'id = "full"', 'condition = {node = "Everything"}', to)
    assert opened("rules", "write", rule, who="ada").code == 0
    new = [f"n{number},N" for number in range(6)]
    said = opened("customers", "import", opened.file("new.csv", ID_AND_NAME, *new), who="ada")
    first, warned = said.err.splitlines()
    assert (said.code, first) == (0, "customers: 6 created, 0 changed, 0 unchanged.")
    assert "[no_capacity] By the rule 'full' nobody gets 5 customers (n1, n2, n3 and 2 more)." in warned
    changed = [f"n{number},M" for number in range(6)]
    again = opened("customers", "import", opened.file("again.csv", ID_AND_NAME, *changed), "--update", who="ada")
    warned = [line.partition(" nobody gets ")[2].partition(".")[0] for line in again.err.splitlines()[1:4]]
    assert warned == ["1 customer (n1)", "1 customer (n2)", "1 customer (n3)"]
    assert again.err.splitlines()[4:] == ["warning: [no_capacity] And 2 more like it. (rule full)"]


def test_what_was_exported_is_imported_without_a_change(opened: Calls) -> None:
    """C10, I42: export and import change nothing, whatever the cells hold."""
    opened.load("customers", "id,name,groups,tags", "n1,=1+1,a\\;b;c\\\\d,  x ;-y", "n2,''=z,,", "n3,'t Hooft,,é")
    opened("assign", "n1", "--staff", "maria", who="ada")
    columns = "id,kind,name,email,phone,website,groups,tags,cities,external_ids,active,no_auto,staff"
    out = opened("list", "--all", "--format", "csv", "--columns", columns, who="ada").out
    before = opened.digest()
    said = opened("customers", "import", opened.file("out.csv", out.rstrip("\n")), who="ada")
    assert said.err == "customers: 0 created, 0 changed, 6 unchanged.\n"
    assert opened.digest() == before


def test_formulas_are_neutralised_on_export_and_restored_on_import(opened: Calls) -> None:
    """C13: = + - @ TAB CR get a quote in front, which import takes off."""
    opened.load("customers", ID_AND_NAME, "n1,=HYPERLINK(1)", "n2,'+49 30", 'n3,"\t@x"')
    rows = list(
        csv.reader(opened("list", "--all", "--format", "csv", "--columns", "id,name", who="ada").out.splitlines())
    )
    assert rows[-3:] == [["n1", "'=HYPERLINK(1)"], ["n2", "'+49 30"], ["n3", "'\t@x"]]
    assert [row["name"] for row in _rows(opened)] == ["=HYPERLINK(1)", "+49 30", "\t@x"]


def test_existing_customers_change_only_with_update(opened: Calls) -> None:
    """A different row is customer_exists, with --update it is a change; an empty cell then empties the field."""
    file = opened.file("again.csv", "id,name,phone,tags", "c1,Customer c1,123,x", "c2,Customer c2,,")
    said = opened("customers", "import", file, who="ada")
    assert said.code == 1
    assert said.bad_rows == [(2, "phone", "customer_exists")]
    assert opened("customers", "import", file, "--update", who="ada").err.startswith(
        "customers: 0 created, 1 changed, 1"
    )
    emptied = opened.file("emptied.csv", "id,phone,tags", "c1,,")
    assert opened("customers", "import", emptied, "--update", who="ada").code == 0
    row = opened("list", "--where", "id=c1", "--format", "json", who="ada").data[0]
    assert (row["phone"], row["tags"], row["name"]) == (None, [], "Customer c1")


def test_one_bad_row_is_enough_to_write_nothing(opened: Calls) -> None:
    """All or nothing by default (C11); --partial writes the good rows, and still ends with 1."""
    file = opened.file("mixed.csv", "id,name,active", "n1,Ann,yes", "n2,Bo,perhaps")
    before = opened.digest()
    said = opened("customers", "import", file, who="ada")
    assert (said.code, said.bad_rows) == (1, [(3, "active", "invalid_value")])
    assert opened.digest() == before
    assert opened("customers", "import", file, "--partial", who="ada").code == 1
    assert [row["id"] for row in _rows(opened)] == ["n1"]


def test_a_dry_run_reports_the_same_and_writes_nothing(opened: Calls) -> None:
    """I41: the report of a dry run is that of the real one."""
    file = opened.file("new.csv", ID_AND_NAME, "n1,Ann", "c1,Other")
    before = opened.digest()
    dry = opened("customers", "import", file, "--dry-run", "--partial", "--format", "json", who="ada")
    assert opened.digest() == before
    real = opened("customers", "import", file, "--partial", "--format", "json", who="ada")
    assert {**dry.data, "written": True} == real.data
    assert (real.data["created"], real.data["bad"]) == (1, 1)


def test_bad_rows_can_be_written_to_a_file(opened: Calls) -> None:
    """--errors FILE holds every bad row as CSV, safe for a spreadsheet."""
    file = opened.file("bad.csv", ID_AND_NAME, ",Ann", "n2,Bo,more", "=n3")
    said = opened("customers", "import", file, "--errors", "errors.csv", who="ada")
    assert "bad_row" not in said.err
    with (opened.folder / "errors.csv").open(encoding="utf-8-sig", newline="") as errors:
        rows = list(csv.DictReader(errors))
    assert [(row["line"], row["code"]) for row in rows] == [("2", "invalid_value"), ("3", "bad_row"), ("4", "bad_row")]


BAD_FILES = {
    "wrong encoding": (b"id,name\nc9,K\xf6hler\n", "bad_encoding", "line 2, byte 12"),
    "utf-16": ("id,name\nc9,Ann\n".encode("utf-16"), "bad_encoding", "--encoding utf-16"),
    "duplicate header": (b"id,name,name\n", "bad_header", "'name' stands there twice"),
    "empty header": (b"id,,name\n", "bad_header", "Column 2 has no name"),
    "no header": (b"\n", "bad_header", "no header"),
    "empty file": (b"", "bad_header", "no header"),
    "missing column": (b"name\nAnn\n", "bad_header", "No column holds the field 'id'"),
    "unknown column": (b"id,colour\nc9,red\n", "unknown_column", "'colour'"),
    "computed column": (b"id,created_at\nc9,2026-01-01\n", "unknown_column", "'created_at'"),
    "unterminated quote": (b'id,name\nc8,A\nc9,"Ann\nc10,Bo\n', "bad_csv", "line 3"),
    "text behind a quote": (b'id,name\nc9,"Ann"x\n', "bad_csv", "line 2"),
    "an endless line": (b"id,name\nc9," + b"x" * 1_000_001, "bad_csv", "line 2"),
    "an endless cell": (b'id,name\nc9,"' + b"x\n" * 200_000, "bad_csv", "line 2"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_none_is_refused_as_a_whole(opened: Calls, name: str) -> None:
    """Each has its code, says where, ends with 2 and writes nothing."""
    content, code, told = BAD_FILES[name]
    path = opened.folder / "bad.csv"
    path.write_bytes(content)
    before = opened.digest()
    said = opened("customers", "import", path, who="ada")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"{code}: ")
    assert told in said.err
    assert opened.digest() == before


BAD_ROWS = {
    "short row": ("n1", "-", "bad_row"),
    "long row": ("n1,Ann,more", "-", "bad_row"),
    "blank around an id": (" n1 ,Ann", "id", "invalid_id"),
    "no id": (",Ann", "id", "invalid_value"),
    "NUL": ("n1,A\x00nn", "name", "invalid_text"),
    "control character": ("n1,A\x1bnn", "name", "invalid_text"),
    "too long": (f"n1,{'x' * 501}", "name", "text_too_long"),
    "too long an id": (f"{'x' * 192},Ann", "id", "invalid_id"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_told_with_line_column_and_code(opened: Calls, name: str) -> None:
    """Each ends with 1 and writes nothing, the good rows included."""
    row, column, code = BAD_ROWS[name]
    file = opened.file("bad.csv", ID_AND_NAME, "n0,Good", row)
    before = opened.digest()
    said = opened("customers", "import", file, who="ada")
    assert (said.code, said.out) == (1, "")
    assert said.bad_rows == [(3, column, code)]
    assert opened.digest() == before


def test_bad_rows_are_all_told_in_one_go(opened: Calls) -> None:
    """Rows that are wrong alone, against each other, and against the shop, all in one report."""
    opened.load("customers", "id,email", "n0,taken@mail.example")
    file = opened.file(
        "bad.csv",
        "id,email,active,staff",
        "n1,x@mail.example,maybe,",
        "n2,a@mail.example,,",
        "n2,b@mail.example,,",
        "n3,Taken@Mail.example,,",
        "n4,,,nobody",
        "n5,same@mail.example,,",
        "n6,same@mail.example,,",
    )
    said = opened("customers", "import", file, who="ada")
    assert said.bad_rows == [
        (2, "active", "invalid_value"),
        (3, "-", "conflicting_rows"),
        (4, "-", "conflicting_rows"),
        (5, "email", "duplicate_email"),
        (6, "-", "unknown_staff"),
        (8, "email", "duplicate_email"),
    ]


def test_the_line_told_is_the_line_a_record_begins_on(opened: Calls) -> None:
    """Cells with line breaks do not shift the numbers."""
    file = opened.file("bad.csv", ID_AND_NAME, 'n1,"two', 'lines"', "", "n2,A,b")
    assert opened("customers", "import", file, who="ada").bad_rows == [(5, "-", "bad_row")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_bom_and_delimiter_are_found_out(opened: Calls, delimiter: str) -> None:
    """What Excel writes is read as it is: a BOM, semicolons, tabs."""
    lines = [delimiter.join(cells) for cells in (["id", "name"], ["n1", "Köhler, Anna; geb. Holm | x"])]
    quoted = lines[1].replace("Köhler, Anna; geb. Holm | x", '"Köhler, Anna; geb. Holm | x"')
    file = opened.file("bom.csv", lines[0], quoted, encoding="utf-8-sig")
    assert opened("customers", "import", file, who="ada").code == 0
    assert [row["name"] for row in _rows(opened)] == ["Köhler, Anna; geb. Holm | x"]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8"])
def test_other_encodings_are_named(opened: Calls, encoding: str) -> None:
    """--encoding reads what was written so."""
    file = opened.file("other.csv", ID_AND_NAME, "n1,Köhler", encoding=encoding)
    assert opened("customers", "import", file, "--encoding", encoding, who="ada").code == 0
    assert [row["name"] for row in _rows(opened)] == ["Köhler"]


def test_files_that_are_not_there_and_bad_options(opened: Calls) -> None:
    """Coded, and ended with 2."""
    file = opened.file("new.csv", ID_AND_NAME, "n1,Ann")
    for arguments, code in (
        (["nothing.csv"], "unreadable_file"),
        ([opened.folder], "unreadable_file"),
        ([file, "--encoding", "klingon"], "bad_encoding"),
        ([file, "--delimiter", "::"], "bad_csv"),
        ([file, "--map", "nothing.toml"], "bad_map"),
    ):
        said = opened("customers", "import", *arguments, who="ada")
        assert (said.code, said.codes[0]) == (2, code)


BAD_MAPS = {
    "no TOML": ("= x",),
    "unknown table": ("[colums]", 'a = "id"'),
    "no text": ("[columns]", "id = 1"),
    "join of nothing": ("[join]", "name = []"),
    "ignore is no list": ('ignore = "id"',),
    "filled twice": ("[columns]", 'a = "id"', 'b = "id"'),
    "constant and column": ("[columns]", 'a = "id"', "[constants]", 'id = "x"'),
}


@pytest.mark.parametrize("name", BAD_MAPS)
def test_a_map_that_is_none_is_refused(opened: Calls, name: str) -> None:
    """Every mistake of a map is bad_map, whatever the file holds."""
    file = opened.file("new.csv", "a,b", "n1,n2")
    map_file = opened.file("map.toml", *BAD_MAPS[name])
    said = opened("customers", "import", file, "--map", map_file, who="ada")
    assert said.code == 2
    assert "bad_map" in said.codes


def test_a_map_that_does_not_fit_the_file_or_the_fields(opened: Calls) -> None:
    """Unknown fields, absent columns and unlisted columns are told together."""
    file = opened.file("new.csv", "a,rest", "n1,x")
    map_file = opened.file("map.toml", "[columns]", 'a = "id"', 'gone = "name"', "[constants]", 'colour = "red"')
    said = opened("customers", "import", file, "--map", map_file, who="ada")
    assert (said.code, said.codes) == (2, ["unknown_field", "bad_header", "unknown_column"])


def test_a_map_renames_joins_fills_and_ignores(opened: Calls) -> None:
    """Columns become fields, several become one or one set, constants stand in every row."""
    file = opened.file("new.csv", "No,First,Last,Home,Work,Fax", "n1,Ann,Holm,Oslo,Bergen,1", "n2,Bo,,,Bergen,2")
    map_file = opened.file(
        "map.toml",
        'ignore = ["Fax"]',
        "[columns]",
        'No = "id"',
        'Home = "cities"',
        'Work = "cities"',
        "[join]",
        'name = ["Last", "First"]',
        "[constants]",
        'groups = "Retail;New"',
    )
    assert opened("customers", "import", file, "--map", map_file, who="ada").code == 0
    first, second = _rows(opened)
    assert (first["name"], first["cities"], first["groups"]) == ("Holm Ann", ["Bergen", "Oslo"], ["New", "Retail"])
    assert (second["name"], second["cities"]) == ("Bo", ["Bergen"])


def test_whoever_may_not_create_cannot_import(opened: Calls) -> None:
    """The actor's own rights decide, never the importer's (I28)."""
    opened("role", "guest", "view=own", who="ada")
    opened.people("gus", role="guest")
    file = opened.file("new.csv", ID_AND_NAME, "n1,Ann")
    before = opened.digest()
    for who, code in (("gus", "not_permitted"), ("nobody", "unknown_staff")):
        said = opened("customers", "import", file, who=who)
        assert (said.code, said.codes[0]) == (1, code)
    assert opened.digest() == before


# --- assignments ----------------------------------------------------------------------------------------


def test_assignments_are_made_per_staff_and_repeated_rows_count_once(opened: Calls) -> None:
    """C12: the same pair twice is one change; the source is import; nobody is notified."""
    opened.load("assignments", "customer,staff", "c1,maria", "c2,jon", "c1,maria", "c3,maria")
    assert (opened.ids("maria"), opened.ids("jon")) == (["c1", "c3"], ["c2"])
    held = opened("history", "c1", "--as-of", "2999-01-01T00:00:00Z", "--format", "json", who="ada").data
    assert [(line["staff"], line["source"]) for line in held] == [("maria", "import")]
    again = opened("assignments", "import", opened.folder / "assignments-loaded.csv", who="ada")
    assert again.err == "assignments: 0 created, 0 changed, 3 unchanged, 1 repeated.\n"


def test_one_customer_with_two_staff_is_a_contradiction_in_single(opened: Calls) -> None:
    """C12: both rows err, and nothing is written; --partial leaves both out."""
    file = opened.file("who.csv", "customer,staff", "c1,maria", "c2,jon", "c1,jon")
    before = opened.digest()
    said = opened("assignments", "import", file, who="ada")
    assert (said.code, said.bad_rows) == (1, [(2, "staff", "conflicting_rows"), (4, "staff", "conflicting_rows")])
    assert opened.digest() == before
    opened("assignments", "import", file, "--partial", who="ada")
    assert (opened.ids("maria"), opened.ids("jon")) == ([], ["c2"])


def test_unknown_staff_and_customers_are_errors_of_their_rows(opened: Calls) -> None:
    """C11: told by row; nothing is applied."""
    file = opened.file("who.csv", "customer,staff", "c1,maria", "c9,maria", "c2,nobody", "c8,jon", " c3,jon")
    before = opened.digest()
    said = opened("assignments", "import", file, who="ada")
    assert said.bad_rows == [
        (3, "customer", "not_found"),
        (4, "staff", "unknown_staff"),
        (5, "customer", "not_found"),
        (6, "customer", "invalid_id"),
    ]
    assert opened.digest() == before


def test_a_hidden_customer_answers_like_a_missing_one(opened: Calls) -> None:
    """A manager's import meets a customer out of sight: not_found, as for none at all (I21)."""
    opened.load("departments", "id,label", "north,North")
    opened.load("staff", "id,label,departments,role", "mona,Mona,north,manager", "nora,Nora,north,associate")
    opened("assign", "c1", "--staff", "jon", who="ada")
    hidden = opened("assignments", "import", opened.file("a.csv", "customer,staff", "c1,nora"), who="mona")
    missing = opened("assignments", "import", opened.file("b.csv", "customer,staff", "c9,nora"), who="mona")
    assert hidden.bad_rows == missing.bad_rows == [(2, "customer", "not_found")]
    assert hidden.err.replace("c1", "c9") == missing.err


def test_in_multi_several_staff_and_one_primary(shop: Calls) -> None:
    """Rows add up; primary says who stands for the customer, whichever row comes first."""
    shop.settings('cardinality = "multi"')
    shop.open().people("maria", "jon").customers("c1", "c2")
    shop.load("assignments", "customer,staff,primary", "c1,jon,no", "c1,maria,yes", "c2,jon,")
    rows = shop("list", "--format", "json", who="ada").data
    assert [(row["id"], row["primary"], row["staff"]) for row in rows] == [
        ("c1", "maria", ["maria", "jon"]),
        ("c2", "jon", ["jon"]),
    ]
    again = shop("assignments", "import", shop.folder / "assignments-loaded.csv", who="ada")
    assert again.err == "assignments: 0 created, 0 changed, 3 unchanged.\n"
    two = shop.file("two.csv", "customer,staff,primary", "c1,jon,yes", "c1,maria,yes", "c2,jon,yes", "c2,jon,no")
    assert [(line, code) for line, _, code in shop("assignments", "import", two, who="ada").bad_rows] == [
        (2, "conflicting_rows"),
        (3, "conflicting_rows"),
        (4, "conflicting_rows"),
        (5, "conflicting_rows"),
    ]


# --- people ---------------------------------------------------------------------------------------------


def test_departments_come_in_any_order_and_cycles_are_told(opened: Calls) -> None:
    """Parents are made before their children; a department below itself is refused, and so is an unknown parent."""
    opened.load("departments", "id,label,parent", "north,North,sales", "sales,Sales,", "oslo,Oslo,north")
    file = opened.file("bad.csv", "id,label,parent", "a,A,b", "b,B,a", "c,C,a", "d,D,nowhere", "e,,")
    said = opened("departments", "import", file, who="ada")
    assert [(line, code) for line, _, code in said.bad_rows] == [
        (2, "department_cycle"),
        (3, "department_cycle"),
        (4, "unknown_department"),
        (5, "unknown_department"),
        (6, "invalid_value"),
    ]


def test_staff_come_with_departments_websites_groups_and_roles(opened: Calls) -> None:
    """One row makes a staff who works where the file says; the same row again is unchanged."""
    opened.load("departments", "id,label", "north,North")
    header = "id,label,login,active,departments,websites,allow_groups,role"
    opened.load("staff", header, "mona,Mona,mona@mail.example,yes,north,leaf;lantern,Retail,manager;associate")
    again = opened("staff", "import", opened.folder / "staff-loaded.csv", who="ada")
    assert again.err == "staff: 0 created, 0 changed, 1 unchanged.\n"
    moved = opened.file("moved.csv", "id,label,websites", "mona,Mona,")
    assert opened("staff", "import", moved, who="ada").bad_rows == [(2, "-", "already_exists")]
    assert opened("staff", "import", moved, "--update", who="ada").err == "staff: 0 created, 1 changed, 0 unchanged.\n"


def test_bad_staff_rows(opened: Calls) -> None:
    """Unknown departments and roles, no label, not yes or no, allowed and denied at once."""
    file = opened.file(
        "bad.csv",
        "id,label,active,departments,allow_groups,deny_groups,role",
        "s1,One,,nowhere,,,",
        "s2,Two,,,,,king",
        "s3,,,,,,",
        "s4,Four,perhaps,,,,",
        "s5,Five,,,a,b,",
    )
    before = opened.digest()
    said = opened("staff", "import", file, who="ada")
    assert [(line, code) for line, _, code in said.bad_rows] == [
        (2, "unknown_department"),
        (3, "unknown_role"),
        (4, "invalid_value"),
        (5, "invalid_value"),
        (6, "invalid_value"),
    ]
    assert opened.digest() == before


def test_the_report_as_data(opened: Calls) -> None:
    """--format json prints the counts and every bad row on stdout, and nothing on stderr."""
    file = opened.file("bad.csv", ID_AND_NAME, "n1,Ann", "c1,Other")
    said = opened("customers", "import", file, "--format", "json", who="ada")
    assert (said.code, said.err) == (1, "")
    report = json.loads(said.out)
    assert {name: report[name] for name in ("written", "created", "bad")} == {"written": False, "created": 1, "bad": 1}
    assert [(bad["line"], bad["column"], bad["code"]) for bad in report["problems"]] == [(3, "name", "customer_exists")]
