"""The commands that look after the installation: ``doctor`` and ``plugins``."""

from __future__ import annotations

from ownership_core.cli.options import shop_command
from ownership_core.cli.session import Session
from ownership_core.cli.voice import DONE, PLUGIN, counted


@shop_command("doctor")
def doctor(session: Session) -> int:
    """Look for what needs somebody's hand.

    Customers of nobody, staff without access, and whatever plugins look for. Exit code 4 where a check failed.
    """
    from ownership_core.cli.output import emit

    findings = [
        {"check": name, "code": problem.code, "what": problem.what, "hint": problem.hint}
        for name, problems in session.shop.doctor()
        for problem in problems
    ]
    if findings or session.format != "table":
        emit(session.format, ["check", "code", "what", "hint"], findings)
    session.say(f"{counted(len(findings), 'finding')}." if findings else "All is well.")
    return PLUGIN if any(finding["code"] == "plugin_failed" for finding in findings) else DONE


@shop_command("plugins")
def plugins(session: Session) -> None:
    """List every plugin, and why it does nothing."""
    from ownership_core.cli.output import emit

    rows = [
        {
            "name": plugin.name,
            "distribution": plugin.distribution or "ownership-core",
            "version": plugin.version,
            "state": plugin.state.value,
            "hooks": [hook.removeprefix("ownership_") for hook in plugin.hooks],
            "reason": plugin.reason,
        }
        for plugin in session.host.plugins
    ]
    emit(session.format, ["name", "distribution", "version", "state", "hooks", "reason"], rows)
