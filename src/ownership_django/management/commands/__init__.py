"""One command a file, as Django finds them; what they do is in :mod:`ownership_core.cli`."""
