"""Zones that a script or a DNS service changes, by the product's own command line: a value there, and gone again."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from jobs.demo.daemons import bind, powerdns
from jobs.demo.product import Answer, Product

pytestmark = pytest.mark.e2e(timeout=180)

HOOK = """#!/bin/bash
# A hook as people have it for dehydrated, for a name server that takes updates.
set -eu
case "$1" in
  deploy_challenge) change="add _acme-challenge.$2. 60 TXT \\"$4\\"" ;;
  clean_challenge) change="delete _acme-challenge.$2. TXT \\"$4\\"" ;;
  *) exit 0 ;;
esac
printf 'server 127.0.0.1\\nzone script.test\\n%s\\nsend\\n' "$change" | nsupdate -k /etc/bind/autossl.key
"""


@pytest.fixture(scope="module")
def product() -> Product:
    bind.start_bind([bind.Zone("script.test", dynamic=True)], elsewhere=powerdns.delegations(["service.test"]))
    server = powerdns.start_powerdns([powerdns.Zone("service.test")])
    hook = Path("/root/hook")
    hook.write_text(HOOK)
    hook.chmod(stat.S_IRWXU)
    made = Product()
    made.make()
    made.run("plugin", "set", "exec", f"script={hook}", "zones=script.test")
    made.run("plugin", "set", "lexicon", "service=powerdns", "zones=service.test", "--secret-file", "credentials=-",
             stdin=f"pdns_server={powerdns.API_URL} auth_token={server.key}\n")
    return made


def words(answer: Answer) -> str:
    return answer.stdout + answer.stderr


@pytest.mark.parametrize(("zone", "backend"), [("script.test", "exec"), ("service.test", "lexicon")])
def test_a_zone_is_changed_and_as_before_afterwards(product: Product, zone: str, backend: str) -> None:
    told = words(product.run("dns", "test", zone))
    assert f"{zone} is served by the backend {backend}" in told
    assert "every name server shows it" in told and "no name server shows it any more" in told
    assert product.run("dns", "records", "--json").json()["records"] == []


def test_a_script_that_fails_is_told_with_its_own_words(product: Product) -> None:
    product.run("plugin", "set", "exec", "zones=script.test,other.test")
    told = words(product.run("dns", "test", "other.test", expected=(1, 2)))
    product.run("plugin", "set", "exec", "zones=script.test")
    assert "/root/hook deploy_challenge other.test: exit 2, it said: update failed: NOTZONE" in told
