"""What Apache's own test passes over, and what would end the whole server at its next reload all the same.

None of it need be ours: a pair that somebody exchanged, or a port that somebody wrote down, lies there and waits for
the first reload, which then is the one of our certificate.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from jobs import privileged
from jobs.policy import apache_config
from jobs.policy.apache_repoint import pairs
from jobs.policy.failure import Failure
from jobs.policy.pair_check import pair_trouble
from jobs.services.httpd.view import View


def refuse_fatal(view: View, running: int | None) -> None:
    """Raise Failure("config_test_failed") for the first thing that Apache would not survive. `running`: its pid."""
    for words in chain(_pairs(view), _ports(view, running)):
        raise Failure("config_test_failed", f"{words}; Apache would end at its next reload")


def _pairs(view: View) -> Iterator[str]:
    """Certificates and keys that don't belong together, each pair judged once."""
    judged: set[tuple[Path, Path]] = set()
    for vhost in view.vhosts:
        for one in pairs(vhost, view.main) if vhost.ssl else ():
            files = view.root / one.certificate, view.root / one.key
            trouble = "" if files in judged else _pair(*files)
            judged.add(files)
            if trouble:
                yield f"{vhost.file}:{vhost.line}: {files[0]}: {trouble}"


def _pair(certificate: Path, key: Path) -> str:
    """A file that is not there is Apache's own test's to find (it may be no file at all, but an engine's)."""
    try:
        one, other = privileged.read(certificate), privileged.read(key)
    except Failure:
        return ""
    return "" if one is None or other is None else pair_trouble(one, other)


def _ports(view: View, running: int | None) -> Iterator[str]:
    """Ports that the running Apache doesn't have yet, and that somebody else has."""
    if running is None:
        return
    own = {listener.port for listener in privileged.listening(running)}
    wanted = {port for _, port, _ in apache_config.listens(view.tree)}
    for port in sorted(wanted - own) if own else ():
        if not privileged.port_is_free(port):
            yield f"Listen {port}: the port is taken by another program"

