"""Component trees without a browser."""
