"""What is taken as a mail address, and what is none."""

from __future__ import annotations

import pytest

from jobs.policy.contact import mail_address
from jobs.policy.site import InvalidName


@pytest.mark.parametrize("good", ["a@a.example", "a.b+c@A.example", "info@m\u00fcnchen.example", "o'neil@a.example"])
def test_an_address_is_kept_as_it_was_typed(good: str) -> None:
    assert mail_address(good) == good


@pytest.mark.parametrize(
    "bad",
    [
        "", "a", "@a.example", "a@", "a@b", "a b@a.example", "a,b@a.example", "<a@a.example>", "a@a.example\r\n",
        "a@a.example\r\nBcc: b@b.example", "a@a.example ", "a@ a.example", "a@*.a.example", "a@a.example.",
        "\u00e4@a.example", "a%b@a.example",
    ],
)
def test_what_could_be_more_than_one_address_or_none_is_refused(bad: str) -> None:
    with pytest.raises(InvalidName):
        mail_address(bad)
