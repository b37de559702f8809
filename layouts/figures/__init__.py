"""Figures: pure functions from what is shown to plain dicts that plotly.js draws."""
