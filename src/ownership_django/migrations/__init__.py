"""The tables of the app; the customer and staff models are those of the site's settings."""
