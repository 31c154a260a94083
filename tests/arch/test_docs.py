"""The pages of docs/ and CONTEXT.md say what the code says: names, signatures, defaults and codes are compared."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import tomllib
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import attrs
import pytest

import ownership_core
from ownership_core import hookspecs
from ownership_core.commands import COMMANDS, Keep
from ownership_core.decide import ACTION_OF
from ownership_core.events import BODY_VERSION
from ownership_core.explain import TITLES
from ownership_core.fields import Field
from ownership_core.hookspecs import COMBINED
from ownership_core.model import Level
from ownership_core.plan import FORMAT_VERSION
from ownership_core.service.refusals import SENTENCES
from ownership_core.settings import Limits, Plugins, Settings, load_settings
from ownership_core.wire import WIRE_VERSION

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SOURCES = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "plugins").glob("*/src/**/*.py")])

PARTS = ("Asked", "Combined", "Silence", "Purity", "Failure")
CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

MADE_UP = re.compile(r"ownership_core/testing/(contracts/\w+|oracle|strategies|worlds)\.py$")
"""Files of the test kit whose codes exist in made-up shops only."""

NEVER_TOLD = {"Grant"}
"""Makers whose code reaches nobody: grants are OR-ed, so none of them alone is the reason for anything."""


# --- pages -------------------------------------------------------------------------------------------


def page(name: str) -> str:
    """The text of a page in docs/."""
    return (DOCS / name).read_text(encoding="utf-8")


def sections(text: str, level: int = 2) -> dict[str, str]:
    """The headings of one level, each with the text below it, down to the next heading of that level or above."""
    found: dict[str, str] = {}
    pattern = rf"^{'#' * level} (.+)\n((?:(?!#{{1,{level}}} ).*\n?)*)"
    for heading, body in re.findall(pattern, _without_fences(text), flags=re.MULTILINE):
        assert heading not in found, f"two sections are called {heading!r}"
        found[heading.strip()] = body
    return found


def _without_fences(text: str) -> str:
    """The text with the ``#`` of fenced lines put aside: a comment in code is no heading."""
    return re.sub(r"^```.*?^```", lambda block: block[0].replace("\n#", "\n "), text, flags=re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def table(text: str, first: str) -> dict[str, list[str]]:
    """The rows of the table whose first column is headed ``first``: the other cells by the first, unquoted."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {first} |"):
            break
    else:
        raise AssertionError(f"no table begins with the column {first!r}")
    next(lines)
    found = {}
    for line in lines:
        if not line.startswith("|"):
            break
        name, *cells = (cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip("|\n ")))
        assert name not in found, f"two rows are called {name}"
        found[name.strip("`")] = cells
    return found


def quoted(text: str) -> list[str]:
    """Everything that stands in `backticks`."""
    return re.findall(r"`([^`\n]+)`", text)


# --- codes -------------------------------------------------------------------------------------------


def module_of(path: Path) -> str:
    """The dotted name of a source file."""
    parts = path.relative_to(next(p for p in path.parents if p.name == "src")).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


class Codes(ast.NodeVisitor):
    """The codes one module speaks of: what it hands over as a ``code``, and what its tables are keyed by."""

    def __init__(self, makers: dict[str, int], constants: dict[str, str]) -> None:
        self.makers = makers
        self.constants = constants
        self.found: set[str] = set()

    def visit_Call(self, node: ast.Call) -> None:
        """Keep what stands where the called function or class takes its code."""
        name = ast.unparse(node.func).rpartition(".")[2]
        if name in self.makers and name not in NEVER_TOLD:
            position = self.makers[name]
            self.found |= self.texts(node.args[position]) if len(node.args) > position else set()
            for keyword in node.keywords:
                self.found |= self.texts(keyword.value) if keyword.arg == "code" else set()
        self.generic_visit(node)

    def texts(self, node: ast.expr) -> set[str]:
        """The texts an argument can be, as far as they stand in the source."""
        match node:
            case ast.Constant(value=str(text)):
                return {text}
            case ast.IfExp(body=one, orelse=other):
                return self.texts(one) | self.texts(other)
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in self.constants:
                return {self.constants[name]}
            case _:
                return set()


def makers_in(tree: ast.Module) -> dict[str, int]:
    """Functions and classes that take a ``code``, with its place among the arguments."""
    found = {}
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name):
                names = [argument.arg for argument in node.args.args]
            case ast.ClassDef(name=name):
                names = [
                    s.target.id for s in node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)
                ]
            case _:
                continue
        if "code" in names:
            found[name] = names.index("code")
    return found


def constants_in(tree: ast.Module) -> dict[str, str]:
    """The module's constants that could be a code, by name."""
    found = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))) if CODE.fullmatch(text):
                found[name] = text
    return found


