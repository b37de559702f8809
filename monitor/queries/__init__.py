"""Questions the page and the API ask of recorded data."""
