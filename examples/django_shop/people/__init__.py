"""Whom the example shop is brought up with: people made up, or those of real shops whose files lie in a folder."""

from people.nouns import People
from people.real import real_people
from people.unreal import made_up

__all__ = ["People", "made_up", "real_people"]
