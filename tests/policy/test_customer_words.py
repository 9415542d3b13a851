"""What the owner of a website reads of a problem holds nothing that he can't do, and nothing of the host's inside."""

from __future__ import annotations

import pytest

from jobs.policy.customer_words import REMEDIES, for_host, for_owner
from jobs.policy.problem_entries import HOST
from jobs.policy.problems import CATALOGUE

OF_THE_HOST = ("`", "autossl ", "config.toml", "instance/", "/etc/", "resolv.conf", "--")


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_an_owner_is_told_no_command_and_no_file_of_the_host(code: str) -> None:
    words = for_owner(code, "")
    assert words.title and words.remedy.endswith(".")
    assert not [sign for sign in OF_THE_HOST if sign in words.title + words.meaning + words.remedy]


@pytest.mark.parametrize("code", [*sorted(HOST.keys() - {"name_invalid"}), "backoff", "of_another_version"])
def test_details_that_may_be_about_the_host_or_others_are_kept_from_an_owner(code: str) -> None:
    assert for_owner(code, "/etc/apache2/sites-enabled/mallory.conf: line 7").detail == ""


def test_details_of_his_own_names_are_given_to_him_and_everything_to_who_runs_the_host() -> None:
    assert for_owner("dns_nxdomain", "www.a.example: no such name").detail == "www.a.example: no such name"
    assert for_host("config_test_failed", "/etc/x: line 7").detail == "/etc/x: line 7"
    assert "names it" not in for_owner("config_test_failed", "").remedy


def test_every_remedy_of_its_own_is_for_a_code_that_exists() -> None:
    assert set(REMEDIES) <= set(CATALOGUE)