def codes_of_the_source() -> set[str]:
    """Every code that stands in the source: handed to whatever takes a ``code``, or with a sentence of its own."""
    trees = {p: ast.parse(p.read_text(encoding="utf-8")) for p in SOURCES if not MADE_UP.search(p.as_posix())}
    makers = {module_of(path): makers_in(tree) for path, tree in trees.items()}
    constants = {module_of(path): constants_in(tree) for path, tree in trees.items()}
    found = told_codes()
    for path, tree in trees.items():
        visitor = Codes(visible_in(path, tree, makers), visible_in(path, tree, constants))
        visitor.visit(tree)
        found |= visitor.found
    return found


def visible_in(path: Path, tree: ast.Module, homes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What a module can name: what it imports, by name or through a module, and what it defines itself."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                theirs = homes.get(node.module or "", {})
                found |= {alias.asname or alias.name: theirs[alias.name]} if alias.name in theirs else {}
                found |= homes.get(f"{node.module}.{alias.name}", {})
    return found | homes[module_of(path)]


def told_codes() -> set[str]:
    """The codes that have a sentence or a title of their own."""
    return {*SENTENCES, *TITLES}


def test_the_codes_of_the_source_are_found() -> None:
    """The other tests look at something: codes from calls, constants, wrappers, and the SQL store."""
    found = codes_of_the_source()
    assert {"invalid_id", "not_found", "out_of_reach", "target_out_of_reach", "schema_newer", "storage_busy"} <= found
    assert [code for code in found if not CODE.fullmatch(code)] == []


@pytest.mark.parametrize(
    "code",
    [
        'raise Refused(Problem("brand_new", "x"))',
        'raise invalid("brand_new", "x")',
        'Requirement(code="brand_new", scope=x)',
        'problem("other" if x else "brand_new")',
        "Check(BRAND_NEW, x)",
    ],
)
def test_a_new_code_is_noticed(code: str) -> None:
    """A code is found as first argument, by name, in a choice, and behind a constant."""
    makers = dict.fromkeys(("Problem", "invalid", "Requirement", "problem", "Check"), 0)
    visitor = Codes(makers, {"BRAND_NEW": "brand_new"})
    visitor.visit(ast.parse(code))
    assert "brand_new" in visitor.found


def test_each_code_has_a_section_and_each_section_a_code() -> None:
    """`docs/errors.md` explains every code there is and none that is gone."""
    explained = set(sections(page("errors.md")))
    codes = codes_of_the_source()
    assert sorted(codes - explained) == [], "codes without a section in docs/errors.md"
    assert sorted(explained - codes) == [], "sections of docs/errors.md without a code"


def test_the_codes_are_in_order() -> None:
    """One looks a code up by its letters."""
    explained = list(sections(page("errors.md")))
    assert explained == sorted(explained)


@pytest.mark.parametrize("code", sorted(sections(page("errors.md"))))
def test_a_code_is_explained_in_three_parts(code: str) -> None:
    """What happened, why, what to try: each one full sentence at least."""
    for part in ("What happened", "Why", "What to try"):
        assert re.search(rf"^- \*\*{part}:\*\* \S.*[.]$", sections(page("errors.md"))[code], re.MULTILINE), part


# --- hooks -------------------------------------------------------------------------------------------


def parts_of(hook: str) -> dict[str, str]:
    """The labelled lines of a hook's docstring, in order."""
    doc = inspect.getdoc(getattr(hookspecs, hook)) or ""
    return dict(re.findall(r"^(\w+): +(.+)$", doc, flags=re.MULTILINE))


def rendered(hook: str) -> str:
    """How a hook stands in `docs/hooks.md`, made from its specification."""
    spec = getattr(hookspecs, hook)
    doc = inspect.getdoc(spec) or ""
    lines = [f"- **{part}:** {text}" for part, text in parts_of(hook).items()]
    signature = str(inspect.signature(spec)).replace("'", "")
    return "\n".join(
        ["", "```text", f"{hook}{signature}", "```", "", doc.partition("\n")[0], "", *lines, ""],
    )


def heading(hook: str) -> str:
    """The heading of a hook: its name and the names of its arguments."""
    return f"{hook}({', '.join(inspect.signature(getattr(hookspecs, hook)).parameters)})"


def test_each_hook_has_a_heading_with_its_arguments() -> None:
    """`docs/hooks.md` has one section a hook, in the order of the specification."""
    found = [name for name in sections(page("hooks.md")) if name.startswith("ownership_")]
    assert found == [heading(hook) for hook in COMBINED]


@pytest.mark.parametrize("hook", sorted(COMBINED))
def test_a_hook_is_described_as_it_is_specified(hook: str) -> None:
    """A section begins with the signature, the first line and the five parts, word for word."""
    assert sections(page("hooks.md"))[heading(hook)].startswith(rendered(hook)), rendered(hook)


@pytest.mark.parametrize("hook", sorted(COMBINED))
def test_a_hook_states_its_five_parts(hook: str) -> None:
    """Asked, Combined, Silence, Purity, Failure: in this order, and Combined begins with the hook's own word."""
    found = parts_of(hook)
    assert tuple(found) == PARTS
    assert re.match(r"\w+", found["Combined"])[0] == COMBINED[hook].value  # type: ignore[index]


def test_the_combining_words_are_explained() -> None:
    """The table of words names each word and its hooks."""
    words = table(page("hooks.md"), "word")
    assert {word: set(quoted(cells[-1])) for word, cells in words.items()} == {
        word.value: {hook for hook, one in COMBINED.items() if one is word} for word in hookspecs.Combine
    }


# --- settings ----------------------------------------------------------------------------------------


def shown(value: Any) -> str:
    """A default as TOML would write it."""
    match value:
        case None:
            return "not set"
        case bool():
            return str(value).lower()
        case Enum():
            return f'"{value.value}"'
        case str():
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(map(shown, value))}]"
        case _:
            return str(value)


