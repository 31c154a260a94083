"""The verbs of the command line ``ownership``, as commands of ``manage.py``."""
