"""A directory is asked for by somebody who waits: one try, a limit for all of it, and never another host."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.policy.failure import Failure
from jobs.providers.custom import Options, Provider
from tests.jobs.acme.odd_server import OddServer, odd_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OddServer]:
    with odd_server(tmp_path_factory.mktemp("odd")) as running:
        yield running


def provider(server: OddServer, path: str = "/dir") -> Provider:
    return Provider(Options(directory=server.url(path), ca_pem=server.ca_bundle.read_text()))


def refused(server: OddServer, path: str, seconds: float = 5) -> Failure:
    with pytest.raises(Failure) as caught:
        provider(server, path).look(seconds)
    return caught.value


def test_a_directory_says_what_it_is_and_from_where(server: OddServer) -> None:
    server.meta.update(termsOfService="https://ca.test/terms", externalAccountRequired=True, website="https://ca.test",
                       caaIdentities=["ca.test"], profiles={"short": "6 days"})
    made = provider(server)
    found = made.look(5)
    assert (found.terms_url, found.eab_required, found.website) == ("https://ca.test/terms", True, "https://ca.test")
    assert (found.caa_identities, found.profiles, found.address) == (("ca.test",), ("short",), "127.0.0.1")
    assert made.specs().eab_required and made.specs().caa_identities == ("ca.test",)


def test_it_is_asked_anew_each_time(server: OddServer) -> None:
    made = provider(server)
    server.meta["termsOfService"] = "https://ca.test/terms/1"
    assert made.look(5).terms_url == "https://ca.test/terms/1"
    server.meta["termsOfService"] = "https://ca.test/terms/2"
    assert made.look(5).terms_url == made.terms_url() == "https://ca.test/terms/2"


def test_a_redirect_within_the_same_host_is_followed(server: OddServer) -> None:
    assert provider(server, "/moved").look(5).address == "127.0.0.1"


@pytest.mark.parametrize("path", ["/elsewhere", "/unsafe"])
def test_a_redirect_to_another_host_or_without_tls_is_not_followed(server: OddServer, path: str) -> None:
    server.asked.clear()
    failure = refused(server, path)
    assert failure.code == "ca_not_acme" and "another host or not https" in failure.detail
    assert server.asked == [path]


def test_redirects_end(server: OddServer) -> None:
    assert "more than 5 redirects" in refused(server, "/loop").detail


def test_a_page_is_no_directory(server: OddServer) -> None:
    failure = refused(server, "/html")
    assert failure.code == "ca_not_acme" and "got text/html" in failure.detail
    assert "wireless" not in failure.detail


def test_of_two_gigabytes_little_is_taken(server: OddServer) -> None:
    assert "larger than 1048576 bytes" in refused(server, "/endless").detail


@pytest.mark.parametrize("path", ["/drip", "/drip-head"])
def test_an_answer_that_comes_byte_by_byte_is_given_up_in_time(server: OddServer, path: str) -> None:
    began = time.monotonic()
    failure = refused(server, path, 0.6)
    assert failure.code == "ca_unreachable" and "did not answer in time" in failure.detail
    assert time.monotonic() - began < 3


def test_a_server_that_nobody_vouches_for_is_not_believed(server: OddServer) -> None:
    with pytest.raises(Failure) as caught:
        Provider(Options(directory=server.url("/dir"))).look(5)
    assert caught.value.code == "ca_unreachable" and "certificate" in caught.value.detail.lower()


def test_a_bundle_that_is_none_is_said(server: OddServer, tmp_path: Path) -> None:
    (tmp_path / "bundle.pem").write_text("nothing")
    for options in (Options(directory=server.url("/dir"), ca_pem="nothing"),
                    Options(directory=server.url("/dir"), ca_bundle=str(tmp_path / "bundle.pem"))):
        with pytest.raises(Failure) as caught:
            Provider(options).look(5)
        assert caught.value.code == "ca_bundle_unreadable"


def test_a_name_that_leads_nowhere_is_said_without_the_words_of_a_library() -> None:
    with pytest.raises(Failure) as caught:
        Provider(Options(directory="https://nowhere.invalid/dir")).look(5)
    assert caught.value.code == "ca_unreachable"
    assert "nowhere.invalid: its address can't be found: " in caught.value.detail
    assert "HTTPSConnection" not in caught.value.detail
