"""certbot's certificates are taken over on a host whose panel has no root: read by root, kept by the panel's user."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.split_host import CONFIG, STATE, SplitProduct, root_side
from tests.e2e.test_beside_certbot import BLOG, SHOP, Host, ordered

pytestmark = pytest.mark.e2e(timeout=180)

ROOTS = Path("/etc/autossl/roots.pem")


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    made = Host(SplitProduct())
    ROOTS.write_text(made.ca.root())
    CONFIG.write_text(f'{CONFIG.read_text()}trust = ["{ROOTS}"]\n')
    with root_side():
        yield made


def test_an_import_and_the_check_after_it_order_nothing_and_the_same_certificate_is_served(host: Host) -> None:
    before = host.of_certbot()
    host.product.run("import", "certbot")
    found = host.check()
    for name in (SHOP, BLOG):
        assert found[name]["services"]["apache"]["state"] == "installed", found[name]
        assert host.serial(name) == before
        vhosts = Path(f"/etc/apache2/sites-available/bench-{name}.conf").read_text()
        assert f"{STATE}/tls/live/{name}/apache/fullchain.pem" in vhosts and "/etc/letsencrypt" not in vhosts
    assert ordered(host) == 0


def test_the_doctor_sees_what_only_root_may_look_at(host: Host) -> None:
    told = host.product.run("doctor", "--json", expected=(0, 1)).json()
    (check,) = [one for one in told["checks"] if one["check"] == "other_clients"]
    assert {one["subject"] for one in check["results"]} >= {"certbot", "mod_md"}
    assert "renews this as well" in " ".join(one["text"] for one in check["results"])
