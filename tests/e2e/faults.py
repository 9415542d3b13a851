"""Faults of a disk that are real (full, read-only, a file where a directory belongs), and a server that has them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jobs.demo import served
from jobs.demo.accounts import plain_website
from jobs.demo.daemons import apache, bind, pebble
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import Product
from jobs.demo.served import Place

_ONLY_APACHE = """
[services.dovecot]
doveconf = "/nowhere"

[services.exim]
binary = "/nowhere"
"""


class Server:
    """Apache with websites that are added one by one, a CA, and the product."""

    def __init__(self, *names: str) -> None:
        here = ("@", "A", PUBLIC_ADDRESS)
        bind.start_bind([bind.Zone(name, [here]) for name in names])
        self.product, self._names = Product(), list(names)
        self.ca = pebble.start_pebble()
        self.add()
        apache.start_apache()
        self.product.make()
        with (self.product.instance / "config.toml").open("a") as file:
            file.write(_ONLY_APACHE)
        self.product.run("setup")
        self.product.use(self.ca)

    def add(self) -> str:
        """The next website, on port 80 only; its name."""
        name = self._names.pop(0)
        plain_website(name.partition(".")[0], name)
        return name

    def add_to_running(self) -> str:
        name = self.add()
        apache.reload_apache()
        self.product.run("discover")
        return name

    def check(self, *codes: int) -> dict[str, dict[str, Any]]:
        """A check of all; what it reports by website. `codes`: how it may end."""
        report = self.product.run("check", "--all", "--json", expected=codes or (0, 1)).json()
        return {site["website"]: site for site in report["websites"]}

    def check_of(self, name: str) -> dict[str, Any]:
        """A person's check of the account of that website: it waits for no backoff."""
        words = ("check", "--user", name.partition(".")[0], "--json")
        (site,) = self.product.run(*words, expected=(0, 1)).json()["websites"]
        return dict(site)

    def serves(self, name: str) -> str:
        """What is wrong with what the website serves; empty when it is trusted by the CA's root."""
        (row,) = served.ask([Place("", name, 443, "website")], self.ca.root())
        return row.trouble


@contextmanager
def full(directory: Path) -> Iterator[None]:
    """The directory, with all that is in it, on a disk of its own on which not a byte is free."""
    with own_disk(directory), tempfile.TemporaryFile(dir=directory, buffering=0) as fill:
        with suppress(OSError):
            while True:
                fill.write(b"\0" * 4096)
        yield


@contextmanager
def own_disk(directory: Path, room: int = 1024) -> Iterator[None]:
    """What is written there meanwhile stays there afterwards. `room`: KiB that are free."""
    size = sum(path.lstat().st_size for path in directory.rglob("*") if path.is_file()) // 1024 + room
    aside = directory.with_name(directory.name + ".aside")
    subprocess.run(["cp", "-a", str(directory), str(aside)], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k,mode=0755", "tmpfs", str(directory)], check=True)
    subprocess.run(["cp", "-a", f"{aside}/.", str(directory)], check=True)
    try:
        yield
    finally:
        shutil.rmtree(aside)
        subprocess.run(["cp", "-a", str(directory), str(aside)], check=True)
        subprocess.run(["umount", "--lazy", str(directory)], check=True)
        subprocess.run(["cp", "-a", f"{aside}/.", str(directory)], check=True)
        shutil.rmtree(aside)


@contextmanager
def read_only(directory: Path) -> Iterator[None]:
    subprocess.run(["mount", "--bind", str(directory), str(directory)], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", str(directory)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


@contextmanager
def a_file_instead(directory: Path) -> Iterator[None]:
    aside = directory.with_name(directory.name + ".aside")
    directory.rename(aside)
    directory.write_text("not a directory\n")
    try:
        yield
    finally:
        directory.unlink()
        aside.rename(directory)
