"""Everything stands in a database that is not the default one."""

from __future__ import annotations

from typing import Any


class Elsewhere:
    """All models, all reads and all writes."""

    def db_for_read(self, _model: Any, **_: Any) -> str:
        """Elsewhere."""
        return "crm"

    db_for_write = db_for_read

    def allow_migrate(self, db: str, _app_label: str, **_: Any) -> bool:
        """There, and nowhere else."""
        return db == "crm"
