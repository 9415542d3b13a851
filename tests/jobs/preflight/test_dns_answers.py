"""Each way in which a name can have no address has its own code and its own words."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from jobs.policy.failure import Failure
from jobs.preflight import Setting, preflight
from jobs.preflight.addresses import addresses
from jobs.preflight.resolver import Lookup, servers
from jobs.preflight.wire import Server, Status


def setting(bind: Any, web: Any, **more: Any) -> Setting:
    return Setting((bind.resolver,), web.http, web.https, **more)


@pytest.mark.parametrize(
    ("name", "code", "resolves", "words"),
    [
        ("missing.bench.test", "dns_nxdomain", False, "does not exist"),
        ("dangling.bench.test", "dns_nxdomain", False, ": missing.bench.test does not exist"),
        ("textonly.bench.test", "dns_no_address", False, "neither an A nor an AAAA"),
        ("odd.bench.test", "dns_no_address", False, "none of its addresses"),
        ("loopa.bench.test", "dns_cname_loop", False, "circle"),
        ("self.bench.test", "dns_cname_loop", False, "circle"),
        ("www.broken.test", "dns_servfail", True, "SERVFAIL"),
    ],
)
def test_a_name_without_an_address_fails_in_its_own_words(
    bind: Any, web: Any, responder: Any, name: str, code: str, resolves: bool, words: str
) -> None:
    verdict = preflight([name], setting(bind, web), responder)[name]
    assert (verdict.passed, verdict.method, verdict.code, verdict.resolves) == (False, None, code, resolves)
    assert name in verdict.text and words in verdict.text
    assert web.requests == []


def test_a_name_whose_servers_are_silent_is_a_timeout_and_not_a_missing_name(
    bind: Any, web: Any, responder: Any
) -> None:
    verdict = preflight(["www.slow.test"], setting(bind, web, timeout=0.6), responder)["www.slow.test"]
    assert (verdict.passed, verdict.code, verdict.resolves) == (False, "dns_timeout", True)


def test_a_known_name_that_does_not_resolve_fails_and_one_whose_dns_is_down_only_warns(
    bind: Any, web: Any, responder: Any
) -> None:
    names = ["missing.bench.test", "www.broken.test"]
    verdicts = preflight(names, setting(bind, web), responder, frozenset(names))
    assert not verdicts["missing.bench.test"].passed
    assert verdicts["www.broken.test"].passed
    assert "dns_servfail" in [warning.code for warning in verdicts["www.broken.test"].warnings]


def test_cnames_are_followed_and_a_loopback_address_only_warns(bind: Any, web: Any, responder: Any) -> None:
    verdict = preflight(["chain.bench.test"], setting(bind, web), responder)["chain.bench.test"]
    assert verdict.passed and verdict.method == "http-01"
    assert "address_loopback" in [warning.code for warning in verdict.warnings]
    assert "chain.bench.test -> www.bench.test -> good.bench.test" in verdict.report[0]


def test_with_the_systems_resolver_the_zones_own_servers_are_asked_without_recursion(bind: Any) -> None:
    before = len(bind.queries())

    async def look() -> Any:
        lookup = Lookup([Server("127.0.0.1", bind.port)], authoritative=True, timeout=2, port=bind.port)
        return await addresses(lookup, "across.bench.test")

    found = asyncio.run(look())
    assert found.ipv4 == ("127.0.0.1",) and found.trouble is None
    assert not [warning for warning in found.warnings if warning.code == "dns_servers_unreachable"]
    asked = [line.split() for line in bind.queries()[before:]]
    for name in ("across.bench.test", "any.wild.test"):
        kinds = {kind: flags for owner, _, kind, flags, *_ in asked if owner == name}
        assert kinds["A"].startswith("-") and kinds["AAAA"].startswith("-")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("missing.bench.test", Status.NXDOMAIN),
        ("loopa.bench.test", Status.LOOP),
        ("textonly.bench.test", Status.NO_DATA),
        ("dangling.bench.test", Status.NXDOMAIN),
        ("no.such.zone", Status.NXDOMAIN),
        ("www.broken.test", Status.SERVFAIL),
    ],
)
def test_the_zones_own_servers_tell_the_same_cases_apart(bind: Any, name: str, status: Status) -> None:
    async def look() -> Any:
        lookup = Lookup([Server("127.0.0.1", bind.port)], authoritative=True, timeout=2, port=bind.port)
        return await lookup.ask(name, "A")

    assert asyncio.run(look()).status is status


def test_the_resolver_is_asked_with_a_warning_when_the_zones_servers_do_not_answer(bind: Any) -> None:
    async def look() -> Any:
        lookup = Lookup([Server("127.0.0.1", bind.port)], authoritative=True, timeout=1, port=bind.port)
        return await addresses(lookup, "www.deadns.test")

    found = asyncio.run(look())
    assert found.ipv4 == ("127.0.0.1",)
    assert "dns_servers_unreachable" in [warning.code for warning in found.warnings]


def test_a_silent_server_is_given_up_after_two_questions(bind: Any) -> None:
    async def look() -> list[Status]:
        lookup = Lookup([Server("127.0.0.1", bind.port)], authoritative=True, timeout=0.4, port=bind.port)
        return [(await lookup.ask(f"{label}.deadns.test", "A")).status for label in ("www", "a", "b", "c")]

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.99", bind.port))
        silent.setblocking(False)
        assert asyncio.run(look()) == [Status.FOUND, Status.NXDOMAIN, Status.NXDOMAIN, Status.NXDOMAIN]
        assert len(silent.recv(4096)) > 12 and len(silent.recv(4096)) > 12
        with pytest.raises(BlockingIOError):
            silent.recv(4096)


def test_a_resolver_that_does_not_answer_is_a_timeout(web: Any, responder: Any) -> None:
    wrong = Setting((f"127.0.0.1:{web.http}",), web.http, web.https, timeout=1)
    verdict = preflight(["good.bench.test"], wrong, responder)["good.bench.test"]
    assert (verdict.code, verdict.resolves) == ("dns_timeout", True)
    assert f"127.0.0.1:{web.http}" in verdict.text


def test_resolvers_are_read_as_they_are_written() -> None:
    texts = ["192.0.2.1", "127.0.0.1:5353", "[::1]:54", "::1", "[::1]"]
    assert servers(texts) == (
        Server("192.0.2.1"),
        Server("127.0.0.1", 5353),
        Server("::1", 54),
        Server("::1"),
        Server("::1"),
    )


@pytest.mark.parametrize(
    "text", ["", "dns.example", "192.0.2.1:0", "192.0.2.1:x", "192.0.2.1:70000", "[::1", "::1]:53", "[]"]
)
def test_a_resolver_that_is_no_address_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(Failure) as caught:
        servers([text])
    assert caught.value.code == "config_invalid" and repr(text) in caught.value.detail
