"""A step that another user does in a process of its own, with its answer or its Failure as values."""

from __future__ import annotations

import json
import pwd
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import models
from jobs import privileged
from jobs.policy.failure import Failure
from jobs.rootside.values import decoded, encoded
from jobs.rootside.verbs import Told


def asked_apart(owner: pwd.struct_passwd, step: Callable[[], Any], answer: Any = None) -> Any:
    """What `step` returns, done as `owner`: of type `answer` (see `jobs/rootside/values.py`), or plain JSON for None.

    Raises the Failure that it raises, and Failure("internal_error") where it ends in another way.
    """

    def work() -> bytes:
        try:
            found = {"answer": encoded(step())}
        except Failure as failure:
            found = {"failure": encoded(Told.of(failure))}
        return json.dumps(found).encode()

    with suppress(AttributeError):  # nothing was opened yet
        models.database.close()  # SQLite's handles must not be in both processes
    try:
        told = json.loads(privileged.as_owner(owner, work))
        if "failure" in told:
            failure: Told = decoded(Told, told["failure"])
            raise failure.as_failure()
        return told["answer"] if answer is None else decoded(answer, told["answer"])
    except (ValueError, KeyError, TypeError) as error:  # BadValue is a ValueError
        raise Failure("internal_error", f"a step that is {owner.pw_name}'s to do gave no answer: {error}") from error
