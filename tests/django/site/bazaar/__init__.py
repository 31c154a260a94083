"""A site that already exists: its project and its one app. It knows nothing of ownership but its settings."""
