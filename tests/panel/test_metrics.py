"""/metrics: what is told, in which form, and to whom."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parsed
from werkzeug.test import TestResponse

import models
from jobs.policy.access import Role
from jobs.ports import Place
from jobs.wiring import options, tokens
from jobs.wiring.background import TICKED_SETTING
from jobs.wiring.instance import choose, now, open_instance
from panel import create_app
from tests.panel import seed
from tests.panel.browser import HTTPS, Browser, add, user
from tests.panel.command_line import Line
from tests.panel.https_client import context

ROOT = Path(__file__).resolve().parents[2]
SCRAPER = {
    "Accept": "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
    "Accept-Encoding": "gzip", "User-Agent": "Prometheus/2.42.0", "X-Prometheus-Scrape-Timeout-Seconds": "10",
}
"""What Prometheus 2.42 sends."""


class Worker:
    """Says that this is our own server, which knows from where a connection comes."""

    def stuck(self) -> str:
        return ""


@pytest.fixture
def own(app: Flask) -> Flask:
    app.extensions["background"] = Worker()
    return app


def scrape(
    app: Flask, address: str = "127.0.0.1", url: str = "https://127.0.0.1:2087", protocol: str = "HTTP/1.1",
    path: str = "/metrics", **headers: str,
) -> TestResponse:
    client = app.test_client(use_cookies=False)
    environ = {"REMOTE_ADDR": address, "SERVER_PROTOCOL": protocol}
    sent = {**SCRAPER, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return client.get(path, base_url=url, environ_overrides=environ, headers=sent)


def outside(app: Flask, header: str | None = None) -> TestResponse:
    more: dict[str, Any] = {} if header is None else {"Authorization": header}
    return scrape(app, "192.0.2.1", HTTPS, **more)


def token(name: str, scope: str = "read", account: str | None = None) -> str:
    models.database.connect(reuse_if_open=True)
    made, _ = tokens.make(user(name), "prometheus", scope, account, 90)
    models.database.close()
    return made


def refused(answer: TestResponse, status: int) -> bool:
    """In words that a person reads in Prometheus's list of targets, and without a figure."""
    plain = answer.content_type == "text/plain; charset=utf-8" and answer.text.count("\n") == 1
    return answer.status_code == status and plain and "autossl_" not in answer.text


class TestToWhom:
    def test_a_scraper_of_this_host_needs_no_token(self, own: Flask) -> None:
        for address, url in (("127.0.0.1", "https://127.0.0.1:2087"), ("127.8.8.8", "https://localhost:2087"),
                             ("::1", "https://[::1]:2087"), ("::ffff:127.0.0.1", "https://localhost")):
            answer = scrape(own, address, url)
            assert answer.status_code == 200 and "autossl_accounts 0.0" in answer.text, address

    def test_from_elsewhere_it_takes_the_token_of_an_administrator(self, own: Flask) -> None:
        answer = outside(own)
        assert refused(answer, 401) and answer.headers["WWW-Authenticate"] == 'Bearer realm="AutoSSL"'
        for scope in ("read", "check", "manage"):
            assert outside(own, f"Bearer {token('root', scope)}").status_code == 200

    def test_the_option_takes_the_way_without_a_token_away(self, line: Line) -> None:
        (line.instance / "config.toml").write_text("[panel]\nmetrics_loopback = false\n")
        app = create_app(line.instance)
        app.extensions["background"] = Worker()
        assert refused(scrape(app), 401)
        assert outside(app, f"Bearer {token('root')}").status_code == 200


