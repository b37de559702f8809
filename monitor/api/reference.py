"""The API's reference page, from its own OpenAPI description. Nothing comes from another host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fastapi_offline
import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse

from monitor.access.denied import token_needed
from monitor.api.caching import CHECKED
from monitor.api.problems import described
from monitor.api.route import SystemRoute

_STATIC = Path(fastapi_offline.__file__).parent / "static"
_FILES = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon.png"})

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API · System Monitor</title>
<link rel="icon" href="docs/favicon.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
<style>
html.dark-mode, html.dark-mode body { background: #020617; color-scheme: dark; }
body { margin: 0; }
</style>
</head>
<body>
<div id="reference"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>"""

# The theme is the page's, where a person has chosen one.
_START = """(() => {
  let theme = null;
  try { theme = JSON.parse(localStorage.getItem("theme")); } catch { /* storage is switched off */ }
  document.documentElement.classList.toggle("dark-mode", theme !== "light");
  SwaggerUIBundle({
    url: new URL("openapi.json", location.href).pathname,
    dom_id: "#reference",
    deepLinking: true,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
})();
"""


def reference(server: FastAPI) -> APIRouter:
    """`/api/openapi.json`, and `/api/docs` with its files."""
    router = APIRouter(prefix="/api", route_class=SystemRoute, include_in_schema=False)

    @router.get("/openapi.json")
    async def description(_: Request) -> Response:
        body = orjson.dumps(server.openapi())
        return Response(body, headers=CHECKED, media_type="application/json")

    @router.get("/docs")
    async def page(_: Request) -> Response:
        return HTMLResponse(_PAGE, headers=CHECKED)

    @router.get("/docs/start.js")
    async def start(_: Request) -> Response:
        return Response(_START, headers=CHECKED, media_type="text/javascript")

    @router.get("/docs/{name}")
    async def file(name: str) -> Response:
        if name not in _FILES:
            raise HTTPException(404)
        return FileResponse(_STATIC / name)

    return router


def describe(server: FastAPI, prefix: str) -> None:
    """Complete the OpenAPI description, which FastAPI keeps once it is made.

    It says below which `prefix` its paths are, how a token is sent and how the gate refuses,
    whatever is asked; and of each operation what its docstring says first, instead of the
    function's name.
    """
    describe_paths = server.openapi
    refused = {**described(token_needed()), "description": "Not let in"}

    def openapi() -> dict[str, Any]:
        if server.openapi_schema is not None:
            return server.openapi_schema
        found = describe_paths()
        found["servers"] = [{"url": prefix.rstrip("/") or "/"}]
        found.setdefault("components", {})["securitySchemes"] = {
            "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "the one it was started with",
            }
        }
        found["security"] = [{"token": []}, {}]
        for operations in found["paths"].values():
            for operation in operations.values():
                operation["responses"].setdefault("default", refused)
                summary, _, operation["description"] = operation["description"].partition("\n\n")
                operation["summary"] = summary.rstrip(".")
        return found

    server.openapi = openapi  # type: ignore[method-assign]