@pytest.mark.parametrize(("kind", "column"), [(Settings, "setting"), (Limits, "limit"), (Plugins, "plugin setting")])
def test_each_setting_stands_in_its_table(kind: type, column: str) -> None:
    """Every attribute has a row with its default; no row is stale."""
    rows = table(page("settings.md"), column)
    assert list(rows) == [attribute.name for attribute in attrs.fields(kind)]
    default = kind()
    for name, (text, meaning) in rows.items():
        value = getattr(default, name)
        expected = "see below" if name in {"creation", "roles", "limits", "plugins"} else f"`{shown(value)}`"
        assert text == expected.replace("`not set`", "not set"), name
        assert meaning.endswith("."), name


def test_each_choice_of_a_setting_is_named() -> None:
    """Wherever a setting takes one of several words, its row names them all."""
    rows = table(page("settings.md"), "setting")
    for attribute in attrs.fields(Settings):
        default = getattr(Settings(), attribute.name)
        if isinstance(default, Enum):
            assert {member.value for member in type(default)} <= set(quoted(rows[attribute.name][1])), attribute.name


def test_the_creation_policies_are_the_defaults() -> None:
    """Each channel has a row with the policy it has unless the settings say otherwise."""
    rows = table(page("settings.md"), "channel")
    assert {channel: cells[0].strip("`") for channel, cells in rows.items()} == {
        channel.value: creation.value for channel, creation in Settings().creation.items()
    }


