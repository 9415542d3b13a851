"""A private host on which the panel runs without root, beside the root side: what the Debian package makes."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobs.demo.daemons.starting import LOGS, start
from jobs.demo.product import CODE, INSTANCE, Product

USER = "autossl"
STATE = Path("/var/lib/autossl-root")
CONFIG = Path("/etc/autossl/config.toml")
SOCKET = Path("/run/autossl/root.sock")

_CONFIG = f"""[dns]
resolvers = ["127.0.0.1"]

[panel]
hostname = "panel.bench.test"

[root]
socket = "{SOCKET}"
user = "{USER}"
instance = "{INSTANCE}"
state = "{STATE}"
"""


@dataclass(frozen=True)
class SplitProduct(Product):
    """`autossl`, typed by root, as the package sets it up: it goes on as the user of the instance."""

    serving_words: tuple[str, ...] = ("serve",)

    def prepare(self) -> None:
        """What the package does: the user, the directory, the configuration."""
        subprocess.run(["useradd", "--system", "--user-group", "--home-dir", str(INSTANCE), "--shell",
                        "/usr/sbin/nologin", USER], check=True)
        _let_in()
        owner = pwd.getpwnam(USER)
        INSTANCE.mkdir(parents=True, mode=0o711)
        os.chown(INSTANCE, owner.pw_uid, owner.pw_gid)
        CONFIG.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        CONFIG.write_text(_CONFIG, encoding="utf-8")
        os.environ["AUTOSSL_CONFIG"] = str(CONFIG)

    def make(self) -> str:
        self.prepare()
        made = self.run("init", "--admin", "admin", "--json").json()
        password: str = made["password"]
        return password


ROOT = (sys.executable, "-m", "panel.cli", "--instance", str(INSTANCE), "root")


@contextmanager
def root_side(
    command: Sequence[str] = ROOT, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """`autossl root`, for the length of the block."""
    SOCKET.unlink(missing_ok=True)
    process = start("root", command, [], {**os.environ, "PYTHONPATH": str(CODE), **(environment or {})}, Path("/"))
    try:
        while not SOCKET.exists():
            assert process.poll() is None, (LOGS / "root.log").read_text()
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _let_in() -> None:
    """Python and this checkout may lie in root's home, of which a private host has a copy of its own."""
    for path in (Path(sys.executable).resolve(), CODE, Path(sys.prefix)):
        for above in path.parents:
            if not above.stat().st_mode & 0o001:
                above.chmod(above.stat().st_mode | 0o001)
