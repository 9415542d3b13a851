"""Every DNS backend: switched off until somebody sets it up, and never beside itself about what it is asked."""

from __future__ import annotations

from typing import Any

import pytest

from jobs import registry
from jobs.policy.failure import Failure
from jobs.policy.problems import CATALOGUE
from jobs.ports import Place, Record
from jobs.zones import Zones

every_backend = pytest.mark.parametrize("name", registry.names("dns_backends"))
NAMES = ("example.org", "_acme-challenge.www.example.org", "org", "")
RECORDS = (
    Record("_acme-challenge.example.org", "TXT", "value"),
    Record("example.org", "CAA", '0 issue "ca.test"'),
    Record("not a name\n@ A 192.0.2.66", "TXT", "value"),
    Record("x.example.org", "TXT", 'value"\n@ A 192.0.2.66'),
    Record("x.example.org", "A", "192.0.2.66"),
)


def unset(name: str, place: Place) -> Any:
    plugin = registry.load("dns_backends", name)
    return plugin.make(plugin.options(), place)


@every_backend
def test_a_backend_is_off_until_it_is_set_up(name: str, place: Place) -> None:
    assert unset(name, place).active() is False


@every_backend
@pytest.mark.usefixtures("no_network")
def test_a_backend_that_is_not_set_up_serves_no_zone(name: str, place: Place) -> None:
    backend = unset(name, place)
    for asked in NAMES:
        try:
            assert backend.zone_for(asked) is None
        except Failure as failure:
            assert failure.code in CATALOGUE and failure.detail
    assert Zones([backend]).serving("www.example.org") is None


@every_backend
@pytest.mark.usefixtures("no_network")
def test_a_backend_that_is_not_set_up_writes_nothing_and_says_why(name: str, place: Place) -> None:
    backend = unset(name, place)
    for record in RECORDS:
        for change in (backend.add, backend.remove):
            with pytest.raises(Failure) as caught:
                change(record)
            assert caught.value.code in CATALOGUE and caught.value.detail
