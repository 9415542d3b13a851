"""What is told of an error of the disk or of the database, in words and with a code.

The codes of SQLite are those of https://www.sqlite.org/rescode.html; the low byte is the primary one.
"""

from __future__ import annotations

import errno

from jobs.policy.failure import Failure

_BUSY, _LOCKED, _READ_ONLY, _IO_ERROR, _CORRUPT, _FULL, _CANT_OPEN, _NOT_A_DATABASE = 5, 6, 8, 10, 11, 13, 14, 26

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_UNWRITABLE = {
    _FULL: "its disk is full; make room",
    _READ_ONLY: "it, or its file system, is read-only; make it writable",
    _IO_ERROR: "its disk is full, read-only or broken; make it writable",
    _CANT_OPEN: "its disk is full or read-only, or the directory is gone; make it writable",
}


def disk_trouble(error: BaseException, where: str) -> Failure | None:
    """The failure that `error` is, if it comes of the disk, or of the database, and not of a bug.

    `where` names what was being read or written, for errors that don't name it themselves.
    """
    if isinstance(error, OSError):
        if error.errno not in _NO_ROOM:
            return None
        return Failure("no_room", f"{error.filename or where}: {error.strerror}; make room, then run it again")
    code = _sqlite_code(error)
    if code in (_BUSY, _LOCKED):
        words = f"{where}: another process has held the database for too long; once it lets go, this can be done again"
        return Failure("database_busy", words)
    if code in (_CORRUPT, _NOT_A_DATABASE):
        return Failure("database_damaged", f"{where}: the database is damaged: {error}", permanent=True)
    if code in _UNWRITABLE:
        return Failure("no_room", f"{where}: the database can't be written ({error}), because {_UNWRITABLE[code]}")
    return None


def _sqlite_code(error: BaseException) -> int | None:
    """The primary code of an error of SQLite, or of Peewee, which wraps it in errors of the same names, also twice."""
    one: BaseException | None = error
    while one is not None and any(kind.__name__ == "DatabaseError" for kind in type(one).__mro__):
        code = getattr(one, "sqlite_errorcode", None)
        if isinstance(code, int):
            return code & 0xFF
        one = one.__cause__ or one.__context__
    return None
