"""The page that a browser without a token gets. It is whole: nothing else is given out."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from starlette.responses import Response

from monitor.access.denied import TOKEN_NEEDED
from monitor.access.headers import own_page
from monitor.api.problems import NOT_STORED, Refusal

FIELD = "token"

_STYLE = """
:root { color-scheme: dark light; --ground: #020617; --panel: #0f172a; --line: #334155;
  --quiet: #94a3b8; --text: #f1f5f9; --bad: #fca5a5; --act: #2563eb; --over: #1d4ed8; }
@media (prefers-color-scheme: light) { :root { --ground: #f1f5f9; --panel: #ffffff;
  --line: #cbd5e1; --quiet: #475569; --text: #0f172a; --bad: #b91c1c; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { width: min(24rem, 100%); padding: 2rem; background: var(--panel);
  border: 1px solid var(--line); border-radius: 8px; }
h1 { margin: 0 0 .25rem; font-size: 1.375rem; line-height: 1.3; }
p { margin: 0 0 1.5rem; color: var(--quiet); overflow-wrap: anywhere; }
p:last-child { margin: 0; }
label { display: block; margin-bottom: .375rem; font-size: .875rem; color: var(--quiet); }
input, button { width: 100%; padding: .625rem .75rem; font: inherit; border-radius: 6px; }
input { background: var(--ground); color: inherit; border: 1px solid var(--line); }
button { margin-top: 1rem; border: 0; background: var(--act); color: #fff; font-weight: 600;
  cursor: pointer; }
button:hover { background: var(--over); }
:focus-visible { outline: 2px solid #60a5fa; outline-offset: 2px; }
[role=alert] { color: var(--bad); }
"""
_HASH = "sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_FORM = f"""<form method="post">
<label for="token">Token</label>
<input id="token" name="{FIELD}" type="password" required maxlength="256" autofocus
 autocomplete="current-password" spellcheck="false">
<button>Sign in</button>
</form>"""
_HINT = (
    "The token is in the address that the monitor printed when it started, or from whoever runs it."
)


def page(refusal: Refusal, *, form: bool) -> Response:
    """A refusal as a person reads it, with a form to sign in or without."""
    asked = form and refusal.status == 401
    title = "Sign in" if form else str(refusal.body["title"])
    told = not asked or refusal.body["type"] != f"/problems/{TOKEN_NEEDED}"
    words = f'<p role="alert">{escape(refusal.detail)}</p>' if told else f"<p>{_HINT}</p>"
    html = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · System Monitor</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{words}
{_FORM if form else ""}
</main>
</body>
</html>"""
    answer = Response(html, refusal.status, NOT_STORED, media_type="text/html")
    answer.raw_headers.extend(own_page(_HASH))
    return answer
