"""From a staging CA to a real one: what was ordered to try things out is replaced once the provider is trusted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.policy.certificate import Certificate, of_test_ca
from jobs.policy.decision import Decision, Options, SiteFacts, decide
from jobs.policy.plan import plan
from jobs.policy.site import NameKind, WantedName, Website
from jobs.policy.specs import Specs
from jobs.policy.verdict import Verdict
from tests.fakes import NOW

NAMES = ("a.test", "b.test")
STAGING = Certificate(NAMES, "1", "f", "(STAGING) Let's Encrypt: (STAGING) Wannabe Watercress R11", NOW,
                      NOW + timedelta(days=90), False, "ecdsa-p256", False)
TRUSTED, TEST = Options(trusted=True), Options()
SPECS = Specs("CA", "https://ca.test/directory")


def facts(stored: Certificate = STAGING) -> SiteFacts:
    wanted = tuple(WantedName(name, NameKind.ALIAS, own=True) for name in NAMES)
    return SiteFacts(Website("alice", NAMES), wanted, stored, main_domain="a.test")


def decided(known: SiteFacts, options: Options) -> Decision:
    return decide(known, NOW, options)


def test_it_is_replaced_at_the_next_check_and_before_any_renewal() -> None:
    found = decided(facts(), TRUSTED)
    assert (found.action, found.code, found.urgency) == ("order", "test_certificate", 0.0)
    assert "test CA" in found.reason and "Wannabe Watercress" in found.reason


def test_while_the_provider_is_a_test_ca_it_is_as_good_as_any() -> None:
    assert decided(facts(), TEST).code == "fine"


def test_a_real_certificate_stays_whatever_the_provider_is() -> None:
    real = replace(STAGING, issuer="Let's Encrypt: R11")
    assert {decided(facts(real), options).code for options in (TRUSTED, TEST)} == {"fine"}


@pytest.mark.parametrize(("passed", "names"), [(("a.test",), ("a.test",)), (NAMES, NAMES)], ids=["one fails", "all"])
def test_what_browsers_refuse_is_no_coverage_to_lose(passed: tuple[str, ...], names: tuple[str, ...]) -> None:
    """With a real certificate the name that fails would keep the order from being made."""
    verdicts = {name: Verdict(name, name in passed, "http-01" if name in passed else None, "http_status", "status 404")
                for name in NAMES}
    known = facts()
    found = plan(decided(known, TRUSTED), known, verdicts, SPECS, NOW, TRUSTED)
    assert (found.action, found.names) == ("order", names)


@pytest.mark.parametrize(
    ("issuer", "test"),
    [("(STAGING) Let's Encrypt: (STAGING) Pretend Pear X1", True), ("Fake LE Intermediate X1", True),
     ("Let's Encrypt: E5", False), ("Pebble Intermediate CA 1a2b3c", False), ("Staging Post Ltd: CA", False)],
)
def test_a_test_ca_is_known_by_its_name(issuer: str, test: bool) -> None:
    assert of_test_ca(replace(STAGING, issuer=issuer)) is test
