"""``manage.py ownership_runs``: the verb ``ownership runs`` on the site's own tables."""

from __future__ import annotations

from ownership_django.management.base import VerbCommand


class Command(VerbCommand):
    """The command."""

    help = "List who ran what and when."
    verb = "runs"
