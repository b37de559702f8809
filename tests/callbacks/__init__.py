"""Callbacks as plain functions, without Dash."""
