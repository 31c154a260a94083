"""One call of a command: the site's own settings and database, and one of its staff or users who asks."""

from __future__ import annotations

from functools import cached_property

import attrs
from django.contrib.auth import get_user_model

from ownership_core.cli.session import OPERATOR, Session
from ownership_core.errors import invalid
from ownership_core.host import Host
from ownership_core.model import Actor, StaffId
from ownership_core.ports import Store
from ownership_core.service import Ownership
from ownership_core.settings import Settings
from ownership_django import conf
from ownership_django.actors import Asker, asker_of
from ownership_django.service import ownership, superusers


@attrs.define(slots=False)
class SiteSession(Session):
    """What a verb finds here in place of ``./ownership.toml``."""

    @cached_property
    def settings(self) -> Settings:
        """Those of the site; ``--db`` and ``--config`` are refused, since Django has both (``invalid_value``)."""
        if self.db is not None or self.config is not None:
            hint = f"Set {conf.NAME} in the site's settings, and choose these with --settings."
            raise invalid("invalid_value", "A site's database and settings are those of Django.", hint)
        return conf.configuration().settings

    @cached_property
    def host(self) -> Host:
        """The site's plugins; failed ones are named on stderr."""
        host = conf.plugins()
        self._name_the_failed(host)
        return host

    @cached_property
    def store(self) -> Store:
        """The site's tables."""
        return self.shop.store

    @cached_property
    def shop(self) -> Ownership:
        """The service, as it serves whoever asks."""
        self.settings  # noqa: B018 - refuses what has no place here
        return superusers() if self._asker is not None and self._asker.superuser else ownership()

    @property
    def actor(self) -> Actor:
        """Whoever ``--as`` names: a staff by its id, or a user of the site by its name, who may be a superuser."""
        return super().actor if self._asker is None else self._asker.actor

    def close(self) -> None:
        """Django closes its own connections."""

    @cached_property
    def _asker(self) -> Asker | None:
        """None where it is for the core to say: nobody is named, or the operator."""
        if self.who is None or self.who == OPERATOR:
            return None
        with ownership().store.reader() as reader:
            if reader.staff([StaffId(self.who)]):
                return Asker(Actor.staff(self.who))
        users = get_user_model()
        user = users._default_manager.filter(**{str(users.USERNAME_FIELD): self.who}).first()  # noqa: SLF001 - documented
        return Asker(Actor.staff(self.who)) if user is None else asker_of(user)
