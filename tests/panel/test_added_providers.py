"""Adding any ACME CA in the browser: two steps, and whatever a stranger's address may answer."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

import models
from jobs.wiring import provider_rows
from jobs.wiring.instance import now
from tests.fakes import TestCA, pem
from tests.jobs.acme.odd_server import HOSTILE, OddServer, odd_server
from tests.panel.browser import HTTPS, Browser
from tests.panel.command_line import Line
from tests.panel.directory_server import HMAC, KID


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OddServer]:
    with odd_server(tmp_path_factory.mktemp("odd")) as running:
        yield running


@pytest.fixture
def admin(browser: Browser, server: OddServer) -> Browser:
    browser.sign_in()
    models.database.connect(reuse_if_open=True)
    server.meta.clear()
    server.asked.clear()
    return browser


def typed(server: OddServer, path: str = "/dir", **values: str) -> dict[str, str]:
    return {"name": "ours", "directory": server.url(path), "ca_pem": server.ca_bundle.read_text(), **values}


def look(browser: Browser, data: dict[str, str]) -> TestResponse:
    return browser.post("/providers/add", "/security", **data)


def keep(browser: Browser, data: dict[str, str]) -> TestResponse:
    return browser.post("/providers/add/keep", "/security", **data)


def added() -> list[str]:
    models.database.connect(reuse_if_open=True)
    return [row.name for row in models.Provider.select()]


def error(answer: TestResponse, field: str) -> str:
    """The sentence beside a field."""
    start = answer.text.index(f'id="{field}-error">') + len(f'id="{field}-error">')
    return answer.text[start : answer.text.index("</small>", start)]


def test_what_a_ca_says_is_shown_before_anything_is_kept(admin: Browser, server: OddServer) -> None:
    server.meta.update(termsOfService="https://ca.test/terms", externalAccountRequired=True, website="https://ca.test",
                       caaIdentities=["ca.test"], profiles={"short": "6 days"})
    answer = look(admin, typed(server, wildcard="1", max_names="7"))
    assert answer.status_code == 200
    for shown in ('href="https://ca.test/terms"', "127.0.0.1", "A private address", "ca.test", "short", "needed",
                  "the CA bundle that you gave", 'type="password" id="eab_hmac"'):
        assert shown in answer.text
    assert added() == []


def test_a_ca_is_kept_by_the_second_step(admin: Browser, server: OddServer, line: Line) -> None:
    server.meta.update(externalAccountRequired=True)
    chosen = {"wildcard": "1", "ancestor_dcv": "1", "http_only": "1", "max_names": "7", "caa": "ca.test"}
    answer = keep(admin, typed(server, **chosen, eab_kid=KID, eab_hmac=HMAC))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/providers?provider=ours")
    options = json.loads(models.Provider.get(models.Provider.name == "ours").options)
    assert options["ancestor_dcv"] is options["http_only"] is True
    assert (options["directory"], options["wildcard"], options["max_names"], options["caa"]) == (
        server.directory, True, 7, "ca.test")
    assert options["ca_pem"].startswith("-----BEGIN CERTIFICATE-----")
    assert HMAC in (line.instance / "keys" / "ours.eab.json").read_text()
    found = [(row.action, row.object, row.result) for row in models.AuditEntry.select()
             if row.action.startswith("provider")]
    assert found == [("provider.add", "ours", "done")]
    page = admin.get("/providers?provider=ours&ask=1").text
    assert "ours" in page and HMAC not in page and KID in page


def test_the_first_step_can_be_changed_again(admin: Browser, server: OddServer) -> None:
    answer = look(admin, typed(server, edit="1", caa="ca.test"))
    assert answer.status_code == 200 and 'value="ca.test"' in answer.text and "BEGIN CERTIFICATE" in answer.text
    assert server.asked == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "Expected something here."),
        ("name", "../up", "expected a name of small letters"),
        ("name", "x" * 40, "expected a name of small letters"),
        ("name", "letsencrypt", "there is a provider of that name already"),
        ("directory", "", "Expected something here."),
        ("directory", "http://127.0.0.1/dir", "expected the https URL"),
        ("directory", "file:///etc/passwd", "expected the https URL"),
        ("directory", "https://user:pw@127.0.0.1/dir", "expected the https URL"),
        ("directory", "https://127.0.0.1:port/", "expected a URL"),
        ("directory", "https://127.0.0.1/\x1b[31m", "without control characters"),
        ("directory", "https://" + "x" * 5000, "at most 4096 characters"),
        ("ca_pem", "nothing", "Expected certificates in PEM"),
        ("ca_pem", "-----BEGIN PRIVATE KEY-----", "holds a private key"),
        ("ca_pem", "x" * 60_000, "at most 48 KiB"),
        ("caa", 'x"; issue', "in CAA records"),
        ("max_names", "0", "xpected 1 to 10000 names"),
        ("max_names", "many", "whole number"),
    ],
)
def test_bad_input_is_refused_beside_its_field_and_nothing_is_asked(
    admin: Browser, server: OddServer, field: str, value: str, said: str
) -> None:
    for step in (look, keep):
        answer = step(admin, typed(server, **{field: value}))
        assert answer.status_code == 422
        assert said.lower() in error(answer, field).lower()
    assert server.asked == [] and added() == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/html", "got text/html"),
        ("/endless", "larger than 1048576 bytes"),
        ("/elsewhere", "another host or not https"),
        ("/drip", "did not answer in time"),
    ],
)
def test_an_address_that_answers_oddly_is_refused_in_time(
    admin: Browser, server: OddServer, path: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if path == "/drip":  # the others answer at once, but not within so little on a busy machine
        monkeypatch.setattr(provider_rows, "LOOK_SECONDS", 0.7)
    began = time.monotonic()
    answer = look(admin, typed(server, path))
    assert answer.status_code == 422 and said in error(answer, "directory")
    assert time.monotonic() - began < 10
    assert added() == []


def test_a_server_that_the_host_does_not_trust_needs_its_bundle(admin: Browser, server: OddServer) -> None:
    answer = look(admin, typed(server, ca_pem=""))
    assert answer.status_code == 422 and "certificate" in error(answer, "directory").lower()


def test_what_a_ca_calls_itself_can_do_nothing_to_the_page(admin: Browser, server: OddServer) -> None:
    server.meta.update(termsOfService="javascript:alert(1)//<script>alert(1)</script>",
                       website=f"https://ca.test/{HOSTILE}", caaIdentities=[HOSTILE * 50], profiles={HOSTILE: HOSTILE})
    pages = [look(admin, typed(server)).text]
    assert keep(admin, typed(server)).status_code == 303
    pages += [admin.get("/providers?provider=ours&ask=1").text, admin.get("/providers").text]
    for page in pages:
        assert "<script>alert" not in page and "\x1b" not in page and "\u202e" not in page
        assert 'href="javascript' not in page
    assert all("\\x1b[31m" in page for page in pages[:2])


@pytest.mark.parametrize("terms", [f"https://ca.test/{HOSTILE}", "read and agree", "https://ca.test/" + "x" * 3000])
def test_terms_that_nobody_can_read_are_no_terms(admin: Browser, server: OddServer, terms: str) -> None:
    server.meta.update(termsOfService=terms)
    answer = look(admin, typed(server))
    assert answer.status_code == 422 and "expected the URL of terms of service" in error(answer, "directory")
    assert "<script>alert" not in answer.text and "\x1b" not in answer.text


def test_a_bundle_is_taken_from_a_file_as_well(admin: Browser, server: OddServer) -> None:
    data = {**typed(server, ca_pem=""), "csrf_token": admin.token("/security")}
    for content, fine in ((server.ca_bundle.read_bytes(), True), (b"\x30\x82\xff\x00", False)):
        answer = admin.client.post("/providers/add", base_url=HTTPS, data={
            **data, "ca_file": (io.BytesIO(content), "root.pem")})
        assert answer.status_code == (200 if fine else 422)
    assert "holds something else" in error(answer, "ca_pem")


def test_an_added_provider_is_removed_after_it_was_asked_for(admin: Browser, server: OddServer) -> None:
    keep(admin, typed(server))
    assert "Remove ours?" in admin.get("/providers/ours/remove").text
    models.Provider.update(current=True).where(models.Provider.name == "ours").execute()
    refused = admin.post("/providers/ours/remove", "/security")
    assert refused.status_code == 422 and "disable AutoSSL, first" in refused.text
    models.Provider.update(current=False).execute()
    assert admin.post("/providers/ours/remove", "/security").status_code == 303
    assert added() == []
    assert admin.get("/providers/ours/remove").status_code == 404
    assert admin.post("/providers/letsencrypt/remove", "/security").status_code == 422


def test_a_bundle_without_its_server_is_of_no_use(admin: Browser, server: OddServer) -> None:
    answer = look(admin, typed(server, ca_pem=pem(TestCA().certificate).decode()))
    assert answer.status_code == 422 and "certificate" in error(answer, "directory").lower()


def test_two_providers_have_two_names(admin: Browser, server: OddServer) -> None:
    models.Provider.create(name="ours", plugin="custom", options='{"directory": "https://ca.test/"}', added_at=now())
    answer = look(admin, typed(server))
    assert answer.status_code == 422 and "already" in error(answer, "name")
