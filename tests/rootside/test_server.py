"""The root side's socket and whoever has got hold of the other end: it goes on answering others, within its limits."""

from __future__ import annotations

import json
import logging
import os
import pwd
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from jobs.policy.failure import Failure
from jobs.policy.site import Website
from jobs.rootside import server as rootside_server
from jobs.rootside import wire
from jobs.rootside.client import Conversation
from jobs.rootside.quota import FewLines, Quota
from jobs.rootside.server import MOST_CONNECTIONS, MOST_LARGE, MOST_SESSIONS, Server
from jobs.rootside.values import encoded
from jobs.rootside.verbs import CODE, PROTOCOL, Hello, Name, NoWords, See, Seen, Service

NOBODY = pwd.getpwnam("nobody").pw_uid


class Acting:
    """Carries out what is asked, as far as a test needs it: by the name that is asked for."""

    begun: list[str] = []
    changing = 0
    most_changing = 0
    gate = threading.Event()

    def __init__(self, token: str) -> None:
        self.token = token
        self.begun.append(token)

    def act(self, verb: str, words: Any) -> Any:
        if verb == "hello":
            return Hello(PROTOCOL, self.token, (), (), False)
        if verb == "see":
            return tuple(Seen(False, None) for _ in words.websites)
        if verb == "zone_for":
            return self._named(words.name)
        if verb == "forget":
            return self._changing()
        raise AssertionError(f"nobody asks for {verb}")

    def _named(self, name: str) -> str:
        if name == "refused":
            raise Failure("root_refused", "not for you", permanent=True)
        if name == "bug":
            raise KeyError("a\nb")
        if name == "huge":
            return "x" * (wire.LARGEST_ANSWER + 1)
        if name == "large":
            return "x" * (8 * 1024 * 1024)
        if name == "waits":
            assert self.gate.wait(20)
        return name

    def _changing(self) -> bool:
        kind = type(self)
        kind.changing += 1
        kind.most_changing = max(kind.most_changing, kind.changing)
        time.sleep(0.01)
        kind.changing -= 1
        return True


class Side:
    """A server in a thread, at `path`."""

    def __init__(self, path: Path, allowed: set[int]) -> None:
        self.path = path
        self.acting = type("Acting", (Acting,), {"begun": [], "gate": threading.Event()})
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(64)
        self._listener = listener
        self.server = Server(listener, allowed, self.acting)
        self.thread = threading.Thread(target=self.server.serve)
        self.thread.start()

    def connected(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(10)
        made.connect(str(self.path))
        return made

    def end(self) -> None:
        self.acting.gate.set()
        self.server.stop_soon()
        self.thread.join(20)
        assert not self.thread.is_alive()
        self._listener.close()


@pytest.fixture
def side(tmp_path: Path) -> Iterator[Side]:
    made = Side(tmp_path / "root.sock", {os.geteuid()})
    yield made
    made.end()


def question(verb: str, words: Any, session: Any = "") -> dict[str, Any]:
    return {"verb": verb, "session": session, "words": encoded(words)}


def answered(connection: socket.socket, verb: str, words: Any, session: Any = "") -> Any:
    wire.send(connection, question(verb, words, session), wire.LARGEST_QUESTION)
    return wire.receive(connection, wire.LARGEST_ANSWER, 20)


def ended(connection: socket.socket) -> bool:
    """Whether the other side hung up, instead of an answer."""
    try:
        return wire.receive(connection, wire.LARGEST_ANSWER, 10) is None
    except (wire.BadMessage, OSError):
        return True


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it never came true"
        time.sleep(0.005)


@pytest.mark.parametrize("message", [
    {}, {"verb": "hello"}, {"verb": "hello", "session": "", "words": {}, "more": 1},
    {"verb": "no_such", "session": "", "words": {}}, {"verb": ["hello"], "session": "", "words": {}},
    {"verb": "act", "session": "", "words": {}}, {"verb": "__init__", "session": "", "words": {}},
    {"verb": "hello", "session": "", "words": {"a": 1}}, {"verb": "hello", "session": "", "words": None},
    {"verb": "zone_for", "session": "", "words": {"name": 7}}, {"verb": None, "session": None, "words": None},
])
def test_what_is_not_of_the_contract_ends_its_connection_and_no_other(side: Side, message: dict[str, Any]) -> None:
    with side.connected() as bad, side.connected() as good:
        wire.send(bad, message, 10_000)
        assert ended(bad)
        assert answered(good, "zone_for", Name("a"))["answer"] == "a"


@pytest.mark.parametrize("raw", [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 20, b"\0\0\0\1[", struct.pack("!I", 2) + b"[]"])
def test_bytes_that_are_no_message_end_their_connection(side: Side, raw: bytes) -> None:
    with side.connected() as bad:
        bad.sendall(raw)
        bad.shutdown(socket.SHUT_WR)
        assert ended(bad)


def test_another_user_is_turned_away_whatever_the_mode_of_the_socket_is(tmp_path: Path) -> None:
    """The kernel says who it is; a process of `nobody` can't say otherwise."""
    folder = Path("/tmp") / f"autossl-{os.getpid()}"
    folder.mkdir(mode=0o755)
    side = Side(folder / "root.sock", {os.geteuid()})
    script = f"""
import socket, struct, sys
made = socket.socket(socket.AF_UNIX); made.settimeout(10); made.connect({str(side.path)!r})
try:
    made.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, struct.pack('3i', 1, 0, 0))])
except OSError as error:
    print('not as root:', error.errno)
raw = {wire.packed(question("hello", NoWords()), 1000)!r}
try:
    made.sendall(raw); print(made.recv(10))
except OSError as error:
    print('ended', error.errno)
"""
    try:
        python = Path(sys.executable).resolve()
        tried = subprocess.run(
            ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", _for_everybody(python), "-c",
            script],
            capture_output=True, text=True, check=False, timeout=30,
        )
        said = tried.stdout.splitlines()
        assert said and (said[-1] == "b''" or said[-1].startswith("ended")), tried
        assert side.acting.begun == []
    finally:
        side.end()
        side.path.unlink()
        folder.rmdir()


