"""``manage.py ownership_init --admin ID``: the roles of the settings and the first admin, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ownership_django.management.base import VerbCommand

if TYPE_CHECKING:
    import click


class Command(VerbCommand):
    """The command."""

    help = "Make the roles of the settings and the first admin."
    verb = "init"

    def click_command(self) -> click.Command:
        """That of a site: its tables are made by ``migrate``."""
        from ownership_django.management.init import init  # noqa: PLC0415 - the extra may be missing

        return init
