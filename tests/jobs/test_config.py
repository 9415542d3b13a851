"""`config.toml`: what is taken, and what is refused with key, expected and got."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs.config import Config, fill, load, plugin_options
from jobs.policy.failure import Failure


def read(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return load(path)


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path / "config.toml") == Config()


def test_every_section_is_read(tmp_path: Path) -> None:
    config = read(tmp_path, """
        [dns]
        resolvers = ["127.0.0.1:5353"]
        [validation]
        http_port = 5002
        timeout = 3
        [check]
        concurrency = 4
        service_names = ["webmail"]
        contact = "hostmaster@example.com"
        [panel]
        bind = "127.0.0.1:2087"
        [services.apache]
        https_port = 8443
    """)
    assert config.dns.resolvers == ("127.0.0.1:5353",)
    assert (config.validation.http_port, config.validation.timeout) == (5002, 3.0)
    assert (config.check.concurrency, config.check.service_names) == (4, ("webmail",))
    assert config.panel.bind == "127.0.0.1:2087"
    assert config.plugins["services"]["apache"] == {"https_port": 8443}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[check]\nconcurrency = '16'", "check.concurrency: expected int, got '16'"),
        ("[check]\nconcurrency = true", "check.concurrency: expected int, got True"),
        ("[check]\nconcurrency = 0", "check.concurrency: expected 1 to 256, got 0"),
        ("[check]\nreplace_foreign = 1", "check.replace_foreign: expected bool, got 1"),
        ("[check]\nworkers = 3", "check.workers: expected one of concurrency"),
        ("[dns]\nresolvers = [53]", "dns.resolvers: expected str, got 53"),
        ("check = 3", "check: expected a table, got 3"),
        ("[web]\nport = 80", "web: expected one of accounts"),
        ("[services]\napache = 3", "services: expected tables such as"),
        ("[check", "expected TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Failure) as caught:
        read(tmp_path, text)
    assert caught.value.code == "config_invalid"
    assert said in caught.value.detail
    assert str(tmp_path / "config.toml") in caught.value.detail


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Failure, match="reading"):
        load(tmp_path / "config.toml")


@dataclass(frozen=True)
class Options:
    port: int = 80
    folder: Path = Path("/etc")
    name: str | None = None


def test_the_options_of_a_plugin_are_read_by_their_types(tmp_path: Path) -> None:
    config = read(tmp_path, "[services.thing]\nport = 81\nfolder = '/srv'\nname = 'x'\n")
    assert plugin_options(config, "services", "thing", Options) == Options(81, Path("/srv"), "x")
    assert plugin_options(config, "services", "other", Options) == Options()


def test_a_wrong_option_of_a_plugin_is_named() -> None:
    with pytest.raises(Failure, match=r"here\.port: expected int, got 'x'"):
        fill(Options, {"port": "x"}, "here")
