"""``manage.py ownership_grant``: the verb ``ownership grant`` on the site's own tables."""

from __future__ import annotations

from ownership_django.management.base import VerbCommand


class Command(VerbCommand):
    """The command."""

    help = "Give a role to a staff, or take it back."
    verb = "grant"
