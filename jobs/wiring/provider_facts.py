"""A provider's row and specs as one JSON-able value, for the command line and the panel."""

from __future__ import annotations

import dataclasses
from typing import Any

import models
from jobs.policy.specs import Specs


def facts(row: models.Provider, specs: Specs) -> dict[str, Any]:
    """Everything there is to know of a provider, its secrets excepted. `score` says what each star is for."""
    from jobs.policy.score import score

    stars = score(specs)
    return {
        "name": row.name,
        "plugin": row.plugin,
        "title": specs.title,
        "current": bool(row.current),
        "directory": specs.directory,
        "account": row.account_url,
        "terms_url": specs.terms_url,
        "terms_accepted": row.terms_accepted,
        "eab_kid": row.eab_kid,
        "wildcard": specs.wildcard,
        "max_names": specs.max_names,
        "stars": stars.total,
        "score": list(stars.reasons),
        "specs": {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(specs).items()
        },
    }
