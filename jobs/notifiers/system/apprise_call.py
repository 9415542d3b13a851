"""One message by the library apprise, in a process of its own: `python -m` this module.

What is to be sent is read from stdin, as JSON, for its URLs are secrets; the last line of stdout is the outcome. The
library says what went wrong in its log only, which is caught here.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import apprise

_LONGEST_WORDS = 400
_SERVICES = 5


class _Heard(logging.Handler):
    """What the library complained of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(" ".join(record.getMessage().split()))


def main() -> None:
    job = json.load(sys.stdin)
    heard = _Heard()
    log = logging.getLogger("apprise")
    log.addHandler(heard)
    log.propagate = False
    good, text = _done(job)
    said = "; ".join(dict.fromkeys(heard.lines))[:_LONGEST_WORDS]
    words = text if good or not said else f"{text}: {said}"
    print(json.dumps({"good": good, "text": words}))  # noqa: T201 it is the answer


def _done(job: dict[str, Any]) -> tuple[bool, str]:
    """Without a body the URLs are only looked at."""
    services = apprise.Apprise(asset=apprise.AppriseAsset(plugin_paths=[], async_mode=False, secure_logging=True))
    for number, url in enumerate(job["urls"], 1):
        if not services.add(url):
            return False, f"URL {number} is none that apprise knows"
    names = [str(one.service_name) for one in services]
    if "body" not in job:
        return True, f"known: {', '.join(names[:_SERVICES])}"
    for one in services:
        one.overflow_mode = apprise.OverflowMode.SPLIT
    good = services.notify(
        title=job["title"], body=job["body"], notify_type=apprise.NotifyType.INFO, body_format=apprise.NotifyFormat.TEXT
    )
    return bool(good), f"taken by {', '.join(names[:_SERVICES])}" if good else "not taken"


if __name__ == "__main__":
    main()
