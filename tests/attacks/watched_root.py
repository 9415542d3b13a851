"""`autossl root`, with every file that it opens and every program that it starts written down.

`python -m tests.attacks.watched_root FILE INSTANCE`: FILE gets a line each, `open MODE PATH` or `run ARGV`, once.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_CHANGES = {
    "os.remove": "remove", "os.rename": "rename", "os.mkdir": "mkdir", "os.rmdir": "rmdir", "os.link": "link",
    "os.symlink": "symlink", "os.chmod": "chmod", "os.chown": "chown", "os.truncate": "truncate",
    "shutil.rmtree": "rmtree", "sqlite3.connect": "sqlite", "os.listdir": "list", "os.scandir": "list",
}


def watch(log: int) -> None:
    """From now on. An audit hook can't be taken away again."""
    seen: set[str] = set()
    _text("")  # which opens the codec's own files at the first time

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, int | None):
                return
            writes = (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            line = f"{'write' if writes or set(mode or '') & set('wax+') else 'read'} {_text(path)}"
        elif event in _CHANGES:
            where = arguments[1] if event in ("os.rename", "os.link", "os.symlink") else arguments[0]
            line = f"{_CHANGES[event]} {'' if isinstance(where, int | None) else _text(where)}"
        elif event == "subprocess.Popen":
            line = f"run {_text(arguments[0])} {' '.join(map(_text, arguments[1]))}"
        elif event in ("os.exec", "os.posix_spawn", "os.system", "os.fork"):
            line = f"{event} {str(arguments)[:200]}"
        else:
            return
        if line not in seen:
            seen.add(line)
            os.write(log, f"{line}\n".encode("utf-8", "backslashreplace"))

    sys.addaudithook(note)


def _text(path: Any) -> str:
    return os.fsdecode(path).encode("unicode_escape").decode("ascii")


if __name__ == "__main__":
    from panel.cli import main

    log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    watch(log)
    main(["--instance", sys.argv[2], "root"])
