"""The recorder process, the one who watches it, and those who follow it."""
