"""The Django adapter: the use cases of :mod:`ownership_core` in a Django site's own tables, users and transaction.

It is thin on purpose: it translates and stores, and every decision stays in the core.
"""
