"""The HTML around the page. Nothing in it comes from another host."""

from __future__ import annotations


def index(prefix: str) -> str:
    """Dash's index template. `prefix` is where the page is served, such as `/`."""
    return f"""<!DOCTYPE html>
<html lang="en" data-bs-theme="dark">
<head>
{{%metas%}}
<meta name="color-scheme" content="dark light">
<title>{{%title%}}</title>
{{%favicon%}}
<link rel="preload" as="fetch" crossorigin href="{prefix}_dash-layout">
<link rel="preload" as="fetch" crossorigin href="{prefix}_dash-dependencies">
<link rel="stylesheet" href="{prefix}bootstrap/bootstrap.min.css">
<link rel="stylesheet" href="{prefix}bootstrap/font/bootstrap-icons.min.css">
{{%css%}}
<script src="{prefix}assets/before-paint.js"></script>
</head>
<body>
{{%app_entry%}}
<footer>{{%config%}}{{%scripts%}}{{%renderer%}}</footer>
</body>
</html>"""
