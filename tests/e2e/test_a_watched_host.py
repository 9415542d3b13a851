"""A host that is looked after, with its real daemons: `autossl doctor` says what is broken on it, and the watch over
served certificates notices what its daemons serve behind our back.

One thing is broken at a time. What the last tests break stays broken longest.
"""

from __future__ import annotations

import json
import logging
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import models
from jobs import privileged, records
from jobs.config import Dns, load
from jobs.demo.daemons import apache, self_signed
from jobs.demo.daemons.starting import run, start, until
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import INSTANCE, Product
from jobs.demo.story import Bench
from jobs.policy.certificate import Certificate
from jobs.policy.proof import read_certificate
from jobs.ports import Endpoint
from jobs.store import store
from jobs.wiring import served_watch
from jobs.wiring.doctor import examine
from jobs.wiring.instance import Instance, open_instance
from jobs.wiring.instance import now as real_now
from tests.fakes import TestCA

pytestmark = pytest.mark.e2e(timeout=180)

SNIPPET = Path("/etc/apache2/conf-enabled/autossl.conf")
BROKEN = Path("/etc/apache2/conf-enabled/zz-broken.conf")

APACHE, DOVECOT = ("apache", 443), ("dovecot", 993)
PORTS = Path("/etc/apache2/ports.conf")
NGINX = """events {}
http { server { listen 443 ssl; ssl_certificate /root/front.pem; ssl_certificate_key /root/front.key; return 200; } }
"""


