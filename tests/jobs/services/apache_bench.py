"""A real Apache on its real ports and paths, inside a private host; and what a browser and a CA see of it."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs import privileged
from jobs.install import Item, Outcome, apply, install
from jobs.policy.file_change import FileChange
from jobs.policy.proof import read_certificate, read_der
from jobs.policy.site import Website
from jobs.ports import Endpoint, Place
from jobs.services import apache, webdisk
from jobs.store import store
from tests.fakes import NOW, TestCA, pem

ETC = Path("/etc/apache2")
PID = Path("/run/apache2/apache2.pid")
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
ANSWER = f"{TOKEN}.LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"
"""A key authorization (RFC 8555 section 8.1)."""

MODULES = ("rewrite", "headers", "proxy", "proxy_http", "macro", "dav", "dav_fs")


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    location: str | None


@dataclass
class Bench:
    """`formers`: what stood in every file before it was changed, for the way back."""

    place: Place = field(default_factory=lambda: Place(Path("/var/lib/autossl")))
    modules: tuple[str, ...] = ()
    ca: TestCA = field(default_factory=TestCA)
    formers: dict[Path, privileged.Former] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for directory in (self.place.live, self.place.challenges, self.place.conf):
            directory.mkdir(parents=True, mode=0o755)
        for file in (ETC / "sites-enabled").iterdir():
            file.unlink()
        (ETC / "ports.conf").write_text("Listen 80\n<IfModule ssl_module>\n\tListen 443\n</IfModule>\n")
        (ETC / "conf-enabled/name.conf").write_text("ServerName panel.bench.test\n")
        subprocess.run(["a2enmod", "-q", *MODULES, *self.modules], check=True, stdout=subprocess.DEVNULL)
        for directory in ("/run/apache2", "/run/lock/apache2"):
            Path(directory).mkdir(parents=True, exist_ok=True)
        self.fresh()

    def fresh(self, **options: Any) -> apache.Service:
        """Services as another run makes them."""
        self.service = apache.Service(apache.Options(**options), self.place)
        self.disk = webdisk.Service(webdisk.Options(), self.place)
        return self.service

    # --- the machine

    def write(self, name: str, text: str) -> Path:
        """A site as Debian keeps it: a file in sites-available and a link to it."""
        path = ETC / "sites-available" / f"{name}.conf"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        link = ETC / "sites-enabled" / path.name
        if not link.is_symlink():
            link.symlink_to(Path("../sites-available") / path.name)
        self.service.forget()
        self.disk.forget()
        return path

    def docroot(self, name: str, text: str) -> Path:
        directory = Path("/var/www") / name
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        (directory / "index.html").write_text(text)
        return directory

    def pair(self, name: str, names: list[str]) -> tuple[Path, Path]:
        """A certificate of somebody else, in a directory of somebody else."""
        directory = Path("/etc/ssl") / name
        directory.mkdir(exist_ok=True)
        bundle = TestCA("Another Root").bundle(names)
        (directory / "chain.pem").write_bytes(bundle.fullchain)
        (directory / "key.pem").write_bytes(bundle.privkey)
        return directory / "chain.pem", directory / "key.pem"

    def start(self) -> None:
        """The test first, so that a mistake in a test tells itself."""
        said = subprocess.run(["apache2ctl", "-t"], capture_output=True, text=True)
        assert said.returncode == 0, said.stderr
        with open("/var/log/apache2/start", "wb") as sink:
            subprocess.run(["apache2ctl", "start"], check=True, stdout=sink, stderr=sink)
        until(lambda: self.master() is not None)
        until(lambda: _open(80))

    def master(self) -> int | None:
        return privileged.running_pid(PID, "apache2")

    def stop(self) -> None:
        pid = self.master()
        if pid is not None:
            os.kill(pid, 15)
            until(lambda: not Path(f"/proc/{pid}/exe").exists())

    def clear(self) -> None:
        self.stop()
        privileged.restore(list(self.formers.values()))
        shutil.rmtree(self.place.instance)

    # --- the product

    def keep(self, service: str, changes: Sequence[FileChange]) -> None:
        for change in changes:
            if not change.path.is_relative_to(self.place.instance):
                self.formers.setdefault(change.path, privileged.former(change.path))

    def setup(self) -> list[FileChange]:
        changes = list(self.service.setup())
        apply(self.service, changes, self.place, self.keep)
        return changes

    def undo(self) -> None:
        """What `autossl setup --undo` does with the files."""
        privileged.restore(list(self.formers.values()))
        self.formers.clear()
        self.service.forget()
        self.service.test()
        self.service.reload()

    def item(self, *names: str) -> Item:
        bundle = self.ca.bundle(names, NOW)
        certificate = read_certificate(bundle.leaf)
        website = Website("alice", names)
        return Item(website, certificate, store(self.place, website.main, bundle, certificate, None))

    def install(self, *items: Item, on: apache.Service | webdisk.Service | None = None) -> dict[str, Outcome]:
        outcomes = install(on or self.service, items, self.place, self.keep)
        return {outcome.website: outcome for outcome in outcomes}

    # --- the world outside

    def get(self, host: str, path: str = "/", address: str = "127.0.0.1", port: int = 80, user: str = "") -> Answer:
        return _ask(http.client.HTTPConnection(address, port, timeout=5), host, path, user)

    def https(self, host: str, path: str = "/", address: str = "127.0.0.1", port: int = 443, user: str = "") -> Answer:
        """One request over TLS, with the name as SNI; only the test root is trusted."""
        context = ssl.create_default_context(cadata=pem(self.ca.certificate).decode())
        context.check_hostname = True
        connection = http.client.HTTPSConnection(host, port, timeout=5, context=context)
        connection.sock = context.wrap_socket(socket.create_connection((address, port), 5), server_hostname=host)
        return _ask(connection, host, path, user)

    def leaf(self, sni: str, address: str = "127.0.0.1", port: int = 443) -> str:
        """The serial number of what is served, whoever signed it."""
        served = privileged.probe(Endpoint(address, port, sni))
        assert served.leaf is not None, served.detail
        return read_der(served.leaf).serial

    def challenge(self, host: str, address: str = "127.0.0.1") -> Answer:
        (self.place.challenges / TOKEN).write_text(ANSWER)
        return self.get(host, f"/.well-known/acme-challenge/{TOKEN}", address)


def everything() -> dict[str, bytes | str]:
    """Every file and link of Apache's configuration, byte for byte."""
    return {
        str(path): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(ETC.rglob("*")) if path.is_symlink() or path.is_file()
    }


def _ask(connection: http.client.HTTPConnection, host: str, path: str, user: str) -> Answer:
    headers = {"Host": host}
    if user:
        headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read().decode("utf-8", "replace"), answer.getheader("Location"))


def _open(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.01)
