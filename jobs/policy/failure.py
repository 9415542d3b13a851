"""The one exception that ends a step, and the value that says why a name was left off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


class Failure(Exception):
    """A step could not be done.

    `code` is a key of the catalogue in `problems.py`; `detail` says what happened in words, with what was
    expected and what was found (a CA's own words are kept as they are); `retry_at` (aware, UTC) is set when
    the cause named a time; `permanent` when only a person can change the outcome; `names` when it is about some
    host names only, each with the words about it; `of_provider` when the CA will do no better with any other order.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        retry_at: datetime | None = None,
        permanent: bool = False,
        names: Mapping[str, str] | None = None,
        *,
        of_provider: bool = False,
    ) -> None:
        super().__init__(f"{detail} [{code}]")
        self.code = code
        self.detail = detail
        self.retry_at = retry_at
        self.permanent = permanent
        self.names = dict(names or {})
        self.of_provider = of_provider


@dataclass(frozen=True, slots=True)
class LeftOff:
    """A wanted name that a certificate will not cover, and why."""

    name: str
    code: str
    text: str
