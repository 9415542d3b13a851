"""`panel.hostname` in config.toml: one key is set, and every other line of somebody's file stays as it is."""

from __future__ import annotations

import os
import tempfile
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.policy.failure import Failure
from jobs.wiring.first_minutes import panel_name

NAME = "panel.example.org"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f'[panel]\nhostname = "{NAME}"\n'),
        ("[check]\nlog_days = 7\n", f'[check]\nlog_days = 7\n\n[panel]\nhostname = "{NAME}"\n'),
        ("[check]\nlog_days = 7", f'[check]\nlog_days = 7\n\n[panel]\nhostname = "{NAME}"\n'),
        ("[panel]\nbind = '*:1'\n", f"[panel]\nhostname = \"{NAME}\"\nbind = '*:1'\n"),
        ("[panel] # ours\nhostname = 'old.test' # was\n[dns]\n", f'[panel] # ours\nhostname = "{NAME}"\n[dns]\n'),
        ("[dns]\nresolvers = []\n[panel]\n", f'[dns]\nresolvers = []\n[panel]\nhostname = "{NAME}"\n'),
        ("  [ panel ]\n  hostname=''\n", f'  [ panel ]\nhostname = "{NAME}"\n'),
        ("[panel]\n[other]\nhostname = 'theirs'\n", f"[panel]\nhostname = \"{NAME}\"\n[other]\nhostname = 'theirs'\n"),
    ],
    ids=["empty", "no table", "no last newline", "no key", "another name", "at the end", "spaces", "another's key"],
)
def test_one_key_is_set_and_the_rest_stays(tmp_path: Path, before: str, after: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(before)
    config.chmod(0o640)
    assert panel_name.write(config, NAME) is True
    assert config.read_text() == after
    assert config.stat().st_mode & 0o777 == 0o640
    assert panel_name.write(config, NAME) is False


def test_a_file_that_is_not_there_is_made_for_everybody_to_read(tmp_path: Path) -> None:
    former = os.umask(0o077)
    try:
        assert panel_name.write(tmp_path / "config.toml", NAME) is True
    finally:
        os.umask(former)
    assert (tmp_path / "config.toml").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "before",
    [
        "panel.bind = '*:1'\n", "panel = { bind = '*:1' }\n", 'text = """\n[panel]\n"""\n', "panel = 1\n",
        "[panel]\n\"hostname\" = 'old.example.org'\n", "[panel]\nhostname = '''\nold.example.org'''\n",
    ],
    ids=["dotted", "inline", "inside a text", "not a table", "quoted key", "text of two lines"],
)
def test_what_can_not_be_changed_safely_is_left_and_told(tmp_path: Path, before: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(before)
    with pytest.raises(Failure) as caught:
        panel_name.write(config, NAME)
    assert caught.value.code == "config_invalid"
    assert 'hostname = "panel.example.org" below [panel]' in caught.value.detail
    assert config.read_text() == before


def test_what_is_not_utf8_is_left_and_told(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(Failure, match="UTF-8"):
        panel_name.write(tmp_path / "config.toml", NAME)
    assert (tmp_path / "config.toml").read_bytes() == b"# caf\xe9\n"


def test_what_is_no_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[panel\n")
    with pytest.raises(Failure, match="expected TOML"):
        panel_name.write(tmp_path / "config.toml", NAME)


LINES = st.sampled_from([
    "[panel]", "[dns]", "[ panel ]", "hostname = 'a.b'", "hostname='x'", "bind = '*:1'", "# [panel]", "", "[[panel]]",
    'text = """', '"""', "[panel.more]", "hostname.x = 1", "panel.bind = 'x'", "# hostname = 'no'",
])


@given(st.lists(LINES, max_size=8))
def test_whatever_stands_there_it_says_the_name_and_nothing_else_changes(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.toml")
        config.write_text(text)
        try:
            panel_name.write(config, NAME)
        except Failure:
            assert config.read_text() == text
        else:
            after = tomllib.loads(config.read_text())
            assert after.pop("panel") == {**before.pop("panel", {}), "hostname": NAME}
            assert after == before


@pytest.mark.parametrize("text", ["", "a", "*.a.test", "a.test\n[x]", 'a".test', "192.0.2.1", "a.test/..", "-a.test"])
def test_what_is_no_host_name_is_refused(text: str) -> None:
    with pytest.raises(Failure) as caught:
        panel_name.checked(text)
    assert caught.value.code == "name_invalid"


def test_a_name_is_kept_as_certificates_have_it() -> None:
    assert panel_name.checked("Panel.Bücher.Example.") == "panel.xn--bcher-kva.example"


def test_a_name_leads_here_by_an_address_of_this_host_only(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"here.test": "192.0.2.7", "loop.test": "127.0.1.1", "there.test": "198.51.100.1"}

    def found(name: str, port: None) -> list[tuple[object, ...]]:
        if name not in answers:
            raise OSError("unknown")
        return [(0, 0, 0, "", (answers[name], 0))]

    monkeypatch.setattr("socket.getaddrinfo", found)
    monkeypatch.setattr("jobs.privileged.own_addresses", lambda: frozenset({"192.0.2.7"}))
    leads = {name: panel_name.leads_here(name) for name in (*answers, "gone.test")}
    assert leads == {"here.test": True, "loop.test": True, "there.test": False, "gone.test": False}
