"""Runs a module of the bench in a private host of its own, so that each measurement begins with the same machine."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from jobs.demo.private_host import PrivateHost

ROOT = Path(__file__).resolve().parents[2]


def measured_inside(module: str, *words: str, timeout: float) -> Any:
    """What `python -m MODULE WORDS FD` writes as JSON to the descriptor FD, inside a new private host; what it says is
    passed on. Raises RuntimeError, also after `timeout` seconds, when everything inside was ended."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as sink:
        command = [sys.executable, "-m", module, *words, str(sink.fileno())]
        limited = ["timeout", f"{timeout:g}", *command]
        code = PrivateHost(directory=ROOT).attach(limited, pass_fds=[sink.fileno()])
        sink.seek(0)
        said = sink.read()
    if code or not said:
        raise RuntimeError(f"{module} {' '.join(words)}: exit code {code} inside a private host")
    return json.loads(said)
