"""Where the process's own log goes: under systemd to the journal, with fields; anywhere else to stderr, to be read.

Both have one line a record, whatever words from elsewhere stand in it; what follows a line (a traceback) is indented.
"""

from __future__ import annotations

import logging
import os
import traceback
from pathlib import Path

from logging_journald import JournaldTransport, check_journal_stream

from jobs.policy.journal import Subject, fields, one_line

SOCKET = Path("/run/systemd/journal/socket")
IDENTIFIER = "autossl"
LEGIBLE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
PATIENCE = 0.5
"""Seconds that a line waits for a journal that takes none: nobody's request is to hang on that."""

_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG = 7


def set_up() -> None:
    """For the rest of the process, if nobody has chosen otherwise before."""
    legible = logging.StreamHandler()
    legible.setFormatter(OneLine(LEGIBLE))
    handler: logging.Handler = legible
    if listening(SOCKET):
        handler = JournalHandler(SOCKET, legible)
        handler.setFormatter(OneLine("%(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)  # else two lines for every tick, for ever


def listening(path: Path) -> bool:
    """Whether systemd has connected stderr to the journal, which can be reached by its own protocol as well."""
    try:
        return check_journal_stream() and path.is_socket()
    except (ValueError, OSError):  # JOURNAL_STREAM is inherited, and says nothing of this process's stderr
        return False


class OneLine(logging.Formatter):
    """The message as one line; a traceback below it, each line indented, so that none can pass for a message."""

    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        lines = [one_line(self.formatMessage(record))]
        if record.exc_info and record.exc_info[0] is not None:
            told = "".join(traceback.format_exception(*record.exc_info))
            lines += [f"    {one_line(line)}" for line in told.rstrip("\n").split("\n")]
        return "\n".join(lines)


class JournalHandler(logging.Handler):
    """Each record as one entry of the journal, by its native protocol.

    `otherwise` gets what a journal that is not there can't take. One that is there and takes nothing would hold it up
    as well: what is lost to that is counted, and told by the next line that goes through.
    """

    def __init__(self, path: Path, otherwise: logging.Handler) -> None:
        super().__init__()
        self._transport = JournaldTransport(path, connected=False)
        self._transport.socket.settimeout(PATIENCE)
        self._otherwise = otherwise
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._lost:
                words = f"{self._lost} lines before this one are missing: the journal did not take them"
                self._transport.send(_pairs(words, logging.WARNING, __name__))
                self._lost = 0
            self._transport.send([*_pairs(self.format(record), record.levelno, record.name), *_facts(record)])
        except TimeoutError:
            self._lost += 1
        except OSError:
            self._otherwise.handle(record)

    def close(self) -> None:
        self._transport.socket.close()
        super().close()


def _pairs(message: str, level: int, logger: str) -> list[tuple[str, str]]:
    priority = next((priority for least, priority in _PRIORITIES if level >= least), _DEBUG)
    return [
        ("MESSAGE", message),
        ("PRIORITY", str(priority)),
        ("SYSLOG_IDENTIFIER", IDENTIFIER),
        ("SYSLOG_PID", str(os.getpid())),
        ("AUTOSSL_LOGGER", one_line(logger)),
    ]


def _facts(record: logging.LogRecord) -> list[tuple[str, str]]:
    subject = getattr(record, "subject", None)
    where = [("CODE_FILE", record.pathname), ("CODE_LINE", str(record.lineno)), ("CODE_FUNC", str(record.funcName))]
    return [*where, *(fields(subject) if isinstance(subject, Subject) else [])]
