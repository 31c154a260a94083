"""``manage.py ownership_plan``: the verb ``ownership plan`` on the site's own tables."""

from __future__ import annotations

from ownership_django.management.base import VerbCommand


class Command(VerbCommand):
    """The command."""

    help = "Show what a change would do, and keep the plan."
    verb = "plan"
