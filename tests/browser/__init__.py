"""Headless Chromium in front of the real `python app.py`."""
