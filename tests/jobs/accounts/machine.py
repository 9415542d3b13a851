"""People and docroots for the sources, inside a private host: nothing of it is seen on the machine itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PEOPLE = {"alice": 3001, "bob": 3002}


def add_people() -> None:
    """Alice and Bob with their homes, as `adduser` makes them."""
    for file, line in (("/etc/passwd", "{0}:x:{1}:{1}::/home/{0}:/bin/sh\n"), ("/etc/group", "{0}:x:{1}:\n")):
        text = Path(file).read_text()
        missing = [line.format(name, uid) for name, uid in PEOPLE.items() if f"\n{name}:" not in text]
        Path(file).write_text(text + "".join(missing))
    for name in PEOPLE:
        docroot(f"/home/{name}", name)


def docroot(path: str, owner: str) -> str:
    directory = Path(path)
    directory.mkdir(parents=True, exist_ok=True)
    uid = {"root": 0, "www-data": 33, **PEOPLE}[owner]
    os.chown(directory, uid, uid)
    return path


def add_suexec() -> None:
    """A suexec program, without which its directive is an error. A copy is laid over the directory it belongs to, in
    this private host only: what is below /usr is the machine's own."""
    layers = Path("/run/suexec")
    for layer in ("upper", "work"):
        (layers / layer).mkdir(parents=True)
    options = f"lowerdir=/usr/lib/apache2,upperdir={layers}/upper,workdir={layers}/work"
    subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", "/usr/lib/apache2"], check=True)
    program = Path("/usr/lib/apache2/suexec")
    program.write_text("#!/bin/sh\n")
    program.chmod(0o4755)
    assert (layers / "upper/suexec").exists()
