"""The verb `as_owner`: a piece of work done by another user, in a process of its own that can never be root again."""

from __future__ import annotations

import os
import pwd
import traceback
from collections.abc import Callable
from pathlib import Path

from jobs.policy.failure import Failure

_DONE = 0
_LARGEST = 64 * 1024 * 1024


def become(account: pwd.struct_passwd) -> None:
    """Go on as that user, for good. Raises OSError."""
    os.initgroups(account.pw_name, account.pw_gid)
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    os.environ.update(HOME=account.pw_dir, USER=account.pw_name, LOGNAME=account.pw_name)


def owner_of(directory: Path) -> pwd.struct_passwd | None:
    """Whose a directory is, if it is somebody else's than ours. Raises Failure("not_root") where that one has no
    account here."""
    try:
        uid = directory.stat().st_uid
    except OSError:
        return None
    if uid in (os.geteuid(), 0):
        return None
    try:
        return pwd.getpwuid(uid)
    except KeyError as error:
        words = f"{directory}: it belongs to uid {uid}, of which this host knows no account"
        raise Failure("not_root", words, permanent=True) from error


def as_owner(account: pwd.struct_passwd, work: Callable[[], bytes]) -> bytes:
    """Do `work` in a child that has become `account`, and return its bytes, which are that user's and no more to be
    believed than any. What `work` raises is its own to put into bytes.

    Raises Failure("internal_error") when the child ends in another way.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            become(account)
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(work())
            code = _DONE
        except BaseException:  # noqa: BLE001 - nothing of it may go on in the child
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read(_LARGEST + 1)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) != _DONE or len(answer) > _LARGEST:
        words = f"a step that is {account.pw_name}'s to do ended without an answer; the lines above say why"
        raise Failure("internal_error", words)
    return answer
