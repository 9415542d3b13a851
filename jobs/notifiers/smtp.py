"""Mail by an SMTP server.

With STARTTLS, TLS from the first byte, or in the clear; with a name and a password, where the server wants them.
"""

from __future__ import annotations

import base64
import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from jobs.notifiers.system import LONGEST, address, as_mail
from jobs.notifiers.system.smtp_session import OutOfTime, Session
from jobs.policy.failure import Failure
from jobs.policy.redirects import printable
from jobs.ports import Letter

_LONGEST_WORDS = 300
_SHORTEST_SECRET = 5
_WORD = re.compile(r"[^\s'\"<>:;,]+")
_THIS_HOST = frozenset({"localhost", "127.0.0.1", "::1"})


class Security(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True)
class Options:
    """Switched off until a server is named."""

    host: str = field(
        default="", metadata={"label": "Server", "help": "Its host name, as its certificate has it. Empty: not in use."}
    )
    port: int = field(default=587, metadata={"label": "Port", "help": "Mostly 587; 465 for TLS; 25 for none."})
    security: Security = field(
        default=Security.STARTTLS,
        metadata={
            "label": "Encryption",
            "help": "With starttls and tls the server's certificate must be valid for its name. none is for a server on"
            " this host, or on a network that you trust.",
        },
    )
    user: str = field(default="", metadata={"label": "User", "help": "Empty: the server wants none."})
    password: str = field(default="", repr=False, metadata={"label": "Password", "help": "", "secret": True})
    ca_file: str = field(
        default="",
        metadata={"label": "CA file", "help": "PEM of a CA of your own. Empty: the CAs that this system trusts."},
    )
    timeout: int = field(default=30, metadata={"label": "Time limit", "help": "Seconds for handing one message over."})


class Notifier:
    """One connection a message. What the server says to the recipient or to the message is about this letter; what it
    says before, about all of them."""

    addressed = True

    def __init__(self, options: Options) -> None:
        self._options = options

    def active(self) -> bool:
        return bool(self._options.host)

    def check(self) -> None:
        """Connect, prove who the server is, sign in. Raises Failure("notifier_unreachable")."""
        with self._session("localhost.localdomain"):
            pass

    def send(self, letter: Letter) -> str:
        message, sender, to = as_mail(letter), address(letter.sender), address(letter.recipient)
        with self._session(letter.message_id.rpartition("@")[2]) as session:
            code, said = session.mail(sender)
            if code != 250:
                raise self._unreachable(f"the sender {sender} is refused: {_words(code, said)}")
            code, said = session.rcpt(to)
            if code not in (250, 251):
                raise self._refused(code, f"{to} is refused: {_words(code, said)}")
            try:
                code, said = session.data(message)
            except smtplib.SMTPDataError as error:
                code, said = error.smtp_code, _bytes(error.smtp_error)
            if code != 250:
                raise self._refused(code, f"the message to {to} is refused: {_words(code, said)}")
            return self._masked(_words(code, said))

    @contextmanager
    def _session(self, own_name: str) -> Iterator[Session]:
        """A session that is signed in; what breaks it is told as what it is."""
        options = self._options
        self._refuse_odd()
        try:
            context = None if options.security is Security.NONE else _context(options.ca_file)
            at_once = options.security is Security.TLS
            where = (options.host, options.port, own_name)
            with Session(*where, float(options.timeout), context if at_once else None) as session:
                if context is not None and not at_once:
                    session.starttls(context=context)
                session.ehlo_or_helo_if_needed()
                if options.user:
                    session.login(options.user, options.password)
                yield session
        except OutOfTime as error:
            raise self._unreachable(f"no end after {options.timeout} s") from error
        except smtplib.SMTPResponseException as error:
            raise self._unreachable(_words(error.smtp_code, _bytes(error.smtp_error))) from error
        except ssl.SSLCertVerificationError as error:
            raise self._unreachable(f"its certificate is not valid: {error.verify_message}") from error
        except OSError as error:
            raise self._unreachable(str(error) or type(error).__name__) from error

    def _refuse_odd(self) -> None:
        options = self._options
        if not 1 <= options.timeout <= LONGEST or not 1 <= options.port <= 65535:
            words = f"port {options.port}, time limit {options.timeout}: expected 1 to 65535, and 1 to {LONGEST}"
            raise self._unreachable(f"{words} seconds")
        if options.user and options.security is Security.NONE and options.host not in _THIS_HOST:
            raise self._unreachable("a password leaves this host by starttls or tls only")

    def _unreachable(self, words: str) -> Failure:
        return Failure("notifier_unreachable", self._where(words))

    def _refused(self, code: int, words: str) -> Failure:
        """421 closes the connection, whatever was asked for (RFC 5321 section 3.8); 5 is for ever, 4 for now."""
        if code == 421:
            return self._unreachable(words)
        return Failure("notifier_refused", self._where(words), permanent=500 <= code <= 599)

    def _where(self, words: str) -> str:
        said = printable(self._masked(words), _LONGEST_WORDS)
        return f"{self._options.host} port {self._options.port}: {said}"

    def _masked(self, text: str) -> str:
        """Some servers repeat a command that they don't like, and AUTH (RFC 4954) is one with the password in it, whole
        or cut off somewhere."""
        user, password = self._options.user, self._options.password
        if not password:
            return text
        given = [_base64(f"\0{user}\0{password}"), _base64(f"{user}\0{user}\0{password}"), _base64(password)]

        def shown(found: re.Match[str]) -> str:
            word = found.group()
            cut = len(word) >= _SHORTEST_SECRET and any(word in one for one in given)
            return "***" if cut or any(one in word for one in given) else word

        return _WORD.sub(shown, text.replace(password, "***"))


def _context(ca_file: str) -> ssl.SSLContext:
    """Raises OSError where the file of CAs can't be used."""
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _words(code: int, said: bytes) -> str:
    return f"{code} {printable(' '.join(said.decode('utf-8', 'replace').split()), _LONGEST_WORDS)}"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()
