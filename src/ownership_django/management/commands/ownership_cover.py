"""``manage.py ownership_cover``: the verb ``ownership cover`` on the site's own tables."""

from __future__ import annotations

from ownership_django.management.base import VerbCommand


class Command(VerbCommand):
    """The command."""

    help = "Let a staff stand in for another one for a time, and end it."
    verb = "cover"
