"""The root side's socket: who may ask, how much, how many at a time. What a verb does is told by who starts it.

Whoever connects is known by the kernel (SO_PEERCRED, unix(7)). A question that is not of the contract ends its
connection, and is logged.
"""

from __future__ import annotations

import logging
import re
import secrets
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from jobs.policy.failure import Failure
from jobs.rootside import wire
from jobs.rootside.quota import FewLines, Quota
from jobs.rootside.values import BadValue, decoded, encoded
from jobs.rootside.verbs import CODE, VERBS, Told, Verb

_CREDENTIALS = struct.Struct("3i")
"""struct ucred: pid, uid, gid."""

MOST_CONNECTIONS = 48
"""Of one user: whoever has taken over one of them keeps no other one from asking."""

MOST_SESSIONS = 24
IDLE = 600.0
"""Seconds after which a connection, or what a session has read, is given up."""

SMALL = 64 * 1024
MOST_LARGE = 3
"""Questions over SMALL bytes that are read and carried out at a time: taken apart, one may take 25 times its size."""

_SESSION = re.compile(r"\A[0-9a-f]{32}\Z")
_log = logging.getLogger("autossl.root")
_log.addFilter(FewLines(Quota(200, 0.5)))


class Verbs(Protocol):
    """One conversation's verbs, by `VERBS`; what it reads of the host's configuration it may remember."""

    def act(self, verb: str, words: Any) -> Any:
        """Carry one out; `words` is of the contract's type. Raises Failure."""


@dataclass
class _Session:
    verbs: Verbs
    used_at: float = field(default_factory=time.monotonic)


class Server:
    """Answers at a listening socket, for the users `allowed` (uids). `begin` makes what acts for a new conversation.
    `act` of a verb that changes something is called under `changing`, by one thread at a time."""

    def __init__(
        self, listener: socket.socket, allowed: Collection[int], begin: Callable[[str], Verbs]
    ) -> None:
        self._listener = listener
        self._allowed = frozenset(allowed)
        self._begin = begin
        self._changing = threading.Lock()
        self._large = threading.BoundedSemaphore(MOST_LARGE)
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}
        self._open: dict[socket.socket, int] = {}
        self._ending = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._busy = 0
        self._less_busy = threading.Condition()

    def serve(self) -> None:
        """Until `stop_soon`. Raises OSError when the socket breaks."""
        self._listener.setblocking(False)
        while True:
            select.select([self._listener, self._woken], [], [])
            if self._ending.is_set():
                break
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                continue
            if not self._begun(connection):
                connection.close()
        with self._changing:
            pass  # whatever comes after this is refused
        with self._less_busy:
            self._less_busy.wait_for(lambda: self._busy == 0, wire.PATIENCE)

    def stop_soon(self) -> None:
        """Accept nothing more; `serve` returns when what is being changed is done, and answered. Safe in a signal
        handler."""
        self._ending.set()
        self._wake.send(b"x")

    def _begun(self, connection: socket.socket) -> bool:
        """Whether a thread of its own speaks with this one from now on."""
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, uid, _ = _CREDENTIALS.unpack(raw)
        if uid not in self._allowed:
            _log.warning("refused: uid %d may not ask here", uid)
            return False
        with self._lock:
            if sum(other == uid for other in self._open.values()) >= MOST_CONNECTIONS:
                _log.warning("refused: uid %d has %d connections already", uid, MOST_CONNECTIONS)
                return False
            self._open[connection] = uid
        try:
            threading.Thread(target=self._talk, args=(connection,), name="asked", daemon=True).start()
        except RuntimeError as error:  # the system has no room for a thread
            _log.warning("refused: %s", error)
            self._close(connection)
        return True

    def _talk(self, connection: socket.socket) -> None:
        try:
            while not self._ending.is_set():
                length = wire.announced(connection, wire.LARGEST_QUESTION, IDLE)
                if length is None:
                    return
                with self._at_work():
                    with self._room(length):
                        answer = self._packed(self._answer(wire.content(connection, length)))
                    connection.settimeout(wire.PATIENCE)
                    connection.sendall(answer)
        except (wire.BadMessage, BadValue) as error:
            _log.warning("a connection was ended: %s", str(error)[:200])
        except OSError as error:
            _log.info("a connection broke: %s", error.strerror or error)
        finally:
            self._close(connection)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        with self._less_busy:
            self._busy += 1
        try:
            yield
        finally:
            with self._less_busy:
                self._busy -= 1
                self._less_busy.notify_all()

    @contextmanager
    def _room(self, length: int) -> Iterator[None]:
        if length <= SMALL:
            yield
            return
        with self._large:
            yield

    def _close(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.pop(connection, None)
        with suppress(OSError):
            connection.close()

    def _packed(self, answer: dict[str, Any]) -> bytes:
        try:
            return wire.packed(answer, wire.LARGEST_ANSWER)
        except ValueError as error:
            return wire.packed({"failure": encoded(Told("internal_error", str(error)))}, wire.LARGEST_ANSWER)

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """Raises BadMessage, BadValue for what the contract does not have."""
        if set(question) != {"verb", "session", "words"}:
            raise wire.BadMessage("expected verb, session and words")
        name, words = question["verb"], question["words"]
        verb = VERBS.get(name) if isinstance(name, str) else None
        if verb is None:
            raise wire.BadMessage("there is no such verb")
        asked = decoded(verb.asked, words, name)
        session = self._session(question["session"])
        try:
            found = self._done(verb, session.verbs, name, asked)
        except Failure as failure:
            return {"failure": encoded(Told.of(failure))}
        except Exception as error:  # noqa: BLE001 a bug ends this question only
            _log.exception("%s met something that nobody foresaw", name)
            said = f"the root side: {name}: {type(error).__name__}; its journal has the details"
            return {"failure": encoded(Told("internal_error", said))}
        finally:
            session.used_at = time.monotonic()
        return {"answer": encoded(found)}

    def _done(self, verb: Verb, verbs: Verbs, name: str, asked: Any) -> Any:
        if not verb.changes:
            return verbs.act(name, asked)
        with self._changing:
            if self._ending.is_set():
                raise Failure(CODE, "the root side is being stopped, and begins nothing more")
            return verbs.act(name, asked)

    def _session(self, token: Any) -> _Session:
        """The one that was told by `hello`, of this process or of the one before it; it is a memory, and no right."""
        with self._lock:
            now = time.monotonic()
            for old in [key for key, one in self._sessions.items() if now - one.used_at > IDLE]:
                del self._sessions[old]
            if not (isinstance(token, str) and _SESSION.match(token)):
                token = secrets.token_hex(16)
            found = self._sessions.get(token)
            if found is None:
                found = self._sessions[token] = _Session(self._begin(token))
                if len(self._sessions) > MOST_SESSIONS:
                    del self._sessions[min(self._sessions, key=lambda key: self._sessions[key].used_at)]
            found.used_at = now
            return found
