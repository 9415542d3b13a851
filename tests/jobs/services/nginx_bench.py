"""A real nginx on its real ports and paths, inside a private host; and what a browser and a CA see of it."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jobs import privileged
from jobs.install import Item, Outcome, apply, install
from jobs.policy.file_change import FileChange
from jobs.policy.proof import read_certificate, read_der
from jobs.policy.site import Website
from jobs.ports import Endpoint, Place
from jobs.services.nginx import Options, Service
from jobs.store import store
from tests.fakes import NOW, TestCA, pem

ETC = Path("/etc/nginx")
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
ANSWER = f"{TOKEN}.LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"
"""A key authorization (RFC 8555 section 8.1)."""

BACKEND = 'server { listen 127.0.0.1:8081; location / { default_type text/plain; return 200 "backend $uri"; } }\n'


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    location: str | None


@dataclass
class Bench:
    """`formers`: what stood in every file before it was changed, for the way back."""

    place: Place = field(default_factory=lambda: Place(Path("/var/lib/autossl")))
    options: Options = field(default_factory=Options)
    ca: TestCA = field(default_factory=TestCA)
    formers: dict[Path, privileged.Former] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for directory in (self.place.live, self.place.challenges, self.place.conf):
            directory.mkdir(parents=True, mode=0o755)
        for directory in ("sites-enabled", "sites-available", "conf.d"):
            for file in (ETC / directory).iterdir():
                file.unlink()
        self.service = Service(self.options, self.place)

    # --- the machine

    def write(self, name: str, text: str) -> Path:
        """A site as Debian keeps it: a file in sites-available and a link to it."""
        path = ETC / "sites-available" / name
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        link = ETC / "sites-enabled" / name
        if not link.is_symlink():
            link.symlink_to(path)
        self.service.forget()
        return path

    def docroot(self, name: str, text: str) -> Path:
        directory = Path("/var/www") / name
        directory.mkdir(parents=True, exist_ok=True)
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
        """nginx -t first, so that a mistake in a test tells itself."""
        said = subprocess.run(["nginx", "-t"], capture_output=True, text=True)
        assert said.returncode == 0, said.stderr
        with open("/var/log/nginx/start", "wb") as sink:
            subprocess.run(["nginx"], check=True, stdout=sink, stderr=sink)
        workers = os.cpu_count() or 1  # worker_processes auto
        until(lambda: (pid := self.master()) is not None and len(_children(pid)) >= workers)

    def master(self) -> int | None:
        return privileged.running_pid(Path(self.options.pid_file), "nginx")

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

    def keep(self, service: str, changes: list[FileChange]) -> None:
        for change in changes:
            if not change.path.is_relative_to(self.place.instance):
                self.formers.setdefault(change.path, privileged.former(change.path))

    def setup(self) -> list[FileChange]:
        changes = list(self.service.setup())
        with self.new_workers():
            apply(self.service, changes, self.place, self.keep)
        return changes

    def undo(self) -> None:
        """What `autossl setup --undo` does with the files."""
        privileged.restore(list(self.formers.values()))
        self.formers.clear()
        self.service.forget()
        self.service.test()
        with self.new_workers():
            self.service.reload()

    @contextlib.contextmanager
    def new_workers(self) -> Iterator[None]:
        """A reload within is graceful: wait until no worker of before is left."""
        master = self.master()
        old = set() if master is None else _children(master)
        yield
        until(lambda: master is None or not old & _children(master))

    def item(self, *names: str) -> Item:
        bundle = self.ca.bundle(names, NOW)
        certificate = read_certificate(bundle.leaf)
        website = Website("alice", names)
        return Item(website, certificate, store(self.place, website.main, bundle, certificate, None))

    def install(self, *items: Item) -> dict[str, Outcome]:
        master = self.master()
        old = set() if master is None else _children(master)
        outcomes = install(self.service, items, self.place, self.keep)
        if any(outcome.state == "installed" for outcome in outcomes):
            until(lambda: master is None or not old & _children(master))
        return {outcome.website: outcome for outcome in outcomes}

    # --- the world outside

    def get(self, host: str, path: str = "/", address: str = "127.0.0.1", port: int = 80) -> Answer:
        return _ask(http.client.HTTPConnection(address, port, timeout=5), host, path)

    def https(self, host: str, path: str = "/", address: str = "127.0.0.1", port: int = 443) -> Answer:
        """One request over TLS, with the name as SNI; only the test root is trusted."""
        context = ssl.create_default_context(cadata=pem(self.ca.certificate).decode())
        context.check_hostname = True
        connection = http.client.HTTPSConnection(host, port, timeout=5, context=context)
        connection.sock = context.wrap_socket(socket.create_connection((address, port), 5), server_hostname=host)
        return _ask(connection, host, path)

    def leaf(self, sni: str, address: str = "127.0.0.1", port: int = 443) -> str:
        """The serial number of what is served, whoever signed it."""
        served = privileged.probe(Endpoint(address, port, sni))
        assert served.leaf is not None, served.detail
        return read_der(served.leaf).serial

    def challenge(self, host: str, address: str = "127.0.0.1") -> Answer:
        (self.place.challenges / TOKEN).write_text(ANSWER)
        return self.get(host, f"/.well-known/acme-challenge/{TOKEN}", address)


def _ask(connection: http.client.HTTPConnection, host: str, path: str) -> Answer:
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return Answer(answer.status, answer.read().decode("utf-8", "replace"), answer.getheader("Location"))


def _children(pid: int) -> set[str]:
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.01)
