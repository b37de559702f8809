"""Queries without a browser."""
