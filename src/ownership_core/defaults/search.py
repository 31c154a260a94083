"""The standard search filters of the customer list (rows 2, 15, 16)."""

from __future__ import annotations

from ownership_core.hookspecs import SearchFilter, hookimpl
from ownership_core.scope import Has, Matches, Under


class Search:
    """Name, e-mail, phone, group, tag, city, state, ZIP, country and external id."""

    @hookimpl
    def ownership_search_filters(self) -> list[SearchFilter]:
        """Text is searched within, ZIP codes from the start, everything else exactly."""
        return [
            SearchFilter("name", lambda text: Matches("name", text), 10),
            SearchFilter("email", lambda text: Matches("email", text), 20),
            SearchFilter("phone", lambda text: Matches("phone", text), 30),
            SearchFilter("group", lambda text: Has("groups", [text]), 40),
            SearchFilter("tag", lambda text: Has("tags", [text]), 50),
            SearchFilter("city", lambda text: Has("cities", [text]), 60),
            SearchFilter("state", lambda text: Has("states", [text]), 70),
            SearchFilter("zip", lambda text: Under("zips", text), 80),
            SearchFilter("country", lambda text: Has("countries", [text]), 90),
            SearchFilter("external_id", lambda text: Has("external_ids", [text]), 100),
        ]
