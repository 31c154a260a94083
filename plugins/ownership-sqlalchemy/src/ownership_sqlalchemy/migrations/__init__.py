"""The migrations; run through :mod:`ownership_sqlalchemy.schema`."""
