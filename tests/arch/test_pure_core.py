"""The core is pure: it needs the standard library, attrs, cattrs and pluggy, and importing it does nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "src" / "ownership_core"

ALLOWED = {"ownership_core", "attr", "attrs", "cattr", "cattrs", "pluggy"}
"""Top-level names the core may load. typing_extensions comes with cattrs, see `BROUGHT_ALONG`."""

BROUGHT_ALONG = {"typing_extensions"}
"""Dependencies of the dependencies."""

PROBE = """
import json, os, sys

core = {"ownership_core"}
met = []
plain = {".py", ".pyc", ".so", ".pyd", ".dylib"}

def asker():
    # The module whose code asked, past the standard library's own helpers.
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__", "").partition(".")[0]
        if name not in {"os", "io", "pathlib", "_collections_abc", "collections", "codecs", "importlib"}:
            return name
        frame = frame.f_back

def audit(event, args):
    if event == "open":
        path, mode, flags = args
        written = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if written or os.path.splitext(str(path))[1] not in plain:
            met.append(f"{event} {path}")
    elif event.startswith(("socket.", "subprocess.", "sqlite3.", "os.system", "os.exec", "os.fork", "os.mkdir",
                           "os.remove", "os.rename", "os.putenv", "urllib.", "_thread.start_new_thread")):
        met.append(f"{event} {args!r}")

real = os._Environ.__getitem__

def read(self, key):
    if asker() in core:
        met.append(f"environment variable {key!r}")
    return real(self, key)

os._Environ.__getitem__ = read
before = set(sys.modules)
sys.addaudithook(audit)
for name in sys.argv[1:]:
    __import__(name)
happened = list(met)
loaded = {module.partition(".")[0] for module in set(sys.modules) - before}
print(json.dumps({"loaded": sorted(loaded - set(sys.stdlib_module_names)), "happened": happened}))
"""


def core_modules() -> list[str]:
    """All modules of the core by name; not `cli` (click, rich) and not `testing` (hypothesis, pytest)."""
    names = []
    for path in sorted(CORE.rglob("*.py")):
        parts = ("ownership_core", *path.relative_to(CORE).with_suffix("").parts)
        if len(parts) > 1 and parts[1] in {"cli", "testing", "__main__"}:
            continue
        names.append(".".join(parts).removesuffix(".__init__"))
    return names


def probe(*modules: str) -> dict[str, list[str]]:
    """What a fresh interpreter loads and does while it imports these modules."""
    run = subprocess.run(
        [sys.executable, "-B", "-I", "-c", PROBE, *modules], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stderr
    answer: dict[str, list[str]] = json.loads(run.stdout)
    return answer


def test_there_are_core_modules_to_look_at() -> None:
    """The other tests of this file look at something."""
    assert {"ownership_core", "ownership_core.scope"} < set(core_modules())


@pytest.mark.parametrize("module", core_modules())
def test_importing_a_core_module_needs_three_dependencies_and_does_nothing(module: str) -> None:
    """Alone, it loads the standard library, attrs, cattrs and pluggy at most.

    No file but code is opened, nothing is written, started, connected to or read from the environment.
    """
    met = probe(module)
    assert set(met["loaded"]) <= ALLOWED | BROUGHT_ALONG
    assert met["happened"] == []


def test_the_probe_notices_what_must_not_happen(tmp_path: Path) -> None:
    """The probe sees a foreign package, a read file, a socket and an environment variable."""
    (tmp_path / "foreign_package.py").write_text("", encoding="utf-8")
    (tmp_path / "note.txt").write_text("", encoding="utf-8")
    bad = tmp_path / "ownership_core_bad.py"
    bad.write_text(
        "import os, socket, foreign_package\n"
        f"open({str(tmp_path / 'note.txt')!r}).close()\n"
        "socket.socket().close()\n"
        "os.getenv('OWNERSHIP_DB'), os.environ.get('HOME')\n",
        encoding="utf-8",
    )
    code = PROBE.replace('{"ownership_core"}', '{"ownership_core_bad"}')
    run = subprocess.run(
        [sys.executable, "-B", "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{code}", bad.stem],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answer = json.loads(run.stdout)
    assert "foreign_package" in answer["loaded"]
    happened = "\n".join(answer["happened"])
    for trace in ("note.txt", "socket.", "'OWNERSHIP_DB'", "'HOME'"):
        assert trace in happened


def test_help_of_the_command_line_loads_neither_tables_nor_stores() -> None:
    """`ownership --help` stays fast: rich and SQLAlchemy are imported inside commands only."""
    if not (CORE / "cli").is_dir():
        pytest.skip("there is no command line yet")
    pytest.importorskip("click")
    loaded = set(probe("ownership_core.cli")["loaded"])
    assert loaded.isdisjoint({"rich", "sqlalchemy", "alembic", "ownership_sqlalchemy", "hypothesis", "pytest"})
