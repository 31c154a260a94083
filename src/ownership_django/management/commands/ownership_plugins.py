"""``manage.py ownership_plugins``: the verb ``ownership plugins`` on the site's own tables."""

from __future__ import annotations

from ownership_django.management.base import VerbCommand


class Command(VerbCommand):
    """The command."""

    help = "List every plugin, and why it does nothing."
    verb = "plugins"
