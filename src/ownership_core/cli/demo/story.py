"""The command ``demo``: one story, told by the real commands and their real answers."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import click

from ownership_core.cli.demo.shop import write_shop
from ownership_core.cli.demo.steps import STORY, Step
from ownership_core.errors import invalid

WIDTH = 92
_MARKED = ("  ✓", "  ✗", "  ?")


@click.command("demo")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Leave the shop in this new folder.")
def demo(keep: Path | None) -> int:
    """Show a small shop at work, in a temporary database.

    Who sees whom, why, and what a change does: every command is real, and so is its answer.
    """
    with _folder(keep) as folder, chdir(folder):
        write_shop(folder)
        for step in STORY:
            code = _tell(step)
            if code != step.code:
                return code or 1
    _farewell(keep)
    return 0


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="ownership-demo-") as folder:
            yield Path(folder)
        return
    if keep.exists() and any(keep.iterdir()):
        raise invalid("unwritable_file", f"{keep} is not empty.", "Name a new folder.", "--keep")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()


def _tell(step: Step) -> int:
    """A heading or none, what it is about, the command, its answer, and what to see in it."""
    if step.heading:
        _print(f"\n{_bold(step.heading)}\n{_bold('-' * len(step.heading))}")
    _paragraph(step.text)
    if not step.command:
        return 0
    arguments = shlex.split(step.command)
    _print("\n" + _bold(_wrapped(f"  $ ownership {step.command}", " --", " \\\n       ")))
    code, answer = _answer(arguments)
    _print("\n".join(f"    {_read_aloud(line)}".rstrip() for line in answer.splitlines()))
    _paragraph(step.after)
    return code


def _answer(arguments: list[str]) -> tuple[int, str]:
    """The exit code of a command, and everything it said, in the order it was said."""
    from ownership_core.cli.app import run

    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = run(arguments)
    return code, said.getvalue()


def _wrapped(command: str, before: str, joint: str) -> str:
    """A long command on several lines, as a shell takes it."""
    first, *rest = command.split(before)
    lines = [first]
    for part in rest:
        if len(lines[-1]) + len(before + part) > WIDTH:
            lines.append(before + part)
        else:
            lines[-1] += before + part
    return joint.join(lines)


def _read_aloud(line: str) -> str:
    """The long sentences of a why, folded; tables stay as they are."""
    if not line.startswith(_MARKED):
        return line
    return textwrap.fill(line, WIDTH, initial_indent="", subsequent_indent="        ", drop_whitespace=True)


def _farewell(keep: Path | None) -> None:
    _print(f"\n{_bold('Your turn')}\n{_bold('---------')}")
    if keep is None:
        _paragraph("The shop lived in a temporary folder, and that is gone. To keep one and try things yourself:")
        _print("\n  ownership demo --keep my-shop && cd my-shop && ownership list --as maria")
    else:
        _paragraph(f"The shop is in {keep}. Go there and ask:")
        _print(f"\n  cd {keep} && ownership list --as maria")
    _print("  ownership --help")


def _paragraph(text: str) -> None:
    if text:
        _print("\n" + textwrap.fill(" ".join(text.split()), WIDTH))


def _print(text: str) -> None:
    click.echo(text)


def _bold(text: str) -> str:
    return click.style(text, bold=True) if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else text