def test_the_seeded_roles_are_the_defaults() -> None:
    """The table of roles shows how far each action of a seeded role reaches."""
    rows = table(page("settings.md"), "role")
    seeded = Settings().roles
    assert list(rows) == list(seeded)
    for role, (level, actions) in rows.items():
        reach = Level[level.strip("`").upper()]
        named = set(Settings().known_actions()) if actions == "every action" else set(quoted(actions))
        assert dict.fromkeys(named, reach) == dict(seeded[role]), role


def test_each_attribute_of_a_declared_field_is_described() -> None:
    """`[[fields]]` takes what a Field takes."""
    rows = table(page("settings.md"), "field key")
    assert list(rows) == [attribute.name for attribute in attrs.fields(Field)]


def test_the_example_settings_are_complete_and_can_be_read() -> None:
    """The TOML example names every setting there is and is accepted."""
    [example] = [block for block in blocks(page("settings.md"), "toml") if "[limits]" in block]
    raw = tomllib.loads(example)
    load_settings(raw)
    assert set(raw) == {attribute.name for attribute in attrs.fields(Settings)}
    assert set(raw["limits"]) == {attribute.name for attribute in attrs.fields(Limits)}
    assert set(raw["plugins"]) == {attribute.name for attribute in attrs.fields(Plugins)}


# --- commands ----------------------------------------------------------------------------------------


def test_each_command_has_a_section() -> None:
    """`docs/commands.md` describes the commands there are, in their order, and no others."""
    assert list(sections(page("commands.md"), 3)) == list(COMMANDS)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_command_names_its_fields_its_right_and_its_codes(name: str) -> None:
    """All fields in order, the right it needs, and only codes that exist."""
    text = sections(page("commands.md"), 3)[name]
    rows = table(text, "field")
    assert {field: cells[0].strip("`") for field, cells in rows.items()} == {
        attribute.name: command_default(attribute) for attribute in attrs.fields(COMMANDS[name])
    }
    assert list(rows) == [attribute.name for attribute in attrs.fields(COMMANDS[name])]
    assert re.search(rf"^Right: `{ACTION_OF[COMMANDS[name]]}`", text, re.MULTILINE)
    named = codes_named(text)
    assert named
    assert sorted(named - set(sections(page("errors.md")))) == []


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_command_names_the_codes_of_its_decision(name: str) -> None:
    """The codes a decision lists in its docstring stand in the command's section."""
    known = set(sections(page("errors.md")))
    asked = set(re.findall(r"[a-z_]+", decision_of(name))) & known
    assert sorted(asked - codes_named(sections(page("commands.md"), 3)[name])) == []


def command_default(attribute: attrs.Attribute[Any]) -> str:
    """The default of a command's field as its table shows it."""
    match attribute.default:
        case attrs.NOTHING:
            return "required"
        case attrs.Factory():  # type: ignore[misc]
            return str(attribute.default.factory())
        case Keep():
            return attribute.default.name
        case None:
            return "none"
        case str(text) if text:
            return text.value if isinstance(text, Enum) else text
        case value:
            return shown(value)


def codes_named(text: str) -> set[str]:
    """The codes on the two lines that list them."""
    lines = re.findall(r"^(?:Whole command|Per customer): .*(?:\n(?!\n).*)*", text, re.MULTILINE)
    return {code for line in lines for code in quoted(line)}


