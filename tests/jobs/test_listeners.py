"""Where a process listens is read from the kernel."""

from __future__ import annotations

import os
import socket

from jobs.privileged import Listener, listening


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
