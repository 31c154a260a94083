"""The project: settings, and the pages of the dashboard that are narrowed."""
