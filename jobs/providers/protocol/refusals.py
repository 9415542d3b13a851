"""Refusals of single names: each is kept with its words, so that the others of an order have their chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from jobs.policy.failure import Failure
from jobs.providers.protocol.order import Authorization, Challenge
from jobs.providers.protocol.problem import PREFIX, words


def refused_name(authorization: Authorization, challenge: Challenge | None) -> Failure:
    """Why a name did not validate, in the CA's words if it gave any."""
    errors = [one.error for one in ([challenge] if challenge else authorization.challenges) if one.error]
    said = words(errors[0]) if errors else f"the CA gave no reason (authorization {authorization.status})"
    text = f"{authorization.identifier}: the CA's validation: {said}"
    caa = bool(errors) and (errors[0] or {}).get("type") == f"{PREFIX}caa"
    code = "ca_caa" if caa else "validation_failed"
    return Failure(code, text, permanent=caa, names={authorization.identifier: text})


def with_names(failure: Failure, ordered: Sequence[str]) -> Failure:
    """A refusal of one name comes without subproblems, the name stands quoted in the CA's words."""
    if failure.code != "ca_rejected_name" or failure.names:
        return failure
    names = {name: failure.detail for name in ordered if f'"{name}"' in failure.detail}
    return Failure(failure.code, failure.detail, failure.retry_at, failure.permanent, names)


@contextmanager
def kept_for_later(refused: list[Failure]) -> Iterator[None]:
    """A failure that is about single names must not hide those of the others."""
    try:
        yield
    except Failure as failure:
        if not failure.names:
            raise
        refused.append(failure)


def all_of(refused: list[Failure]) -> Failure:
    """Several refusals as one."""
    names = {name: text for failure in refused for name, text in failure.names.items()}
    permanent = all(failure.permanent for failure in refused)
    return Failure(refused[0].code, "; ".join(names.values()), permanent=permanent, names=names)
