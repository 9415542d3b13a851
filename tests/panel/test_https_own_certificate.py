"""The instance's own self-signed certificate, for names that no website has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jobs.ports import Place
from jobs.wiring.serving import LIFETIME, RENEWED_BEFORE, own_certificate
from panel.https.certificates import Certificates
from tests.panel.command_line import Line
from tests.panel.https_client import Start, leaf


def test_the_own_certificate_is_kept_closed_and_named_after_the_panel(place: Place, start: Start) -> None:
    shown = leaf(start(hostname="panel.example.com"), "unknown.example.com")
    assert "panel.example.com" in str(shown.extensions) and "localhost" in str(shown.extensions)
    path = place.instance / "tls" / "panel.pem"
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_own_certificate_is_made_once_and_anew_when_it_ends_or_lacks_the_name_or_is_damaged(place: Place) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    path = own_certificate(place, "", moment).path
    first = path.read_bytes()
    own_certificate(place, "", moment + LIFETIME - RENEWED_BEFORE - timedelta(minutes=1))
    assert path.read_bytes() == first
    for name, later in (("", LIFETIME - RENEWED_BEFORE), ("panel.example.com", timedelta(0))):
        before = path.read_bytes()
        own_certificate(place, name, moment + later)
        assert path.read_bytes() != before
    path.write_bytes(first[:400])
    assert own_certificate(place, "", moment).path.read_bytes() not in (first, first[:400])


def test_the_own_certificate_is_renewed_while_the_server_runs(place: Place) -> None:
    moments = [datetime(2026, 1, 1, tzinfo=UTC)]
    certificates = Certificates(place, "", lambda: moments[-1])
    first = certificates.first()
    assert certificates.first() is first
    moments.append(moments[0] + LIFETIME)
    assert certificates.first() is not first


def test_a_key_that_can_not_be_read_ends_the_start_in_one_sentence(line: Line, place: Place) -> None:
    (place.instance / "tls" / "panel.pem").mkdir()
    answer = line.run("serve", "--single", "--bind", "127.0.0.1:0")
    assert answer.code == 2
    assert "panel.pem: reading the panel's own key" in answer.err and answer.err.count("\n") == 1
    assert line.run("serve", "--single", "--bind", "nonsense").err.count("already") == 0  # the claim was given up
