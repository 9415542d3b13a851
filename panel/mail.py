"""Messages as people read them: the digests of `jobs/policy/digest.py` in text, in HTML, and in brief.

Given to what sends them (`jobs/wiring/post.py`), which renders nothing itself. Needs neither a request nor Flask.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from jobs.letter import Rendered
from panel import folder

LONGEST_BRIEF = 1500
"""Characters; several chats take no more than 2000."""


def render(content: Mapping[str, Any]) -> Rendered:
    """Everything in `content` may come from anywhere: it is escaped in HTML, and one printable line each already."""
    found = _environment()
    text, html, brief = (found.get_template(f"digest.{kind}").render(**content) for kind in ("txt", "html", "brief"))
    return Rendered(text, html, brief if len(brief) <= LONGEST_BRIEF else f"{brief[: LONGEST_BRIEF - 1]}…")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(folder("templates") / "mail"),
        autoescape=lambda name: name is None or name.endswith(".html"),  # noqa: S701 the others are no HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals["account_page"] = account_page
    made.globals["log_page"] = log_page
    return made


def account_page(panel: str, account: str) -> str:
    """SSL/TLS Status of an account."""
    return f"{panel}/status/{quote(account, safe='')}" if account else f"{panel}/"


def log_page(panel: str, run: str) -> str:
    return f"{panel}/logs/{quote(run, safe='')}"
