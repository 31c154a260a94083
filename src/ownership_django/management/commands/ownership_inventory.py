"""``manage.py ownership_inventory``: the verb ``ownership inventory`` on the site's own tables."""

from __future__ import annotations

from ownership_django.management.base import VerbCommand


class Command(VerbCommand):
    """The command."""

    help = "Tell what a staff holds and would leave behind."
    verb = "inventory"
