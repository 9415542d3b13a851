"""A script in the place of a DNS backend: what it is given, what it may do, and that nobody else chooses what runs."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from jobs.dns_backends.exec import Backend, Options
from jobs.policy.caa import CaaRecord, CaaStep
from jobs.policy.failure import Failure
from jobs.policy.options import CaaMode
from jobs.ports import Place, Record
from jobs.preflight.caa_changes import Issuer, decide, judged
from jobs.zones import Zones

VALUE = "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"
TOKEN = Record("_acme-challenge.www.example.org", "TXT", VALUE)


@pytest.fixture
def room() -> Iterator[Path]:
    """A directory that only root can write to, as are those above it, and that everybody may enter."""
    with tempfile.TemporaryDirectory(prefix="autossl-hooks-", dir="/tmp") as name:
        made = Path(name)
        made.chmod(0o755)
        yield made


@pytest.fixture
def log(room: Path) -> Path:
    return room / "log"


def script(room: Path, body: str) -> Path:
    path = room / "hook"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def backend(path: Path | str, **changes: object) -> Backend:
    options = Options(script=str(path), zones=("example.org", "Example.NET."))
    return Backend(replace(options, **changes), Place(Path("/nowhere")))


def failure_of(call: Callable[[], object]) -> Failure:
    with pytest.raises(Failure) as caught:
        call()
    return caught.value


def gone(pid: int) -> bool:
    """Dead, or a zombie that nobody has waited for yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except FileNotFoundError:
        return True


