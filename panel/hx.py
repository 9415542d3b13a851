"""htmx as this panel speaks it, and the one module that knows htmx-flask.

A view answers alike with and without htmx: `page_or_partial` differs only in the template, `redirect` only in the
header. Of htmx-flask 0.1 only the request's headers are read; its `make_response` refuses half of the swap styles,
sets no `Vary`, and takes no `HX-Reselect`, so the headers of an answer are set here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, flash, g, get_flashed_messages, make_response, render_template
from flask import redirect as plain_redirect
from htmx_flask import Htmx, request
from werkzeug.wrappers import Response as AnyResponse

STATUS = "#status"
"""The live region, which stands in every page and is never replaced, only filled."""

STOP_POLLING = 286

CONFIG = json.dumps(
    {
        "allowEval": False,  # the CSP would refuse it
        "allowScriptTags": False,
        "includeIndicatorStyles": False,  # an inline style
        "selfRequestsOnly": True,
        "historyCacheSize": 0,  # pages are not kept in the browser's storage
        "historyRestoreAsHxRequest": False,  # going back wants the page, not a partial
        "disableInheritance": True,
        "timeout": 20_000,
        "responseHandling": [
            {"code": "204", "swap": False},
            {"code": "[23]..", "swap": True},
            {"code": "422", "swap": True},
            {"code": "[45]..", "swap": True, "error": True, "target": STATUS, "swapOverride": "innerHTML"},
        ],
    }
)


def set_up(app: Flask) -> None:
    """Attach to `app`; htmx-flask replaces its request class, so this comes before anything else that does."""
    Htmx(app)
    app.jinja_env.globals.update(htmx_config=CONFIG, live_messages=live_messages)

    @app.after_request
    def vary(response: Response) -> Response:
        if request.endpoint != "static":
            response.vary.add("HX-Request")
        return response


def is_htmx() -> bool:
    """Whether htmx asks, be it for a part or for a whole page."""
    return bool(request.htmx)


def wants_partial() -> bool:
    """Whether the answer will be put into a page that is there already."""
    htmx = request.htmx
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def page_or_partial(page_template: str, partial: str | Sequence[str], /, **context: Any) -> str:
    """The page, or for htmx its partial (or several: further ones carry `hx-swap-oob`), of the same view.

    What was said during the request comes along in both. Answer with a status beside it: `..., 422`.
    """
    if not wants_partial():
        return render_template(page_template, **context)
    return partial_only(partial, **context)


def partial_only(partial: str | Sequence[str], /, **context: Any) -> str:
    """As `page_or_partial`, for an address that no person opens, such as one that is only polled."""
    names = [partial] if isinstance(partial, str) else partial
    parts = [render_template(name, **context) for name in names]
    messages = _said_now()
    if messages:
        parts.append(render_template("_said.html", messages=messages, oob=True))
    return "".join(parts)


def page_or_whole(page_template: str, partial: str, /, **context: Any) -> Response:
    """As `page_or_partial`, but the partial takes the place of all that stands in the page, whatever the target was:
    for a question that has to be answered first."""
    answer = make_response(page_or_partial(page_template, partial, **context))
    if wants_partial():
        answer.headers["HX-Retarget"] = "#main"
        answer.headers["HX-Reswap"] = "innerHTML show:window:top"
    return answer


def unchanged() -> Response:
    """For a poll: there is nothing new, nothing is swapped."""
    return make_response("", 204)


def stop_polling(content: str = "") -> Response:
    """For a poll: nothing will change any more. `content` is swapped in a last time; without it all stays."""
    answer = make_response(content, STOP_POLLING)
    if not content:
        answer.headers["HX-Reswap"] = "none"
    return answer


def redirect(url: str) -> AnyResponse:
    """Go to `url`, a whole page, by GET. What was said during this request is shown there."""
    for level, message in _said_now():
        flash(message, level)
    g.said = []
    if not is_htmx():
        return plain_redirect(url, 303)
    answer = make_response("", 204)  # htmx would follow a 303 by itself and put that page into the cell that asked
    answer.headers["HX-Redirect"] = url
    return answer


def back(default: str) -> AnyResponse:
    """Go to the page that the form stands in, or to `default`."""
    return redirect(local_path(request.headers.get("Referer", "")) or default)


def local_path(url: str) -> str:
    """Path and query of an address of this panel, which a browser sent; empty for anything else.

    `//other.example` and `/\\other.example` lead a browser elsewhere, and a control character may hide such a one.
    """
    try:
        parts = urlsplit(url if url.isprintable() else "")
    except ValueError:
        return ""  # such as http://[
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    if parts.netloc not in ("", request.host) or "\\" in path:
        return ""
    return path if path.startswith("/") and not path.startswith("//") else ""


def say(message: str, level: str = "info") -> None:
    """Tell the person who asked, by the live region of the page that comes next. Levels: info, good, warn, bad."""
    _said_now().append((level, message))


def live_messages() -> list[tuple[str, str]]:
    """For a whole page: what was said before a redirect, and in this request, as (level, message)."""
    return [*get_flashed_messages(with_categories=True), *_said_now()]


def error(message: str, status: int) -> Response:
    """For htmx: an answer that fills the live region, whatever the target was."""
    answer = make_response(render_template("_said.html", messages=[("bad", message)], oob=False), status)
    answer.headers["HX-Retarget"] = STATUS
    answer.headers["HX-Reswap"] = "innerHTML"
    return answer


def _said_now() -> list[tuple[str, str]]:
    if "said" not in g:
        g.said = []
    messages: list[tuple[str, str]] = g.said
    return messages
