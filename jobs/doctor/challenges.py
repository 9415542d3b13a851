"""Challenges.

A token is put where challenges lie, and fetched through the web server as a CA would: for a website's name, at each
address of this host.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterator

from jobs.challenges import HttpSolver
from jobs.doctor import Host
from jobs.policy.doctor import Result, State
from jobs.policy.redirects import FOLLOWED, printable
from jobs.preflight.http_client import Answer, BadAnswer, Exchange, TooLarge

SECONDS = 8.0
MOST_NAMES = 3
_REMEDY = "Run `autossl setup`, and see that no proxy before the web server keeps this path for itself."


def examine(host: Host) -> Iterator[Result]:
    names = [site.main for site in host.websites if site.part_of is None][:MOST_NAMES]
    if not names:
        yield Result(State.NOT_APPLICABLE, "challenges", "there is no website yet whose name could be asked for")
        return
    token = secrets.token_urlsafe(32)
    content = f"{token}.{secrets.token_urlsafe(32)}"
    solver = HttpSolver(host.place.challenges)
    solver.present(names[0], token, content)
    try:
        where = [(name, address) for name in names for address in host.addresses or ("127.0.0.1",)]
        answers = asyncio.run(_fetched(where, host.config.validation.http_port, token))
    finally:
        solver.clean(names[0], token)
    for (name, address), answer in zip(where, answers, strict=True):
        yield _judged(f"{name} at {address}", answer, content)


async def _fetched(where: list[tuple[str, str]], port: int, token: str) -> list[Answer | str]:
    path = f"/.well-known/acme-challenge/{token}"
    return await asyncio.gather(*(_one(name, address, port, path) for name, address in where))


async def _one(name: str, address: str, port: int, path: str) -> Answer | str:
    """The answer, or why there is none."""
    exchange = Exchange()
    try:
        async with asyncio.timeout(SECONDS):
            return await exchange.get(address, port, name, path, tls=False)
    except TimeoutError:
        return f"{exchange.step} did not end within {SECONDS:g} s"
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)
    except BadAnswer as error:
        return str(error)
    except TooLarge:
        return "the answer is far too large"
    finally:
        exchange.close()


def _judged(subject: str, answer: Answer | str, content: str) -> Result:
    expected = "status 200 and the token's content"
    if isinstance(answer, str):
        return Result(State.WRONG, subject, answer, expected, "See that the web server runs and listens there.")
    if answer.status == 200 and answer.body.strip() == content.encode("ascii"):
        return Result(State.FINE, subject, "the token came back")
    by = f"status {answer.status} by {answer.server or 'an unnamed server'}"
    if answer.status in FOLLOWED:
        onward = printable(answer.location or "nowhere", 120)
        return Result(State.WARNING, subject, f"{by}, which sends on to {onward}", expected, _REMEDY)
    words = f"{by}, with something else than the token" if answer.status == 200 else by
    return Result(State.WRONG, subject, words, expected, _REMEDY)
