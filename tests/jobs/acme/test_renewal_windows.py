"""Renewal windows by HTTPS, and orders that say what they replace, at a real Pebble behind a front that knows both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from jobs.courses import finish
from jobs.policy.ari import Window, certificate_id
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.proof import parse
from jobs.providers.custom import Options, Provider
from tests.jobs.acme.ari_front import AriFront, Said, ari_front, window
from tests.jobs.acme.client import Notes, request, solvers
from tests.jobs.acme.odd_server import odd_server
from tests.jobs.acme.pebble import Pebble
from tests.quick_time import make_quick

START = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
END = START + timedelta(days=2)


@pytest.fixture
def front(pebble: Pebble) -> Iterator[AriFront]:
    with ari_front(pebble.directory_url, pebble.ca_file, pebble.ca_file.with_name("server.key")) as running:
        yield running


@pytest.fixture
def provider(front: AriFront) -> Provider:
    options = Options(directory=front.directory_url, ca_bundle=str(front.ca_file))
    return Provider(options, Provider(options).register(None, True, None))


@pytest.fixture
def issued(pebble: Pebble, provider: Provider) -> Callable[..., Bundle]:
    def issue(*names: str, replaces: str | None = None, by: Provider = provider) -> Bundle:
        bundle = finish(by.issue(replace(request(*names), replaces=replaces), solvers(pebble), Notes()))
        assert isinstance(bundle, Bundle)
        return bundle

    return issue


def id_of(bundle: Bundle) -> str:
    found = certificate_id(parse(bundle.leaf))
    assert found is not None
    return found


def test_the_window_of_a_real_certificate_is_asked_for_by_its_id(
    front: AriFront, provider: Provider, issued: Callable[..., Bundle]
) -> None:
    identifier = id_of(issued("asked.test"))
    front.says[identifier] = window(START, END, "https://ca.example/why", 7200)
    before = datetime.now(UTC)
    found = provider.renewal_info(identifier, 5.0)
    assert found is not None and front.asked == [identifier]
    assert (found.window, found.url) == (Window(START, END), "https://ca.example/why")
    assert found.retry_at is not None
    assert timedelta(0) <= found.retry_at - before - timedelta(hours=2) < timedelta(seconds=10)


def test_no_account_is_needed_to_ask(front: AriFront) -> None:
    front.usual = window(START, END)
    found = Provider(Options(directory=front.directory_url, ca_bundle=str(front.ca_file))).renewal_info("a.b", 5.0)
    assert found is not None and found.window == Window(START, END)


def test_a_retry_after_that_is_a_date_is_read(front: AriFront, provider: Provider) -> None:
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=5)
    front.usual = window(START, END, retry_after=format_datetime(later, usegmt=True))
    found = provider.renewal_info("a.b", 5.0)
    assert found is not None and found.retry_at == later


def test_a_ca_without_renewal_info_in_its_directory_is_asked_nothing(front: AriFront, provider: Provider) -> None:
    front.offers = False
    fresh = Provider(Options(directory=front.directory_url, ca_bundle=str(front.ca_file)))
    assert fresh.renewal_info("a.b", 5.0) is None
    assert front.asked == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (window(END, START), "ca_bad_window"),
        (Said(b'{"suggestedWindow": {"start": "2027-01-02T03:04:05", "end": "2027-02-02T03:04:05"}}'), "ca_bad_window"),
        (Said(b"{}"), "ca_bad_window"),
        (Said(b"[]"), "ca_not_acme"),
        (Said(b"<h1>Welcome</h1>", headers={"Content-Type": "text/html"}), "ca_not_acme"),
        (Said(b'{"type": "urn:ietf:params:acme:error:malformed", "detail": "no such thing"}', 404), "ca_refused"),
        (Said(b"", 503, {"Retry-After": "120"}), "ca_unavailable"),
        (Said(b"", 429), "ca_rate_limited"),
    ],
)
def test_an_answer_that_is_none_is_a_failure_by_its_kind(
    front: AriFront, provider: Provider, said: Said, code: str
) -> None:
    front.usual = said
    with pytest.raises(Failure) as caught:
        provider.renewal_info("a.b", 5.0)
    assert caught.value.code == code, caught.value
    assert (caught.value.retry_at is not None) == ("Retry-After" in said.headers and said.status >= 400)
    assert len(front.asked) == 1, "one try"


def test_a_ca_that_never_ends_its_answer_is_waited_for_only_as_long_as_was_said(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with odd_server(tmp_path) as server:
        for path in ("/drip", "/drip-head", "/endless"):
            odd = Provider(Options(directory=server.url(path), ca_bundle=str(server.ca_bundle)))
            began = time.monotonic()
            with pytest.raises(Failure):
                odd.renewal_info("a.b", 0.5)
            assert time.monotonic() - began < 5


def test_an_order_says_what_it_replaces_and_a_second_one_does_so_in_vain(
    front: AriFront, issued: Callable[..., Bundle]
) -> None:
    old = id_of(issued("old.test"))
    issued("old.test", replaces=old)
    issued("old.test", replaces=old)
    said = [(payload.get("replaces"), status) for payload, status in front.orders]
    assert said == [(None, 201), (old, 201), (old, 409), (None, 201)]


@pytest.mark.parametrize(
    "refusal", [(409, "alreadyReplaced"), (409, "conflict"), (400, "malformed"), (500, "serverInternal")]
)
def test_a_ca_that_refuses_what_is_replaced_is_asked_once_more_without(
    front: AriFront, issued: Callable[..., Bundle], refusal: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_quick(monkeypatch)
    front.refuses = refusal
    issued("again.test", replaces="aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE")
    *refused, last = [("replaces" in payload, status) for payload, status in front.orders]
    assert last == (False, 201)
    assert set(refused) == {(True, refusal[0])} and (len(refused) == 1 or refusal[0] >= 500)


@pytest.mark.parametrize("refusal", [(429, "rateLimited"), (403, "rejectedIdentifier")])
def test_a_refusal_that_is_not_about_replacing_is_not_tried_again(
    front: AriFront, issued: Callable[..., Bundle], refusal: tuple[int, str]
) -> None:
    front.refuses = refusal
    with pytest.raises(Failure):
        issued("refused.test", replaces="a.b")
    assert len(front.orders) == 1


def test_a_ca_without_renewal_info_is_not_told_what_is_replaced(front: AriFront, issued: Callable[..., Bundle]) -> None:
    front.offers = False
    options = Options(directory=front.directory_url, ca_bundle=str(front.ca_file))
    plain = Provider(options, Provider(options).register(None, True, None))
    issued("plain.test", replaces="a.b", by=plain)
    assert [payload.get("replaces") for payload, _ in front.orders] == [None]


def test_an_order_that_replaces_is_gone_on_with_like_any(
    pebble: Pebble, front: AriFront, provider: Provider
) -> None:
    class Dying(Notes):
        def order_created(self, url: str) -> None:
            super().order_created(url)
            raise KeyboardInterrupt

    asked, dying = replace(request("parked.test"), replaces="a.b"), Dying()
    with pytest.raises(KeyboardInterrupt):
        finish(provider.issue(asked, solvers(pebble), dying))
    assert isinstance(finish(provider.resume(dying.urls[0], asked, solvers(pebble))), Bundle)
    assert [payload.get("replaces") for payload, _ in front.orders] == ["a.b"]
