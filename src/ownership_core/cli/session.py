"""One call of the command line: which database and settings, who is asking, how answers look."""

from __future__ import annotations

import getpass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from ownership_core.cli.voice import say, warn
from ownership_core.discovery import State
from ownership_core.errors import Problem, Refused, invalid
from ownership_core.host import Host
from ownership_core.model import Actor
from ownership_core.settings import Settings, read_settings

if TYPE_CHECKING:
    from ownership_core.ports import Store
    from ownership_core.service import Ownership

SETTINGS_FILE = Path("ownership.toml")
OPERATOR = "operator"


@attrs.define(slots=False)
class Session:
    """Filled by the options, opened when first needed: ``--help`` opens nothing."""

    db: str | None = None
    config: Path | None = None
    who: str | None = None
    format: str = "table"
    _warned: set[str] = attrs.field(factory=set)

    @cached_property
    def settings(self) -> Settings:
        """From ``--config``, else from ``./ownership.toml``, else the defaults; ``--db`` goes first."""
        file = self.config or (SETTINGS_FILE if SETTINGS_FILE.is_file() else None)
        settings = Settings() if file is None else read_settings(file)
        return settings if self.db is None else attrs.evolve(settings, database=self.db)

    @cached_property
    def host(self) -> Host:
        """The plugins; failed ones are named on stderr and left out."""
        from ownership_core.service import host_for

        host = host_for(self.settings)
        self._name_the_failed(host)
        return host

    @cached_property
    def store(self) -> Store:
        """The store of the settings, opened through its plugin and not changed."""
        from ownership_core.service import fields_for

        fields = fields_for(self.settings, self.host)
        store: Store = self.host.pick("ownership_store", self.settings.store, settings=self.settings, fields=fields)
        return store

    @cached_property
    def shop(self) -> Ownership:
        """The service on that store; refuses a store that is not ready."""
        from ownership_core.service import Ownership

        shop = Ownership(self.store, self.settings, self.host)
        self._name_the_failed(self.host)
        return shop

    @property
    def actor(self) -> Actor:
        """Whoever ``--as`` names (``actor_missing`` without it)."""
        if self.who is None:
            hint = "Put --as STAFF before or after the command."
            raise invalid("actor_missing", "It is not said who is asking.", hint)
        if self.who != OPERATOR:
            return Actor.staff(self.who)
        if not self.settings.operator:
            hint = "Set operator = true in ownership.toml, or name a staff with --as STAFF."
            raise Refused(Problem("operator_disabled", "The settings do not allow --as operator.", hint))
        return Actor.operator(getpass.getuser())

    def close(self) -> None:
        """Close the store if it was opened; stores that keep nothing open need no ``close``."""
        store = self.__dict__.get("store")
        if store is not None and hasattr(store, "close"):
            store.close()

    def say(self, text: str) -> None:
        """Tell people something that is no data: a count, a hint."""
        say(text)

    def _name_the_failed(self, host: Host) -> None:
        for plugin in host.plugins:
            if plugin.state is State.FAILED and plugin.name not in self._warned:
                self._warned.add(plugin.name)
                warn(f"the plugin {plugin.name!r} was left out: {plugin.reason}")
