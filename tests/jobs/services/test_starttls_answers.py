"""Before TLS a mail server speaks lines, in as many pieces as it likes, and then waits for the client."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from jobs import privileged
from jobs.ports import Endpoint
from tests.fakes import TestCA

NAME = "mail.a.test"
SMTP = [b"220 here\r\n", b"250-here\r\n250 STARTTLS\r\n", b"220 go on\r\n"]
IMAP = [b"* OK here\r\n", b"a1 OK go on\r\n"]

Serve = Callable[[Sequence[Sequence[bytes]]], int]
"""Answers in turn, each in these pieces; the port."""


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    bundle = TestCA().bundle([NAME])
    (tmp_path / "chain.pem").write_bytes(bundle.fullchain)
    (tmp_path / "key.pem").write_bytes(bundle.privkey)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
    listening = socket.create_server(("127.0.0.1", 0))
    threads = []

    def started(answers: Sequence[Sequence[bytes]]) -> int:
        threads.append(threading.Thread(target=_speak, args=(listening, answers, context), daemon=True))
        threads[0].start()
        return int(listening.getsockname()[1])

    yield started
    threads[0].join(5)
    listening.close()


def _speak(listening: socket.socket, answers: Sequence[Sequence[bytes]], context: ssl.SSLContext) -> None:
    connection, _ = listening.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        try:
            for number, pieces in enumerate(answers):
                if number:
                    assert connection.recv(4096)
                for piece in pieces:
                    connection.sendall(piece)
            context.wrap_socket(connection, server_side=True).close()
        except OSError:  # the client has gone
            return


def probed(port: int, how: str) -> tuple[bool, str]:
    served = privileged.probe(Endpoint("127.0.0.1", port, NAME, how), timeout=5)
    return served.leaf is not None, served.detail


@pytest.mark.parametrize(("how", "answers"), [("smtp", SMTP), ("imap", IMAP)])
def test_answers_that_come_byte_by_byte_are_read(serve: Serve, how: str, answers: list[bytes]) -> None:
    assert probed(serve([[answer[at : at + 1] for at in range(len(answer))] for answer in answers]), how)[0]


def test_a_greeting_of_several_lines_is_read_to_its_end(serve: Serve) -> None:
    assert probed(serve([[b"220-here\r\n220-we are\r\n220 now\r\n"], *([answer] for answer in SMTP[1:])]), "smtp")[0]


def test_lines_of_a_server_that_nobody_asked_for_are_passed_over(serve: Serve) -> None:
    answers = [[b"* OK here\r\n* CAPABILITY IMAP4rev1\r\n"], [b"* OK still here\r\na1 OK go on\r\n"]]
    assert probed(serve(answers), "imap")[0]


def test_what_is_said_behind_the_last_answer_is_no_handshake(serve: Serve) -> None:
    leaf, detail = probed(serve([*([answer] for answer in SMTP[:2]), [b"220 go on\r\n250 injected\r\n"]]), "smtp")
    assert not leaf and "expected nothing behind '220', got b'250 injected" in detail


def test_a_refusal_is_told(serve: Serve) -> None:
    leaf, detail = probed(serve([[SMTP[0]], [SMTP[1]], [b"454 not now\r\n"]]), "smtp")
    assert not leaf and "454 not now" in detail


def test_a_line_without_end_is_given_up(serve: Serve) -> None:
    leaf, detail = probed(serve([[b"2" * 4096] * 8]), "smtp")
    assert not leaf and "expected '220', got b'2222" in detail
