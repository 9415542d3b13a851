"""Asks for nginx's configuration as a whole: the files it would read, includes followed."""

from __future__ import annotations

import crossplane

from jobs.policy.failure import Failure
from jobs.policy.nginx_config import Directive, IncludesItself, tree

_SHOWN = 5


def nginx_directives(config: str) -> tuple[Directive, ...]:
    """The directives of the main file `config`, each include with what it stands for.

    Raises Failure("config_broken_before") with the places that can't be read.
    """
    try:
        answer = crossplane.parse(config)
        if answer["status"] == "ok":
            return tree(answer)
    except (RecursionError, IncludesItself) as error:
        raise Failure("config_broken_before", f"{config}: reading: {error}") from error
    said = [f"{item['file']}:{item.get('line') or '?'}: {item['error']}" for item in answer["errors"]]
    raise Failure("config_broken_before", f"{config}: reading: {' / '.join(said[:_SHOWN])}")
