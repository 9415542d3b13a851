"""The panel out of the one file: its pages, and the files that they lead to."""

from __future__ import annotations

import http.client
import re
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.demo.daemons.starting import start
from tests.packaging.conftest import Built

pytestmark = pytest.mark.e2e

PORT = 2087


def get(path: str) -> tuple[int, str, bytes]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=20, context=context)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.headers["Content-Type"], answer.read()


@pytest.fixture(scope="module", autouse=True)
def panel(built: Built) -> Iterator[None]:
    place = Path("/var/lib/one-file")
    place.mkdir()
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PEX_ROOT": str(place / "unpacked"),
                   "AUTOSSL_INSTANCE": str(place / "instance")}
    command = ["/usr/bin/python3", str(built.pyz)]
    subprocess.run([*command, "init", "--admin", "admin", "--link"], env=environment, check=True, capture_output=True)
    process = start("panel", [*command, "serve", "--single"], [PORT], environment, place)
    yield
    process.terminate()
    process.wait(30)


def test_a_page_is_served() -> None:
    status, kind, body = get("/login")
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert b"<form" in body


def test_every_file_that_the_page_leads_to_is_served() -> None:
    addresses = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', get("/login")[2].decode()))
    assert {address.split("?")[0] for address in addresses} >= {
        "/static/autossl.css", "/static/autossl.js", "/static/vendor/htmx.min.js", "/static/vendor/pico.min.css",
    }
    for address in addresses:
        status, _, body = get(address)
        assert status == 200, address
        assert len(body) > 100, address
