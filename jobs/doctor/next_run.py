"""Work by itself.

Whether a server is alive, when the last check of all was, when the next one comes, and who works now.
"""

from __future__ import annotations

from collections.abc import Iterable

from jobs.doctor import Host
from jobs.policy import doctor
from jobs.policy.doctor import Result


def examine(host: Host) -> Iterable[Result]:
    return doctor.rhythm(host.rhythm, host.provider is not None, host.now)
