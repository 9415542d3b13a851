"""acme.sh's directory: `NAME/` or `NAME_ecc/` with `NAME.key`, `fullchain.cer` and `NAME.conf`, by its documentation.

Without the `.conf` (`acme.sh --remove` takes it away) it is renewed by nobody any more, and passed over.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from jobs import privileged
from jobs.lineages.reading import bundle_of, needed, text_of
from jobs.policy.failure import Failure
from jobs.policy.lineage import Lineage, acme_sh_values, directory_url, is_lineage_name
from jobs.policy.other_clients import Client

_ECC = "_ecc"


def lineages(directory: Path) -> list[Lineage]:
    return [found for name in privileged.directories_in(directory) if (found := _lineage(directory, name)) is not None]


def _lineage(directory: Path, name: str) -> Lineage | None:
    """None: acme.sh has other directories as well, which are no certificate's."""
    own, domain = directory / name, name.removesuffix(_ECC)
    conf = own / f"{domain}.conf"
    if not is_lineage_name(name):
        return None
    ecc = ["--ecc"] if name.endswith(_ECC) else []
    stop = shlex.join([str(directory / "acme.sh"), "--home", str(directory), "--remove", "-d", domain, *ecc])
    try:
        if privileged.read_trusted(conf, [own]) is None:
            return None
        values = acme_sh_values(text_of(conf, [own]))
        if values.get("Le_Domain") != domain:
            raise Failure("unreadable", f"{conf}: expected Le_Domain to be {domain}")
        bundle = bundle_of(needed(own / f"{domain}.key", [own]), needed(own / "fullchain.cer", [own]))
        return Lineage(Client.ACME_SH, name, bundle, directory_url(values.get("Le_API", "")), stop=stop)
    except Failure as failure:
        return Lineage(Client.ACME_SH, name, stop=stop, trouble=failure.detail)
