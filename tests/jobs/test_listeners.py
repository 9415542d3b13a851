"""Where a process listens is read from the kernel."""

from __future__ import annotations

import os
import socket

import pytest

from jobs.privileged import Listener, listening
from jobs.services.system import mail_ports


def test_a_socket_that_listens_is_found_and_one_that_does_not_is_not() -> None:
    with socket.socket() as listens, socket.socket() as bound:
        for each in (listens, bound):
            each.bind(("127.0.0.1", 0))
        listens.listen()
        found = listening(os.getpid())
        assert Listener("127.0.0.1", listens.getsockname()[1]) in found
        assert bound.getsockname()[1] not in {listener.port for listener in found}


def test_every_address_is_reached_over_the_loopback() -> None:
    with socket.create_server(("0.0.0.0", 0)) as four, socket.create_server(("::", 0), family=socket.AF_INET6) as six:
        found = listening(os.getpid())
        assert Listener("127.0.0.1", four.getsockname()[1]) in found
        assert Listener("::1", six.getsockname()[1]) in found


def test_a_process_that_is_gone_listens_nowhere() -> None:
    assert listening(2**22 + 1) == ()


def test_a_socket_that_listens_is_found_among_many_connections() -> None:
    """The kernel lists those that listen first; nothing behind them is read."""
    with socket.create_server(("127.0.0.1", 0), backlog=300) as early:
        at = early.getsockname()
        connections = [socket.create_connection(at) for _ in range(200)]
        with socket.create_server(("127.0.0.1", 0)) as late:
            found = listening(os.getpid())
            assert {Listener(*at), Listener(*late.getsockname())} <= {*found}
            assert len(found) == len({*found})
        for connection in connections:
            connection.close()


def test_a_daemon_is_asked_again_after_a_moment_and_after_its_reload(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    clock = [100.0]
    monkeypatch.setattr(mail_ports, "daemon_listeners", lambda *daemon: asked.append(daemon) or (len(asked),))
    monkeypatch.setattr(mail_ports.time, "monotonic", lambda: clock[0])
    where = mail_ports.Listening("/run/it.pid", "it")
    assert (where.now(), where.now()) == ((1,), (1,))
    where.forget()
    assert where.now() == (2,)
    clock[0] += mail_ports.FRESH * 1.1
    assert where.now() == (3,) and {*asked} == {("/run/it.pid", "it")}
