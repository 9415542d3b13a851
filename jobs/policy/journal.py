"""What a line of the process's own log is about, for who reads the journal by fields; and how it stays one line.

Words come from CAs, name servers, configuration files and whoever knocks at the sign-in. Whatever stands in them, a
line is one line, a field is one field, and nothing in it moves a terminal's cursor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

LONGEST = 4000
"""Characters of a line or a field; a CA's answer may be as long as it likes."""


class Kind(StrEnum):
    """Lines that somebody may want to find again, or to be woken by."""

    RUN_EVENT = "run_event"
    """A warning or an error in a check."""
    RUN_FINISHED = "run_finished"
    """The end of a check, with what came of it."""
    SIGN_IN_REFUSED = "sign_in_refused"
    DUTY_FAILED = "duty_failed"
    """Something that the panel does by itself did not work; it is tried again."""
    DUTY_WORKS = "duty_works"
    """It works again."""
    SERVICE_RELOADED = "service_reloaded"
    """A service presented something else than is installed, and was reloaded for that."""
    MESSAGE_FAILED = "message_failed"
    """A message was not taken; it is tried again, or given up."""


MESSAGE_IDS: Mapping[Kind, str] = MappingProxyType({
    Kind.RUN_EVENT: "d639d7cd68934b698a61648ba3b9c2ed",
    Kind.RUN_FINISHED: "2af1ceb0b9534426877bf750e3fb2ca9",
    Kind.SIGN_IN_REFUSED: "bd146eb897404f7ab3c77caeb9bfb925",
    Kind.DUTY_FAILED: "ba262c3dde924096bddbcfe73266777d",
    Kind.DUTY_WORKS: "d6aca84023fc486c9e278f5b0fd08ca6",
    Kind.SERVICE_RELOADED: "5c98e9297937461c8fc11398fcaa9ed1",
    Kind.MESSAGE_FAILED: "1b5f3150ecf24e7fbeaf280e566d5c12",
})
"""journald's MESSAGE_ID of each kind. They stand in people's alerts, and never change."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a line is about, as far as it is about such a thing. `code`: of the catalogue; `run`: its start."""

    kind: Kind
    code: str = ""
    account: str = ""
    website: str = ""
    name: str = ""
    run: str = ""
    service: str = ""
    address: str = ""


def about(kind: Kind, **values: str) -> dict[str, Subject]:
    """`extra` of a call of the logging module."""
    return {"subject": Subject(kind, **values)}


def fields(subject: Subject) -> list[tuple[str, str]]:
    """The journal's fields for it; what is empty has none."""
    values = {
        "AUTOSSL_KIND": subject.kind,
        "AUTOSSL_CODE": subject.code,
        "AUTOSSL_ACCOUNT": subject.account,
        "AUTOSSL_WEBSITE": subject.website,
        "AUTOSSL_NAME": subject.name,
        "AUTOSSL_RUN": subject.run,
        "AUTOSSL_SERVICE": subject.service,
        "AUTOSSL_ADDRESS": subject.address,
    }
    kept = [(key, one_line(value)) for key, value in values.items() if value]
    return [("MESSAGE_ID", MESSAGE_IDS[subject.kind]), *kept]


def one_line(text: str) -> str:
    """The same as one line that can be seen, and what is too long is cut off."""
    return legible(text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...")


def legible(text: str) -> str:
    """The same with every character that a terminal or a reader of lines would act on written out."""
    return text if text.isprintable() else "".join(one if one.isprintable() else _written(one) for one in text)


def _written(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")
