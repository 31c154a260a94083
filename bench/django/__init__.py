"""How fast is a Django site? Beside the ORM and SQL by hand, and django-guardian: ``python -m bench.django``."""
