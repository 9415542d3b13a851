"""Every file of a plug-in package is one whole plug-in: title, options, class, and its port's methods."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import typing
from collections.abc import Sequence
from enum import StrEnum

import pytest

from jobs import ports, registry
from jobs.config import fill
from jobs.policy.file_change import FileChange
from tests.contracts.promises import CONSTRUCTED, PORTS, broken_promises, methods
from tests.fakes import FakeService

EVERY = [(package, name) for package in registry.PORT_CLASS for name in registry.names(package)]
every_plugin = pytest.mark.parametrize(("package", "name"), EVERY, ids=[f"{package}.{name}" for package, name in EVERY])
KINDS = (str, bool, int, float, tuple[str, ...], tuple[int, ...])
"""What a generic form and config.toml can hold, beside a choice of words."""


def test_every_seam_of_the_registry_has_a_port() -> None:
    assert set(registry.PORT_CLASS) == set(PORTS) == set(CONSTRUCTED)
    assert all(methods(port) for port in PORTS.values())


@every_plugin
def test_a_plugin_says_what_it_is(package: str, name: str) -> None:
    module = importlib.import_module(f"jobs.{package}.{name}")
    first = (module.__doc__ or "").strip().splitlines()[0]
    assert 0 < len(first) <= 80 and first.endswith("."), first
    assert registry.load(package, name).title == first.rstrip(".")


def test_titles_of_one_seam_differ() -> None:
    for package in registry.PORT_CLASS:
        titles = [plugin.title for plugin in registry.load_all(package)]
        assert len(titles) == len(set(titles)), titles


@every_plugin
def test_options_are_frozen_and_can_be_shown_and_read(package: str, name: str) -> None:
    options = registry.load(package, name).options
    assert dataclasses.is_dataclass(options) and options.__dataclass_params__.frozen
    hints = typing.get_type_hints(options)
    plain = options()
    for field in dataclasses.fields(options):
        assert field.metadata.get("label"), f"{field.name}: expected a label"
        assert set(field.metadata) <= {"label", "help", "secret"}, field.name
        hint = hints[field.name]
        assert hint in KINDS or issubclass(hint, StrEnum), f"{field.name}: {hint}"
        value = getattr(plain, field.name)
        raw = list(value) if isinstance(value, tuple) else value
        assert getattr(fill(options, {field.name: raw}, "test"), field.name) == value


@every_plugin
def test_the_class_has_what_its_port_says(package: str, name: str) -> None:
    made = registry.load(package, name).make
    assert made.__name__ == registry.PORT_CLASS[package]
    assert broken_promises(made, package) == []


@every_plugin
def test_the_class_is_made_of_options_and_its_surroundings(package: str, name: str, place: ports.Place) -> None:
    plugin = registry.load(package, name)
    parameters = list(inspect.signature(plugin.make).parameters)
    assert tuple(parameters) == CONSTRUCTED[package]
    given = {"place": place, "account": None}
    made = plugin.make(plugin.options(), *(given[each] for each in parameters[1:]))
    if "name" in typing.get_type_hints(PORTS[package]):
        assert made.name == name


def test_the_fake_service_keeps_the_contract_of_the_real_ones() -> None:
    fakes = [promise for promise in broken_promises(FakeService, "services") if not promise.startswith("reload_now")]
    assert fakes == []


# --- the contract itself can fail


class Missing:
    name = "missing"

    def present(self) -> bool:
        return True


class Stub(ports.Notifier):
    addressed = True


class Active:
    addressed = True

    def active(self) -> bool:
        return True


class OtherWords(Active):
    def send(self, mail: ports.Letter) -> str: ...


class MoreNeeded(Active):
    def send(self, letter: ports.Letter, priority: int) -> str: ...


class Stranger(Active):
    def send(self, letter: ports.Letter, urgent: bool = False) -> str: ...

    def shout(self) -> None: ...


class HalfAbility(FakeService):
    def setup(self, force: bool) -> Sequence[FileChange]:
        return ()


@pytest.mark.parametrize(("made", "package", "expected"), [
    (Missing, "accounts", ["accounts: missing", "websites: missing"]),
    (Stub, "notifiers", ["active: the Protocol's own empty body", "send: the Protocol's own empty body"]),
    (OtherWords, "notifiers", ["send: expected the parameters"]),
    (MoreNeeded, "notifiers", ["send: the parameter priority has no default"]),
    (Stranger, "notifiers", ["shout: a method that no port knows"]),
    (HalfAbility, "services", ["setup: the parameter force has no default", "reload_now: a method"]),
])
def test_a_class_that_breaks_a_promise_is_told(made: type, package: str, expected: list[str]) -> None:
    found = broken_promises(made, package)
    assert len(found) == len(expected)
    assert all(one.startswith(start) for one, start in zip(found, expected, strict=True)), found
