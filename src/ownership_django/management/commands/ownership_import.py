"""``manage.py ownership_import assignments|departments|staff FILE``: the verb ``import``; customers are the host's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ownership_django.management.base import VerbCommand

if TYPE_CHECKING:
    import click


class Command(VerbCommand):
    """The command."""

    help = "Bring in from a file who owns which customer, the departments, or the staff."
    verb = "import"

    def click_command(self) -> click.Command:
        """The imports of what is ours."""
        import click  # noqa: PLC0415 - the extra may be missing

        from ownership_core.cli import imports  # noqa: PLC0415 - the same

        ours = (imports.assignments, imports.departments, imports.staff)
        return click.Group("import", help=self.help, commands={one.name or "": one.commands["import"] for one in ours})
