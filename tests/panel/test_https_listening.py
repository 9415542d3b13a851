"""Where the server listens, and where it refuses to."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.policy.failure import Failure
from jobs.policy.panel_files import STATE, parse_state
from jobs.ports import Place
from panel.https.sockets import listen
from tests.panel.command_line import Line
from tests.panel.https_client import BODY, SITE, Start, ask, connect, is_own, leaf

ROOT = Path(__file__).resolve().parents[2]


def test_it_listens_on_several_addresses_and_both_families(start: Start, place: Place) -> None:
    port = start("*:0", "127.0.0.1:0", "[::1]:0")
    addresses = parse_state((place.instance / STATE).read_bytes())
    assert [host for host, _ in addresses] == ["127.0.0.1", "127.0.0.1", "::1"]
    for host, number in [*addresses, ("::1", port)]:
        with connect(number, SITE, host=host) as tls:
            assert ask(tls) == (200, BODY.replace("127.0.0.1", host))


def test_it_listens_on_a_socket_that_was_opened_outside(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as outside:
        port = outside.getsockname()[1]
        assert start(f"fd:{outside.fileno()}") == port
        assert is_own(leaf(port, SITE))


def test_a_socket_of_another_network_is_not_asked_by_this_host() -> None:
    code = "import sys; from panel.https.sockets import listen; print(listen([sys.argv[1]])[0].asked_at)"
    with socket.create_server(("127.0.0.1", 0)) as outside:
        number = outside.fileno()
        words = [sys.executable, "-c", code, f"fd:{number}"]
        asked = [
            subprocess.run([*before, *words], cwd=ROOT, pass_fds=[number], text=True, capture_output=True, check=True)
            for before in ([], ["unshare", "--net"])
        ]
        assert [done.stdout.strip() for done in asked] == [str(outside.getsockname()), "None"]


@pytest.mark.parametrize(
    ("bind", "said"),
    [
        ("nonsense", "'nonsense': expected HOST:PORT"),
        ("127.0.0.1:99999", "expected HOST:PORT"),
        ("::1:2087", "expected HOST:PORT"),
        ("127.0.0.1:2087/x", "expected HOST:PORT"),
        ("nowhere.invalid:2087", "nowhere.invalid is no address of this host"),
        ("192.0.2.1:2087", "this host has no such address"),
        ("fd:x", "expected HOST:PORT"),
        ("fd:999", "expected a listening socket that this process inherited: Bad file descriptor"),
        ("fd:0", "expected a"),
    ],
)
def test_what_is_no_address_is_refused_in_one_sentence(line: Line, bind: str, said: str) -> None:
    answer = line.run("serve", "--single", "--bind", bind)
    assert answer.code == 2
    assert said in answer.err and answer.err.count("\n") == 1


def test_a_port_that_is_taken_is_refused_and_the_others_are_let_go(line: Line) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = line.run("serve", "--single", "--bind", "127.0.0.1:0", "--bind", f"127.0.0.1:{port}", "--json")
    assert answer.code == 2
    assert "another program listens there already" in answer.err
    assert '"code": "bind_failed"' in answer.out


def test_sockets_that_do_not_listen_are_refused() -> None:
    with socket.socket() as idle, pytest.raises(Failure, match="expected a TCP socket that listens already"):
        listen([f"fd:{idle.fileno()}"])


def test_a_second_server_of_an_instance_is_refused(start: Start, line: Line) -> None:
    port = start()
    answer = line.run("serve", "--single", "--bind", "127.0.0.1:0")
    assert answer.code == 2
    assert "a server of this installation is running already" in answer.err and answer.err.count("\n") == 1
    assert is_own(leaf(port, SITE))


def test_a_hostname_that_is_none_is_refused(line: Line) -> None:
    (line.instance / "config.toml").write_text('[panel]\nhostname = "no name"\n')
    answer = line.run("serve", "--single", "--bind", "127.0.0.1:0")
    assert answer.code == 2
    assert "panel.hostname: expected a host name, got 'no name'" in answer.err
