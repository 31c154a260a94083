"""Customers of every shape a host may give them: users, children of another model, a row beside a user, tenants."""
