"""Brings the shop up: makes its tables, fills them, and says who looks after whom.

``python bring_up.py`` makes people up; ``python bring_up.py --data FOLDER`` takes those of Chinook and Northwind.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def bring_up(folder: Path | None = None) -> int:
    """Fill a shop whose tables are there, and say how many customers it has now."""
    from fill import fill  # noqa: PLC0415 - models can be asked for once Django is set up
    from owned import own  # noqa: PLC0415 - the same
    from people import made_up, real_people  # noqa: PLC0415 - the same

    people = made_up() if folder is None else real_people(folder)
    customers = fill(people)
    own(people, customers)
    return len(customers)


def main() -> None:
    """The command line."""
    import django  # noqa: PLC0415 - first the settings
    from django.core.management import call_command  # noqa: PLC0415 - the same

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder with chinook/ and northwind/")
    chosen = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from django.contrib.auth.models import User  # noqa: PLC0415 - the same

    call_command("migrate", verbosity=0)
    many = bring_up(chosen.data)
    names = ", ".join(sorted(User.objects.values_list("username", flat=True)))
    print(f"{many} customers. Log in at /admin/ as one of {names}; every password is 'shop'.")


if __name__ == "__main__":
    main()
