"""A certificate on its CA's list: ours is ordered anew at once, somebody else's is told."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

import models
from jobs import records, revocations
from jobs.policy.certificate import Bundle
from jobs.policy.proof import parse, read_certificate
from jobs.ports import Installed
from jobs.wiring import revocation_lists
from jobs.wiring.revocation_lists import look_at_lists
from tests.fakes import NOW, TestCA, pem
from tests.jobs.check_host import Host
from tests.jobs.check_host import host as host

DAY = timedelta(days=1)


@dataclass
class Lists:
    """A web server with lists. `says`: by path."""

    url: str
    says: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def lists() -> Iterator[Lists]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            content = found.says.get(self.path)
            self.send_response(404 if content is None else 200)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *arguments: object) -> None:
            """Nothing is written between the tests' own lines."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    found = Lists(f"http://127.0.0.1:{server.server_port}")
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def secured(host: Host, lists: Lists, monkeypatch: pytest.MonkeyPatch) -> Host:
    """`a.test` has a certificate of the custom provider `ca`, which names its list."""
    monkeypatch.setattr(revocation_lists, "now", host.clock)
    options = json.dumps({"directory": "https://ca.test/dir"})
    models.Provider.create(name="ca", plugin="custom", options=options, added_at=NOW, current=True)
    issuing = host.ca.ca
    monkeypatch.setattr(issuing, "bundle", partial(issuing.bundle, crl_url=f"{lists.url}/1.crl"))
    lists.says["/1.crl"] = issuing.crl(1, 2)
    assert host.check().outcome == "installed"
    host.pass_by(days=1)
    return host


def serial(host: Host) -> int:
    return int(records.live_certificates()["a.test"].serial, 16)


def test_a_list_that_does_not_have_it_changes_nothing_and_is_asked_for_once_a_day(secured: Host, lists: Lists) -> None:
    before = models.Certificate.get().due_at
    for _ in range(5):
        look_at_lists(secured.instance)
        secured.pass_by(minutes=10)
    assert lists.asked == ["/1.crl"]
    secured.pass_by(days=1)
    look_at_lists(secured.instance)
    assert len(lists.asked) == 2 and models.Certificate.get().due_at == before
    assert secured.check().outcome in ("", "kept")


def test_one_of_ours_that_was_revoked_is_due_at_once_and_ordered_anew_with_a_new_key(
    secured: Host, lists: Lists, caplog: pytest.LogCaptureFixture
) -> None:
    old = serial(secured)
    key = next(secured.instance.place.live.glob("a.test/*/privkey.pem")).read_bytes()
    lists.says["/1.crl"] = secured.ca.ca.crl(old, since=NOW + DAY / 2)
    look_at_lists(secured.instance)
    assert "a.test: the CA has revoked its certificate" in caplog.text
    assert records.live_certificates()["a.test"].revoked_at == NOW + DAY / 2
    assert records.accounts_due(secured.at) == ["alice"]
    case = secured.check()
    assert (case.decision.code, case.outcome) == ("revoked", "installed")
    assert "revoked the certificate, since 2026-11-25 00:00 UTC" in case.decision.reason
    assert serial(secured) != old and len(secured.ca.orders) == 2
    assert secured.service.loaded["a.test"] == (secured.instance.place.link("a.test", "fake") / "cert.pem").read_bytes()
    keys = {path.read_bytes() for path in secured.instance.place.live.glob("a.test/*/privkey.pem")}
    assert key in keys and len(keys) == 2
    assert records.live_certificates()["a.test"].revoked_at is None
    assert secured.check().outcome in ("", "kept") and len(secured.ca.orders) == 2


def test_names_of_a_revoked_certificate_do_not_keep_a_new_one_from_being_ordered(secured: Host, lists: Lists) -> None:
    """They are not secured any more, so there is nothing to wait for."""
    lists.says["/1.crl"] = secured.ca.ca.crl(serial(secured))
    look_at_lists(secured.instance)
    live = records.live_certificates()["a.test"]
    assert live.revoked_at is not None and not live.not_after < secured.at
    assert secured.check().plan is not None
    assert records.live_certificates()["a.test"].serial != live.serial


