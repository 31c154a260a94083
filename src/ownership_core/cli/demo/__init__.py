"""A small shop of made-up people, and the story that shows what this package does."""
