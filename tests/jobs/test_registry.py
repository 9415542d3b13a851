"""Every file of a plug-in package is found, and has the three things that make it one."""

from __future__ import annotations

import dataclasses

import pytest

from jobs import registry

EVERY = [(package, name) for package in registry.PORT_CLASS for name in registry.names(package)]


def test_the_plugins_of_this_release_are_there() -> None:
    assert {"letsencrypt", "zerossl", "google", "sslcom", "actalis", "sectigo", "custom"} <= {
        name.replace("_", "") for name in registry.names("providers")
    }
    assert {"apache", "nginx", "dovecot", "exim", "postfix", "webdisk", "panel"} <= set(registry.names("services"))
    assert {"apache", "nginx", "manifest"} <= set(registry.names("accounts"))


@pytest.mark.parametrize(("package", "name"), EVERY, ids=[f"{package}.{name}" for package, name in EVERY])
def test_a_plugin_has_a_title_options_with_defaults_and_its_class(package: str, name: str) -> None:
    plugin = registry.load(package, name)
    assert plugin.title and plugin.title[0].isupper() and len(plugin.title) <= 80
    assert dataclasses.is_dataclass(plugin.options)
    plugin.options()  # every field has a default
    with pytest.raises(dataclasses.FrozenInstanceError):
        plugin.options().anything = 1
    for field in dataclasses.fields(plugin.options):
        assert field.metadata.get("label"), f"{name}.{field.name}: expected metadata with a label"
    assert callable(plugin.make)


def test_a_plugin_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(LookupError, match="expected one of"):
        registry.load("services", "iis")
