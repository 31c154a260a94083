"""``manage.py ownership_history``: the verb ``ownership history`` on the site's own tables."""

from __future__ import annotations

from ownership_django.management.base import VerbCommand


class Command(VerbCommand):
    """The command."""

    help = "Show what happened to a customer."
    verb = "history"
