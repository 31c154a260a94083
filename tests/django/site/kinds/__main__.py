"""``python -m kinds``: tells the story of the kind of customers that ``KINDS`` names."""

from __future__ import annotations

import django

if __name__ == "__main__":
    django.setup()

    from kinds.story import main

    main()
