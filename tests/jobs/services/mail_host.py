"""A private host for the tests of mail services: real daemons on their real ports, and files at Debian's places.

A test marked with `inside` runs there: the first one of a file that is asked for runs the whole file in a private host,
and each test outside then ends as its twin inside did. What can't be made is a failure, never a skip.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as Xml
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

import models
from jobs import privileged
from jobs.demo.private_host import PrivateHost
from jobs.install import Item, Outcome, install
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.proof import read_certificate
from jobs.policy.site import Website
from jobs.ports import Endpoint, Place, ServiceTarget
from jobs.services.system import MARK
from jobs.store import store
from jobs.wiring.instance import create
from jobs.wiring.kept_files import KeptFiles
from tests.fakes import TestCA

ROOT = Path(__file__).resolve().parents[3]
ENTERED = "AUTOSSL_TEST_INSIDE"
PATIENCE = 10.0
LONGEST = 180.0
"""Seconds for all tests of one file."""
HOSTILE = ('a.test" {\n}\nmail_debug = yes\n"', "a.test\nssl = no", "${run{/bin/sh}}.test", "a b.test", "a.test: /etc")

Test = Callable[..., None]


def inside(test: Test, prepare: Callable[[], dict[str, str]] = dict) -> Test:
    """Run `test` in a private host. `prepare` runs outside before; what it returns is in the environment inside."""
    if ENTERED in os.environ:
        return test

    def outside() -> None:
        ended = _ended(Path(sys.modules[test.__module__].__file__ or ""), prepare)
        trouble = ended if isinstance(ended, str) else ended.get(test.__name__, "it did not run")
        if trouble:
            pytest.fail(f"in the private host: {trouble}", pytrace=False)

    outside.__name__, outside.__doc__, outside.__module__ = test.__name__, test.__doc__, test.__module__
    return outside  # without the fixtures that `test` asks for: they are made inside


@cache
def _ended(file: Path, prepare: Callable[[], dict[str, str]]) -> dict[str, str] | str:
    """The tests of `file`, run inside once, whatever comes of it: each with what went wrong, or nothing; or, where
    there was no private host or it did not end, why."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=/run/ended.xml", str(file)]
    command = f"{shlex.join(words)} >/run/said 2>&1; cat /run/ended.xml || cat /run/said"
    try:
        host = PrivateHost(environment={ENTERED: "1", "PYTEST_ADDOPTS": "", **prepare()}, directory=ROOT)
        ended = host.run(["bash", "-c", command], timeout=LONGEST)
        report = Xml.fromstring(ended.stdout)
    except (Failure, TimeoutError, RuntimeError) as error:
        return str(error)
    except Xml.ParseError:
        return f"no report: {ended.said()}"
    return {case.get("name", ""): _trouble(case) for case in report.iter("testcase")}


def _trouble(case: Xml.Element) -> str:
    found = [case.find(kind) for kind in ("failure", "error", "skipped")]
    return "\n".join(f"{one.tag}: {one.text or one.get('message')}" for one in found if one is not None)


class MailHost:
    """An instance, a CA and one service, inside."""

    def __init__(self, make: Callable[[Place], ServiceTarget]) -> None:
        self.directory = Path(mkdtemp(prefix="autossl-", dir="/var/lib"))
        create(self.directory)
        self.directory.chmod(0o711)
        self.place = Place(self.directory)
        self.ca = TestCA()
        self.service = make(self.place)
        self.make = make
        self.kept = KeptFiles(self.place)

    def close(self) -> None:
        models.database.close()

    def item(self, *names: str, group: int | None = None) -> Item:
        bundle = self.ca.bundle(names)
        certificate = read_certificate(bundle.leaf)
        main = names[0].removeprefix("*.")
        site = Website("alice", (main, *names[1:]))
        return Item(site, certificate, store(self.place, main, bundle, certificate, group))

    def install(self, *items: Item) -> dict[str, Outcome]:
        """As the check does it: a fresh instance of the service, which knows nothing but what the files say."""
        self.service = self.make(self.place)
        outcomes = install(self.service, items, self.place, self.kept.before)
        return {outcome.website: outcome for outcome in outcomes}

    def undo(self) -> list[str]:
        """`autossl setup --undo`: every file outside the instance as it stood before; returns what could not be."""
        back, refused = self.kept.undoing()
        privileged.restore([was for _, was in back])
        return [text for _, text in refused]

    def self_signed(self, path: Path, name: str) -> tuple[Path, Path, Certificate]:
        """A certificate of the host's own: a CA's that nobody knows."""
        bundle = TestCA("Host").bundle([name])
        path.parent.mkdir(parents=True, exist_ok=True)
        pem, key = path.with_suffix(".pem"), path.with_suffix(".key")
        pem.write_bytes(bundle.fullchain)
        key.write_bytes(bundle.privkey)
        key.chmod(0o600)
        return pem, key, read_certificate(bundle.leaf)


def served(port: int, name: str, starttls: str | None = None) -> str | None:
    """The fingerprint of the leaf that one handshake shows, or None."""
    answer = privileged.probe(Endpoint("127.0.0.1", port, name, starttls))
    return None if answer.leaf is None else hashlib.sha256(answer.leaf).hexdigest()


def served_without_name(port: int, starttls: str) -> bool:
    """Whether a client that names nobody gets a certificate; openssl asks, as `probe` always names somebody."""
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-starttls", starttls, "-noservername"]
    answer = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
    return "-----BEGIN CERTIFICATE-----" in answer.stdout


def start(words: Sequence[str], port: int) -> None:
    """Start a daemon that goes to the background, and wait until it listens on `port`."""
    with Path("/run/daemon.log").open("ab") as sink:
        ended = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, timeout=30, check=False)
    said = Path("/run/daemon.log").read_text(errors="replace")
    assert ended.returncode == 0, said
    until(lambda: _open(port), f"{words[0]} to listen on port {port}; it said: {said}")


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited {PATIENCE:g} s for {what}"
        time.sleep(0.02)


def _open(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def is_closed(port: int) -> bool:
    return not _open(port)


__all__ = ["HOSTILE", "MARK", "MailHost", "inside", "is_closed", "served", "served_without_name", "start", "until"]