class TestAttacks:
    @pytest.mark.parametrize(
        "header",
        ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "Via: 1.1 front",
         "X-Real-IP: 127.0.0.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: localhost", "X-Client-IP: 127.0.0.1",
         "CF-Connecting-IP: 203.0.113.9", "X-Of-Tomorrow-For: 127.0.0.1"],
    )
    def test_a_forwarded_request_is_not_of_this_host(self, own: Flask, header: str) -> None:
        name, _, value = header.partition(": ")
        assert refused(scrape(own, **{name.replace("-", "_"): value}), 401)
        assert refused(scrape(own, "203.0.113.9", **{name.replace("-", "_"): value}), 401)

    def test_a_proxy_that_says_nothing_of_itself_but_speaks_http_1_0(self, own: Flask) -> None:
        assert refused(scrape(own, protocol="HTTP/1.0"), 401)

    @pytest.mark.parametrize(
        "host",
        ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "panel.example.com", "evil.example:2087",
         "127.0.0.1@evil.example", "[::ffff:7f00:1]", "0.0.0.0", "0", "127.1", ""],
    )
    def test_dns_rebinding_leads_a_browser_here_under_another_name(self, own: Flask, host: str) -> None:
        answer = own.test_client().get(
            "/metrics", base_url="https://localhost", headers=SCRAPER,
            environ_overrides={"REMOTE_ADDR": "127.0.0.1", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": host},
        )
        assert answer.status_code in (400, 401) and "autossl_" not in answer.text

    @pytest.mark.parametrize("header", ["Origin", "Referer", "Cookie", "Sec-Fetch-Site", "Accept-Language"])
    def test_a_page_in_a_browser_of_this_host_is_no_scraper(self, own: Flask, header: str) -> None:
        assert refused(scrape(own, **{header.replace("-", "_"): "https://evil.example"}), 401)

    def test_behind_any_wsgi_server_an_address_proves_nothing(self, app: Flask) -> None:
        assert refused(scrape(app), 401)
        assert outside(app, f"Bearer {token('root')}").status_code == 200

    @pytest.mark.parametrize(
        "address", ["192.0.2.1", "10.0.0.1", "::2", "", "localhost", "127.0.0.1, 192.0.2.1", "unix:"]
    )
    def test_an_address_that_is_not_this_hosts_own(self, own: Flask, address: str) -> None:
        assert refused(scrape(own, address), 401)

    @pytest.mark.parametrize("scope", ["read", "manage"])
    def test_the_token_of_a_user(self, own: Flask, scope: str) -> None:
        seed.accounts(2)
        add("ann", Role.USER, seed.account_name(1))
        assert refused(outside(own, f"Bearer {token('ann', scope)}"), 403)

    def test_the_token_of_a_reseller(self, own: Flask) -> None:
        options.save(own.extensions["autossl"].config, {"resellers": True})
        add("rita", Role.RESELLER)
        assert refused(outside(own, f"Bearer {token('rita', 'manage')}"), 403)

    def test_a_token_that_is_restricted_to_an_account(self, own: Flask) -> None:
        seed.accounts(2)
        assert refused(outside(own, f"Bearer {token('root', 'manage', seed.account_name(0))}"), 403)

    def test_a_token_that_has_expired_or_was_revoked(self, own: Flask) -> None:
        old, gone = token("root"), token("root")
        with models.database.connection_context():
            models.Token.update(expires_at=now() - timedelta(seconds=1)).where(
                models.Token.prefix == old.split("_")[1]
            ).execute()
            tokens.revoke(gone.split("_")[1])
        assert refused(outside(own, f"Bearer {old}"), 401) and refused(outside(own, f"Bearer {gone}"), 401)

    @pytest.mark.parametrize(
        "header", ["Bearer nonsense", "Bearer ", "", "Basic cm9vdDpyb290", "Bearer \xff", "x" * 5000]
    )
    def test_a_header_that_is_no_token_is_refused_also_from_this_host(self, own: Flask, header: str) -> None:
        assert refused(scrape(own, Authorization=header), 401)

    def test_a_token_in_another_form_or_in_the_address(self, own: Flask) -> None:
        made = token("root")
        for header in (f"whm root:{made}", f"bearer {made}", made, f"Bearer  {made}", f"Bearer {made[:-1]}"):
            assert refused(outside(own, header), 401), header
        assert refused(scrape(own, "192.0.2.1", HTTPS, path=f"/metrics?token={made}"), 401)

    def test_a_session_is_no_token(self, own: Flask, browser: Browser) -> None:
        browser.sign_in()
        assert refused(browser.get("/metrics"), 401)

    @pytest.mark.parametrize(
        "accept", ["application/openmetrics-text; version=nonsense", "\xff;q=x", ",;,", "a/b;" * 900,
                   "application/openmetrics-text; version=1.0.0\x0bX: y"]
    )
    def test_a_hostile_wish_for_a_form_is_answered_in_the_usual_one(self, own: Flask, accept: str) -> None:
        answer = scrape(own, Accept=accept)
        assert answer.status_code == 200 and answer.headers["Content-Type"] in (
            "text/plain; version=0.0.4; charset=utf-8", "application/openmetrics-text; version=1.0.0; charset=utf-8"
        )


class TestForm:
    @pytest.fixture
    def host(self, own: Flask) -> Iterator[Flask]:
        with models.database.connection_context():
            seed.provider()
            seed.accounts(20)
            seed.pending(3)
            seed.runs(Place(own.extensions["autossl"].place.instance))
            choose(TICKED_SETTING, now().isoformat())
        yield own

    def test_prometheus_gets_openmetrics_and_curl_the_plain_format(self, host: Flask) -> None:
        asked = scrape(host)
        assert asked.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        assert asked.text.endswith("# EOF\n")
        for accept in ("*/*", "text/plain", "application/openmetrics-text;q=0.2,text/plain;q=0.8", ""):
            plain = scrape(host, Accept=accept)
            assert plain.content_type == "text/plain; version=0.0.4; charset=utf-8"
        figures = [sorted((one.name, *map(str, one.labels.items()), one.value) for one in samples(kind, answer.text)
                          if one.name.startswith("autossl_"))
                   for kind, answer in ((parsed_openmetrics, asked), (parsed, plain))]
        assert figures[0] == figures[1] and len(figures[0]) > 30

    def test_the_figures_are_those_of_the_rows(self, host: Flask) -> None:
        found = {(one.name, *one.labels.values()): one.value for one in samples(parsed, scrape(host, Accept="").text)}
        expected = {
            ("autossl_accounts",): 20, ("autossl_names", "missing"): 16, ("autossl_certificates",): 12,
            ("autossl_certificates_expiring", "7"): 4, ("autossl_queue_entries", "order", "waiting"): 3,
            ("autossl_problems", "dns_nxdomain", "error"): 4, ("autossl_services_not_serving", "dovecot"): 4,
            ("autossl_services_serving", "apache"): 12, ("autossl_provider_current", "letsencrypt"): 1,
        }
        assert {key: found[key] for key in expected} == expected
        assert found["autossl_last_check_timestamp_seconds", "done"] > 1e9

    def test_no_label_names_an_account_or_a_website(self, host: Flask) -> None:
        answer = scrape(host, Accept="")
        assert not re.search(r"user\d|shop\d|example\.|<script", answer.text)
        assert {name for one in samples(parsed, answer.text) for name in one.labels} <= {
            "code", "days", "kind", "provider", "result", "service", "severity", "state", "version", "implementation",
        }

    def test_names_and_help_follow_the_rules_of_prometheus(self, host: Flask) -> None:
        families = list(parsed(scrape(host, Accept="").text))
        for family in families:
            assert re.fullmatch(r"[a-z][a-z0-9_]*", family.name) and family.documentation.endswith("."), family.name
            total = {one.name.endswith("_total") for one in family.samples}
            assert family.type in ("gauge", "counter") and total <= {family.type == "counter"}, family.name
            assert not family.name.endswith(("_count", "_sum", "_bucket", "_gauge", "_counter"))
        assert len({family.name for family in families}) == len(families)

    def test_an_answer_is_not_kept_anywhere(self, host: Flask) -> None:
        answer = scrape(host)
        assert answer.headers["Cache-Control"] == "no-store" and "Set-Cookie" not in answer.headers

    def test_a_database_that_does_not_answer_is_told_without_its_insides(
        self, host: Flask, caplog: pytest.LogCaptureFixture
    ) -> None:
        with models.database.connection_context():
            models.database.execute_sql("ALTER TABLE problem RENAME TO hidden")
        answer = scrape(host)
        assert refused(answer, 503) and "problem" not in answer.text
        assert "no such table: problem" in caplog.text


def samples(kind: Any, text: str) -> list[Any]:
    return [one for family in kind(text) for one in family.samples]


def test_the_real_server_answers_a_scrape_of_this_host(place: Place) -> None:
    """By HTTPS on a socket, with its clock at work: no token, then a wrong name, then a header of a proxy."""
    environment = {**os.environ, "AUTOSSL_INSTANCE": str(place.instance)}
    words = [sys.executable, "-m", "panel.cli", "serve", "--single", "--bind", "127.0.0.1:0"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rstrip("/\n").rpartition(":")[2])

        def ask(**headers: str) -> tuple[int, str]:
            request = urllib.request.Request(f"https://127.0.0.1:{port}/metrics", headers=headers)
            try:
                with urllib.request.urlopen(request, context=context(), timeout=20) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        status, text = ask()
        assert status == 200
        assert "autossl_build_info{version=" in text and "process_resident_memory_bytes" in text
        assert ask(Host="panel.example.com")[0] == ask(**{"X-Forwarded-For": "192.0.2.9"})[0] == 401
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    with open_instance(place.instance).database.connection_context():
        assert models.Setting.get_or_none(models.Setting.key == TICKED_SETTING) is not None
