"""Addresses of static files that change with their content, so that browsers may keep the files for good."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, current_app, request, url_for

KEPT = int(timedelta(days=365).total_seconds())


def set_up(app: Flask) -> None:
    app.jinja_env.globals["asset"] = asset

    @app.after_request
    def keep(response: Response) -> Response:
        if request.endpoint == "static" and request.args.get("v") and response.status_code == 200:
            response.headers["Cache-Control"] = f"public, max-age={KEPT}, immutable"
        return response


def asset(name: str) -> str:
    """The address of `static/<name>`. Raises FileNotFoundError: the wheel was built without it."""
    path = Path(current_app.static_folder or "", name)
    return url_for("static", filename=name, v=_version(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=64)
def _version(path: Path, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
