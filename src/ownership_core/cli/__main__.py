"""``python -m ownership_core.cli``: the same as ``ownership``."""

import sys

from ownership_core.cli import main

sys.exit(main())
