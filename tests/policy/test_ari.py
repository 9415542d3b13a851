"""What a CA's renewal window leads to, however odd its answers are."""

from __future__ import annotations

import json
import warnings
from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from jobs.policy.ari import (
    LONGEST_WAIT,
    PASSING,
    SHORTEST_WAIT,
    USUAL_WAIT,
    BadWindow,
    Issued,
    Renewal,
    Suggestion,
    Window,
    after_answer,
    after_failure,
    certificate_id,
    explanation,
    not_offered,
    read,
    replaces,
    spacing,
)
from jobs.policy.certificate import Certificate
from jobs.policy.due import asked_early, backstop, by_window, due_at, is_due, lifetime, urgency, wanted_by
from tests.fakes import NOW

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
RFC_KEY_IDENTIFIER = bytes.fromhex("69885b6b87464041e1b37b847ba0ae2cde01c8d4")
RFC_SERIAL = 0x87654321


def living(lifetime: timedelta = 90 * DAY, start: datetime = NOW) -> Certificate:
    return Certificate(("a.test",), "1", "f", "CA", start, start + lifetime, False, "ecdsa-p256", False)


def signed(serial: int, key_identifier: bytes | None, der_serial: bytes = b"") -> x509.Certificate:
    """A certificate with this serial number, or with the bytes `der_serial` in its place."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial, NOW, NOW + DAY)
    if key_identifier is not None:
        builder = builder.add_extension(x509.AuthorityKeyIdentifier(key_identifier, None, None), False)
    der = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    if der_serial:
        usual = serial.to_bytes(len(der_serial), "big")
        assert der.count(b"\x02" + bytes([len(usual)]) + usual) == 1
        der = der.replace(usual, der_serial, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return x509.load_der_x509_certificate(der)


def test_the_id_of_a_certificate_is_that_of_rfc_9773s_own_example() -> None:
    assert certificate_id(signed(RFC_SERIAL, RFC_KEY_IDENTIFIER)) == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"


@pytest.mark.parametrize(
    ("serial", "content"),
    [(1, "01"), (127, "7f"), (128, "0080"), (255, "00ff"), (256, "0100"), (2**159 - 1, "7f" + "ff" * 19)],
)
def test_a_serial_number_has_the_bytes_that_der_gives_it(serial: int, content: str) -> None:
    identifier = certificate_id(signed(serial, b"\x01"))
    assert identifier is not None
    _, _, second = identifier.partition(".")
    assert urlsafe_b64decode(second + "==").hex() == content and "=" not in identifier


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize("content", ["80", "ff", "8001", "ff7f"])
def test_a_negative_serial_number_keeps_its_sign(content: str) -> None:
    raw = bytes.fromhex(content)
    made = signed(int.from_bytes(b"\x5a" * len(raw), "big"), b"\x01", raw)
    assert made.serial_number < 0
    identifier = certificate_id(made)
    assert identifier is not None and urlsafe_b64decode(identifier.split(".")[1] + "==") == raw


@pytest.mark.parametrize("key_identifier", [None, b""])
def test_a_certificate_that_names_no_key_of_its_authority_has_no_id(key_identifier: bytes | None) -> None:
    assert certificate_id(signed(5, key_identifier)) is None


def document(
    start: Any = "2027-01-02T04:00:00Z", end: Any = "2027-01-03T04:00:00+01:00", **more: Any
) -> dict[str, Any]:
    return {"suggestedWindow": {"start": start, "end": end}, **more}


def test_a_window_is_read_with_its_explanation() -> None:
    url = "https://ca.example/why?incident=7"
    found = read(document(explanationURL=url), NOW + HOUR, NOW)
    expected = Window(datetime(2027, 1, 2, 4, tzinfo=UTC), datetime(2027, 1, 3, 3, tzinfo=UTC))
    assert found == Suggestion(expected, url, NOW + HOUR)


@pytest.mark.parametrize(
    "text", ["2027-01-02T04:00:00.123456789Z", "2027-01-02t04:00:00z", "2027-01-02T05:30:00+01:30"]
)
def test_times_are_read_as_rfc_3339_writes_them(text: str) -> None:
    found = read(document(text), None, NOW).window.start
    assert timedelta(0) <= found - datetime(2027, 1, 2, 4, tzinfo=UTC) < timedelta(seconds=1)


@pytest.mark.parametrize(
    "answer",
    [
        {}, {"suggestedWindow": None}, {"suggestedWindow": []}, {"suggestedWindow": "now"},
        document(start=None), document(start=1735787045), document(start={"a": 1}), document(start="tomorrow"),
        document(start="2027-01-02T04:00:00"), document(start="2027-01-02"), document(start="2027-W01-1T00:00:00Z"),
        document(start="2027-02-30T00:00:00Z"), document(start="2027-01-02T23:59:60Z"),
        document(start="0001-01-01T00:00:00+23:59"), document(end="9999-12-31T23:59:59-23:59"),
        document(start="1970-01-01T00:00:00Z"), document(end="2999-01-01T00:00:00Z"),
        document(start="２027-01-02T04:00:00Z"), document(end="2027-01-02T04:00:00Z"),
        document(start="2027-01-05T00:00:00Z"), document(start="2027-01-02T04:00:00Z" + " " * 10**6),
    ],
    ids=lambda answer: json.dumps(answer)[:60],
)
def test_a_window_that_makes_no_sense_is_ignored(answer: dict[str, Any]) -> None:
    with pytest.raises(BadWindow) as caught:
        read(answer, None, NOW)
    assert "expected" in str(caught.value) and len(str(caught.value)) < 300


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["suggestedWindow", "start", "end", "explanationURL"]), inner, max_size=4
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["suggestedWindow", "explanationURL", "x"]), json_values, max_size=3))
def test_whatever_a_ca_answers_is_read_or_refused(answer: dict[str, Any]) -> None:
    try:
        found = read(answer, None, NOW)
    except BadWindow:
        return
    assert found.window.start < found.window.end


@pytest.mark.parametrize("url", ["https://ca.example/", "http://ca.example:8080/a?b=c&d=%20#e", "https://[2001:db8::1]/x"])
def test_an_explanation_that_is_a_link_is_kept(url: str) -> None:
    assert explanation(url) == url


@pytest.mark.parametrize(
    "url",
    [
        None, 7, "", "ca.example", "javascript:alert(1)", "data:text/html,x", "ftp://ca.example/", "//ca.example/",
        "https:///x", "https://user@ca.example/", "https://user:pw@ca.example/", 'https://ca.example/"onclick="x',
        "https://ca.example/<script>", "https://ca.example/a b", "https://ca.example/\n", "https://ca.example/\u202e",
        "https://ca.ex\u0430mple/", "https://ca.example:0/", "https://ca.example:99999/",
        "https://ca.example/" + "a" * 1000, "https://[::1/x", "HTTPS://\x00ca.example",
    ],
)
def test_an_explanation_that_is_no_link_to_show_is_dropped_and_the_window_counts(url: Any) -> None:
    assert explanation(url) is None
    assert read(document(explanationURL=url), None, NOW).url is None


fractions = st.floats(0, 1)
lifetimes = st.timedeltas(timedelta(seconds=60), timedelta(days=398))
moments = st.datetimes(datetime(2025, 1, 1), datetime(2029, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
windows = st.builds(lambda start, width: Window(start, start + width), moments, st.timedeltas(timedelta(1), 90 * DAY))


@given(windows, fractions, lifetimes)
def test_the_point_lies_in_the_window_and_leaves_time_to_act(window: Window, fraction: float, whole: timedelta) -> None:
    stored_at = window.start - 400 * DAY
    kept = after_answer(Renewal(), Suggestion(window), living(whole), stored_at, fraction, NOW)
    assert kept.window == window and kept.point is not None
    assert window.start <= kept.point <= window.end - min(timedelta(minutes=30), (window.end - window.start) / 2)


@given(windows, windows, fractions, fractions)
def test_the_point_is_kept_until_the_window_changes(one: Window, two: Window, first: float, second: float) -> None:
    certificate, before = living(), NOW - 2000 * DAY
    kept = after_answer(Renewal(), Suggestion(one), certificate, before, first, NOW)
    again = after_answer(kept, Suggestion(one, "https://ca.example/"), certificate, before, second, NOW + HOUR)
    assert (again.point, again.url) == (kept.point, "https://ca.example/")
    moved = after_answer(again, Suggestion(two), certificate, before, second, NOW + HOUR)
    fresh = after_answer(Renewal(), Suggestion(two), certificate, before, second, NOW + HOUR)
    assert moved.point == (kept.point if one == two else fresh.point)


def test_a_window_whose_point_is_missing_renews_nothing_and_gets_one_at_the_next_answer() -> None:
    window, certificate = Window(NOW - DAY, NOW - HOUR), living(start=NOW - 20 * DAY)
    halfway = Renewal(window, None)
    assert due_at(replace(certificate, ari_point=halfway.point)) == backstop(certificate) > NOW
    found = after_answer(halfway, Suggestion(window), certificate, NOW - 20 * DAY, 0.5, NOW)
    assert found.point is not None and window.holds(found.point)


@given(lifetimes, windows, fractions, moments)
def test_no_window_makes_a_certificate_renewed_that_was_stored_within_the_hour(
    whole: timedelta, window: Window, fraction: float, stored_at: datetime
) -> None:
    kept = after_answer(Renewal(), Suggestion(window), living(whole), stored_at, fraction, NOW)
    assert kept.point is not None and kept.point - stored_at >= spacing(living(whole)) >= HOUR
    assert spacing(living(whole)) <= 12 * HOUR


@given(lifetimes, st.none() | moments)
def test_a_cas_not_yet_is_overridden_at_the_backstop_and_so_with_5_percent_left(
    whole: timedelta, point: datetime | None
) -> None:
    certificate = replace(living(whole), ari_point=point)
    assert due_at(certificate) <= backstop(certificate)
    assert is_due(certificate, certificate.not_after - whole * 0.05)
    if point is not None and point < backstop(certificate):
        assert due_at(certificate) == point and by_window(certificate)
    else:
        assert due_at(certificate) == backstop(certificate) and not by_window(certificate)


@given(st.none() | st.timedeltas(-1000 * DAY, 1000 * DAY), lifetimes)
def test_the_next_question_is_within_the_limits_whatever_the_ca_says(wait: timedelta | None, whole: timedelta) -> None:
    certificate = living(whole)
    asked = None if wait is None else NOW + wait
    kept = after_answer(Renewal(), Suggestion(Window(NOW, NOW + HOUR), None, asked), certificate, NOW, 0.5, NOW)
    if kept.next_at is None:
        assert min(max(wait or USUAL_WAIT, SHORTEST_WAIT), LONGEST_WAIT) >= whole
    else:
        assert SHORTEST_WAIT <= kept.next_at - NOW <= LONGEST_WAIT and kept.next_at < certificate.not_after
        assert kept.next_at - NOW in (wait, USUAL_WAIT, SHORTEST_WAIT, LONGEST_WAIT)


def test_a_passing_trouble_is_asked_about_less_and_less_often() -> None:
    kept, waits = Renewal(Window(NOW, NOW + HOUR), NOW, "https://ca.example/"), []
    for _ in range(40):
        kept = after_failure(kept, "ca_unreachable", None, NOW + 90 * DAY, NOW)
        assert kept.next_at is not None
        waits.append((kept.next_at - NOW) / timedelta(minutes=1))
    assert waits[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360] and set(waits[9:]) == {360}
    assert (kept.window, kept.point, kept.url) == (Window(NOW, NOW + HOUR), NOW, "https://ca.example/")
    good = after_answer(kept, Suggestion(Window(NOW, NOW + HOUR)), living(), NOW - DAY, 0.1, NOW)
    assert (good.failures, good.point) == (0, NOW)


@pytest.mark.parametrize("code", ["ca_refused", "ca_not_acme", "ca_bad_window"])
def test_a_lasting_trouble_is_asked_about_after_six_hours(code: str) -> None:
    assert code not in PASSING
    for failures in (0, 1, 7):
        kept = after_failure(Renewal(failures=failures), code, None, NOW + 90 * DAY, NOW)
        assert kept.next_at == NOW + 6 * HOUR and kept.failures == failures + 1


def test_a_failure_that_names_a_time_is_asked_about_then_at_the_latest_after_a_day() -> None:
    kept = after_failure(Renewal(), "ca_unavailable", NOW + 2 * HOUR, NOW + 90 * DAY, NOW)
    assert kept.next_at == NOW + 2 * HOUR
    kept = after_failure(Renewal(), "ca_unavailable", NOW + 900 * DAY, NOW + 90 * DAY, NOW)
    assert kept.next_at == NOW + DAY


def test_an_expired_certificate_is_not_asked_about() -> None:
    for ends in (NOW - DAY, NOW, NOW + timedelta(seconds=30)):
        assert after_failure(Renewal(), "ca_unreachable", None, ends, NOW).next_at is None
        assert not_offered(Renewal(), ends, NOW).next_at is None


def test_a_ca_that_offers_no_windows_any_more_is_looked_at_daily_and_what_it_said_stays() -> None:
    said = Renewal(Window(NOW, NOW + HOUR), NOW, None, NOW, 3)
    assert not_offered(said, NOW + 90 * DAY, NOW) == Renewal(Window(NOW, NOW + HOUR), NOW, None, NOW + DAY, 0)


FORMER = Issued("id.x", "le", "https://ca/acct/1", ("a.test", "www.a.test"), Window(NOW - HOUR, NOW + HOUR))


@pytest.mark.parametrize(
    ("provider", "account", "names", "now", "expected"),
    [
        ("le", "https://ca/acct/1", ("a.test",), NOW, "id.x"),
        ("le", "https://ca/acct/1", ("www.a.test", "new.a.test"), NOW, "id.x"),
        ("other", "https://ca/acct/1", ("a.test",), NOW, None),
        ("le", "https://ca/acct/2", ("a.test",), NOW, None),
        ("le", "https://ca/acct/1", ("b.test",), NOW, None),
        ("le", "https://ca/acct/1", (), NOW, None),
        ("le", "https://ca/acct/1", ("a.test",), NOW - 2 * HOUR, None),
        ("le", "https://ca/acct/1", ("a.test",), NOW + 2 * HOUR, None),
    ],
)
def test_an_order_replaces_only_for_the_same_ca_account_and_a_common_name_and_inside_the_window(
    provider: str, account: str, names: tuple[str, ...], now: datetime, expected: str | None
) -> None:
    assert replaces(FORMER, provider, account, names, now) == expected


def test_a_usual_window_is_not_early_and_one_before_a_revocation_is() -> None:
    certificate = living()
    usual = Window(NOW + 60 * DAY - 0.9 * DAY, NOW + 60 * DAY + 0.9 * DAY)
    for fraction in (0.0, 0.5, 1.0):
        kept = after_answer(Renewal(), Suggestion(usual), certificate, NOW, fraction, NOW)
        assert not asked_early(replace(certificate, ari_point=kept.point))
        assert wanted_by(replace(certificate, ari_point=kept.point)) == certificate.not_after
    early = replace(certificate, ari_point=NOW + 3 * DAY)
    assert asked_early(early) and wanted_by(early) == NOW + 4 * DAY


def test_what_is_asked_for_early_goes_before_usual_renewals_but_not_before_what_ends_today() -> None:
    began = NOW - 80 * DAY
    usual, ending = living(start=began - 2 * DAY), living(start=began - 9.9 * DAY)
    first, second = living(start=began + 70 * DAY), living(start=began + 75 * DAY)
    early = [replace(one, ari_point=NOW - timedelta(minutes=minutes)) for one, minutes in ((first, 5), (second, 25))]
    assert lifetime(usual) == 90 * DAY and ending.not_after - NOW < DAY
    order = sorted([usual, early[1], ending, early[0]], key=urgency)
    assert order == [ending, early[0], early[1], usual]