def decision_of(command: str) -> str:
    """The docstring of the function that decides a command."""
    words = re.sub(r"(?<!^)([A-Z])", r"_\1", command).lower()
    names = {f"decide_{words}", f"decide_{words.partition('_')[0]}"}
    for path in sorted((ROOT / "src/ownership_core/decide").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name in names:
                doc = ast.get_docstring(node)
                assert doc
                return doc
    raise AssertionError(f"nobody decides {command}")


# --- public names ------------------------------------------------------------------------------------


def test_the_public_names_are_sorted_and_there() -> None:
    """`__all__` is sorted as ruff sorts it, without repeats, and each name can be imported."""
    names = ownership_core.__all__
    assert len(set(names)) == len(names)
    assert names == sorted(names, key=lambda n: (not n.isupper(), n[0].islower(), n))
    assert [name for name in names if not hasattr(ownership_core, name)] == []


@pytest.mark.parametrize("name", ownership_core.__all__)
def test_a_public_name_says_what_it_is(name: str) -> None:
    """Each public name has a docstring, and so has everything public in it."""
    public = getattr(ownership_core, name)
    assert inspect.getdoc(public)
    members = vars(public).items() if inspect.isclass(public) else ()
    assert [key for key, one in _described(members) if not inspect.getdoc(one)] == []


def _described(members: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for key, one in members:
        if not key.startswith("_") and (inspect.isroutine(one) or isinstance(one, property)):
            yield key, one


def test_the_public_names_are_listed() -> None:
    """The section "Public names" of `docs/compatibility.md` lists `__all__`, no more and no less."""
    text = sections(page("compatibility.md"))["Public names"]
    assert sorted(quoted(text.partition("\n### ")[0])) == sorted(["ownership_core", *ownership_core.__all__])


def test_the_public_modules_have_the_names_they_are_listed_with() -> None:
    """What plugins import from modules below `ownership_core` is there."""
    rows = table(page("compatibility.md"), "module")
    assert rows
    for module, cells in rows.items():
        missing = [name for name in quoted(cells[0]) if not hasattr(importlib.import_module(module), name)]
        assert missing == [], module


def test_the_versions_of_stored_forms_are_said() -> None:
    """The page names the version each stored or sent form has today."""
    sent = f"scopes, commands, distributions and rules as JSON ({WIRE_VERSION})"
    assert f"{sent}, events ({BODY_VERSION}), plan files ({FORMAT_VERSION})" in page("compatibility.md")
    assert f"It is {hookspecs.API_VERSION} today." in page("hooks.md")


def test_the_exit_codes_are_said() -> None:
    """The page lists the exit codes of the command line as its help does."""
    pytest.importorskip("click")
    voice = pytest.importorskip("ownership_core.cli.voice")
    told = dict(re.findall(r"^ +(\d)  (.+)$", voice.EXIT_CODES, re.MULTILINE))
    assert told
    assert {code: cells[0] for code, cells in table(page("compatibility.md"), "exit code").items()} == told


# --- words -------------------------------------------------------------------------------------------


def test_each_word_that_names_code_names_something_there() -> None:
    """The last column of the tables in `CONTEXT.md` says where a word lives; all of it can be imported."""
    text = (ROOT / "CONTEXT.md").read_text(encoding="utf-8")
    heads = ("word", "word in the code", "word on the way", "word of dealing")
    rows = {word: cells for head in heads for word, cells in table(text, head).items()}
    homes = {word: quoted(cells[-1]) for word, cells in rows.items()}
    assert sum(map(len, homes.values())) > len(homes) // 2
    for word, names in homes.items():
        for name in names:
            module, _, attribute = name.rpartition(".")
            found = importlib.import_module(f"ownership_core.{module}" if module else "ownership_core")
            assert hasattr(found, attribute), f"{word}: there is no {name}"


# --- links -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [ROOT / "CONTEXT.md", *sorted(DOCS.glob("*.md"))], ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """A relative link names a file that is there, and after `#` a heading in it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file) if file else path
        assert there.exists(), target
        if anchor:
            assert anchor in _anchors(there.read_text(encoding="utf-8")), target


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _without_fences(text), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}