@pytest.mark.parametrize("trouble", ["another's", "garbage", "gone"])
def test_a_list_that_can_not_be_believed_is_told_once_and_looked_at_again_after_six_hours(
    secured: Host, lists: Lists, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    wrong = {"another's": TestCA().crl(serial(secured)), "garbage": b"<h1>Sign in</h1>"}
    lists.says.clear()
    lists.says |= {"/1.crl": wrong[trouble]} if trouble in wrong else {}
    for _ in range(3):
        look_at_lists(secured.instance)
        assert records.live_certificates()["a.test"].revoked_at is None
        secured.pass_by(hours=6)
    assert len(lists.asked) == 3 and len(caplog.records) == 1
    lists.says["/1.crl"] = secured.ca.ca.crl(serial(secured))
    look_at_lists(secured.instance)
    assert records.live_certificates()["a.test"].revoked_at is not None


def test_the_list_of_a_public_ca_is_never_looked_for_inside_the_network(secured: Host, lists: Lists) -> None:
    models.Provider.update(plugin="letsencrypt", options="{}").execute()
    look_at_lists(secured.instance)
    assert lists.asked == []


def presenting(host: Host, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The web server has this certificate of somebody else's."""
    shown = Installed(host.service.etc / "other.pem", read_certificate(bundle.leaf), False, chain=bundle.chain)
    monkeypatch.setattr(host.service, "name", "apache")
    monkeypatch.setattr(host.service, "installed", lambda website: shown)


def test_a_foreign_one_that_was_revoked_is_told_and_left_alone(
    host: Host, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation_lists, "now", host.clock)
    monkeypatch.setattr(revocation_lists, "_inside", lambda name: True)
    other = TestCA("Other CA")
    bundle = other.bundle(["a.test", "www.a.test", "mail.a.test"], crl_url=f"{lists.url}/other.crl")
    presenting(host, bundle, monkeypatch)
    assert host.check().decision.code == "foreign_certificate"
    models.Revocable.update(provider="theirs").execute()  # so that it may be looked for on this very host
    lists.says["/other.crl"] = other.crl(parse(bundle.leaf).serial_number)
    look_at_lists(host.instance)
    assert revocations.revoked() == {read_certificate(bundle.leaf).fingerprint: NOW}
    case = host.check()
    assert (case.decision.code, len(host.ca.orders)) == ("foreign_invalid", 0)
    assert "that its CA has revoked" in case.decision.reason
    trouble = host.trouble()
    assert trouble is not None and "revoked" in trouble.text
    assert host.check().decision.code == "foreign_invalid", "what was kept of it is read again"


def test_the_list_of_a_foreign_one_is_never_looked_for_inside_the_network(
    host: Host, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation_lists, "now", host.clock)
    presenting(host, TestCA().bundle(["a.test"], crl_url=f"{lists.url}/other.crl"), monkeypatch)
    host.check()
    assert models.Revocable.select().count() == 1
    look_at_lists(host.instance)
    assert lists.asked == [] and models.Revocable.get().failures == 1


def test_a_foreign_one_is_put_on_the_watch_once_and_not_at_every_look(
    host: Host, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    presenting(host, TestCA().bundle(["a.test"], crl_url=f"{lists.url}/other.crl"), monkeypatch)
    asked, watch = [], revocations.watch
    monkeypatch.setattr(revocations, "watch", lambda *words: (asked.append(words), watch(*words))[1])
    host.check()
    host.check()
    assert len(asked) == models.Revocable.select().count() == 1
    models.Revocable.delete().execute()
    host.check()
    assert models.Revocable.select().count() == 1, "one that was forgotten is put on it again"


def test_garbage_behind_a_foreign_leaf_keeps_nothing_from_being_checked(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = TestCA().bundle(["a.test"], crl_url="http://crl.ca.test/1.crl")
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    presenting(host, Bundle(bundle.privkey, (bundle.leaf, broken)), monkeypatch)
    assert host.check().decision.code == "foreign_certificate"
    assert models.Revocable.select().count() == 0


def test_a_customers_issuer_can_not_hide_or_forge_what_a_list_says(secured: Host, lists: Lists) -> None:
    """His certificate names our CA's list as its own."""
    theirs = TestCA("Customer CA")
    bundle = theirs.bundle(["x.test"], crl_url=f"{lists.url}/1.crl")
    revocations.watch((bundle.leaf, pem(theirs.certificate)), None, secured.at)
    lists.says["/1.crl"] = theirs.crl(serial(secured))
    look_at_lists(secured.instance)
    assert revocations.revoked() == {}
    lists.says["/1.crl"] = secured.ca.ca.crl(serial(secured))
    secured.pass_by(days=1)
    look_at_lists(secured.instance)
    assert list(revocations.revoked()) == [records.live_certificates()["a.test"].fingerprint]


def test_further_certificates_of_a_list_have_it_fetched_no_sooner(secured: Host, lists: Lists) -> None:
    look_at_lists(secured.instance)
    theirs = secured.ca.ca
    for number in range(5):
        revocations.watch(theirs.bundle([f"x{number}.test"]).chain, None, secured.at)
        look_at_lists(secured.instance)
    assert lists.asked == ["/1.crl"] and models.Revocable.select().count() == 6


def test_what_has_expired_is_forgotten(secured: Host, lists: Lists) -> None:
    secured.pass_by(days=100)
    look_at_lists(secured.instance)
    assert models.Revocable.select().count() == 0


def test_a_customers_certificates_without_an_end_do_not_stay_for_ever(host: Host) -> None:
    bundle = TestCA().bundle(["a.test"], lifetime=timedelta(days=300_000), crl_url="http://crl.example/1.crl")
    revocations.watch(bundle.chain, None, NOW)
    revocations.forget(NOW + timedelta(days=401))
    assert models.Revocable.select().count() == 0


def test_thousands_of_certificates_of_one_list_cost_one_request(secured: Host, lists: Lists) -> None:
    first = models.Revocable.get()
    rows: list[dict[str, Any]] = [
        {**first.__data__, "fingerprint": str(number), "serial": f"{number + 10:x}"} for number in range(3000)
    ]
    with models.database.atomic():
        for begin in range(0, len(rows), 500):
            models.Revocable.insert_many(rows[begin : begin + 500]).execute()
    lists.says["/1.crl"] = secured.ca.ca.crl(*range(10, 2010))
    look_at_lists(secured.instance)
    assert len(lists.asked) == 1 and len(revocations.revoked()) == 2000
