"""How words from elsewhere read on a page."""

from __future__ import annotations

from markupsafe import Markup

from jobs.policy.failure import Failure
from jobs.policy.plain_url import is_plain
from jobs.policy.redirects import LONGEST_URL

SERVICES = {
    "apache": "Web (Apache)",
    "nginx": "Web (nginx)",
    "dovecot": "Mailboxes (Dovecot)",
    "exim": "Mail delivery (Exim)",
    "postfix": "Mail delivery (Postfix)",
    "webdisk": "Web Disk",
    "panel": "This panel",
}
"""As a customer knows them; another service stands under its own name."""


def sentence(failure: Failure) -> str:
    """Its words as one sentence."""
    return as_sentence(failure.detail)


def as_sentence(text: str) -> str:
    """With a capital at its beginning and a full stop at its end."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def visible(text: str) -> str:
    """The same with what can't be seen written out: control characters, and those that turn or hide other text.

    Line feeds and tabs stay. Escaping for HTML is the template's.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else _written(one) for one in text)


def shown(value: object) -> object:
    """What a template is about to put into a page, as `visible` has it: also where nobody thought of that. Markup is
    made of such texts already."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return visible(value.replace("\r\n", "\n"))


def is_web_address(url: str) -> bool:
    """Whether a link may be made of what a CA gave: a browser goes to a website by it, and nowhere else."""
    return is_plain(url, ("https", "http"), LONGEST_URL)


def _written(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")
