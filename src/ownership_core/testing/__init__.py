"""The kit for plugin authors: a reference store, random worlds, and the contracts a plugin must keep."""
