"""The real product as a new user meets it: its command line, in processes of their own, and its server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.demo.daemons.pebble import Pebble
from jobs.demo.daemons.starting import start
from jobs.policy.failure import Failure

CODE = Path(__file__).resolve().parents[2]
"""Where the packages `jobs` and `panel` lie: a checkout, or site-packages."""

INSTANCE = Path("/var/lib/autossl")
PROVIDER = "pebble"
PANEL_PORT = 2087
_SHOWN = 3
_ENDS_WITHIN = 60.0

_CONFIG = """[dns]
resolvers = ["127.0.0.1"]

[panel]
hostname = "panel.bench.test"
"""


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it printed."""

    code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Product:
    """`autossl` with one instance."""

    instance: Path = INSTANCE
    serving_words: tuple[str, ...] = ("serve", "--single")
    """A private host is root's own."""

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "panel.cli", "--instance", str(self.instance), *words]

    def run(self, *words: str, stdin: str = "", expected: Sequence[int] = (0,)) -> Answer:
        """Run one command. Raises Failure("demo_failed") with its words when its exit code is none of `expected`."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            code = subprocess.run(
                self.command(*words), input=stdin, stdout=out, stderr=err, text=True, check=False, cwd="/",
                env=_environment(),
            ).returncode
            out.seek(0)
            err.seek(0)
            answer = Answer(code, out.read(), err.read())
        if code not in expected:
            raise _refused(words, answer)
        return answer

    def follow(self, *words: str, say: Callable[[str], None], expected: Sequence[int] = (0,)) -> None:
        """Run one command and hand on each line that it prints at once. Raises Failure("demo_failed")."""
        with subprocess.Popen(
            self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            bufsize=1, cwd="/", env={**_environment(), "PYTHONUNBUFFERED": "1"},
        ) as process:
            assert process.stdout is not None
            last: deque[str] = deque(maxlen=_SHOWN)
            for line in process.stdout:
                last.append(line.rstrip("\n"))
                say(last[-1])
        if process.returncode not in expected:
            raise _refused(words, Answer(process.returncode, "", "\n".join(last)))

    def make(self) -> str:
        """Make the instance with the administrator `admin`; returns the password, which is told only here."""
        made = self.run("init", "--admin", "admin", "--json").json()
        (self.instance / "config.toml").write_text(_CONFIG, encoding="utf-8")
        password: str = made["password"]
        return password

    def use(self, ca: Pebble) -> None:
        """Add the test CA as a provider, register there, and take it into use."""
        self.run("provider", "add", PROVIDER, "--directory", ca.directory, "--ca-bundle", str(ca.bundle))
        self.run("provider", "use", PROVIDER, "--accept-terms", "--contact", "admin@bench.test")

    def serve(self, listening: int | None = None) -> subprocess.Popen[bytes]:
        """Start the panel on its port, and on a socket that listens already."""
        binds = ["--bind", f"0.0.0.0:{PANEL_PORT}"]
        descriptors = []
        if listening is not None:
            binds += ["--bind", f"fd:{listening}"]
            descriptors.append(listening)
        words = self.command(*self.serving_words, *binds)
        return start("panel", words, [PANEL_PORT], _environment(), Path("/"), descriptors)

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """The panel, for the length of the block."""
        process = self.serve()
        try:
            yield process
        finally:
            process.terminate()
            process.wait(_ENDS_WITHIN)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CODE)}


def _refused(words: Sequence[str], answer: Answer) -> Failure:
    said = " / ".join((answer.stderr.strip() or answer.stdout.strip()).splitlines()[-_SHOWN:]) or "nothing"
    return Failure("demo_failed", f"autossl {' '.join(words)}: exit {answer.code}, it said: {said}")
