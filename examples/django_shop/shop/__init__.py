"""A shop: its customers, their profiles and what they ordered."""
