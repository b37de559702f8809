"""Cards: one file for each kind."""
