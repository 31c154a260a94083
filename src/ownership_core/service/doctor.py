"""What the doctor finds: every check runs, whatever becomes of the others."""

from __future__ import annotations

from ownership_core.errors import Problem
from ownership_core.hookspecs import DoctorCheck
from ownership_core.host import Host
from ownership_core.ports import Store


def examine(store: Store, host: Host) -> list[tuple[str, list[Problem]]]:
    """Each check's name with the problems it found; a plugin that fails is a problem under its own name."""
    checks, failed = host.attempt("ownership_doctor_checks", DoctorCheck)
    found = [(check.name, _problems(store, check)) for _, check in checks]
    return [*found, *((name, list(error.problems)) for name, error in failed)]


def _problems(store: Store, check: DoctorCheck) -> list[Problem]:
    try:
        with store.reader() as reader:
            return list(check.run(reader))
    except (Exception, SystemExit) as broken:  # noqa: BLE001 - a plugin may raise anything
        what = f"The check {check.name!r} raised {type(broken).__name__}."
        return [Problem("plugin_failed", what, "Mend the plugin.")]
