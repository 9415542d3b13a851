"""Every source of accounts: silent where it is not, and never wrong about the form of what it finds."""

from __future__ import annotations

from typing import Any

import pytest

from jobs import registry
from jobs.policy.failure import Failure
from jobs.policy.problems import CATALOGUE
from jobs.ports import Place
from tests.contracts.promises import nowhere, well_formed

every_source = pytest.mark.parametrize("name", registry.names("accounts"))


def absent(name: str, place: Place) -> Any:
    plugin = registry.load("accounts", name)
    options, movable = nowhere(plugin.options, place.instance.parent)
    assert movable, "a source is somewhere"
    return plugin.make(options, place)


@every_source
def test_a_source_that_is_not_on_the_machine_says_so(name: str, place: Place) -> None:
    assert absent(name, place).present() is False


@every_source
def test_a_source_whose_files_are_missing_raises_only_failures(name: str, place: Place) -> None:
    source = absent(name, place)
    for ask in (source.accounts, source.websites):
        try:
            assert list(ask()) == []
        except Failure as failure:
            assert failure.code in CATALOGUE and failure.detail


@every_source
def test_what_a_source_finds_on_this_very_machine_has_the_form_of_the_contract(name: str, place: Place) -> None:
    plugin = registry.load("accounts", name)
    source = plugin.make(plugin.options(), place)
    if not source.present():
        return
    try:
        accounts, websites = list(source.accounts()), list(source.websites())
    except Failure as failure:
        assert failure.code in CATALOGUE
        return
    well_formed(accounts, websites)
    assert (list(source.accounts()), list(source.websites())) == (accounts, websites), "asked twice, told the same"
