"""What is committed works on any machine: no paths of one, no addresses of packages, floors that are proven."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LOCK_FILES = re.compile(r"(^|/)([\w.-]*\.lock|pylock[\w.-]*\.toml|package-lock\.json|npm-shrinkwrap\.json)$")
# Each pattern is spelt so that it does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w.~/-])/(?:roo[t]|home|User[s]|wor[k]|op[t])/\w|\b[A-Z]:\\\\?User[s]\\")
REGISTRY = re.compile(r"\b(?:py[p]i|pythonhoste[d]|npmj[s]|debia[n])\.(?:org|com|net)\b|-{2}(?:extra-)?index-ur[l]")


def tracked() -> list[Path]:
    """All files under version control, or all that lie here once the source was unpacked without it."""
    try:
        run = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in run.stdout.split("\0") if name and (ROOT / name).is_file()]


def texts() -> dict[str, str]:
    """The text of each tracked file; files that are no text are left out."""
    found = {}
    for path in tracked():
        try:
            found[str(path.relative_to(ROOT))] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


def matches(pattern: re.Pattern[str]) -> list[str]:
    """Where a pattern occurs, as file:line text."""
    return [
        f"{name}:{number} {line.strip()}"
        for name, text in texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def floors(pyproject: Path) -> dict[str, str]:
    """The lowest version each run-time dependency may have, by its name; optional ones too, tools not."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    asked = list(project.get("dependencies", []))
    for extra, names in project.get("optional-dependencies", {}).items():
        if extra not in {"test", "dev", "django"}:
            asked += names
    found = {}
    for line in asked:
        name, floor = re.match(r"([\w.-]+)(?:\[[^]]*])?[^>]*(?:>=\s*([\w.]+))?", line).groups()  # type: ignore[union-attr]
        if not name.startswith("ownership"):
            found[name.lower()] = floor
    return found


def constraints(name: str) -> dict[str, str]:
    """The versions a constraints file names."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pins = [line.partition("#")[0].strip() for line in lines]
    return {pin.partition("==")[0].lower(): pin.partition("==")[2] for pin in pins if pin}


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    """Folders are found from the repository, from arguments or from documented variables."""
    assert matches(MACHINE_PATH) == []


def test_no_file_names_where_packages_come_from() -> None:
    """Where packages come from is for each machine's own installer to know."""
    assert matches(REGISTRY) == []


def test_no_lock_file_is_committed() -> None:
    """Versions are pinned by constraints, which name no address."""
    assert [str(path) for path in tracked() if LOCK_FILES.search(str(path.relative_to(ROOT)))] == []


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-lowest.txt"])
def test_constraints_are_names_and_versions_only(name: str) -> None:
    """No addresses, no hashes, no options: one `name==version` a line."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not re.fullmatch(r"#.*|[\w.-]+==[\w.]+", line)] == []


@pytest.mark.parametrize("pyproject", ["pyproject.toml", "plugins/ownership-sqlalchemy/pyproject.toml"])
def test_each_floor_is_the_version_the_lowest_run_installs(pyproject: str) -> None:
    """A floor nobody runs is a guess: `tox -e lowest` installs exactly what the packages call their lowest."""
    lowest = constraints("constraints-lowest.txt")
    asked = floors(ROOT / pyproject)
    assert asked
    for name, floor in asked.items():
        assert floor, f"{name} has no floor"
        padded = [*floor.split("."), "0", "0"][:3]
        assert [*lowest[name].split("."), "0", "0"][:3] == padded, name


@pytest.mark.parametrize("pyproject", ["pyproject.toml", "plugins/ownership-sqlalchemy/pyproject.toml"])
def test_extras_name_third_party_packages_only(pyproject: str) -> None:
    """An extra that names one of our own distributions could be installed from no index."""
    project = tomllib.loads((ROOT / pyproject).read_text(encoding="utf-8"))["project"]
    extras = project.get("optional-dependencies", {})
    assert [name for names in extras.values() for name in names if name.startswith("ownership")] == []


def test_change_notes_are_named_by_issue_and_type() -> None:
    """Each note is `NNN.type.md`, so that a release can sort them."""
    notes = [path.name for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md"]
    assert [n for n in notes if not re.fullmatch(r"\d{3,}\.(added|changed|fixed|removed|security)\.md", n)] == []
