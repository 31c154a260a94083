"""How fast is it? One command, one table, beside hand-written SQL in the same process: ``python -m bench``."""
