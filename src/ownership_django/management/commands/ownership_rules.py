"""``manage.py ownership_rules``: the verb ``ownership rules`` on the site's own tables."""

from __future__ import annotations

from ownership_django.management.base import VerbCommand


class Command(VerbCommand):
    """The command."""

    help = "List, write or forget assignment rules, and ask which would fire."
    verb = "rules"