def _for_everybody(python: Path) -> str:
    """Debian's own, for this one may lie where `nobody` may not enter."""
    return "/usr/bin/python3" if Path("/usr/bin/python3").exists() else str(python)


def test_whoever_has_all_the_connections_keeps_no_other_user_from_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = Side(tmp_path / "root.sock", {0, NOBODY})
    try:
        with ExitStack() as held:
            taken = [held.enter_context(side.connected()) for _ in range(MOST_CONNECTIONS)]
            until(lambda: len(side.server._open) == MOST_CONNECTIONS)
            with side.connected() as one_more:
                assert ended(one_more)
            monkeypatch.setattr(rootside_server, "_CREDENTIALS", _As(NOBODY))
            with side.connected() as other:
                assert answered(other, "zone_for", Name("a"))["answer"] == "a"
            assert answered(taken[0], "zone_for", Name("b"))["answer"] == "b"
    finally:
        side.end()


class _As:
    """What the kernel would say of a process of another user."""

    size = 12

    def __init__(self, uid: int) -> None:
        self._uid = uid

    def unpack(self, raw: bytes) -> tuple[int, int, int]:
        return 1, self._uid, self._uid


def test_a_thousand_connections_are_taken_or_turned_away_and_it_goes_on(side: Side) -> None:
    with ExitStack() as held:
        for _ in range(1000):
            connection = socket.socket(socket.AF_UNIX)
            held.callback(connection.close)
            connection.connect(str(side.path))
        until(lambda: len(side.server._open) == MOST_CONNECTIONS)
        assert threading.active_count() < MOST_CONNECTIONS + 20
    until(lambda: not side.server._open)
    with side.connected() as good:
        assert answered(good, "zone_for", Name("a"))["answer"] == "a"


def test_who_sends_half_a_message_or_a_byte_a_second_holds_up_nobody_else(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "PATIENCE", 0.3)
    with ExitStack() as held:
        for at in range(MOST_CONNECTIONS - 1):
            slow = held.enter_context(side.connected())
            slow.sendall(wire.packed(question("hello", NoWords()), 1000)[: at % 20 + 1])
        with side.connected() as good:
            began = time.monotonic()
            assert answered(good, "zone_for", Name("a"))["answer"] == "a"
            assert time.monotonic() - began < 2
        until(lambda: not side.server._open)