def soon(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 5
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


# --- the main path


def test_a_script_is_called_as_dehydrated_calls_its_hooks(room: Path, log: Path) -> None:
    one = backend(script(room, f'printf "%s\\n" "$#" "$@" >> {log}'))
    one.add(TOKEN)
    one.remove(TOKEN)
    words = ["www.example.org", "-", VALUE]
    assert log.read_text().split("\n")[:-1] == ["4", "deploy_challenge", *words, "4", "clean_challenge", *words]


def test_a_script_gets_nothing_of_this_process(room: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_PANEL", "hush")
    with Path(__file__).open() as held:
        os.set_inheritable(held.fileno(), True)
        backend(script(room, f"(env; pwd; cat; ls /proc/self/fd | wc -l) > {log}")).add(TOKEN)
    said = log.read_text()
    assert "hush" not in said and "\n/\n" in said and "PATH=/usr/local/sbin:" in said and "HOME=/root\n" in said
    assert {line.partition("=")[0] for line in said.splitlines() if "=" in line} <= {
        "PATH", "HOME", "USER", "LOGNAME", "LC_ALL", "PWD", "OLDPWD", "SHLVL", "_",
    }
    assert int(said.splitlines()[-1]) <= 4  # 0, 1, 2 and the directory that ls reads


def test_a_script_runs_as_the_account_that_is_chosen(room: Path) -> None:
    failure = failure_of(lambda: backend(script(room, "id -un; id -Gn; echo $HOME; exit 1"), user="nobody").add(TOKEN))
    assert "it said: nobody / nogroup / /nonexistent" in failure.detail
    unknown = failure_of(lambda: backend(script(room, "exit 0"), user="nobody-of-this-name").add(TOKEN))
    assert unknown.code == "option_invalid"


def test_what_a_script_leaves_in_the_background_is_not_waited_for(room: Path, log: Path) -> None:
    backend(script(room, f"sleep 60 & echo $! > {log}")).add(TOKEN)
    os.kill(int(log.read_text()), 9)


# --- what a script is never asked for


def test_zones_are_served_for_challenges_only(room: Path) -> None:
    one = backend(script(room, "exit 0"))
    assert one.active() and not backend("").active() and not backend("/x", zones=()).active()
    assert one.zone_for("a.b.example.org") == "example.org" and one.zone_for("example.net") == "example.net"
    assert one.zone_for("badexample.org") is None and one.zone_for("org") is None
    known = Zones([one])
    assert known.serving("www.example.org") and known.serving(TOKEN.name, "TXT")
    assert known.serving("*.example.org") and known.serving("_acme-challenge.example.org", "TXT")
    for name, kind in (("example.org", "CAA"), (TOKEN.name, "CAA"), ("example.org", "TXT")):
        assert known.serving(name, kind) is None


def test_the_caa_preflight_leaves_a_zone_alone_that_only_a_script_serves(room: Path) -> None:
    steps = (CaaStep("example.org", "example.org", (CaaRecord(0, "issue", "other.test"),)),)
    issuer = Issuer(("ca.test",), None)
    forbidden = judged("example.org", "http-01", steps, issuer)
    for mode in CaaMode:
        decided = decide([forbidden], [forbidden.name], Zones([backend(script(room, "exit 0"))]), issuer, mode)
        assert not decided.changes and not decided.why_not
    assert forbidden.verdict.record


def test_another_backend_of_the_same_zone_writes_what_a_script_can_not(room: Path) -> None:
    class Whole:
        name = "whole"

        def zone_for(self, name: str) -> str | None:
            return "example.org" if name.endswith("example.org") else None

    whole, one = Whole(), backend(script(room, "exit 0"), zones=("example.org", "deep.example.org"))
    for order in ([whole, one], [one, whole]):
        known = Zones(order)  # type: ignore[arg-type]
        assert known.serving("example.org", "CAA").backend is whole  # type: ignore[union-attr]
        assert known.serving("_acme-challenge.example.org", "TXT").backend is order[0]  # type: ignore[union-attr]
        assert known.serving("x.deep.example.org", "CAA") is None  # another zone than that of the other backend


@pytest.mark.parametrize(("record", "code"), [
    (Record("example.org", "CAA", '0 issue "ca.test"'), "dns_backend_challenges_only"),
    (Record("_acme-challenge.example.org", "CAA", '0 issue "ca.test"'), "dns_backend_challenges_only"),
    (Record("www.example.org", "TXT", VALUE), "dns_backend_challenges_only"),
    (Record("_acme-challenge.example.com", "TXT", VALUE), "zone_not_served"),
    (Record("_acme-challenge.-e.example.org", "TXT", VALUE), "zone_record_invalid"),
    (Record("_acme-challenge.$(id).example.org", "TXT", VALUE), "zone_record_invalid"),
    (Record("_acme-challenge.a b.example.org", "TXT", VALUE), "zone_record_invalid"),
    (Record("_acme-challenge.example.org", "TXT", "$(reboot)"), "zone_record_invalid"),
    (Record("_acme-challenge.example.org", "TXT", "a b"), "zone_record_invalid"),
    (Record("_acme-challenge.example.org", "A", "192.0.2.1"), "zone_record_invalid"),
])
def test_everything_else_is_refused_before_the_script_runs(room: Path, log: Path, record: Record, code: str) -> None:
    one = backend(script(room, f"touch {log}"))
    for call in (one.add, one.remove):
        failure = failure_of(partial(call, record))
        assert failure.code == code and failure.permanent
    assert not log.exists()


# --- a script that does not do it


def test_a_failure_has_the_last_lines_of_the_output_fit_for_a_page(room: Path) -> None:
    body = r'for n in 1 2 3 4 5 6 7; do echo "line $n"; done; printf "\033[31mred\n\n" >&2; exit 3'
    failure = failure_of(lambda: backend(script(room, body)).add(TOKEN))
    assert failure.code == "dns_backend_script_failed" and not failure.permanent
    assert "exit 3, it said: line 4 / line 5 / line 6 / line 7 / ?[31mred" in failure.detail
    silent = failure_of(lambda: backend(script(room, "kill -9 $$")).remove(TOKEN))
    assert "exit -9, it said: nothing" in silent.detail


def test_a_flood_of_output_is_cut(room: Path) -> None:
    failure = failure_of(lambda: backend(script(room, "yes | head -c 30000000; exit 1")).add(TOKEN))
    assert failure.code == "dns_backend_script_failed" and len(failure.detail) < 1200
    endless = failure_of(lambda: backend(script(room, "yes"), timeout=1).add(TOKEN))
    assert endless.code == "program_timeout" and len(endless.detail) < 1200


def test_the_time_limit_ends_everything_that_the_script_has_started(room: Path, log: Path) -> None:
    body = f"trap '' TERM; (trap '' TERM; echo here; while :; do sleep 60; done) & echo $$ $! > {log}; wait; wait; wait"
    failure = failure_of(lambda: backend(script(room, body), timeout=1).add(TOKEN))
    assert failure.code == "program_timeout" and "after 1 s" in failure.detail and "said: here" in failure.detail
    assert all(soon(partial(gone, int(pid))) for pid in log.read_text().split())


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_time_limit_that_is_none_is_told(room: Path, timeout: int) -> None:
    assert failure_of(lambda: backend(script(room, "exit 0"), timeout=timeout).add(TOKEN)).code == "option_invalid"


def test_what_can_not_be_started_is_told(room: Path, log: Path) -> None:
    assert failure_of(lambda: backend(room / "missing").add(TOKEN)).code == "program_missing"
    plain = script(room, "exit 0")
    plain.chmod(0o644)
    assert failure_of(lambda: backend(plain).add(TOKEN)).code == "program_missing"
    plain.write_text("neither a script nor a program\n")
    plain.chmod(0o755)
    assert "starting it" in failure_of(lambda: backend(plain).add(TOKEN)).detail


# --- a script that somebody else could choose


def unsafe(path: Path | str, log: Path) -> str:
    failure = failure_of(lambda: backend(path).add(TOKEN))
    assert failure.code == "dns_backend_script_unsafe" and failure.permanent and not log.exists()
    return failure.detail


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_a_script_that_others_may_write_is_not_run(room: Path, log: Path, mode: int) -> None:
    path = script(room, f"touch {log}")
    path.chmod(mode)
    assert f"has the mode {mode:o}" in unsafe(path, log)


def test_a_script_of_somebody_else_is_not_run(room: Path, log: Path) -> None:
    path = script(room, f"touch {log}")
    shutil.chown(path, 65534)
    assert "belongs to uid 65534" in unsafe(path, log)


def test_a_script_in_a_directory_that_others_may_write_is_not_run(room: Path, log: Path) -> None:
    inner = room / "inner"
    inner.mkdir()
    path = script(inner, f"touch {log}")
    room.chmod(0o777)
    assert f"{room} belongs to uid 0 and has the mode 777" in unsafe(path, log)
    room.chmod(0o755)
    shutil.chown(room, 65534)
    assert "belongs to uid 65534" in unsafe(path, log)


def test_links_are_followed_only_where_nobody_else_may_change_them(room: Path, log: Path) -> None:
    path, theirs = script(room, f"touch {log}"), room / "theirs"
    theirs.mkdir()
    (theirs / "link").symlink_to(path)
    (room / "link").symlink_to("theirs/link")
    (room / "way").symlink_to(theirs)
    backend(room / "link").add(TOKEN)
    backend(room / "way" / "link").add(TOKEN)
    assert stat.S_ISREG(log.stat().st_mode)
    log.unlink()
    theirs.chmod(0o777)  # the link within can be laid elsewhere by anybody
    assert f"{theirs} " in unsafe(room / "link", log)
    assert f"{theirs} " in unsafe(room / "way" / "link", log)
    (room / "circle").symlink_to("circle")
    assert "never end" in unsafe(room / "circle", log)


@pytest.mark.parametrize("path", ["hook", "./hook", "/usr/bin/../bin/true", "/etc"])
def test_paths_that_are_not_those_of_a_file_are_refused(path: str, log: Path) -> None:
    assert "expected" in unsafe(path, log)
