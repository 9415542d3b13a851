"""The asking side: one conversation with the root side, over as many connections as threads need at a time."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jobs.policy.failure import Failure
from jobs.rootside import wire
from jobs.rootside.values import decoded, encoded
from jobs.rootside.verbs import CODE, PROTOCOL, VERBS, Hello, NoWords, Told

_CONNECTING = 10.0
_TIMEVAL = struct.Struct("@ll")
_KEPT = 8


class Conversation:
    """Lives for one run, as the services that it speaks for. Threads may share it.

    Raises Failure("root_side_unreachable") while nobody answers, and whatever Failure the root side tells.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[socket.socket] = []
        self._session = ""
        self.stored: dict[Path, str] = {}
        """Sets that were handed over in this conversation, and what the root side calls them; for all services."""
        self.hello: Hello = self._hello()

    def ask(self, verb: str, words: Any = NoWords()) -> Any:  # noqa: B008 - it has no state
        """One verb with its arguments; returns what the contract says."""
        with self._connection() as connection:
            return self._asked(connection, verb, words)

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def __del__(self) -> None:
        if hasattr(self, "_idle"):
            self.close()

    def _hello(self) -> Hello:
        with self._connection() as connection:
            hello: Hello = self._asked(connection, "hello", NoWords())
        if hello.protocol != PROTOCOL:
            words = f"{self._path}: the root side speaks version {hello.protocol} of the protocol, this is {PROTOCOL}"
            raise Failure(CODE, f"{words}; restart autossl-root.service and autossl.service", permanent=True)
        self._session = hello.session
        return hello

    def _asked(self, connection: socket.socket, verb: str, words: Any) -> Any:
        contract, began = VERBS[verb], time.monotonic()
        question = {"verb": verb, "session": self._session, "words": encoded(words)}
        try:
            wire.send(connection, question, wire.LARGEST_QUESTION)
            answer = wire.receive(connection, wire.LARGEST_ANSWER, contract.seconds)
            if answer is None:
                late = time.monotonic() - began >= contract.seconds
                words = f"no answer to {verb} within {contract.seconds:g} s" if late else f"it ended in {verb}"
                raise Failure(CODE, f"{self._path}: {words}; see journalctl -u autossl-root")
            if "failure" in answer:
                told: Told = decoded(Told, answer["failure"])
                raise told.as_failure()
            return decoded(contract.answer, answer.get("answer"), verb)
        except (OSError, ValueError) as error:  # BadMessage and BadValue are such
            why = getattr(error, "strerror", None) or error
            raise Failure(CODE, f"{self._path}: {verb}: {why}; is autossl-root.service running?") from error

    @contextmanager
    def _connection(self) -> Iterator[socket.socket]:
        """One that is idle, or a new one; it is kept for later unless something went wrong on it."""
        connection = self._kept_one() or self._connected()
        try:
            yield connection
        except Failure as failure:
            if failure.code == CODE:
                connection.close()
            else:
                self._keep(connection)
            raise
        except BaseException:
            connection.close()
            raise
        self._keep(connection)

    def _kept_one(self) -> socket.socket | None:
        """One that the other side has not given up meanwhile, or lost when it was started anew."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            try:
                connection.setblocking(False)
                connection.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                connection.settimeout(_CONNECTING)
                return connection
            except OSError:
                pass
            connection.close()

    def _keep(self, connection: socket.socket) -> None:
        with self._lock:
            if len(self._idle) < _KEPT:
                self._idle.append(connection)
                return
        with suppress(OSError):
            connection.close()

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            # with a time limit of Python's own, a full queue would be an error at once (connect(2), EAGAIN)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL.pack(int(_CONNECTING), 0))
            connection.connect(str(self._path))
        except OSError as error:
            connection.close()
            words = f"{self._path}: the root side does not answer ({error.strerror or error}); "
            raise Failure(CODE, words + "start it: systemctl start autossl-root.socket") from error
        return connection
