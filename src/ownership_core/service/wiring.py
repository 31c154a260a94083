"""From settings to parts: which plugins an application has, and which fields they declare."""

from __future__ import annotations

from ownership_core.defaults import built_in
from ownership_core.discovery import discover
from ownership_core.fields import Field, Fields
from ownership_core.host import Host
from ownership_core.settings import Settings


def host_for(settings: Settings, plugins: dict[str, object] | None = None, installed: bool = True) -> Host:
    """The host of an application: built-in plugins, ``plugins`` handed in, and the installed ones."""
    found = discover(settings.plugins) if installed else []
    return Host({**built_in(settings), **(plugins or {})}, found, settings.plugins.block)


def fields_for(settings: Settings, host: Host) -> Fields:
    """All declared fields: built in, from the settings, and from plugins."""
    offered = [field for _, field in host.gather("ownership_customer_fields", Field)]
    return Fields.declare((*settings.fields, *offered))
