"""certbot's directory: `live/NAME/` has links into `archive/NAME/`, and `renewal/NAME.conf` says how it is renewed.

As certbot 2.1.0 (Debian 12) lays it out. A name without its renewal configuration is nobody's any more for certbot; it
is passed over, for whoever moved the file away has ended the renewal on purpose.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from jobs import privileged
from jobs.lineages.reading import bundle_of, needed, text_of
from jobs.policy.failure import Failure
from jobs.policy.lineage import Lineage, certbot_values, directory_url, is_lineage_name
from jobs.policy.other_clients import Client

OFF = ".off"
"""What is put behind a renewal configuration's name, so that certbot reads it no more."""

_VERSION = re.compile(r"\A[a-z]+(\d+)\.pem\Z")


def lineages(directory: Path) -> list[Lineage]:
    return [
        found for name in privileged.directories_in(directory / "live")
        if (found := _lineage(directory, name)) is not None
    ]


def _lineage(directory: Path, name: str) -> Lineage | None:
    if not is_lineage_name(name):
        return Lineage(Client.CERTBOT, name, trouble="it has an odd name")
    renewal = directory / "renewal" / f"{name}.conf"
    stop = shlex.join(["mv", str(renewal), f"{renewal}{OFF}"])
    try:
        if privileged.read_trusted(renewal, [directory]) is None:
            return None
        values = certbot_values(text_of(renewal, [renewal.parent]))
        live = directory / "live" / name
        trees = [live, _archive(directory, name, values.get("archive_dir", ""))]
        key, chain = needed(live / "privkey.pem", trees), needed(live / "fullchain.pem", trees)
        version = _VERSION.match(chain.path.name)
        return Lineage(
            Client.CERTBOT, name, bundle_of(key, chain), directory_url(values.get("server", "")),
            renewal=version is not None and int(version[1]) > 1, stop=stop,
        )
    except Failure as failure:
        return Lineage(Client.CERTBOT, name, stop=stop, trouble=failure.detail)


def _archive(directory: Path, name: str, said: str) -> Path:
    """Where the versions are: as the configuration says, if that is a directory right in `archive/`."""
    usual, other = directory / "archive" / name, Path(said or "/")
    return other if other.parent == usual.parent and is_lineage_name(other.name) else usual
