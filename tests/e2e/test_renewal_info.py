"""A CA that serves renewal windows of its own making, acme2certifier, and what our order flow makes of them."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.challenges import HttpSolver
from jobs.courses import finish
from jobs.demo.daemons.bind import Zone, start_bind
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.keys import new_key
from jobs.policy import ari
from jobs.policy.certificate import Bundle, Certificate
from jobs.policy.due import asked_early, by_window, due_at
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.policy.proof import parse, prove
from jobs.ports import OrderRequest
from jobs.providers.custom import Options, Provider
from tests.e2e.acme2certifier_ca import RETRY_AFTER, Acme2Certifier, start_acme2certifier
from tests.jobs.acme.client import Notes

pytestmark = pytest.mark.e2e(timeout=120)

PERCENT = 20.0
"""Far before our own backstop."""

LITTLE = timedelta(minutes=1)
Issue = Callable[..., tuple[Bundle, Certificate]]


@pytest.fixture(scope="module")
def challenges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What port 80 of this host answers challenges from."""
    directory = tmp_path_factory.mktemp("challenges")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = directory / self.path.rpartition("/")[2]
            self.send_response(200 if path.is_file() else 404)
            self.end_headers()
            self.wfile.write(path.read_bytes() if path.is_file() else b"")

        def log_message(self, *arguments: object) -> None:
            """Nothing is written between the tests' own lines."""

    server = http.server.ThreadingHTTPServer(("", 80), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield directory
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Acme2Certifier:
    start_bind([Zone("shop.test", [("@", "A", PUBLIC_ADDRESS)])])
    return start_acme2certifier(tmp_path_factory.mktemp("ca") / "acme2certifier", PERCENT)


@pytest.fixture(scope="module")
def provider(ca: Acme2Certifier) -> Provider:
    options = Options(directory=ca.directory, ca_bundle=str(ca.bundle))
    return Provider(options, Provider(options).register("admin@bench.test", True, None))


@pytest.fixture(scope="module")
def issue(provider: Provider, challenges: Path) -> Issue:
    def order(replaces: str | None = None) -> tuple[Bundle, Certificate]:
        request = OrderRequest(("shop.test",), new_key(KeyType.ECDSA_P256), replaces=replaces)
        bundle = finish(provider.issue(request, {"http-01": HttpSolver(challenges)}, Notes()))
        assert isinstance(bundle, Bundle)
        return bundle, prove(bundle, ["shop.test"], datetime.now(UTC))

    return order


def test_its_window_is_read_and_moves_the_renewal(provider: Provider, issue: Issue) -> None:
    bundle, certificate = issue()
    identifier = ari.certificate_id(parse(bundle.leaf))
    assert identifier is not None
    now = datetime.now(UTC)
    answer = provider.renewal_info(identifier, 10.0)
    assert answer is not None and answer.url is None
    assert answer.retry_at is not None and abs(answer.retry_at - now - timedelta(seconds=RETRY_AFTER)) < LITTLE
    whole = certificate.not_after - certificate.not_before
    assert abs(answer.window.start - certificate.not_before - whole * PERCENT / 100) < timedelta(days=2)
    kept = ari.after_answer(ari.Renewal(), answer, certificate, now, 0.5, now)
    moved = replace(certificate, ari_point=kept.point)
    assert by_window(moved) and asked_early(moved) and due_at(moved) == kept.point
    assert kept.point is not None and answer.window.holds(kept.point)
    assert kept.next_at is not None and abs(kept.next_at - now - timedelta(seconds=RETRY_AFTER)) < LITTLE


def test_it_does_not_know_a_certificate_of_somebody_else(provider: Provider) -> None:
    with pytest.raises(Failure) as caught:
        provider.renewal_info("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE", 10.0)
    assert caught.value.code not in ari.PASSING


def test_it_is_told_what_an_order_replaces_once(issue: Issue) -> None:
    bundle, old = issue()
    identifier = ari.certificate_id(parse(bundle.leaf))
    _, new = issue(replaces=identifier)
    _, third = issue(replaces=identifier)
    assert len({old.serial, new.serial, third.serial}) == 3
