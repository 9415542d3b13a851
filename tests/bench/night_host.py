"""Inside a private host: websites that have good certificates already, of which none is due, for us and for peers.

The certificates are of a CA that the bench makes up and lie in the stores as if they had been issued: to have them
issued would take an hour with some peers, and a night over them is the same. Ours are installed by a check of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import models
from jobs import records
from jobs.demo.daemons import starting
from jobs.demo.daemons.pebble import Pebble
from jobs.demo.product import PROVIDER
from jobs.policy.certificate import Bundle
from jobs.policy.due import due_at
from jobs.policy.proof import read_certificate
from jobs.store import store
from jobs.wiring.instance import now, open_instance
from tests.authority import Authority
from tests.bench.issue_host import Site
from tests.bench.ours import Ours

Bundles = Mapping[str, Bundle]
"""By the main name of the website."""

_MAIL = (Path("/etc/dovecot/dovecot.conf"), Path("/etc/exim4/update-exim4.conf.conf"))


def bundles(sites: Sequence[Site]) -> Bundles:
    """A certificate for each, 90 days from now on."""
    authority = Authority("Bench", now())
    return {site.main: authority.bundle(site.names) for site in sites}


class WebOnly(Ours):
    """Apache alone, as the peers have it: neither Dovecot nor Exim is there."""

    def start_mail(self, sites: Sequence[Site]) -> None:
        for file in _MAIL:
            file.unlink(missing_ok=True)


def quiet(sites: Sequence[Site], ca: Pebble, stands: Bundles) -> WebOnly:
    """Our product with these certificates stored and installed, and nothing to do. The panel runs meanwhile, or else it
    would be one more service that is to be tried again, a minute later: of very many websites that is in the night."""
    ours = WebOnly()
    ours.prepare(sites, ca)
    _stored(ours.product.instance, stands)
    with ours.product.serving():
        ours.product.run("check", "--all")
    return ours


def _stored(directory: Path, stands: Bundles) -> None:
    instance, moment = open_instance(directory), now()
    with models.database.connection_context(), models.database.atomic():
        for main, bundle in stands.items():
            certificate = read_certificate(bundle.leaf)
            store(instance.place, main, bundle, certificate, None)
            records.keep_certificate(main, certificate, PROVIDER, due_at(certificate), moment)
    instance.close()
    starting.run("chown", "-R", "--reference", str(directory), str(instance.place.live))
