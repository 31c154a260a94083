"""Which runs a command takes back, and whether they are of the kind that can be (C08, C09)."""

from __future__ import annotations

from ownership_core.commands import Revert
from ownership_core.errors import Problem, Refused
from ownership_core.model import Actor
from ownership_core.ports import RunState, Writer
from ownership_core.service.refusals import unknown_run

REVERTIBLE = frozenset(
    {
        *("assign", "unassign", "set_primary", "clear_primary", "claim", "release"),
        *("transfer", "offboard", "rebalance", "sweep", "revert"),
    }
)
"""What changed assignments and nothing else."""


def undone_runs(writer: Writer, actor: Actor, command: Revert) -> tuple[str, ...]:
    """The run, or the parts a plan was applied in; ``unknown_run`` and ``not_revertible`` refuse."""
    found = writer.run(command.run)
    parts = writer.parts(command.run)
    if found is None or (found.state is not RunState.APPLIED and not parts):
        raise Refused(unknown_run(command.run), who=actor.id)
    if found.what not in REVERTIBLE:
        what = f"A run of {found.what!r} changed more than assignments."
        raise Refused(Problem("not_revertible", what, "Change back by hand what has to be."), who=actor.id)
    return tuple(run.id for run in parts) or (found.id,)
