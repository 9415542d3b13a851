"""Another user of the host looks for secrets wherever he may: in files, in what programs are called with, in their
environment, in what they print. A whole life of an installation leaves none there."""

from __future__ import annotations

import base64
import os
import re
import secrets
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.demo.daemons.pebble import Behaviour, start_pebble
from jobs.demo.product import INSTANCE, Product
from jobs.demo.story import Bench
from tests.attacks.raw_requests import Target
from tests.e2e.conftest import bench, told

pytestmark = pytest.mark.e2e(timeout=240)

__all__ = ["bench", "told"]

HMAC, SMTP, USER = (secrets.token_urlsafe(48) for _ in range(3))
TSIG = base64.b64encode(secrets.token_bytes(32)).decode()
BEGAN = time.time()
FOLDERS = ("/var", "/etc", "/tmp", "/run", "/home", "/root", "/usr/lib/autossl")
NOT_OURS = ("/var/lib/pebble", "/var/lib/eab", "/etc/ssl/private", "/var/lib/dpkg", "/var/cache", "/var/lib/apt")
"""The CA's own files, and the system's."""

KEY_GROUPS = frozenset({"Debian-exim", "dovecot", "ssl-cert", "postfix", "mail"})


class Watch:
    """Everything that any process was called with, or has in its environment, while the block runs; all but this one
    and its parents, which know the secrets because they are the test."""

    def __init__(self) -> None:
        self._over, self.seen = threading.Event(), set[bytes]()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._own = {os.getpid(), os.getppid()}

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.005):
            for process in Path("/proc").iterdir():
                if not process.name.isdigit() or int(process.name) in self._own:
                    continue
                for name in ("cmdline", "environ"):
                    try:
                        self.seen.add((process / name).read_bytes())
                    except OSError:
                        continue


def secret_file(text: str) -> str:
    path = Path("/root") / f"secret{len(text)}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)
    return str(path)


def keys_in(folder: Path) -> Iterator[bytes]:
    """The middle of every private key: one line of its base64, which nothing else holds."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            for block in re.findall(rb"PRIVATE KEY-----\n([A-Za-z0-9+/=\n]+)-----END", path.read_bytes()):
                yield block.split(b"\n")[0]


def open_to_all(path: Path, facts: os.stat_result) -> bool:
    """Whether every user of the host can read it: by its mode, and by those of all directories above."""
    if not facts.st_mode & 0o004:
        return False
    return all(parent.stat().st_mode & 0o001 for parent in path.parents)


def files() -> Iterator[tuple[Path, os.stat_result]]:
    """What was written or changed since this began."""
    for folder in FOLDERS:
        for path in Path(folder).rglob("*"):
            if str(path).startswith(NOT_OURS):
                continue
            try:
                facts = path.lstat()
            except OSError:
                continue
            if stat.S_ISREG(facts.st_mode) and facts.st_ctime >= BEGAN and facts.st_size < 64 * 1024 * 1024:
                yield path, facts


def test_no_secret_of_an_installations_life_lies_open(bench: Bench) -> None:
    product, printed = Product(), []
    known = {"hmac": HMAC.encode(), "tsig": TSIG.encode(), "smtp": SMTP.encode(), "user": USER.encode()}

    def run(*words: str, stdin: str = "", expected: tuple[int, ...] = (0,)) -> str:
        answer = product.run(*words, stdin=stdin, expected=expected)
        printed.append(f"{answer.stdout}\n{answer.stderr}")
        return answer.stdout

    ca = start_pebble(Behaviour(eab={"kid-1": HMAC}), "eab", 14500)
    with Watch() as watch:
        known["admin"] = product.make().encode()
        run("setup")
        run("provider", "add", "eab", "--directory", ca.directory, "--ca-bundle", str(ca.bundle))
        run("provider", "use", "eab", "--accept-terms", "--eab-kid", "kid-1", "--eab-hmac-file", secret_file(HMAC))
        run("plugin", "set", "rfc2136", "server=127.0.0.1", "zones=example.org", "key_name=k",
            "--secret-file", f"key_secret={secret_file(TSIG)}")
        run("plugin", "set", "smtp", "host=localhost", "security=none", "user=u", "--secret-file",
            f"password={secret_file(SMTP)}")
        run("discover")
        run("user", "add", "ann", "--account", "alice", "--password-file", "-", stdin=f"{USER}\n")
        made = product.run("token", "add", "--user", "ann", "--label", "x", "--json").json()
        known["token"] = next(one for one in _texts(made) if one.startswith("autossl_")).encode()
        run("check", "--all", "--json", expected=(0, 1))
        with product.serving():
            known["session"] = _signed_in().encode()
            run("check", "--all", "--json", expected=(0, 1))
        run("backup", "/root/backup.tar.gz")
        run("restore", "/root/backup.tar.gz", "--force")
        run("provider", "reset", "eab", "--accept-terms", "--eab-kid", "kid-1", "--eab-hmac-file", secret_file(HMAC),
            expected=(0, 1, 2))
        run("check", "--all", "--json", expected=(0, 1))
        for words in (["plugin", "show", "smtp"], ["plugin", "show", "rfc2136"], ["provider", "show", "eab"],
                      ["audit", "list"], ["token", "list"], ["log", "list"], ["user", "list"], ["doctor"]):
            run(*words, "--json", expected=(0, 1))
    for number, key in enumerate({*keys_in(INSTANCE)}):
        known[f"private key {number}"] = key
    session_key = INSTANCE / "keys" / "session.key"
    known["cookie key"] = session_key.read_bytes()
    assert sum(name.startswith("private key") for name in known) > 4, "there are websites with keys"

    for name, secret in known.items():
        assert not [one for one in watch.seen if secret in one], f"{name} on a command line or in an environment"
        assert secret not in "".join(printed).encode(), f"{name} was printed"
    found = _walked(known)
    assert found >= {"tsig", "smtp", "cookie key"}, "the walk finds what is there"
    assert not found & {"admin", "user", "token", "session"}, "kept as it is, and not as a hash"


def _walked(known: dict[str, bytes]) -> set[str]:
    """Which secrets are in a file at all; fails for a file that is open to others than root and a service's group."""
    import grp

    found = set()
    for path, facts in files():
        if str(path).startswith("/root/secret"):
            continue
        content = path.read_bytes()
        for name, secret in known.items():
            if secret not in content:
                continue
            found.add(name)
            assert not open_to_all(path, facts), f"{name} in {path}, which everybody reads"
            assert not facts.st_mode & 0o007, f"{name} in {path}: mode {facts.st_mode & 0o777:o}"
            group = grp.getgrgid(facts.st_gid).gr_name
            assert not facts.st_mode & 0o040 or group in KEY_GROUPS, f"{name} in {path}, for the group {group}"
            assert "/logs/" not in str(path), f"{name} in the log {path}"
    return found


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _signed_in() -> str:
    """The id of a session in a browser."""
    target = Target(2087)
    page = target.get("/login")
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = f"csrf_token={token}&name=ann&password={USER}".encode()
    answer = target.post("/login", form, f"Cookie: {cookie}")
    assert answer.status == 303, answer.text
    return answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