class Watch:
    """The duty, called as the tick does, with ten minutes between two calls."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.now: datetime = real_now()

    def tick(self, main: str = "") -> None:
        """`main`: a website whose turn it is."""
        self.now += timedelta(minutes=10)
        models.ServiceState.update(served_at=None).where(models.ServiceState.website == main).execute()
        served_watch.watch(self.instance)


@pytest.fixture(scope="module")
def instance(product: Product) -> Iterator[Instance]:
    product.run("check", "--all", expected=(0, 1))
    opened = open_instance(INSTANCE)
    yield opened
    opened.close()


def restart() -> None:
    run("apache2ctl", "stop")
    until("Apache to end", lambda: not pid_file().exists())
    start("apache", ["apache2ctl", "start"], (80, 443))
    until("Apache to answer", lambda: answered(PUBLIC_ADDRESS))


def answered(address: str) -> bool:
    """A connection that is taken while Apache starts may be reset."""
    try:
        with socket.create_connection((address, 80), 2) as connection:
            connection.sendall(b"HEAD / HTTP/1.0\r\n\r\n")
            return connection.recv(4) == b"HTTP"
    except OSError:
        return False


def pid_file() -> Path:
    return Path("/run/apache2/apache2.pid")


def wrong(found: dict[str, Any]) -> dict[str, list[str]]:
    """What is wrong, by check, each as `subject: text`."""
    return {
        check["check"]: [f"{one['subject']}: {one['text']}" for one in check["results"] if one["state"] == "wrong"]
        for check in found["checks"]
        if check["state"] == "wrong"
    }


def results(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    (check,) = [one for one in found["checks"] if one["check"] == name]
    listed: list[dict[str, Any]] = check["results"]
    return listed


def test_a_host_that_works_has_nothing_wrong(instance: Instance, product: Product, bench: Bench) -> None:
    answer = product.run("doctor", "--json")
    found = answer.json()
    assert (answer.code, found["ok"], wrong(found)) == (0, True, {})
    domain = bench.accounts[0].domain
    challenged = results(found, "challenges")
    assert {"subject": f"{domain} at {PUBLIC_ADDRESS}", "state": "fine", "text": "the token came back",
            "expected": "", "remedy": ""} in challenged
    assert {one["subject"] for one in results(found, "services")} >= {"apache", "dovecot", "exim", "panel"}
    assert [one["state"] for one in results(found, "clock")] == ["fine"]
    assert [one["state"] for one in results(found, "provider")] == ["fine"] * 3
    assert "127.0.0.1" in results(found, "resolvers")[0]["subject"]
    told = product.run("doctor").stdout
    assert told.rstrip().endswith(("warnings.", "warning.", "All is fine.")) and "ok  clock: this host and" in told
    assert not list((INSTANCE / "challenges").iterdir())


def test_a_broken_configuration_is_told_in_apaches_own_words(instance: Instance, product: Product) -> None:
    BROKEN.write_text("ThisIsNoDirective\n")
    answer = product.run("doctor", "--json", expected=(1,))
    BROKEN.unlink()
    found = wrong(answer.json())
    assert any(one.startswith("apache: ") and "ThisIsNoDirective" in one for one in found["services"])
    assert not any(one.startswith("dovecot: ") for one in found["services"])
    assert len(answer.json()["checks"]) > 12


def test_a_stopped_web_server_is_a_closed_port_and_no_answer(instance: Instance, bench: Bench) -> None:
    run("apache2ctl", "stop")
    until("Apache to end", lambda: not pid_file().exists())
    found = wrong(examine(instance))
    start("apache", ["apache2ctl", "start"], (80, 443))
    assert f"port 80 at {PUBLIC_ADDRESS}: Connection refused" in found["ports"]
    assert f"port 443 at {PUBLIC_ADDRESS}: Connection refused" in found["ports"]
    assert f"{bench.accounts[0].domain} at {PUBLIC_ADDRESS}: Connection refused" in found["challenges"]


def test_a_key_that_others_may_read_is_named_with_its_mode(instance: Instance, bench: Bench) -> None:
    key = (instance.place.link(bench.accounts[0].domain, "apache") / "privkey.pem").resolve()
    mode = key.stat().st_mode
    key.chmod(0o644)
    found = wrong(examine(instance))
    key.chmod(mode)
    assert found["permissions"] == [f"{key}: its mode is 644: others may read it"]


def test_a_snippet_that_was_removed_is_missed_and_so_are_the_challenges(instance: Instance) -> None:
    shutil.copy2(SNIPPET, "/root/snippet")
    SNIPPET.unlink()
    restart()
    found = examine(instance)
    shutil.copy2("/root/snippet", SNIPPET)
    restart()
    assert any(str(SNIPPET) in one for one in wrong(found)["set_up"])
    told = results(found, "challenges")  # an account's .htaccess may send the question on before anything misses a file
    assert any(": status 404 by Apache/" in one for one in wrong(found)["challenges"]), told
    assert any(one["subject"] == str(SNIPPET) and one["text"] == "somebody removed it"
               for one in results(found, "set_up"))


def test_a_resolver_that_does_not_answer_is_named(instance: Instance) -> None:
    resolvers = ("127.0.0.1:5399", "127.0.0.1")
    config = replace(load(INSTANCE / "config.toml"), dns=Dns(resolvers))
    found = examine(replace(instance, config=config))
    assert [one.partition(":5399: ")[0] for one in wrong(found)["resolvers"]] == ["resolver 127.0.0.1"]
    assert results(found, "resolvers")[1]["state"] == "fine"


def test_a_ca_that_is_down_is_told_once_a_check(instance: Instance) -> None:
    row = models.Provider.get(models.Provider.current)
    options = json.loads(row.options)
    dead = json.dumps({**options, "directory": "https://127.0.0.1:9/dir"})
    models.Provider.update(options=dead).execute()
    found = wrong(examine(instance))
    models.Provider.update(options=row.options).execute()
    assert set(found) == {"provider", "clock"}
    assert found["provider"][0].startswith("directory: ") and "Connection refused" in found["provider"][0]


@pytest.fixture
def watch(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Watch:
    made = Watch(instance)
    models.ServiceState.update(reloaded_at=None).execute()  # each test is a day of its own
    monkeypatch.setattr(served_watch, "now", lambda: made.now)
    made.tick()
    return made


@pytest.fixture
def domain(bench: Bench) -> str:
    return bench.accounts[0].domain


def renewed(instance: Instance, main: str, *services: str) -> Certificate:
    """A newer certificate, stored, to which the links of `services` point, without a word to them."""
    live = records.live_certificates([main])[main]
    bundle = TestCA().bundle(live.names, real_now() - timedelta(hours=1))
    certificate = read_certificate(bundle.leaf)
    former = Path(instance.place.link(main, services[0])).resolve()
    directory = store(instance.place, main, bundle, certificate, (former / "privkey.pem").stat().st_gid)
    records.keep_certificate(main, certificate, "pebble", real_now(), real_now())
    for service in services:
        link = instance.place.link(main, service)
        link.unlink()
        link.symlink_to(directory.name)
    return certificate


def shown(name: str, port: int) -> str | None:
    return privileged.probe(Endpoint("127.0.0.1", port, name)).fingerprint


def states(main: str) -> dict[str, str]:
    row = models.ServiceState
    return dict(row.select(row.service, row.served_state).where(row.website == main).tuples())


def test_everything_is_served_as_installed_after_a_check(watch: Watch, domain: str) -> None:
    found = states(domain)
    assert {found[name] for name in ("apache", "dovecot", "exim", "panel")} == {"fine"}
    assert models.Problem.select().where(models.Problem.service != "").count() == 0


def test_daemons_that_serve_an_older_one_are_reloaded_once_and_serve_the_newer_one(
    watch: Watch, domain: str, caplog: pytest.LogCaptureFixture
) -> None:
    newer = renewed(watch.instance, domain, "apache", "dovecot")
    before = [shown(domain, port) for _, port in (APACHE, DOVECOT)]
    assert newer.fingerprint not in before
    watch.tick(domain)
    assert {states(domain)[name] for name in ("apache", "dovecot")} == {"suspected"}
    assert [shown(domain, port) for _, port in (APACHE, DOVECOT)] == before
    with caplog.at_level(logging.WARNING, "autossl.background"):
        watch.tick()
    assert caplog.text.count("it is reloaded") == 2
    assert {states(domain)[name] for name in ("apache", "dovecot")} == {"fine"}
    assert {shown(domain, port) for _, port in (APACHE, DOVECOT)} == {newer.fingerprint}
    assert models.Problem.select().where(models.Problem.service != "").count() == 0
    caplog.clear()
    watch.tick()
    assert "reloaded" not in caplog.text


def test_a_stopped_daemon_is_not_running_and_no_problem(watch: Watch, domain: str) -> None:
    run("doveadm", "stop")
    for _ in range(3):
        watch.tick(domain)
    assert states(domain)["dovecot"] == "idle"
    assert models.Problem.select().where(models.Problem.service != "").count() == 0


def test_another_program_at_the_port_is_told_and_apache_is_not_reloaded_into_its_end(
    watch: Watch, domain: str
) -> None:
    ports = PORTS.read_text()
    PORTS.write_text(ports.replace("Listen 443", "Listen 8443"))
    run("apache2ctl", "restart")
    start("apache", ["true"], (8443,))
    self_signed.write(Path("/root/front.pem"), Path("/root/front.key"), ["front.test"])
    Path("/root/nginx.conf").write_text(NGINX)
    start("nginx", ["nginx", "-c", "/root/nginx.conf"], (443,))
    PORTS.write_text(ports)
    for _ in range(3):
        watch.tick(domain)
    told = models.Problem.get((models.Problem.website == domain) & (models.Problem.service == "apache"))
    assert told.code == "served_other"
    assert "(self-signed," in told.text and "expected the certificate" in told.text
    assert "Listen 443: the port is taken by another program" in told.text
    with socket.create_connection(("127.0.0.1", 80), 5):
        pass  # Apache lives
    run("nginx", "-c", "/root/nginx.conf", "-s", "stop")
    apache.reload_apache()
    start("apache", ["true"], (443,))
    watch.tick(domain)
    assert states(domain)["apache"] == "fine"
    assert models.Problem.select().where(models.Problem.service == "apache").count() == 0
