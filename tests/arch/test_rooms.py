"""What import contracts cannot say: who may take a scope apart, and how a hook implementation looks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STORE = ROOT / "plugins" / "ownership-sqlalchemy" / "src" / "ownership_sqlalchemy"
SOURCES = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "plugins").glob("*/src/**/*.py")])


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def scope_nodes() -> set[str]:
    """The names of all scope nodes, and of the sets of staff they speak of: the public classes of the module."""
    body = parse(ROOT / "src/ownership_core/scope.py").body
    return {node.name for node in body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")}


def opened_nodes(tree: ast.Module, nodes: set[str]) -> set[str]:
    """The scope nodes a module looks into: it matches on them, asks `isinstance`, or takes the whole module."""
    imported, opened = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ownership_core"):
            imported |= {alias.asname or alias.name for alias in node.names if alias.name in nodes}
            opened |= {alias.name for alias in node.names} & {"scope", "*"}
        elif isinstance(node, ast.Import):
            opened |= {alias.name for alias in node.names if alias.name == "ownership_core.scope"}
    made = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in imported]
    return opened | {node.id for node in used if id(node) not in made}


def hook_implementations(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions marked with `@hookimpl`, `@hookimpl(...)` or `@module.hookimpl`."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for mark in node.decorator_list:
                named = mark.func if isinstance(mark, ast.Call) else mark
                if ast.unparse(named).rpartition(".")[2] == "hookimpl":
                    yield node


def test_the_set_of_scope_nodes_is_found() -> None:
    """The other tests of this file look at something."""
    assert {"AllOf", "AssignedTo", "Everything", "Members"} <= scope_nodes()


def test_only_compile_takes_a_scope_apart() -> None:
    """The SQLAlchemy store may put scopes together anywhere; `compile` alone looks into one, to build the WHERE."""
    if not STORE.is_dir():
        pytest.skip("there is no SQLAlchemy store yet")
    nodes = scope_nodes()
    found = {
        str(path.relative_to(STORE)): sorted(opened)
        for path in sorted(STORE.rglob("*.py"))
        if path.name != "compile.py" and (opened := opened_nodes(parse(path), nodes))
    }
    assert found == {}


@pytest.mark.parametrize(
    "code",
    [
        "match scope:\n    case AllOf(parts): ...",
        "isinstance(scope, AllOf)",
        "kinds = {AllOf: 1}",
    ],
)
def test_taking_a_scope_apart_is_noticed(code: str) -> None:
    """Matching, `isinstance` and tables of kinds are noticed; making a node is not."""
    imported = "from ownership_core.scope import AllOf, Everything\nnew = AllOf((Everything(),))\n"
    assert opened_nodes(ast.parse(imported), scope_nodes()) == set()
    assert opened_nodes(ast.parse(imported + code), scope_nodes()) == {"AllOf"}


def test_a_hook_implementation_has_no_default_arguments() -> None:
    """An argument with a default is never filled by pluggy: the plugin would silently see the default for ever."""
    found = [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"
        for path in SOURCES
        for function in hook_implementations(parse(path))
        if function.args.defaults or any(function.args.kw_defaults)
    ]
    assert found == []


def test_a_default_argument_of_a_hook_implementation_is_noticed() -> None:
    """The search finds plain, called and dotted marks."""
    tree = ast.parse(
        "@hookimpl\ndef a(x=1): ...\n@hookimpl(tryfirst=True)\ndef b(): ...\n@core.hookimpl\ndef c(): ...\ndef d(): ..."
    )
    assert [f.name for f in hook_implementations(tree)] == ["a", "b", "c"]