def test_who_announces_large_messages_and_sends_none_holds_up_nobody_for_long(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a few large ones are read at a time; a small one needs no such room."""
    monkeypatch.setattr(wire, "PATIENCE", 0.3)
    with ExitStack() as held:
        for _ in range(MOST_LARGE):
            held.enter_context(side.connected()).sendall(struct.pack("!I", wire.LARGEST_QUESTION))
        with side.connected() as good:
            assert answered(good, "zone_for", Name("a"))["answer"] == "a"
            websites = tuple(Website("a", (f"n{at}.example.com",)) for at in range(1000))
            assert len(answered(good, "see", See("apache", websites, False))["answer"]) == 1000


def test_who_never_reads_the_answer_loses_the_connection(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PATIENCE", 0.3)
    with side.connected() as deaf, side.connected() as good:
        wire.send(deaf, question("zone_for", Name("large")), 1000)
        until(lambda: len(side.server._open) == 1, 10)
        assert answered(good, "zone_for", Name("a"))["answer"] == "a"


def test_an_answer_that_is_too_large_is_told_as_a_failure(side: Side) -> None:
    with side.connected() as good:
        assert answered(good, "zone_for", Name("huge"))["failure"]["code"] == "internal_error"
        assert answered(good, "zone_for", Name("a"))["answer"] == "a"


def test_a_bug_ends_one_question_and_no_more(
    side: Side, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rootside_server._log, "filters", [])
    with side.connected() as good:
        found = answered(good, "zone_for", Name("bug"))["failure"]
        assert found["code"] == "internal_error" and "KeyError" in found["detail"]
        assert answered(good, "zone_for", Name("a"))["answer"] == "a"
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]


def test_a_journal_is_not_filled_by_whoever_asks_nonsense(
    side: Side, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "autossl.root")
    (few,) = rootside_server._log.filters
    assert isinstance(few, FewLines)
    monkeypatch.setattr(few, "_quota", Quota(20, 1000.0))
    for _ in range(100):
        with side.connected() as bad:
            bad.sendall(b"\xff\xff\xff\xff")
            assert ended(bad)
    assert len(caplog.records) == 20


def test_a_refusal_is_told_in_its_words(side: Side) -> None:
    with side.connected() as good:
        assert answered(good, "zone_for", Name("refused"))["failure"] == {
            "code": "root_refused", "detail": "not for you", "permanent": True,
        }


def test_one_thing_is_changed_at_a_time_however_many_ask(side: Side) -> None:
    def ask() -> None:
        with side.connected() as mine:
            assert answered(mine, "forget", Name("a.example.com"))["answer"] is True

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert side.acting.most_changing == 1


def test_sessions_are_forgotten_before_they_are_too_many(side: Side) -> None:
    with side.connected() as good:
        for at in range(200):
            assert answered(good, "zone_for", Name("a"), f"{at:032x}")["answer"] == "a"
    assert len(side.server._sessions) <= MOST_SESSIONS


@pytest.mark.parametrize("token", [None, 7, "", "x" * 32, "A" * 32, "0" * 31, "../../../etc/passwd", {"a": 1},
    "0" * 33])
def test_a_token_that_is_none_is_another_conversation(side: Side, token: Any) -> None:
    with side.connected() as good:
        found = answered(good, "hello", NoWords(), token)["answer"]["session"]
        assert found != token and len(found) == 32
        assert found not in answered(good, "hello", NoWords(), token)["answer"]["session"]


def test_a_conversation_goes_on_over_other_connections_and_after_a_restart(side: Side) -> None:
    talk = Conversation(side.path)
    for _ in range(3):
        assert talk.ask("zone_for", Name("a")) == "a"
    assert side.acting.begun == [talk.hello.session]
    with side.server._lock:
        side.server._sessions.clear()
        for connection in list(side.server._open):
            connection.shutdown(socket.SHUT_RDWR)
    until(lambda: not side.server._open)
    assert talk.ask("zone_for", Name("b")) == "b", "a connection that was kept and has ended is not used"
    assert list(side.server._sessions) == [talk.hello.session]
    talk.close()


def test_what_is_asked_when_it_ends_is_still_answered_and_nothing_new_is_changed(tmp_path: Path) -> None:
    side = Side(tmp_path / "root.sock", {os.geteuid()})
    with side.connected() as asked, side.connected() as late:
        wire.send(asked, question("zone_for", Name("waits")), 1000)
        answered(late, "zone_for", Name("a"))
        until(lambda: side.server._busy == 1)
        side.server.stop_soon()
        wire.send(late, question("forget", Name("a.example.com")), 1000)
        found = wire.receive(late, 1000, 10)
        assert found is None or found["failure"]["code"] == CODE
        side.acting.gate.set()
        answer = wire.receive(asked, 1000, 10)
        assert answer == {"answer": "waits"}
    side.end()


def test_the_other_side_tells_in_words_that_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="the root side does not answer") as told:
        Conversation(tmp_path / "nothing.sock")
    assert told.value.code == CODE


@pytest.mark.parametrize("answer", [b"", b"\0\0\0\5[1,2]", struct.pack("!I", 2) + b"{}", b"\xff" * 8,
                                    wire.packed({"answer": 7}, 100), wire.packed({"failure": {"code": 1}}, 100)])
def test_an_answer_that_is_none_is_told_in_words(tmp_path: Path, answer: bytes) -> None:
    path = tmp_path / "odd.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)

        def answer_once() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=answer_once)
        thread.start()
        with pytest.raises(Failure) as told:
            Conversation(path)
        thread.join()
    assert told.value.code == CODE


def test_a_question_that_is_too_large_is_told_in_words(side: Side) -> None:
    talk = Conversation(side.path)
    with pytest.raises(Failure, match="of which 4194304 are allowed"):
        talk.ask("zone_for", Name("x" * wire.LARGEST_QUESTION))
    assert talk.ask("zone_for", Name("a")) == "a"
    talk.close()


def test_service_and_name_are_plain_json() -> None:
    assert json.loads(json.dumps(encoded(Service("apache")))) == {"service": "apache", "forget": True}
